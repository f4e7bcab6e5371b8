"""Nights on call: the page climbs until somebody answers, stops when somebody does, and is sent once whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.incident import Incident
from bot.domain.lifecycle import Declare, Resolve
from bot.domain.log import Event
from bot.domain.paging import Acknowledge, Paged, Receipt
from bot.domain.phase import Phase
from bot.domain.policy import Severity
from tests.world import World


def paged(world: World) -> list[str]:
    """Whose phone rang, in order."""
    return [who for who, _key in world.phone.pages]


async def passes(world: World, seconds: float) -> None:
    """So much time goes by, while traffic comes and nothing else is wrong."""
    while seconds > 0:
        step = min(seconds, 60)
        world.traffic("poor", good=8, bad=2)
        world.traffic("good", good=80, bad=20)
        await world.round(seconds=step)
        seconds -= step


async def test_a_page_nobody_answers_climbs_to_the_end_and_somebody_is_told(tmp_path: Path) -> None:
    """Ana, Ben, three times over; then it is said that nobody answered, once, and the climbing goes on."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        await passes(world, 31 * 60)
        assert paged(world)[:7] == ["ana", "ben"] * 3 + ["ana"]
        said = [line for line in await world.lines() if line.startswith("nobody answered")]
        assert said == ["nobody answered: everybody on the escalation was paged 3 times"]
        await world.say(Acknowledge(), "ben")
        rung = len(world.phone.pages)
        await passes(world, 30 * 60)
        assert len(world.phone.pages) == rung


async def test_an_acknowledgement_at_the_last_second_counts(tmp_path: Path) -> None:
    """One second before Ben's turn Ana takes it: his phone stays silent for good."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        await passes(world, 299)
        await world.say(Acknowledge(), "ana")
        await passes(world, 1500)
        assert paged(world) == ["ana"]


async def test_where_every_channel_fails_it_is_tried_with_patience_until_one_works(tmp_path: Path) -> None:
    """Nothing is given up: minutes later, when the network is back, the next page arrives, and each failure is a line."""
    async with World.open(tmp_path) as world:
        world.pagers["mail"] = mail = type(world.phone)(dead="no route")
        world.phone.dead = "no carrier"
        await world.declare("scores look wrong", "max")
        for _ in range(60):
            await passes(world, 5)
        assert world.phone.pages == mail.pages == []
        failed = [line for line in await world.lines() if "failed" in line]
        assert "no carrier" in failed[0]
        assert "no route" in failed[0]
        assert 6 <= len(failed) <= 12, "three tries each, then with patience"
        mail.dead = ""
        for _ in range(60):
            await passes(world, 5)
        assert [who for who, _ in mail.pages][:1] == ["ana"]
        assert (await world.incident()).pages[mail.pages[0][1]].channel == "mail"


async def test_killed_between_two_levels_it_goes_on_where_it_stood(tmp_path: Path) -> None:
    """Ana was paged; the house dies and comes back; Ben's turn comes at its time, and Ana is not woken again before."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        await passes(world, 200)
        await world.crash()
        await world.settle()
        assert paged(world) == ["ana"]
        await passes(world, 90)
        assert paged(world) == ["ana"]
        await passes(world, 10)
        assert paged(world) == ["ana", "ben"]


async def test_a_house_that_was_down_when_a_level_fell_due_catches_up_at_once(tmp_path: Path) -> None:
    """An hour later the next level is paged within the first look, not an hour after that."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        world.clock.forward(minutes=60)
        await world.crash()
        await world.settle()
        assert paged(world)[:2] == ["ana", "ben"]


async def test_an_acknowledgement_at_one_replica_stops_the_other(tmp_path: Path) -> None:
    """Both read the same log: the one that would page Ben sees that Ana has it."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("scores look wrong", "max")
        await passes(world, 299)
        await other.desk.submit("INC-1", Acknowledge(), await world.who("ana"))
        await passes(world, 240)
        assert paged(world) == ["ana"]


