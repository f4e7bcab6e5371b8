"""Pages a person by a direct message in Slack, with a button to acknowledge.

The message is delivered by the Slack room, which looks for the page's key before it sends anything again; a page in
doubt is sent again. Slack being asleep on a phone is no receipt: name a second pager where a page must wake somebody.
Where a person asked Slack not to be disturbed, the message is sent all the same and the second pager is used too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from bot.clock import Clock
from bot.domain.errors import RateLimited, Refused, Unavailable, Unheard
from bot.engine.calling import Sent, Summons
from bot.engine.values import Profile
from bot.telemetry import log as logger

Deliver = Callable[[Summons], Awaitable[str]]
"""Sends it; the words say where it went: the Slack room's `page`."""
Resting = Callable[[Profile], Awaitable[datetime | None]]
"""Until when a person asked not to be disturbed; the Slack room's `resting`."""
ASK_WITHIN = 5.0
"""Seconds the question may take: a page is never held up by it."""


class SlackSettings(BaseModel):
    """Nothing to set: the connection is the Slack room's own."""

    model_config = ConfigDict(extra="forbid")


class SlackPager:
    """The pager of the name `slack`."""

    shelf: ClassVar[str] = "pagers"
    Settings = SlackSettings

    def __init__(
        self, settings: SlackSettings, *, clock: Clock, deliver: Deliver, resting: Resting | None = None
    ) -> None:
        self.settings, self.clock, self._deliver, self._resting = settings, clock, deliver, resting

    def way(self, summons: Summons) -> str:
        """A direct message. Raises Refused: they have no account."""
        if not summons.person.slack_user:
            raise Refused(f"{summons.person.name} has no Slack account in people.yaml")
        return f"direct message to {summons.person.name}"

    async def page(self, summons: Summons) -> Sent:
        """Reach them.

        Raises Unavailable, Refused (they have no account), Unheard (it is sent, and they rest).
        """
        self.way(summons)
        person = summons.person
        try:
            where = await self._deliver(summons)
        except (Refused, RateLimited, Unavailable):
            raise
        except Exception as error:
            raise Unavailable("Slack", type(error).__name__) from error
        until = await self._rests(person)
        if until is not None and until > self.clock.now():
            raise Unheard(f"{person.name} asked not to be disturbed until {until:%H:%M} UTC", where=where)
        return Sent(where)

    async def _rests(self, person: Profile) -> datetime | None:
        """Asked after sending. Whatever goes wrong with the question, the page stands."""
        if self._resting is None:
            return None
        try:
            async with asyncio.timeout(ASK_WITHIN):
                return await self._resting(person)
        except Exception as error:  # noqa: BLE001 - not knowing is not resting
            logger().info("nobody can say whether a person rests", error=repr(error))
            return None

    async def close(self) -> None:
        """Nothing is held open here."""
