"""Keeps evidence beside the log: reports, snapshots and query results, each with the hash of its content."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Refused, Tampered
from bot.engine.values import Exhibit
from bot.store import holds
from bot.store.codec import ERASED
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
        """Keep it; the same name and content in one incident is one exhibit, the first, erased or not.

        Raises Unavailable.
        """
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
        """One exhibit with its content. Raises Tampered where it is not what was kept, Refused where it was erased."""
        query = select(exhibits).where(exhibits.c.id == exhibit)
        row = (await self._database.read(lambda c: c.execute(query), within=_LARGE)).first()
        if row is None:
            return None
        if row.erased_at is not None:
            raise Refused(
                f"{row.name} was erased on {row.erased_at:%Y-%m-%d}; the SHA-256 of what it held: {row.sha256}"
            )
        if hashlib.sha256(row.content).hexdigest() != row.sha256:
            raise Tampered(f"{row.incident}: the exhibit {row.id} ({row.name}) was altered")
        return _exhibit(row)

    async def of(self, incident: str) -> list[Exhibit]:
        """Without their content, oldest first."""
        columns = [column for column in exhibits.c if column.name != "content"]
        query = select(*columns).where(exhibits.c.incident == incident).order_by(exhibits.c.at, exhibits.c.id)
        return [_exhibit(row) for row in await self._database.read(lambda c: c.execute(query))]

    async def erase(self, incident: str, at: datetime) -> int:
        """Erase the content and notes of an incident's exhibits; name and SHA-256 stay. How many, 0 the second time.

        Raises Refused where the incident is under a legal hold; then none is erased. Unavailable.
        """
        still_there = (exhibits.c.incident == incident) & exhibits.c.erased_at.is_(None)
        gone = update(exhibits).where(still_there).values(content=b"", note="", erased_at=at)

        async def work(connection: AsyncConnection) -> int:
            await holds.require_free(connection, [incident])
            return (await connection.execute(gone)).rowcount

        count = await self._database.write(work, within=None)
        if count:
            await self._database.empty_journal()
        return count


def _exhibit(row: Row[Any]) -> Exhibit:
    content = getattr(row, "content", b"")
    note = row.note if row.erased_at is None else ERASED
    return Exhibit(row.id, row.incident, row.name, row.media_type, row.sha256, row.at, content, note)
