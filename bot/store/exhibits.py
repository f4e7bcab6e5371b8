"""Keeps evidence beside the log: reports, snapshots and query results, each with the hash of its content."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Tampered
from bot.engine.ports import Exhibit
from bot.store.database import Database, insert
from bot.store.tables import exhibits

_LARGE = 10.0  # seconds: reports have megabytes, and nobody's click waits for them


class Exhibits:
    """The port Exhibits on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, incident: str, name: str, media_type: str, content: bytes, at: datetime, note: str = ""
    ) -> Exhibit:
        """Keep it; the same name and content in one incident is one exhibit, the first. Raises Unavailable."""
        sha256 = hashlib.sha256(content).hexdigest()
        name_hash = hashlib.sha256(f"{incident}\0{name}\0{sha256}".encode("utf-8", "surrogatepass"))
        ident = f"x_{name_hash.hexdigest()[:24]}"

        async def work(connection: AsyncConnection) -> Exhibit:
            row = insert(connection, exhibits).values(
                id=ident, incident=incident, name=name, media_type=media_type, sha256=sha256, at=at, content=content,
                note=note,
            )  # fmt: skip
            await connection.execute(row.on_conflict_do_nothing())
            return _exhibit((await connection.execute(select(exhibits).where(exhibits.c.id == ident))).one())

        return await self._database.write(work, within=_LARGE)

    async def get(self, exhibit: str) -> Exhibit | None:
        """One exhibit with its content. Raises Tampered where the content is not what was kept."""
        query = select(exhibits).where(exhibits.c.id == exhibit)
        row = (await self._database.read(lambda c: c.execute(query), within=_LARGE)).first()
        if row is None:
            return None
        if hashlib.sha256(row.content).hexdigest() != row.sha256:
            raise Tampered(f"{row.incident}: the exhibit {row.id} ({row.name}) was altered")
        return _exhibit(row)

    async def of(self, incident: str) -> list[Exhibit]:
        """Without their content, oldest first."""
        columns = [column for column in exhibits.c if column.name != "content"]
        query = select(*columns).where(exhibits.c.incident == incident).order_by(exhibits.c.at, exhibits.c.id)
        return [_exhibit(row) for row in await self._database.read(lambda c: c.execute(query))]


def _exhibit(row: Row[Any]) -> Exhibit:
    content = getattr(row, "content", b"")
    return Exhibit(row.id, row.incident, row.name, row.media_type, row.sha256, row.at, content, row.note)
