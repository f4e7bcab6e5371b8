"""One group of many fails while the whole stands still, and nobody had written an objective for it."""

from dataclasses import replace
from pathlib import Path

from bot.domain.lifecycle import Resolve
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.policy import Urgency
from bot.domain.sli import Judged
from bot.engine.watch import CHECKPOINT
from tests.world import World, objective

WHOLE = objective("answers", slice_by="health", display="Good answers", target=0.9)
GROUPS = ("good", "fair", "poor", "excellent")


async def serve(world: World, rounds: int, *, poor: int = 1) -> None:
    """Of 20 answers to each group one is bad; to people in poor health, `poor`."""
    for _ in range(rounds):
        for which in GROUPS:
            bad = poor if which == "poor" else 1
            world.traffic(which, good=20 - bad, bad=bad)
        await world.round()


async def test_a_group_that_fails_is_found_among_all(tmp_path: Path) -> None:
    """The whole keeps its objective; the group is named with its figures beside the rest's, and its end is the data's."""
    async with World.open(tmp_path, slos=(WHOLE,)) as world:
        await serve(world, 60)
        assert await world.house.desk.summaries() == []
        began = world.clock.now()
        await serve(world, 30, poor=4)
        (only,) = await world.house.desk.summaries()
        assert only.title == "Good answers worse for health=poor than for the rest"
        incident = await world.incident()
        assert incident.slice == "health=poor"
        assert "health=poor: 2" in incident.because
        assert "the rest 5" in incident.because
        assert abs((incident.onset - began).total_seconds()) < 10
        assert world.house.watch.verdicts["answers"].state == "met", "the aggregate does not show it"
        assert world.house.watch.verdicts["answers[health=poor]"].state == "breached"
        situation = await world.house.desk.situation("INC-1")
        assert situation.titled(incident.slo) == "Good answers, health=poor"
        await world.say(Acknowledge(), "ana")
        await serve(world, 120)
        incident = await world.incident()
        assert (incident.sli.judged, incident.phase) == (Judged.MET, Phase.MITIGATED)
        await world.say(Resolve("the tokenizer was put back"), "ana")
        await serve(world, 60)
        assert len(await world.house.desk.summaries()) == 1


async def test_what_hits_everybody_alike_names_no_group(tmp_path: Path) -> None:
    """An outage of all is the objective's own page, not one for each group."""
    async with World.open(tmp_path, slos=(WHOLE,)) as world:
        await serve(world, 60)
        for _ in range(30):
            for which in GROUPS:
                world.traffic(which, good=10, bad=10)
            await world.round()
        titles = [each.title for each in await world.house.desk.summaries()]
        assert titles == ["Good answers below its objective"]


async def test_a_group_goes_on_failing_over_a_restart(tmp_path: Path) -> None:
    """It is not told twice, and its end is noticed afterwards."""
    async with World.open(tmp_path, slos=(WHOLE,)) as world:
        await serve(world, 60)
        await serve(world, 30, poor=4)
        await world.house.watch.save()
        seq = (await world.incident()).seq
        await world.restart(slos=(WHOLE,))
        await serve(world, 20, poor=4)
        assert (await world.incident()).seq == seq
        await serve(world, 150)
        assert (await world.incident()).sli.judged is Judged.MET


async def test_a_mild_group_is_a_ticket_and_a_hopeless_one_a_page(tmp_path: Path) -> None:
    """Evidence alone wakes nobody: a group pages where it misses the objective itself by as much as a page tier asks."""
    for poor, urgency in ((4, Urgency.TICKET), (16, Urgency.PAGE)):
        lax = replace(WHOLE, target=0.7)
        async with World.open(tmp_path / str(poor), slos=(lax,)) as world:
            await serve(world, 60)
            await serve(world, 30, poor=poor)
            assert (await world.incident()).urgency is urgency
            assert bool(world.phone.pages) is (urgency is Urgency.PAGE)


async def test_a_leader_that_dies_before_it_told_loses_no_group(tmp_path: Path) -> None:
    """A standby saw the same group fail: when it leads, it opens the incident that nobody opened, and only one."""
    async with World.open(tmp_path, slos=(WHOLE,)) as world, world.another(slos=(WHOLE,)) as second:
        for poor, rounds in ((1, 60), (4, 30)):
            for _ in range(rounds):
                for which in GROUPS:
                    bad = poor if which == "poor" else 1
                    world.traffic(which, good=20 - bad, bad=bad)
                world.clock.forward(seconds=1)
                await second.watch.tick(leads=False)
        assert await world.house.desk.summaries() == []
        for _ in range(3):
            world.clock.forward(seconds=1)
            await second.watch.tick(leads=True)
        (only,) = await world.house.desk.summaries()
        assert only.title == "Good answers worse for health=poor than for the rest"


async def test_a_group_told_after_the_last_save_is_still_told_its_end(tmp_path: Path) -> None:
    """The log knows what the checkpoint does not: the incident of a group ends by the data after a restart too."""
    async with World.open(tmp_path, slos=(WHOLE,)) as world:
        await serve(world, 60)
        await world.house.watch.save()
        saved = await world.house.store.checkpoints.load([CHECKPOINT])
        await serve(world, 25, poor=4)
        assert (await world.incident()).sli.judged is Judged.BREACHED
        await world.house.store.checkpoints.save(saved, world.clock.now())
        await world.restart(slos=(WHOLE,))
        await serve(world, 150)
        assert (await world.incident()).sli.judged is Judged.MET
        assert len(await world.house.desk.summaries()) == 1
