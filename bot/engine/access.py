"""What is remembered of how people come in: links, sessions, tokens, accounts, and what was done to them by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.domain.policy import Role


class Scope(StrEnum):
    """What a token may be used for; whoever it speaks for must be allowed it besides."""

    READ = "read"
    RESPOND = "respond"
    APPROVE = "approve"
    ADMIN = "admin"


class Way(StrEnum):
    """How a session was begun."""

    LINK = "link"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody logged in: `digest` is the hash of the session's id, `person` an opaque id.

    `roles` are those they had when its id was drawn; `issuer` and `subject` say as whom the provider knows them.
    """

    digest: str
    person: str
    way: Way
    begun: datetime
    seen: datetime
    ends: datetime
    roles: frozenset[str] = frozenset()
    issuer: str = ""
    subject: str = ""
    hint: str = ""
    """The provider's own token, where it wants to be told at the end whose session that was."""
    proved: datetime | None = None
    """When they proved anew who they are, as long as that was not used."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A way to the provider and back: what must come back with the answer, and what it was for.

    `session` is the hash of the session that wants to prove itself anew, "" for a login.
    """

    nonce: str
    verifier: str
    then: str
    begun: datetime
    session: str = ""


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token as it is kept: its public id, whose it is, what for, from when to when. The token itself is not."""

    id: str
    person: str
    name: str
    scopes: frozenset[Scope]
    made: datetime
    expires: datetime
    used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody as a provider knows them; `person` is "" while they are nobody here.

    `roles` are those of their groups at the last login, None where groups give none.
    """

    issuer: str
    subject: str
    shown: str
    seen: datetime
    person: str = ""
    roles: frozenset[Role] | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did to somebody's access. `by` and `about` are opaque ids; "" is whoever runs the machine."""

    at: datetime
    by: str
    what: str
    about: str
    detail: str = ""


class Sessions(Protocol):
    """Login links, sessions and errands, known to every replica. All raise Unavailable."""

    async def keep_link(self, digest: str, key: str, now: datetime, ends: datetime) -> None: ...

    async def link(self, digest: str, now: datetime) -> str:
        """Whom that link lets in (a key), "" where it is none or over."""
        ...

    async def use_link(self, digest: str, now: datetime) -> str:
        """The same, and it is used up: of several who ask at once one is answered."""
        ...

    async def begin(self, session: Session) -> None: ...

    async def session(self, digest: str, now: datetime) -> Session | None: ...

    async def seen(self, digest: str, at: datetime) -> None: ...

    async def replace(self, old: str, new: Session, until: datetime) -> bool:
        """`new` goes on where `old` was, which lasts until then at most; False where somebody did so already."""
        ...

    async def end(self, digest: str) -> None: ...

    async def end_all(self, person: str) -> int: ...

    async def sessions(self, now: datetime, person: str = "") -> Sequence[Session]: ...

    async def use_proof(self, digest: str, since: datetime) -> bool:
        """Whether they proved themselves since then and it was not used yet; it is used now."""
        ...

    async def send(self, digest: str, errand: Errand, ends: datetime) -> None: ...

    async def back(self, digest: str, now: datetime) -> Errand | None:
        """The errand of that state, once."""
        ...


class Tokens(Protocol):
    """Everybody's tokens, by their hashes. All raise Unavailable."""

    async def add(self, digest: str, token: HeldToken) -> bool:
        """False where it is there already."""
        ...

    async def token(self, digest: str, now: datetime) -> HeldToken | None: ...

    async def used(self, token: str, at: datetime) -> None: ...

    async def end(self, token: str, person: str = "") -> str:
        """End one, where a person is given only if it is theirs; its name, "" where there was none."""
        ...

    async def end_all(self, person: str) -> int: ...

    async def tokens(self, now: datetime, person: str = "") -> Sequence[HeldToken]: ...


class Accounts(Protocol):
    """Who is who with the provider, and the record of what was done to people's access. All raise Unavailable."""

    async def account(self, issuer: str, subject: str) -> Account | None: ...

    async def met(self, account: Account) -> None:
        """Keep what was learned at a login: how they are called there, whose account it is, the roles of its groups."""
        ...

    async def accounts(self, issuer: str = "") -> Sequence[Account]: ...

    async def write(self, deed: Deed) -> None: ...

    async def deeds(self, *, limit: int = 100, about: str = "") -> Sequence[Deed]:
        """The newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """The three of them."""

    sessions: Sessions
    tokens: Tokens
    accounts: Accounts
