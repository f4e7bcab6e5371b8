"""Tells other systems what became of incidents, off the log: at least once, each incident's changes in their order.

What was told is written down for each receiver and incident, so a restart goes on where it was; a receiver that is away
is asked again ever less often and is told everything once it is back. What it refuses again and again, or does not take
for days, is put aside where people see it, so that one change does not keep the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.clock import Clock
from bot.domain.errors import RateLimited, Refused, TocsinError, Unavailable
from bot.domain.incident import Incident
from bot.domain.log import Entry, fold
from bot.engine.changed import KINDS, Change, changed, event
from bot.engine.ports import Log
from bot.engine.selfcare import Ailment
from bot.engine.vitals import Vitals
from bot.telemetry import log as logger

EVERY = 5.0
"""Seconds after which another replica's commits are seen, and what waits is tried again."""
FIRST, LONGEST = timedelta(seconds=2), timedelta(minutes=10)
REFUSED_AT_MOST = 8
GIVEN_UP_AFTER = timedelta(days=3)
TOLD_AFTER = timedelta(minutes=30)
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Hook:
    """A receiver: which changes of which services it is told, "" services all of them."""

    name: str
    events: frozenset[str] = frozenset(KINDS)
    services: frozenset[str] = frozenset()
    restricted: bool = False

    def wants(self, change: Change) -> bool:
        """Whether it is told that."""
        return (
            change.kind in self.events
            and (not self.services or change.about in self.services)
            and (not change.restricted or self.restricted)
        )


