"""What people type: done, or told in words why nothing came of it; never a sign of success for nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.lifecycle import Update
from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.domain.sli import Attach, Judged, Sli
from bot.slack.reactions import TICK
from tests.slack.bench import Bench
from tests.slack.talking import settled, signs, thread


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def typed(bench: Bench, who: str, text: str) -> tuple[bool, list[str]]:
    """Said to the bot in the thread: whether it got the sign that it is recorded, and what the person was told."""
    person, before = await bench.person(who), len(bench.whispers(who))
    (card,) = bench.posts("card")
    ts = await person.say(f"<@U0TOCSIN> {text}", in_thread_of=card["ts"])
    await settled(bench)
    return TICK in signs(bench, ts), bench.whispers(who)[before:]


async def commanded(bench: Bench, who: str, text: str) -> str:
    person = await bench.person(who)
    await person.command("/incident", text)
    await settled(bench)
    return bench.whispers(who)[-1]


# -- success is said of what was recorded ----------------------------------------------------------------------------


async def test_who_acknowledges_second_in_words_is_told_who_was_first(bench: Bench):
    """Ana has it: Ben's mention gets no sign, and neither it nor his command lets him believe that he has it."""
    await thread(bench)
    assert await typed(bench, "ana", "ack") == (True, [])
    assert await typed(bench, "ben", "ack") == (False, ["Ana Souza acknowledged INC-1 already."])
    assert await commanded(bench, "ben", "INC-1 ack") == "Ana Souza acknowledged INC-1 already."
    assert await typed(bench, "ana", "ack") == (False, ["You have INC-1 already."])
    assert await commanded(bench, "ana", "INC-1 ack") == "You have INC-1 already."


async def test_two_who_acknowledge_in_the_same_instant(bench: Bench):
    """Both see it unclaimed: one has it, the other is told who."""
    await thread(bench)
    load, both = bench.log.load, asyncio.Barrier(2)
    seen: set[Any] = set()

    async def together(name: str) -> Any:
        known = await load(name)
        if known.unclaimed and asyncio.current_task() not in seen:
            seen.add(asyncio.current_task())
            await both.wait()
        return known

    bench.log.load = together
    ana, ben = await bench.person("ana"), await bench.person("ben")
    (card,) = bench.posts("card")
    await asyncio.gather(ana.click("ack", ts=card["ts"]), ben.click("ack", ts=card["ts"]))
    bench.log.load = load
    await bench.settle()
    first = (await bench.incident()).acknowledged_by
    winner, loser = ("ana", "ben") if first == (await bench.who("ana")).id else ("ben", "ana")
    assert bench.whispers(winner) == []
    assert bench.whispers(loser) == [f"{(await bench.who(winner)).name} acknowledged INC-1 already."]


async def test_close_files_it_away(bench: Bench):
    """Open, it says what comes first; resolved, it closes; closed, it says so."""
    await thread(bench)
    done, told = await typed(bench, "ana", "close")
    assert (done, told) == (False, ["INC-1 is declared; resolve it first"])
    assert await typed(bench, "ana", "resolve the export is back") == (True, [])
    assert await typed(bench, "ana", "resolve again") == (False, ["INC-1 is resolved already; `close` files it away."])
    assert await typed(bench, "ana", "close") == (True, [])
    assert (await bench.incident()).phase is Phase.CLOSED
    assert await typed(bench, "ana", "close") == (False, ["INC-1 is closed already."])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("sev 1 all of Europe", "INC-1 is SEV1 already."),
        ("lead", "You lead INC-1 already."),
        ("room", "INC-1 has a war room already."),
        ("page <@U0BEN> the export", "They were paged less than two minutes ago; so soon nobody is paged again."),
    ],
)
async def test_what_changes_nothing_says_so(bench: Bench, words: str, told: str):
    """Said twice: the first gets the sign, the second its reason, by mention and by command."""
    await thread(bench)
    assert await typed(bench, "ana", words) == (True, [])
    assert await typed(bench, "ana", words) == (False, [told])
    if "<@" not in words:
        assert await commanded(bench, "ana", f"INC-1 {words}") == told


async def test_delivered_again_it_is_still_done(bench: Bench):
    """Slack delivers a mention again whose answer was lost: nobody is told that nothing changed."""
    await thread(bench)
    await typed(bench, "ana", "sev 1 all of Europe")
    seq, told = (await bench.incident()).seq, bench.whispers("ana")
    sent = [one["sent"] for one in bench.slack.traffic.entries if _kind(one["sent"]) == "app_mention"]
    assert (await bench.room.ingress.take(sent[-1])).status == 200
    await settled(bench)
    assert (await bench.incident()).seq == seq
    assert bench.whispers("ana") == told


