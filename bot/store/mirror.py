"""What was posted where, so that the chat can be compared with what it should show, and nothing is posted twice."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import ColumnElement, and_, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.engine.values import Posted
from bot.store.database import Database, insert, took
from bot.store.tables import posted as table

FORMER = "former:"
"""Rows that say where a card stood before it was posted anew: people go on speaking below it."""


class Mirror:
    """The port Mirror on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, incident: str) -> dict[str, Posted]:
        """What stands in the chat for an incident, by surface."""
        query = select(table).where(table.c.incident == incident, ~_former()).order_by(table.c.surface)
        rows = await self._database.read(lambda c: c.execute(query))
        return {row["surface"]: Posted(**row) for row in rows.mappings()}

    async def claim(self, posted: Posted) -> bool:
        """Write down that this surface is about to be posted. True for exactly one caller per surface and attempt.

        A later attempt (`posted.attempt` higher than what is written) may claim it again, after a crash or a removal.
        """

        async def work(connection: AsyncConnection) -> bool:
            row = asdict(posted)
            await _remember(connection, posted, table.c.attempt < posted.attempt)
            statement = insert(connection, table).values(row)
            later = statement.on_conflict_do_update(
                index_elements=["incident", "surface"], set_=row, where=table.c.attempt < posted.attempt
            )
            return await took(connection, later)

        return await self._database.write(work)

    async def save(self, posted: Posted) -> None:
        """Write down how the surface stands."""

        async def work(connection: AsyncConnection) -> None:
            row = asdict(posted)
            await _remember(connection, posted, true())
            statement = insert(connection, table).values(row)
            await connection.execute(statement.on_conflict_do_update(index_elements=["incident", "surface"], set_=row))

        await self._database.write(work)

    async def standing(self, channel: str, prefix: str) -> list[Posted]:
        """What stands in a channel, of every incident, whose surface begins so; oldest message first."""
        begins = table.c.surface.startswith(prefix, autoescape=True)
        query = select(table).where(table.c.channel == channel, table.c.state == "posted", begins)
        rows = await self._database.read(lambda c: c.execute(query.order_by(table.c.ts, table.c.incident)))
        return [Posted(**row) for row in rows.mappings()]

    async def find(self, channel: str, ts: str) -> Posted | None:
        """Which surface a message is; None for one we did not post."""
        if not ts:
            return None
        query = select(table).where(table.c.channel == channel, table.c.ts == ts).order_by(_former())
        row = (await self._database.read(lambda c: c.execute(query))).mappings().first()
        return Posted(**row) if row is not None else None

    async def spoken_of(self, channel: str, thread_ts: str = "") -> str:
        """The incident people speak of there: below its card (a former one too), or anywhere in its war room; or ""."""
        room = table.c.surface == "room"
        card = or_(table.c.surface == "card", _former()) & (table.c.ts == thread_ts)
        here = (table.c.channel == channel) & (or_(room, card) if thread_ts else room)
        query = select(table.c.incident).where(here).order_by(table.c.at.desc()).limit(1)
        return (await self._database.read(lambda c: c.execute(query))).scalar() or ""

    async def hosts(self, channel: str) -> bool:
        """Whether any incident has its card or its war room there."""
        here = (table.c.channel == channel) & or_(table.c.surface.in_(["card", "room"]), _former())
        query = select(table.c.incident).where(here).limit(1)
        return (await self._database.read(lambda c: c.execute(query))).first() is not None


def _former() -> ColumnElement[bool]:
    return table.c.surface.startswith(FORMER, autoescape=True)


async def _remember(connection: AsyncConnection, posted: Posted, when: ColumnElement[bool]) -> None:
    """Keep where a card stood that is about to be written down as being elsewhere."""
    if posted.surface != "card":
        return
    name = literal(FORMER) + table.c.channel + literal(":") + table.c.ts
    moved = or_(table.c.channel != posted.channel, table.c.ts != posted.ts)
    stood = and_(table.c.incident == posted.incident, table.c.surface == "card", table.c.ts != "", moved, when)
    columns = {
        "incident": table.c.incident, "surface": name, "channel": table.c.channel, "ts": table.c.ts,
        "shown": literal(""), "state": literal("gone"), "attempt": table.c.attempt, "at": table.c.at,
    }  # fmt: skip
    old = select(*columns.values()).where(stood)
    await connection.execute(insert(connection, table).from_select([*columns], old).on_conflict_do_nothing())
