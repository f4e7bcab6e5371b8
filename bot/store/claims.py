"""Holds what concerns several incidents at once: one row per claim, written in the transaction of the event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Conflict, Taken
from bot.domain.log import Claim, Free, Take
from bot.store.database import insert, took
from bot.store.tables import claims, incidents

UNNAMED = "another incident"
"""What a restricted holder is called: whoever is refused may not be one of those it is open to."""


async def settle(connection: AsyncConnection, wanted: Iterable[Claim], incident: str, seq: int, at: datetime) -> None:
    """Take and free, in order. Raises Taken, naming the holder unless it is restricted, where another holds it."""
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
        named = holds if await _is_public(connection, holds) else UNNAMED
        raise Taken(because.replace("{holder}", named), holder=holds)


async def _is_public(connection: AsyncConnection, incident: str) -> bool:
    """Whether everybody may know that there is this incident; one that is not listed is not named either."""
    restricted = (await connection.execute(select(incidents.c.restricted).where(incidents.c.id == incident))).scalar()
    return restricted is False


async def holder(connection: AsyncConnection, key: str) -> str | None:
    """The incident that holds `key`."""
    return (await connection.execute(select(claims.c.incident).where(claims.c.key == key))).scalar()
