"""The log of every incident: entries, claims, inbound ids and the list are written together or not at all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.domain.errors import Conflict, NotFound
from bot.domain.incident import Incident
from bot.domain.log import Claim, Entry, Event, fold
from bot.engine.values import Received, Summary
from bot.store import claims, projections, reading
from bot.store.codec import Codec, Sealed
from bot.store.database import Database, Unsure, insert, took
from bot.store.tables import entries, inbound, texts

_REMEMBERED = 2048  # folded incidents kept at hand: all that are open, or each round would read them anew
_PRUNED = 5_000  # inbound ids forgotten in one transaction, so that no click waits for it


class Repeated(Conflict):
    """That inbound id was committed before: whatever it asked for is done, deciding anew is not needed."""

    def __init__(self, inbound_id: str) -> None:
        super().__init__(f"{inbound_id} was received before")
        self.inbound = inbound_id


class Log:
    """The port Log on a database. `prefix` begins the ids of new incidents."""

    def __init__(self, database: Database, codec: Codec, clock: Clock, *, prefix: str = "INC") -> None:
        self._database, self._codec, self._clock, self._prefix = database, codec, clock, prefix
        self._at_hand: OrderedDict[str, tuple[Incident, int]] = OrderedDict()

    # -- reading -----------------------------------------------------------------------------------------------------

    async def load(self, incident: str) -> Incident:
        """The incident folded from its entries; one that never was is void. Raises Unavailable, Tampered."""
        known, erased = self._at_hand.get(incident, (Incident(incident), 0))
        look = await self._database.read(lambda c: reading.look(c, self._codec, incident, known.seq))
        follows = not look.entries or look.entries[0].before == known.head
        if look.erased != erased or not follows:  # words were erased since, or the log is another one
            known = Incident(incident)
            look = await self._database.read(lambda c: reading.look(c, self._codec, incident))
        return self._keep(fold(known, look.entries), look.erased)

    def _keep(self, incident: Incident, erased: int) -> Incident:
        if incident.exists:
            self._at_hand[incident.id] = (incident, erased)
            self._at_hand.move_to_end(incident.id)
            while len(self._at_hand) > _REMEMBERED:
                self._at_hand.popitem(last=False)
        return incident

    async def entries(self, incident: str) -> list[Entry]:
        """Its entries in order, "[erased]" where words were erased. Raises Unavailable."""
        return (await self._database.read(lambda c: reading.look(c, self._codec, incident))).entries

    async def holder(self, claim: str) -> str | None:
        """The incident that holds a claim."""
        return await self._database.read(lambda c: claims.holder(c, claim))

    async def open_ids(self) -> list[str]:
        """Ids of incidents that are not closed, oldest first."""
        return await self._database.read(projections.open_ids)

    async def promised(self, owner: str = "") -> list[str]:
        """Ids of incidents, closed ones too, in which that person has an open follow-up; "" asks for everybody's."""
        return await self._database.read(lambda c: projections.promised(c, owner))

    async def summaries(self, *, limit: int = 100, before: str = "") -> list[Summary]:
        """The newest incidents first, those declared before `before` where one is named. Raises NotFound."""
        return await self._database.read(lambda c: projections.newest(c, limit, before))

    async def fresh_id(self) -> str:
        """An id no incident has; two callers may be given the same (append settles it)."""
        return await self._database.read(lambda c: projections.fresh_id(c, self._prefix))

    # -- writing -----------------------------------------------------------------------------------------------------

    async def append(
        self,
        incident: Incident,
        events: Sequence[Event],
        *,
        by: str,
        at: datetime,
        cause: str,
        inbound: str = "",
    ) -> Incident:
        """Append after `incident.seq`, settle the events' claims, remember `inbound`: all or nothing.

        Raises Repeated where `inbound` is known, Conflict where somebody wrote first, Taken where a claim is held,
        Unavailable where the database does not answer in time (then nothing was recorded as far as it can tell).
        """
        sealed, wanted, after = self._prepare(incident, events, by=by, at=at, cause=cause)

        async def work(connection: AsyncConnection) -> None:
            if inbound and not await _remember(connection, inbound, incident.id, at):
                raise Repeated(inbound)
            if not sealed:
                return
            await _require_standing(connection, incident)
            for one, claimed in zip(sealed, wanted, strict=True):
                await claims.settle(connection, claimed, incident.id, one.entry.seq, at)
                await _write(connection, one)
            await projections.write(connection, after)

        try:
            await self._database.write(work)
        except Unsure:
            if not await self._landed(sealed, inbound):
                raise
        if sealed:
            erased = self._at_hand.get(incident.id, (incident, 0))[1]
            self._keep(after, erased)
        return after

    def _prepare(
        self, incident: Incident, events: Sequence[Event], *, by: str, at: datetime, cause: str
    ) -> tuple[list[Sealed], list[list[Claim]], Incident]:
        """Everything that needs no database: the bytes, the claims of each event, and the incident afterwards."""
        sealed: list[Sealed] = []
        wanted: list[list[Claim]] = []
        for event in events:
            one = self._codec.seal(
                incident.id, incident.seq + 1, event, at=at, by=by, cause=cause, before=incident.head
            )
            wanted.append(list(one.entry.event.claims(incident)))
            sealed.append(one)
            incident = fold(incident, [one.entry])
        return sealed, wanted, incident

    async def _landed(self, sealed: Sequence[Sealed], inbound_id: str) -> bool:
        """Whether a commit that was not answered took place after all: asked on a fresh connection."""
        if sealed:
            entry = sealed[-1].entry
            query = select(entries.c.hash).where(entries.c.incident == entry.incident, entries.c.seq == entry.seq)
            found = (await self._database.read(lambda c: c.execute(query), within=1.0)).scalar()
            return bool(found == entry.hash)
        return await self.seen(inbound_id)

    async def seen(self, inbound: str) -> bool:
        """True where that inbound id was committed before."""
        return await self.received(inbound) is not None

    async def received(self, inbound: str) -> Received | None:
        """What became of an inbound id that was committed before; None where it is new."""
        return await self._database.read(lambda c: _received(c, inbound))

    async def remember(self, inbound: str, incident: str = "", refused: str = "") -> bool:
        """Commit an inbound id that led to no event, with the refusal if it was one; False where it was known."""
        return await self._database.write(lambda c: _remember(c, inbound, incident, self._clock.now(), refused))

    # -- care --------------------------------------------------------------------------------------------------------

    async def verify(self, incident: str = "") -> dict[str, str]:
        """Head hash per incident after walking every chain (or one). Raises Tampered, NotFound."""
        ids = await self._database.read(reading.every_id, within=None)
        if incident:
            if incident not in ids and not await self.entries(incident):
                raise NotFound("incident", incident)
            ids = [incident]
        heads = {}
        for name in ids:
            heads[name] = await self._database.read(lambda c, name=name: reading.walk(c, name), within=None)  # type: ignore[misc]
        return heads

    async def prune(self, before: datetime) -> int:
        """Forget inbound ids committed before then, and the refusals kept with them; how many. Raises Unavailable.

        Thirty days are enough: Slack redelivers for an hour, Alertmanager repeats for as long as an alert fires.
        """
        old = select(inbound.c.id).where(inbound.c.at < before).limit(_PRUNED)
        forgotten = 0
        while True:
            gone = await self._database.write(
                lambda c: c.execute(delete(inbound).where(inbound.c.id.in_(old))), within=None
            )
            forgotten += gone.rowcount
            if gone.rowcount < _PRUNED:
                return forgotten

    async def rebuild(self) -> int:
        """Make the list of incidents anew from the log; how many there are."""
        self._at_hand.clear()
        return await projections.rebuild(self._database, self._codec)


