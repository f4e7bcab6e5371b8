"""What is in effect is kept in effect: a target that forgot a change is made to show it again, and that is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Unavailable
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import Plan, State
from bot.domain.paging import Acknowledge
from bot.domain.service import Offer
from bot.domain.undo import UndoMitigation
from bot.engine.keeping import Keeper
from bot.engine.values import Observation, Seen
from tests.world import Router, World, shipped


@dataclass
class Forgetful(Router):
    """A router that reloads its configuration, knows another hand's change from its own, and can hang while asked."""

    asked: int = 0
    away: str = ""
    hangs: bool = False
    by_hand: bool = False
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def reload(self) -> None:
        self.weights = {"v1": 0, "v2": 100}

    async def keep(self, plan: Plan, key: str, since: datetime) -> str:
        assert since <= self.clock.now()
        self.asked += 1
        if self.away:
            raise Unavailable("router", self.away)
        if self.hangs:
            self.held.set()
            await asyncio.Event().wait()
        if self.by_hand or all(getattr(self, part) == state for part, state in plan.after.items()):
            return ""
        for part, state in plan.after.items():
            setattr(self, part, dict(state))
        return "weights were those of its file"


class Place(World):
    def __init__(self, folder: Path, database: str = "") -> None:
        super().__init__(folder, database)
        self.router = Forgetful(self.clock)


class Second:
    """What a replica is told that does not lead."""

    async def holds(self) -> bool:
        return False


async def rolled_back(world: World) -> None:
    await world.declare("scores look wrong", "ana")
    await world.say(Acknowledge(), "ana")
    await world.propose("rollback-v1", "ana")
    await world.approve("M1")


def keeper(world: World) -> Keeper:
    return world.house.reconciler.hands.keeper


async def kept(world: World) -> list[str]:
    await world.house.rounds.keep()
    await keeper(world).idle()
    await world.settle()
    return [line for line in await world.lines() if "stands again" in line]


async def test_a_forgotten_change_stands_again_and_is_told(tmp_path: Path) -> None:
    """After a reload the weights are put back within a round, with a line in the timeline; a quiet round has none."""
    async with Place.open(tmp_path) as world:
        await rolled_back(world)
        assert await kept(world) == []
        world.router.reload()
        assert await kept(world) == ["M1 stands again, its target had lost it: weights were those of its file"]
        assert world.router.weights == {"v1": 100, "v2": 0}
        assert (await world.incident()).mitigations["M1"].state is State.APPLIED


async def test_it_is_told_once_a_minute_at_most_and_by_one_replica(tmp_path: Path) -> None:
    """A target that forgets all the time writes a line a minute; of two replicas the one that leads looks after it."""
    async with Place.open(tmp_path) as world, world.another() as other:
        await rolled_back(world)
        world.router.reload()
        await world.house.rounds.keep()
        await keeper(world).idle()
        asked = world.router.asked
        other.rounds.lead = Second()
        await other.rounds.keep()
        await other.reconciler.hands.keeper.idle()
        assert world.router.asked == asked
        for _ in range(5):
            world.router.reload()
            world.clock.forward(seconds=10)
            lines = await kept(world)
        assert len(lines) == 1
        world.router.reload()
        world.clock.forward(seconds=10)
        assert len(await kept(world)) == 2


async def test_two_replicas_that_both_look_tell_it_once(tmp_path: Path) -> None:
    """While the lead changes hands both may ask: the target is put right once, the log has one line."""
    async with Place.open(tmp_path) as world, world.another() as other:
        await rolled_back(world)
        world.router.reload()
        both = (keeper(world), other.reconciler.hands.keeper)
        await asyncio.gather(*(each.keep() for each in both))
        await asyncio.gather(*(each.idle() for each in both))
        assert len([line for line in await world.lines() if "stands again" in line]) == 1


async def test_two_changes_of_one_target_both_stand_again(tmp_path: Path) -> None:
    """A reload loses the weights and the bypass: both are put back, the older one first."""
    async with Place.open(tmp_path) as world:
        await rolled_back(world)
        await world.propose("bypass-poor", "ana")
        await world.approve("M2")
        world.router.reload()
        world.router.bypass = {}
        assert [line[:2] for line in await kept(world)] == ["M1", "M2"]
        assert world.router.weights == {"v1": 100, "v2": 0}
        assert world.router.bypass == {"health=poor": "rules"}


async def test_what_a_later_change_replaced_is_not_brought_back(tmp_path: Path) -> None:
    """An incident put all on v1, a later one all on v2: what stands is the later word, and only that is kept."""
    service = shipped().services["visits"]
    forward = Offer("forward-v2", "Forward to v2", "rollback", "visits-router", {"to": "v2"})
    policy = replace(shipped().policy, cool_down=timedelta(0))
    services = {"visits": replace(service, offers=(*service.offers, forward))}
    async with Place.open(tmp_path, services=services, policy=policy) as world:
        await rolled_back(world)
        await world.declare("v1 is worse", "ana")
        world.clock.forward(seconds=5)
        await world.propose("forward-v2", "ana", "INC-2")
        await world.approve("M1", incident="INC-2")
        assert world.router.weights == {"v1": 0, "v2": 100}
        assert await kept(world) == []
        assert world.router.weights == {"v1": 0, "v2": 100}
        assert world.router.asked == 1


