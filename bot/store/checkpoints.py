"""Where detection survives a restart: the ledger and the episodes as named JSON documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import Database, insert
from bot.store.tables import checkpoints


class Checkpoints:
    """The port Checkpoints on a database; with SQLite a file of its own, so that polls never delay a click."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, name: str, document: Mapping[str, object], at: datetime) -> None:
        """Replace the document of that name. Raises Unavailable; TypeError for what JSON cannot say."""
        row = {"name": name, "document": json.dumps(dict(document)), "at": at}

        async def work(connection: AsyncConnection) -> None:
            statement = insert(connection, checkpoints).values(row)
            await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))

        await self._database.write(work, within=10)

    async def load(self, name: str) -> dict[str, object] | None:
        """The document last saved under that name."""
        query = select(checkpoints.c.document).where(checkpoints.c.name == name)
        found = (await self._database.read(lambda c: c.execute(query), within=10)).scalar()
        if found is None:
            return None
        document: dict[str, object] = json.loads(found)
        return document
