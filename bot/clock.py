"""The one place that reads the time: everything else is told it, so that a test can move it."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time (UTC) and waits."""

    def now(self) -> datetime:
        """The current time, with zone UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long by this clock."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class AheadClock:
    """The machine's time, moved ahead where nobody waits for what lies between."""

    def __init__(self, base: Clock) -> None:
        self._base, self._ahead = base, timedelta()
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self._base.now() + self._ahead

    async def sleep(self, seconds: float) -> None:
        """Wait that long by this clock: less of the machine's time where it is moved meanwhile."""
        due = self.now() + timedelta(seconds=seconds)
        while (left := (due - self.now()).total_seconds()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)

    def forward(self, *, seconds: float = 0, minutes: float = 0) -> None:
        """Let time pass at once, and wake whoever waited for it."""
        self._ahead += timedelta(seconds=seconds, minutes=minutes)
        self._moved.set()
        self._moved = asyncio.Event()


SHORT = 3.0
"""Seconds of a pause that a moved clock lets pass by itself: those between two tries."""


class MovedClock:
    """Stands still until it is moved: for drills, and for tests."""

    def __init__(self, start: datetime) -> None:
        self.at = start
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        """A short pause between two tries passes by itself; a long one waits until the clock is moved."""
        if seconds <= SHORT:
            self.forward(seconds=seconds)
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((self.at + timedelta(seconds=seconds), future))
        await future

    def forward(self, *, seconds: float = 0, minutes: float = 0) -> None:
        """Let time pass, and wake whoever waited for it."""
        self.at += timedelta(seconds=seconds, minutes=minutes)
        for due, future in self._waiting:
            if due <= self.at and not future.done():
                future.set_result(None)
        self._waiting = [(due, future) for due, future in self._waiting if not future.done()]
