"""Approved, and then it was too late, or somebody may not any more, or the world moved on: said in words, nothing done.

Real here: the store on SQLite and PostgreSQL, with two replicas where a role is taken away on the other one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.errors import Refused
from bot.domain.lifecycle import Close, Reopen, Resolve
from bot.domain.mitigation import Mitigation, State
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.wiring import House
from tests.rosters import put_on_call
from tests.world import World, shipped

BARE: Mapping[str, Any] = {"regimes": (), "runbooks": {}, "slos": ()}
VOID = "an approval of M1 does not count any more: whoever gave it may not give it now; decline it and propose it again"
DORA = Profile("", "dora", "Dora Lind", frozenset({Role.APPROVER}))
LAPSED = "M1 expired without being carried out; nothing was changed"


async def m1(world: World) -> Mitigation:
    return (await world.incident()).mitigations["M1"]


@asynccontextmanager
async def proposed(folder: Path, database: str = "", **changes: Any) -> AsyncIterator[World]:
    """A rollback that is proposed, its evidence held."""
    async with World.open(folder, database, **{**BARE, **changes}) as world:
        await world.declare("scores look wrong", "ana")
        await world.propose("rollback-v1", "ana")
        await world.round(seconds=30)
        assert (await m1(world)).held is not None
        yield world


async def press(world: World, key: str = "ben") -> None:
    """Approve, and let nothing follow yet."""
    digest = (await m1(world)).digest
    await world.house.desk.submit("INC-1", ApproveMitigation("M1", digest), await world.who(key))


async def until(world: World, seconds: float) -> None:
    """Move the clock to so many seconds from the moment the approval lapses, and let nothing follow yet."""
    world.clock.forward(seconds=((await m1(world)).expires_at - world.clock.now()).total_seconds() + seconds)


# -- its time is over ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-1, 0, 1])
async def test_the_edge_of_an_approval(tmp_path: Path, seconds: int) -> None:
    """A second before its end one may approve; at its end and after it one reads when that was and what to do."""
    async with proposed(tmp_path) as world:
        await until(world, seconds)
        ends = (await m1(world)).expires_at
        command = ApproveMitigation("M1", (await m1(world)).digest)
        if seconds < 0:
            await world.say(command, "ben")
            assert len(world.router.effects) == 1
        else:
            assert await world.refuses(command, "ben") == f"M1 expired at {ends:%H:%M:%S} UTC; propose it again"
            assert world.router.effects == []


@pytest.mark.parametrize("seconds", [-1, 0, 1])
async def test_the_edge_of_the_claim(tmp_path: Path, seconds: int) -> None:
    """Approved in time and carried out a second before the end; at the end and after it nothing is done."""
    async with proposed(tmp_path) as world:
        await until(world, -3)
        await press(world)
        await until(world, seconds)
        await world.settle()
        if seconds < 0:
            assert (await m1(world)).applied_at is not None
        else:
            assert (await m1(world)).state is State.EXPIRED
            assert world.router.effects == []
            assert LAPSED in await world.lines()


# -- somebody may not any more ---------------------------------------------------------------------------------------

Change = Callable[[Profile], Profile | None]
LOSSES: Mapping[str, Change] = {
    "the role": lambda p: replace(p, roles=frozenset({Role.RESPONDER})),
    "every role": lambda p: replace(p, roles=frozenset()),
    "being named": lambda _p: None,
}


async def taken_away(house: House, change: Change) -> None:
    """Another replica starts with a configuration in which ben is somebody else."""
    people = [change(each) if each.key == "ben" else each for each in house.installation.people]
    await house.store.people.enrol([each for each in people if each is not None])


@pytest.mark.parametrize("what", LOSSES)
async def test_taken_away_on_the_other_replica_right_before_the_claim(tmp_path: Path, database: str, what: str) -> None:
    """The directory was read here a moment ago and is believed for five seconds: the claim asks anew all the same."""
    async with proposed(tmp_path, database) as world, world.another(**BARE) as other:
        await press(world)
        assert (await world.who("ben")).roles >= {Role.APPROVER}  # as read, and believed
        await taken_away(other, LOSSES[what])
        await world.settle()
        assert world.router.effects == []
        assert (await m1(world)).claimed_at is None
        (trouble,) = (await world.incident()).troubles.values()
        assert trouble.because == VOID
        await taken_away(other, lambda p: p)
        await world.round(seconds=60)
        assert len(world.router.effects) == 1, "given back in time, it is carried out"


async def test_a_group_that_one_has_left(tmp_path: Path) -> None:
    """The rule names a group; whoever left it on the other replica has approved nothing."""
    rules = replace(shipped().policy, approve=dict.fromkeys(shipped().policy.approve, frozenset({"group:platform"})))
    member: Change = lambda p: replace(p, groups=frozenset({"platform"}))  # noqa: E731
    people = tuple(member(each) or each if each.key == "ben" else each for each in shipped().people)
    given = {"policy": rules, "people": people}
    async with proposed(tmp_path, **given) as world, world.another(**{**BARE, **given}) as other:
        await press(world)
        await taken_away(other, lambda p: replace(p, groups=frozenset()))
        await world.settle()
        assert world.router.effects == []
        (trouble,) = (await world.incident()).troubles.values()
        assert trouble.because == VOID


async def test_the_shift_ends_between_approval_and_claim(tmp_path: Path) -> None:
    """Approved as the one on call; whoever is not on call any more when it is claimed has approved nothing."""
    rules = replace(shipped().policy, approve=dict.fromkeys(shipped().policy.approve, frozenset({"on-call"})))
    async with proposed(tmp_path, policy=rules) as world:
        await press(world)
        put_on_call(world.house.desk, {"visits": ("ana",)})
        await world.settle()
        assert world.router.effects == []
        (trouble,) = (await world.incident()).troubles.values()
        assert trouble.because == VOID


# -- the world moved on ----------------------------------------------------------------------------------------------


async def test_the_incident_is_over_before_the_claim(tmp_path: Path) -> None:
    """Resolved between approval and claim: nobody wants it any more, and the timeline says so."""
    async with proposed(tmp_path) as world:
        await press(world)
        desk, ana = world.house.desk, await world.who("ana")
        await desk.submit("INC-1", Resolve("gone", waive="it went away by itself"), ana)
        await world.settle()
        assert (await m1(world)).state is State.EXPIRED
        assert world.router.effects == []
        assert LAPSED in await world.lines()
        await world.say(Reopen("it is back"), "ana")
        await world.round(seconds=60)
        assert world.router.effects == [], "what lapsed does not come back to life with the incident"


async def test_an_incident_is_not_closed_over_an_approval(tmp_path: Path) -> None:
    """Nobody looks at a closed incident, so whoever closes it first reads what is under way; afterwards it is refused."""
    async with proposed(tmp_path, people=(*shipped().people, DORA)) as world:
        await press(world)
        desk, ana = world.house.desk, await world.who("ana")
        await desk.submit("INC-1", Resolve("gone", waive="it went away by itself"), ana)
        with pytest.raises(Refused, match="mitigations are still under way: M1"):
            await desk.submit("INC-1", Close(), ana)
        await world.settle()
        await world.say(Close(), "ana")
        refusal = await world.refuses(ApproveMitigation("M1", (await m1(world)).digest), "dora")
        assert refusal == "INC-1 is closed; re-open it to approve a mitigation"
        assert world.router.effects == []


async def test_the_target_moved_on(tmp_path: Path) -> None:
    """Somebody deployed between approval and claim: the sentence says what changed and what to do."""
    async with proposed(tmp_path) as world:
        await press(world)
        world.router.revision += 1
        await world.settle()
        assert (await m1(world)).state is State.STALE
        assert world.router.effects == []
        assert (
            "M1 was not carried out: its target changed after the plan was made (now 2); propose it again"
            in await world.lines()
        )
        await world.round(seconds=60)
        assert world.router.effects == []
