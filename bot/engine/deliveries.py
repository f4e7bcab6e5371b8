"""How long pages take from being due until a channel takes them, read off the log, whichever replica sent them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.domain.climbing import Owed, PageOwed
from bot.domain.errors import TocsinError
from bot.domain.incident import Incident
from bot.domain.paging import Page, Receipt
from bot.domain.phase import Phase
from bot.domain.policy import Urgency
from bot.engine.legible import Legible
from bot.engine.ports import Log
from bot.engine.vitals import PAGE_WITHIN, PAGES, Vitals
from bot.telemetry import log as logger

MOST = 500  # incidents looked at in one reading; the rest come with the next

Owing = Callable[[Incident], Awaitable[Iterable[Owed]]]


class Deliveries:
    """Reads every few seconds what is owed and what was taken; what is owed for too long is late without a receipt."""

    def __init__(self, log: Log, legible: Legible, clock: Clock, vitals: Vitals, owing: Owing) -> None:
        self._log, self._legible, self._clock, self._vitals, self._owing = log, legible, clock, vitals, owing
        self._due: dict[str, dict[str, datetime]] = {}  # incident → page → since when it is due
        self._counted: dict[str, set[str]] = {}
        self._looked: dict[str, datetime] = {}  # incident → when it was read before
        self._late: set[str] = set()  # counted as late, and not taken so far
        self._changed: set[str] = set()
        self._read: datetime | None = None

    def noted(self, incident: str) -> None:
        """Something was committed there."""
        self._changed.add(incident)

    async def look(self) -> None:
        """One reading. Raises Unavailable; then the next one reads on."""
        now, names = self._clock.now(), await self._log.open_ids()
        chosen = sorted(filter(self._concerned, names), key=lambda name: name not in self._due)[:MOST]
        for name in chosen:
            incident = await self._legible.one(name)
            self._changed.discard(name)
            if incident is None:
                continue
            try:
                owing = await self._owing(incident)
            except TocsinError:
                raise
            except Exception:  # noqa: BLE001 - the reconciler tells it in the timeline; the others are counted
                logger().exception("what is owed to an incident cannot be told", incident=name)
                continue
            owed = {each.key: each for each in owing if isinstance(each, PageOwed)}
            self._look_at(incident, owed, now)
            if not owed:
                self._pages_nobody(incident, now)
        gone = self._looked.keys() - set(names)
        for name in gone:
            self._due.pop(name, None)
            self._counted.pop(name, None)
            self._looked.pop(name, None)
        self._changed &= set(names)
        self._read = now

    def _concerned(self, name: str) -> bool:
        known = self._log.at_hand(name)
        return name in self._changed or name in self._due or known is None or known.unclaimed

    def _look_at(self, incident: Incident, owed: dict[str, PageOwed], now: datetime) -> None:
        due = self._due.get(incident.id, {})
        counted = self._counted.setdefault(incident.id, set())
        before, self._looked[incident.id] = self._looked.get(incident.id), now
        for key, page in incident.pages.items():
            if page.reached:
                self._taken(incident, key, page, due.pop(key, None), counted)
            elif key not in counted:
                due.setdefault(key, page.at)  # it failed: it was due then at the latest
        for key, each in owed.items():
            if each.due <= now and key not in counted:
                # one that was not due then, such as until its person was up, became due since
                due.setdefault(key, each.due if before is None else max(each.due, before))
        for key, since in list(due.items()):
            lost = key not in owed and key in incident.pages and incident.unclaimed  # given up for the next level
            if (lost or now - since > PAGE_WITHIN) and key not in counted:
                counted.add(key)
                self._late.add(key)
                self._vitals.count(PAGES, broken=1)
            if key not in owed:  # or acknowledged before anybody had to be paged
                del due[key]
                self._late.discard(key)
        self._due.pop(incident.id, None)
        if due:
            self._due[incident.id] = due

    def _pages_nobody(self, incident: Incident, now: datetime) -> None:
        """Where somebody should have been paged by now and nobody is owed a page, that is one that never went out."""
        counted, key = self._counted.setdefault(incident.id, set()), f"nobody:{incident.returns}"
        if key not in counted and _untried(incident, now):
            counted.add(key)
            self._vitals.count(PAGES, broken=1)

    def _taken(self, incident: Incident, key: str, page: Page, due: datetime | None, counted: set[str]) -> None:
        """A channel took it. A page that came and went between two readings was due after the first of them."""
        if key in counted and key not in self._late:
            return
        if self._read is not None or due is not None:
            since = due or max(filter(None, (self._read, incident.declared_at)), default=page.at)
            delay = max(_accepted(page) - since, timedelta(0))
            (self._vitals.took_longer if key in self._late else self._vitals.paged)(delay)
        counted.add(key)  # what was taken before the first reading was counted by whoever read then
        self._late.discard(key)


def _untried(incident: Incident, now: datetime) -> bool:
    """Whether somebody should have been paged by now and nobody was tried, as where nobody is on call at all."""
    begun = incident.returned or incident.declared_at
    if begun is None or incident.detected is None or now - begun <= PAGE_WITHIN or incident.is_silent:
        return False
    waits = incident.phase is Phase.DECLARED and incident.urgency is Urgency.PAGE
    return waits and not any(page.at >= begun for page in incident.pages.values())


def _accepted(page: Page) -> datetime:
    times = [at for receipt, at in page.receipts.items() if receipt is not Receipt.FAILED]
    return min(times, default=page.at)
