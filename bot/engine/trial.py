"""A test page to oneself: by each of one's ways, or by one of them, with what became of it and after how long."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.domain.errors import NotFound, Refused, TocsinError, Unheard
from bot.domain.paging import Receipt
from bot.domain.policy import Severity
from bot.engine.calling import Following, Over, Pager, Ringing, Sent, Summons
from bot.engine.reach import PAGE_WITHIN
from bot.engine.roster import Roster
from bot.engine.values import Profile
from bot.telemetry import log as logger

HEADLINE = "Test page from Tocsin"
TEXT = "You asked for it. Nothing is broken, and there is nothing to do."
EACH, HOURLY = timedelta(minutes=1), 5
"""How soon one person may test again, and how often in an hour: a text message costs, and a loop would cost more."""
ASKED, APART = 5, 2.0
"""How often a provider is asked what became of a page, and seconds between."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One channel: how far the page got, where it went or why not, and after how many seconds that was known."""

    channel: str
    receipt: Receipt
    where: str
    because: str = ""
    seconds: float = 0.0


class Trials:
    """Pages people for a test, each only themselves."""

    def __init__(self, roster: Roster, pagers: Mapping[str, Pager], clock: Clock, url: str = "") -> None:
        self.roster, self.pagers, self.clock, self._url = roster, pagers, clock, url
        self._past: dict[str, deque[datetime]] = {}

    async def page(self, who: Profile, channel: str = "") -> tuple[Tried, ...]:
        """Page them by each of their ways at once, or by that one. Raises Refused, NotFound."""
        ways = self.roster.ways(who)
        if channel and channel not in self.pagers:
            raise NotFound("pager", channel, list(self.pagers))
        if channel and channel not in ways:
            raise Refused(f"{channel} does not reach you; people.yaml says how: {', '.join(ways) or 'no channel does'}")
        if not ways:
            raise Refused("no channel reaches you: people.yaml has no address that a pager of this house knows")
        self._sparingly(who)
        key = f"test:{secrets.token_hex(8)}"
        contact = self.roster.contact(who)
        summons = Summons(key, who, contact, HEADLINE, TEXT, self._url, Severity.SEV4)
        wanted = [channel] if channel else [each for each in ways if each in self.pagers]
        return tuple(await asyncio.gather(*(self._try(each, summons) for each in wanted)))

    def _sparingly(self, who: Profile) -> None:
        now = self.clock.now()
        past = self._past.setdefault(who.id, deque())
        while past and past[0] <= now - timedelta(hours=1):
            past.popleft()
        if past and now < past[-1] + EACH:
            raise Refused(f"you tested a moment ago; again in {(past[-1] + EACH - now).total_seconds():.0f} s")
        if len(past) >= HOURLY:
            again = (past[0] + timedelta(hours=1) - now) / timedelta(minutes=1)
            raise Refused(f"you tested {HOURLY} times within the hour; again in {again:.0f} min")
        past.append(now)

    async def _try(self, channel: str, summons: Summons) -> Tried:
        pager, begun = self.pagers[channel], self.clock.now()

        def after() -> float:
            return round((self.clock.now() - begun).total_seconds(), 3)

        try:
            async with asyncio.timeout(PAGE_WITHIN):
                sent = await pager.page(summons)
        except Unheard as asleep:
            return Tried(channel, Receipt.ACCEPTED, asleep.where, str(asleep), after())
        except TocsinError as trouble:
            return Tried(channel, Receipt.FAILED, "", str(trouble), after())
        except TimeoutError:
            return Tried(channel, Receipt.FAILED, "", f"did not answer within {PAGE_WITHIN:g} s", after())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one channel, the others are shown
            logger().error("a pager broke", channel=channel, error=repr(error))
            return Tried(channel, Receipt.FAILED, "", type(error).__name__, after())
        found = Tried(channel, Receipt.ACCEPTED, sent.where, "", after())
        receipt, because = await self._followed(pager, sent)
        await self._quietened(pager, summons.key, sent)
        if receipt is None:
            return found
        return Tried(channel, receipt, sent.where, because, after())

    async def _followed(self, pager: Pager, sent: Sent) -> tuple[Receipt | None, str]:
        """What the provider says became of it, as far as it says so within seconds."""
        found: tuple[Receipt | None, str] = (None, "")
        if not isinstance(pager, Following) or not sent.ref:
            return found
        for _ in range(ASKED):
            await self.clock.sleep(APART)
            try:
                async with asyncio.timeout(PAGE_WITHIN):
                    became = await pager.became(sent.ref)
            except (TocsinError, TimeoutError) as error:
                logger().info("what became of a test page is not known", because=str(error))
                return found
            found = (became.receipt, became.detail)
            if became.final or became.receipt is not Receipt.ACCEPTED:
                return found
        return found

    async def _quietened(self, pager: Pager, key: str, sent: Sent) -> None:
        """What goes on ringing until it is told to stop is told at once: it is a test."""
        if isinstance(pager, Ringing) and sent.rings:
            try:
                async with asyncio.timeout(PAGE_WITHIN):
                    await pager.stand_down(key, sent.ref, Over.RESOLVED)
            except (TocsinError, TimeoutError) as error:
                logger().warning("a test page could not be stopped", because=str(error))
