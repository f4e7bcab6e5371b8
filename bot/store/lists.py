"""Asks the lists beside the log: which incidents, for whose eyes, and the figures of what is past."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, Text, and_, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import NotFound
from bot.engine.lists import OPEN, OVER, Paged, Past, Place, Promise, Sight, Tally, Wanted
from bot.engine.values import Summary
from bot.store.tables import entries, followups, incidents, paged

_ORDER = (incidents.c.declared, incidents.c.number, incidents.c.id)
_NOT_CLOSED = incidents.c.phase.in_((*OPEN, OVER[0]))  # named one by one, for then the index answers
_PUBLIC = func.coalesce(incidents.c.restricted, True).is_(False)
"""Nearly all are: wrapped up, so that SQLite does not take the index of it for a way to find them."""
_SUMMARY = tuple(incidents.c[name] for name in Summary.__slots__)


def _read(row: RowMapping) -> Summary:
    return Summary(**{name: row[name] for name in Summary.__slots__})


async def newest(connection: AsyncConnection, limit: int, before: str) -> list[Summary]:
    """The newest first, older than incident `before` where one is named. Raises NotFound for an unknown one."""
    query = select(*_SUMMARY).order_by(*(column.desc() for column in _ORDER)).limit(limit)
    if before:
        place = (await connection.execute(select(*_ORDER).where(incidents.c.id == before))).first()
        if place is None:
            raise NotFound("incident", before)
        query = query.where(
            tuple_(*_ORDER) < tuple_(place.declared, place.number, place.id, types=[c.type for c in _ORDER])
        )
    return [_read(row) for row in (await connection.execute(query)).mappings()]


async def found(
    connection: AsyncConnection, wanted: Wanted, sight: Sight, limit: int, after: Place | None
) -> list[Summary]:
    """The newest of those first that may be read."""
    query = select(*_SUMMARY).where(*_asked(wanted), _readable(sight))
    if after is not None:
        order = _ORDER[:2]
        query = query.where(
            tuple_(*order) < tuple_(after.declared, after.number, types=[column.type for column in order])
        )
    query = query.order_by(*(column.desc() for column in _ORDER)).limit(limit)
    return [_read(row) for row in (await connection.execute(query)).mappings()]


def _readable(sight: Sight) -> ColumnElement[bool]:
    """What may be read by whom; a restricted one by those it names and those on call for its service."""
    if sight.everything:
        return incidents.c.id.is_not(None)
    theirs: list[ColumnElement[bool]] = []
    if sight.services:
        theirs.append(incidents.c.service.in_(sorted(sight.services)))
    if sight.person:
        theirs.append(incidents.c.readers.contains(f" {sight.person} ", autoescape=True))
    return or_(_PUBLIC, *theirs)


def _asked(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    for word in wanted.text.casefold().split():
        yield incidents.c.search.contains(word, autoescape=True)
    if wanted.service is not None:
        yield incidents.c.service == wanted.service
    if wanted.severity:
        yield incidents.c.severity == wanted.severity
    if wanted.phases == OVER:  # nearly all are: what is not open is met in the order that is asked for
        yield incidents.c.phase.not_in(OPEN)
    elif wanted.phases:
        yield incidents.c.phase.in_(wanted.phases)
    if wanted.cause is not None:
        yield incidents.c.cause == wanted.cause
    if wanted.since is not None:
        yield incidents.c.declared >= wanted.since
    if wanted.until is not None:
        yield incidents.c.declared < wanted.until


async def tally(connection: AsyncConnection, sight: Sight) -> Tally:
    """How many that may be read are in each phase: all are counted by the index, and the few others taken off."""
    counted = func.count().label("number")
    query = select(incidents.c.phase, counted).group_by(incidents.c.phase)
    by_phase = {row.phase: row.number for row in await connection.execute(query)}
    hidden = and_(incidents.c.restricted.is_(True), ~_readable(sight))
    if not sight.everything:
        for row in await connection.execute(query.where(hidden)):
            by_phase[row.phase] -= row.number
    return Tally(by_phase)


async def sealed(connection: AsyncConnection) -> list[str]:
    """Services of restricted incidents."""
    query = select(incidents.c.service).where(incidents.c.restricted.is_(True)).distinct()
    return sorted(await connection.scalars(query))


async def open_stands(connection: AsyncConnection) -> Sequence[tuple[str, int, str, int]]:
    """Not closed, oldest first, with where each one's log ends and how many of its texts were erased."""
    columns = (incidents.c.id, incidents.c.seq, incidents.c.head, incidents.c.erased)
    rows = await connection.execute(select(*columns).where(_NOT_CLOSED).order_by(*_ORDER))
    return [(row.id, row.seq, row.head, row.erased) for row in rows]


