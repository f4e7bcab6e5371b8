"""What an objective would have paged: its past is run through the rules of today, in the background, and kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.domain.errors import TocsinError
from bot.engine.ports import Checkpoints, History, Source
from bot.engine.replay import LONGEST_STEP, Replay, Turn, summary
from bot.slo.episode import Phase
from bot.slo.spec import Slo
from bot.telemetry import log as logger

BACK = timedelta(days=28)
LATELY = timedelta(days=7)
FRESH = timedelta(hours=12)
"""For so long what was found is not looked for again by itself."""
WITHIN = 900.0
"""Seconds one look may take."""
LOOKBACK = timedelta(seconds=60)
KEPT = 200
"""So many changes are kept; beyond, their number."""
LOUD = frozenset({Phase.PAGE, Phase.TICKET})


@dataclass(frozen=True, slots=True)
class Would:
    """One page or ticket that would have been: when, since when the data show it, and the rule's reason."""

    at: datetime
    urgency: str
    because: str
    onset: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """What a look at the past found, polled every `step`; `because` says why nothing can be told."""

    at: datetime
    start: datetime
    end: datetime
    step: timedelta
    found: tuple[Would, ...] = ()
    pages: int = 0
    tickets: int = 0
    unknown: timedelta = timedelta(0)
    because: str = ""

    def within(self, urgency: str, length: timedelta) -> int:
        """How many of that urgency in the last stretch of that length."""
        return sum(each.urgency == urgency and each.at >= self.end - length for each in self.found)


class Hindsight:
    """One objective at a time, the arithmetic in a thread: neither pages nor polls wait for it."""

    def __init__(
        self,
        slos: Mapping[str, Slo],
        sources: Mapping[str, Source],
        kept: Checkpoints,
        clock: Clock,
        *,
        lookback: Mapping[str, timedelta] | None = None,
    ) -> None:
        self.slos, self.sources, self.kept, self.clock = slos, sources, kept, clock
        self.lookback = lookback or {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    async def last(self, names: Collection[str]) -> dict[str, Told]:
        """What was found of these objectives, as far as anybody looked. Raises Unavailable."""
        held = await self.kept.load([_document(name) for name in names])
        return {name: _read(held[_document(name)]) for name in names if _document(name) in held}

    def looking(self, name: str) -> bool:
        """Whether that objective is being looked at, or waits for its turn."""
        return name in self._waiting

    def stale(self, told: Told | None) -> bool:
        """Whether it is time to look again."""
        return told is None or self.clock.now() - told.at > FRESH

    def begin(self, name: str) -> bool:
        """Look at that objective's past as soon as its turn comes; False where that is under way."""
        if name in self._waiting or name not in self.slos:
            return False
        task = asyncio.create_task(self._look(self.slos[name]))
        self._waiting[name] = task
        task.add_done_callback(lambda _done: self._waiting.pop(name, None))
        return True

    async def settled(self, within: float) -> None:
        """Wait until nothing is looked at any more, so many seconds at most."""
        if self._waiting:
            await asyncio.wait(set(self._waiting.values()), timeout=within)

    async def close(self) -> None:
        """End what is under way; what was kept stands."""
        for task in list(self._waiting.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _look(self, slo: Slo) -> None:
        async with self._turn:
            end = self.clock.now().replace(microsecond=0)
            try:
                async with asyncio.timeout(WITHIN):
                    told = await self._recall(slo, end)
            except TimeoutError:
                told = self._nothing(end, f"its past could not be read within {WITHIN / 60:.0f} minutes")
            except TocsinError as silent:
                told = self._nothing(end, f"its past could not be read: {silent}")
            except Exception as fault:  # noqa: BLE001 - told on the page; a job nobody awaits must not end in silence
                logger().error(
                    "looking at the past met a fault", slo=slo.name, fault=f"{type(fault).__name__}: {fault}"
                )
                told = self._nothing(end, "that is a fault of Tocsin's own; the details are in its log")
            try:
                await self.kept.save({_document(slo.name): _written(told)}, told.at)
            except TocsinError as silent:
                logger().warning("what was found in the past could not be kept", slo=slo.name, because=str(silent))

    async def _recall(self, slo: Slo, end: datetime) -> Told:
        names = dict.fromkeys([slo.source, *(part.source for part in slo.parts)])
        if len(names) > 1:
            return self._nothing(
                end, f"it rests on several sources ({', '.join(names)}), whose pasts are not put together"
            )
        source = self.sources.get(slo.source)
        if source is None:
            return self._nothing(end, f"there is no source {slo.source!r}")
        if not isinstance(source, History):
            return self._nothing(end, f"its source {slo.source!r} remembers nothing of the past")
        replay = Replay(
            [slo], start=end - BACK, end=end, step=LONGEST_STEP, lookback=self.lookback.get(slo.source, LOOKBACK)
        )
        queries = list(dict.fromkeys(query for measure in slo.measures for query in measure.queries))
        turns: list[Turn] = []
        async for upto, batch in source.recall(queries, replay.since, end, LONGEST_STEP):
            turns += await asyncio.to_thread(replay.feed, upto, batch)
        whole = summary([replay])
        loud = [
            Would(turn.at, str(turn.after), turn.because, turn.onset)
            for turn in turns
            if turn.after in LOUD and turn.before is not turn.after
        ]
        return Told(
            self.clock.now(), replay.start, end, LONGEST_STEP, tuple(loud[-KEPT:]),
            pages=sum(each.urgency == "page" for each in loud), tickets=sum(each.urgency == "ticket" for each in loud),
            unknown=whole.unknown,
        )  # fmt: skip

    def _nothing(self, end: datetime, because: str) -> Told:
        return Told(self.clock.now(), end - BACK, end, LONGEST_STEP, because=because)


def _document(name: str) -> str:
    return f"hindsight/{name}"


def _written(told: Told) -> dict[str, object]:
    return {
        "at": told.at.isoformat(),
        "start": told.start.isoformat(),
        "end": told.end.isoformat(),
        "step": told.step.total_seconds(),
        "pages": told.pages,
        "tickets": told.tickets,
        "unknown": told.unknown.total_seconds(),
        "because": told.because,
        "found": [
            [each.at.isoformat(), each.urgency, each.because, each.onset.isoformat() if each.onset else ""]
            for each in told.found
        ],
    }


def _read(held: Mapping[str, Any]) -> Told:
    return Told(
        datetime.fromisoformat(held["at"]),
        datetime.fromisoformat(held["start"]),
        datetime.fromisoformat(held["end"]),
        timedelta(seconds=held["step"]),
        tuple(
            Would(datetime.fromisoformat(at), urgency, because, datetime.fromisoformat(onset) if onset else None)
            for at, urgency, because, onset in held["found"]
        ),
        held["pages"],
        held["tickets"],
        timedelta(seconds=held["unknown"]),
        held["because"],
    )
