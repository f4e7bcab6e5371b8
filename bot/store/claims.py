"""Holds what concerns several incidents at once: one row per claim, written in the transaction of the event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Conflict, Refused, Taken
from bot.domain.log import Claim, Free, Need, Take, Tally, Untally
from bot.store.database import placed
from bot.store.tables import claims, incidents, tallies

UNNAMED = "another incident"
"""What a restricted holder is called: whoever is refused may not be one of those it is open to."""


async def settle(connection: AsyncConnection, wanted: Iterable[Claim], incident: str, seq: int, at: datetime) -> None:
    """Take, free, count and ask for counts, in order.

    Raises Taken, naming the holder unless it is restricted, where another holds it; Refused where something happened as
    often as it may, or did not happen lately.
    """
    for each in wanted:
        match each:
            case Take(key=key, because=because):
                await _take(connection, key, because, incident, seq, at)
            case Free(key=key):
                await connection.execute(delete(claims).where(claims.c.key == key, claims.c.incident == incident))
            case Tally():
                await _tally(connection, each, incident, seq, at)
            case Untally(key=key):
                await _untally(connection, key, incident)
            case Need(key=key, within=within, because=because):
                if not await counted(connection, key, at - timedelta(seconds=within)):
                    raise Refused(because)


async def _take(connection: AsyncConnection, key: str, because: str, incident: str, seq: int, at: datetime) -> None:
    if await placed(connection, claims, {"key": key, "incident": incident, "seq": seq, "at": at}):
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


_ASKED = 500  # keys of one question; SQLite binds no more than 32,766 values


async def holders(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, str]:
    """Of those that are held, which incident holds them."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), _ASKED):
        query = select(claims.c.key, claims.c.incident).where(claims.c.key.in_(keys[start : start + _ASKED]))
        found |= {row.key: row.incident for row in await connection.execute(query)}
    return found


async def _tally(connection: AsyncConnection, tally: Tally, incident: str, seq: int, at: datetime) -> None:
    await _alone(connection, tally.key)
    if tally.most:
        earlier = await counted(connection, tally.key, at - timedelta(seconds=tally.within))
        if len(earlier) >= tally.most:
            since = earlier[-tally.most] + timedelta(seconds=tally.within)
            raise Refused(tally.because.replace("{since}", f"{since:%H:%M:%S} UTC"))
    if not await placed(connection, tallies, {"key": tally.key, "incident": incident, "seq": seq, "at": at}):
        raise Conflict(f"somebody else wrote entry {seq} of {incident} first")  # counted with it, before us


async def _untally(connection: AsyncConnection, key: str, incident: str) -> None:
    theirs = (tallies.c.key == key) & (tallies.c.incident == incident)
    latest = select(func.max(tallies.c.seq)).where(theirs).scalar_subquery()
    await connection.execute(delete(tallies).where(theirs, tallies.c.seq == latest))


async def _alone(connection: AsyncConnection, key: str) -> None:
    """Whoever counts the same thing waits until this transaction ends. On SQLite there is one writer anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def counted(connection: AsyncConnection, key: str, since: datetime) -> list[datetime]:
    """When it happened after `since`, the earliest first."""
    query = select(tallies.c.at).where(tallies.c.key == key, tallies.c.at > since).order_by(tallies.c.at)
    return list((await connection.execute(query)).scalars())
