"""Carrying out: evidence first, one change per approval, and whoever cannot know says so."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.execution import ReportOutcome
from bot.domain.lifecycle import Resolve
from bot.domain.mitigation import Mitigation, Outcome, Plan, State
from bot.domain.paging import Acknowledge
from tests.world import Router, World

V1 = {"v1": 100, "v2": 0}
V2 = {"v1": 0, "v2": 100}


async def proposed(world: World, offer: str = "rollback-v1") -> Mitigation:
    await world.declare("scores look wrong", "ana")
    await world.say(Acknowledge(), "ana")
    await world.propose(offer, "ana")
    return (await world.incident()).mitigations["M1"]


@dataclass
class SlowRouter(Router):
    """A router that lets two replicas read its version before either acts, and takes its time to act."""

    waiting: list[asyncio.Event] = field(default_factory=list)

    async def token(self, plan: Plan) -> str:
        if not self.waiting:
            self.waiting.append(asyncio.Event())
            await asyncio.wait_for(self.waiting[0].wait(), 5)
        self.waiting[0].set()
        return await super().token(plan)

    async def execute(self, plan: Plan, key: str) -> None:
        await asyncio.sleep(0.3)
        await super().execute(plan, key)


async def m1(world: World) -> Mitigation:
    return (await world.incident()).mitigations["M1"]


async def approved_and_hanging(world: World, fault: str, *, keyed: bool = True) -> None:
    """The rollback is approved, and the house waits for the target's answer."""
    world.router.keyed = keyed
    mitigation = await proposed(world)
    world.router.fault = fault
    await world.house.desk.submit("INC-1", ApproveMitigation("M1", mitigation.digest), await world.who("ben"))
    await world.house.reconciler.settle()
    await asyncio.wait_for(world.router.reached.wait(), 10)


# -- the hold --------------------------------------------------------------------------------------------------------


async def test_evidence_is_held_while_approval_is_asked(tmp_path: Path) -> None:
    """The target as it was and what the instruments see are exhibits before anybody approved."""
    async with World.open(tmp_path) as world:
        mitigation = await proposed(world)
        assert mitigation.state is State.PROPOSED
        kept = {each.name for each in await world.house.desk.exhibits.of("INC-1")}
        assert set(mitigation.held) <= kept
        assert {"M1-target-before.json", "drift-rows.json"} <= kept
        assert world.router.effects == []


@pytest.mark.long
async def test_a_hold_that_hangs_lapses_and_says_what_is_missing(tmp_path: Path) -> None:
    """An instrument that does not answer keeps a rollback waiting for its twenty seconds at most."""
    async with World.open(tmp_path) as world:
        world.house.reconciler.hands.diagnosis.deadline = 0.05
        world.instrument.hangs = True
        mitigation = await proposed(world)
        assert [gap.split(":")[0] for gap in mitigation.not_held] == ["drift"]
        await world.approve("M1")
        assert world.router.weights == V1


