"""Erases people's words where the law asks for it: text and salt together; the chain holds, a legal hold stops it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.domain.errors import Refused
from bot.store import projections
from bot.store.codec import Codec
from bot.store.database import Database, insert
from bot.store.reading import folded
from bot.store.tables import holds, texts


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

    async def erase(self, *, person: str = "", ref: str = "") -> int:
        """Erase all a person wrote (by opaque id), or one text; how many were erased, 0 the second time.

        Raises Refused where a legal hold covers any of them; then none is erased. Unavailable.
        """
        if bool(person) == bool(ref):
            raise Refused("say whose words to erase, or which text")
        chosen = texts.c.by == person if person else texts.c.ref == ref
        still_there = chosen & texts.c.erased_at.is_(None)

        async def work(connection: AsyncConnection) -> int:
            rows = (await connection.execute(select(texts.c.incident).where(still_there))).scalars().all()
            touched = sorted(set(rows))
            query = select(holds).where(holds.c.incident.in_(touched)).order_by(holds.c.incident)
            held = (await connection.execute(query)).first()
            if held is not None:
                raise Refused(f"{held.incident} is under a legal hold: {held.because}")
            await connection.execute(
                update(texts).where(still_there).values(salt=None, text=None, erased_at=self._clock.now())
            )
            for incident in touched:  # the list shows titles
                await projections.write(connection, await folded(connection, self._codec, incident))
            return len(rows)

        count = await self._database.write(work, within=None)
        if count and self._database.is_sqlite:
            await self._empty_wal()
        return count

    async def _empty_wal(self) -> None:
        """Have SQLite write its journal back and cut it: erased words must not linger in it."""
        async with self._database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def hold(self, incident: str, because: str) -> None:
        """Put an incident under a legal hold: nothing of it can be erased. The newest reason stands."""
        if not because.strip():
            raise Refused("a legal hold needs its reason")

        async def work(connection: AsyncConnection) -> None:
            row = {"incident": incident, "because": because.strip(), "at": self._clock.now()}
            statement = insert(connection, holds).values(row)
            await connection.execute(statement.on_conflict_do_update(index_elements=["incident"], set_=row))

        await self._database.write(work)

    async def release(self, incident: str) -> bool:
        """Lift a legal hold; False where there was none."""
        done = await self._database.write(lambda c: c.execute(delete(holds).where(holds.c.incident == incident)))
        return done.rowcount == 1
