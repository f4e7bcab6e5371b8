"""Taking a change back is asked of a target once, like the change itself: whoever was interrupted looks, or says so."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.errors import Unavailable
from bot.domain.execution import ReportOutcome
from bot.domain.mitigation import EFFECTIVE, Mitigation, Outcome, Plan, State
from bot.domain.paging import Acknowledge
from bot.domain.undo import UndoMitigation
from bot.engine.values import Observation
from tests.world import Router, World

V1 = {"v1": 100, "v2": 0}
V2 = {"v1": 0, "v2": 100}


@dataclass
class Counted(Router):
    """A router that remembers under which key it was asked to put something back, whatever it then did."""

    asked: list[str] = field(default_factory=list)

    async def undo(self, plan: Plan, key: str) -> None:
        self.asked.append(key)
        await super().undo(plan, key)


@dataclass
class Shy(Counted):
    """A router whose state cannot be read once it was asked to put something back."""

    async def undone(self, plan: Plan, key: str) -> Observation:
        if self.asked:
            raise Unavailable("router", "no answer")
        return await super().undone(plan, key)


async def m1(world: World) -> Mitigation:
    return (await world.incident()).mitigations["M1"]


async def being_undone(world: World, fault: str, *, keyed: bool, router: type[Counted] = Counted) -> Counted:
    """The rollback stands, somebody asked for it to be taken back, and the house waits for the target's answer."""
    world.router = made = router(world.clock, keyed=keyed)
    world.house.desk.changes.actions = {"visits-router": made}
    await world.declare("scores look wrong", "ana")
    await world.say(Acknowledge(), "ana")
    await world.propose("rollback-v1", "ana")
    await world.say(ApproveMitigation("M1", (await m1(world)).digest), "ben")
    made.fault = fault
    await world.house.desk.submit("INC-1", UndoMitigation("M1", "worse"), await world.who("ben"))
    await world.house.reconciler.settle()
    await asyncio.wait_for(made.reached.wait(), 10)
    made.fault = ""
    return made


async def test_an_interrupted_undo_of_an_unkeyed_target_is_left_to_a_person(tmp_path: Path) -> None:
    """The request may still land, so it is not sent again: nobody can tell, who wanted it is paged, and one settles it."""
    async with World.open(tmp_path) as world:
        router = await being_undone(world, "hang_before", keyed=False)
        await world.crash()
        await world.settle()
        await world.round(seconds=600)
        assert len(router.asked) == 1
        assert (await m1(world)).state is State.UNKNOWN
        assert "interrupted" in (await m1(world)).detail
        assert await world.house.desk.log.holder("target:router/visits-router") == "INC-1"
        assert {"ana", "ben"} <= {who for who, key in world.phone.pages if ":call:" in key}
        await world.say(ReportOutcome("M1", Outcome.STANDS, "the old state is not back"), "ben")
        assert (await m1(world)).state in EFFECTIVE
        await world.say(UndoMitigation("M1", "once more, by a person's word"), "ben")
        assert (await m1(world)).state is State.UNDONE
        assert router.weights == V2


@pytest.mark.parametrize("keyed", [True, False])
async def test_an_undo_that_took_effect_before_the_crash_is_found(tmp_path: Path, keyed: bool) -> None:
    """The old state is back: it is said, and the target is not asked again."""
    async with World.open(tmp_path) as world:
        router = await being_undone(world, "hang_after", keyed=keyed)
        await world.crash()
        await world.settle()
        assert (await m1(world)).state is State.UNDONE
        assert len(router.asked) == 1


async def test_an_interrupted_undo_of_a_keyed_target_is_asked_again_under_its_key(tmp_path: Path) -> None:
    """The target itself refuses a key it knows, so repeating is safe."""
    async with World.open(tmp_path) as world:
        router = await being_undone(world, "hang_before", keyed=True)
        await world.crash()
        await world.settle()
        assert (await m1(world)).state is State.UNDONE
        assert len(set(router.asked)) == 1
        assert router.weights == V2


async def test_a_target_that_cannot_be_asked_after_the_crash_is_a_persons_matter(tmp_path: Path) -> None:
    """Silence after an interrupted undo is no proof of anything, whatever the target does with keys."""
    async with World.open(tmp_path) as world:
        router = await being_undone(world, "hang_before", keyed=True, router=Shy)
        await world.crash()
        await world.settle()
        assert (await m1(world)).state is State.UNKNOWN
        assert len(router.asked) == 1


async def test_a_second_replica_does_not_take_back_what_the_first_is_taking_back(tmp_path: Path) -> None:
    """Both read that it is to be undone; the one who begins second is told so, and the target is asked once."""
    async with World.open(tmp_path) as world, world.another() as other:
        world.router = router = Counted(world.clock, keyed=False)
        for house in (world.house, other):
            house.desk.changes.actions = {"visits-router": router}
        await world.declare("scores look wrong", "ana")
        await world.propose("rollback-v1", "ana")
        await world.say(ApproveMitigation("M1", (await m1(world)).digest), "ben")
        await world.house.desk.submit("INC-1", UndoMitigation("M1", "worse"), await world.who("ben"))
        incident = await world.incident()
        carriers = [house.reconciler.hands.carrier for house in (world.house, other)]
        done = await asyncio.gather(*(each.undo(incident, "M1") for each in carriers), return_exceptions=True)
        refused = next(each for each in done if each is not None)
        assert done.count(None) == 1
        assert str(refused) in ("M1 is being taken back already", "M1 is undone; there is nothing to take back")
        assert len(router.asked) == 1
        assert (await m1(world)).state is State.UNDONE
        assert router.weights == V2


async def test_who_is_taken_for_dead_while_it_takes_back_is_not_repeated(tmp_path: Path) -> None:
    """Another replica takes its work up while its request is under way: nobody asks a second time."""
    async with World.open(tmp_path) as world, world.another() as other:
        router = await being_undone(world, "hang_before", keyed=False)
        other.desk.changes.actions = {"visits-router": router}
        await other.reconciler.hands.carrier.undo(await other.desk.log.load("INC-1"), "M1")
        assert len(router.asked) == 1
        assert (await m1(world)).state is State.UNKNOWN
        assert router.weights == V1
