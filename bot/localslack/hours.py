"""The practice workspace's own time: it can be moved ahead, and whoever waits for a moment is woken by that."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.clock import SystemClock


class OwnClock:
    """The machine's time, some way ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._system = SystemClock()

    def now(self) -> datetime:
        """The current time of the workspace."""
        return self._system.now() + self.ahead

    async def sleep(self, seconds: float) -> None:
        """Wait that long by the machine's time."""
        await self._system.sleep(seconds)


class Alarm:
    """`await alarm.until(due)`: wakes at that Unix time by the workspace's clock, also where it is moved there."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._waiting: set[asyncio.Future[None]] = set()

    def moved(self) -> None:
        """The clock was moved, or there is something new to wait for: everybody looks again."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, due: float) -> None:
        """Wait for that moment."""
        while (left := due - self._now()) > 0:
            await self.nudge(left)

    async def nudge(self, seconds: float | None) -> None:
        """Wait so long at most (None: for ever), or until the clock is moved."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait({future}, timeout=seconds)
        finally:
            self._waiting.discard(future)
