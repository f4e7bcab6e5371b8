"""A target that takes minutes: it is looked at until it is there, across restarts, and never asked twice."""

from pathlib import Path

import pytest

from bot.domain.errors import Unavailable
from bot.domain.mitigation import Plan, State
from bot.domain.policy import Policy
from bot.domain.undo import UndoMitigation
from bot.engine.values import Observation, Seen
from tests.edge import Router
from tests.world import World


class Slow(Router):
    """A router that takes a change at once and needs so many looks until it stands."""

    looks: int = 5

    async def observe(self, plan: Plan, key: str) -> Observation:
        return self._still(key) or await super().observe(plan, key)

    async def undone(self, plan: Plan, key: str) -> Observation:
        return self._still(key) or await super().undone(plan, key)

    def _still(self, key: str) -> Observation | None:
        if key not in self.applied or self.looks == 0 or self.fault == "silent":
            return None
        self.looks -= 1
        return Observation(Seen.MOVING, f"{self.looks} looks to go")


class SlowWorld(World):
    def __init__(self, folder: Path, database: str = "") -> None:
        super().__init__(folder, database)
        self.router = Slow(self.clock)


@pytest.fixture
async def world(tmp_path: Path):
    async with SlowWorld.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        await world.propose("rollback-v1", "ana")
        yield world


async def test_it_is_looked_at_until_it_stands(world: SlowWorld) -> None:
    """Accepted stands in the timeline; each poll looks once; then it is applied, with one effect."""
    after = await world.approve("M1")
    assert after.mitigations["M1"].state is State.CLAIMED
    assert any("M1 was accepted by its target" in line for line in await world.lines())
    while (await world.incident()).mitigations["M1"].state is State.CLAIMED:
        await world.round()
    assert (await world.incident()).mitigations["M1"].state in (State.APPLIED, State.VERIFIED)
    assert len(world.router.effects) == 1
    assert not (await world.incident()).calls


async def test_a_crash_on_the_way_changes_nothing(world: SlowWorld) -> None:
    """Whoever comes after looks on; nothing is fired again."""
    await world.approve("M1")
    await world.crash()
    for _ in range(8):
        await world.round()
    assert (await world.incident()).mitigations["M1"].state in (State.APPLIED, State.VERIFIED)
    assert len(world.router.effects) == 1


async def test_what_never_arrives_is_unknown_and_people_are_called(world: SlowWorld) -> None:
    """After the policy's time nobody can tell any more: those who wanted it are paged, once each."""
    world.router.looks = 10_000
    await world.approve("M1")
    await world.round(seconds=Policy().settle_within.total_seconds() + 1)
    after = await world.incident()
    assert after.mitigations["M1"].state is State.UNKNOWN
    assert len(after.calls) == len({call.person for call in after.calls}) == 2
    assert [line for line in await world.lines() if "nobody can tell whether it was applied" in line]


async def test_a_silent_target_on_its_way_is_waited_for_no_longer(world: SlowWorld) -> None:
    """It took the change and then never answers again: unknown as well."""
    await world.approve("M1")
    world.router.fault = "silent"
    await world.round(seconds=Policy().settle_within.total_seconds() + 1)
    assert (await world.incident()).mitigations["M1"].state is State.UNKNOWN


class Stuck(Slow):
    """A router that finds out on its way that it will not get there, and says so; now and then it says nothing."""

    says: str = ""

    def _still(self, key: str) -> Observation | None:
        if not self.says or key not in self.applied:
            return super()._still(key)
        if self.says == "breaks":
            raise KeyError("status")
        if self.says == "silent":
            raise Unavailable("router", "no answer")
        return Observation(Seen.UNKNOWN, "0 of 3 pods are new, and it is stuck")


@pytest.mark.parametrize("says", ["stuck", "breaks"])
async def test_a_target_that_says_it_is_stuck_is_told_within_minutes(world: SlowWorld, says: str) -> None:
    """One such answer may pass, a minute of them is definite: nobody waits the policy's half hour for it."""
    world.router.__class__ = Stuck
    world.router.looks = 10_000
    await world.approve("M1")
    world.router.says = says
    await world.round(seconds=30)
    await world.round(seconds=30)
    assert (await world.incident()).mitigations["M1"].state is State.CLAIMED
    world.router.says = "silent"
    await world.round(seconds=15)
    world.router.says = says
    await world.round(seconds=15)
    after = await world.incident()
    assert after.mitigations["M1"].state is State.UNKNOWN
    assert ("it is stuck" if says == "stuck" else "KeyError") in after.mitigations["M1"].detail
    assert len(after.calls) == 2


async def test_a_doubt_that_passes_is_forgotten(world: SlowWorld) -> None:
    """It goes on after all, and doubts again much later: its minute begins anew; silence alone is waited for."""
    world.router.__class__ = Stuck
    world.router.looks = 10_000
    await world.approve("M1")
    for says in ("stuck", "", "stuck", "", "silent", "silent"):
        world.router.says = says
        await world.round(seconds=50)
    assert (await world.incident()).mitigations["M1"].state is State.CLAIMED
    world.router.says, world.router.looks = "", 0
    await world.round()
    assert (await world.incident()).mitigations["M1"].state in (State.APPLIED, State.VERIFIED)


async def test_the_way_back_may_take_as_long(world: SlowWorld) -> None:
    """Undoing is accepted, looked at and done, once."""
    world.router.looks = 0
    await world.approve("M1")
    world.router.looks = 4
    await world.say(UndoMitigation("M1", "worse"), "ben")
    assert (await world.incident()).mitigations["M1"].state is State.UNDOING
    for _ in range(6):
        await world.round()
    assert (await world.incident()).mitigations["M1"].state is State.UNDONE
    assert len(world.router.effects) == 2
