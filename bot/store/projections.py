"""Keeps the lists that pages and metrics read: written with each event, and made anew from the log."""

from __future__ import annotations

import functools
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Insert, Table, delete, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.clocks import running
from bot.domain.incident import Incident
from bot.domain.measures import measures
from bot.domain.named import named
from bot.domain.phase import Phase
from bot.domain.status import is_over, shown
from bot.engine.values import Summary
from bot.store.codec import Codec
from bot.store.database import Database, insert
from bot.store.reading import every_id, folded, stands
from bot.store.tables import entries, followups, incidents, paged, statements

EDITION = 1
"""Rises with what a row holds: rows of an earlier one are made anew by whoever opens the store."""

_SPANS = ("ttd", "tta", "ttm", "ttr")
_DERIVED = ("number", "seq", "head", "search", "readers", "clock", "edition", *_SPANS)


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
        corrected=" ".join(sorted(incident.corrected)),
        left_out=_left_out(incident),
    )


def _row(incident: Incident) -> dict[str, Any] | None:
    listed = summary(incident)
    if listed is None:
        return None
    clocks = running(incident) if incident.duties else []
    return {
        **{name: getattr(listed, name) for name in Summary.__slots__},
        **_durations(incident),
        "number": number_of(incident.id),
        "seq": incident.seq,
        "head": incident.head,
        "search": _words(incident),
        "readers": f" {' '.join(sorted(named(incident)))} " if incident.restricted else "",
        "clock": clocks[0].strict if clocks else None,
        "edition": EDITION,
    }


def _durations(incident: Incident) -> dict[str, int | None]:
    spans = measures(incident)
    lasting = {name: getattr(spans, name) for name in _SPANS}
    return {name: None if each is None else each // timedelta(milliseconds=1) for name, each in lasting.items()}


def _words(incident: Incident) -> str:
    """What a search looks through, in small letters; a space at each end."""
    known = (incident.id, incident.title, incident.service, incident.slice, incident.because, incident.ending)
    return f" {' '.join(' '.join(known).casefold().split())} "


def _left_out(incident: Incident) -> str:
    """Why an incident is in no average, "" where it is."""
    if incident.merged_into:
        return "merged"
    if incident.phase is Phase.CLOSED and incident.resolved is None:
        return "withdrawn"
    return "storm" if incident.is_silent else ""


@functools.cache
def _listed(dialect: str, *more: str) -> Insert:
    """Put a row in the list, or in the place of the one that is there; made once, for every event asks for it."""
    made = postgresql.insert(incidents) if dialect == "postgresql" else sqlite.insert(incidents)
    columns = (*Summary.__slots__, *_DERIVED, *more)
    return made.on_conflict_do_update(index_elements=["id"], set_={name: made.excluded[name] for name in columns})


async def write(connection: AsyncConnection, incident: Incident, before: Incident | None = None) -> None:
    """Make the lists say what the incident says, in the caller's transaction.

    With `before`, what they say already, only what differs from it is written.
    """
    row = _row(incident)
    if row is None:
        return
    await connection.execute(_listed(connection.dialect.name), row)
    if before is None or incident.followups != before.followups:
        await _write_promises(connection, incident)
    if before is None or incident.pages is not before.pages:
        await _write_pages(connection, incident)
    if incident.statements:
        await _write_statements(connection, incident)


async def rewrite(connection: AsyncConnection, codec: Codec, incident: str) -> None:
    """The same from the log alone, with how many of its texts were erased."""
    known = await folded(connection, codec, incident)
    row = _row(known)
    if row is None:
        return
    _seq, _head, erased = await stands(connection, incident)
    await connection.execute(_listed(connection.dialect.name, "erased"), {**row, "erased": erased})
    await _write_promises(connection, known)
    await _write_pages(connection, known)
    await _write_statements(connection, known)


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
    rows = [
        {"incident": incident.id, "item": item.id, "owner": item.owner, "due": item.due.isoformat()}
        for item in incident.followups.values()
        if item.done is None
    ]
    await _instead(connection, followups, incident.id, rows)


async def _write_pages(connection: AsyncConnection, incident: Incident) -> None:
    by_hour = Counter((page.person, _hour(page.at)) for page in incident.pages.values() if page.reached)
    rows = [
        {
            "incident": incident.id,
            "person": person,
            "hour": hour,
            "number": number,
            "service": incident.service,
            "restricted": incident.restricted,
        }
        for (person, hour), number in by_hour.items()
    ]
    await _instead(connection, paged, incident.id, rows)


async def _instead(connection: AsyncConnection, table: Table, incident: str, rows: list[dict[str, Any]]) -> None:
    await connection.execute(delete(table).where(table.c.incident == incident))
    if rows:
        await connection.execute(insert(connection, table).values(rows))


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


async def rebuild(database: Database, codec: Codec) -> int:
    """Make the lists anew, one short transaction per incident; how many incidents there are."""

    async def sweep(connection: AsyncConnection) -> None:
        await _alone(connection)
        await connection.execute(delete(incidents).where(incidents.c.id.not_in(select(entries.c.incident))))
        for table in (followups, paged, statements):
            await connection.execute(delete(table).where(table.c.incident.not_in(select(entries.c.incident))))

    ids = await database.read(every_id, within=None)
    for name in ids:
        await _again(database, codec, name)
    await database.write(sweep, within=None)
    return len(ids)


async def renew(database: Database, codec: Codec) -> int:
    """Make anew what an earlier version of the program listed; how many incidents that were."""
    old = select(incidents.c.id).where(incidents.c.edition < EDITION).order_by(incidents.c.declared.desc())
    ids = list(await database.read(lambda c: c.scalars(old), within=None))
    for name in ids:
        await _again(database, codec, name)
    return len(ids)


async def _again(database: Database, codec: Codec, incident: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        await _alone(connection)
        for table in (incidents, followups, paged):
            await connection.execute(
                delete(table).where(table.c["id" if table is incidents else "incident"] == incident)
            )
        await rewrite(connection, codec, incident)

    await database.write(work, within=None)


async def _alone(connection: AsyncConnection) -> None:
    """Keep writers of the list away for this transaction, so that what is read is what is listed (SQLite has one)."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE incidents IN EXCLUSIVE MODE"))
