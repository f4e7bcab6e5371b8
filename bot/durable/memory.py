"""Durable work in memory, moved by the clock: for stories and simulations, and for a demo that needs no file."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.clock import Clock
from bot.durable.keys import RECOVERIES, attempt_of, doing, waking
from bot.engine.ports import Perform

_log = logging.getLogger(__name__)
DRAIN = 2.0  # seconds that running work is given at the end


@dataclass(slots=True)
class Work:
    """One piece of work: `what` is the key or the incident; waiting until `due`, running, ended, or given up."""

    kind: Literal["do", "wake"]
    what: str
    due: datetime
    state: Literal["waiting", "running", "ended", "given up"] = "running"
    recoveries: int = 0
    ended_at: datetime | None = None


@dataclass(slots=True)
class Journal:
    """What outlives the process: hand it to the next twin to restart."""

    work: dict[str, Work] = field(default_factory=dict)


class Memory:
    """The port Durable in memory. Time is the clock's; `advance(now)` fires at once what is due by then."""

    def __init__(self, clock: Clock, journal: Journal | None = None) -> None:
        self._clock = clock
        self.journal = journal if journal is not None else Journal()
        self._hands: tuple[Perform, Perform] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sleepers: set[asyncio.Task[None]] = set()
        self._gone = False

    async def open(self, perform: Perform, wake: Perform) -> None:
        """Begin, and take up what the twin before was interrupted in."""
        self._hands = (perform, wake)
        for ident, work in list(self.journal.work.items()):
            if work.state == "running":
                work.recoveries += 1
                if work.recoveries > RECOVERIES:
                    work.state, work.ended_at = "given up", self._clock.now()
                else:
                    self._run(ident)
            elif work.state == "waiting":
                self._wait(ident)

    async def start(self, key: str, attempt: int = 1) -> None:
        """Perform `key` once per attempt; a repetition has no effect. Never waits for it."""
        ident = doing(key, attempt)
        if ident not in self.journal.work:
            self.journal.work[ident] = Work("do", key, self._clock.now())
            self._run(ident)

    async def wake_at(self, incident: str, due: datetime, now: datetime) -> None:
        """Call wake(incident) at `due`; the same due time twice is one wake-up."""
        ident = waking(incident, due)
        if ident in self.journal.work:
            return
        self.journal.work[ident] = Work("wake", incident, due, "waiting")
        if due <= now:
            self._fire(ident)
        else:
            self._wait(ident)

    async def advance(self, now: datetime) -> None:
        """Fire every wake-up due by `now`, earliest first, and wait until all work is done, what it starts included."""
        while True:
            await self.idle()
            waiting = [(work.due, ident) for ident, work in self.journal.work.items() if work.state == "waiting"]
            due = min((one for one in waiting if one[0] <= now), default=None)
            if due is None:
                return
            self._fire(due[1])

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def prune(self, before: datetime) -> int:
        """Forget what ended before then; how many that were."""
        old = [
            ident for ident, work in self.journal.work.items() if work.ended_at is not None and work.ended_at < before
        ]
        for ident in old:
            del self.journal.work[ident]
        return len(old)

    async def dead_letters(self) -> list[tuple[str, int]]:
        """Keys and attempts given up after repeated crashes."""
        ended = [ident for ident, work in self.journal.work.items() if work.state == "given up"]
        return sorted({one for ident in ended if (one := attempt_of(ident)) is not None})

    async def close(self) -> None:
        """Finish what runs, or leave it for the next start where it waits; wake-ups stay in the journal."""
        await self._drop(self._sleepers)
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=DRAIN)
        self._gone = True
        await self._drop(self._tasks)

    async def crash(self) -> None:
        """Stop as a killed process does: at once, nothing finished, nothing written down afterwards."""
        self._gone = True
        await self._drop(self._sleepers | self._tasks)

    @staticmethod
    async def _drop(tasks: set[asyncio.Task[None]]) -> None:
        dropped = set(tasks)
        for task in dropped:
            task.cancel()
        if dropped:
            await asyncio.wait(dropped)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _fire(self, ident: str) -> None:
        work = self.journal.work.get(ident)
        if work is not None and work.state == "waiting" and not self._gone:
            work.state = "running"
            self._run(ident)

    def _wait(self, ident: str) -> None:
        async def sleep() -> None:
            work = self.journal.work[ident]
            while (left := (work.due - self._clock.now()).total_seconds()) > 0:
                await self._clock.sleep(left)
            self._fire(ident)

        self._keep(asyncio.create_task(sleep()), self._sleepers)

    def _run(self, ident: str) -> None:
        self._keep(asyncio.create_task(self._do(ident)), self._tasks)

    @staticmethod
    def _keep(task: asyncio.Task[None], among: set[asyncio.Task[None]]) -> None:
        among.add(task)
        task.add_done_callback(among.discard)

    async def _do(self, ident: str) -> None:
        work = self.journal.work[ident]
        if self._hands is None:
            raise RuntimeError("the durable engine was not opened")
        try:
            await self._hands[0 if work.kind == "do" else 1](work.what)
        except Exception:  # noqa: BLE001 - whatever it was, the attempt is over and the log says what is owed
            _log.exception("%s ended with an error; what is still owed is tried again as another attempt", ident)
        if not self._gone:
            work.state, work.ended_at = "ended", self._clock.now()