def _kind(sent: Any) -> str:
    event = sent.get("event") if isinstance(sent, dict) else None
    return str(event.get("type")) if isinstance(event, dict) else ""


async def test_somebody_elses_entry_is_not_taken_for_ones_own(bench: Bench):
    """Ben writes between: Ana's words that changed nothing are still told to have changed nothing."""
    await thread(bench)
    load, loads = bench.log.load, 0

    async def meanwhile(name: str) -> Any:
        nonlocal loads
        known, loads = await load(name), loads + 1
        if loads == 1:  # what stands before the deed
            await bench.desk.submit(name, Update("we look at the export"), await bench.who("ben"))
        return known

    bench.log.load = meanwhile
    assert await commanded(bench, "ana", "INC-1 sev 2 as it is") == "INC-1 is SEV2 already."
    assert loads > 1


def _breached(bench: Bench) -> Sli:
    now = bench.clock.now()
    return Sli("recall", Judged.BREACHED, "burns", now, now, 0.1, 0.9, 1, 2.0)


# -- words -----------------------------------------------------------------------------------------------------------


async def test_everybody_reads_names_and_links_not_slacks_notation(bench: Bench):
    """Update, why, severity and resolution: a mention is a name, a link its label and address."""
    card = await thread(bench)
    noted = "ask <@U0BEN>, see <https://grafana.example/d/1|the board> &amp; wait"
    read = "ask @Ben Okafor, see the board (https://grafana.example/d/1) & wait"
    assert await typed(bench, "ana", f"update next 30m: {noted}") == (True, [])
    assert await typed(bench, "ana", f"why {noted}") == (True, [])
    assert await typed(bench, "ana", f"sev 1 {noted}") == (True, [])
    assert await typed(bench, "ana", f"page <@U0BEN> {noted}") == (True, [])
    assert await typed(bench, "ana", f"resolve {noted}") == (True, [])
    incident = await bench.incident()
    assert [why.text for why in incident.whys.values()] == [read]
    assert incident.calls[-1].because == read
    situation = await bench.desk.situation("INC-1")
    lines = [situation.say(line) for line in situation.timeline]
    assert sum(read in line for line in lines) == 5
    person = await bench.person("ana")
    thread_words = [str(m) for m in await person.messages(in_thread_of=card) if "Update on" in str(m)]
    assert thread_words
    assert "U0BEN" not in thread_words[0]
    assert "|the board" not in thread_words[0]


async def test_words_sent_by_command_are_read_the_same_way(bench: Bench):
    """A finding, a note and a declaration typed after the slash."""
    await bench.declared()
    await commanded(bench, "ana", "INC-1 find see <https://a.example|the board>")
    await commanded(bench, "ana", "INC-1 note &amp;lt; is written so")
    incident = await bench.incident()
    assert incident.findings[0].text == "see the board (https://a.example)"
    assert incident.notes[0].text == "&lt; is written so"
    ana = await bench.person("ana")
    await ana.command("/incident", "declare <@U0BEN> sees nothing")
    blocks = {one["block_id"]: one for one in (await ana.wait_for_view("declare"))["blocks"]}
    assert blocks["title"]["element"]["initial_value"].endswith("Ben Okafor sees nothing")


@pytest.mark.parametrize("words", ["sev1 all of Europe", "SEV1: all of Europe", "sev 1 because all of Europe"])
async def test_a_severity_in_one_word(bench: Bench, words: str):
    """As people write it."""
    await thread(bench)
    assert await typed(bench, "ana", words) == (True, [])
    assert (await bench.incident()).severity is Severity.SEV1


async def test_a_word_nobody_knows_is_named(bench: Bench):
    """By mention and by command: which word it was, and what there is."""
    await thread(bench)
    done, (told,) = await typed(bench, "ana", "sandwich please")
    assert not done
    for words in (told, await commanded(bench, "ana", "INC-1 sandwich")):
        assert words.startswith("I do not know “sandwich”.\nIn a thread:")
        assert "`sev1 &lt;why&gt;`" in words
        assert "`close`" in words


async def test_what_is_still_open_names_the_button(bench: Bench):
    """Typing cannot give a reason for each open check: the words say where it can be done; the role comes first."""
    await thread(bench)
    await bench.desk.submit("INC-1", Attach(_breached(bench)))
    done, (told,) = await typed(bench, "ana", "resolve it is over")
    assert not done
    assert told == "Not yet: recall is breached. Press Resolve on the card to say why it is over all the same"
    _done, (told,) = await typed(bench, "cleo", "resolve it is over")
    assert "may resolve an incident" in told
