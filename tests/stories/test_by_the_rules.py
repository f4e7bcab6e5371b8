"""Changes of production by the house's rules, as whole nights: by itself, taken back, held, alone, cooled, frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config.installation import Installation
from bot.domain.approval import ApproveMitigation
from bot.domain.errors import Refused
from bot.domain.glass import ReviewGlass
from bot.domain.guard import ActionClass, Freeze, Means, TargetRules
from bot.domain.hold import PlaceHold, ReleaseHold, SkipHold
from bot.domain.incident import Incident
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import Plan, State
from bot.domain.paging import Acknowledge
from bot.domain.policy import Policy, Role
from bot.domain.service import Target
from bot.domain.undo import UndoMitigation
from bot.engine.values import Found, Profile
from tests.kit import NOON
from tests.world import Router, World, shipped

ROUTER = "visits-router"
V1, V2 = {"v1": 100, "v2": 0}, {"v1": 0, "v2": 100}
PIPELINE = Found("features differ from every version's training data", (("feature_pipeline", 4.0),))


def rules(**changes: Any) -> Policy:
    """The house's policy with some of it changed; time enough between two changes is asked for only where it says so."""
    return replace(shipped().policy, **{"cool_down": timedelta(0), **changes})


def on_router(**changes: Any) -> dict[str, TargetRules]:
    return {ROUTER: TargetRules(**changes)}


class Crew(World):
    """The house of the stories with two more people: dora approves too, and eve is an administrator."""

    def installation(self, **changes: Any) -> Installation:
        more = (
            Profile("", "dora", "Dora Weiss", frozenset({Role.RESPONDER, Role.APPROVER})),
            Profile("", "eve", "Eve Lund", frozenset({Role.ADMIN})),
        )
        given = super().installation(**changes)
        return replace(given, people=(*given.people, *more))


async def broken(world: World, name: str = "INC-1") -> Incident:
    """The model fails for one group, and ana takes the incident."""
    await world.healthy()
    await world.broken()
    await world.say(Acknowledge(), "ana", name)
    return await world.incident(name)


async def over(world: World, name: str) -> None:
    """It is good again by the data, resolved and closed."""
    await world.healthy(40)
    await world.say(Resolve("over", waive="seen"), "ana", name)
    await world.say(Close(), "ana", name)


async def state(world: World, name: str = "M1", incident: str = "INC-1") -> State:
    return (await world.incident(incident)).mitigations[name].state


# -- (a) by itself ---------------------------------------------------------------------------------------------------

BEFOREHAND = rules(targets=on_router(automatic=frozenset({Means.BYPASS})))


def suspects(world: World) -> None:
    world.instrument.found = [PIPELINE]


async def test_without_proof_a_bypass_is_left_to_people_and_that_is_said_once(tmp_path: Path) -> None:
    """It is approved beforehand, but nobody ever saw one taken back: the thread says why, and nothing is changed."""
    async with World.open(tmp_path, policy=BEFOREHAND) as world:
        suspects(world)
        await broken(world)
        for _ in range(3):
            await world.round(seconds=30)
        assert world.router.effects == []
        told = [line for line in await world.lines() if "was not done by itself" in line]
        assert len(told) == 1
        assert "do it once by hand and undo it, then it may be done by itself" in told[0]
        await world.restart(policy=BEFOREHAND)
        await world.round(seconds=60)
        assert [line for line in await world.lines() if "was not done by itself" in line] == told


async def test_a_bypass_whose_undo_was_seen_happens_by_itself_is_told_and_verified(tmp_path: Path) -> None:
    """In an earlier incident people bypassed the slice and took it back; the next time nobody needs to wait for them."""
    async with World.open(tmp_path, policy=BEFOREHAND) as world:
        suspects(world)
        await broken(world)
        await world.propose("bypass-poor", "ana")
        await world.approve("M1")
        await world.say(UndoMitigation("M1"), "ben")
        assert await state(world) is State.UNDONE
        await over(world, "INC-1")
        await world.broken()
        incident = await world.incident("INC-2")
        assert incident.acknowledged is None
        mitigation = incident.mitigations["M1"]
        assert (mitigation.automatic, mitigation.approvals, mitigation.state) == (True, (), State.APPLIED)
        assert world.router.bypass == {"health=poor": "rules"}
        lines = await world.lines("INC-2")
        assert any("M1 is approved beforehand by the policy" in line for line in lines)
        assert any("Tocsin proposed M1: bypass on visits-router" in line for line in lines)
        await world.healthy(40)
        assert await state(world, "M1", "INC-2") is State.VERIFIED
        assert len(world.router.effects) == 3  # there and back, and there again: never twice


