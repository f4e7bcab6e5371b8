"""The pulse: notes whatever changes behind the pages, here or at another replica, and wakes those who read about it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.errors import TocsinError
from bot.engine.desk import Desk
from bot.telemetry import log
from bot.web.access import Area
from bot.web.house import WebHouse

EVERY = 2.0
"""Seconds between two looks at what others wrote; nobody looks while nobody reads."""
LINGER = 60.0
BEAT = 15.0
"""Seconds without a change after which a word is said: proxies keep the line open, and who reads is asked again."""
SLOW = 20.0
"""Seconds a reader may take to take a word in."""
MOST_PENDING = 500
"""Changes that wait for one reader; whoever is further behind is let go, and comes back by itself."""
REMEMBERED = 1_000
"""Changes that are known to whoever comes back."""


class Source(StrEnum):
    """Where a change comes from."""

    LOG = "log"
    INBOX = "inbox"
    ROTAS = "rotas"
    POLL = "poll"


class Topic(StrEnum):
    """What a list is about."""

    INCIDENTS = "incidents"
    ALERTS = "alerts"
    NOTICES = "notices"
    ON_CALL = "oncall"
    OBJECTIVES = "objectives"
    OVERVIEW = "overview"


HEARS: Mapping[Topic, frozenset[Source]] = {
    Topic.INCIDENTS: frozenset({Source.LOG}),
    Topic.ALERTS: frozenset({Source.LOG, Source.INBOX}),
    Topic.NOTICES: frozenset({Source.LOG}),
    Topic.ON_CALL: frozenset({Source.ROTAS}),
    Topic.OBJECTIVES: frozenset({Source.POLL}),
    Topic.OVERVIEW: frozenset({Source.LOG, Source.ROTAS, Source.POLL}),
}
AREA: Mapping[Topic, Area] = {
    Topic.INCIDENTS: Area.INCIDENTS,
    Topic.ALERTS: Area.ALERTS,
    Topic.NOTICES: Area.NOTICES,
    Topic.ON_CALL: Area.ON_CALL,
    Topic.OBJECTIVES: Area.SERVICES,
    Topic.OVERVIEW: Area.INCIDENTS,
}


@dataclass(frozen=True, slots=True)
class Change:
    """That something is not as it was; of the log, in which incident. What it is now, is for whoever may read it."""

    source: Source
    incident: str = ""


@dataclass(eq=False)
class Reader:
    """Somebody who waits for changes. The same change twice is one, so that a storm fills no queue."""

    hears: frozenset[Source]
    incident: str = ""
    person: str = ""
    pending: dict[Change, None] = field(default_factory=dict)
    over: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, change: Change) -> None:
        """Keep it, if it is theirs to hear of."""
        if change.source not in self.hears or (self.incident and change.incident != self.incident):
            return
        self.pending[change] = None
        self.over = self.over or len(self.pending) > MOST_PENDING
        self.woken.set()

    async def wait(self, seconds: float) -> list[Change]:
        """What changed since the last time, as soon as anything did; nothing after so many seconds, or at the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        self.woken.clear()
        found, self.pending = list(self.pending), {}
        return found


class Pulse:
    """One for all readers: however many there are, what changed is looked up once."""

    def __init__(self, house: WebHouse, *, every: float = EVERY) -> None:
        self.house, self.every, self.closed = house, every, False
        self.beat, self.slow = BEAT, SLOW
        self.seen_from = self.desk.clock.now()
        self.readers: set[Reader] = set()
        self._recent: deque[tuple[datetime, Change]] = deque(maxlen=REMEMBERED)
        self._heads: dict[str, str] | None = None
        self._marks: dict[Source, Hashable] = {}
        self._looking: asyncio.Task[None] | None = None
        self.desk.handler.after_commit(self._committed)

    @property
    def desk(self) -> Desk:
        return self.house.desk

    @contextlib.asynccontextmanager
    async def reading(self, reader: Reader) -> AsyncIterator[Reader]:
        """Tell this reader of changes for as long as they stay."""
        self.readers.add(reader)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            yield reader
        finally:
            self.readers.discard(reader)

    def since(self, moment: datetime, hears: frozenset[Source]) -> list[Change] | None:
        """What changed after that moment; None where that is not known any more: then everything may have."""
        full = len(self._recent) == REMEMBERED
        if moment < (self._recent[0][0] if full else self.seen_from):
            return None
        return list(dict.fromkeys(each for at, each in self._recent if at > moment and each.source in hears))

    def close(self) -> None:
        """Send every reader home, and let nobody in: the house ends, and does not wait for pages that lie open."""
        self.closed = True
        for reader in self.readers:
            reader.over = True
            reader.woken.set()
        if self._looking is not None:
            self._looking.cancel()

    # -- noticing ----------------------------------------------------------------------------------------------------

    def _committed(self, incident: str) -> None:
        known = self.desk.log.at_hand(incident)
        if self._heads is not None and known is not None:
            self._heads[incident] = known.head
        self._tell(Change(Source.LOG, incident))

    def _tell(self, change: Change) -> None:
        self._recent.append((self.desk.clock.now(), change))
        for reader in self.readers:
            reader.note(change)

    async def _look_on(self) -> None:
        """Look every so often while anybody reads, and a little longer, for who turns a page is back at once.

        The first look learns how things stand, and tells nothing: whoever read before it is told to look again.
        """
        self._heads, self._marks, self.seen_from, idle = None, {}, self.desk.clock.now(), 0.0
        while idle < LINGER and not self.closed:
            await self.look()
            await asyncio.sleep(self.every)
            idle = 0.0 if self.readers else idle + self.every

    async def look(self) -> None:
        """Notice what changed without a commit of this process; what cannot be asked now is asked at the next look."""
        try:
            await self._look_at_log()
            self._look_at(Source.POLL, self.house.watch.polled)
            self._look_at(Source.ROTAS, await self._rotas())
            if self.house.inbox is not None:
                inbox = self.house.inbox
                self._look_at(Source.INBOX, (await inbox.count(), await inbox.applied()))
        except TocsinError as error:
            log().debug("what changed elsewhere cannot be seen", because=str(error))

    async def _look_at_log(self) -> None:
        now, before = await self.desk.log.heads(), self._heads
        self._heads = now
        if before is None:
            return
        for name in before.keys() | now.keys():
            known = self.desk.log.at_hand(name)
            told = name in before and known is not None and known.head == before[name] and not known.is_open
            if before.get(name) != now.get(name) and not told:
                self._tell(Change(Source.LOG, name))

    def _look_at(self, source: Source, mark: Hashable) -> None:
        if source in self._marks and self._marks[source] != mark:
            self._tell(Change(source))
        self._marks[source] = mark

    async def _rotas(self) -> Hashable:
        roster = self.desk.roster
        await roster.reread()
        now = [(name, await roster.who(name)) for name in roster.plans.names]
        return roster.covers, tuple((name, tuple((each.person, each.end) for each in who)) for name, who in now)
