"""Who is logged in: a cookie holds a random id, the database its hash; sessions end, go on, and are proved anew."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.engine.access import Session, Sessions, Way
from bot.engine.values import Profile

NOTED = timedelta(minutes=1)
"""How exactly it is known when somebody did something last."""
LINGERS = timedelta(minutes=1)
"""How long the id before still works: a page asks for several things at once."""
LENGTH = 43
"""Letters of an id: 32 random bytes."""
PROOF_LASTS = timedelta(minutes=5)


def hashed(secret: str) -> str:
    """What is kept of a secret: enough to know it again, not to use it."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Visits:
    """Sessions as cookies show them."""

    def __init__(self, clock: Clock, kept: Sessions, *, idle: timedelta, lasts: timedelta) -> None:
        self.clock, self.kept, self.idle, self.lasts = clock, kept, idle, lasts

    async def begin(
        self, who: Profile, way: Way, *, issuer: str = "", subject: str = "", hint: str = "", before: str = ""
    ) -> str:
        """Log somebody in under a new id: the cookie. `before` is the one the browser had. Raises Unavailable."""
        now = self.clock.now()
        if old := _digest(before):
            await self.kept.end(old)
        name = secrets.token_urlsafe(32)
        roles = frozenset(map(str, who.roles))
        session = Session(hashed(name), who.id, way, now, now, now + self.lasts, roles, issuer, subject, hint)
        await self.kept.begin(session)
        return name

    async def find(self, cookie: str) -> Session | None:
        """The session of that cookie, while it lasts and was not left alone too long. Raises Unavailable."""
        digest, now = _digest(cookie), self.clock.now()
        found = await self.kept.session(digest, now) if digest else None
        return found if found is not None and now - found.seen < self.idle else None

    async def awake(self, session: Session, who: Profile) -> str:
        """Its person did something: noted, to the minute. A new cookie where their roles changed, else ""."""
        now = self.clock.now()
        with contextlib.suppress(Unavailable):  # it was read a moment ago; what is asked will say so itself
            if session.roles != frozenset(map(str, who.roles)):
                return await self.go_on(session, who)
            if now - session.seen >= NOTED:
                await self.kept.seen(session.digest, now)
        return ""

    async def go_on(self, session: Session, who: Profile, *, proved: bool = False) -> str:
        """The same session under a new id, so that an id that leaked earlier gains nothing; "" where it just did so.

        Raises Unavailable.
        """
        now, name = self.clock.now(), secrets.token_urlsafe(32)
        roles = frozenset(map(str, who.roles))
        fresh = replace(session, digest=hashed(name), seen=now, roles=roles, proved=now if proved else None)
        gone = await self.kept.replace(session.digest, fresh, min(session.ends, now + LINGERS))
        return name if gone else ""

    async def end(self, cookie: str) -> Session | None:
        """Log out everywhere: every session of that person ends. The one that asked. Raises Unavailable."""
        found = await self.find(cookie)
        if found is not None:
            await self.kept.end_all(found.person)
        return found

    async def of(self, person: str = "") -> Sequence[Session]:
        """Those of a person, or of everybody, that are not over. Raises Unavailable."""
        now = self.clock.now()
        return [each for each in await self.kept.sessions(now, person) if now - each.seen < self.idle]

    def proof(self, session: Session) -> bool:
        """Whether its person proved a moment ago who they are, and that was not used yet."""
        return session.proved is not None and self.clock.now() - session.proved < PROOF_LASTS

    async def use_proof(self, session: Session) -> bool:
        """The same, and it is used now. Raises Unavailable."""
        return await self.kept.use_proof(session.digest, self.clock.now() - PROOF_LASTS)


def _digest(cookie: str) -> str:
    """The hash of a cookie's id, "" where it can be none of ours."""
    return hashed(cookie) if len(cookie) == LENGTH and cookie.isascii() else ""