@pytest.mark.parametrize("seed", range(6))
async def test_an_acknowledgement_that_races_a_resolve_never_reopens(tmp_path: Path, seed: int) -> None:
    """From two replicas at the same moment, in whatever order: it ends resolved, and nobody is paged again."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("scores look wrong", "max")
        ana, ben = await world.who("ana"), await world.who("ben")
        doors = [world.house.desk, other.desk]
        asked = [
            doors[seed % 2].submit("INC-1", Acknowledge(), ana),
            doors[1 - seed % 2].submit("INC-1", Resolve("over", "seen"), ben),
        ]
        outcomes = await asyncio.gather(*(asked if seed < 3 else reversed(asked)), return_exceptions=True)
        assert not [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, Refused)]
        await passes(world, 1200)
        incident = await world.incident()
        assert incident.phase is Phase.RESOLVED
        assert paged(world) == ["ana"]


def _another(world: World, title: str, severity: Severity = Severity.SEV3) -> Declare:
    now = world.clock.now()
    return Declare(title, severity, "visits", "a call", now, now)


async def test_what_comes_within_seconds_of_a_page_goes_out_together(tmp_path: Path) -> None:
    """Three incidents at once: one page for the first, one for the others, none lost; the worst severity waits a breath."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        max_ = await world.who("max")
        handler = world.house.desk.handler
        for title in ("answers are slow", "answers are odd"):
            await handler.open(_another(world, title), by=max_.person)
        await world.settle()
        assert len(world.phone.said) == 1
        await passes(world, 21)
        together = world.phone.said[1]
        assert len(world.phone.said) == 2
        first, other = [each.incident for each in together.situations]
        assert {first.id, other.id} == {"INC-2", "INC-3"}, "alike: whichever comes first is named first"
        assert together.headline.startswith(f"2 incidents, the worst {first.id}, SEV3 visits: {first.title}")
        assert f"also {other.id}, SEV3 visits: {other.title}" in together.text
        for name in ("INC-2", "INC-3"):
            (page,) = (await world.incident(name)).pages.values()
            assert (page.receipt, page.channel) == (Receipt.ACCEPTED, "phone")
        await handler.open(_another(world, "all is lost", Severity.SEV1), by=max_.person)
        await passes(world, 2)
        assert [each.situations[0].incident.id for each in world.phone.said] == ["INC-1", first.id, "INC-4"]


async def test_what_was_acknowledged_meanwhile_is_not_paged_with_the_rest(tmp_path: Path) -> None:
    """The page that waits is looked at once more before it goes out."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        max_ = await world.who("max")
        for title in ("answers are slow", "answers are odd"):
            await world.house.desk.handler.open(_another(world, title), by=max_.person)
        await world.settle()
        await world.say(Acknowledge(), "ana", "INC-2")
        await passes(world, 21)
        assert [each.headline for each in world.phone.said[1:]] == ["INC-3, SEV3 visits: answers are odd"]


class Deaf:
    """A log that does not take that somebody was paged about one incident, so many times."""

    def __init__(self, log: Any, incident: str, times: int) -> None:
        self._log, self._incident, self._times = log, incident, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, incident: Incident, events: Sequence[Event], **more: Any) -> Incident:
        if incident.id == self._incident and self._times and any(isinstance(event, Paged) for event in events):
            self._times -= 1
            raise Unavailable("the log", "no answer")
        after: Incident = await self._log.append(incident, events, **more)
        return after


async def test_a_page_that_went_along_and_was_not_written_down_goes_again(tmp_path: Path) -> None:
    """Whoever took it along could not record it: its own turn comes, and in the end its receipt stands in the log."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        max_ = await world.who("max")
        handler = world.house.desk.handler
        for title in ("answers are slow", "answers are odd"):
            await handler.open(_another(world, title), by=max_.person)
        await world.settle()
        handler.log = Deaf(handler.log, "INC-3", 2)  # when it goes along, and once more
        await passes(world, 240)
        for name in ("INC-2", "INC-3"):
            (page,) = (await world.incident(name)).pages.values()
            assert page.receipt is Receipt.ACCEPTED
