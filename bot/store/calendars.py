"""The secret address of each person's calendar: only its hash is kept, and a new one ends the one before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from bot.store.database import Database, insert, took
from bot.store.tables import calendars


class Calendars:
    """One address a person, by the hash of its secret."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def give(self, person: str, digest: str, at: datetime) -> None:
        """From now on this is their address; another one ends. Raises Unavailable."""
        row = {"person": person, "digest": digest, "at": at}
        await self._database.write(
            lambda c: c.execute(
                insert(c, calendars).values(row).on_conflict_do_update(index_elements=["person"], set_=row)
            )
        )

    async def end(self, person: str) -> bool:
        """Their address leads nowhere any more; False where they had none."""
        statement = delete(calendars).where(calendars.c.person == person)
        return await self._database.write(lambda c: took(c, statement))

    async def whose(self, digest: str) -> str:
        """The person (opaque id) whose address that is, "" where it is nobody's."""
        query = select(calendars.c.person).where(calendars.c.digest == digest)
        return (await self._database.read(lambda c: c.execute(query))).scalar() or ""
