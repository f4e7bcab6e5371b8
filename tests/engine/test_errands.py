"""Reminders and war rooms carried out: merged over incidents, quiet while people rest, and true when the chat is away."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.domain.incident import Incident
from bot.domain.lifecycle import Close, Resolve
from bot.domain.paging import Acknowledge
from bot.domain.room import OpenRoom
from bot.engine.legible import Legible
from bot.engine.ports import Log
from tests.world import World, shipped

CALM = replace(shipped().policy, step_idle=timedelta(days=1))


async def taken(world: World, title: str = "Recall is down") -> str:
    """Declared by hand and acknowledged by ana; its id."""
    incident = await world.declare(title, "ana")
    await world.say(Acknowledge(), "ana", incident.id)
    return incident.id


async def minutes(world: World, count: int) -> None:
    """Time passes in steps; what is due is done."""
    for _ in range(count):
        await world.round(seconds=60)


async def test_the_lead_is_reminded_of_all_incidents_in_one_message(tmp_path: Path) -> None:
    """Two updates overdue at about the same time: one message that names both, and both logs say so."""
    async with World.open(tmp_path, policy=CALM) as world:
        first = await taken(world)
        second = await taken(world, "Latency is up")
        await minutes(world, 59)
        assert world.board.reminded == []
        await minutes(world, 2)
        assert world.board.reminded == [("ana", [f"{first} update", f"{second} update"])]
        await minutes(world, 30)
        assert len(world.board.reminded) == 1
        for name in (first, second):
            assert any("Ana" in line and "overdue" in line for line in await world.lines(name))


async def test_ten_minutes_of_peace_over_all_incidents(tmp_path: Path) -> None:
    """What falls due two minutes after a reminder, in another incident, waits until ten minutes have passed.

    The first one still waits, and is named again: the newest message takes the place of the one before.
    """
    async with World.open(tmp_path, policy=CALM) as world:
        first = await taken(world)
        await minutes(world, 2)
        second = await taken(world, "Latency is up")
        await minutes(world, 62)
        assert world.board.reminded == [("ana", [f"{first} update"])]
        await minutes(world, 5)
        assert len(world.board.reminded) == 1
        await minutes(world, 4)
        assert world.board.reminded[1:] == [("ana", [f"{second} update", f"{first} update"])]


async def test_nobody_is_reminded_while_they_rest(tmp_path: Path) -> None:
    """Do not disturb: the reminder comes when it ends, once."""
    async with World.open(tmp_path, policy=CALM) as world:
        await taken(world)
        world.board.quiet["ana"] = world.clock.now() + timedelta(minutes=90)
        await minutes(world, 80)
        assert world.board.reminded == []
        await minutes(world, 20)
        assert len(world.board.reminded) == 1


async def test_a_chat_that_is_away_loses_no_reminder(tmp_path: Path) -> None:
    """While it is away nothing is written into the timeline; when it is back the reminder comes, also after a crash."""
    async with World.open(tmp_path, policy=CALM) as world:
        name = await taken(world)
        world.board.down = "503"
        await minutes(world, 65)
        before = await world.lines(name)
        await world.crash(policy=CALM)
        await minutes(world, 20)
        assert await world.lines(name) == before
        world.board.down = ""
        await minutes(world, 6)
        assert world.board.reminded == [("ana", [f"{name} update"])]


async def test_a_war_room_is_opened_and_put_away(tmp_path: Path) -> None:
    """Asked for while the chat is away, it comes when the chat is back; closing the incident archives it."""
    async with World.open(tmp_path, policy=CALM) as world:
        name = await taken(world)
        world.board.down = "503"
        await world.say(OpenRoom(), "ana", name)
        assert world.board.rooms == {}
        world.board.down = ""
        await minutes(world, 1)
        room = (await world.incident(name)).room
        assert room is not None
        assert (room.channel, room.stands) == ("C1", True)
        await world.say(Resolve("over", "seen"), "ana", name)
        await world.say(Close(), "ana", name)
        assert world.board.archived == [name]
        assert (await world.incident(name)).room.archived is not None


async def test_a_war_room_that_is_refused_is_no_trouble(tmp_path: Path) -> None:
    """The workspace gives no channel: it is said once, the thread goes on, and nothing is tried for ever."""
    async with World.open(tmp_path, policy=CALM) as world:
        name = await taken(world)
        world.board.refuses = "Slack refused conversations.create: missing_scope"
        await world.say(OpenRoom(), "ana", name)
        await minutes(world, 10)
        assert sum("no war room" in line for line in await world.lines(name)) == 1


class Reading(Legible):
    """Reads as always, and remembers which incidents."""

    def __init__(self, log: Callable[[], Log]) -> None:
        super().__init__(log)
        self.read: list[str] = []

    async def one(self, name: str) -> Incident | None:
        self.read.append(name)
        return await super().one(name)


async def test_what_was_told_with_another_reads_no_other_incident(tmp_path: Path) -> None:
    """One message told of five incidents: the reminders that come after it look at their own alone.

    After a long stop thousands fall due at once; each reading all the others would keep the house busy for hours.
    """
    async with World.open(tmp_path, policy=CALM) as world:
        names = [await taken(world, f"Recall is down {n}") for n in range(5)]
        await minutes(world, 61)
        assert [len(waiting) for _who, waiting in world.board.reminded] == [5]
        ana = (await world.incident(names[0])).acknowledged_by
        assert ana is not None
        handler = world.house.desk.handler
        handler.legible = reading = Reading(lambda: handler.log)
        for name in names:
            await world.house.reconciler.errands.remind(await world.incident(name), ana)
        assert reading.read == names
        assert len(world.board.reminded) == 1
