"""A model that answers well and answers one group of people less favourably: no error rate shows it."""

from __future__ import annotations

from pathlib import Path

from bot.domain.lifecycle import Resolve
from bot.domain.policy import Urgency
from tests.world import World, objective

INVITED = objective("invited", display="Invitations", slice_by="health", allowed_gap=0.0, target=0.3)


async def serve(world: World, rounds: int, *, poor: int = 8) -> None:
    """Of 20 people of each group, 8 are invited; of those in poor health, `poor`."""
    for _ in range(rounds):
        for which in ("good", "fair", "poor"):
            invited = poor if which == "poor" else 8
            world.traffic(which, good=invited, bad=20 - invited)
        await world.round()


async def test_a_gap_between_groups_is_a_ticket_and_a_person_ends_it(tmp_path: Path) -> None:
    """Nobody is woken; the ticket names the groups, the gap and the intervals; after it was resolved all begins anew."""
    async with World.open(tmp_path, slos=(INVITED,)) as world:
        await serve(world, 60)
        assert await world.house.desk.summaries() == []
        began = world.clock.now()
        await serve(world, 60, poor=5)
        (only,) = await world.house.desk.summaries()
        assert only.title == "Invitations unlike between groups of health"
        incident = await world.incident()
        assert incident.urgency is Urgency.TICKET
        assert world.phone.pages == []
        assert incident.slice == "health=poor"
        for words in ("demographic parity by health", "poor 25.0 % of", "95 % interval", "a gap of 1"):
            assert words in incident.because
        assert abs((incident.onset - began).total_seconds()) < 15
        assert world.house.watch.verdicts["invited"].state == "met", "the objective itself is met"

        # data do not end it: the model was put back, and what happened to people stays to be decided on
        await serve(world, 60)
        assert (await world.incident()).is_open
        await world.say(Resolve("the former version serves; those concerned are invited by hand"), "ana")
        await serve(world, 60)
        assert len(await world.house.desk.summaries()) == 1
        await serve(world, 60, poor=5)
        assert [each.id for each in await world.house.desk.summaries()] == ["INC-2", "INC-1"]


async def test_a_gap_is_told_once_over_a_restart(tmp_path: Path) -> None:
    """What was told and the evidence for it are taken up again."""
    async with World.open(tmp_path, slos=(INVITED,)) as world:
        await serve(world, 60)
        await serve(world, 40, poor=5)
        before = world.house.watch.standing("invited", world.clock.now()).gap
        await world.house.watch.save()
        await world.restart(slos=(INVITED,))
        assert world.house.watch.standing("invited", world.clock.now()).gap.evidence == before.evidence
        await serve(world, 10, poor=5)
        assert len(await world.house.desk.summaries()) == 1
        await world.say(Resolve("the former version serves"), "ana")
        await serve(world, 60)
        assert len(await world.house.desk.summaries()) == 1


async def test_groups_treated_alike_open_nothing(tmp_path: Path) -> None:
    """However long one looks; and a gap that is allowed is none."""
    lax = objective("lax", slice_by="health", allowed_gap=0.2, target=0.2)
    async with World.open(tmp_path, slos=(INVITED,)) as world:
        await serve(world, 300)
        assert await world.house.desk.summaries() == []
    async with World.open(tmp_path / "lax", slos=(lax,)) as world:
        await serve(world, 150, poor=6)
        assert await world.house.desk.summaries() == []
