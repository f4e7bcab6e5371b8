"""How far each receiver of webhooks was told of each incident, and what was put aside because nobody took it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.engine.outgoing import Letter, Place
from bot.store.database import Database, insert, placed
from bot.store.tables import hook_letters, hooks, incidents


class Hooks:
    """The port Ledger on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, hook: str, at: datetime) -> bool:
        """A receiver nobody knew is told of what comes from now on; False where it was known. Raises Unavailable."""
        known = select(hooks.c.seq).where(hooks.c.hook == hook, hooks.c.incident == "")
        if (await self._database.read(lambda c: c.execute(known))).first() is not None:
            return False

        async def work(connection: AsyncConnection) -> bool:
            marker = {"hook": hook, "incident": "", "seq": 0, "tries": 0, "since": at, "due": None}
            if not await placed(connection, hooks, marker):
                return False
            told = select(literal(hook), incidents.c.id, incidents.c.seq, literal(0))
            await connection.execute(hooks.insert().from_select(["hook", "incident", "seq", "tries"], told))
            return True

        return await self._database.write(work, within=30)

    async def behind(self, hook: str, now: datetime, limit: int) -> Sequence[Place]:
        """Incidents with more in their log than it was told, the next of which is due. Raises Unavailable."""
        known = hooks.alias()
        mine = (known.c.hook == hook) & (known.c.incident == incidents.c.id)
        query = (
            select(incidents.c.id, known.c.seq, known.c.tries, known.c.since, known.c.due)
            .select_from(incidents.outerjoin(known, mine))
            .where(incidents.c.seq > func.coalesce(known.c.seq, 0), or_(known.c.due.is_(None), known.c.due <= now))
            .order_by(incidents.c.number, incidents.c.id)
            .limit(limit)
        )
        rows = (await self._database.read(lambda c: c.execute(query), within=10)).all()
        return [Place(row.id, row.seq or 0, row.tries or 0, row.since, row.due) for row in rows]

    async def save(self, hook: str, place: Place) -> None:
        """From now on it was told so far. Raises Unavailable."""
        await self._database.write(lambda c: _save(c, hook, place))

    async def aside(self, letter: Letter, place: Place) -> None:
        """Put a change aside and go on after it. Raises Unavailable."""

        async def work(connection: AsyncConnection) -> None:
            row = {name: getattr(letter, name) for name in ("hook", "incident", "seq", "at", "because")}
            await placed(connection, hook_letters, row)
            await _save(connection, letter.hook, place)

        await self._database.write(work)

    async def letters(self, hook: str = "") -> Sequence[Letter]:
        """What was put aside, the oldest first. Raises Unavailable."""
        query: Select[tuple[str, str, int, datetime, str]] = select(hook_letters).order_by(hook_letters.c.at)
        if hook:
            query = query.where(hook_letters.c.hook == hook)
        rows = (await self._database.read(lambda c: c.execute(query))).all()
        return [Letter(row.hook, row.incident, row.seq, row.at, row.because) for row in rows]

    async def again(self, hook: str) -> int:
        """Go back before what was put aside; how many changes those were. Raises Unavailable."""

        async def work(connection: AsyncConnection) -> int:
            mine = hook_letters.c.hook == hook
            first = select(hook_letters.c.incident, func.min(hook_letters.c.seq)).where(mine)
            found = (await connection.execute(first.group_by(hook_letters.c.incident))).all()
            for incident, seq in found:
                back = update(hooks).where(hooks.c.hook == hook, hooks.c.incident == incident)
                await connection.execute(back.values(seq=seq - 1, tries=0, since=None, due=None))
            return (await connection.execute(delete(hook_letters).where(mine))).rowcount

        return await self._database.write(work)

    async def waiting(self, hook: str) -> int:
        """How many incidents it is behind with. Raises Unavailable."""
        known = hooks.alias()
        mine = (known.c.hook == hook) & (known.c.incident == incidents.c.id)
        query = (
            select(func.count())
            .select_from(incidents.outerjoin(known, mine))
            .where(incidents.c.seq > func.coalesce(known.c.seq, 0))
        )
        return int((await self._database.read(lambda c: c.execute(query), within=10)).scalar() or 0)


async def _save(connection: AsyncConnection, hook: str, place: Place) -> None:
    row = {
        "hook": hook, "incident": place.incident, "seq": place.seq, "tries": place.tries,
        "since": place.since, "due": place.due,
    }  # fmt: skip
    statement = insert(connection, hooks).values(row)
    await connection.execute(statement.on_conflict_do_update(index_elements=["hook", "incident"], set_=row))
