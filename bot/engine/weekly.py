"""The note of who is on call and what stands in the way, on Monday at nine by the organisation's clock, once a week."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.domain.errors import TocsinError
from bot.domain.service import Service
from bot.engine.ports import Checkpoints
from bot.engine.readiness import note, report
from bot.engine.roster import Roster
from bot.telemetry import log as logger

AT = time(9)
FRIDAY = 4
CHECKPOINT = "oncall-note"
WEEK, MONTH = timedelta(days=7), timedelta(days=30)

Post = Callable[[str], Awaitable[None]]
"""Puts a text where responders read it. Raises Unavailable, Refused."""


class WeeklyNote:
    """Looks whether the note of this week is due; a house that was down posts it later, by daylight, until Friday."""

    def __init__(self, roster: Roster, services: Collection[Service], checkpoints: Checkpoints, clock: Clock) -> None:
        self.roster, self.services, self.checkpoints, self.clock = roster, services, checkpoints, clock
        self.post: Post | None = None
        """Whoever opens the chat sets it; without one there is no note."""

    async def look(self) -> bool:
        """Post what is due; whether it was. Never raises: the next look tries again."""
        there = self.clock.now().astimezone(ZoneInfo(self.roster.plans.timezone))
        if self.post is None or there.weekday() > FRIDAY or there.time() < AT or not self.roster.plans.names:
            return False
        week = f"{there:%G-W%V}"
        try:
            known = (await self.checkpoints.load([CHECKPOINT])).get(CHECKPOINT, {})
            if known.get("week") == week or (there.weekday() and not known):  # a new house begins with a Monday
                return False
            await self.post(await self.text(self.clock.now()))
            await self.checkpoints.save({CHECKPOINT: {"week": week}}, self.clock.now())
        except TocsinError as error:
            logger().warning("the weekly note could not be posted; it is tried again", because=str(error))
            return False
        return True

    async def text(self, now: datetime) -> str:
        """What stands in the way for a month, and who is on call for a week."""
        month = await report(self.roster, self.services, now, now + MONTH)
        week = await report(self.roster, (), now, now + WEEK)
        return note(replace(month, ahead=week.ahead), self.roster.plans.timezone)
