"""Who is who with the provider of logins, and what was done to people's access, by whom and when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.policy import Role
from bot.engine.access import Account, Deed
from bot.store.database import Database, insert
from bot.store.tables import access_log, accounts, people

STRANGERS = 200
"""So many accounts that are nobody's are remembered, the newest: anybody with the provider can make one."""


class Accounts:
    """The port of that name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def account(self, issuer: str, subject: str) -> Account | None:
        """Whoever the provider knows by that subject. Raises Unavailable."""
        query = select(accounts).where(accounts.c.issuer == issuer, accounts.c.subject == subject)
        row = (await self._database.read(lambda c: c.execute(query))).first()
        return None if row is None else _account(row)

    async def met(self, account: Account) -> None:
        """Keep what is known of an account now; the roles of its groups are its person's from then on.

        Raises Unavailable.
        """
        roles = None if account.roles is None else json.dumps(sorted(account.roles))
        row = {
            "issuer": account.issuer,
            "subject": account.subject,
            "shown": account.shown,
            "person": account.person,
            "seen": account.seen,
            "roles": roles,
        }

        async def work(connection: AsyncConnection) -> None:
            mine = accounts.c.issuer == account.issuer, accounts.c.subject == account.subject
            before = (await connection.execute(select(accounts.c.person).where(*mine))).scalar() or ""
            for person, given in {before: None, account.person: roles}.items():
                if person:
                    await connection.execute(update(people).where(people.c.id == person).values(granted=given))
            keys = ["issuer", "subject"]
            written = insert(connection, accounts).values(row).on_conflict_do_update(index_elements=keys, set_=row)
            await connection.execute(written)
            if not account.person:
                await connection.execute(_too_many())

        await self._database.write(work)

    async def accounts(self, issuer: str = "") -> Sequence[Account]:
        """All of them, or those with one provider, who came last first. Raises Unavailable."""
        query = select(accounts).order_by(accounts.c.seen.desc(), accounts.c.subject)
        query = query.where(accounts.c.issuer == issuer) if issuer else query
        return [_account(row) for row in (await self._database.read(lambda c: c.execute(query))).all()]

    async def write(self, deed: Deed) -> None:
        """Write down what was done. Raises Unavailable."""
        row = {"at": deed.at, "by": deed.by, "what": deed.what, "about": deed.about, "detail": deed.detail}
        await self._database.write(lambda c: c.execute(insert(c, access_log).values(row)))

    async def deeds(self, *, limit: int = 100, about: str = "") -> Sequence[Deed]:
        """What was done, the newest first. Raises Unavailable."""
        query = select(access_log).order_by(access_log.c.id.desc()).limit(limit)
        query = query.where(access_log.c.about == about) if about else query
        rows = (await self._database.read(lambda c: c.execute(query))).all()
        return [Deed(row.at, row.by, row.what, row.about, row.detail) for row in rows]


def _too_many() -> Any:
    """Forgets the oldest of those who are nobody here."""
    stranger = accounts.c.person == ""
    kept = select(accounts.c.seen).where(stranger).order_by(accounts.c.seen.desc()).offset(STRANGERS).limit(1)
    return delete(accounts).where(stranger, accounts.c.seen <= kept.scalar_subquery())


def _account(row: Row[Any]) -> Account:
    roles = None if row.roles is None else frozenset(Role(each) for each in json.loads(row.roles) if each in set(Role))
    return Account(row.issuer, row.subject, row.shown, row.seen, row.person, roles)
