"""The log of every incident: entries, claims, inbound ids and the list are written together or not at all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.domain.errors import Conflict, NotFound
from bot.domain.incident import Incident
from bot.domain.log import Claim, Entry, Event, fold
from bot.domain.phase import Phase
from bot.domain.storm import Digest
from bot.engine.values import Chain, Received
from bot.store import census, claims, lists, projections, reading
from bot.store.codec import Codec, Sealed
from bot.store.database import Database, Unsure, placed
from bot.store.listed import Listed
from bot.store.tables import entries, inbound, texts

_REMEMBERED = 2048  # folded incidents kept at hand: all that are open, or each round would read them anew
_TOLD = 12_000  # entries kept at hand as well: those of the incidents somebody read line by line before the others
_WORDS = texts.insert()
_PRUNED = 5_000  # inbound ids forgotten in one transaction, so that no click waits for it


class Repeated(Conflict):
    """That inbound id was committed before: whatever it asked for is done, deciding anew is not needed."""

    def __init__(self, inbound_id: str) -> None:
        super().__init__(f"{inbound_id} was received before")
        self.inbound = inbound_id


@dataclass(frozen=True, slots=True)
class _Held:
    """What is at hand of an incident: folded, its entries where they were read, and how many texts were erased then."""

    incident: Incident
    erased: int
    entries: tuple[Entry, ...] | None = None

    @property
    def stands(self) -> tuple[int, str, int]:
        return self.incident.seq, self.incident.head, self.erased


class Log(Listed):
    """The port Log on a database. `prefix` begins the ids of new incidents."""

    def __init__(
        self,
        database: Database,
        codec: Codec,
        clock: Clock,
        *,
        prefix: str = "INC",
        most: int = _REMEMBERED,
        most_lines: int = _TOLD,
    ) -> None:
        super().__init__(database)
        self._codec, self._clock, self._prefix = codec, clock, prefix
        self._at_hand: OrderedDict[str, _Held] = OrderedDict()
        self._filed: OrderedDict[str, None] = OrderedDict()  # those of them that are closed
        self._most = most
        self._told: OrderedDict[str, int] = OrderedDict()  # of how many entries each, who was asked for last at the end
        self._lines, self._most_lines = 0, most_lines  # all of those

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def lines_at_hand(self) -> int:
        """How many entries are kept in memory."""
        return self._lines

    async def load(self, incident: str) -> Incident:
        """The incident folded from its entries; one that never was is void. Raises Unavailable, Tampered."""
        return (await self._look(incident, told=False)).incident

    async def entries(self, incident: str) -> list[Entry]:
        """Its entries in order, "[erased]" where words were erased. Raises Unavailable, Tampered."""
        return list((await self._look(incident, told=True)).entries or ())

    def at_hand(self, incident: str) -> Incident | None:
        """The incident as it was last known here, without asking; somebody else may have written since."""
        held = self._at_hand.get(incident)
        return held.incident if held is not None else None

    async def _look(self, incident: str, *, told: bool) -> _Held:
        """What stands now. What is at hand is asked for with one small question, and only what is new is read."""
        at_hand = self._at_hand.get(incident)
        nothing = _Held(Incident(incident), 0, ())
        held = nothing if at_hand is None or (told and at_hand.entries is None) else at_hand

        async def work(connection: AsyncConnection) -> reading.Look | None:
            if held.incident.exists and await reading.stands(connection, incident) == held.stands:
                return None
            return await reading.look(connection, self._codec, incident, held.incident.seq)

        look = await self._database.read(work)
        if look is None:
            return self._keep(held, told=told)
        # it stands differently: with nothing new after what is at hand, that itself is another's
        follows = look.entries[0].before == held.incident.head if look.entries else not held.incident.exists
        if look.erased != held.erased or not follows:  # words were erased since, or the log is another one
            held = nothing
            look = await self._database.read(lambda c: reading.look(c, self._codec, incident))
        entries_ = None if held.entries is None else (*held.entries, *look.entries)
        return self._keep(_Held(fold(held.incident, look.entries), look.erased, entries_), told=told)

    def _keep(self, held: _Held, *, told: bool = False) -> _Held:
        """Put at hand what was read or written; `told` where somebody asked for its entries."""
        name = held.incident.id
        if held.incident.exists:
            self._at_hand[name] = held
            self._at_hand.move_to_end(name)
            self._count(name, held, told=told)
            self._filed.pop(name, None)
            if held.incident.phase is Phase.CLOSED:
                self._filed[name] = None
            while len(self._at_hand) > self._most:
                # the closed ones first: a look through thousands of those must not cost what each page shows
                gone = next(iter(self._filed or self._at_hand))
                del self._at_hand[gone]
                self._filed.pop(gone, None)
                self._lines -= self._told.pop(gone, 0)
        return held

    def _let_go(self) -> None:
        """Whatever is asked for next is read anew."""
        self._at_hand.clear()
        self._filed.clear()
        self._told.clear()
        self._lines = 0

    def _count(self, name: str, held: _Held, *, told: bool) -> None:
        """Let go of entries nobody asked for lately where they are too many; of who was asked for last all stay."""
        before = self._told.get(name)
        self._lines -= before or 0
        if held.entries is None:
            self._told.pop(name, None)
        else:
            self._told[name] = len(held.entries)
            self._lines += len(held.entries)
            if told or before is None:
                self._told.move_to_end(name, last=told)
        while self._lines > self._most_lines and len(self._told) > 1:
            other, lines = self._told.popitem(last=False)
            self._lines -= lines
            self._at_hand[other] = replace(self._at_hand[other], entries=None)

    async def holder(self, claim: str) -> str | None:
        """The incident that holds a claim."""
        return await self._database.read(lambda c: claims.holder(c, claim))

    async def holders(self, keys: Sequence[str]) -> dict[str, str]:
        """Of those claims that are held, which incident holds them."""
        return await self._database.read(lambda c: claims.holders(c, keys))

    async def counted(self, key: str, since: datetime) -> list[datetime]:
        """When something was counted after `since`, the earliest first."""
        return await self._database.read(lambda c: claims.counted(c, key, since))

    async def open_incidents(self) -> list[Incident]:
        """Every incident that is not closed, oldest first; those at hand are asked for with one question."""
        standing = await self._database.read(lists.open_stands)
        return [await self._standing(name, stands) for name, *stands in standing]

    async def _standing(self, incident: str, stands: Sequence[object]) -> Incident:
        held = self._at_hand.get(incident)
        return held.incident if held is not None and held.stands == tuple(stands) else await self.load(incident)

    async def heads(self) -> dict[str, str]:
        """By id, the newest hash of every incident that is not closed. Raises Unavailable."""
        return await self._database.read(lists.heads)

    async def spoken_of(self, since: datetime) -> dict[str, str]:
        """Incidents the status page speaks of, but for those over before then, and what changes when they do there."""
        return await self._database.read(lambda c: projections.spoken_of(c, since))

    async def digest(self, umbrella: str, since: datetime, until: datetime) -> Digest:
        """What was declared in that time beside the umbrella, counted; nothing of restricted incidents."""
        return await self._database.read(lambda c: census.digest(c, umbrella, since, until))

    async def fresh_id(self) -> str:
        """An id no incident has; two callers may be given the same (append settles it)."""
        return await self._database.read(lambda c: lists.fresh_id(c, self._prefix))

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
        held = self._at_hand.get(incident.id)
        erased = held.erased if held is not None and held.incident.head == incident.head else None

        async def work(connection: AsyncConnection) -> None:
            if inbound and not await _remember(connection, inbound, incident.id, at):
                raise Repeated(inbound)
            if not sealed:
                return
            await _require_standing(connection, incident, erased)
            for one, claimed in zip(sealed, wanted, strict=True):
                await claims.settle(connection, claimed, incident.id, one.entry.seq, at)
                await _write(connection, one)
            await projections.write(connection, after, incident if incident.exists else None)

        try:
            await self._database.write(work, pressing=any(event.pressing for event in events))
        except Unsure:
            if not await self._landed(sealed, inbound):
                raise
        if sealed:
            self._written(incident, after, tuple(one.entry for one in sealed))
        return after

    def _written(self, before: Incident, after: Incident, entries_: tuple[Entry, ...]) -> None:
        """Put at hand what was just appended, the entries where those before are there."""
        held = self._at_hand.get(after.id)
        if held is None or held.incident.head != before.head:
            self._keep(_Held(after, held.erased if held else 0, entries_ if before.seq == 0 else None))
        else:
            told = None if held.entries is None else (*held.entries, *entries_)
            self._keep(_Held(after, held.erased, told))

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
        self._let_go()  # what is looked at from now on is what was verified
        ids = await self._database.read(reading.every_id, within=None)
        if incident:
            if incident not in ids and not await self.entries(incident):
                raise NotFound("incident", incident)
            ids = [incident]
        heads = {}
        for name in ids:
            heads[name] = await self._database.read(lambda c, name=name: reading.walk(c, name), within=None)  # type: ignore[misc]
        return heads

    async def chain(self, incident: str) -> Chain:
        """Its entries byte by byte as they are stored, with the texts they refer to. Raises Unavailable."""
        return await self._database.read(lambda c: reading.chain(c, incident), within=None)

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
        """Make the lists anew from the log; how many incidents there are."""
        self._let_go()
        return await projections.rebuild(self._database, self._codec)

    async def renew(self) -> int:
        """Make anew what an earlier version listed; how many incidents that were."""
        return await projections.renew(self._database, self._codec)


async def _remember(connection: AsyncConnection, name: str, incident: str, at: datetime, refused: str = "") -> bool:
    return await placed(connection, inbound, {"id": name, "incident": incident, "refused": refused, "at": at})


async def _received(connection: AsyncConnection, name: str) -> Received | None:
    query = select(inbound.c.incident, inbound.c.refused).where(inbound.c.id == name)
    row = (await connection.execute(query)).first()
    return Received(row.incident, row.refused) if row else None


async def _require_standing(connection: AsyncConnection, incident: Incident, erased: int | None) -> None:
    """Raise Conflict unless the log ends where the caller believes it does, with no more words erased by now."""
    seq, head, gone = await reading.stands(connection, incident.id)
    if (seq, head) != (incident.seq, incident.head):
        raise Conflict(f"{incident.id} is at entry {seq}, not {incident.seq}")
    if erased is not None and gone != erased:
        raise Conflict(f"words of {incident.id} were erased meanwhile")


async def _write(connection: AsyncConnection, one: Sealed) -> None:
    entry = one.entry
    row = {
        "incident": entry.incident, "seq": entry.seq, "at": entry.at, "by": entry.by,
        "name": type(entry.event).__name__, "before": entry.before, "hash": entry.hash, "stored": one.stored,
    }  # fmt: skip
    if not await placed(connection, entries, row):
        raise Conflict(f"somebody else wrote entry {entry.seq} of {entry.incident} first")
    if one.texts:
        words = [
            {
                "ref": text.ref, "incident": entry.incident, "seq": entry.seq, "by": entry.by,
                "salt": text.salt, "text": text.text,
            }
            for text in one.texts
        ]  # fmt: skip
        await connection.execute(_WORDS, words)
