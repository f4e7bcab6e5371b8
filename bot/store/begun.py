"""Which pages were begun as one message, for a day: by then what became of them is in the log."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.climbing import PageOwed
from bot.engine.begun import Message, Part
from bot.store.database import Database, insert
from bot.store.tables import begun as table

KEPT = timedelta(days=1)


class Begun:
    """The port Begun on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, message: Message) -> None:
        """Write it down before it is sent; a page that was in an earlier one is in this one now. Raises Unavailable."""
        rows = [
            {
                "key": each.owed.key,
                "message": message.key,
                "incident": each.incident,
                "owed": _said(each),
                "at": message.at,
            }
            for each in message.parts
        ]

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(table).where(table.c.at < message.at - KEPT))
            statement = insert(connection, table)
            new = {name: statement.excluded[name] for name in ("message", "incident", "owed", "at")}
            await connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=new), rows)

        await self._database.write(work, pressing=True)

    async def of(self, key: str) -> Message | None:
        """The message that page was begun in last, the page it is named by first. Raises Unavailable."""
        mine = select(table.c.message).where(table.c.key == key).scalar_subquery()
        query = select(table).where(table.c.message == mine).order_by(table.c.key != mine, table.c.at, table.c.key)
        rows = (await self._database.read(lambda c: c.execute(query))).all()
        parts = tuple(Part(row.incident, _heard(row.owed)) for row in rows)
        return Message(rows[0].message, parts, rows[0].at) if rows else None


def _said(part: Part) -> str:
    return json.dumps({**asdict(part.owed), "due": part.owed.due.isoformat()}, sort_keys=True)


def _heard(said: str) -> PageOwed:
    known: dict[str, Any] = json.loads(said)
    return PageOwed(**{**known, "due": datetime.fromisoformat(known["due"]), "past": tuple(known["past"])})