async def heads(connection: AsyncConnection) -> dict[str, str]:
    """By id, the newest hash of each that is not closed."""
    chosen = select(incidents.c.id, incidents.c.head).where(_NOT_CLOSED)
    return {row.id: row.head for row in await connection.execute(chosen)}


async def open_ids(connection: AsyncConnection) -> list[str]:
    """Not closed, oldest first."""
    return list(await connection.scalars(select(incidents.c.id).where(_NOT_CLOSED).order_by(*_ORDER)))


async def clocked(connection: AsyncConnection) -> list[str]:
    """Not closed and with a legal clock that runs, the one that ends first before the others."""
    query = select(incidents.c.id).where(incidents.c.clock.is_not(None), _NOT_CLOSED)
    return list(await connection.scalars(query.order_by(incidents.c.clock, incidents.c.id)))


async def promised(connection: AsyncConnection, owner: str) -> list[str]:
    """Where somebody has something open (anybody, where nobody is named), what is due first before the others."""
    query = select(followups.c.incident).group_by(followups.c.incident).order_by(func.min(followups.c.due))
    if owner:
        query = query.where(followups.c.owner == owner)
    return list(await connection.scalars(query.order_by(followups.c.incident)))


async def overdue(connection: AsyncConnection, today: date, sight: Sight, limit: int) -> list[Promise]:
    """Open follow-ups whose day is over, the longest overdue first."""
    query = (
        select(followups, incidents.c.title, incidents.c.service)
        .join(incidents, incidents.c.id == followups.c.incident)
        .where(followups.c.due < today.isoformat(), _readable(sight))
        .order_by(followups.c.due, followups.c.incident, followups.c.item)
        .limit(limit)
    )
    return [
        Promise(row.incident, row.item, row.owner, date.fromisoformat(row.due), row.title, row.service)
        for row in await connection.execute(query)
    ]


_FIGURES = ("service", "severity", "cause", "phase", "left_out", "corrected", "ttd", "tta", "ttm", "ttr")


async def position(connection: AsyncConnection) -> str:
    """What is another once anything was appended, by whatever process: SQLite numbers the rows it is given.

    PostgreSQL's says more than that, for it gives no such number: it changes with every transaction.
    """
    on_server = connection.dialect.name == "postgresql"
    asked = text("SELECT pg_current_snapshot()::text" if on_server else "SELECT max(rowid) FROM entries")
    return str((await connection.execute(asked)).scalar())


async def past(connection: AsyncConnection, wanted: Wanted) -> Past:
    """The figures of incidents that are not restricted, in columns."""
    chosen = (*_asked(wanted), _PUBLIC)
    stands = await position(connection)  # before all else: what is written meanwhile makes it another
    read = await _columns(connection, select(*(incidents.c[name] for name in _FIGURES)).where(*chosen))
    columns: dict[str, Any] = dict(zip(_FIGURES, read, strict=True))
    earliest = (await connection.execute(select(func.min(incidents.c.declared)).where(*chosen))).scalar()
    return Past(**columns, position=stands, earliest=earliest)


async def paged_between(connection: AsyncConnection, since: datetime, until: datetime, service: str | None) -> Paged:
    """Who was paged in which hour how often, restricted incidents left out."""
    query = select(paged.c.person, paged.c.hour, paged.c.number).where(
        paged.c.hour >= since, paged.c.hour < until, paged.c.restricted.is_(False)
    )
    if service is not None:
        query = query.where(paged.c.service == service)
    people, hours, numbers = await _columns(connection, query)
    known = {each: _moment(each) for each in set(hours)}  # far fewer than there are rows
    return Paged(people, [known[hour] for hour in hours], numbers)


async def _columns(connection: AsyncConnection, query: Select[Any]) -> list[list[Any]]:
    """The answer column by column, put together by the database: of a hundred thousand rows none is made here."""
    rows = query.subquery()
    if connection.dialect.name == "postgresql":
        whole = select(*(func.array_agg(column) for column in rows.c))
        return [column or [] for column in (await connection.execute(whole)).one()]
    whole = select(*(func.json_group_array(column, type_=Text()) for column in rows.c))
    return [json.loads(column) for column in (await connection.execute(whole)).one()]


def _moment(value: datetime | str) -> datetime:
    """A moment as SQLite or PostgreSQL put it into a column."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


async def fresh_id(connection: AsyncConnection, prefix: str) -> str:
    """The next id of that prefix that no incident has, even where the list is incomplete."""
    newest_number = select(incidents.c.number).order_by(incidents.c.number.desc()).limit(1)
    number = (await connection.execute(newest_number)).scalar() or 0
    while True:
        number += 1
        used = select(entries.c.seq).where(entries.c.incident == f"{prefix}-{number}", entries.c.seq == 1)
        if (await connection.execute(used)).scalar() is None:
            return f"{prefix}-{number}"
