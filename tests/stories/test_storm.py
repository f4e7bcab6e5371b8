"""A night of six hundred alerts: one card that counts, the critical ones at once, a restart in the midst, and no loss."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.domain.alert import Alert
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.slack.wanted import wanted
from tests.slack.situations import SETTINGS
from tests.world import World, shipped

ALERTS = 600
ALONE = replace(shipped().policy, merge_pages=timedelta(0))
"""Every page goes out by itself, so that nobody waits for the clock."""


def night(world: World) -> list[Alert]:
    """Six hundred alerts of nothing the catalogue knows, three of them of the worst severity."""
    now = world.clock.now()
    return [
        Alert("am", f"n{n}", now, None, f"node {n} is gone", "", 1 if n % 200 == 7 else 3, url="https://am.example/x")
        for n in range(ALERTS)
    ]


async def tell(world: World, *alerts: Alert) -> None:
    """The sender is answered; then the bot does what follows."""
    await world.house.inbox.accept(alerts)
    await world.house.intake.round()
    await world.settle()


async def test_a_storm_by_night(tmp_path: Path) -> None:
    """Six hundred incidents, five cards; whoever is on call is woken for the storm and for what is critical."""
    async with World.open(tmp_path, policy=ALONE) as world:
        now = world.clock.now()
        await tell(world, Alert("am", "calm", now, None, "visits answer slowly", "visits", 2))
        assert [key for _who, key in world.phone.pages] == ["page:INC-1:0"]
        world.clock.forward(minutes=2)
        told = night(world)
        await tell(world, *told)
        desk = world.house.desk
        incidents = await desk.open_incidents()
        assert len(incidents) == 1 + 1 + ALERTS  # the one before, the umbrella, and one each
        (umbrella,) = [each for each in incidents if each.storm is not None]
        loud = {each.id for each in incidents if not each.is_silent}
        assert {name for name, _seq in world.board.shown} == loud
        assert len(loud) == 5
        assert {key.split(":")[1] for _who, key in world.phone.pages} <= loud

        situation = await desk.situation(umbrella.id)
        assert situation.digest is not None
        assert (situation.digest.incidents, situation.digest.open) == (ALERTS, ALERTS)
        (card,) = [each for each in wanted(situation, SETTINGS) if each.name == "card"]
        shown = str(card.message.blocks)
        assert "*600 incidents*, 600 open · SEV1 3 · SEV3 597" in shown
        assert "node 407 is gone" in shown
        silent = next(each for each in incidents if each.is_silent)
        assert wanted(await desk.situation(silent.id), SETTINGS) == []

        await world.restart(policy=ALONE)
        await tell(world, *told)  # the sender repeats itself
        assert len(await world.house.desk.open_incidents()) == 2 + ALERTS
        assert world.house.intake.storm.umbrella == umbrella.id


async def test_the_morning_after(tmp_path: Path) -> None:
    """All alerts end: nobody's incidents end by themselves, what somebody took is theirs, and the storm is over."""
    async with World.open(tmp_path, policy=ALONE) as world:
        told = night(world)[:60]
        await tell(world, *told)
        incidents = await world.house.desk.open_incidents()
        (umbrella,) = [each for each in incidents if each.storm is not None]
        mine = next(each for each in incidents if each.promoted)
        await world.say(Acknowledge(), "ana", mine.id)
        world.clock.forward(minutes=2)
        await tell(world, *[replace(each, ends=world.clock.now()) for each in told])
        for _ in range(12):
            world.clock.forward(minutes=2)
            await world.house.intake.round()
            await world.house.reconciler.everything()
            await world.settle()
        phases = {each.id: each.phase for each in [await world.incident(one.id) for one in incidents]}
        assert phases.pop(mine.id) is Phase.MITIGATED
        assert phases.pop(umbrella.id) is Phase.MITIGATED  # one of its incidents is still open
        assert set(phases.values()) <= {Phase.CLOSED, Phase.RESOLVED}
        silent = [each.id for each in incidents if each.is_silent]
        assert {phases[name] for name in silent} == {Phase.CLOSED}
        assert "the storm is over" in " ".join(await world.lines(umbrella.id))
        assert (await world.incident(mine.id)).alerts_quiet == world.clock.now() - timedelta(minutes=24)


async def test_people_are_told_why_an_alert_joined(tmp_path: Path) -> None:
    """The timeline names the alerts, what they joined for, and when all were over."""
    async with World.open(tmp_path, policy=ALONE) as world:
        now = world.clock.now()
        first = Alert("am", "a", now, None, "visits answer slowly", "visits", 3)
        second = Alert("am", "b", now + timedelta(minutes=1), None, "visits refuse", "visits", 1)
        await tell(world, first)
        world.clock.forward(minutes=1)
        await tell(world, second)
        world.clock.forward(minutes=4)
        ends = world.clock.now()
        await tell(world, replace(first, ends=ends), replace(second, ends=ends))
        said = " | ".join(await world.lines())
        assert "“visits answer slowly” joined" in said
        assert "“visits refuse” joined: also visits, within 5 minutes" in said
        assert "SEV1: an alert of SEV1 belongs to it" in said
        assert "all its 2 alerts are over since" in said
