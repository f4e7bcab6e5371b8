"""What counsel says in the legal channel stays there, whichever way somebody would carry it into the incident."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.slack.ingress import PRIVILEGED
from tests.slack.bench import Bench
from tests.slack.talking import settled, timeline

SECRET = "privileged: we knew since May"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        await made.declared()
        await made.desk.request_notice("INC-1", "stakeholders/update", await made.who("dev"))
        await made.settle()
        yield made


def notice(bench: Bench) -> str:
    (found,) = bench.posts("notice:N1", "C0LEGAL")
    return str(found["ts"])


@pytest.mark.parametrize(
    "words",
    [f"note {SECRET}", f"find {SECRET}", f"follow {SECRET} in 2 weeks", f"update {SECRET}", f"why {SECRET}",
     f"sev 1 {SECRET}", f"resolve {SECRET}", f"page <@U0BEN> {SECRET}", f"next same {SECRET}",
     f"INC-1 note {SECRET}", f"retract F1 {SECRET}"],
)  # fmt: skip
@pytest.mark.parametrize("below", ["the notice", "no message of ours"])
async def test_words_below_a_notice_do_not_become_the_incidents(bench: Bench, words: str, below: str):
    """Each verb that carries words is answered with where to say it; the record stays as it was."""
    cleo = await bench.person("cleo", "C0LEGAL")
    if below == "the notice":
        await cleo.say(f"@Tocsin {words}", in_thread_of=notice(bench))
    else:
        await cleo.say(f"@Tocsin {words if words.startswith('INC-1') else f'INC-1 {words}'}")
    await settled(bench)
    assert bench.whispers("cleo") == [PRIVILEGED]
    assert "privileged" not in str(await bench.desk.log.entries("INC-1"))


async def test_the_command_and_the_menus_carry_nothing_out_of_the_legal_channel(bench: Bench):
    """Typed after the command, or from the menu of a message below the notice and of one beside it."""
    cleo = await bench.person("cleo", "C0LEGAL")
    await cleo.command("/incident", f"INC-1 note {SECRET}")
    below = await cleo.say(SECRET, in_thread_of=notice(bench))
    beside = await cleo.say(SECRET)
    await settled(bench)
    for ts in (below, beside):
        for menu in ("timeline_message", "finding_message", "followup_message"):
            await cleo.shortcut(menu, ts=ts, room="C0LEGAL")
            await settled(bench)
    assert bench.whispers("cleo") == [PRIVILEGED] * 7
    assert await cleo.views() == []
    await cleo.react("pushpin", below)
    await settled(bench)
    assert "privileged" not in str(await bench.desk.log.entries("INC-1"))
    assert not any("privileged" in line for line in await timeline(bench))


async def test_what_carries_no_words_is_done_there(bench: Bench):
    """Acknowledging, and paging somebody without a word, are as good from the legal channel."""
    ben = await bench.person("ben", "C0LEGAL")
    for words in ("ack", "page <@U0ANA>"):
        await ben.say(f"@Tocsin {words}", in_thread_of=notice(bench))
        await settled(bench)
    assert PRIVILEGED not in bench.whispers("ben")
    assert (await bench.incident()).acknowledged is not None


@pytest.mark.parametrize("legal", ["ml-incidents", "C0INC"])
async def test_a_legal_channel_that_is_everybodys_keeps_its_threads_apart(tmp_path: Path, legal: str):
    """One channel for all: below the card one may note, below the notice not."""
    async with Bench.open(tmp_path, legal_channel=legal) as bench:
        await bench.declared()
        await bench.desk.request_notice("INC-1", "stakeholders/update", await bench.who("dev"))
        await bench.settle()
        ana = await bench.person("ana")
        (card,), (notice,) = bench.posts("card"), bench.posts("notice:N1")
        await ana.say("@Tocsin note it fell at noon", in_thread_of=card["ts"])
        await ana.say(f"@Tocsin note {SECRET}", in_thread_of=notice["ts"])
        await settled(bench)
        assert [one.text for one in (await bench.incident()).notes] == ["it fell at noon"]
        assert bench.whispers("ana") == [PRIVILEGED]
