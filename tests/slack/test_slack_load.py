"""How the way out to Slack bears load: forty incidents at once, many changes at once, an hour of outage."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.domain.finding import RecordFinding
from bot.domain.lifecycle import Resolve, Update
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.localslack import Limits
from tests.slack.storm import ON_CALL, Storm

STRICT: dict[str, Any] = {"limits": Limits(per_minute=20)}


def paged(s: Storm, incident: str) -> str:
    """Who was paged for an incident first."""
    return next(key for key in ON_CALL if f" {incident} " in str([m["text"] for m in s.standing(f"D0{key.upper()}")]))


async def test_forty_incidents_at_once_under_429s(tmp_path: Path):
    """One message a second and channel, twenty calls a minute and method: nothing lost or twice, pages before all else."""
    async with Storm.open(tmp_path, strict=STRICT) as s:
        names = [one.id for one in await s.declare_many(40)]
        await s.pass_by(240)
        for name in names:
            key = paged(s, name)
            s.click(key, "ack", name, room=f"D0{key.upper()}")
        await s.pass_by(360)
        assert s.acks == [True] * 40
        assert all(one.acknowledged for one in await s.desk.open_incidents())
        assert s.cards() == dict.fromkeys(names, 1)
        assert await s.wrong() == []
        assert await s.orphans() == []
        posts = [one["sent"]["channel"] for one in s.accepted("chat.postMessage")]
        assert [channel[0] for channel in posts] == ["D"] * 40 + ["C"] * 40
        refused = [one for one in s.calls("chat.postMessage") if one["outcome"] == "fault 429"]
        assert 0 < len(refused) <= 20
        worst = [one["sent"]["text"][:4] for one in s.accepted("chat.postMessage")[40:]]
        assert worst[:4] == ["SEV1"] * 4


async def test_news_goes_before_small_print_and_nobody_waits_for_ever(tmp_path: Path):
    """Forty cards with small print to change: what is acknowledged last is shown first, each card changes once."""
    async with Storm.open(tmp_path, strict={"limits": Limits()}) as s:
        names = [one.id for one in await s.declare_many(40)]
        await s.pass_by(120)
        assert await s.wrong() == []
        rows = {name: await s.store.mirror.of(name) for name in names}
        card = {name: rows[name]["card"].ts for name in names}
        mild, bad = [name for name in names if (await s.incident(name)).severity is Severity.SEV4][-1], names[-1]
        start = s.slack.traffic.count
        for name in names:
            await s.say_now(RecordFinding("the upstream changed", "ana"), "ana", name)
        await s.quiet()
        queue = s.slack.traffic.count
        assert 0 < len(s.accepted("chat.update", start)) < 15
        for name in (mild, bad):
            await s.say_now(Acknowledge(), "ana", name)
        await s.pass_by(4)
        first = [one["sent"]["ts"] for one in s.accepted("chat.update", queue)]
        assert {first[0], first[1]} == {card[mild], card[bad]}
        await s.pass_by(120)
        assert await s.wrong() == []
        changed = Counter(one["sent"]["ts"] for one in s.accepted("chat.update", start))
        assert {changed[card[name]] for name in names if name not in (mild, bad)} == {1}
        assert changed[card[bad]] <= 2
        pages = [row.ts for of in rows.values() for key, row in of.items() if key.startswith("page:")]
        assert all(changed[ts] <= 1 for ts in pages)


async def test_a_page_overtakes_a_queue_of_messages(tmp_path: Path):
    """Thirty updates wait for their turn in the home channel: a page that comes now is the next call."""
    async with Storm.open(tmp_path, strict=STRICT) as s:
        (first,) = await s.declare_many(1)
        await s.pass_by(30)
        for n in range(30):
            await s.say_now(Update(f"news {n}"), "ana", first.id)
        await s.pass_by(2)
        start = s.slack.traffic.count
        await s.declare_many(1)
        await s.pass_by(60)
        posts = [one["sent"]["channel"] for one in s.accepted("chat.postMessage", start)]
        assert posts[0].startswith("D")


@pytest.mark.long
async def test_an_hour_of_outage_is_collapsed_not_replayed(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Changed six times each, closed, newly declared: ten minutes after the return all is shown, by one change each."""
    async with Storm.open(tmp_path, strict=STRICT) as s:
        names = [one.id for one in await s.declare_many(9)]
        await s.pass_by(60)
        assert await s.wrong() == []
        s.fault("*", "outage", times=1_000_000)
        await s.slack.delivery.disconnect("link_disabled")
        caplog.clear()
        new: list[str] = []
        for n in range(6):
            for name in names:
                await s.say_now(RecordFinding(f"finding {n}", "ana"), "ana", name)
            if n == 2:
                new = [one.id for one in await s.declare_many(3)]
            if n == 4:
                for name in [*names, *new]:
                    await s.say_now(Acknowledge(), "ben", name)
            await s.pass_by(590)
        await s.say_now(Resolve("rolled back"), "ana", names[0])
        await s.pass_by(60)
        health = s.room.health()
        assert (health.connected, health.behind.incidents) == (False, 12)
        assert health.behind.since is not None
        assert "HTTP 503" in health.behind.error
        start = s.slack.traffic.count
        s.slack.workspace.faults.waiting.clear()
        back = s.clock.now()
        while (await s.wrong()) and (s.clock.now() - back).total_seconds() < 600:
            await s.pass_by(10)
        assert await s.wrong() == []
        await s.pass_by(660)
        assert s.room.health().behind.incidents == 0
        assert s.cards() == dict.fromkeys([*names, *new], 1)
        assert await s.orphans() == []
        changed = Counter(one["sent"]["ts"] for one in s.accepted("chat.update", start))
        card = {name: (await s.store.mirror.of(name))["card"].ts for name in names}
        assert {changed[ts] for ts in card.values()} == {1}
        assert sum(changed.values()) <= 2 * len(names) + len(new)
        said = [one.message for one in caplog.records if one.name == "bot.slack.mirror" and one.levelname == "WARNING"]
        told = [words for words in said if words.startswith("Slack ")]
        assert [words.split(" since ")[0] for words in told] == [
            "Slack does not show 9 incident(s) as they stand", "Slack shows every incident as it stands again",
        ]  # fmt: skip
