"""Knows who people are: one opaque id for each, whatever name, mail address or Slack account they have today."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Refused
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.store.codec import RandomHex
from bot.store.database import Database, insert
from bot.store.tables import people


class People:
    """The port People on a database. Whoever the configuration no longer names keeps an id and a name, and no role."""

    def __init__(self, database: Database, random_hex: RandomHex) -> None:
        self._database, self._random_hex = database, random_hex

    async def enrol(self, profiles: Sequence[Profile]) -> None:
        """Make the directory say what the configuration says; ids of known keys stay (given ids are ignored).

        Raises Refused where a key, a Slack account or a mail address is given twice.
        """
        _require_distinct(profiles)

        async def work(connection: AsyncConnection) -> None:
            rows = await connection.execute(select(people.c.key, people.c.id))
            known = {row.key: row.id for row in rows}
            await connection.execute(update(people).values(named=False, roles="[]", slack_team="", slack_user=""))
            for profile in profiles:
                row = {
                    "id": known.get(profile.key) or f"p_{self._random_hex(8)}",
                    "key": profile.key,
                    "name": profile.name,
                    "roles": json.dumps(sorted(profile.roles)),
                    "slack_team": profile.slack_team,
                    "slack_user": profile.slack_user,
                    "email": profile.email,
                    "named": True,
                }
                again = {name: value for name, value in row.items() if name != "id"}
                statement = insert(connection, people).values(row)
                # two replicas starting at once: the id of the first stands
                await connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=again))

        await self._database.write(work, within=10)

    async def everyone(self) -> list[Profile]:
        """Everybody the configuration names, by key."""
        return await self._find(people.c.named)

    async def by_id(self, person: str) -> Profile | None:
        """Anybody ever known, so that old entries keep their names."""
        return next(iter(await self._find(people.c.id == person)), None)

    async def by_key(self, key: str) -> Profile | None:
        """Whoever the configuration calls that."""
        return next(iter(await self._find(people.c.named & (people.c.key == key))), None)

    async def known(self, name: str) -> Profile | None:
        """Whoever has or had that key, or has that id, whether the configuration still names them or not."""
        return next(iter(await self._find((people.c.key == name) | (people.c.id == name))), None)

    async def by_slack(self, team: str, user: str) -> Profile | None:
        """Whoever has that account; a profile that names no team is known in every team."""
        if not user:
            return None
        found = await self._find(people.c.named & (people.c.slack_user == user) & people.c.slack_team.in_([team, ""]))
        return max(found, key=lambda profile: profile.slack_team, default=None)

    async def erase(self, person: str) -> bool:
        """Forget name and accounts of somebody no longer named; the id stays in the log. False where unknown.

        Raises Refused while the configuration names them: the next start would bring them back.
        """
        profile = await self.by_id(person)
        if profile is None:
            return False
        if await self.by_key(profile.key) is not None:
            raise Refused(f"the configuration still names {profile.key}; take them out first")
        blank = {"key": f"erased/{person}", "name": "[erased]", "email": "", "slack_team": "", "slack_user": ""}
        await self._database.write(lambda c: c.execute(update(people).where(people.c.id == person).values(blank)))
        return True

    async def _find(self, where: Any) -> list[Profile]:
        query = select(people).where(where).order_by(people.c.key)
        return [_profile(row) for row in await self._database.read(lambda c: c.execute(query))]


def _profile(row: Row[Any]) -> Profile:
    roles = frozenset(Role(role) for role in json.loads(row.roles) if role in set(Role))
    return Profile(row.id, row.key, row.name, roles, row.slack_team, row.slack_user, row.email)


def _require_distinct(profiles: Sequence[Profile]) -> None:
    """Two keys for one human would let them approve what they proposed: keys, accounts and addresses are one's own."""
    keys: set[str] = set()
    addresses: dict[str, str] = {}
    accounts: dict[str, list[Profile]] = {}
    for profile in profiles:
        if profile.key in keys:
            raise Refused(f"two people are called {profile.key}")
        keys.add(profile.key)
        if profile.email:
            other = addresses.setdefault(profile.email.casefold(), profile.key)
            if other != profile.key:
                raise Refused(f"{other} and {profile.key} have the same mail address {profile.email}")
        if not profile.slack_user:
            continue
        for earlier in accounts.setdefault(profile.slack_user, []):
            if _same_team(earlier.slack_team, profile.slack_team):
                raise Refused(f"{earlier.key} and {profile.key} have the same Slack account {profile.slack_user}")
        accounts[profile.slack_user].append(profile)


def _same_team(one: str, other: str) -> bool:
    """Whether two accounts may be of one team; "" stands for every team."""
    return one == other or not one or not other
