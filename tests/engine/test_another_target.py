"""Approved for one target and led to another: settings edited in between change nothing there, and a person is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.actions.haproxy import Balancer, BalancerSettings
from bot.domain.approval import ApproveMitigation
from bot.domain.mitigation import Mitigation, State
from bot.domain.paging import Acknowledge
from bot.domain.undo import UndoMitigation
from tests.crash.target import V1, balancing
from tests.engine.test_keeping import Place, kept, rolled_back
from tests.world import World

ELSEWHERE = "visits-router is now elsewhere/visits-router, and router/visits-router was approved"


async def m1(world: World) -> Mitigation:
    return (await world.incident()).mitigations["M1"]


async def proposed(world: World) -> ApproveMitigation:
    await world.declare("scores look wrong", "ana")
    await world.say(Acknowledge(), "ana")
    await world.propose("rollback-v1", "ana")
    return ApproveMitigation("M1", (await m1(world)).digest)


async def test_a_balancer_of_another_address_is_not_changed(tmp_path: Path) -> None:
    """Two balancers that read alike, tests/crash/target.py: approved on one, restarted with the other's address."""
    bare = {"regimes": (), "runbooks": {}, "slos": ()}
    with balancing() as one, balancing() as two:
        world = World(tmp_path)
        world.router = Balancer(BalancerSettings(address=one.address, backend="visits"), clock=world.clock)
        await world.start(**bare)
        try:
            approval = await proposed(world)
            world.router = Balancer(BalancerSettings(address=two.address, backend="visits"), clock=world.clock)
            await world.restart(**bare)
            await world.round(seconds=21)
            await world.say(approval, "ben")
            await world.round()
            assert (await m1(world)).state is State.STALE
            assert two.address in (await m1(world)).detail
            assert (one.effects, two.effects) == ([], [])
        finally:
            await world.stop()


async def test_a_claim_on_another_target_is_void(tmp_path: Path) -> None:
    """The same version is shown there: the approval is void all the same, with both names and what to do."""
    async with World.open(tmp_path) as world:
        approval = await proposed(world)
        world.router.place = "elsewhere"
        await world.round(seconds=21)
        await world.say(approval, "ben")
        await world.round()
        assert (await m1(world)).state is State.STALE
        assert world.router.effects == []
        assert any(f"M1 was not carried out: {ELSEWHERE}" in line for line in await world.lines())


@pytest.mark.parametrize("fault", ["hang_before", "hang_after"])
async def test_what_another_target_shows_settles_nothing(tmp_path: Path, fault: str) -> None:
    """Killed in the midst of it and started again elsewhere: not fired there, not taken for applied or failed."""
    async with World.open(tmp_path) as world:
        approval = await proposed(world)
        world.router.fault = fault
        await world.house.desk.submit("INC-1", approval, await world.who("ben"))
        await world.house.reconciler.settle()
        await asyncio.wait_for(world.router.reached.wait(), 10)
        world.router.fault, effects = "", list(world.router.effects)
        world.router.place = "elsewhere"
        await world.crash()
        await world.settle()
        assert (await m1(world)).state is State.UNKNOWN
        assert ELSEWHERE in (await m1(world)).detail
        assert world.router.effects == effects


async def test_an_undo_is_not_asked_of_another_target(tmp_path: Path) -> None:
    """The undo fails with the sentence, nothing is changed there; led back to the approved one, it can be taken back."""
    async with World.open(tmp_path) as world:
        await rolled_back(world)
        world.router.place, effects = "elsewhere", list(world.router.effects)
        await world.say(UndoMitigation("M1", "it makes things worse"), "ben")
        await world.settle()
        assert ELSEWHERE in (await m1(world)).detail
        assert world.router.effects == effects
        assert world.router.weights == V1
        world.router.place = "router"
        await world.say(UndoMitigation("M1", "once more"), "ben")
        await world.settle()
        assert (await m1(world)).state is State.UNDONE


async def test_another_target_is_not_looked_after(tmp_path: Path) -> None:
    """A balancer put in the place of the approved one keeps its own weights."""
    async with Place.open(tmp_path) as world:
        await rolled_back(world)
        world.router.reload()
        world.router.place = "elsewhere"
        assert await kept(world) == []
        assert world.router.asked == 0
        world.router.place = "router"
        world.clock.forward(seconds=60)
        assert len(await kept(world)) == 1
