"""The port Lists on a database, but for what needs the incidents themselves."""

from __future__ import annotations

from datetime import date, datetime

from bot.engine.lists import Paged, Past, Place, Promise, Sight, Tally, Wanted
from bot.engine.values import Summary
from bot.store import lists
from bot.store.database import Database

PATIENT = 10.0
"""Seconds whoever asks for numbers waits: nobody does with a click in the chat."""


class Listed:
    """Every answer is one short look at the data."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_ids(self) -> list[str]:
        """Ids of incidents that are not closed, oldest first."""
        return await self._database.read(lists.open_ids)

    async def clocked(self) -> list[str]:
        """Ids of incidents with a legal clock that runs, the one that ends first before the others."""
        return await self._database.read(lists.clocked)

    async def promised(self, owner: str = "") -> list[str]:
        """Ids of incidents, closed ones too, in which that person has an open follow-up; "" asks for everybody's."""
        return await self._database.read(lambda c: lists.promised(c, owner))

    async def overdue(self, today: date, sight: Sight, limit: int = 100) -> list[Promise]:
        """Follow-ups that should be done by now, the longest overdue first."""
        return await self._database.read(lambda c: lists.overdue(c, today, sight, limit))

    async def summaries(self, *, limit: int = 100, before: str = "") -> list[Summary]:
        """The newest incidents first, those declared before `before` where one is named. Raises NotFound."""
        return await self._database.read(lambda c: lists.newest(c, limit, before))

    async def found(
        self, wanted: Wanted, sight: Sight, *, limit: int = 50, after: Place | None = None
    ) -> list[Summary]:
        """The newest of those first that may be read."""
        return await self._database.read(lambda c: lists.found(c, wanted, sight, limit, after))

    async def tally(self, sight: Sight) -> Tally:
        """How many there are in each phase, of those that may be read."""
        return await self._database.read(lambda c: lists.tally(c, sight))

    async def sealed(self) -> list[str]:
        """Services that have, or had, a restricted incident."""
        return await self._database.read(lists.sealed)

    async def position(self) -> str:
        """Where the whole log stands: what is read beside it is the same for as long as this is."""
        return await self._database.read(lists.position)

    async def past(self, wanted: Wanted) -> Past:
        """The figures of incidents that are not restricted."""
        return await self._database.read(lambda c: lists.past(c, wanted), within=PATIENT)

    async def paged(self, since: datetime, until: datetime, service: str | None = None) -> Paged:
        """Who was paged when, in incidents that are not restricted."""
        return await self._database.read(lambda c: lists.paged_between(c, since, until, service), within=PATIENT)
