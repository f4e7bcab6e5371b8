"""A law that comes into force while an incident is open: it is asked again by itself on that day, and then stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.duty import Answer, AnswerDuties, Duty, RecordFact
from bot.domain.paging import Acknowledge
from bot.domain.policy import Policy
from bot.domain.service import Service
from bot.domain.todo import DutiesOwed, duty_basis, todo
from tests.kit import Story, at, declared
from tests.world import World, shipped

RAISE, COLORADO = "us_ny_raise", "us_co_sb26_189"
FACTS: dict[str, dict[str, bool | int | str | tuple[str, ...]]] = {
    RAISE: {
        "frontier_model_10e26": True,
        "frontier_critical_safety_incident": True,
        "developer_revenue_usd": 600_000_000,
    },
    COLORADO: {
        "automated_decision": "solely",
        "us_states_of_individuals": ("CO",),
        "co_covered_decision": True,
        "adverse_outcome": True,
    },
}
START = {RAISE: "notification_incident_determined_at", COLORADO: "adverse_decision_at"}
MIDNIGHT = {  # the first moment of 1 January 2027 where each law is kept
    RAISE: datetime(2027, 1, 1, 5, tzinfo=UTC),
    COLORADO: datetime(2027, 1, 1, 7, tzinfo=UTC),
}
CALM = replace(shipped().policy, step_idle=timedelta(days=90), remind_every=timedelta(days=90))


async def opened(world: World, regime: str) -> None:
    await world.declare("The model did what nobody asked of it", "ana")
    await world.say(Acknowledge(), "ana")
    for fact, value in FACTS[regime].items():
        await world.say(RecordFact(fact, value), "cleo")


async def until(world: World, moment: datetime) -> None:
    world.clock.forward(minutes=(moment - world.clock.now()).total_seconds() / 60)
    await world.settle()


async def asked_for(world: World) -> set[str]:
    return {each.fact.key for each in (await world.house.desk.situation("INC-1")).questions}


@pytest.mark.parametrize("regime", [RAISE, COLORADO])
async def test_the_answer_turns_by_itself_on_the_day_the_law_begins(tmp_path: Path, regime: str) -> None:
    """Detected in November, still open in January: nobody touches it, and the law asks since when its clock runs."""
    async with World.open(tmp_path, regimes=(regime,), policy=CALM) as world:
        await opened(world, regime)
        before = (await world.incident()).duties[regime]
        assert (before.answer, before.would_be) == (Answer.NO, Answer.YES)
        assert before.again == MIDNIGHT[regime]
        await until(world, MIDNIGHT[regime] - timedelta(minutes=1))
        assert (await world.incident()).duties[regime].answer is Answer.NO
        assert START[regime] not in await asked_for(world)
        await until(world, MIDNIGHT[regime])
        after = (await world.incident()).duties[regime]
        assert (after.answer, after.again) == (Answer.YES, None)
        assert START[regime] in await asked_for(world)


async def test_asking_again_on_the_same_day_writes_nothing(tmp_path: Path) -> None:
    """One entry on the day it begins; a look later that day, the next day or after a restart adds none."""
    async with World.open(tmp_path, regimes=(RAISE, COLORADO), policy=CALM) as world:
        await opened(world, RAISE)
        await until(world, datetime(2027, 1, 2, 9, tzinfo=UTC))
        seq = (await world.incident()).seq
        assert (await world.incident()).duties[RAISE].answer is Answer.YES
        for hours in (0, 1, 24):
            world.clock.forward(minutes=hours * 60)
            world.house.reconciler.note("INC-1")
            await world.settle()
        await world.restart(regimes=(RAISE, COLORADO), policy=CALM)
        await world.settle()
        assert (await world.incident()).seq == seq


async def test_an_incident_known_before_the_law_stays_outside_it(tmp_path: Path) -> None:
    """A clock that started in November decides for good: the date of the law changes nothing, and is not waited for."""
    async with World.open(tmp_path, regimes=(RAISE,), policy=CALM) as world:
        await opened(world, RAISE)
        await world.say(RecordFact(START[RAISE], "2026-11-20T12:00:00Z"), "cleo")
        assert (await world.incident()).duties[RAISE].again is None
        await until(world, datetime(2027, 1, 2, 9, tzinfo=UTC))
        assert (await world.incident()).duties[RAISE].answer is Answer.NO


SERVICE = Service("visits", "Visits", "care", "C1")


def owed(story: Story) -> list[DutiesOwed]:
    return [each for each in todo(story.incident, Policy(), SERVICE, []) if isinstance(each, DutiesOwed)]


def test_a_law_that_is_asked_no_more_has_no_date() -> None:
    """Its rules were taken away before its date: then one entry says so, and nothing is owed for ever."""
    later = Duty("gone", "Gone", Answer.NO, "it applies from 1 January", again=at(3600))
    asked = declared()
    asked = asked.when(AnswerDuties((later,), duty_basis(asked.incident, SERVICE)))
    (due,) = owed(asked)
    assert due.due == at(3600)
    assert asked.after(minutes=5).when(AnswerDuties((), due.basis)).events == ()
    settled = asked.after(minutes=70).when(AnswerDuties((), due.basis))
    assert owed(settled) == []
    assert settled.after(minutes=5).when(AnswerDuties((), due.basis)).events == ()