async def test_proof_grows_old(tmp_path: Path) -> None:
    """What was seen to work longer ago than the policy trusts is no proof any more."""
    policy = replace(BEFOREHAND, undo_proof=timedelta(minutes=2))
    async with World.open(tmp_path, policy=policy) as world:
        suspects(world)
        await broken(world)
        await world.propose("bypass-poor", "ana")
        await world.approve("M1")
        await world.say(UndoMitigation("M1"), "ben")
        await over(world, "INC-1")
        await world.healthy(130)
        await world.broken()
        assert (await world.incident("INC-2")).mitigations == {}
        assert (await world.incident("INC-2")).left_to_people == {"bypass-poor"}


# -- (b) taken back by itself ----------------------------------------------------------------------------------------


async def test_what_does_not_help_is_taken_back_by_itself_and_the_next_is_offered(tmp_path: Path) -> None:
    """The bypass changes nothing: after its time it is undone without a click, once, and the rollback can be proposed."""
    policy = rules(targets=on_router(undo_itself=True), verify_within=timedelta(seconds=30))
    async with World.open(tmp_path, policy=policy) as world:
        await broken(world)
        await world.propose("bypass-poor", "ana")
        await world.approve("M1")
        await world.broken(60)
        assert await state(world) is State.UNDONE
        assert world.router.bypass == {}
        lines = await world.lines()
        assert any("M1 does not seem to help" in line for line in lines)
        assert any("it does not help, and the policy takes it back then" in line for line in lines)
        await world.propose("rollback-v1", "ana")
        await world.approve("M2")
        assert world.router.weights == V1
        await world.healthy(40)
        assert await state(world, "M2") is State.VERIFIED
        assert len(world.router.effects) == 3


async def test_where_the_policy_does_not_say_so_people_decide(tmp_path: Path) -> None:
    """The same night under the plain rules: it is said not to help, stays where it is, and one click takes it back."""
    async with World.open(tmp_path, policy=rules(verify_within=timedelta(seconds=30))) as world:
        await broken(world)
        await world.propose("bypass-poor", "ana")
        await world.approve("M1")
        await world.broken(60)
        assert await state(world) is State.NOT_HELPING
        assert world.router.bypass == {"health=poor": "rules"}
        await world.say(UndoMitigation("M1"), "ben")
        assert await state(world) is State.UNDONE


# -- (c) counsel's hold ----------------------------------------------------------------------------------------------


async def test_counsels_hold_stops_an_approved_rollback_until_it_is_released(tmp_path: Path) -> None:
    """Placed before the second yes, it outlasts a restart; once released the rollback goes ahead by itself, once."""
    async with World.open(tmp_path, policy=rules()) as world:
        await broken(world)
        await world.propose("rollback-v1", "ana")
        await world.say(PlaceHold("the regulator asked for the state as it is"), "cleo")
        await world.approve("M1")
        await world.restart(policy=rules())
        await world.round(seconds=60)
        assert await state(world) is State.APPROVED
        assert world.router.effects == []
        await world.say(ReleaseHold("an image was taken"), "cleo")
        assert await state(world) is State.APPLIED
        assert len(world.router.effects) == 1
        lines = await world.lines()
        assert any("Cleo Marchetti placed a legal hold" in line for line in lines)
        assert any("Cleo Marchetti released the legal hold" in line for line in lines)


# -- (d) people at risk ----------------------------------------------------------------------------------------------


