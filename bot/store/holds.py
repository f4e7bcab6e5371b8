"""Keeps the legal holds: while an incident is under one, nothing of it can be erased."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Refused
from bot.store.database import insert
from bot.store.tables import holds


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
    return (await connection.execute(select(holds.c.because).where(holds.c.incident == incident))).scalar() or ""


async def require_free(connection: AsyncConnection, incidents: Collection[str]) -> None:
    """Raise Refused, with its reason, where one of them is under a hold."""
    query = select(holds).where(holds.c.incident.in_(incidents)).order_by(holds.c.incident)
    held = (await connection.execute(query)).first()
    if held is not None:
        raise Refused(f"{held.incident} is under a legal hold: {held.because}")
