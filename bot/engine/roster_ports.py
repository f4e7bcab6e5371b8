"""The doors of who is on call: schedules that are kept elsewhere, and covers that people agreed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.rota.rota import Shift


class Schedule(Protocol):
    """A schedule kept elsewhere."""

    async def shifts(self, start: datetime, end: datetime) -> Sequence[Shift]:
        """Who is on call from `start` to `end` (UTC); `person` is their mail address, else their name there.

        Stretches in which nobody is on call are left out. Raises Unavailable: nothing is known, never an empty answer
        for a failed one.
        """

    async def close(self) -> None: ...


class Stand(StrEnum):
    """How a request to be covered stands."""

    ASKED = "asked"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Cover:
    """Somebody asked to be stood in for; once taken it goes before the rota, the one taken last first.

    People are opaque ids; `taker` is "" until somebody took it.
    """

    id: str
    rota: str
    start: datetime
    end: datetime
    asker: str
    taker: str = ""
    stand: Stand = Stand.ASKED
    because: str = ""
    asked_at: datetime | None = None
    taken_at: datetime | None = None


class Covers(Protocol):
    """Every request to be covered, the newest last; kept in the database, since no file in git is that quick."""

    async def ask(self, cover: Cover) -> None:
        """Keep a new request. A known id changes nothing."""

    async def take(self, cover: str, by: str, at: datetime) -> Cover:
        """Take it. Raises NotFound, Refused (taken by somebody else, withdrawn, over)."""

    async def withdraw(self, cover: str, by: str, at: datetime) -> Cover:
        """Its asker, or whoever took it, lets go of it. Raises NotFound, Refused."""

    async def since(self, moment: datetime, rota: str = "") -> Sequence[Cover]:
        """Those that end after that moment, in the order in which they were taken (those not taken first)."""
