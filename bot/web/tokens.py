"""Personal tokens: what lets a terminal or script act as one person, and as nobody else, for thirty days."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import Clock
from bot.web.auth import hashed, keep_private

TOKEN_LASTS = timedelta(days=30)
PREFIX = "tocsin_"
"""How every personal token begins, so that a scanner finds one that leaked."""


@dataclass(frozen=True, slots=True)
class Held:
    """A token as it is kept: whose (by opaque id), since when, until when. The token itself is kept nowhere."""

    person: str
    made_at: datetime
    expires: datetime


class PersonalTokens:
    """Who holds a token of their own, in a file of hashes; it is read anew each time, so that its removal ends all."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.clock, self.path = clock, folder / "tokens.json"

    def mint(self, person: str) -> tuple[str, datetime]:
        """A token for this person (by opaque id) and when it ends; nobody can read it again."""
        token, now = PREFIX + secrets.token_urlsafe(32), self.clock.now()
        kept = {name: held for name, held in self._read().items() if held.expires > now}
        kept[hashed(token)] = Held(person, now, now + TOKEN_LASTS)
        self._save(kept)
        return token, now + TOKEN_LASTS

    def person(self, token: str) -> str | None:
        """Whose token that is, while it lasts."""
        held = self._read().get(hashed(token)) if token.startswith(PREFIX) else None
        return held.person if held and self.clock.now() < held.expires else None

    def revoke(self, person: str) -> int:
        """End every token of this person; how many there were."""
        held = self._read()
        kept = {name: each for name, each in held.items() if each.person != person}
        self._save(kept)
        return len(held) - len(kept)

    def _save(self, kept: dict[str, Held]) -> None:
        rows = {
            name: {"person": each.person, "made_at": each.made_at.isoformat(), "expires": each.expires.isoformat()}
            for name, each in kept.items()
        }
        keep_private(self.path, json.dumps(rows, indent=1) + "\n")

    def _read(self) -> dict[str, Held]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            return {name: _held(row) for name, row in rows.items()}
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return {}  # nobody holds one then; a new one is one command away


def _held(row: dict[str, str]) -> Held:
    """Raises KeyError, TypeError, ValueError where it was not written here."""
    made_at, expires = datetime.fromisoformat(row["made_at"]), datetime.fromisoformat(row["expires"])
    if made_at.tzinfo is None or expires.tzinfo is None:
        raise ValueError(row)
    return Held(str(row["person"]), made_at, expires)
