"""Holds what concerns several incidents at once: one row per claim, written in the transaction of the event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Conflict, Taken
from bot.domain.log import Claim, Free, Take
from bot.store.database import insert, took
from bot.store.tables import claims


async def settle(connection: AsyncConnection, wanted: Iterable[Claim], incident: str, seq: int, at: datetime) -> None:
    """Take and free, in order. Raises Taken, naming the holder, where another incident holds it."""
    for claim in wanted:
        match claim:
            case Take(key=key, because=because):
                await _take(connection, key, because, incident, seq, at)
            case Free(key=key):
                await connection.execute(delete(claims).where(claims.c.key == key, claims.c.incident == incident))


async def _take(connection: AsyncConnection, key: str, because: str, incident: str, seq: int, at: datetime) -> None:
    row = insert(connection, claims).values(key=key, incident=incident, seq=seq, at=at)
    if await took(connection, row.on_conflict_do_nothing()):
        return
    holds = await holder(connection, key)
    if holds is None:
        raise Conflict(f"what {incident} wants was just given back; ask again")
    if holds != incident:
        raise Taken(because.replace("{holder}", holds), holder=holds)


async def holder(connection: AsyncConnection, key: str) -> str | None:
    """The incident that holds `key`."""
    return (await connection.execute(select(claims.c.incident).where(claims.c.key == key))).scalar()
