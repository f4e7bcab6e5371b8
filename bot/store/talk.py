"""What people say about an incident, written down as it arrives: once each, newest words only, and erasable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Delete, Row, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.engine.talk import Mark, Saying, Spoken
from bot.store import holds
from bot.store.database import Database, insert, took
from bot.store.tables import marks, sayings

PENDING_FOR = timedelta(days=1)
"""How long a message waits for somebody to say which incident it belongs to."""
_SHOWN = tuple(sayings.c[field.name] for field in fields(Saying))


class Talk:
    """The port Talk on a database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def keep(self, saying: Saying) -> Saying:
        """Write a message down; how it reads then.

        The order of arrival does not matter: an older version never replaces a newer one, and what was deleted or
        erased stays so. What its author deleted loses its words, unless a legal hold keeps them.
        """
        now = self._clock.now()
        row = asdict(saying) | {"kept_at": now}

        async def work(connection: AsyncConnection) -> Saying:
            if not saying.incident:
                await connection.execute(_forgotten(now - PENDING_FOR))
            if saying.deleted_at is not None:
                return await _deleted(connection, saying, row)
            new = insert(connection, sayings).values(row)
            newer = new.on_conflict_do_update(
                index_elements=["channel", "ts"],
                set_={name: new.excluded[name] for name in ("text", "edited_at", "author", "user")},
                where=_living() & (sayings.c.edited_at < new.excluded.edited_at)
                | _living() & sayings.c.edited_at.is_(None) & new.excluded.edited_at.is_not(None),
            )
            written = (await connection.execute(newer.returning(*_SHOWN))).first()
            return _saying(written) if written is not None else await _there(connection, saying)

        return await self._database.write(work)

    async def find(self, channel: str, ts: str) -> Saying | None:
        """The message, None where it was never written down."""
        query = select(*_SHOWN).where(_at(channel, ts))
        row = (await self._database.read(lambda c: c.execute(query))).first()
        return _saying(row) if row is not None else None

    async def belongs(self, channel: str, ts: str, incident: str) -> None:
        """Say which incident a message speaks of; the first word on it stands."""
        waiting = _at(channel, ts) & (sayings.c.incident == "")
        await self._database.write(lambda c: c.execute(update(sayings).where(waiting).values(incident=incident)))

    async def of(self, incident: str) -> Sequence[Saying]:
        """Everything said about an incident, in the order in which it was said."""
        query = select(*_SHOWN).where(sayings.c.incident == incident).order_by(sayings.c.at, sayings.c.ts)
        return [_saying(row) for row in await self._database.read(lambda c: c.execute(query))]

    async def spoken(self, incident: str) -> Spoken:
        """How much was said, and by how many people; what other apps posted, and what was deleted, is left out."""
        said = (sayings.c.incident == incident) & sayings.c.deleted_at.is_(None) & _by_people()
        who = case((sayings.c.author == "", sayings.c.user), else_=sayings.c.author)
        query = select(func.count(), func.count(who.distinct())).where(said)
        messages, people = (await self._database.read(lambda c: c.execute(query))).one()
        return Spoken(messages, people)

    async def speakers(self, incident: str) -> Sequence[str]:
        """Opaque ids of the people who said something, whoever spoke first being first."""
        said = (sayings.c.incident == incident) & (sayings.c.author != "")
        query = select(sayings.c.author).where(said).group_by(sayings.c.author).order_by(func.min(sayings.c.at))
        return list((await self._database.read(lambda c: c.execute(query))).scalars())

    async def mark(self, mark: Mark) -> bool:
        """Write down that a sign was put on a message or taken off; False where something newer is known."""

        async def work(connection: AsyncConnection) -> bool:
            row = asdict(mark)
            new = insert(connection, marks).values(row)
            keys = ["channel", "ts", "person", "sign"]
            later = new.on_conflict_do_update(index_elements=keys, set_=row, where=marks.c.at < mark.at)
            if await took(connection, later):
                return True
            here = (marks.c.channel == mark.channel) & (marks.c.ts == mark.ts) & (marks.c.person == mark.person)
            query = select(marks.c.stands, marks.c.at).where(here & (marks.c.sign == mark.sign))
            known = (await connection.execute(query)).one()
            return (known.stands, known.at) == (mark.stands, mark.at)  # the same once more

        return await self._database.write(work)

    async def marks(self, channel: str, ts: str) -> Sequence[Mark]:
        """The signs that stand on a message, the oldest first."""
        standing = (marks.c.channel == channel) & (marks.c.ts == ts) & marks.c.stands
        query = select(marks).where(standing).order_by(marks.c.at, marks.c.person)
        return [Mark(**row) for row in (await self._database.read(lambda c: c.execute(query))).mappings()]

    # -- erasing -----------------------------------------------------------------------------------------------------

    async def erase(self, incident: str) -> int:
        """Erase the words of everything said about an incident; how many messages, 0 the second time.

        Raises Refused where the incident is under a legal hold; then none is erased. Unavailable.
        """

        async def work(connection: AsyncConnection) -> int:
            await holds.require_free(connection, [incident])
            return await blank(connection, sayings.c.incident == incident, self._clock)

        count = await self._database.write(work, within=None)
        if count:
            await self._database.empty_journal()
        return count


async def blank(connection: AsyncConnection, chosen: ColumnElement[bool], clock: Clock) -> int:
    """Erase the words and accounts of the chosen messages; how many had any."""
    gone = {"text": "", "user": "", "erased_at": clock.now()}
    return (await connection.execute(update(sayings).where(chosen & legible()).values(gone))).rowcount


def legible() -> ColumnElement[bool]:
    """Messages that were not erased yet."""
    return sayings.c.erased_at.is_(None)


async def _deleted(connection: AsyncConnection, saying: Saying, row: dict[str, object]) -> Saying:
    held = bool(saying.incident) and bool(await holds.because(connection, saying.incident))
    new = insert(connection, sayings).values(row if held else row | {"text": ""})
    gone: dict[str, object] = {"deleted_at": saying.deleted_at} | ({} if held else {"text": ""})
    there = new.on_conflict_do_update(index_elements=["channel", "ts"], set_=gone, where=_living())
    await connection.execute(there)
    return await _there(connection, saying)


async def _there(connection: AsyncConnection, saying: Saying) -> Saying:
    return _saying((await connection.execute(select(*_SHOWN).where(_at(saying.channel, saying.ts)))).one())


def _forgotten(before: datetime) -> Delete:
    return delete(sayings).where((sayings.c.incident == "") & (sayings.c.kept_at < before))


def _living() -> ColumnElement[bool]:
    return sayings.c.deleted_at.is_(None) & legible()


def _by_people() -> ColumnElement[bool]:
    return or_(sayings.c.author != "", sayings.c.user == "", sayings.c.user.not_like("B%"))


def _at(channel: str, ts: str) -> ColumnElement[bool]:
    return (sayings.c.channel == channel) & (sayings.c.ts == ts)


def _saying(row: Row[Any]) -> Saying:
    values: tuple[Any, ...] = tuple(row)
    return Saying(*values)
