"""Every way in which data can fail to come: nothing is concluded from any of them, and nothing is lost by them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Refused
from bot.domain.lifecycle import Resolve
from bot.domain.phase import Phase
from bot.domain.sli import Judged
from bot.slo.spec import Point, Query
from tests.world import World, shipped

POOR = shipped().slos[0]


@dataclass
class Bent:
    """The world's counters, seen through something that bends what they say."""

    inner: object
    bend: Callable[[list[Point]], list[Point]]

    async def read(self, queries: Collection[Query], at: datetime) -> Mapping[Query, Sequence[Point]]:
        found = await self.inner.read(queries, at)
        return {query: self.bend(list(points)) for query, points in found.items()}

    async def close(self) -> None:
        return


def gone(_points: list[Point]) -> list[Point]:
    return []


def not_a_number(points: list[Point]) -> list[Point]:
    return [Point(each.labels, math.nan, each.at) for each in points]


def stale(points: list[Point]) -> list[Point]:
    """The target is no longer scraped: its last sample is all there is."""
    return [Point(each.labels, each.value, each.at - timedelta(hours=1)) for each in points]


def negative(points: list[Point]) -> list[Point]:
    return [Point(each.labels, -1.0, each.at) for each in points]


def contradicting(points: list[Point]) -> list[Point]:
    return [*points, *(Point(each.labels, each.value + 1, each.at) for each in points)]


BENT = {
    "scrape down": stale,
    "series gone": gone,
    "NaN": not_a_number,
    "negative": negative,
    "two values at once": contradicting,
}


def bent(world: World, bend: Callable[[list[Point]], list[Point]] | None) -> None:
    for desk in world.house.watch.counting.desks.values():
        desk.source = world.counters if bend is None else Bent(world.counters, bend)


async def nothing_is_concluded(world: World, seconds: int) -> None:
    """While nothing is known, an open incident stays open, cannot be resolved as met, and no event is counted."""
    ledger, end = world.house.watch.ledger, world.clock.now()
    before = ledger.counts(POOR, end, timedelta(hours=2))
    for _ in range(seconds):
        world.traffic("poor", good=10, bad=0)  # all would be well, if anybody could see it
        await world.round()
        assert world.house.watch.verdicts["recall-poor"].state == "no_data"
    incident = await world.incident()
    assert incident.is_open
    assert incident.mitigated is None
    assert incident.sli.judged is not Judged.MET
    with pytest.raises(Refused):
        await world.say(Resolve("looks fine"), "ana")
    held = world.house.watch.ledger.counts(POOR, world.clock.now(), timedelta(hours=3))
    assert (held.good, held.bad) == (before.good, before.bad)


@pytest.mark.parametrize("how", [*BENT, "server down", "clock behind"])
async def test_a_gap_in_an_incident_resolves_nothing(tmp_path: Path, how: str) -> None:
    """Scrape down, series gone, server down, NaN and the like: unknown while it lasts, and judged again afterwards."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        assert (await world.incident()).phase is Phase.DECLARED
        if how == "server down":
            world.counters.down = "connection refused"
        elif how == "clock behind":
            bent(world, lambda points: [Point(p.labels, p.value, p.at - timedelta(days=1)) for p in points])
        else:
            bent(world, BENT[how])
        await nothing_is_concluded(world, 30)
        world.counters.down = ""
        bent(world, None)
        await world.healthy(60)
        incident = await world.incident()
        assert (incident.sli.judged, incident.phase) == (Judged.MET, Phase.MITIGATED)


async def test_a_restart_during_a_gap_resolves_nothing(tmp_path: Path) -> None:
    """Started again while the source is down, the bot still knows that it knows nothing."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        world.counters.down = "connection refused"
        await nothing_is_concluded(world, 10)
        await world.house.watch.save()
        await world.restart()
        await nothing_is_concluded(world, 10)
        world.counters.down = ""
        await world.healthy(60)
        assert (await world.incident()).phase is Phase.MITIGATED


async def test_a_clock_that_jumps_ahead_is_a_gap(tmp_path: Path) -> None:
    """What happened in the hour nobody saw counts for the budget, not for a recovery; the run begins anew after it."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        world.traffic("poor", good=30_000, bad=0)
        world.clock.forward(minutes=60)
        await world.round()
        incident = await world.incident()
        assert incident.mitigated is None
        counts = world.house.watch.ledger.counts(POOR, world.clock.now(), timedelta(hours=2))
        assert counts.gap_good == 30_000
        assert counts.covered < timedelta(minutes=5)


async def test_a_gap_is_no_uptime(tmp_path: Path) -> None:
    """Of ten minutes without data nothing is covered: they neither save nor spend budget."""
    async with World.open(tmp_path) as world:
        await world.healthy(30)
        covered = world.house.watch.ledger.counts(POOR, world.clock.now(), timedelta(hours=1)).covered
        world.counters.down = "refused"
        for _ in range(20):
            await world.round(seconds=30)
        after = world.house.watch.ledger.counts(POOR, world.clock.now(), timedelta(hours=1)).covered
        assert after == covered
