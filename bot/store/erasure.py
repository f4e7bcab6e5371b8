"""Erases people's words where the law asks for it: text and salt together; the chain holds, a legal hold stops it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.domain.errors import Refused
from bot.store import holds, projections
from bot.store.codec import Codec
from bot.store.database import Database
from bot.store.reading import folded
from bot.store.tables import texts


@dataclass(frozen=True, slots=True)
class Kept:
    """One free text of an incident: its reference, the entry it belongs to, who wrote it, and the words."""

    ref: str
    seq: int
    by: str
    words: str
    erased: bool


class Erasure:
    """Finds and erases free texts; keeps the legal holds that forbid it."""

    def __init__(self, database: Database, codec: Codec, clock: Clock) -> None:
        self._database, self._codec, self._clock = database, codec, clock

    async def texts(self, incident: str) -> list[Kept]:
        """Every free text of an incident, in order, so that a person can say which to erase."""
        query = select(texts).where(texts.c.incident == incident).order_by(texts.c.seq, texts.c.ref)
        rows = await self._database.read(lambda c: c.execute(query))
        return [
            Kept(row.ref, row.seq, row.by, row.text.decode() if row.text is not None else "", row.erased_at is not None)
            for row in rows
        ]

    async def concerned(self, *, person: str = "", ref: str = "") -> dict[str, int]:
        """What `erase` would erase now: how many texts of which incident.

        Raises Refused where a legal hold covers any of them. Unavailable.
        """
        still_there = _chosen(person, ref)

        async def work(connection: AsyncConnection) -> dict[str, int]:
            found = Counter((await connection.execute(select(texts.c.incident).where(still_there))).scalars().all())
            await holds.require_free(connection, sorted(found))
            return dict(sorted(found.items()))

        return await self._database.read(work, within=None)

    async def erase(self, *, person: str = "", ref: str = "") -> int:
        """Erase all a person wrote (by opaque id), or one text; how many were erased, 0 the second time.

        Raises Refused where a legal hold covers any of them; then none is erased. Unavailable.
        """
        still_there = _chosen(person, ref)

        async def work(connection: AsyncConnection) -> int:
            rows = (await connection.execute(select(texts.c.incident).where(still_there))).scalars().all()
            touched = sorted(set(rows))
            await holds.require_free(connection, touched)
            await connection.execute(
                update(texts).where(still_there).values(salt=None, text=None, erased_at=self._clock.now())
            )
            for incident in touched:  # the list shows titles
                await projections.write(connection, await folded(connection, self._codec, incident))
            return len(rows)

        count = await self._database.write(work, within=None)
        if count:
            await self._database.empty_journal()
        return count

    async def hold(self, incident: str, because: str) -> None:
        """Put an incident under a legal hold: nothing of it can be erased. The newest reason stands."""
        reason = because.strip()
        if not reason:
            raise Refused("a legal hold needs its reason")
        await self._database.write(lambda c: holds.put(c, incident, reason, self._clock.now()))

    async def held(self, incident: str) -> str:
        """Why an incident is under a legal hold, "" where it is not."""
        return await self._database.read(lambda c: holds.because(c, incident))

    async def release(self, incident: str) -> bool:
        """Lift a legal hold; False where there was none."""
        return await self._database.write(lambda c: holds.lift(c, incident))


def _chosen(person: str, ref: str) -> ColumnElement[bool]:
    """The texts that are meant and still there. Raises Refused unless exactly one of both is named."""
    if bool(person) == bool(ref):
        raise Refused("say whose words to erase, or which text")
    return (texts.c.by == person if person else texts.c.ref == ref) & texts.c.erased_at.is_(None)
