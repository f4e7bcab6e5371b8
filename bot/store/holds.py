"""Keeps the legal holds: under one, or while counsel holds an incident in its log, nothing of it can be erased."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Refused
from bot.domain.hold import HoldPlaced, HoldReleased
from bot.store.database import insert
from bot.store.tables import entries, holds


async def put(connection: AsyncConnection, incident: str, because: str, at: datetime) -> None:
    """Put an incident under a hold; the newest reason stands."""
    row = {"incident": incident, "because": because, "at": at}
    statement = insert(connection, holds).values(row)
    await connection.execute(statement.on_conflict_do_update(index_elements=["incident"], set_=row))


async def lift(connection: AsyncConnection, incident: str) -> bool:
    """Lift it; False where there was none."""
    return (await connection.execute(delete(holds).where(holds.c.incident == incident))).rowcount == 1


async def because(connection: AsyncConnection, incident: str) -> str:
    """Why an incident is under a hold, "" where it is not."""
    query = select(holds.c.because).where(holds.c.incident == incident)
    kept = (await connection.execute(query)).scalar() or ""
    return kept or (COUNSELS if await _counsels(connection, [incident]) else "")


COUNSELS = "counsel holds the incident, as its timeline says"


async def _counsels(connection: AsyncConnection, incidents: Collection[str]) -> list[str]:
    """Those that counsel placed under a hold in the log and did not release."""
    names = entries.c.name.in_((HoldPlaced.__name__, HoldReleased.__name__))
    query = select(entries.c.incident, entries.c.name).where(names & entries.c.incident.in_(incidents))
    last = {row.incident: row.name for row in await connection.execute(query.order_by(entries.c.seq))}
    return sorted(incident for incident, name in last.items() if name == HoldPlaced.__name__)


async def require_free(connection: AsyncConnection, incidents: Collection[str]) -> None:
    """Raise Refused, with its reason, where one of them is under a hold."""
    query = select(holds).where(holds.c.incident.in_(incidents)).order_by(holds.c.incident)
    held = (await connection.execute(query)).first()
    if held is not None:
        raise Refused(f"{held.incident} is under a legal hold: {held.because}")
    if counsels := await _counsels(connection, incidents):
        raise Refused(f"{counsels[0]} is under a legal hold: {COUNSELS}")
