"""What is planned wakes nobody: failures, silence and slices within it are excused, and told beside the budget."""

from datetime import timedelta
from pathlib import Path

from bot.slo.budget import budget
from bot.slo.maintenance import Maintenance
from tests.kit import NOON
from tests.world import World, shipped

POOR = shipped().slos[0]


def planned(start: float, end: float) -> tuple[Maintenance, ...]:
    """From so many seconds after noon to so many."""
    since, until = NOON + timedelta(seconds=start), NOON + timedelta(seconds=end)
    return (Maintenance(since, until, frozenset({POOR.name}), "database upgrade"),)


async def test_planned_failures_open_nothing_and_are_told_beside_the_budget(tmp_path: Path) -> None:
    """An outage within the window leaves the budget as it was, over a restart too; the same one after it pages."""
    given = planned(20, 45)
    async with World.open(tmp_path, maintenance=given) as world:
        await world.healthy(20)
        await world.broken(25)
        assert await world.house.desk.summaries() == []
        held = budget(POOR, world.house.watch.ledger, world.clock.now())
        assert held.excused == 250
        await world.house.watch.save()
        await world.restart(maintenance=given)
        await world.healthy(5)
        assert budget(POOR, world.house.watch.ledger, world.clock.now()).excused == 250
        await world.broken(15)
        (only,) = await world.house.desk.summaries()
        assert only.onset >= given[0].end


async def test_planned_silence_opens_nothing(tmp_path: Path) -> None:
    """A service taken down on purpose tells nothing; silence that goes on afterwards is an incident, as ever."""
    async with World.open(tmp_path, maintenance=planned(5, 120)) as world:
        await world.healthy(5)
        world.counters.down = "connection refused"
        for _ in range(23):
            await world.round(seconds=5)
        assert await world.house.desk.summaries() == []
        for _ in range(7):
            await world.round(seconds=5)
        (only,) = await world.house.desk.summaries()
        assert only.title.startswith("No data on")
        assert only.onset >= NOON + timedelta(seconds=120)
