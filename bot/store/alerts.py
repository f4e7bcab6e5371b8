"""Keeps every alert episode: whoever waits at once is committed together, and is answered once it is durable."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.domain.alert import Alert
from bot.domain.errors import Unavailable
from bot.engine.courtesy import Courtesy
from bot.engine.intake_ports import Arrived, micros, moment
from bot.store._alert_rows import HEARD, ROW, Row, commit, keep_heard, place_of, row_of, shown
from bot.store.columns import storable
from bot.store.database import PATIENCE, Database
from bot.store.tables import alert_marks, alerts

MOST_WAITING = 20_000
"""Alerts that may wait to be committed: some 40 MB, and two seconds of them."""
TOGETHER = 2_000
"""Alerts of one commit: the first of them waits for the last, and so does a click."""
_SHOWN = tuple(alerts.c[name] for name in (*ROW, "seq", "at"))
_CHUNK = 500  # keys of one question
PRUNED = 1_000
"""Episodes forgotten in one transaction."""
HEARD_EVERY = timedelta(seconds=1)
"""How exactly it is kept when a sender was heard: of a thousand messages a second one is written down."""


@dataclass(slots=True, eq=False)
class _Offer:
    """What one caller wants kept, and where they wait for the answer."""

    rows: Sequence[Row]
    answer: asyncio.Future[int]


class Alerts:
    """The ports Inbox and Heard on a database."""

    def __init__(self, database: Database, clock: Clock, *, most_waiting: int = MOST_WAITING) -> None:
        self._database, self._clock, self._most = database, clock, most_waiting
        self._waiting: deque[_Offer] = deque()
        self._size = 0  # alerts that wait
        self._committing: asyncio.Task[None] | None = None
        self._heard: dict[str, datetime] = {}  # by sender, what was written down last
        self._news: dict[str, datetime] = {}  # ... and what is yet to be
        self.courtesy = Courtesy()  # senders wait for their answer here
        self.accepted: Callable[[], None] = lambda: None  # told after each commit; must only take note

    @property
    def waiting(self) -> int:
        """How many alerts wait to be committed."""
        return self._size

    @property
    def waiting_of(self) -> Mapping[str, int]:
        """The same by sender; one of whom none wait is not in it."""
        return Counter(row[0] for offer in self._waiting for row in offer.rows)

    def hear(self, sender: str) -> None:
        """Write down that this sender was heard now: with the alerts it sends, or else as soon as the database can.

        Nobody waits for it: of a silent database whoever sends alerts learns, and the next word is as good.
        """
        now, before = self._clock.now(), self._news.get(sender) or self._heard.get(sender)
        if before is None or abs(now - before) >= HEARD_EVERY:
            self._news[sender] = now
            self._begin()

    def _begin(self) -> None:
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())

    async def accept(self, alerts: Sequence[Alert]) -> int:
        """Keep them; how many episodes that changed. They are durable once it returns.

        Whoever gives up meanwhile may find theirs kept all the same: the same once more changes nothing. Raises
        Unavailable: too many wait, or the database was silent for 1.5 s; the sender must try again.
        """
        if not alerts:
            return 0
        if self._size and self._size + len(alerts) > self._most:
            raise Unavailable("the inbox", f"{self._size:,} alerts wait already")
        offer = _Offer([row_of(alert) for alert in alerts], asyncio.get_running_loop().create_future())
        self._waiting.append(offer)
        self._size += len(offer.rows)
        self._begin()
        try:
            with self.courtesy.answering():
                async with asyncio.timeout(self._database.patience):
                    return await offer.answer
        except TimeoutError:
            raise Unavailable("the inbox", f"no answer within {self._database.patience:g} s") from None

    async def _commit_all(self) -> None:
        """Commit group after group until nobody waits."""
        try:
            while (offers := self._group()) or self._news:
                if not await self._answer(offers) and not self._waiting:
                    return
        finally:
            self._committing = None

    def _group(self) -> list[_Offer]:
        """Those that are committed next: in their order, without those nobody waits for any more."""
        offers: list[_Offer] = []
        size = 0
        while self._waiting and (not offers or size + len(self._waiting[0].rows) <= TOGETHER):
            offer = self._waiting.popleft()
            self._size -= len(offer.rows)
            if not offer.answer.done():
                offers.append(offer)
                size += len(offer.rows)
        return offers

    async def _answer(self, offers: list[_Offer]) -> bool:
        """Commit them and tell each; whether the database took it.

        Where one of them is what the database does not take, each is tried alone.
        """
        heard = dict(self._news)
        try:
            changed = await self._write([offer.rows for offer in offers], heard)
        except Unavailable as error:
            for offer in offers:
                _fail(offer, Unavailable(error.what, error.because))
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            if len(offers) > 1:
                return any([await self._answer([offer]) for offer in offers])
            for offer in offers:
                _fail(offer, error)
        else:
            self._heard |= heard
            self._news = {name: at for name, at in self._news.items() if heard.get(name) != at}
            if offers:
                self.accepted()
            for offer, count in zip(offers, changed, strict=True):
                if not offer.answer.done():
                    offer.answer.set_result(count)
            return True
        return False

    async def _write(self, rows: Sequence[Sequence[Row]], heard: Mapping[str, datetime]) -> list[int]:
        """In one transaction: how many episodes each changed. Raises Unavailable."""
        at = micros(self._clock.now())

        async def work(connection: AsyncConnection) -> list[int]:
            counts = await commit(connection, rows, at) if rows else []
            if heard:
                await keep_heard(connection, {name: micros(when) for name, when in heard.items()})
            return counts

        return await self._database.write(work)

    # -- reading -----------------------------------------------------------------------------------------------------

    async def since(self, seq: int, limit: int = 500) -> Sequence[Arrived]:
        """Episodes that changed after `seq`, in the order in which they last did. None is ever skipped."""
        query = select(*_SHOWN).where(alerts.c.seq > seq).order_by(alerts.c.seq).limit(limit)
        return [shown(row) for row in await self._database.read(lambda c: c.execute(query))]

    async def newest(self, keys: Collection[str]) -> dict[str, Alert]:
        """By `Alert.key`, the latest episode of each; of a key that was never accepted there is none."""
        wanted: dict[str, dict[str, str]] = {}
        for key in keys:
            _, source, fingerprint = key.split("/", 2)
            wanted.setdefault(source, {})[storable(fingerprint)] = key
        found: dict[str, Alert] = {}
        for source, by_fingerprint in wanted.items():
            names = list(by_fingerprint)
            for begin in range(0, len(names), _CHUNK):
                those = (alerts.c.source == source) & alerts.c.fingerprint.in_(names[begin : begin + _CHUNK])
                query = select(*_SHOWN).where(those, ~_overtaken())
                for row in await self._database.read(lambda c, query=query: c.execute(query)):  # type: ignore[misc]
                    found[by_fingerprint[row.fingerprint]] = shown(row).alert
        return found

    async def firing(
        self, *, limit: int = 100, after: str = "", source: str = "", service: str | None = None
    ) -> Sequence[Arrived]:
        """A page of the episodes that fire and are their alert's latest, by severity, then the newest first.

        `source` and `service` choose among them ("" is a service too: none). Raises Refused for no cursor of ours.
        """
        those: list[ColumnElement[bool]] = [alerts.c.place.is_not(None)]
        if after:
            place, of, fingerprint = place_of(after)
            those.append(_beyond(place, of, fingerprint))
        if source:
            those.append(alerts.c.source == source)
        if service is not None:
            those.append(alerts.c.service == service)
        order = (alerts.c.place, alerts.c.source, alerts.c.fingerprint)
        query = select(*_SHOWN).where(*those).order_by(*order).limit(limit)
        return [shown(row) for row in await self._database.read(lambda c: c.execute(query))]

    async def count(self) -> int:
        """How many fire."""
        query = select(func.count()).select_from(alerts).where(alerts.c.place.is_not(None))
        return int((await self._database.read(lambda c: c.execute(query))).scalar_one())

    async def last_heard(self) -> Mapping[str, datetime]:
        """By sender, when it last proved that it lives, at whichever replica. Raises Unavailable."""
        query = select(alert_marks.c.name, alert_marks.c.seq).where(alert_marks.c.name.startswith(HEARD))
        rows = await self._database.read(lambda c: c.execute(query))
        return {name.removeprefix(HEARD): moment(at) for name, at in rows}

    async def applied(self) -> int:
        """Up to which `seq` the changes were taken into incidents; 0 before any was."""
        query = select(alert_marks.c.seq).where(alert_marks.c.name == "applied")
        return int((await self._database.read(lambda c: c.execute(query))).scalar() or 0)

    async def advance(self, seq: int) -> None:
        """Say that everything up to there was; a smaller one changes nothing."""
        mark = (alert_marks.c.name == "applied") & (alert_marks.c.seq < seq)
        await self._database.write(lambda c: c.execute(update(alert_marks).where(mark).values(seq=seq)))

    async def prune(self, before: datetime) -> int:
        """Forget episodes that ended and last changed before then; how many.

        Never one that fires and is its alert's latest, and never one that incidents were not told of.
        """
        then, count = micros(before), 0
        applied = await self.applied()
        over = or_(alerts.c.ends < then, and_(alerts.c.ends.is_(None), alerts.c.place.is_(None)))
        some = select(alerts.c.seq).where(alerts.c.at < then, alerts.c.seq <= applied, over).limit(PRUNED)
        while True:  # a few at a time: nobody's click waits for all of them
            statement = delete(alerts).where(alerts.c.seq.in_(some))
            deleted: int = (await self._database.write(lambda c, s=statement: c.execute(s))).rowcount  # type: ignore[misc]
            count += deleted
            if deleted < PRUNED:
                return count

    async def close(self) -> None:
        """Let those be answered who wait."""
        if self._committing is not None:
            await asyncio.wait({self._committing}, timeout=2 * PATIENCE)


def _fail(offer: _Offer, error: Exception) -> None:
    if not offer.answer.done():
        offer.answer.set_exception(error)


def _overtaken() -> ColumnElement[bool]:
    """Whether a later episode of the same alert is known."""
    newer = alerts.alias("newer")
    same = (newer.c.source == alerts.c.source) & (newer.c.fingerprint == alerts.c.fingerprint)
    return select(newer.c.seq).where(same, newer.c.starts > alerts.c.starts).exists()


def _beyond(place: int, source: str, fingerprint: str) -> ColumnElement[bool]:
    """After that row in the order of the list, in words an index follows."""
    later = or_(
        alerts.c.place > place,
        alerts.c.source > source,
        and_(alerts.c.source == source, alerts.c.fingerprint > fingerprint),
    )
    return and_(alerts.c.place >= place, later)