async def test_people_at_risk_skip_the_hold_and_the_evidence_is_kept_all_the_same(tmp_path: Path) -> None:
    """An instrument hangs and the rollback waits for it; with a reason it goes at once, and the hold ends afterwards."""
    async with World.open(tmp_path, policy=rules()) as world:
        await world.declare("scores look wrong", "ana")
        world.instrument.hangs = True
        after = await world.house.desk.changes.propose("INC-1", "rollback-v1", "", await world.who("ana"))
        digest = after.mitigations["M1"].digest
        submit = world.house.desk.submit
        await submit("INC-1", ApproveMitigation("M1", digest), await world.who("ben"))
        await world.house.reconciler.settle()
        assert await state(world) is State.APPROVED
        with pytest.raises(Refused, match="say why people are at risk"):
            await submit("INC-1", SkipHold("M1", " "), await world.who("ben"))
        await submit("INC-1", SkipHold("M1", "patients are called in the wrong order"), await world.who("ben"))
        await world.house.reconciler.settle()
        async with asyncio.timeout(10):
            while await state(world) is not State.APPLIED:
                await world.house.reconciler.settle()
        assert world.router.weights == V1
        world.instrument.hangs = False
        await world.crash(policy=rules())
        await world.settle()
        mitigation = (await world.incident()).mitigations["M1"]
        assert mitigation.hold_waived == "patients are called in the wrong order"
        assert "M1-target-before.json" in mitigation.held


# -- (e) one person alone --------------------------------------------------------------------------------------------


async def test_one_person_acts_alone_everybody_hears_and_it_is_reviewed_before_closing(tmp_path: Path) -> None:
    """Ben's own proposal goes ahead on his word; on-call, managers and administrators are paged; eve looks at it."""
    async with Crew.open(tmp_path, policy=rules()) as world:
        await broken(world)
        await world.propose("rollback-v1", "ben")
        assert "a second person must approve it" in await world.refuses(
            ApproveMitigation("M1", (await world.incident()).mitigations["M1"].digest), "ben"
        )
        before = list(world.phone.pages)
        digest = (await world.incident()).mitigations["M1"].digest
        changes = world.house.desk.changes
        with pytest.raises(Refused, match="why it cannot wait"):
            await changes.break_glass("INC-1", "M1", digest, "now", await world.who("ben"))
        why = "nobody answers and every call is wrong"
        await changes.break_glass("INC-1", "M1", digest, why, await world.who("ben"))
        await world.settle()
        assert world.router.weights == V1
        assert {key for key, _ in world.phone.pages[len(before) :]} == {"ana", "max", "eve"}
        await world.healthy(40)
        await world.say(Resolve("over", waive="seen"), "ana")
        assert "M1" in await world.refuses(Close(), "ana")
        assert "somebody else must review it" in await world.refuses(
            ReviewGlass("M1", justified=True, words="x"), "ben"
        )
        await world.say(
            ReviewGlass("M1", justified=True, words="it was right, and page the second line earlier"), "eve"
        )
        assert all(item.done for item in (await world.incident()).followups.values() if item.said == "glass:M1")
        await world.say(Close(), "ana")
        assert any("Ben Okafor broke the glass for M1 and acts alone" in line for line in await world.lines())


# -- (f) cool-down and budget ----------------------------------------------------------------------------------------


async def test_a_cool_down_holds_across_incidents(tmp_path: Path) -> None:
    """A second rollback of the same target, for another incident, waits its two minutes and then goes by itself."""
    async with World.open(tmp_path, policy=rules(cool_down=timedelta(minutes=2))) as world:
        await broken(world)
        await world.propose("rollback-v1", "ana")
        await world.approve("M1")
        await world.say(UndoMitigation("M1"), "ben")
        assert world.router.weights == V2
        await world.declare("a second thing", "ana")
        after = await world.propose("rollback-v1", "ana", "INC-2")
        assert any("it saw a rollback a moment ago" in each for each in after.mitigations["M1"].plan.warnings)
        await world.approve("M1", incident="INC-2")
        assert await state(world, "M1", "INC-2") is State.APPROVED
        assert world.router.weights == V2
        assert any("saw a rollback a moment ago; the next may follow at" in line for line in await world.lines("INC-2"))
        for _ in range(10):
            await world.round(seconds=30)
        assert await state(world, "M1", "INC-2") in (State.APPLIED, State.VERIFIED, State.NOT_HELPING)
        assert world.router.weights == V1


