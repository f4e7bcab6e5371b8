"""What lets terminals and scripts act as one person: the hash of each token, what it is for, and until when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.engine.access import HeldToken, Scope
from bot.store.database import Database, placed
from bot.store.tables import tokens


class Tokens:
    """The port of that name. A token that is over is forgotten when the next one is made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, digest: str, token: HeldToken) -> bool:
        """Keep it by its hash; False where it is there already. Raises Unavailable."""
        row = {
            "id": token.id,
            "digest": digest,
            "person": token.person,
            "name": token.name,
            "scopes": json.dumps(sorted(token.scopes)),
            "made": token.made,
            "expires": token.expires,
            "used": token.used,
        }

        async def work(connection: AsyncConnection) -> bool:
            await connection.execute(delete(tokens).where(tokens.c.expires <= token.made))
            return await placed(connection, tokens, row)

        return await self._database.write(work)

    async def token(self, digest: str, now: datetime) -> HeldToken | None:
        """The token with that hash, while it lasts. Raises Unavailable."""
        query = select(tokens).where(tokens.c.digest == digest, tokens.c.expires > now)
        row = (await self._database.read(lambda c: c.execute(query))).first()
        return None if row is None else _token(row)

    async def used(self, token: str, at: datetime) -> None:
        """It was used then. Raises Unavailable."""
        await self._database.write(lambda c: c.execute(update(tokens).where(tokens.c.id == token).values(used=at)))

    async def end(self, token: str, person: str = "") -> str:
        """End one, where a person is given only if it is theirs; its name, "" where there was none.

        Raises Unavailable.
        """
        gone = delete(tokens).where(tokens.c.id == token)
        gone = gone.where(tokens.c.person == person) if person else gone

        async def work(connection: AsyncConnection) -> str:
            row = (await connection.execute(gone.returning(tokens.c.name))).first()
            return str(row.name) if row is not None else ""

        return await self._database.write(work)

    async def end_all(self, person: str) -> int:
        """End every one of that person; how many there were. Raises Unavailable."""
        gone = delete(tokens).where(tokens.c.person == person).returning(tokens.c.id)

        async def work(connection: AsyncConnection) -> int:
            return len((await connection.execute(gone)).all())

        return await self._database.write(work)

    async def tokens(self, now: datetime, person: str = "") -> Sequence[HeldToken]:
        """Those that last, of everybody or of one person, the newest first. Raises Unavailable."""
        query = select(tokens).where(tokens.c.expires > now).order_by(tokens.c.made.desc(), tokens.c.id)
        query = query.where(tokens.c.person == person) if person else query
        return [_token(row) for row in (await self._database.read(lambda c: c.execute(query))).all()]


def _token(row: Row[Any]) -> HeldToken:
    scopes = frozenset(Scope(each) for each in json.loads(row.scopes) if each in set(Scope))
    return HeldToken(row.id, row.person, row.name, scopes, row.made, row.expires, row.used)
