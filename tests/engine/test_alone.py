"""Acting alone in the whole house: over a freeze that caught an approved change, and over the first of two approvals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.config.installation import Installation
from bot.domain.approval import ApproveMitigation
from bot.domain.guard import ActionClass, Freeze
from bot.domain.mitigation import Mitigation, State
from bot.domain.paging import Acknowledge
from bot.domain.policy import Policy, Role
from bot.engine.values import Profile
from tests.kit import NOON
from tests.world import World, shipped

WHY = "the clinic turns people away and nobody answers"


class Crew(World):
    """The house of the stories with an administrator more."""

    def installation(self, **changes: Any) -> Installation:
        given = super().installation(**changes)
        return replace(given, people=(*given.people, Profile("", "eve", "Eve Lund", frozenset({Role.ADMIN}))))


async def m1(world: World) -> Mitigation:
    return (await world.incident()).mitigations["M1"]


async def proposed(world: World) -> str:
    await world.declare("scores look wrong", "ana")
    await world.say(Acknowledge(), "ana")
    await world.propose("rollback-v1", "ana")
    await world.round(seconds=21)
    return (await m1(world)).digest


async def alone(world: World, digest: str, who: str) -> None:
    world.clock.forward(seconds=1)
    await world.house.desk.changes.break_glass("INC-1", "M1", digest, WHY, await world.who(who))
    await world.settle()


async def test_a_freeze_that_began_after_the_yes_is_set_aside_at_once(tmp_path: Path) -> None:
    """The router was away when it was approved, then the freeze began: acting alone does not wait for the next try."""
    freeze = Freeze("night", "nobody is there", NOON + timedelta(minutes=3), NOON + timedelta(hours=8))
    async with Crew.open(tmp_path, policy=replace(shipped().policy, freezes=(freeze,))) as world:
        digest = await proposed(world)
        world.router.fault = "silent"
        await world.say(ApproveMitigation("M1", digest), "ben")
        world.router.fault = ""
        world.clock.forward(seconds=(NOON + timedelta(minutes=3) - world.clock.now()).total_seconds())
        await world.round(seconds=60)
        assert (await m1(world)).state is State.APPROVED
        assert any("night holds until" in line for line in await world.lines())
        assert world.router.effects == []
        await alone(world, digest, "ben")
        assert (await m1(world)).state is State.APPLIED
        assert len(world.router.effects) == 1
        assert (await m1(world)).wants_review


async def test_one_who_acts_alone_is_enough_where_one_of_two_approved(tmp_path: Path) -> None:
    """The second never comes: whoever breaks the glass carries it out, though the first may not approve any more."""
    two: Policy = replace(shipped().policy, quorum={ActionClass.TRAFFIC: 2})
    async with Crew.open(tmp_path, policy=two) as world:
        digest = await proposed(world)
        await world.say(ApproveMitigation("M1", digest), "ben")
        assert (await m1(world)).state is State.PROPOSED
        everybody = await world.house.desk.people.everyone()
        await world.house.desk.people.enrol(
            [replace(each, roles=frozenset({Role.RESPONDER})) if each.key == "ben" else each for each in everybody]
        )
        await alone(world, digest, "eve")
        assert (await m1(world)).state is State.APPLIED
        assert len(world.router.effects) == 1
