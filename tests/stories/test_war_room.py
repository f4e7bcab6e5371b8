"""A thread becomes a war room and a lesson: asked for twice, and learnt from after the end."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp, ChangeFollowUp, unanswered
from bot.domain.lifecycle import Close, Reopen, Resolve
from bot.domain.room import OpenRoom
from tests.world import World, shipped

CALM = replace(shipped().policy, step_idle=timedelta(days=1))


async def test_a_room_refused_once_is_opened_when_asked_for_again(tmp_path: Path) -> None:
    """The right to make channels was granted meanwhile: the second asking is work of its own, also after a crash."""
    async with World.open(tmp_path, policy=CALM) as world:
        await world.declare("Recall is down", "ana")
        world.board.refuses = "Slack refused conversations.create: missing_scope"
        await world.say(OpenRoom(), "ana")
        assert (await world.incident()).room.failed is not None
        world.board.refuses = ""
        await world.crash(policy=CALM)
        await world.round(seconds=60)
        assert world.board.rooms == {}
        await world.say(OpenRoom(), "ben")
        await world.round(seconds=60)
        room = (await world.incident()).room
        assert (room.number, room.stands) == (2, True)


async def test_closed_and_back_again_there_is_another_room(tmp_path: Path) -> None:
    """The first is put away with the incident; opened again, a new one is made and put away in its turn."""
    async with World.open(tmp_path, policy=CALM) as world:
        await world.declare("Recall is down", "ana")
        for number in (1, 2):
            await world.say(OpenRoom(), "ana")
            assert (await world.incident()).room.number == number
            await world.say(Resolve("over", "seen"), "ana")
            await world.say(Close(), "ana")
            assert len(world.board.archived) == number
            await world.say(Reopen("it is back"), "ana")


async def test_every_root_cause_ends_in_a_promise_that_outlives_a_restart(tmp_path: Path) -> None:
    """Named after the end, promised, moved to another person: the record and the draft say so, whoever reads them."""
    async with World.open(tmp_path, policy=CALM) as world:
        await world.declare("Recall is down", "ana")
        await world.say(Resolve("v1 is back", "seen"), "ana")
        await world.say(AddWhy("Nobody tests the export"), "ana")
        await world.say(NameRootCause("W1"), "ana")
        assert "no follow-up yet" in await world.house.desk.postmortem("INC-1")
        due = (world.clock.now() + timedelta(days=7)).date()
        await world.say(AddFollowUp("Test the export", (await world.who("ben")).id, due, "W1"), "ana")
        await world.restart(policy=CALM)
        await world.say(ChangeFollowUp("U1", (await world.who("ana")).id), "ben")
        incident = await world.incident()
        assert unanswered(incident) == []
        draft = await world.house.desk.postmortem("INC-1")
        assert "**root cause**, answered by U1" in draft
        assert f"**U1** Test the export, {(await world.who('ana')).name}" in draft
