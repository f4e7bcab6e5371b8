"""Which signed requests were answered already: Slack sends no click or command twice, whoever else does learns nothing.

The inbound id alone keeps a replay from a second effect, at every replica; but an answer is for the person who asked.
Events are sent again by Slack itself, answer nothing, and are known by their ids.
"""

import hashlib
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.engine.desk import Desk

MANY, STALE = 500, timedelta(minutes=11)
"""Signatures held before old ones are let go; older than twice Slack's five minutes none is taken anyway."""


class Replays:
    """Signatures, at once in this process and a moment later in the record, for the other replicas."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
        self._here: dict[str, datetime] = {}

    async def first(self, signature: str) -> bool:
        """Whether this request is new to every replica. Raises Unavailable where the record is silent."""
        name = _named(signature)
        if name in self._here:
            return False
        now = self._clock.now()
        if len(self._here) >= MANY:
            self._here = {one: at for one, at in self._here.items() if now - at < STALE}
        self._here[name] = now  # before anything is waited for: two of the same at once are one
        return not await self._desk.log.seen(name)

    async def tell(self, signature: str) -> None:
        """Let the other replicas know; nobody's answer waits for it."""
        await self._desk.log.remember(_named(signature))


def _named(signature: str) -> str:
    return f"slack:signed:{hashlib.sha256(signature.encode('utf-8', 'replace')).hexdigest()[:40]}"
