"""Erases people's words where the law asks for it: text and salt together; the chain holds, a legal hold stops it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.domain.errors import Refused
from bot.store import holds, projections
from bot.store.codec import Codec
from bot.store.database import Database
from bot.store.reading import look
from bot.store.tables import covers, sayings, texts
from bot.store.talk import blank, legible


@dataclass(frozen=True, slots=True)
class Kept:
    """One free text of an incident: its reference, the entry it belongs to, who wrote it, and the words."""

    ref: str
    seq: int
    by: str
    words: str
    erased: bool


class Erasure:
    """Finds and erases free texts; keeps the legal holds that forbid it."""

    def __init__(self, database: Database, codec: Codec, clock: Clock) -> None:
        self._database, self._codec, self._clock = database, codec, clock

    async def texts(self, incident: str) -> list[Kept]:
        """Every free text of an incident, in order, so that a person can say which to erase."""
        query = select(texts).where(texts.c.incident == incident).order_by(texts.c.seq, texts.c.ref)
        rows = await self._database.read(lambda c: c.execute(query))
        return [
            Kept(row.ref, row.seq, row.by, row.text.decode() if row.text is not None else "", row.erased_at is not None)
            for row in rows
        ]

    async def concerned(self, *, person: str = "", ref: str = "") -> dict[str, int]:
        """What `erase` would erase now: how many texts and messages of which incident.

        Raises Refused where a legal hold covers any of them. Unavailable.
        """
        _require_one(person, ref)

        async def work(connection: AsyncConnection) -> dict[str, int]:
            found = await self._found(connection, person, ref)
            await holds.require_free(connection, sorted(found))
            return dict(sorted(found.items()))

        return await self._database.read(work, within=None)

    async def erase(self, *, person: str = "", ref: str = "") -> int:
        """Erase all a person wrote or said (by opaque id), or one text; how many were erased, 0 the second time.

        What others kept of a person's messages goes with them. Raises Refused where a legal hold covers any of it;
        then none is erased. Unavailable.
        """
        _require_one(person, ref)

        async def work(connection: AsyncConnection) -> int:
            found = await self._found(connection, person, ref)
            await holds.require_free(connection, sorted(found))
            chosen = await self._chosen(connection, person, ref)
            await connection.execute(
                update(texts).where(chosen).values(salt=None, text=None, erased_at=self._clock.now())
            )
            if person:
                await blank(connection, sayings.c.author == person, self._clock)
                await connection.execute(update(covers).where(covers.c.asker == person).values(because=""))
            for incident in found:  # the lists show titles, and are searched for words
                await projections.rewrite(connection, self._codec, incident)
            return sum(found.values())

        count = await self._database.write(work, within=None)
        if count:
            await self._database.empty_journal()
        return count

    async def _found(self, connection: AsyncConnection, person: str, ref: str) -> Counter[str]:
        """How many texts and messages of which incident are meant."""
        chosen = await self._chosen(connection, person, ref)
        found = Counter((await connection.execute(select(texts.c.incident).where(chosen))).scalars().all())
        if person:
            said = select(sayings.c.incident).where((sayings.c.author == person) & legible())
            found.update((await connection.execute(said)).scalars().all())
        return found

    async def _chosen(self, connection: AsyncConnection, person: str, ref: str) -> ColumnElement[bool]:
        """The texts that are meant and still there.

        A message that was kept is its author's, whoever kept it: it goes with its author and stays with its keeper.
        """
        there = texts.c.erased_at.is_(None)
        if not person:
            return (texts.c.ref == ref) & there
        chosen = texts.c.by == person
        for incident in await self._touched(connection, person):
            theirs, others = await self._kept_in(connection, incident, person)
            here = texts.c.incident == incident
            chosen = (chosen & ~(here & texts.c.seq.in_(others))) | (here & texts.c.seq.in_(theirs))
        return chosen & there

    async def _touched(self, connection: AsyncConnection, person: str) -> list[str]:
        """The incidents in which a person said or wrote anything."""
        wrote = select(texts.c.incident).where(texts.c.by == person)
        spoke = select(sayings.c.incident).where((sayings.c.author == person) & (sayings.c.incident != ""))
        return sorted((await connection.execute(union(wrote, spoke))).scalars())

    async def _kept_in(self, connection: AsyncConnection, incident: str, person: str) -> tuple[list[int], list[int]]:
        """The entries that hold messages of this person, and those that hold somebody else's."""
        query = select(sayings.c.channel, sayings.c.ts, sayings.c.author).where(sayings.c.incident == incident)
        authors = {f"{row.channel}/{row.ts}": row.author for row in await connection.execute(query)}
        theirs: list[int] = []
        others: list[int] = []
        for entry in (await look(connection, self._codec, incident)).entries:
            author = authors.get(getattr(entry.event, "said", ""), getattr(entry.event, "author", None))
            if author is not None:
                (theirs if author == person else others).append(entry.seq)
        return theirs, others

    async def hold(self, incident: str, because: str) -> None:
        """Put an incident under a legal hold: nothing of it can be erased. The newest reason stands."""
        reason = because.strip()
        if not reason:
            raise Refused("a legal hold needs its reason")
        await self._database.write(lambda c: holds.put(c, incident, reason, self._clock.now()))

    async def held(self, incident: str) -> str:
        """Why an incident is under a legal hold, "" where it is not."""
        return await self._database.read(lambda c: holds.because(c, incident))

    async def release(self, incident: str) -> bool:
        """Lift a legal hold; False where there was none."""
        return await self._database.write(lambda c: holds.lift(c, incident))


def _require_one(person: str, ref: str) -> None:
    """Raise Refused unless exactly one of both is named."""
    if bool(person) == bool(ref):
        raise Refused("say whose words to erase, or which text")
