"""Traffic proof: the requests each version takes since a change, counted by the source or by the target itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.domain.errors import Unavailable
from bot.domain.mitigation import Means, Plan, State
from bot.domain.paging import Acknowledge
from bot.domain.service import Service, Target, Traffic
from bot.engine.traffic import ENOUGH, Tally, judged
from bot.slo.spec import Point
from tests.world import Counters, Router, World, shipped

V1_ALONE = {"v1": 1.0}
SERVED = Traffic("metrics", 'served_total{app="visits"}', "version")


@dataclass
class Shares(Router):
    """A router whose plan says who takes the traffic afterwards."""

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        made = await super().plan(target, means, params)
        return replace(made, serves=V1_ALONE) if means is Means.ROLLBACK else made


@dataclass
class Counted(Shares):
    """A router that counts its own requests, and can fall silent."""

    served: dict[str, int] = field(default_factory=dict)
    deaf: Exception | None = None

    async def traffic(self, plan: Plan) -> Mapping[str, int]:
        if self.deaf is not None:
            raise self.deaf
        return dict(self.served)


@dataclass
class Served(Counters):
    """A source in which every pod counts what it served, by version."""

    pods: dict[tuple[str, str], float] = field(default_factory=dict)  # version, pod → requests
    lost: bool = False

    async def read(self, queries, at):
        found = dict(await super().read(queries, at))
        for query in queries:
            if query.metric == "served_total":
                if self.lost:
                    raise Unavailable("metrics", "time-out")
                found[query] = [
                    Point.of(count, at, app="visits", version=version, pod=pod)
                    for (version, pod), count in self.pods.items()
                ]
        return found


def counted_by_source() -> dict[str, Service]:
    service = shipped().services["visits"]
    return {"visits": replace(service, targets=(replace(service.targets[0], traffic=SERVED),))}


class Place(World):
    """A world with a router that says who serves, and a source that counts it."""

    def __init__(self, folder: Path, database: str = "") -> None:
        super().__init__(folder, database)
        self.counters = Served(self.clock)
        self.router = Shares(self.clock)


async def applied(world: World) -> None:
    """The rollback stands, and the objective is met again: only the traffic is left to prove."""
    await world.healthy()
    await world.broken()
    await world.say(Acknowledge(), "ana")
    await world.propose("rollback-v1", "ana")
    await world.approve("M1")
    await world.healthy(30)


async def state(world: World) -> State:
    return (await world.incident()).mitigations["M1"].state


async def more(world: World, **served: int) -> State:
    """Some seconds of good traffic in which each version's pods take so many requests more."""
    for version, requests in served.items():
        if isinstance(world.router, Counted):
            world.router.served[version] = world.router.served.get(version, 0) + requests
        else:
            pods = [key for key in world.counters.pods if key[0] == version] or [(version, "a")]
            for key in pods:
                world.counters.pods[key] = world.counters.pods.get(key, 0.0) + requests / len(pods)
    await world.healthy(2)
    return await state(world)


DEAF = {"deaf": Unavailable("router", "no statistics"), "buggy": KeyError("served")}

# -- as a story ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["source", "target"])
async def test_a_change_is_verified_once_the_traffic_follows(tmp_path: Path, who: str) -> None:
    """SLI met and target in its state are not enough: without requests it waits, with those of the right version not."""
    changes = {"services": counted_by_source()} if who == "source" else {}
    world = Place(tmp_path)
    if who == "target":
        world.router = Counted(world.clock, served={"v1": 500, "v2": 90_000})
    else:
        world.counters.pods = {("v1", "a"): 500.0, ("v2", "b"): 90_000.0}
    await world.start(**changes)
    try:
        await applied(world)
        assert await state(world) is State.APPLIED
        assert await more(world, v1=ENOUGH - 5) is State.APPLIED
        assert await more(world, v1=10) is State.VERIFIED
        assert any("of 25 requests since: v1 100%" in line for line in await world.lines())
    finally:
        await world.stop()