async def test_an_hours_budget_is_one_for_all_incidents_of_a_service(tmp_path: Path) -> None:
    """Two changes an hour: the third, in another incident, is refused with the time at which it may follow."""
    async with World.open(tmp_path, policy=rules(changes_per_hour=2)) as world:
        await broken(world)
        await world.propose("bypass-poor", "ana")
        await world.approve("M1")
        await world.propose("rollback-v1", "ana")
        await world.approve("M2")
        assert len(world.router.effects) == 2
        await world.say(UndoMitigation("M2"), "ben")  # a way back is never refused for want of a budget
        assert len(world.router.effects) == 3
        await world.declare("a second thing", "ana")
        after = await world.propose("rollback-v1", "ana", "INC-2")
        assert "this hour's changes of the service are used up" in after.mitigations["M1"].plan.warnings
        await world.approve("M1", incident="INC-2")
        assert await state(world, "M1", "INC-2") is State.APPROVED
        assert any(
            "2 changes of this service were carried out within the hour" in x for x in await world.lines("INC-2")
        )
        await world.round(seconds=16 * 60)
        assert await state(world, "M1", "INC-2") is State.EXPIRED
        assert len(world.router.effects) == 3


# -- (g) a freeze ----------------------------------------------------------------------------------------------------


async def test_a_freeze_holds_a_rollback_and_lets_a_bypass_through_until_it_ends(tmp_path: Path) -> None:
    """What moves traffic waits for the end of the freeze; what is small does not; afterwards it is approved as ever."""
    freeze = Freeze("Year's end", "the books are closed", NOON - timedelta(days=1), NOON + timedelta(minutes=10))
    policy = rules(freezes=(freeze,))
    async with World.open(tmp_path, policy=policy) as world:
        await broken(world)
        await world.propose("rollback-v1", "ana")
        mitigation = (await world.incident()).mitigations["M1"]
        assert any("Year's end holds until 2026-11-20 12:10 UTC" in each for each in mitigation.plan.warnings)
        refused = await world.refuses(ApproveMitigation("M1", mitigation.digest), "ben")
        assert refused == "Year's end holds until 2026-11-20 12:10 UTC: the books are closed"
        await world.propose("bypass-poor", "ana")
        await world.approve("M2")
        assert world.router.bypass == {"health=poor": "rules"}
        assert world.router.weights == V2
        await world.round(seconds=600)
        await world.propose("rollback-v1", "ana")
        await world.approve("M3")
        assert world.router.weights == V1


# -- (h) quorum ------------------------------------------------------------------------------------------------------


async def test_a_quorum_of_two_is_two_people(tmp_path: Path) -> None:
    """One yes leaves one to go and changes nothing, the same person twice is one, dora's is the second."""
    policy = rules(quorum={ActionClass.TRAFFIC: 2})
    async with Crew.open(tmp_path, policy=policy) as world:
        await broken(world)
        await world.propose("rollback-v1", "ana")
        await world.approve("M1", "ben")
        await world.approve("M1", "ben")
        assert await state(world) is State.PROPOSED
        assert world.router.effects == []
        await world.restart(policy=policy)
        await world.approve("M1", "dora")
        assert await state(world) is State.APPLIED
        lines = await world.lines()
        assert sum("approved M1" in line for line in lines) == 2
        assert any("1 more must" in line for line in lines)


# -- (i) class 3 -----------------------------------------------------------------------------------------------------


@dataclass
class Wide(Router):
    """A router of which a rollback reaches everything."""

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        return replace(await super().plan(target, means, params), klass=ActionClass.WIDE)


async def test_a_wide_change_takes_a_code_of_ones_own(tmp_path: Path) -> None:
    """Without a code, with somebody else's or with one that ran out it is refused; with a fresh one it goes, once."""
    world = Crew(tmp_path)
    world.router = Wide(world.clock)
    await world.start(policy=rules())
    try:
        await broken(world)
        await world.propose("rollback-v1", "ana")
        digest = (await world.incident()).mitigations["M1"].digest
        changes = world.house.desk.changes
        assert "approved with a one-time code" in await world.refuses(ApproveMitigation("M1", digest), "ben")
        doras = await changes.give_code("INC-1", "M1", await world.who("dora"))
        assert "that is not your code" in await world.refuses(ApproveMitigation("M1", digest, doras), "ben")
        old = await changes.give_code("INC-1", "M1", await world.who("ben"))
        world.clock.forward(minutes=6)
        assert "your code for M1 ran out" in await world.refuses(ApproveMitigation("M1", digest, old), "ben")
        fresh = await changes.give_code("INC-1", "M1", await world.who("ben"))
        await world.say(ApproveMitigation("M1", digest, fresh.lower()), "ben")
        assert await state(world) is State.APPLIED
        assert (await world.incident()).mitigations["M1"].approvals[0].stepped_up
        assert not any(code in line for line in await world.lines() for code in (fresh, old, doras))
    finally:
        await world.stop()
