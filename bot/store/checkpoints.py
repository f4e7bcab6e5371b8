"""Where detection survives a restart: the ledger and the episodes as named JSON documents."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import Database, insert
from bot.store.tables import checkpoints


class Checkpoints:
    """The port Checkpoints on a database; with SQLite a file of its own, so that polls never delay a click."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(
        self, documents: Mapping[str, Mapping[str, object]], at: datetime, *, drop: Collection[str] = ()
    ) -> None:
        """Write these documents in place of those of the same names and let go of `drop`, in one transaction.

        Raises Unavailable; TypeError for what JSON cannot say.
        """
        rows = [{"name": name, "document": json.dumps(dict(held)), "at": at} for name, held in documents.items()]

        async def work(connection: AsyncConnection) -> None:
            for row in rows:
                statement = insert(connection, checkpoints).values(row)
                await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))
            for names in batched(drop):
                await connection.execute(delete(checkpoints).where(checkpoints.c.name.in_(names)))

        await self._database.write(work, within=10)

    async def load(self, names: Collection[str]) -> dict[str, dict[str, object]]:
        """The documents of these names, as far as they are there. Raises Unavailable."""
        found: dict[str, dict[str, object]] = {}
        for some in batched(names):
            query = select(checkpoints.c.name, checkpoints.c.document).where(checkpoints.c.name.in_(some))
            rows = (await self._database.read(lambda c, q=query: c.execute(q), within=30)).all()  # type: ignore[misc]
            found.update({name: json.loads(document) for name, document in rows})
        return found


def batched(names: Collection[str], size: int = 500) -> Iterator[list[str]]:
    """Names in lots that a database takes as parameters."""
    held = list(names)
    for start in range(0, len(held), size):
        yield held[start : start + size]
