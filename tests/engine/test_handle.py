"""The one door: decided on the log as it stands, committed once, whoever else writes at the same time."""

import asyncio
from pathlib import Path

import pytest

from bot.domain.errors import Conflict, Refused, Taken
from bot.domain.lifecycle import Close, Declare, Reopen, Resolve, Update, UpdatePosted
from bot.domain.paging import Acknowledge, Acknowledged
from bot.domain.policy import Severity
from bot.domain.roles import Assign, Part
from bot.engine.handle import AGAIN
from tests.kit import NOON
from tests.world import World


def told(entries: list, kind: type) -> int:
    return sum(isinstance(entry.event, kind) for entry in entries)


async def test_a_click_delivered_three_times_has_one_effect(tmp_path: Path) -> None:
    """The inbound id commits together with the events; a redelivery gets the incident as it stands."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        for _ in range(3):
            await world.say(Update("we look at it"), "ana", inbound="slack:click:1")
        log = world.house.desk.log
        assert told(await log.entries("INC-1"), UpdatePosted) == 1
        assert await log.seen("slack:click:1")
        (entry,) = [e for e in await log.entries("INC-1") if isinstance(e.event, UpdatePosted)]
        assert entry.cause == "slack:click:1"
        await world.say(Update("we look at it"), "ana", inbound="slack:click:2")
        assert told(await log.entries("INC-1"), UpdatePosted) == 2


async def test_a_refused_click_is_remembered_and_refused_again(tmp_path: Path) -> None:
    """A rule said no once: when it would say yes later, the old click hears the old no and has no effect."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        who = await world.who("ana")
        desk = world.house.desk
        with pytest.raises(Refused, match="resolve it first"):
            await desk.submit("INC-1", Close(), who, inbound="slack:click:7")
        await world.say(Resolve("gone"), "ana")
        with pytest.raises(Refused, match="resolve it first"):
            await desk.submit("INC-1", Close(), who, inbound="slack:click:7")
        assert (await world.incident()).phase == "resolved"


async def test_a_click_that_found_its_claim_taken_is_remembered_too(tmp_path: Path) -> None:
    """Re-opening while a newer incident holds the same cause is refused, for that click for good."""
    async with World.open(tmp_path) as world:
        first = Declare("a", Severity.SEV2, "visits", "x", NOON, NOON, fingerprint="same")
        await world.say(first, "ana", "INC-1")
        await world.say(Resolve("gone"), "ana", "INC-1")
        await world.say(first, "ana", "INC-2")
        desk, who = world.house.desk, await world.who("ana")
        with pytest.raises(Taken, match="INC-2") as taken:
            await desk.submit("INC-1", Reopen("back"), who, inbound="click:9")
        assert taken.value.holder == "INC-2"
        await world.say(Resolve("gone"), "ana", "INC-2")
        with pytest.raises(Refused, match="INC-2"):
            await desk.submit("INC-1", Reopen("back"), who, inbound="click:9")
        assert (await world.incident()).phase == "resolved"


async def test_somebody_elses_write_is_met_by_deciding_anew(tmp_path: Path) -> None:
    """Ten people write at once; nobody is turned away and nothing is lost."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        who = await world.who("ana")
        desk = world.house.desk
        await asyncio.gather(*(desk.submit("INC-1", Update(f"note {n}"), who) for n in range(5)))
        entries = await desk.log.entries("INC-1")
        assert told(entries, UpdatePosted) == 5
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))


async def test_two_replicas_one_acknowledgement(tmp_path: Path) -> None:
    """Ana and Ben press at the same moment on two replicas: one took it, and leads; the other changed nothing."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("scores look wrong", "max")
        ana, ben = await world.who("ana"), await world.who("ben")
        await asyncio.gather(
            world.house.desk.submit("INC-1", Acknowledge(), ana, inbound="c1"),
            other.desk.submit("INC-1", Acknowledge(), ben, inbound="c2"),
        )
        here, there = await world.house.desk.log.load("INC-1"), await other.desk.log.load("INC-1")
        entries = await world.house.desk.log.entries("INC-1")
        assert told(entries, Acknowledged) == 1
        assert here == there
        assert here.parts[Part.COMMANDER] == here.acknowledged_by


async def test_the_same_click_on_two_replicas_is_one(tmp_path: Path) -> None:
    """A redelivery that reaches the other replica while the first still works on it has no second effect."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("scores look wrong", "max")
        ana = await world.who("ana")
        both = (world.house.desk, other.desk)
        await asyncio.gather(*(desk.submit("INC-1", Update("x"), ana, inbound="same") for desk in both))
        assert told(await world.house.desk.log.entries("INC-1"), UpdatePosted) == 1


async def test_two_people_declare_at_the_same_moment(tmp_path: Path) -> None:
    """Both were given the same next id; both incidents exist, under two."""
    async with World.open(tmp_path) as world, world.another() as other:
        ana, ben = await world.who("ana"), await world.who("ben")
        made = await asyncio.gather(
            world.house.desk.declare("a", Severity.SEV2, "visits", "x", ana),
            other.desk.declare("b", Severity.SEV3, "visits", "x", ben),
        )
        assert {incident.id for incident in made} == {"INC-1", "INC-2"}
        assert {incident.title for incident in made} == {"a", "b"}


async def test_a_declaration_delivered_twice_is_one_incident(tmp_path: Path) -> None:
    """The modal was sent twice: the second answer is the incident of the first."""
    async with World.open(tmp_path) as world:
        first = await world.declare("a", "ana", inbound="view:1")
        second = await world.declare("a", "ana", inbound="view:1")
        assert first.id == second.id == "INC-1"
        assert len(await world.house.desk.summaries()) == 1


async def test_a_log_that_never_stands_still_is_said_to_be_busy(tmp_path: Path) -> None:
    """After it was decided anew six times the person is asked to try again; nothing was recorded."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        handler = world.house.desk.handler
        log = handler.log

        class Overtaken:
            """A log in which somebody else always writes first."""

            tries = 0

            def __getattr__(self, name: str) -> object:
                return getattr(log, name)

            async def append(self, *given: object, **named: object) -> None:
                self.tries += 1
                raise Conflict("somebody wrote first")

        handler.log = overtaken = Overtaken()
        with pytest.raises(Conflict):
            await handler.submit("INC-1", Update("x"), inbound="c")
        assert overtaken.tries == 1 + AGAIN == 7
        handler.log = log
        assert not await log.seen("c")
        await handler.submit("INC-1", Update("x"), inbound="c")
        assert told(await log.entries("INC-1"), UpdatePosted) == 1


async def test_listeners_hear_of_every_commit_and_of_nothing_else(tmp_path: Path) -> None:
    """A refusal, a second click and an empty decision are no commit."""
    async with World.open(tmp_path) as world:
        heard: list[str] = []
        world.house.desk.handler.after_commit(heard.append)
        who = await world.who("ana")
        await world.house.desk.declare("a", Severity.SEV2, "", "x", who)
        desk = world.house.desk
        await desk.submit("INC-1", Assign(Part.COMMANDER, who.id), who)
        await desk.submit("INC-1", Assign(Part.COMMANDER, who.id), who)
        with pytest.raises(Refused):
            await desk.submit("INC-1", Close(), who)
        assert heard == ["INC-1", "INC-1"]
