"""Reads the record for an auditor: across all incidents by time, and chain by chain without letting go of anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.engine.record import MOST, Erased, Pageful, Wanted, Written, cursor, place
from bot.store import reading
from bot.store.database import Database
from bot.store.sqlite import Work
from bot.store.tables import entries, exhibits, incidents, texts

LOOKED = 20_000
"""So many entries are looked at for one answer, whatever is sought: what follows is the next page's."""
CORRECTION = "TimeCorrected"


class Audit:
    """The port Record on a database."""

    def __init__(self, database: Database) -> None:
        self._database, self.most = database, LOOKED

    async def ids(self) -> list[str]:
        """Every incident, in the order of declaration."""
        return await self._database.read(reading.every_id, within=None)

    async def size(self) -> int:
        """How many entries there are."""
        counted = await self._database.read(lambda c: c.execute(select(func.count()).select_from(entries)), within=None)
        return int(counted.scalar() or 0)

    async def walk(self, incident: str) -> str:
        """Verify one chain and its texts; give the head. Raises Tampered."""
        return await self._database.read(lambda c: reading.walk(c, incident), within=None)

    async def search(self, wanted: Wanted, *, after: str = "", limit: int = 100) -> Pageful:
        """The newest first; where a stretch holds fewer than `limit`, `next` goes on behind it. Raises Refused."""
        limit = max(1, min(limit, MOST))
        for most in sorted({min(2 * limit + 1, self.most), self.most}):  # what is not rare is found near by
            rows, oldest, looked = await self._database.read(_searching(wanted, after, most, limit + 1))
            if len(rows) > limit or looked < most:
                break
        made = tuple(_written(row) for row in rows[:limit])
        if len(rows) > limit:
            return Pageful(made, cursor(made[-1]), made[-1].at)
        if oldest is None or looked < self.most:
            return Pageful(made)
        return Pageful(made, cursor(_bare(oldest)), oldest.at)

    async def erased(self, *, all_incidents: bool = False, limit: int = 100) -> Sequence[Erased]:
        """Texts of entries and files, counted by incident and time."""
        found = []
        for table, what in ((texts, "words"), (exhibits, "files")):
            query = (
                select(table.c.incident, table.c.erased_at, func.count().label("count"))
                .where(table.c.erased_at.is_not(None))
                .group_by(table.c.incident, table.c.erased_at)
                .order_by(table.c.erased_at.desc(), table.c.incident)
                .limit(limit)
            )
            if not all_incidents:
                shown = select(incidents.c.id).where(
                    incidents.c.id == table.c.incident, incidents.c.restricted.is_(False)
                )
                query = query.where(shown.exists())
            rows = await self._database.read(lambda c, q=query: c.execute(q))  # type: ignore[misc]
            found += [Erased(row.incident, what, row.erased_at, row.count) for row in rows]
        return sorted(found, key=lambda each: (each.at, each.incident, each.what), reverse=True)[:limit]


def _searching(wanted: Wanted, after: str, most: int, limit: int) -> Work[tuple[Sequence[Any], Any, int]]:
    """What is meant among the next `most`; where that is less than `limit`, the last one looked at and their count."""
    stretch = _stretch(wanted, after, most).subquery()
    order = (stretch.c.at, stretch.c.incident, stretch.c.seq)
    here = (entries.c.incident == stretch.c.incident) & (entries.c.seq == stretch.c.seq)
    found = select(entries).join(stretch, here).order_by(*(column.desc() for column in order)).limit(limit)
    if wanted.by:
        found = found.where(stretch.c.by == wanted.by)
    if wanted.name:
        found = found.where(stretch.c.name == wanted.name)
    if not wanted.all_incidents and not wanted.incident:
        shown = select(incidents.c.id).where(incidents.c.id == stretch.c.incident, incidents.c.restricted.is_(False))
        found = found.where(shown.exists())
    oldest = select(*order).order_by(*order).limit(1)

    async def work(connection: AsyncConnection) -> tuple[Sequence[Any], Any, int]:
        rows = (await connection.execute(found)).all()
        if len(rows) >= limit:
            return rows, None, most
        looked = (await connection.execute(select(func.count()).select_from(stretch))).scalar() or 0
        return rows, (await connection.execute(oldest)).first(), looked

    return work


def _stretch(wanted: Wanted, after: str, most: int) -> Select[Any]:
    """The entries that are looked at: by time alone, which the index gives in order, or those of one incident."""
    order = (entries.c.at, entries.c.incident, entries.c.seq)
    query = select(*order, entries.c.by, entries.c.name)
    query = query.order_by(*(column.desc() for column in order)).limit(most)
    if wanted.incident:
        query = query.where(entries.c.incident == wanted.incident)
    if wanted.start is not None:
        query = query.where(entries.c.at >= wanted.start)
    if wanted.end is not None:
        query = query.where(entries.c.at < wanted.end)
    if after:
        query = query.where(entries.c.at <= place(after)[0])  # bounds the index also where rows are not compared by it
        query = query.where(tuple_(*order) < tuple_(*place(after), types=[column.type for column in order]))
    return query


def _bare(row: Any) -> Written:
    return Written(row.incident, row.seq, row.at, "", "", "", "", "")


def _written(row: Any) -> Written:
    told = _told(row.stored)
    body = told.get("body", {}) if row.name == CORRECTION else {}
    changed = (str(body.get("moment", "")), _moment(body.get("was")), _moment(body.get("to")))
    cause = str(told.get("cause", ""))
    return Written(row.incident, row.seq, row.at, row.by, row.name, cause, row.before, row.hash, changed)


def _told(stored: object) -> dict[str, Any]:
    """What an entry holds; one that was altered into something else still has its place in the list."""
    try:
        told = json.loads(stored) if isinstance(stored, bytes) else {}
    except ValueError:
        told = {}
    return told if isinstance(told, dict) else {}


def _moment(text: object) -> str:
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%d %H:%M:%S}" if text else ""
    except ValueError:
        return str(text)
