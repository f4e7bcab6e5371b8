"""Reads an incident's entries out of the database, people's words put back where they stood."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Tampered
from bot.domain.incident import Incident
from bot.domain.log import Entry, fold, verify
from bot.engine.values import Chain, Stored, StoredText
from bot.store.codec import Codec, digest, references
from bot.store.tables import entries, incidents, texts

# made once: each look and each write asks these
_OF, _AFTER = bindparam("of", type_=entries.c.incident.type), bindparam("after", type_=entries.c.seq.type)
_ERASED = select(func.count()).where(texts.c.incident == _OF, texts.c.erased_at.is_not(None)).scalar_subquery()
_STANDS = (
    select(entries.c.seq, entries.c.hash, _ERASED)
    .where(entries.c.incident == _OF)
    .order_by(entries.c.seq.desc())
    .limit(1)
)
_ENTRIES = (
    select(entries.c.before, entries.c.hash, entries.c.stored)
    .where(entries.c.incident == _OF, entries.c.seq > _AFTER)
    .order_by(entries.c.seq)
)
_TEXTS = select(texts.c.ref, texts.c.text, texts.c.erased_at).where(
    texts.c.incident == _OF, or_(texts.c.seq > _AFTER, texts.c.erased_at.is_not(None))
)


@dataclass(frozen=True, slots=True)
class Look:
    """What was read: the entries after a number, and how many texts of the whole incident are erased by now."""

    entries: list[Entry]
    erased: int


async def look(connection: AsyncConnection, codec: Codec, incident: str, after: int = 0) -> Look:
    """The entries of an incident after number `after`."""
    kept = (await connection.execute(_ENTRIES, {"of": incident, "after": after})).all()
    words = await connection.execute(_TEXTS, {"of": incident, "after": after})
    known: dict[str, bytes | None] = {}
    erased = 0
    for ref, text, erased_at in words:
        known[ref] = text
        erased += erased_at is not None
    return Look([codec.open(stored, before, hashed, known) for before, hashed, stored in kept], erased)


async def stands(connection: AsyncConnection, incident: str) -> tuple[int, str, int]:
    """Where the log of an incident ends (number, hash), and how many texts of it are erased by now."""
    last = (await connection.execute(_STANDS, {"of": incident})).first()
    return (last[0], last[1], last[2]) if last else (0, "", 0)


async def folded(connection: AsyncConnection, codec: Codec, incident: str) -> Incident:
    """The incident as its whole log tells it."""
    return fold(Incident(incident), (await look(connection, codec, incident)).entries)


async def every_id(connection: AsyncConnection) -> list[str]:
    """Every incident there ever was, in the order of declaration."""
    rows = await connection.scalars(
        select(entries.c.incident).where(entries.c.seq == 1).order_by(entries.c.at, entries.c.incident)
    )
    return list(rows)


async def chain(connection: AsyncConnection, incident: str) -> Chain:
    """The log of an incident as it is stored, nothing decoded."""
    rows = await connection.execute(
        select(entries.c.seq, entries.c.before, entries.c.hash, entries.c.stored)
        .where(entries.c.incident == incident)
        .order_by(entries.c.seq)
    )
    kept = tuple(Stored(*row) for row in rows)
    words = await connection.execute(
        select(texts.c.ref, texts.c.seq, texts.c.salt, texts.c.text)
        .where(texts.c.incident == incident)
        .order_by(texts.c.seq, texts.c.ref)
    )
    return Chain(kept, tuple(StoredText(*row) for row in words))


async def walk(connection: AsyncConnection, incident: str) -> str:
    """Verify one chain over the bytes as stored, and every text against its digest; give the head. Raises Tampered."""
    rows = await connection.execute(
        select(entries.c.seq, entries.c.before, entries.c.hash, entries.c.stored)
        .where(entries.c.incident == incident)
        .order_by(entries.c.seq)
    )
    chain = [(row.seq, row.before, row.hash, row.stored) for row in rows]
    head = verify(incident, chain)
    words = await connection.execute(select(texts).where(texts.c.incident == incident))
    known = {row.ref: row for row in words}
    for seq, _before, _hash, stored in chain:
        for place, ref, sha256 in references(stored):
            row = known.get(ref)
            if row is None:
                raise Tampered(f"{incident}: the text {place} of entry {seq} is gone without an erasure")
            if row.erased_at is None and (row.salt is None or row.text is None or digest(row.salt, row.text) != sha256):
                raise Tampered(f"{incident}: the text {place} of entry {seq} was altered")
    listed = (await connection.execute(select(incidents.c.seq).where(incidents.c.id == incident))).scalar()
    if listed is not None and listed > len(chain):
        raise Tampered(f"{incident}: entries {len(chain) + 1} to {listed} are missing at the end")
    return head