async def test_a_hold_that_cannot_be_kept_at_all_only_delays(tmp_path: Path) -> None:
    """With the exhibits' store failing, the change goes ahead when the hold is out of its time, not before."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")

        class Full:
            """A store with no room left."""

            async def put(self, *given: object, **named: object) -> None:
                raise OSError("disk full")

            async def of(self, incident: str) -> list:
                return []

        world.house.desk.exhibits = Full()
        await world.propose("rollback-v1", "ana")
        assert (await world.approve("M1")).mitigations["M1"].state is State.APPROVED
        await world.round(seconds=10)
        assert world.router.effects == []
        await world.round(seconds=11)
        assert world.router.weights == V1
        assert any(
            "could not secure the evidence before M1 yet (the evidence: target: it broke" in line
            for line in await world.lines()
        )


async def test_a_bypass_waits_for_nothing(tmp_path: Path) -> None:
    """It takes nothing away: it is carried out at the approval, the rest of the traffic is untouched."""
    async with World.open(tmp_path) as world:
        await proposed(world, "bypass-poor")
        await world.approve("M1")
        assert world.router.bypass == {"health=poor": "rules"}
        assert world.router.weights == V2


# -- acting once -----------------------------------------------------------------------------------------------------


async def test_an_approved_change_is_made_once_under_its_key(tmp_path: Path) -> None:
    """Double clicks, rounds and restarts afterwards make no second change."""
    async with World.open(tmp_path) as world:
        mitigation = await proposed(world)
        for click in ("c1", "c1", "c2"):
            await world.say(ApproveMitigation("M1", mitigation.digest), "ben", inbound=click)
        await world.restart()
        await world.round(seconds=60)
        assert world.router.effects == [mitigation.key("INC-1")]
        assert (await m1(world)).state is State.APPLIED


async def test_nothing_is_done_without_or_after_an_approval_that_lapsed(tmp_path: Path) -> None:
    """A quarter of an hour later the proposal is gone, and approving it is refused."""
    async with World.open(tmp_path) as world:
        mitigation = await proposed(world)
        await world.round(seconds=16 * 60)
        assert (await m1(world)).state is State.EXPIRED
        assert "nothing to approve" in await world.refuses(ApproveMitigation("M1", mitigation.digest), "ben")
        assert world.router.effects == []


async def test_an_approval_in_an_incident_that_is_over_is_refused(tmp_path: Path) -> None:
    """Resolved with a proposal still open: nobody changes production by an old button."""
    async with World.open(tmp_path) as world:
        mitigation = await proposed(world)
        await world.say(Resolve("gone", waive="it went away by itself"), "ana")
        assert "re-open it" in await world.refuses(ApproveMitigation("M1", mitigation.digest), "ben")
        assert world.router.effects == []


async def test_a_target_that_changed_after_the_plan_is_left_alone(tmp_path: Path) -> None:
    """Somebody deployed meanwhile: the approval was of other words, nothing is applied."""
    async with World.open(tmp_path) as world:
        await proposed(world)
        world.router.revision += 1
        assert (await world.approve("M1")).mitigations["M1"].state is State.STALE
        assert world.router.effects == []
        assert (await world.propose("rollback-v1", "ana")).mitigations["M2"].state is State.PROPOSED


async def test_a_target_that_refuses_makes_a_failure_not_a_doubt(tmp_path: Path) -> None:
    """A definite no changes nothing, and frees the target for another proposal."""
    async with World.open(tmp_path) as world:
        await proposed(world)
        world.router.fault = "refuse"
        failed = (await world.approve("M1")).mitigations["M1"]
        assert (failed.state, failed.detail) == (State.FAILED, "the router refuses")
        assert await world.house.desk.log.holder("target:router/visits-router") is None
        world.router.fault = ""
        await world.propose("rollback-v1", "ana")
        await world.approve("M2")
        assert world.router.weights == V1


async def test_a_lost_answer_after_the_effect_is_found_by_asking(tmp_path: Path) -> None:
    """The call timed out, the target shows the key: applied, once."""
    async with World.open(tmp_path) as world:
        await proposed(world)
        world.router.fault = "lost_after"
        assert (await world.approve("M1")).mitigations["M1"].state is State.APPLIED
        assert len(world.router.effects) == 1


@pytest.mark.parametrize("keyed", [True, False])
async def test_a_lost_answer_before_the_effect_is_unknown_and_a_person_settles_it(tmp_path: Path, keyed: bool) -> None:
    """It may still land: it is never fired again, the target stays held, and an approver says what they found."""
    async with World.open(tmp_path) as world:
        world.router.keyed = keyed
        await proposed(world)
        world.router.fault = "lost_before"
        assert (await world.approve("M1")).mitigations["M1"].state is State.UNKNOWN
        world.router.fault = ""
        await world.restart()
        await world.round(seconds=600)
        assert world.router.effects == []
        assert await world.house.desk.log.holder("target:router/visits-router") == "INC-1"
        assert "only" in await world.refuses(ReportOutcome("M1", Outcome.FAILED), "ana")
        await world.say(ReportOutcome("M1", Outcome.FAILED, "the router's log shows no request"), "ben")
        assert (await m1(world)).state is State.FAILED
        assert await world.house.desk.log.holder("target:router/visits-router") is None


async def test_a_target_that_is_silent_before_the_claim_is_asked_again_later(tmp_path: Path) -> None:
    """Nothing was done yet, so trying again is safe; each wait is written down and longer than the last."""
    async with World.open(tmp_path) as world:
        await proposed(world)
        world.router.fault = "silent"
        await world.approve("M1")
        key = "execute:INC-1:M1"
        assert (await world.incident()).troubles[key].count == 1
        await world.round(seconds=4)
        assert (await world.incident()).troubles[key].count == 1
        await world.round(seconds=2)
        assert (await world.incident()).troubles[key].count == 2
        await world.restart()
        await world.round(seconds=6)
        assert (await world.incident()).troubles[key].count == 2
        world.router.fault = ""
        await world.round(seconds=6)
        assert (await m1(world)).state is State.APPLIED
        assert len(world.router.effects) == 1


async def test_two_incidents_do_not_change_one_target_at_once(tmp_path: Path) -> None:
    """While the first is unknown, the second's approval waits; it goes ahead once a person settled the first."""
    async with World.open(tmp_path) as world:
        await proposed(world)
        world.router.fault = "lost_before"
        await world.approve("M1")
        world.router.fault = ""
        await world.declare("another thing", "ana")
        await world.propose("bypass-poor", "ana", "INC-2")
        second = await world.approve("M1", incident="INC-2")
        assert second.mitigations["M1"].state is State.APPROVED
        assert "being changed by INC-1" in next(iter(second.troubles.values())).because
        await world.say(ReportOutcome("M1", Outcome.FAILED, "looked"), "ben")
        await world.round(seconds=6)
        assert world.router.bypass == {"health=poor": "rules"}


