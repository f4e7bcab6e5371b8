"""Counts the list of incidents: what a storm brought, by service and severity, without naming what is restricted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.domain.storm import NEWEST, OVER, Counted, Digest, Named
from bot.store.tables import incidents

_OVER = (Phase.RESOLVED.value, Phase.CLOSED.value)


async def digest(connection: AsyncConnection, umbrella: str, since: datetime, until: datetime) -> Digest:
    """What was declared in that time. The umbrella itself is none of it, nor what is restricted."""
    named = and_(incidents.c.restricted.is_(False), incidents.c.id != umbrella, incidents.c.declared <= until)
    came = and_(named, incidents.c.declared >= since)
    rate = await _rate(connection, and_(named, incidents.c.declared > until - OVER))
    return Digest(since, await _counted(connection, came), await _newest(connection, came), rate)


async def _counted(connection: AsyncConnection, which: ColumnElement[bool]) -> tuple[Counted, ...]:
    still = func.sum(case((incidents.c.phase.in_(_OVER), 0), else_=1)).label("still")
    query = (
        select(incidents.c.service, incidents.c.severity, func.count().label("number"), still)
        .where(which)
        .group_by(incidents.c.service, incidents.c.severity)
        .order_by(incidents.c.severity, incidents.c.service)
    )
    return tuple(
        Counted(row.service, row.severity, row.number, int(row.still)) for row in await connection.execute(query)
    )


async def _newest(connection: AsyncConnection, which: ColumnElement[bool]) -> tuple[Named, ...]:
    columns = (incidents.c.id, incidents.c.title, incidents.c.service, incidents.c.severity, incidents.c.declared)
    query = (
        select(*columns)
        .where(which, incidents.c.severity == Severity.SEV1.value, incidents.c.phase.not_in(_OVER))
        .order_by(incidents.c.declared.desc(), incidents.c.number.desc())
        .limit(NEWEST)
    )
    return tuple(
        Named(row.id, row.title, row.service, row.severity, row.declared) for row in await connection.execute(query)
    )


async def _rate(connection: AsyncConnection, which: ColumnElement[bool]) -> int:
    return (await connection.execute(select(func.count()).select_from(incidents).where(which))).scalar() or 0