@dataclass(frozen=True, slots=True)
class Place:
    """How far a receiver was told of one incident, and how what comes next fared."""

    incident: str
    seq: int
    tries: int = 0
    since: datetime | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A change that was put aside: nobody took it."""

    hook: str
    incident: str
    seq: int
    at: datetime
    because: str


class Ledger(Protocol):
    """Who was told what. All methods may raise Unavailable."""

    async def begin(self, hook: str, at: datetime) -> bool:
        """A receiver nobody knew is told of what comes from now on; False where it was known."""

    async def behind(self, hook: str, now: datetime, limit: int) -> Sequence[Place]:
        """Incidents whose log has more than it was told, of which the next is due, those that wait longest first."""

    async def save(self, hook: str, place: Place) -> None: ...

    async def aside(self, letter: Letter, place: Place) -> None:
        """Put a change aside and go on after it, both or neither."""

    async def letters(self, hook: str = "") -> Sequence[Letter]: ...

    async def again(self, hook: str) -> int:
        """Tell it once more what was put aside, and what came after it; how many changes those were."""

    async def waiting(self, hook: str) -> int:
        """How many incidents it is behind with."""


class Receiver(Protocol):
    """Who is told."""

    async def tell(self, told: Mapping[str, Any]) -> None:
        """Hand an event over. Raises Refused where it is not taken as it is, RateLimited, Unavailable."""

    async def close(self) -> None: ...


class Lead(Protocol):
    """Settles which of several replicas tells."""

    async def holds(self) -> bool: ...


@dataclass
class Standing:
    """How a receiver is: since when it does not answer and why, how often it was told, what was put aside."""

    told: int = 0
    failed: int = 0
    since: datetime | None = None
    because: str = ""
    due: datetime | None = None
    tries: int = 0
    waiting: int = 0
    aside: int = 0


@dataclass
class Outgoing:
    """One loop for all receivers; each has its own turn, so that a slow one keeps no other."""

    log: Log
    ledger: Ledger
    clock: Clock
    lead: Lead
    receivers: Mapping[str, tuple[Hook, Receiver]]
    house: str = ""
    """The console's address, the source of every event."""
    every: float = EVERY
    standing: dict[str, Standing] = field(default_factory=dict)
    vitals: Vitals | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.standing = {name: Standing() for name in self.receivers}

    def wake(self, _incident: str = "") -> None:
        """Something was committed."""
        self._news.set()

    async def run(self) -> None:
        """Tell, for ever."""
        while True:
            self._news.clear()
            await self.look()
            try:
                async with asyncio.timeout(self.every):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Tell each receiver what it was not told. Never raises."""
        await asyncio.gather(*(self._look(name) for name in self.receivers))
        if self.vitals is not None:
            self.vitals.hooks_waiting.set(sum(each.waiting for each in self.standing.values()))
            self.vitals.hooks_aside.set(sum(each.aside for each in self.standing.values()))

    async def _look(self, name: str) -> None:
        hook, receiver = self.receivers[name]
        stands = self.standing[name]
        try:
            if not await self.lead.holds():
                return
            now = self.clock.now()
            await self.ledger.begin(name, now)
            if stands.due is None or stands.due <= now:
                await self._catch_up(hook, receiver, now)
            stands.waiting = await self.ledger.waiting(name)
            stands.aside = len(await self.ledger.letters(name))
        except TocsinError as trouble:
            logger().warning("a webhook could not be looked after", webhook=name, because=str(trouble))
        except Exception:  # noqa: BLE001 - the next look must come
            logger().exception("a webhook could not be looked after", webhook=name)

    async def _catch_up(self, hook: Hook, receiver: Receiver, now: datetime) -> None:
        while places := await self.ledger.behind(hook.name, now, AT_ONCE):
            for place in places:
                if not await self._told(hook, receiver, place):
                    return
            if len(places) < AT_ONCE:
                return

    async def _told(self, hook: Hook, receiver: Receiver, place: Place) -> bool:
        """Tell everything after `place`; False where the receiver does not answer at all."""
        entries = await self.log.entries(place.incident)
        now_ = await self.log.load(place.incident)
        incident = Incident(place.incident)
        for entry in entries:
            incident = fold(incident, [entry])
            if entry.seq <= place.seq:
                continue
            change = changed(entry, incident, now_)
            if change is None or not hook.wants(change):
                place = Place(place.incident, entry.seq)
                continue
            if not await self.lead.holds():
                return False
            try:
                await receiver.tell(event(change, self.house))
            except (Unavailable, Refused) as trouble:
                return await self._failed(hook, place, entry, trouble)
            self._well(hook.name)
            place = Place(place.incident, entry.seq)
            await self.ledger.save(hook.name, place)
        await self.ledger.save(hook.name, place)
        return True

    def _well(self, name: str) -> None:
        stands = self.standing[name]
        if stands.because:
            logger().info("a webhook is taken again", webhook=name)
        stands.told += 1
        if self.vitals is not None:
            self.vitals.hooks_told.inc()
        stands.since, stands.because, stands.due, stands.tries = None, "", None, 0

    async def _failed(self, hook: Hook, place: Place, entry: Entry, trouble: TocsinError) -> bool:
        """Write down that it was not taken; True where the receiver lives and the next incident may be told."""
        now, stands = self.clock.now(), self.standing[hook.name]
        stands.failed += 1
        if self.vitals is not None:
            self.vitals.hooks_failed.inc()
        refused = isinstance(trouble, Refused)
        since, tries = place.since or now, place.tries + 1
        if (refused and tries >= REFUSED_AT_MOST) or now - since >= GIVEN_UP_AFTER:
            letter = Letter(hook.name, place.incident, entry.seq, now, str(trouble)[:300])
            await self.ledger.aside(letter, Place(place.incident, entry.seq))
            logger().error("a change was put aside: nobody takes it", webhook=hook.name, because=letter.because)
        else:
            later = now + (_pause(tries) if refused else timedelta(0))  # one that is away is waited for as a whole
            await self.ledger.save(hook.name, Place(place.incident, place.seq, tries, since, later))
        if refused:
            return True
        if not stands.because:
            logger().warning("a webhook is not taken", webhook=hook.name, because=str(trouble))
        stands.tries += 1
        stands.since, stands.because = stands.since or now, str(trouble)[:300]
        asked = timedelta(seconds=trouble.retry_after) if isinstance(trouble, RateLimited) else timedelta(0)
        stands.due = now + max(_pause(stands.tries), min(asked, LONGEST))
        return False

    async def close(self) -> None:
        """Let go of every receiver."""
        await asyncio.gather(*(receiver.close() for _, receiver in self.receivers.values()), return_exceptions=True)


def _pause(tries: int) -> timedelta:
    return min(FIRST * int(2 ** min(tries - 1, 16)), LONGEST)


@dataclass
class HooksProbe:
    """Whether a receiver of webhooks is away for long, or changes were put aside that nobody took."""

    outgoing: Outgoing
    kind: str = "webhooks"
    patience: timedelta = timedelta(0)

    async def look(self, now: datetime) -> Sequence[Ailment]:
        found = []
        for name, stands in self.outgoing.standing.items():
            if stands.since is not None and now - stands.since >= TOLD_AFTER:
                text = f"{stands.because}. What it is not told waits and is sent once it answers again."
                found.append(
                    Ailment(name, f"The webhook {name} does not answer", text, f"The webhook {name} answers again")
                )
            if stands.aside:
                many = "1 change was" if stands.aside == 1 else f"{stands.aside} changes were"
                text = f"{many} put aside: it did not take them. `tocsin webhook again {name}` sends them once more."
                over = f"Nothing is put aside of the webhook {name}"
                found.append(Ailment(f"{name}:aside", f"The webhook {name} did not take everything", text, over))
        return found
