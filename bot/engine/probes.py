"""The parts of the house that are looked at, one probe each: database, chat, pagers, disk, work, rounds, records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.errors import TocsinError
from bot.engine.lines import Lines
from bot.engine.selfcare import PROBE_WITHIN, Ailment
from bot.engine.vitals import WAITS_AT_MOST, Vitals


@dataclass
class DatabaseProbe:
    """Whether the log answers."""

    ask: Callable[[], Awaitable[object]]
    vitals: Vitals
    kind: str = "database"
    patience: timedelta = timedelta(seconds=90)  # told within two minutes

    async def look(self, now: datetime) -> Sequence[Ailment]:
        try:
            async with asyncio.timeout(PROBE_WITHIN / 2):
                await self.ask()
        except (TocsinError, TimeoutError) as silent:
            self.vitals.answered(False)
            because = str(silent) or "no answer"
            text = f"Nothing can be recorded, no incident is opened or paged for until it answers ({because})."
            return [Ailment("", "Tocsin's database does not answer", text, "Tocsin's database answers again")]
        self.vitals.answered(True)
        return []


@dataclass
class ChatProbe:
    """Whether the chat can be reached, and shows incidents as they stand. `stands` gives (connected, behind, why)."""

    stands: Callable[[], tuple[bool, int, str]]
    name: str = "Slack"
    pager: str = "slack"
    kind: str = "chat"
    patience: timedelta = timedelta(minutes=3)

    async def look(self, now: datetime) -> Sequence[Ailment]:
        connected, behind, because = self.stands()
        if connected and not behind:
            return []
        why = f" ({because})" if because else ""
        over = f"Tocsin reaches {self.name} again"
        if not connected:
            text = f"People are paged by other ways; the console and the commands do all that {self.name} does{why}."
            return [Ailment("", f"Tocsin cannot reach {self.name}", text, over, frozenset({self.pager}))]
        text = f"{behind} incident{'s are' if behind != 1 else ' is'} not shown there as they stand{why}."
        return [Ailment("", f"{self.name} is behind", text, over)]


@dataclass
class PagerProbe:
    """Whether a channel loses every page that is sent through it."""

    lines: Lines
    kind: str = "pager"
    patience: timedelta = timedelta(0)

    async def look(self, now: datetime) -> Sequence[Ailment]:
        return [
            Ailment(
                name,
                f"Pages by {name} fail for everybody",
                f"{line.failed} in a row were lost ({line.because}); other ways are used where people have them.",
                f"Pages by {name} go through again",
                frozenset({name}),
            )
            for name, line in sorted(self.lines.by_channel.items())
            if line.down
        ]


@dataclass
class DiskProbe:
    """Whether the state folder's disk has room. `free` gives its free and its whole size in bytes."""

    free: Callable[[], tuple[int, int]]
    kind: str = "disk"
    patience: timedelta = timedelta(seconds=30)
    least_share: float = 0.02
    least_bytes: int = 200 * 2**20
    enough_bytes: int = 5 * 2**30  # so much room is never called none, whatever share of a large disk it is

    async def look(self, now: datetime) -> Sequence[Ailment]:
        left, whole = await asyncio.to_thread(self.free)
        if left >= self.least_bytes and (left >= self.enough_bytes or left >= whole * self.least_share):
            return []
        text = f"{left // 2**20} MB are left where Tocsin keeps its state; without room nothing can be recorded."
        return [Ailment("", "Tocsin's disk is almost full", text, "Tocsin's disk has room again")]


@dataclass
class LettersProbe:
    """Whether work was given up after it took the process down again and again."""

    vitals: Vitals
    kind: str = "dead-letters"
    patience: timedelta = timedelta(0)

    async def look(self, now: datetime) -> Sequence[Ailment]:
        many = self.vitals.dead_letters
        if not many:
            return []
        work = "A piece of work was" if many == 1 else f"{many} pieces of work were"
        text = f"{work} given up after Tocsin died of it several times; each stands in its incident's timeline."
        return [Ailment("", "Tocsin died of the same work several times", text, "No more work was given up")]


@dataclass
class RoundsProbe:
    """Whether the sources are asked at all: a poll that hangs or never begins leaves everything unwatched."""

    polled: Callable[[], datetime | None]
    every: timedelta
    began: datetime
    kind: str = "rounds"
    patience: timedelta = timedelta(seconds=30)

    async def look(self, now: datetime) -> Sequence[Ailment]:
        last = self.polled() or self.began
        if now - last <= max(4 * self.every, timedelta(minutes=2)):
            return []
        text = "No objective is watched: the last poll did not end, or no new one begins."
        return [Ailment("", "Tocsin no longer asks its sources", text, "Tocsin asks its sources again")]


@dataclass
class WaitingProbe:
    """Whether what is to be taken in hand waits for too long; `waits` says how long it does."""

    kind: str
    waits: Callable[[], Awaitable[timedelta]]
    headline: str
    text: str
    over: str
    patience: timedelta = timedelta(0)

    async def look(self, now: datetime) -> Sequence[Ailment]:
        if await self.waits() <= WAITS_AT_MOST:
            return []
        return [Ailment("", self.headline, self.text, self.over)]


def acting(waits: Callable[[], Awaitable[timedelta]]) -> WaitingProbe:
    """Whether what is committed is acted on."""
    return WaitingProbe(
        "reconciler",
        waits,
        "Tocsin no longer acts on its incidents",
        "What was noted has waited for more than a minute: nobody may be paged until this replica is started again.",
        "Tocsin acts on its incidents again",
    )


def taking_in(waits: Callable[[], Awaitable[timedelta]]) -> WaitingProbe:
    """Whether what senders were promised becomes incidents."""
    return WaitingProbe(
        "inbox",
        waits,
        "Alerts wait in Tocsin's inbox",
        "They were accepted more than a minute ago and no incident has taken them in; they are kept.",
        "Tocsin takes alerts in again",
    )


@dataclass
class RecordsProbe:
    """Whether every incident in which something is left to do can be read; `still` tells which cannot, and why."""

    still: Callable[[], Awaitable[Mapping[str, str]]]
    vitals: Vitals
    kind: str = "records"
    patience: timedelta = timedelta(0)
    most: int = 5  # told one by one; a program that was rolled back may not read hundreds

    async def look(self, now: datetime) -> Sequence[Ailment]:
        found = await self.still()
        self.vitals.unreadable.set(len(found))
        told = [self._one(name, because) for name, because in list(found.items())[: self.most]]
        if more := list(found)[self.most :]:
            head = f"{len(more)} more incident{'s' if len(more) != 1 else ''} cannot be read"
            text = f"Nobody is paged for them, and no alert joins them: {', '.join(more[:20])}."
            told.append(Ailment("more", head, text, "No more than a few incidents cannot be read"))
        return told

    @staticmethod
    def _one(name: str, because: str) -> Ailment:
        text = f"Nobody is paged for it, and no alert joins it: {because}. A newer Tocsin may have written it."
        return Ailment(name, f"{name} cannot be read", text, f"{name} can be read again")