async def test_another_hand_is_left_alone(tmp_path: Path) -> None:
    """What somebody changed on purpose stays as they left it, and nothing is said."""
    async with Place.open(tmp_path) as world:
        await rolled_back(world)
        world.router.reload()
        world.router.by_hand = True
        assert await kept(world) == []
        assert world.router.weights == {"v1": 0, "v2": 100}


async def test_nothing_is_kept_while_it_is_taken_back_or_afterwards(tmp_path: Path) -> None:
    """An undo ends what is being looked after first, and nobody puts the change back once it is undone."""
    async with Place.open(tmp_path) as world:
        await rolled_back(world)
        world.router.hangs = True
        await world.house.rounds.keep()
        await asyncio.wait_for(world.router.held.wait(), 5)
        await world.say(UndoMitigation("M1"), "ben")
        assert (await world.incident()).mitigations["M1"].state is State.UNDONE
        assert world.router.weights == {"v1": 0, "v2": 100}
        world.router.hangs, asked = False, world.router.asked
        assert await kept(world) == []
        assert world.router.asked == asked


@dataclass
class Slow(Forgetful):
    """A router whose state alone tells whether a change was taken back, and that lets others act while it is asked."""

    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    stuck: bool = False

    async def keep(self, plan: Plan, key: str, since: datetime) -> str:
        if self.weights == plan.after["weights"]:
            return ""
        self.held.set()
        await self.goes_on.wait()
        return await super().keep(plan, key, since)

    async def undo(self, plan: Plan, key: str) -> None:
        if self.stuck:
            raise Unavailable("router", "time-out")
        await super().undo(plan, key)

    async def undone(self, plan: Plan, key: str) -> Observation:
        seen = Seen.APPLIED if self.weights == plan.before["weights"] else Seen.NOT_APPLIED
        return Observation(seen, f"weights are {self.weights}")


@pytest.mark.parametrize("stuck", [False, True])
async def test_what_another_replica_took_back_meanwhile_is_taken_back_again(tmp_path: Path, stuck: bool) -> None:
    """One replica finds the change lost and sets it; the other, just before, found it gone and called it undone.

    It is taken back once more and told; where it cannot be, nobody can tell, and people are called.
    """
    async with Place.open(tmp_path) as world, world.another() as other:
        world.router = router = Slow(world.clock, stuck=stuck)
        for house in (world.house, other):
            house.desk.changes.actions = {"visits-router": router}
        await rolled_back(world)
        router.reload()
        await other.rounds.keep()
        await asyncio.wait_for(router.held.wait(), 5)
        await world.say(UndoMitigation("M1"), "ben")
        assert (await world.incident()).mitigations["M1"].state is State.UNDONE
        router.goes_on.set()
        await other.reconciler.hands.keeper.idle()
        incident = await world.incident()
        if stuck:
            assert incident.mitigations["M1"].state is State.UNKNOWN
            assert {call.person for call in incident.calls} >= {
                (await world.who("ana")).id,
                (await world.who("ben")).id,
            }
        else:
            assert router.weights == {"v1": 0, "v2": 100}
            assert incident.mitigations["M1"].state is State.UNDONE
            assert "it was taken back once more" in (await world.lines())[-1]
        assert await kept(world) == []


async def test_a_target_in_doubt_is_not_touched(tmp_path: Path) -> None:
    """Nobody can tell what became of an undo: a person looks, and the bot keeps its hands off."""
    async with Place.open(tmp_path) as world:
        await rolled_back(world)
        world.router.fault = "silent"
        await world.say(UndoMitigation("M1"), "ben")
        assert (await world.incident()).mitigations["M1"].state in (State.UNKNOWN, State.UNDOING)
        world.router.reload()
        assert await kept(world) == []
        assert world.router.asked == 0


async def test_a_target_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    """It is asked once until it answers, pages go out meanwhile, and it is let go after its time."""
    async with Place.open(tmp_path) as world:
        await rolled_back(world)
        world.router.hangs = True
        keeper(world).within = 0.2
        await world.house.rounds.keep()
        await world.house.rounds.keep()
        await asyncio.wait_for(world.router.held.wait(), 5)
        assert world.router.asked == 1
        paged = len(world.phone.pages)
        await world.declare("something else", "ben")
        await world.round(seconds=20)
        assert len(world.phone.pages) == paged + 1
        await keeper(world).idle()
        world.router.hangs = False
        world.router.reload()
        assert len(await kept(world)) == 1


async def test_a_target_that_is_away_is_asked_again(tmp_path: Path) -> None:
    """Its silence writes nothing into the log and ends nothing."""
    async with Place.open(tmp_path) as world:
        await rolled_back(world)
        world.router.reload()
        world.router.away = "time-out"
        assert await kept(world) == []
        world.router.away = ""
        assert len(await kept(world)) == 1


async def test_it_ends_with_the_incident(tmp_path: Path) -> None:
    """A bypass goes on standing after the harm is over; once the incident is closed it is nobody's any more."""
    async with Place.open(
        tmp_path, policy=replace(shipped().policy, verify_within=shipped().policy.verify_after)
    ) as world:
        await rolled_back(world)
        await world.say(Resolve("over", "seen"), "ana")
        world.router.reload()
        assert len(await kept(world)) == 1
        await world.say(Close(), "ana")
        world.router.reload()
        world.clock.forward(minutes=2)
        assert len(await kept(world)) == 1
