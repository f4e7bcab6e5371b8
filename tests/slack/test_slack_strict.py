"""The whole story on the strictest of servers: no pins or canvases, no metadata, answers lost, and a restart between."""

from pathlib import Path
from typing import Any

import pytest

from bot.domain.finding import RecordFinding
from bot.domain.lifecycle import Update
from bot.domain.paging import Acknowledge
from bot.engine.values import Posted
from bot.slack import likeness
from tests.slack.bench import Bench
from tests.slack.storm import Storm

WITHOUT = frozenset({
    "pins.add", "pins.remove", "bookmarks.add", "bookmarks.edit", "bookmarks.list", "conversations.setTopic",
    "usergroups.list", "usergroups.users.list", "canvases.create", "canvases.edit", "conversations.canvases.create",
    "reactions.add",
})  # fmt: skip
STRICT: dict[str, Any] = {"without": WITHOUT, "drops_metadata": True}


@pytest.mark.parametrize("drops", [True, False])
async def test_lost_answers_and_a_restart_in_the_middle(tmp_path: Path, drops: bool):
    """Posts stored whose answer never came, others that never arrived, then the process dies: one of each in the end."""
    async with Storm.open(tmp_path, strict=STRICT | {"drops_metadata": drops}) as s:
        for kind in ("500_after_storing", "cut_after_storing", "500", "ok", "cut", "500_after_storing"):
            if kind != "ok":
                s.fault("chat.postMessage", kind, times=2)
        names = [one.id for one in await s.declare_many(8)]
        await s.pass_by(10)
        s.fault("chat.postMessage", "cut_after_storing", times=3)
        for name in names[:4]:
            await s.say_now(Update("we are looking"), "ana", name)
        await s.pass_by(3)
        await s.restart()
        for name in names:
            await s.say_now(RecordFinding("the upstream changed", "ana"), "ana", name)
        for name in names[4:]:
            await s.say_now(Acknowledge(), "ben", name)
        await s.pass_by(60)
        s.fault("chat.postMessage", "500_after_storing", times=2)
        for name in names[:4]:
            await s.say_now(Update("we are looking"), "ana", name)  # the same words once more
        await s.pass_by(780)
        assert s.cards() == dict.fromkeys(names, 1)
        assert await s.wrong() == []
        assert await s.orphans() == []
        told = [m["text"].split()[3] for m in s.standing() if "Update on" in m["text"]]
        assert sorted(told) == sorted([*names[:4], *names[:4]])
        assert all(not m.get("metadata") for m in s.standing()) is drops


async def test_what_a_workspace_does_not_have_is_not_asked_for_again_and_again(tmp_path: Path):
    """Unknown once, it is left out for a quarter of an hour; then it is tried again, and used where it is there now."""
    async with Bench.open(tmp_path, strict=STRICT) as bench:
        await bench.declared()
        (row,) = (await bench.store.mirror.of("INC-1")).values()
        client = bench.room.client
        for _ in range(5):
            assert await client.optional("pins.add", channel=row.channel, timestamp=row.ts) is None
        assert client.lacks("pins.add")
        assert len(bench.calls("pins.add")) == 1
        bench.slack.workspace.strict.without = frozenset()
        bench.clock.forward(901)
        assert await client.optional("pins.add", channel=row.channel, timestamp=row.ts) is not None
        assert not client.lacks("pins.add")
        assert await client.optional("pins.add", channel=row.channel, timestamp=row.ts) is None  # already_pinned
        assert not client.lacks("pins.add")


async def test_a_trimming_is_left_out_rather_than_waited_for(tmp_path: Path):
    """Many pins at once: as many as have a turn within a second, and nobody waits a minute for the rest."""
    async with Bench.open(tmp_path) as bench:
        _channel, ts = await bench.room.client.post("C0INC", "x", [])
        ahead = bench.clock.now()
        for _ in range(12):
            await bench.room.client.optional("pins.add", channel="C0INC", timestamp=ts)
        assert 4 <= len(bench.calls("pins.add")) <= 10
        assert (bench.clock.now() - ahead).total_seconds() < 13


async def in_doubt(bench: Bench, words: str, surface: str = "card") -> None:
    """A post of these words whose answer was lost a minute ago."""
    note = likeness.noted("", {likeness.mark(words)})
    at = bench.clock.now()
    await bench.store.mirror.claim(Posted("INC-1", surface, "C0INC", "", note, "sending", 1, at))
    bench.clock.forward(20)


async def test_only_our_own_words_in_the_right_place_are_adopted(tmp_path: Path):
    """The same words of a person, in a thread, older, or known as another surface's message are not taken for it."""
    async with Bench.open(tmp_path, strict=STRICT) as bench:
        await bench.declared()
        chat, client = bench.room.chat, bench.room.client
        row = (await bench.store.mirror.of("INC-1"))["card"]
        words = "SEV2 INC-1 the very words"
        room = bench.slack.workspace.room("C0INC")
        await client.post("C0INC", words, [])
        bench.clock.forward(120)
        bench.slack.workspace.post(room, "U0GUS", {"text": words})
        await client.post("C0INC", words, [], thread_ts=row.ts)
        _channel, known = await client.post("C0INC", words, [])
        await bench.store.mirror.save(Posted("INC-9", "card", "C0INC", known, "", "posted", 1, bench.clock.now()))
        await in_doubt(bench, words, "other")
        doubtful = (await bench.store.mirror.of("INC-1"))["other"]
        assert await chat.poster.resolve(doubtful, patient=False) is None
        _channel, mine = await client.post("C0INC", words, [])
        adopted = await chat.poster.resolve(doubtful, patient=False)
        assert adopted is not None
        assert adopted.ts == mine


def test_words_are_known_again_however_slack_gives_them_back():
    """Escapes, spaces and emoji come back otherwise; other words are others, the incident's name above all."""
    said = "SEV2 INC-1 Recall &lt;5 % \N{POLICE CARS REVOLVING LIGHT} in  Köln. Somebody must acknowledge."
    back = "SEV2 INC-1 Recall <5 % :rotating_light: in Köln. Somebody must acknowledge."
    assert likeness.mark(said) == likeness.mark(back)
    assert likeness.mark(said) != likeness.mark(back.replace("INC-1", "INC-2"))
    note = likeness.noted("abc", {"b", "a"})
    assert (likeness.shown(note), likeness.marks(note)) == ("abc", {"a", "b"})
    assert (likeness.shown("abc"), likeness.marks("abc")) == ("abc", frozenset())
