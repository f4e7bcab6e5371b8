"""Personal tokens: what lets a terminal or script act as one person and nobody else, within scopes, for a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.engine.access import HeldToken, Scope, Tokens
from bot.telemetry import log
from bot.web.sessions import NOTED, hashed

TOKEN_LASTS = timedelta(days=30)
LONGEST = 365
"""Days a token may last."""
MOST = 50
"""Tokens one person may have at a time."""
PREFIX = "tocsin_"
"""How every personal token begins, so that a scanner finds one that leaked."""
EVERYDAY = frozenset({Scope.READ, Scope.RESPOND, Scope.APPROVE})
"""What a token is for where nobody says: all that an incident asks of a person."""
COVERS = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.RESPOND: frozenset({Scope.READ, Scope.RESPOND}),
    Scope.APPROVE: frozenset({Scope.READ, Scope.RESPOND, Scope.APPROVE}),
    Scope.ADMIN: frozenset({Scope.READ, Scope.ADMIN}),
}
"""What else a scope lets one do: nobody approves what they cannot read."""


class PersonalTokens:
    """Who holds a token of their own; only hashes are kept, and every replica knows them."""

    def __init__(self, clock: Clock, kept: Tokens) -> None:
        self.clock, self.kept = clock, kept

    async def mint(
        self,
        person: str,
        *,
        name: str = "",
        scopes: Collection[Scope] = EVERYDAY,
        lasts: timedelta = TOKEN_LASTS,
        once: str = "",
    ) -> tuple[str, HeldToken]:
        """A token for this person (by opaque id) and how it is kept; nobody can read it again.

        The same form sent again, which `once` tells, makes no second one. Raises Refused, Unavailable.
        """
        if not scopes:
            raise Refused("say what the token is for: read, respond, approve or admin")
        if not timedelta(days=1) <= lasts <= timedelta(days=LONGEST):
            raise Refused(f"a token lasts from one day to {LONGEST}; {lasts.days} is not that")
        now = self.clock.now()
        if len(await self.kept.tokens(now, person)) >= MOST:
            raise Refused(f"{MOST} tokens are enough for one person; revoke one first")
        token = PREFIX + secrets.token_urlsafe(32)
        names = " ".join(name.split())[:80] or "without a name"
        ident = hashed(f"{person} {once}")[:12] if once else secrets.token_hex(6)
        held = HeldToken(f"t_{ident}", person, names, _whole(scopes), now, now + lasts)
        if not await self.kept.add(hashed(token), held):
            raise Refused("that token was made a moment ago, and is shown once only; if you did not keep it, revoke it")
        return token, held

    async def held(self, token: str) -> HeldToken | None:
        """How that token is kept, while it lasts. Raises Unavailable."""
        return await self.kept.token(hashed(token), self.clock.now()) if token.startswith(PREFIX) else None

    async def person(self, token: str) -> str:
        """Whose token that is, while it lasts; "" where nobody's. Raises Unavailable."""
        held = await self.held(token)
        return held.person if held is not None else ""

    async def note(self, held: HeldToken) -> None:
        """It was used, to the minute; that this cannot be written down keeps nobody from anything."""
        now = self.clock.now()
        if held.used is None or now - held.used >= NOTED:
            with contextlib.suppress(Unavailable):
                await self.kept.used(held.id, now)

    async def of(self, person: str = "") -> Sequence[HeldToken]:
        """Those of a person, or of everybody, that are not over. Raises Unavailable."""
        return await self.kept.tokens(self.clock.now(), person)

    async def revoke(self, person: str) -> int:
        """End every token of this person; how many there were. Raises Unavailable."""
        return await self.kept.end_all(person)

    async def take_over(self, path: Path) -> None:
        """Keep what a file of an earlier version held in the database, then remove the file. Raises Unavailable."""
        held = await asyncio.to_thread(_of_file, path)
        if held is None:
            return
        now = self.clock.now()
        for digest, token in held.items():
            if token.expires > now:
                await self.kept.add(digest, token)
        await asyncio.to_thread(path.unlink)
        log().info("the tokens of an earlier version are kept in the database now", count=len(held))


def _of_file(path: Path) -> dict[str, HeldToken] | None:
    """The tokens of that file by their hashes; None where there is none, or it cannot be read and is put aside."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {str(digest): _from_file(row) for digest, row in rows.items()}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        log().warning("a file of tokens could not be read; whoever held one makes a new one", file=str(path))
        path.replace(path.with_suffix(".unreadable"))
        return None


def _whole(scopes: Collection[Scope]) -> frozenset[Scope]:
    return frozenset().union(*(COVERS[each] for each in scopes))


def _from_file(row: dict[str, str]) -> HeldToken:
    """Raises KeyError, TypeError, ValueError where it was not written here."""
    made, expires = datetime.fromisoformat(row["made_at"]), datetime.fromisoformat(row["expires"])
    if made.tzinfo is None or expires.tzinfo is None:
        raise ValueError(row)
    name = "from before tokens had names"
    return HeldToken(f"t_{secrets.token_hex(6)}", str(row["person"]), name, EVERYDAY, made, expires)