# -- crashes ---------------------------------------------------------------------------------------------------------


async def test_killed_after_the_effect_it_finds_it_and_does_not_repeat_it(tmp_path: Path) -> None:
    """The house died while the answer was on its way; the next one reads the key off the target."""
    async with World.open(tmp_path) as world:
        await approved_and_hanging(world, "hang_after")
        world.router.fault = ""
        await world.crash()
        await world.settle()
        assert (await m1(world)).state is State.APPLIED
        assert len(world.router.effects) == 1


async def test_killed_before_the_effect_a_keyed_target_is_asked_again_under_the_same_key(tmp_path: Path) -> None:
    """The target itself refuses a key it knows, so repeating is safe: applied exactly once."""
    async with World.open(tmp_path) as world:
        await approved_and_hanging(world, "hang_before")
        world.router.fault = ""
        await world.crash()
        await world.settle()
        assert (await m1(world)).state is State.APPLIED
        assert len(world.router.effects) == 1


async def test_killed_before_the_effect_an_unkeyed_target_is_left_to_a_person(tmp_path: Path) -> None:
    """Nobody can tell whether the request still lands: unknown, said in the timeline, never fired again."""
    async with World.open(tmp_path) as world:
        await approved_and_hanging(world, "hang_before", keyed=False)
        world.router.fault = ""
        await world.crash()
        await world.settle()
        await world.round(seconds=600)
        assert (await m1(world)).state is State.UNKNOWN
        assert world.router.effects == []
        assert any("a person must look" in line for line in await world.lines())


async def test_a_second_replica_does_not_fire_what_the_first_is_firing(tmp_path: Path) -> None:
    """Both read it as approved; the one whose claim came second acts not, and the first one's report stands."""
    async with World.open(tmp_path) as world, world.another() as other:
        mitigation = await proposed(world)
        router = SlowRouter(world.clock, keyed=False)
        for house in (world.house, other):
            house.desk.changes.actions = {"visits-router": router}
        digest = ApproveMitigation("M1", mitigation.digest)
        await world.house.desk.submit("INC-1", digest, await world.who("ben"))
        incident = await world.incident()
        carriers = [house.reconciler.hands.carrier for house in (world.house, other)]
        done = await asyncio.gather(*(each.execute(incident, "M1") for each in carriers), return_exceptions=True)
        assert sorted(str(each) for each in done) == ["M1 is being carried out already", "None"]
        assert len(router.effects) == 1
        assert (await m1(world)).state is State.APPLIED
