"""Looks after what was sent twice in doubt: until ten minutes later, whatever landed a second time is taken away."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.engine.ports import Mirror
from bot.engine.values import Posted
from bot.slack.client import Json
from bot.slack.pacing import Rank
from bot.slack.poster import LATE, POSTED, Poster

_log = logging.getLogger(__name__)
EVERY = timedelta(seconds=30)
"""How often duplicates are looked for; one look serves everything in the same thread or channel."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A surface that was posted more than once and may have landed more than once."""

    row: Posted
    thread_ts: str
    since: datetime
    until: datetime


class Duplicates:
    """The surfaces that may stand twice."""

    def __init__(self, poster: Poster, mirror: Mirror, clock: Clock) -> None:
        self._poster, self._mirror, self._clock = poster, mirror, clock
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._due = clock.now()

    def watch(self, row: Posted, thread_ts: str) -> None:
        """It was posted again at `row.at`; what was sent in doubt before may land until ten minutes later."""
        self._watched[row.incident, row.surface] = _Watched(row, thread_ts, row.at - LATE, row.at + LATE)

    async def tend(self) -> None:
        """Look for them now and then."""
        if self._watched and self._clock.now() >= self._due:
            await self.sweep()

    async def sweep(self) -> int:
        """Look for them now; how many are still watched."""
        now = self._clock.now()
        self._due = now + EVERY
        places: dict[tuple[str, str], list[_Watched]] = {}
        for watched in self._watched.values():
            places.setdefault((watched.row.channel, watched.thread_ts), []).append(watched)
        for (channel, thread_ts), group in places.items():
            over = [one for one in group if now >= one.until]
            try:
                said = await self._poster.read(channel, thread_ts, min(one.since for one in group), rank=Rank.TRIM)
                for one in group:
                    await self._collapse(one, said)
            except Refused as refused:  # the channel may not be read; asking again would be refused again
                _log.info("duplicates in %s cannot be looked for: %s", channel, refused)
                over = group
            except Unavailable as error:
                _log.info("could not look for duplicates in %s: %s", channel, error)
                if isinstance(error, RateLimited):
                    over = [one for one in group if now >= one.until + LATE]
            for one in over:
                self._forget(one)
        return len(self._watched)

    def _forget(self, watched: _Watched) -> None:
        key = (watched.row.incident, watched.row.surface)
        if self._watched.get(key) is watched:
            del self._watched[key]

    async def _collapse(self, watched: _Watched, said: list[Json]) -> None:
        row = (await self._mirror.of(watched.row.incident)).get(watched.row.surface, watched.row)
        if row.state != POSTED or row.channel != watched.row.channel:
            return  # it is being posted, or stands elsewhere by now
        found = await self._poster.copies(row, said, thread_ts=watched.thread_ts)
        if len(found) > 1:
            await self._poster.adopt(row, found)
