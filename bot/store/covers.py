"""Who asked to be stood in for, and who does: a request is taken once, whoever of two clicks first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import NotFound, Refused
from bot.engine.roster_ports import Cover, Stand
from bot.store.database import Database, insert
from bot.store.tables import covers

_SHOWN = tuple(covers.c[field.name] for field in fields(Cover))


class Covers:
    """The port Covers on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, cover: Cover) -> None:
        """Keep a new request. A known id changes nothing. Raises Refused for an empty stretch, Unavailable."""
        if cover.start >= cover.end:
            raise Refused("a cover ends after it begins")
        await self._database.write(lambda c: _added(c, cover))

    async def take(self, cover: str, by: str, at: datetime) -> Cover:
        """Take it; the second click of the same person changes nothing. Raises NotFound, Refused, Unavailable."""

        async def work(connection: AsyncConnection) -> Cover:
            known = await _known(connection, cover)
            if known.stand is Stand.TAKEN and known.taker == by:
                return known
            if known.end <= at:
                raise Refused("this cover is over already")
            if known.stand is Stand.WITHDRAWN:
                raise Refused("this request was withdrawn; there is nothing to take over any more")
            if known.asker == by:
                raise Refused("this is your own request; somebody else has to take it")
            if known.stand is Stand.ASKED:
                after = replace(known, stand=Stand.TAKEN, taker=by, taken_at=at)
                if await _changed(connection, known, after):
                    return after
            raise Refused("somebody else has taken this cover already")

        return await self._database.write(work)

    async def withdraw(self, cover: str, by: str, at: datetime) -> Cover:
        """Its asker takes the request back, or whoever took it lets go of it; how it stands then.

        Once it has begun, the hours that somebody stood in for stay theirs: the cover ends now, and what a taker lets
        go of is asked for anew under an id of its own, which is returned. Raises NotFound, Refused, Unavailable.
        """

        async def work(connection: AsyncConnection) -> Cover:
            known = await _known(connection, cover)
            if by not in {known.asker, known.taker}:
                raise Refused("only who asked for this cover, or who took it, can withdraw it")
            if known.stand is Stand.WITHDRAWN:
                return known
            if known.end <= at:
                raise Refused("this cover is over already")
            begun = known.stand is Stand.TAKEN and known.start < at
            open_again = replace(known, stand=Stand.ASKED, taker="", taken_at=None)
            if begun:
                after = replace(known, end=at)
                rest = replace(open_again, id=f"{known.id}-{at:%H%M%S}", start=at) if by == known.taker else after
            else:
                after = rest = open_again if by == known.taker else replace(known, stand=Stand.WITHDRAWN)
            if not await _changed(connection, known, after):
                raise Refused("somebody else changed this cover at the same moment; look again")
            if rest is not after:
                await _added(connection, rest)
            return rest

        return await self._database.write(work)

    async def since(self, moment: datetime, rota: str = "") -> Sequence[Cover]:
        """Those that end after that moment, in the order in which they were taken (those not taken first)."""
        query = select(*_SHOWN).where(covers.c.end > moment)
        if rota:
            query = query.where(covers.c.rota == rota)
        query = query.order_by(covers.c.taken_at.is_not(None), covers.c.taken_at, covers.c.asked_at, covers.c.id)
        return [_cover(row) for row in await self._database.read(lambda c: c.execute(query))]


async def _added(connection: AsyncConnection, cover: Cover) -> None:
    await connection.execute(insert(connection, covers).values(asdict(cover)).on_conflict_do_nothing())


async def _known(connection: AsyncConnection, cover: str) -> Cover:
    row = (await connection.execute(select(*_SHOWN).where(covers.c.id == cover).with_for_update())).first()
    if row is None:
        raise NotFound("cover", cover)
    return _cover(row)


async def _changed(connection: AsyncConnection, before: Cover, after: Cover) -> bool:
    """Whether it still stood so: of two clicks one wins."""
    stood = (covers.c.id == before.id) & (covers.c.stand == before.stand) & (covers.c.taker == before.taker)
    changed = update(covers).where(stood).values(asdict(after)).returning(covers.c.id)
    return (await connection.execute(changed)).first() is not None


def _cover(row: Row[Any]) -> Cover:
    held = row._asdict()
    return Cover(**held | {"stand": Stand(held["stand"])})
