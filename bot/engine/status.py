"""Keeps the status page as it stands at hand: read from the log when it changed, shown to any number of readers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.errors import Unavailable
from bot.domain.incident import Incident
from bot.domain.status_page import DAYS, Announced, Component, StatusPage, page_of
from bot.engine.handle import Handler
from bot.telemetry import log as logger

EVERY = timedelta(seconds=10)
"""So long what is at hand is shown without asking whether another replica wrote."""
STALE = timedelta(minutes=2)
"""A copy older than this says that it could not be refreshed."""
BEFORE = timedelta(days=DAYS + 1)


class Spoken(Protocol):
    """The list of what the page speaks of, kept beside the log."""

    async def spoken_of(self, since: datetime) -> dict[str, str]:
        """Incidents with statements, but for those over before then, each with what changes as they do."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The page as it was last read: as of when, and a number that changes with each reading."""

    page: StatusPage
    as_of: datetime
    turn: int
    stale: bool = False


@dataclass
class StatusBoard:
    """One for the house. `everything` also shows what is not for the public."""

    handler: Handler
    spoken: Spoken
    title: str
    components: tuple[Component, ...]
    announced: Sequence[Announced] = ()
    public: bool = False
    asked: int = 0  # how often the log was asked
    _known: dict[str, tuple[str, Incident]] = field(default_factory=dict)
    _as_of: datetime | None = None
    _tried: datetime | None = None
    _dirty: bool = True
    _turn: int = 0
    _refreshing: asyncio.Task[None] | None = None
    _copies: dict[bool, Copy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """From now on every commit of this process is heard."""
        self.handler.after_commit(self.changed)

    def changed(self, name: str) -> None:
        """Something was committed here; where that incident has statements the next reader asks for them."""
        known = self.handler.log.at_hand(name)
        if known is None or known.statements:
            self._dirty = True

    async def copy(self, *, everything: bool = False) -> Copy:
        """The page as of now where the log answers, else as it was last read. Raises Unavailable before the first."""
        now = self.handler.clock.now()
        if self._due(now):
            if self._refreshing is None:
                self._dirty, self._tried = False, now
                self._refreshing = asyncio.create_task(self._refresh(now))
            await asyncio.shield(self._refreshing)
        if self._as_of is None:
            raise Unavailable("the status page", "it could not be read yet")
        return self._made(self._as_of, now, everything=everything)

    def _due(self, now: datetime) -> bool:
        if self._dirty or self._as_of is None or self._tried is None:
            return True
        return not timedelta() <= now - self._tried < EVERY

    def _made(self, as_of: datetime, now: datetime, *, everything: bool) -> Copy:
        stale = now - as_of > STALE
        held = self._copies.get(everything)
        if held is not None and (held.turn, held.stale) == (self._turn, stale):
            return held
        shown = tuple(each for each in self.components if everything or each.public)
        page = page_of([incident for _version, incident in self._known.values()], shown, self.announced, as_of)
        self._copies[everything] = made = Copy(page, as_of, self._turn, stale)
        return made

    async def _refresh(self, now: datetime) -> None:
        """Ask what the page speaks of and read what changed; what is at hand stays where nobody answers."""
        self.asked += 1
        try:
            known = await self._read(now)
        except Unavailable:
            return
        except Exception:  # noqa: BLE001 - readers are shown what is at hand, whatever is wrong with the rest
            logger().exception("the status page could not be read anew")
            return
        finally:
            self._refreshing = None
        self._known, self._as_of = known, now
        self._turn += 1

    async def _read(self, now: datetime) -> dict[str, tuple[str, Incident]]:
        versions = await self.spoken.spoken_of(now - BEFORE)
        known: dict[str, tuple[str, Incident]] = {}
        for name, version in versions.items():
            held = self._known.get(name)
            if held is not None and held[0] == version:
                known[name] = held
            elif (incident := await self.handler.legible.one(name)) is not None:
                known[name] = (version, incident)
            elif held is not None:
                known[name] = held  # it cannot be read any more: what was said of it stands
        return known
