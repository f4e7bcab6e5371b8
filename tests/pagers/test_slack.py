"""The pager of the name slack: it hands over to Slack's room, and keeps that room's errors to the tree."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot import shelf
from bot.domain.errors import RateLimited, Refused, Unavailable, Unheard
from bot.engine.calling import Sent, Summons
from bot.engine.values import Profile
from bot.pagers.slack import Resting
from tests.calling import summons
from tests.pagers.fakes import Scene
from tests.parts import Hands
from tests.slack.bench import PEOPLE

SETTINGS: dict[str, Any] = {}


class Room:
    """Slack's delivery: remembers, or fails as it is told."""

    def __init__(self) -> None:
        self.reached: list[tuple[str, str]] = []
        self.fault: Exception | None = None

    async def deliver(self, summons: Summons) -> str:
        if self.fault is not None:
            raise self.fault
        self.reached.append((summons.person.key, summons.key))
        return f"direct message to {summons.person.key}"

    def breaks(self, fault: Exception) -> None:
        self.fault = fault


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    room, made = Room(), shelf.load("pagers", "slack")
    pager = made(made.Settings(), clock=Hands(), deliver=room.deliver)
    yield Scene(pager, PEOPLE[0], Profile("p9", "eve", "Eve", frozenset()), lambda: room.reached, room.breaks)
    await pager.close()


def resting_until(until: datetime | Exception | None) -> Resting:
    """What Slack says of everybody's quiet."""

    async def resting(_person: Profile) -> datetime | None:
        if isinstance(until, Exception):
            raise until
        return until

    return resting


async def test_a_page_to_somebody_who_rests_is_sent_and_said_to_be_unheard() -> None:
    """It stands in Slack as the record; the sentence names until when, so that another pager is used."""
    room, made = Room(), shelf.load("pagers", "slack")
    night = Hands().now() + timedelta(hours=8)
    pager = made(made.Settings(), clock=Hands(), deliver=room.deliver, resting=resting_until(night))
    with pytest.raises(Unheard, match=f"Ana Souza asked not to be disturbed until {night:%H:%M} UTC") as told:
        await pager.page(summons(PEOPLE[0], None, "k"))
    assert told.value.where == "direct message to ana"
    assert room.reached == [("ana", "k")]


@pytest.mark.parametrize("until", [None, Hands().now() - timedelta(1), Unavailable("Slack", "away"), KeyError("dnd")])
async def test_where_nobody_can_say_that_they_rest_the_page_counts(until: datetime | Exception | None) -> None:
    """Not resting, no longer, or no answer: the page is as good as ever."""
    room, made = Room(), shelf.load("pagers", "slack")
    pager = made(made.Settings(), clock=Hands(), deliver=room.deliver, resting=resting_until(until))
    assert await pager.page(summons(PEOPLE[0], None, "k")) == Sent("direct message to ana")


@pytest.mark.parametrize("fault", [Refused("no"), RateLimited("Slack", 3), Unavailable("Slack", "away")])
async def test_what_the_room_says_is_passed_on(fault: Exception) -> None:
    """A refusal stays one, and so does the time Slack asks to wait."""
    async with scene() as made:
        made.breaks(fault)
        with pytest.raises(type(fault), match=str(fault)):
            await made.pager.page(summons(made.person, None, "k"))
