"""Legal clocks with the real rules: shares of their time over a weekend and a holiday, and a house that slept through two."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.duty import Answer, AssignDuty, RecordFact
from bot.domain.paging import Acknowledge
from bot.slack.message import Surface
from bot.slack.settings import SlackSettings
from bot.slack.wanted import wanted
from tests.world import World, shipped

SEC = "us_sec_8k_105"
LEGAL = SlackSettings.model_validate({"bot_token": "x", "app_token": "x", "legal_channel": "legal"})
CALM = replace(shipped().policy, step_idle=timedelta(days=90), remind_every=timedelta(0))
DETERMINED = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""Monday of the week of Thanksgiving, ten o'clock in New York."""
DUE = datetime(2026, 11, 30, 22, 30, tzinfo=UTC)
"""Four business days: Tuesday, Wednesday, Friday, Monday, to the last minute at which the SEC takes it that day."""


async def determined(world: World) -> None:
    """A registrant's incident was found material: the four business days run, and two people answer for them."""
    until = DETERMINED - world.clock.now()
    world.clock.forward(minutes=until.total_seconds() / 60)
    await world.declare("Prices were shown to other customers", "ana")
    await world.say(Acknowledge(), "ana")
    for fact, value in (("sec_registrant", "domestic"), ("cybersecurity_incident_sec", True),
                        ("material_to_investors", True), ("materiality_determined_at", DETERMINED.isoformat())):  # fmt: skip
        await world.say(RecordFact(fact, value), "cleo")
    owner, deputy = await world.who("cleo"), await world.who("ben")
    await world.say(AssignDuty(SEC, owner.id, deputy.id), "cleo")


async def clocks(world: World) -> dict[int, Surface]:
    """The messages of the clock of Form 8-K by the share they tell, as counsel's channel wants them now."""
    situation = await world.house.desk.situation("INC-1")
    name = f"clock:{SEC}/item_1_05:"
    found = [one for one in wanted(situation, LEGAL) if one.name.startswith(name)]
    return {int(one.name.rpartition(":")[2]): one for one in found}


async def until(world: World, moment: datetime) -> None:
    world.clock.forward(minutes=(moment - world.clock.now()).total_seconds() / 60)
    await world.settle()


async def heard(world: World) -> list[str]:
    return [who for who, told in world.board.reminded if "INC-1 clock" in str(told)]


async def test_shares_of_business_days_are_told_by_the_date_that_the_rule_counts(tmp_path: Path) -> None:
    """Half of it is Friday morning, three quarters Saturday, not four times 24 hours: nobody is told that it is late."""
    async with World.open(tmp_path, regimes=(SEC,), policy=CALM) as world:
        await determined(world)
        duty = (await world.incident()).duties[SEC]
        due = duty.due("item_1_05")
        assert duty.answer is Answer.YES
        assert (due.started, due.strict) == (DETERMINED, DUE)
        await until(world, DETERMINED + timedelta(days=3))
        assert await clocks(world) == {}
        await until(world, DETERMINED + timedelta(days=4, hours=1))
        told = await clocks(world)
        assert {percent: one.fresh for percent, one in told.items()} == {50: True}
        assert "50 % of the time is gone" in told[50].message.text
        assert sorted(await heard(world)) == ["ben", "cleo"]
        await until(world, DUE - timedelta(minutes=1))
        told = await clocks(world)
        assert {percent: one.fresh for percent, one in told.items()} == {50: False, 75: False, 90: True}
        assert "overdue" not in told[90].message.text
        await until(world, DUE)
        assert "overdue" in (await clocks(world))[100].message.text


async def test_a_house_that_slept_over_two_shares_tells_the_latest_to_each_once(tmp_path: Path) -> None:
    """Down from Monday to Sunday evening: of 50, 75 and 90 % the last one, in one message to each of two people."""
    async with World.open(tmp_path, regimes=(SEC,), policy=CALM) as world:
        await determined(world)
        await world.stop()
        world.clock.forward(minutes=(DETERMINED + timedelta(days=6, hours=15) - world.clock.now()).total_seconds() / 60)
        await world.start(regimes=(SEC,), policy=CALM)
        await world.settle()
        told = await clocks(world)
        assert [percent for percent, one in told.items() if one.fresh] == [90]
        assert sorted(await heard(world)) == ["ben", "cleo"]


async def test_a_date_found_to_be_earlier_is_told_anew(tmp_path: Path) -> None:
    """Counsel corrects the day it was determined: the old date's messages say the new one, whose shares count anew."""
    async with World.open(tmp_path, regimes=(SEC,), policy=CALM) as world:
        await determined(world)
        await until(world, DETERMINED + timedelta(days=4, hours=1))
        (old,) = (await clocks(world)).values()
        earlier = DETERMINED - timedelta(days=4)
        await world.say(
            RecordFact("materiality_determined_at", earlier.isoformat(), "the minutes of the board"), "cleo"
        )
        found = await world.house.desk.situation("INC-1")
        named = {one.name: one for one in wanted(found, LEGAL) if one.name.startswith(f"clock:{SEC}/item_1_05:")}
        assert not named[old.name].fresh
        assert "the date is" in named[old.name].message.text
        (newest,) = [one for one in named.values() if one.fresh]
        assert newest.name.partition("item_1_05:")[2].startswith("2026-11-25T22:30")
        assert "overdue" in newest.message.text
        history = found.incident.due_history[f"{SEC}/item_1_05"]
        assert [each.due.strict for each in history][-2:] == [DUE, datetime(2026, 11, 25, 22, 30, tzinfo=UTC)]
