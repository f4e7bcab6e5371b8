"""Reads the list of incidents by service: what is open there, and what was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select

from bot.domain.phase import Phase
from bot.engine.values import Summary
from bot.store.database import Database
from bot.store.tables import incidents

_COLUMNS = [incidents.c[name] for name in Summary.__slots__]
ENDED = (Phase.RESOLVED.value, Phase.CLOSED.value)


class Past:
    """Incidents as lists show them, told apart by service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_service(self, service: str, *, limit: int = 50) -> Sequence[Summary]:
        """The newest incidents of a service first. Raises Unavailable."""
        order = (incidents.c.declared.desc(), incidents.c.number.desc())
        return await self._read(select(*_COLUMNS).where(incidents.c.service == service).order_by(*order).limit(limit))

    async def open_now(self, *, limit: int = 2_000) -> Sequence[Summary]:
        """What is neither resolved nor closed, of every service, the worst first. Raises Unavailable."""
        order = (incidents.c.severity, incidents.c.declared)
        return await self._read(select(*_COLUMNS).where(incidents.c.phase.not_in(ENDED)).order_by(*order).limit(limit))

    async def _read(self, query: Select[Any]) -> list[Summary]:
        rows = (await self._database.read(lambda c: c.execute(query))).mappings().all()
        return [Summary(**{name: row[name] for name in Summary.__slots__}) for row in rows]
