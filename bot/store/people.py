"""Knows who people are: one opaque id for each, whatever name, mail address or Slack account they have today."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.domain.errors import Refused
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.store.codec import RandomHex
from bot.store.database import Database, insert
from bot.store.tables import accounts, login_links, people, sessions, tokens

BELIEVED = timedelta(seconds=5)
"""How long the directory is taken for what it was: another replica may have started with another one."""


class Directory:
    """Everybody ever known, as read at one moment."""

    def __init__(self, rows: Sequence[Row[Any]]) -> None:
        every = [(_profile(row), bool(row.named)) for row in rows]
        self.named = [profile for profile, named in every if named]
        self.by_id = {profile.id: profile for profile, _named in every}
        self.by_key = {profile.key: profile for profile in self.named}
        self.ever_by_key = {profile.key: profile for profile, _named in every}
        self.by_user: dict[str, list[Profile]] = {}
        for profile in self.named:
            self.by_user.setdefault(profile.slack_user, []).append(profile)


class People:
    """The port People on a database. Whoever the configuration no longer names keeps an id and a name, and no role."""

    def __init__(self, database: Database, random_hex: RandomHex, clock: Clock) -> None:
        self._database, self._random_hex, self._clock = database, random_hex, clock
        self._reading: asyncio.Task[Directory] | None = None  # or read: everybody who asks waits for the same
        self._read_at = clock.now()

    async def enrol(self, profiles: Sequence[Profile], *, granting: bool = True) -> None:
        """Make the directory say what the configuration says; whoever is known keeps their id (given ids are ignored).

        Where groups are not `granting` roles, those they gave once are forgotten.
        Raises Refused where a key, a Slack account or a mail address is given twice.
        """
        _require_distinct(profiles)
        forgotten = {} if granting else {"granted": None}

        async def work(connection: AsyncConnection) -> None:
            # of two replicas that start at once the second reads what the first wrote
            rows = (await connection.execute(select(people).with_for_update())).all()
            known = ids_kept(profiles, rows)
            await connection.execute(update(people).values(named=False, roles="[]", groups="[]", **forgotten))
            keeps = {person: key for key, person in known.items()}
            wanted = {profile.key for profile in profiles}
            for had in rows:  # its key is another's from now on, or its own is another one: free it first
                if had.key != keeps.get(had.id, had.key) or (had.id not in keeps and had.key in wanted):
                    former = people.c.id == had.id
                    await connection.execute(update(people).where(former).values(key=f"former/{had.id}"))
            for profile in profiles:
                row = {
                    "id": known.get(profile.key) or f"p_{self._random_hex(8)}",
                    "key": profile.key,
                    "name": profile.name,
                    "roles": json.dumps(sorted(profile.roles)),
                    "groups": json.dumps(sorted(profile.groups)),
                    "slack_team": profile.slack_team,
                    "slack_user": profile.slack_user,
                    "email": profile.email,
                    "named": True,
                }
                again = {name: value for name, value in row.items() if name != "id"}
                if profile.key in known:
                    await connection.execute(update(people).where(people.c.id == row["id"]).values(again))
                    continue
                statement = insert(connection, people).values(row)
                # two replicas starting at once: the id of the first stands
                await connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=again))

        self._reading = None
        await self._database.write(work, within=10)
        self._reading = None

    async def everyone(self) -> list[Profile]:
        """Everybody the configuration names, by key."""
        return list((await self._directory()).named)

    async def by_id(self, person: str) -> Profile | None:
        """Anybody ever known, so that old entries keep their names."""
        return (await self._directory()).by_id.get(person)

    async def as_of_now(self, person: str) -> Profile | None:
        """Like `by_id`, read from the database now. Raises Unavailable."""
        self._reading = None
        return await self.by_id(person)

    async def by_key(self, key: str) -> Profile | None:
        """Whoever the configuration calls that."""
        return (await self._directory()).by_key.get(key)

    async def known(self, name: str) -> Profile | None:
        """Whoever has or had that key, or has that id, whether the configuration still names them or not."""
        directory = await self._directory()
        return directory.ever_by_key.get(name) or directory.by_id.get(name)

    async def by_slack(self, team: str, user: str) -> Profile | None:
        """Whoever has that account; a profile that names no team is known in every team."""
        if not user:
            return None
        found = (await self._directory()).by_user.get(user, ())
        theirs = [profile for profile in found if profile.slack_team in (team, "")]
        return max(theirs, key=lambda profile: profile.slack_team, default=None)

    async def erase(self, person: str) -> bool:
        """Forget name and accounts of somebody no longer named; the id stays in the log. False where unknown.

        Raises Refused while the configuration names them: the next start would bring them back.
        """
        self._reading = None
        profile = await self.by_id(person)
        if profile is None:
            return False
        if await self.by_key(profile.key) is not None:
            raise Refused(f"the configuration still names {profile.key}; take them out first")
        blank: dict[str, str | None] = {"key": f"erased/{person}", "name": "[erased]", "email": "", "granted": None}
        blank |= {"slack_team": "", "slack_user": ""}

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(update(people).where(people.c.id == person).values(blank))
            await connection.execute(delete(login_links).where(login_links.c.key == profile.key))
            for kept in (sessions, tokens, accounts):
                await connection.execute(delete(kept).where(kept.c.person == person))

        await self._database.write(work)
        self._reading = None
        return True

    async def _directory(self) -> Directory:
        """The directory as it was at most a moment ago. Raises Unavailable."""
        now, reading = self._clock.now(), self._reading
        failed = reading is not None and reading.done() and (reading.cancelled() or reading.exception() is not None)
        if reading is None or failed or not timedelta() <= now - self._read_at < BELIEVED:
            reading = self._reading = asyncio.create_task(self._read())
            reading.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._read_at = now
        return await asyncio.shield(reading)

    async def _read(self) -> Directory:
        query = select(people).order_by(people.c.key)
        return Directory((await self._database.read(lambda c: c.execute(query))).all())


def ids_kept(profiles: Sequence[Profile], rows: Sequence[Row[Any]]) -> dict[str, str]:
    """Who of the configuration is known already, and by what id: key → id.

    A human stays one person under another key, else they could approve what they proposed under the former. An account
    tells who it is, then the address of whoever has a new key, then the key. One id is one person's: what two could
    be is nobody's.
    """
    keys = {row.key for row in rows}
    passes: tuple[tuple[_Mark, _Mark], ...] = (
        (_account, _account),
        (_user, lambda profile: "" if profile.slack_team else profile.slack_user),  # of no team is of every team
        (lambda row: "" if row.slack_team else row.slack_user, _user),
        (_mail, lambda profile: "" if profile.key in keys else _mail(profile)),
        (_key, _key),
    )
    kept: dict[str, str] = {}
    taken: set[str] = set()
    for of_row, of_profile in passes:
        found: dict[object, list[Row[Any]]] = {}
        for row in rows:
            if row.id not in taken and (mark := of_row(row)):
                found.setdefault(mark, []).append(row)
        for profile in profiles:
            could_be = found.get(of_profile(profile), []) if profile.key not in kept else []
            if len(could_be) > 1:
                theirs = [row for row in could_be if row.key == profile.key]
                could_be = theirs or [row for row in could_be if row.named]
            if len(could_be) == 1 and could_be[0].id not in taken:
                kept[profile.key] = could_be[0].id
                taken.add(could_be[0].id)
    return kept


_Mark = Callable[[Any], object]
"""What tells a row, or a profile of the configuration, from others; "" where it has none."""


def _account(one: Any) -> object:
    return one.slack_user and (one.slack_team, one.slack_user)


def _user(one: Any) -> object:
    return one.slack_user


def _mail(one: Any) -> object:
    return one.email.casefold()


def _key(one: Any) -> object:
    return one.key


def _profile(row: Row[Any]) -> Profile:
    """As known now: whoever is no longer named is at no account, though it is remembered that it was theirs."""
    written = row.granted if row.named and row.granted is not None else row.roles
    roles = frozenset(Role(role) for role in json.loads(written) if role in set(Role))
    groups = frozenset(map(str, json.loads(row.groups)))
    team, user = (row.slack_team, row.slack_user) if row.named else ("", "")
    return Profile(row.id, row.key, row.name, roles, team, user, row.email, groups)


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
