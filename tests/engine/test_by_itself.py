"""What is approved beforehand: its proof is an undo of our own, and where nobody can tell, those on call are woken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.domain.approval import proof_of
from bot.domain.execution import ReportOutcome
from bot.domain.guard import Means, TargetRules
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import Mitigation, Outcome, Plan, State
from bot.domain.paging import Acknowledge
from bot.domain.undo import UndoMitigation
from bot.engine.values import Found, Observation, Seen
from tests.world import Router, World, shipped

AHEAD = replace(
    shipped().policy,
    cool_down=timedelta(0),
    targets={"visits-router": TargetRules(automatic=frozenset({Means.BYPASS}))},
)


class ByState(Router):
    """A router of which only its state can be read: it keeps no keys of who put what back."""

    async def undone(self, plan: Plan, key: str) -> Observation:
        (part,) = plan.before
        seen = Seen.APPLIED if getattr(self, part) == plan.before[part] else Seen.NOT_APPLIED
        return Observation(seen, "by its state")


class Place(World):
    def __init__(self, folder: Path, database: str = "") -> None:
        super().__init__(folder, database)
        self.router = ByState(self.clock)
        self.instrument.found = [Found("features differ from every version's", (("feature_pipeline", 4.0),))]


async def m1(world: World, incident: str) -> Mitigation:
    return (await world.incident(incident)).mitigations["M1"]


async def bypassed(world: World) -> Mitigation:
    """People bypassed the slice by hand, as the house asks for before it does so by itself."""
    await world.healthy()
    await world.broken()
    await world.say(Acknowledge(), "ana")
    await world.propose("bypass-poor", "ana")
    await world.approve("M1")
    return await m1(world, "INC-1")


async def proofs(world: World, plan: Plan) -> int:
    return len(await world.house.desk.log.counted(proof_of(plan), world.clock.now() - timedelta(days=1)))


async def again(world: World) -> None:
    """That incident is over, and the same happens once more."""
    await world.healthy(40)
    await world.say(Resolve("over", waive="seen"), "ana")
    await world.say(Close(), "ana")
    await world.broken()


async def test_what_another_hand_took_back_proves_nothing(tmp_path: Path) -> None:
    """Somebody put it back at the router before the undo was begun: it is undone, and the next is left to people."""
    async with Place.open(tmp_path, policy=AHEAD) as world:
        mitigation = await bypassed(world)
        world.router.bypass = {}
        await world.say(UndoMitigation("M1", "put back by hand"), "ben")
        assert (await m1(world, "INC-1")).state is State.UNDONE
        assert len(world.router.effects) == 1
        assert await proofs(world, mitigation.plan) == 0
        await again(world)
        assert (await world.incident("INC-2")).left_to_people == {"bypass-poor"}


async def test_an_unknown_outcome_of_what_was_done_by_itself_wakes_those_on_call(tmp_path: Path) -> None:
    """Nobody approved it and nobody leads: whoever is on call is called by name and paged."""
    async with Place.open(tmp_path, policy=AHEAD) as world:
        mitigation = await bypassed(world)
        await world.say(UndoMitigation("M1", "tried"), "ben")
        assert await proofs(world, mitigation.plan) == 1
        world.router.fault = "lost_before"
        await again(world)
        assert ((await m1(world, "INC-2")).automatic, (await m1(world, "INC-2")).state) == (True, State.UNKNOWN)
        on_call = list(await world.house.desk.on_call("visits"))
        incident = await world.incident("INC-2")
        assert [call.person for call in incident.calls] == on_call
        assert all("nobody can tell whether M1 was applied" in call.because for call in incident.calls)
        await world.round(seconds=5)
        pages = [key for _who, key in world.phone.pages if key.startswith("page:INC-2:call:")]
        assert len(set(pages)) == len(on_call) > 0
        await world.say(ReportOutcome("M1", Outcome.FAILED, "not there"), "ben", "INC-2")
        assert (await m1(world, "INC-2")).state is State.FAILED
