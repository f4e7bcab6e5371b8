"""A whole incident on a workspace that lacks one call: for each call the product can do without, it ends all the same."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.lifecycle import Close
from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.engine.errands import Errands
from bot.slack.features import CALLS
from tests.calling import summons
from tests.slack.bench import Bench

NEEDED = {
    "auth.test": "no mention is known as one of us",
    "chat.postMessage": "no card, no thread",
    "chat.update": "a card that says what is no longer so",
    "views.open": "no dialogs: what they ask is typed",
}
"""What nobody can do without, and what would be missing."""
ELSEWHERE = {"blocks.validate": "asked by the doctor alone: test_views_that_slack_refuses_are_named"}
OPTIONAL = sorted(set(CALLS) - set(NEEDED) - set(ELSEWHERE))
FILES = {"files.getUploadURLExternal", "files.completeUploadExternal"}
GROUPS = [OPTIONAL[n : n + 7] for n in range(0, len(OPTIONAL), 7)]


@pytest.mark.parametrize("group", GROUPS, ids=[f"{one[0]}..{one[-1]}" for one in GROUPS])
async def test_an_incident_ends_without_any_one_call(tmp_path: Path, group: list[str],
                                                     caplog: pytest.LogCaptureFixture):  # fmt: skip
    """Declared, taken, told, talked about, promoted, resolved, learned from: what lacks is left out, nothing else."""
    async with Bench.open(tmp_path) as bench:
        for number, method in enumerate(group, start=1):
            bench.slack.workspace.strict.without = frozenset({method})
            await bench.restart()
            await walk(bench, f"INC-{number}", method)
            met = [one["outcome"] for one in bench.slack.traffic.entries if one["what"] == method]
            assert "unknown_method" in met, f"{method} was not asked for: the walk shows nothing of it"
            bench.slack.traffic.entries.clear()
        broken = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
        assert broken == []


def test_every_call_is_walked_without_or_named():
    """A new call of a feature is taken away here too, and what is excepted here is a call of some feature."""
    assert {*NEEDED, *ELSEWHERE} < set(CALLS)
    assert [one for group in GROUPS for one in group] == OPTIONAL


def standing(bench: Bench, name: str, surface: str, room: str = "C0INC") -> list[dict[str, Any]]:
    """The messages of a surface of this incident."""
    return [one for one in bench.posts(surface, room) if one["metadata"]["event_payload"]["incident"] == name]


def heard(bench: Bench, key: str, words: str) -> int:
    """How often a person was told so, where they were or by direct message."""
    direct = bench.slack.workspace.memory.messages.get(f"D0{key.upper()}", {}).values()
    return sum(words in one for one in (*bench.whispers(key), *(str(message["text"]) for message in direct)))


async def walk(bench: Bench, name: str, without: str) -> None:
    """One incident from its declaration to its end, in which everything is asked of the workspace."""
    ts = await posted(bench, name)
    await taken(bench, name, ts, without)
    await talked(bench, name, ts, without)
    await promoted(bench, name, ts, without)
    await ended(bench, name, ts, without)


async def posted(bench: Bench, name: str) -> str:
    """Declared while Slack loses answers: one card in the end, and copies of it are cleared away where that can be."""
    bench.fault("chat.postMessage", "500")
    who = await bench.who("ana")
    made = await bench.desk.declare("Recall is down", Severity.SEV2, "visits", "fell", who)
    assert made.id == name
    bench.dirty.clear()
    with contextlib.suppress(Unavailable):
        await bench.show(name)
    bench.clock.forward(61)
    await bench.show(name)
    (card,) = standing(bench, name, "card")
    again = card["metadata"] | {"event_payload": card["metadata"]["event_payload"] | {"attempt": 1}}
    for answered in (False, True):
        _channel, ts = await bench.room.client.post("C0INC", "late", [], metadata=again)
        if answered:
            await (await bench.person("ana")).say("I answered here", in_thread_of=ts)
        await bench.room.chat.sweep()
    return str(card["ts"])


async def taken(bench: Bench, name: str, ts: str, without: str) -> None:
    """Paged, acknowledged, assessed in a dialog over a dialog, and told in an update whose answer is lost."""
    ana = await bench.person("ana")
    lost = pytest.raises(Refused) if without == "conversations.open" else contextlib.nullcontext()
    with lost:
        await bench.room.page(summons(await bench.who("ben"), await bench.desk.situation(name), f"{name}/page"))
    assert (await ana.click("ack", ts=ts))["acked"]
    await ana.open_home()
    await bench.slack.delivery.settle()
    await ana.click("more", ts=ts, value=f"legal.open {name}")
    await ana.wait_for_view("legal")
    await ana.click_in_view("impact.open")
    await ana.wait_for_view("impact")
    await ana.submit({"events": "12", "people": "", "money": "0", "unknowns": "people: no ids"})
    await ana.close_view(everything=True)
    await ana.click("update.open", ts=ts)
    await ana.wait_for_view("update")
    bench.fault("chat.postMessage", "500_after_storing")
    await ana.submit({"text": "We roll back"})
    with contextlib.suppress(Unavailable):
        await bench.settle()
    bench.clock.forward(61)
    await bench.show(name)
    incident = await bench.incident(name)
    assert incident.acknowledged is not None
    assert incident.impact.events == 12
    told = [one for one in await ana.messages(in_thread_of=ts) if "We roll back" in str(one["blocks"])]
    assert len(told) == (2 if without == "conversations.replies" else 1)  # better twice than never


async def talked(bench: Bench, name: str, ts: str, without: str) -> None:
    """A mention, words kept by emoji, and a mention nobody understands."""
    ana, ben = await bench.person("ana"), await bench.person("ben")
    before = heard(bench, "ben", "In a thread: ")
    found = await ana.say("<@U0TOCSIN> find the upstream changed", in_thread_of=ts)
    said = await ana.say("the export is empty", in_thread_of=ts)
    mistaken = await ana.say("never mind", in_thread_of=ts)
    await ben.say("<@U0TOCSIN> rubbish", in_thread_of=ts)
    await bench.slack.delivery.settle()
    await ben.react("pushpin", said)
    for remove in (False, True):
        await ben.react("pushpin", mistaken, remove=remove)
        await bench.slack.delivery.settle()
        await bench.settle()
    await bench.settle()
    incident = await bench.incident(name)
    assert [one.text for one in incident.findings] == ["the upstream changed"]
    assert [one.text for one in incident.notes if one.gone is None] == ["the export is empty"]
    ticked = bench.slack.workspace.message("C0INC", found).get("reactions")
    assert bool(ticked) is (without != "reactions.add")
    assert heard(bench, "ben", "In a thread: ") == before + 1


async def promoted(bench: Bench, name: str, ts: str, without: str) -> None:
    """A war room, and a reminder of the next update."""
    errands = Errands(bench.desk, bench.room.chat)
    ana = await bench.person("ana")
    await ana.click("more", ts=ts, value=f"room.open {name}")
    await ana.wait_for_view("room")
    await ana.submit({})
    await errands.open_room(await bench.incident(name))
    await bench.settle()
    room = (await bench.incident(name)).room
    assert room is not None
    assert bool(room.channel) is (without != "conversations.create")
    if room.channel:
        assert len(standing(bench, name, "room", room.channel)) == 1
    assert len(standing(bench, name, "room:told:1")) == 1
    bench.clock.forward(3_600)
    await errands.remind(await bench.incident(name), (await bench.who("ana")).id)
    await bench.settle()


async def ended(bench: Bench, name: str, ts: str, without: str) -> None:
    """Resolved with its checks, learned from, closed."""
    ana = await bench.person("ana")
    await ana.click("more", ts=ts, value=f"resolve.open {name}")
    await ana.wait_for_view("resolve")
    await ana.submit({"summary": "Rolled back"})
    await bench.settle()
    (summary,) = standing(bench, name, "summary")
    assert "Rolled back" in str(summary["blocks"])
    await ana.click("whys.open", in_thread_of=ts)
    await ana.wait_for_view("whys")
    await ana.submit({"answer:0": "The export was empty", "evidence:0": "assumed"})
    await ana.click_in_view("whys.ask")
    await ana.close_view(everything=True)
    await ana.click("postmortem", in_thread_of=ts)
    await bench.settle()
    below = await ana.messages(in_thread_of=ts)
    assert any(one.get("files") for one in below) is (without not in FILES)
    assert heard(bench, "ana", f"incidents/{name}/postmortem|Read it on the console") == (without in FILES)
    await bench.say(Close(), "ana", name)
    await Errands(bench.desk, bench.room.chat).archive_room(await bench.incident(name))
    await bench.settle()
    incident = await bench.incident(name)
    assert incident.phase is Phase.CLOSED
    assert list(incident.whys) == ["W1"]
    (card,) = [one for one in standing(bench, name, "card") if one["ts"] == ts]
    assert "Closed" in str(card["blocks"])
