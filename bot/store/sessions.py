"""Who is logged in, and by which links and ways people come in: all replicas know it, by hashes of what they hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.engine.access import Errand, Session, Way
from bot.store.database import Database, insert
from bot.store.tables import login_links, sessions


class Sessions:
    """The port of that name. What is over is forgotten whenever something new is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_link(self, digest: str, key: str, now: datetime, ends: datetime) -> None:
        """A one-time link that lets in whoever has that key. Raises Unavailable."""
        await self._keep({"digest": digest, "key": key, "errand": "", "ends": ends}, now)

    async def link(self, digest: str, now: datetime) -> str:
        """Whom it lets in, "" where it is none or over; it stays as good as it was. Raises Unavailable."""
        mine = (login_links.c.digest == digest) & (login_links.c.ends > now)
        query = select(login_links.c.key).where(mine)
        return (await self._database.read(lambda c: c.execute(query))).scalar() or ""

    async def use_link(self, digest: str, now: datetime) -> str:
        """The same, and it is used up: of several who ask at once one is answered. Raises Unavailable."""
        row = await self._took(digest, now)
        return str(row.key) if row is not None else ""

    async def send(self, digest: str, errand: Errand, ends: datetime) -> None:
        """Keep what must come back from the provider under that state. Raises Unavailable."""
        words = json.dumps({**asdict(errand), "begun": errand.begun.isoformat()})
        await self._keep({"digest": digest, "key": "", "errand": words, "ends": ends}, errand.begun)

    async def back(self, digest: str, now: datetime) -> Errand | None:
        """The errand of that state, once. Raises Unavailable."""
        row = await self._took(digest, now)
        if row is None or not row.errand:
            return None
        words = json.loads(row.errand)
        return Errand(**{**words, "begun": datetime.fromisoformat(words["begun"])})

    async def begin(self, session: Session) -> None:
        """Log somebody in. Raises Unavailable."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(sessions).where(sessions.c.ends <= session.begun))
            await connection.execute(insert(connection, sessions).values(_row(session)))

        await self._database.write(work)

    async def session(self, digest: str, now: datetime) -> Session | None:
        """The session of that id while it lasts. Raises Unavailable."""
        query = select(sessions).where(sessions.c.digest == digest, sessions.c.ends > now)
        row = (await self._database.read(lambda c: c.execute(query))).first()
        return None if row is None else _session(row)

    async def seen(self, digest: str, at: datetime) -> None:
        """Its person did something. Raises Unavailable."""
        await self._database.write(
            lambda c: c.execute(update(sessions).where(sessions.c.digest == digest).values(seen=at))
        )

    async def replace(self, old: str, new: Session, until: datetime) -> bool:
        """`new` goes on where `old` was, which lasts until then at most; False where that was done already.

        Raises Unavailable.
        """

        async def work(connection: AsyncConnection) -> bool:
            first = sessions.c.digest == old, ~sessions.c.gone_on
            gone = update(sessions).where(*first).values(gone_on=True, ends=until, proved=None)
            if (await connection.execute(gone.returning(sessions.c.person))).first() is None:
                return False
            await connection.execute(insert(connection, sessions).values(_row(new)))
            return True

        return await self._database.write(work)

    async def end(self, digest: str) -> None:
        """Log one session out. Raises Unavailable."""
        await self._database.write(lambda c: c.execute(delete(sessions).where(sessions.c.digest == digest)))

    async def end_all(self, person: str) -> int:
        """Log a person out everywhere; how many sessions that were. Raises Unavailable."""
        gone = delete(sessions).where(sessions.c.person == person).returning(sessions.c.gone_on)

        async def work(connection: AsyncConnection) -> int:
            return sum(not row.gone_on for row in (await connection.execute(gone)).all())

        return await self._database.write(work)

    async def sessions(self, now: datetime, person: str = "") -> Sequence[Session]:
        """Those that last, of everybody or of one person, the one used last first. Raises Unavailable."""
        query = select(sessions).where(sessions.c.ends > now, ~sessions.c.gone_on)
        query = query.where(sessions.c.person == person) if person else query
        query = query.order_by(sessions.c.seen.desc(), sessions.c.digest)
        return [_session(row) for row in (await self._database.read(lambda c: c.execute(query))).all()]

    async def use_proof(self, digest: str, since: datetime) -> bool:
        """Whether that was since then and not used yet; it is used now. Raises Unavailable."""
        used = update(sessions).where(sessions.c.digest == digest, sessions.c.proved > since).values(proved=None)
        return await self._one(used.returning(sessions.c.person))

    async def _one(self, statement: Any) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(statement)).first() is not None

        return await self._database.write(work)

    async def _keep(self, row: dict[str, object], now: datetime) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(login_links).where(login_links.c.ends <= now))
            await connection.execute(insert(connection, login_links).values(row))

        await self._database.write(work)

    async def _took(self, digest: str, now: datetime) -> Row[Any, Any] | None:
        mine = (login_links.c.digest == digest) & (login_links.c.ends > now)
        taken = delete(login_links).where(mine).returning(login_links.c.key, login_links.c.errand)

        async def work(connection: AsyncConnection) -> Row[Any, Any] | None:
            return (await connection.execute(taken)).first()

        return await self._database.write(work)


def _row(session: Session) -> dict[str, object]:
    words = {name: getattr(session, name) for name in Session.__slots__}
    return {**words, "way": session.way.value, "roles": json.dumps(sorted(session.roles)), "gone_on": False}


def _session(row: Row[Any]) -> Session:
    return Session(
        digest=row.digest,
        person=row.person,
        way=Way(row.way),
        begun=row.begun,
        seen=row.seen,
        ends=row.ends,
        roles=frozenset(json.loads(row.roles)),
        issuer=row.issuer,
        subject=row.subject,
        hint=row.hint,
        proved=row.proved,
    )