async def _remember(connection: AsyncConnection, name: str, incident: str, at: datetime, refused: str = "") -> bool:
    row = insert(connection, inbound).values(id=name, incident=incident, refused=refused, at=at)
    return await took(connection, row.on_conflict_do_nothing())


async def _received(connection: AsyncConnection, name: str) -> Received | None:
    query = select(inbound.c.incident, inbound.c.refused).where(inbound.c.id == name)
    row = (await connection.execute(query)).first()
    return Received(row.incident, row.refused) if row else None


async def _require_standing(connection: AsyncConnection, incident: Incident) -> None:
    """Raise Conflict unless the log ends where the caller believes it does."""
    query = select(entries.c.seq, entries.c.hash).where(entries.c.incident == incident.id)
    last = (await connection.execute(query.order_by(entries.c.seq.desc()).limit(1))).first()
    seq, head = (last.seq, last.hash) if last else (0, "")
    if (seq, head) != (incident.seq, incident.head):
        raise Conflict(f"{incident.id} is at entry {seq}, not {incident.seq}")


async def _write(connection: AsyncConnection, one: Sealed) -> None:
    entry = one.entry
    row = insert(connection, entries).values(
        incident=entry.incident,
        seq=entry.seq,
        at=entry.at,
        by=entry.by,
        name=type(entry.event).__name__,
        before=entry.before,
        hash=entry.hash,
        stored=one.stored,
    )
    if not await took(connection, row.on_conflict_do_nothing()):
        raise Conflict(f"somebody else wrote entry {entry.seq} of {entry.incident} first")
    for text in one.texts:
        await connection.execute(
            texts.insert().values(
                ref=text.ref, incident=entry.incident, seq=entry.seq, by=entry.by, salt=text.salt, text=text.text
            )
        )
