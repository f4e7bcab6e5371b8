"""Keeps the list of incidents that pages and metrics read: written with each event, and made anew from the log."""

from __future__ import annotations

import functools
import re
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, RowMapping, delete, func, or_, select, text, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import NotFound
from bot.domain.incident import Incident
from bot.domain.phase import Phase
from bot.domain.status import is_over, shown
from bot.engine.values import Summary
from bot.store.codec import Codec
from bot.store.database import Database, insert
from bot.store.reading import every_id, folded
from bot.store.tables import entries, followups, incidents, statements


def number_of(incident: str) -> int:
    """The number in an id such as INC-7; 0 where it has none."""
    found = re.search(r"-(\d{1,18})$", incident)
    return int(found.group(1)) if found else 0


def summary(incident: Incident) -> Summary | None:
    """One incident as lists show it; None for one that was never declared."""
    if incident.declared_at is None or incident.onset is None or incident.detected is None:
        return None
    return Summary(
        id=incident.id,
        title=incident.title,
        phase=str(incident.phase),
        severity=int(incident.severity),
        service=incident.service,
        slice=incident.slice,
        restricted=incident.restricted,
        declared=incident.declared_at,
        onset=incident.onset,
        detected=incident.detected,
        acknowledged=incident.acknowledged,
        mitigated=incident.mitigated,
        resolved=incident.resolved,
        cause=incident.cause,
    )


def _row(incident: Incident) -> dict[str, Any] | None:
    listed = summary(incident)
    if listed is None:
        return None
    columns = {name: getattr(listed, name) for name in Summary.__slots__}
    return {**columns, "number": number_of(incident.id), "seq": incident.seq, "head": incident.head}


@functools.cache
def _listed(dialect: str) -> Insert:
    """Put a row in the list, or in the place of the one that is there; made once, for every event asks for it."""
    made = postgresql.insert(incidents) if dialect == "postgresql" else sqlite.insert(incidents)
    columns = (*Summary.__slots__, "number", "seq", "head")
    return made.on_conflict_do_update(index_elements=["id"], set_={name: made.excluded[name] for name in columns})


async def write(connection: AsyncConnection, incident: Incident) -> None:
    """Make the list say what the incident says, in the caller's transaction."""
    row = _row(incident)
    if row is None:
        return
    await connection.execute(_listed(connection.dialect.name), row)
    if incident.followups:
        await _write_promises(connection, incident)
    if incident.statements:
        await _write_statements(connection, incident)


async def _write_statements(connection: AsyncConnection, incident: Incident) -> None:
    await connection.execute(delete(statements).where(statements.c.incident == incident.id))
    ever = shown(incident)
    if not ever:
        return
    version = " ".join(f"{each.id}:{each.step.name}:{each.mark}:{each.sound:d}" for each in ever)
    ended = max(each.ended_at or each.published_at or each.since for each in ever if each.since is not None)
    row = {"incident": incident.id, "version": version, "ended": ended if is_over(incident) else None}
    await connection.execute(insert(connection, statements).values([row]))


async def spoken_of(connection: AsyncConnection, since: datetime) -> dict[str, str]:
    """The incidents the status page speaks of, but for those over before then; each with what changes as it does."""
    query = select(statements.c.incident, statements.c.version).where(
        or_(statements.c.ended.is_(None), statements.c.ended >= since)
    )
    return {row.incident: row.version for row in await connection.execute(query)}


async def _write_promises(connection: AsyncConnection, incident: Incident) -> None:
    await connection.execute(delete(followups).where(followups.c.incident == incident.id))
    rows = [
        {"incident": incident.id, "item": item.id, "owner": item.owner, "due": item.due.isoformat()}
        for item in incident.followups.values()
        if item.done is None
    ]
    if rows:
        await connection.execute(insert(connection, followups).values(rows))


def _read(row: RowMapping) -> Summary:
    return Summary(**{name: row[name] for name in Summary.__slots__})


async def newest(connection: AsyncConnection, limit: int, before: str) -> list[Summary]:
    """The newest first, older than incident `before` where one is named. Raises NotFound for an unknown one."""
    order = (incidents.c.declared, incidents.c.number, incidents.c.id)
    query = select(incidents).order_by(*(column.desc() for column in order)).limit(limit)
    if before:
        place = (await connection.execute(select(*order).where(incidents.c.id == before))).first()
        if place is None:
            raise NotFound("incident", before)
        query = query.where(
            tuple_(*order) < tuple_(place.declared, place.number, place.id, types=[c.type for c in order])
        )
    return [_read(row) for row in (await connection.execute(query)).mappings()]


async def open_ids(connection: AsyncConnection) -> list[str]:
    """Not closed, oldest first."""
    rows = await connection.scalars(
        select(incidents.c.id)
        .where(incidents.c.phase != Phase.CLOSED.value)
        .order_by(incidents.c.declared, incidents.c.number, incidents.c.id)
    )
    return list(rows)


async def promised(connection: AsyncConnection, owner: str) -> list[str]:
    """Where somebody has something open (anybody, where nobody is named), what is due first before the others."""
    query = select(followups.c.incident).group_by(followups.c.incident).order_by(func.min(followups.c.due))
    if owner:
        query = query.where(followups.c.owner == owner)
    return list(await connection.scalars(query.order_by(followups.c.incident)))


async def fresh_id(connection: AsyncConnection, prefix: str) -> str:
    """The next id of that prefix that no incident has, even where the list is incomplete."""
    newest_number = select(incidents.c.number).order_by(incidents.c.number.desc()).limit(1)
    number = (await connection.execute(newest_number)).scalar() or 0
    while True:
        number += 1
        used = select(entries.c.seq).where(entries.c.incident == f"{prefix}-{number}", entries.c.seq == 1)
        if (await connection.execute(used)).scalar() is None:
            return f"{prefix}-{number}"


async def rebuild(database: Database, codec: Codec) -> int:
    """Make the list anew, one short transaction per incident; how many there are."""

    async def again(connection: AsyncConnection, incident: str) -> None:
        await _alone(connection)
        await connection.execute(delete(incidents).where(incidents.c.id == incident))
        await connection.execute(delete(followups).where(followups.c.incident == incident))
        await connection.execute(delete(statements).where(statements.c.incident == incident))
        await write(connection, await folded(connection, codec, incident))

    async def sweep(connection: AsyncConnection) -> None:
        await _alone(connection)
        await connection.execute(delete(incidents).where(incidents.c.id.not_in(select(entries.c.incident))))
        await connection.execute(delete(followups).where(followups.c.incident.not_in(select(entries.c.incident))))
        await connection.execute(delete(statements).where(statements.c.incident.not_in(select(entries.c.incident))))

    ids = await database.read(every_id, within=None)
    for name in ids:
        await database.write(lambda connection, name=name: again(connection, name), within=None)  # type: ignore[misc]
    await database.write(sweep, within=None)
    return len(ids)


async def _alone(connection: AsyncConnection) -> None:
    """Keep writers of the list away for this transaction, so that what is read is what is listed (SQLite has one)."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE incidents IN EXCLUSIVE MODE"))
