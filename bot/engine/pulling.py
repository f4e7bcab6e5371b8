"""Asks senders what fires now, and sets right what their messages left out, lost, or told while nobody listened."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.domain.errors import TocsinError
from bot.engine.intake_ports import Alerting, Arrived, cursor
from bot.engine.intake_ports import Inbox as AnyInbox
from bot.engine.silence import is_watchdog
from bot.telemetry import log as logger

PAGE = 500


class Inbox(AnyInbox, Protocol):
    """The inbox, which can also be asked for the episodes of one source."""

    async def firing(self, *, limit: int = 100, after: str = "", source: str = "") -> Sequence[Arrived]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A sender that is asked, how often, and which of its alerts is no news because it always fires."""

    alerting: Alerting
    every: timedelta
    watchdog: str = ""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came of it: episodes that were news, and those that are over because the sender no longer lists them."""

    at: datetime
    news: int = 0
    over: int = 0
    because: str = ""
    """Why nothing was taken for over, or why nothing is known at all."""
    failed: bool = False


class Pulling:
    """Asks each sender at the start, every so often, and as soon as somebody wants it."""

    def __init__(self, inbox: Inbox, clock: Clock, asked: Mapping[str, Asked]) -> None:
        self._inbox, self._clock, self._asked = inbox, clock, asked
        self._wanted = {name: asyncio.Event() for name in asked}
        self._running: list[asyncio.Task[None]] = []
        self.last: dict[str, Pulled] = {}

    def want(self, name: str) -> None:
        """Ask that sender as soon as possible; of one that cannot be asked nothing is known but what it tells."""
        if name in self._wanted:
            self._wanted[name].set()

    def start(self) -> None:
        """Begin; returns at once."""
        self._running = [asyncio.create_task(self._keep_asking(name)) for name in self._asked]

    async def close(self) -> None:
        """End, and let go of the senders."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for each in self._asked.values():
            with contextlib.suppress(TocsinError):
                await each.alerting.close()

    async def _keep_asking(self, name: str) -> None:
        wanted = self._wanted[name]
        while True:
            wanted.clear()
            await self.pull(name)
            pause = asyncio.create_task(self._clock.sleep(self._asked[name].every.total_seconds()))
            want = asyncio.create_task(wanted.wait())
            try:
                await asyncio.wait({pause, want}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
                want.cancel()

    async def pull(self, name: str) -> Pulled:
        """Ask once. Whatever goes wrong changes nothing: what is not known is not over."""
        begin = self._clock.now()
        try:
            found = await self._pull(name, begin)
        except TocsinError as trouble:
            found = Pulled(begin, because=str(trouble), failed=True)
        except Exception as fault:  # noqa: BLE001 - the next time must come
            logger().exception("asking a sender of alerts failed", source=name)
            found = Pulled(begin, because=type(fault).__name__, failed=True)
        before = self.last.get(name)
        self.last[name] = found
        if found.failed and (before is None or not before.failed):
            logger().warning("a sender of alerts cannot be asked what fires", source=name, because=found.because)
        elif found.news or found.over:
            logger().info("alerts were set right", source=name, news=found.news, over=found.over)
        return found

    async def _pull(self, name: str, begin: datetime) -> Pulled:
        asked = self._asked[name]
        active = await asked.alerting.active()
        firing = [each for each in active.firing if not is_watchdog(each, asked.watchdog)]
        undated = [each for each in active.undated if not is_watchdog(each, asked.watchdog)]
        news = 0
        for at in range(0, len(firing), PAGE):
            news += await self._inbox.accept(firing[at : at + PAGE])
        newest = await self._inbox.newest({alert.key for alert in undated})
        begun = [alert for alert in undated if alert.key not in newest or not newest[alert.key].firing]
        news += await self._inbox.accept(begun)
        if not active.whole:
            return Pulled(begin, news, because=active.because)
        # silenced and inhibited ones are no news, and yet they fire: whoever hushed them there did not end them
        there = {alert.fingerprint for alert in (*firing, *active.hushed, *undated)}
        over, after = 0, ""
        while page := await self._inbox.firing(limit=PAGE, after=after, source=name):
            after = cursor(page[-1])
            gone = [
                replace(each.alert, ends=begin)
                for each in page
                if each.alert.fingerprint not in there and each.alert.starts < begin and each.at < begin
            ]
            over += await self._inbox.accept(gone)
        return Pulled(begin, news, over)
