"""A target that takes a change and hangs at every look afterwards: the look ends, and what became of it is told."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.mitigation import Mitigation, Plan, State
from bot.domain.paging import Acknowledge
from bot.domain.policy import Policy
from bot.domain.undo import UndoMitigation
from bot.engine.look import GLANCE_WITHIN
from bot.engine.reconcile import DECIDE_WITHIN
from bot.engine.values import Observation, Seen
from tests.world import Router, World, shipped


@dataclass
class Hole(Router):
    """A router that is on its way for ever, and of which no look ever returns once it is a hole."""

    hole: bool = False
    moving: bool = True

    async def _look(self, key: str) -> Observation | None:
        if self.hole:
            await asyncio.Event().wait()
        return Observation(Seen.MOVING, "on its way") if self.moving and key in self.applied else None

    async def observe(self, plan: Plan, key: str) -> Observation:
        return await self._look(key) or await super().observe(plan, key)

    async def undone(self, plan: Plan, key: str) -> Observation:
        return await self._look(key) or await super().undone(plan, key)


PROVED_WITHIN = timedelta(seconds=40)


class Place(World):
    def __init__(self, folder: Path, database: str = "") -> None:
        super().__init__(folder, database)
        self.router = Hole(self.clock)

    def engine(self, house) -> None:
        hands = house.reconciler.hands
        hands.carrier.glance = hands.prover.glance = 0.02


@pytest.fixture
async def world(tmp_path: Path):
    async with Place.open(tmp_path, policy=replace(shipped().policy, verify_within=PROVED_WITHIN)) as world:
        await world.healthy()
        await world.broken()
        await world.say(Acknowledge(), "ana")
        await world.propose("rollback-v1", "ana")
        yield world


async def m1(world: World) -> Mitigation:
    return (await world.incident()).mitigations["M1"]


def test_a_look_ends_before_the_round_goes_on() -> None:
    """Else the round would cut it off each time, before anything could be said of it."""
    assert GLANCE_WITHIN < DECIDE_WITHIN


@pytest.mark.parametrize("back", [False, True])
async def test_what_hangs_on_its_way_is_unknown_once_its_time_is_over(world: Place, back: bool) -> None:
    """On the way there or back: the policy's time passes, then people are paged; before it nothing is said."""
    if back:
        world.router.moving = False
        await world.approve("M1")
        world.router.moving = True
        await world.say(UndoMitigation("M1", "worse"), "ben")
    else:
        await world.approve("M1")
    on_its_way = State.UNDOING if back else State.CLAIMED
    world.router.hole = True
    within = Policy().settle_within.total_seconds()
    await world.round(seconds=within / 2)
    await world.round(seconds=within / 4)
    assert (await m1(world)).state is on_its_way
    await world.round(seconds=within / 4 + 1)
    assert (await m1(world)).state is State.UNKNOWN
    assert "no answer within" in (await m1(world)).detail
    assert (await world.incident()).calls


async def test_what_hangs_when_it_is_to_be_proved_is_said_not_to_help(world: Place) -> None:
    """The SLI is met and the target shows nothing: never verified, and told when its time is over; later it may be."""
    world.router.moving = False
    await world.approve("M1")
    world.router.hole = True
    await world.healthy(30)
    assert (await m1(world)).state is State.APPLIED
    await world.healthy(15)
    assert (await m1(world)).state is State.NOT_HELPING
    assert "no answer" in (await m1(world)).detail or "did not answer in time" in (await m1(world)).detail
    world.router.hole = False
    await world.healthy(2)
    assert (await m1(world)).state is State.VERIFIED
