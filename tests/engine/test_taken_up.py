"""What a killed house had claimed is taken up by the next: asked for again only while it would still be begun."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.errors import Refused
from bot.domain.guard import Freeze
from bot.domain.hold import OverrideHold, PlaceHold, ReleaseHold
from bot.domain.lifecycle import Resolve
from bot.domain.mitigation import EFFECTIVE, Mitigation, Plan, State
from bot.domain.paging import Acknowledge
from bot.domain.undo import UndoMitigation
from tests.world import Router, World, shipped

V1 = {"v1": 100, "v2": 0}
V2 = {"v1": 0, "v2": 100}
BARE: dict[str, Any] = {"regimes": (), "runbooks": {}, "slos": ()}


async def m1(world: World) -> Mitigation:
    return (await world.incident()).mitigations["M1"]


async def approved(world: World) -> None:
    await world.declare("scores look wrong", "ana")
    await world.say(Acknowledge(), "ana")
    await world.propose("rollback-v1", "ana")
    digest = (await m1(world)).digest
    await world.house.desk.submit("INC-1", ApproveMitigation("M1", digest), await world.who("ben"))


async def killed(world: World) -> None:
    """Let the house ask the target, and kill it before the target does anything."""
    world.router.fault = "hang_before"
    await world.house.reconciler.settle()
    await asyncio.wait_for(world.router.reached.wait(), 10)
    await world.memory.crash()
    world.router.fault = ""


def called(world: World) -> set[str]:
    return {who for who, key in world.phone.pages if ":call:" in key}


# -- the change ------------------------------------------------------------------------------------------------------


def later(world: World) -> dict[str, Any]:
    world.clock.forward(seconds=2 * 86400)
    return {}


def frozen(world: World) -> dict[str, Any]:
    now = world.clock.now()
    freeze = Freeze("the night", "nobody is there", now, now + timedelta(days=1))
    return {"policy": replace(shipped().policy, freezes=(freeze,))}


def other_rules(_world: World) -> dict[str, Any]:
    return {"policy": replace(shipped().policy, changes_per_hour=shipped().policy.changes_per_hour + 1)}


@pytest.mark.parametrize(
    ("meanwhile", "because"),
    [(later, "approval was good until"), (frozen, "rules of the house changed"), (other_rules, "rules of the house")],
)
async def test_what_would_not_be_begun_now_is_not_asked_for_again(
    tmp_path: Path, meanwhile: Callable[[World], dict[str, Any]], because: str
) -> None:
    """Time has passed, or the rules are others: unknown, in words, those who wanted it paged, the target left alone."""
    async with World.open(tmp_path, **BARE) as world:
        await approved(world)
        await killed(world)
        await world.restart(**{**BARE, **meanwhile(world)})
        await world.round()
        assert world.router.effects == []
        assert (await m1(world)).state is State.UNKNOWN
        assert because in (await m1(world)).detail
        assert called(world) == {"ana", "ben"}


async def test_a_freeze_that_began_while_nobody_ran_holds(tmp_path: Path) -> None:
    """It stood in the rules when they said yes; its hour has come since."""
    async with World.open(tmp_path) as world:
        begins = world.clock.now() + timedelta(minutes=5)
        freeze = Freeze("the night", "nobody is there", begins, begins + timedelta(hours=8))
        rules = {"policy": replace(shipped().policy, freezes=(freeze,))}
        await world.restart(**BARE, **rules)
        await approved(world)
        await killed(world)
        world.clock.forward(minutes=6)
        await world.restart(**BARE, **rules)
        await world.round()
        assert world.router.effects == []
        assert "the night holds until" in (await m1(world)).detail


@pytest.mark.parametrize("what", ["held", "resolved"])
async def test_what_people_said_on_another_replica_counts(tmp_path: Path, what: str) -> None:
    """Counsel wants nothing altered, or the incident is over: said while the first was down, and kept to."""
    async with World.open(tmp_path, **BARE) as world:
        await approved(world)
        await killed(world)
        async with world.another(**BARE) as other:
            command = PlaceHold("an inquiry") if what == "held" else Resolve("gone", waive="it went by itself")
            await other.desk.submit("INC-1", command, await world.who("cleo" if what == "held" else "ana"))
        await world.restart(**BARE)
        await world.round()
        assert world.router.effects == []
        assert (await m1(world)).state is State.UNKNOWN
        assert ("an inquiry" if what == "held" else "INC-1 is resolved") in (await m1(world)).detail


async def test_in_time_it_is_asked_for_again(tmp_path: Path) -> None:
    """A minute later, under the same rules, nothing speaks against it: done once."""
    async with World.open(tmp_path, **BARE) as world:
        await approved(world)
        await killed(world)
        world.clock.forward(minutes=1)
        await world.restart(**BARE)
        await world.round()
        assert world.router.weights == V1
        assert len(world.router.effects) == 1


async def test_a_refusal_of_the_second_request_is_a_doubt(tmp_path: Path) -> None:
    """The first may have landed and been taken back since: nobody says that nothing was changed, the target is held."""
    async with World.open(tmp_path, **BARE) as world:
        await approved(world)
        await killed(world)
        world.router.fault = "refuse"
        await world.restart(**BARE)
        await world.round()
        assert (await m1(world)).state is State.UNKNOWN
        assert (await m1(world)).detail.startswith("the router refuses; afterwards: ")
        assert not [line for line in await world.lines() if "nothing was changed" in line]
        assert await world.house.desk.log.holder("target:router/visits-router") == "INC-1"
        assert called(world) == {"ana", "ben"}


# -- taking it back --------------------------------------------------------------------------------------------------


async def killed_while_taking_back(world: World) -> None:
    await approved(world)
    await world.settle()
    assert world.router.weights == V1
    world.router.fault = "hang_before"
    await world.house.desk.submit("INC-1", UndoMitigation("M1", "worse"), await world.who("ben"))
    await killed(world)


@pytest.mark.parametrize("what", ["held", "late", "refused"])
async def test_a_way_back_is_not_asked_for_again_against_a_word(tmp_path: Path, what: str) -> None:
    """Counsel's hold, a day gone by or the target's own no leave what was begun to people; it stays as it is."""
    async with World.open(tmp_path, **BARE) as world:
        await killed_while_taking_back(world)
        if what == "held":
            async with world.another(**BARE) as other:
                await other.desk.submit("INC-1", PlaceHold("an inquiry"), await world.who("cleo"))
        elif what == "late":
            world.clock.forward(minutes=24 * 60)
        else:
            world.router.fault = "refuse"
        await world.restart(**BARE)
        await world.round()
        assert world.router.weights == V1
        assert (await m1(world)).state is State.UNKNOWN
        said = {"held": "an inquiry", "late": "too long ago", "refused": "the router refuses; afterwards"}[what]
        assert said in (await m1(world)).detail
        assert {"ana", "ben"} <= called(world)


@pytest.mark.parametrize("way", ["released", "overridden"])
async def test_a_way_back_that_was_not_begun_waits_for_counsel(tmp_path: Path, way: str) -> None:
    """Asked for, then held before the target was touched: nothing happens until it is released or overridden."""
    async with World.open(tmp_path, **BARE) as world:
        await approved(world)
        await world.settle()
        desk = world.house.desk
        await desk.submit("INC-1", UndoMitigation("M1", "worse"), await world.who("ben"))
        await world.say(PlaceHold("an inquiry"), "cleo")
        await world.round(seconds=3600)
        assert world.router.weights == V1
        assert (await m1(world)).state is State.UNDOING
        assert not (await world.incident()).troubles
        if way == "released":
            await world.say(ReleaseHold("looked at"), "cleo")
        else:
            await world.say(OverrideHold("M1", "people are harmed"), "ben")
        assert (await m1(world)).state is State.UNDONE
        assert world.router.weights == V2


# -- what breaks after the claim -------------------------------------------------------------------------------------


@dataclass
class Breaking(Router):
    """A router that cannot be read, or asked, once something was asked of it."""

    reads: Exception | None = None
    acts: Exception | None = None

    def _broken(self, key: str) -> None:
        if self.reads is not None and key in self.applied:
            raise self.reads

    async def execute(self, plan: Plan, key: str) -> None:
        await super().execute(plan, key)
        if self.acts is not None:
            raise self.acts

    async def observe(self, plan: Plan, key: str):
        self._broken(key)
        return await super().observe(plan, key)

    async def undone(self, plan: Plan, key: str):
        self._broken(key)
        return await super().undone(plan, key)


class Place(World):
    """A world whose target can be another one, or none."""

    gone = False

    def __init__(self, folder: Path, database: str = "") -> None:
        super().__init__(folder, database)
        self.router = Breaking(self.clock)

    def engine(self, house) -> None:
        if self.gone:
            house.desk.changes.actions = {}


ERRORS = [Refused("there is no context called ml"), KeyError("status")]


@pytest.mark.parametrize("error", ERRORS)
async def test_what_cannot_be_read_after_the_change_is_told_at_once(tmp_path: Path, error: Exception) -> None:
    """A refusal or a bug while reading back is no reason to try again for ever: unknown, people paged, one effect."""
    async with Place.open(tmp_path, **BARE) as world:
        world.router.reads = error
        await approved(world)
        await world.settle()
        assert (await m1(world)).state is State.UNKNOWN
        assert len(world.router.effects) == 1
        assert called(world) == {"ana", "ben"}
        assert not (await world.incident()).troubles


async def test_a_bug_while_asking_is_looked_into(tmp_path: Path) -> None:
    """The target took it, then something broke: what the target shows counts."""
    async with Place.open(tmp_path, **BARE) as world:
        world.router.acts = KeyError("status")
        await approved(world)
        await world.settle()
        assert (await m1(world)).state in EFFECTIVE
        assert len(world.router.effects) == 1


async def test_a_target_that_was_renamed_while_claimed(tmp_path: Path) -> None:
    """The files know it no more when the next house takes it up: said at once, and people are paged."""
    async with Place.open(tmp_path, **BARE) as world:
        await approved(world)
        await killed(world)
        world.gone = True
        await world.restart(**BARE)
        await world.round()
        assert (await m1(world)).state is State.UNKNOWN
        assert "no target called 'visits-router'" in (await m1(world)).detail
        assert called(world) == {"ana", "ben"}


@pytest.mark.parametrize("error", ERRORS)
async def test_a_way_back_that_cannot_be_read_is_told(tmp_path: Path, error: Exception) -> None:
    """It was begun and cannot be read: unknown, people paged."""
    async with Place.open(tmp_path, **BARE) as world:
        await approved(world)
        await world.settle()
        world.router.reads = error
        await world.say(UndoMitigation("M1", "worse"), "ben")
        assert (await m1(world)).state is State.UNKNOWN
        assert world.router.weights == V2
        assert {"ana", "ben"} <= called(world)


async def test_a_way_back_without_a_target_changes_nothing_and_says_so(tmp_path: Path) -> None:
    """The files know the target no more: it stands as it stood, the reason is said, and nothing is held."""
    async with Place.open(tmp_path, **BARE) as world:
        await approved(world)
        await world.settle()
        world.gone = True
        await world.restart(**BARE)
        await world.say(UndoMitigation("M1", "worse"), "ben")
        assert (await m1(world)).state in EFFECTIVE
        assert any("could not be undone: no target called" in line for line in await world.lines())
        assert await world.house.desk.log.holder("target:router/visits-router") is None