async def test_the_wrong_split_is_never_verified_and_is_told(tmp_path: Path) -> None:
    """Half of the traffic still goes to the bad version: after its time the change is said not to help, and why."""
    world = Place(tmp_path)
    world.router = Counted(world.clock, served={"v1": 0, "v2": 90_000})
    await world.start()
    try:
        await applied(world)
        for _ in range(4):
            assert await more(world, v1=50, v2=50) is State.APPLIED
        for _ in range(8):
            world.router.served["v2"] += 50
            world.router.served["v1"] += 50
            world.traffic("poor", good=80, bad=20)
            await world.round(seconds=80)
        assert await state(world) is State.NOT_HELPING
        detail = (await world.incident()).mitigations["M1"].detail
        assert "of the traffic instead of" in detail
    finally:
        await world.stop()


@pytest.mark.parametrize("trouble", ["away", "no series", *DEAF])
async def test_missing_counts_are_not_yet(tmp_path: Path, trouble: str) -> None:
    """A source that is away, a series that is not there, a target without statistics: none of them is proof."""
    world = Place(tmp_path)
    if trouble in DEAF:
        world.router = Counted(world.clock, served={"v1": 500}, deaf=DEAF[trouble])
    world.counters.lost = trouble == "away"
    await world.start(**({} if trouble in DEAF else {"services": counted_by_source()}))
    try:
        await applied(world)
        assert await state(world) is State.APPLIED
        assert not (await world.incident()).troubles
        world.counters.lost = False
        if trouble in DEAF:
            world.router.deaf = None
        assert await more(world, v1=5_000) is State.APPLIED  # the first that is seen is where counting begins
        assert await more(world, v1=30) is State.VERIFIED
    finally:
        await world.stop()


async def test_a_restart_between_two_readings_counts_anew(tmp_path: Path) -> None:
    """What was read before the house died is not taken for requests since: it needs fresh ones."""
    world = Place(tmp_path)
    world.router = Counted(world.clock, served={"v1": 500, "v2": 90_000})
    await world.start()
    try:
        await applied(world)
        await more(world, v1=ENOUGH - 1)
        await world.crash()
        assert await more(world, v1=10) is State.APPLIED
        assert await more(world, v1=ENOUGH) is State.VERIFIED
    finally:
        await world.stop()


# -- the counting ----------------------------------------------------------------------------------------------------


def test_a_counter_that_began_anew_counts_from_nothing() -> None:
    """A pod restarts beside others: its old count neither hides new requests nor is taken for some."""
    tally = Tally({})
    tally.add({("v1", "a"): 1000.0, ("v1", "b"): 40.0})
    tally.add({("v1", "a"): 3.0, ("v1", "b"): 50.0})
    tally.add({("v1", "a"): 8.0, ("v1", "b"): 50.0})
    assert tally.fresh == {"v1": 18.0}


def test_a_series_that_is_missing_once_is_taken_up_where_it_stood() -> None:
    """A gap in the scrape is no reset and no birth."""
    tally = Tally({})
    tally.add({("v1", "a"): 100.0, ("v2", "b"): 70.0})
    tally.add({("v1", "a"): 110.0})
    tally.add({("v1", "a"): 120.0, ("v2", "b"): 75.0})
    assert tally.fresh == {"v1": 20.0, "v2": 5.0}


def test_a_first_reading_without_series_is_none() -> None:
    """What is seen first later on is where counting begins, not a flood of requests."""
    tally = Tally({})
    tally.add({})
    tally.add({("v2", "b"): 90_000.0})
    tally.add({("v2", "b"): 90_001.0, ("v1", "new"): 7.0})
    assert tally.fresh == {"v2": 1.0, "v1": 7.0}


@pytest.mark.parametrize(
    ("counts", "yes"),
    [
        ({"v1": 1000.0}, True),
        ({"v1": 951.0, "v2": 49.0}, True),
        ({"v1": 940.0, "v2": 60.0}, False),
        ({"v2": 1000.0}, False),
        ({"v1": 900.0, "v3": 100.0}, False),
        ({"v1": 19.0}, False),
        ({}, False),
    ],
)
def test_shares_may_miss_by_a_little(counts: dict[str, float], yes: bool) -> None:
    """One in twenty may go elsewhere, a version nobody planned is not overlooked, and too few requests prove nothing."""
    assert judged(V1_ALONE, counts).yes is yes


def test_a_canary_of_a_twentieth_allows_for_chance() -> None:
    """Of few requests a share is known roughly only; of many it must fit."""
    plan = {"v1": 0.95, "v2": 0.05}
    assert judged(plan, {"v1": 26.0, "v2": 4.0}).yes
    assert not judged(plan, {"v1": 2600.0, "v2": 400.0}).yes
