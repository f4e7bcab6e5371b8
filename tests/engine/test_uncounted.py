"""A target that could count its requests and does not: nothing is asked of its traffic, what is counted is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from bot.domain.mitigation import Means, Plan, State
from bot.domain.service import Target
from bot.engine.traffic import Traffic
from tests.edge import Router
from tests.world import World


class Counter(Router):
    """A router that says which version should serve, and what it counted."""

    counts: Mapping[str, int] = MappingProxyType({})

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        return replace(await super().plan(target, means, params), serves={"v1": 1.0})

    async def traffic(self, plan: Plan) -> Mapping[str, int]:
        return dict(self.counts)


class CountingWorld(World):
    def __init__(self, folder: Path, database: str = "") -> None:
        super().__init__(folder, database)
        self.router = Counter(self.clock)


@pytest.fixture
async def world(tmp_path: Path):
    async with CountingWorld.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        await world.propose("rollback-v1", "ana")
        await world.approve("M1")
        yield world


@pytest.mark.parametrize(
    ("later", "follows", "because"),
    [
        ({}, True, ""),
        ({"v1": 500, "v2": 900}, True, "of 400 requests since: v1 100%"),
        ({"v1": 300, "v2": 1100}, False, "v1 takes 50% of the traffic instead of 100%"),
        ({"v1": 3, "v2": 9}, False, "the counters of the traffic began anew"),
    ],
)
async def test_what_is_counted_is_compared(world: CountingWorld, later, follows: bool, because: str) -> None:
    """Two readings apart; where nothing is counted the SLI alone is the proof."""
    mitigation = (await world.incident()).mitigations["M1"]
    assert mitigation.state in (State.APPLIED, State.VERIFIED)
    traffic = Traffic(world.house.desk.changes, {})
    if later:
        world.router.counts = {"v1": 100, "v2": 900}
        assert not (await traffic.follows("INC-1", mitigation)).yes
    world.router.counts = later
    told = await traffic.follows("INC-1", mitigation)
    assert (told.yes, told.because) == (follows, because)
