"""Reports that recur: each filing starts the next clock, in the incident as in counsel's calculator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.config.regimes import load
from bot.domain.clocks import running
from bot.domain.duty import RecordFact
from bot.domain.filing import FileNotice
from bot.domain.paging import Acknowledge
from bot.domain.signing import ApproveNotice
from bot.notices.calculator import Given, ruling
from bot.notices.derive import derived
from bot.slack.views import _duty
from bot.web.telling_notice import duties as shown
from bot.words import house
from tests.kit import NOON
from tests.world import World, shipped

GPAI, RAISE = "eu_ai_act_art55_gpai_cop", "us_ny_raise"
CALM = replace(shipped().policy, step_idle=timedelta(days=400), remind_every=timedelta(days=400))
DEATH = {
    "gpai_systemic_risk": True,
    "gpai_model": True,
    "eu_nexus": True,
    "deaths": 1,
    "serious_incident_identified": True,
    "model_involvement_known_at": NOON.isoformat(),
}
FRONTIER = {
    "frontier_model_10e26": True,
    "frontier_critical_safety_incident": True,
    "developer_revenue_usd": 600_000_000,
    "notification_incident_determined_at": "2027-02-01T10:00:00Z",
}


async def opened(world: World, facts: dict[str, bool | int | str]) -> None:
    await world.declare("The model did what nobody asked of it", "ana")
    await world.say(Acknowledge(), "ana")
    for fact, value in facts.items():
        await world.say(RecordFact(fact, value), "cleo")


async def file(world: World, template: str) -> datetime:
    """Another notice of that kind goes from its beginning to its filing; when it was filed."""
    desk, ana = world.house.desk, await world.who("ana")
    await desk.request_notice("INC-1", template, ana)
    name = list((await world.incident()).notices)[-1]
    await desk.ask_approval("INC-1", name, ana)
    latest = (await world.incident()).notices[name].latest
    assert latest is not None
    await world.say(ApproveNotice(name, latest.digest), "cleo")
    world.clock.forward(minutes=1)
    await world.say(FileNotice(name, "its portal", "R-1"), "cleo")
    return world.clock.now()


async def dates(world: World, regime: str, stage: str) -> list[datetime]:
    """The date of that notice's clock, if it runs."""
    return [each.strict for each in running(await world.incident()) if each.item == f"{regime}/{stage}"]


async def test_the_report_every_four_weeks_is_owed_again_after_each_filing(tmp_path: Path) -> None:
    """The first report's clock ends with its filing; the intermediate one's starts with it, and with every one after."""
    async with World.open(tmp_path, regimes=(GPAI,), policy=CALM) as world:
        await opened(world, DEATH)
        await file(world, f"{GPAI}/initial_report_death")
        assert await dates(world, GPAI, "initial_report_death") == []
        (first,) = await dates(world, GPAI, "intermediate_report")
        world.clock.forward(minutes=20 * 24 * 60)
        for _ in range(2):
            filed = await file(world, f"{GPAI}/intermediate_report")
            (due,) = await dates(world, GPAI, "intermediate_report")
            assert due > first
            assert timedelta(days=27) < due - filed <= timedelta(days=29)
            first = due
            world.clock.forward(minutes=20 * 24 * 60)
        situation = await world.house.desk.situation("INC-1")
        told = situation.incident.duties[GPAI]
        (line,) = [each for each in _duty.dates(situation, told) if "Intermediate report" in each]
        assert line.startswith("by ")
        by_stage = {each.stage: each for each in shown(situation, CALM)[0].dues}
        assert by_stage["intermediate_report"].filed is None
        assert by_stage["initial_report_death"].filed is not None


async def test_the_summary_every_three_months_goes_on(tmp_path: Path) -> None:
    """No clock before the first summary, and one after it; what it is counted from is the summary itself."""
    async with World.open(tmp_path, regimes=(RAISE,), policy=CALM) as world:
        world.clock.forward(minutes=(datetime(2027, 2, 1, 11, tzinfo=UTC) - world.clock.now()).total_seconds() / 60)
        await opened(world, FRONTIER)
        assert await dates(world, RAISE, "internal_use_summary") == []
        for month in (5, 8):
            await file(world, f"{RAISE}/internal_use_summary")
            (due,) = await dates(world, RAISE, "internal_use_summary")
            assert (due.year, due.month) == (2027, month)
            world.clock.forward(
                minutes=(datetime(2027, month, 1, 11, tzinfo=UTC) - world.clock.now()).total_seconds() / 60
            )


def test_the_calculator_counts_the_next_summary_too() -> None:
    """What was filed in February is due again in May, and overdue in June."""
    shelf = load(house() / "templates" / "notices")
    filed = datetime(2027, 2, 1, 10, tzinfo=UTC)
    for at, standing in ((datetime(2027, 3, 1, tzinfo=UTC), "due"), (datetime(2027, 6, 1, tzinfo=UTC), "overdue")):
        facts = {**FRONTIER, "notification_incident_determined_at": filed}
        asked = Given(derived(facts, shelf.facts), at, {RAISE: {"internal_use_summary": filed}})
        found = {each.stage.id: each for each in ruling(shelf.by_id[RAISE], asked).notices}
        assert found["internal_use_summary"].standing == standing
