"""What is asked of the list of incidents: which ones, for whose eyes, and the figures of what is past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from bot.domain.incident import Incident
from bot.domain.phase import Phase
from bot.engine.values import Summary

OPEN = (Phase.DECLARED.value, Phase.ACKNOWLEDGED.value, Phase.MITIGATED.value)
OVER = (Phase.RESOLVED.value, Phase.CLOSED.value)


@dataclass(frozen=True, slots=True)
class Sight:
    """Which restricted incidents somebody may read: those that name them, and those of services they are on call for.

    Left as it is, none.
    """

    person: str = ""
    everything: bool = False
    services: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents: every word of `text` somewhere in them, and each other field where it is given."""

    text: str = ""
    service: str | None = None  # "" asks for those of no service
    severity: int = 0
    phases: tuple[str, ...] = ()
    cause: str | None = None  # "" asks for those whose cause is not known
    since: datetime | None = None  # declared then or later
    until: datetime | None = None  # declared before then


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list: after an incident declared then, of that number."""

    declared: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Past:
    """Incidents in columns of the same length: durations in milliseconds, None where an end is not known.

    `left_out` says why one is in no average, `corrected` names its measures that rest on a corrected time. All of it
    stood so at `position`; the first of them was declared at `earliest`.
    """

    service: Sequence[str] = ()
    severity: Sequence[int] = ()
    cause: Sequence[str] = ()
    phase: Sequence[str] = ()
    left_out: Sequence[str] = ()
    corrected: Sequence[str] = ()
    ttd: Sequence[int | None] = ()
    tta: Sequence[int | None] = ()
    ttm: Sequence[int | None] = ()
    ttr: Sequence[int | None] = ()
    position: str = ""
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Paged:
    """Pages in columns of the same length: to whom, within which hour (UTC), and how many of an incident."""

    person: Sequence[str] = ()
    hour: Sequence[datetime] = ()
    number: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """An open follow-up: of which incident, whose, until when."""

    incident: str
    item: str
    owner: str
    due: date
    title: str
    service: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many incidents there are in each phase, of those somebody may read."""

    by_phase: Mapping[str, int] = field(default_factory=dict)

    def of(self, phases: Sequence[str]) -> int:
        """How many in these."""
        return sum(self.by_phase.get(phase, 0) for phase in phases)


class Lists(Protocol):
    """The lists that are kept beside the log and can be made anew from it."""

    async def open_ids(self) -> list[str]:
        """Ids of incidents that are not closed, oldest first."""

    async def open_incidents(self) -> list[Incident]:
        """Every incident that is not closed, folded, oldest first; one question for all that are at hand."""

    async def clocked(self) -> list[str]:
        """Ids of incidents with a legal clock that runs, the one that ends first before the others."""

    async def promised(self, owner: str = "") -> list[str]:
        """Ids of incidents, closed ones too, in which that person has an open follow-up; "" asks for everybody's."""

    async def overdue(self, today: date, sight: Sight, limit: int = 100) -> list[Promise]:
        """Follow-ups that should be done by now, the longest overdue first."""

    async def summaries(self, *, limit: int = 100, before: str = "") -> list[Summary]:
        """The newest incidents first, restricted ones too."""

    async def found(
        self, wanted: Wanted, sight: Sight, *, limit: int = 50, after: Place | None = None
    ) -> list[Summary]:
        """The newest of those first that may be read."""

    async def tally(self, sight: Sight) -> Tally:
        """How many there are in each phase."""

    async def sealed(self) -> list[str]:
        """Services that have, or had, a restricted incident."""

    async def position(self) -> str:
        """Where the whole log stands: what is read beside it is the same for as long as this is."""

    async def past(self, wanted: Wanted) -> Past:
        """The figures of incidents that are not restricted."""

    async def paged(self, since: datetime, until: datetime, service: str | None = None) -> Paged:
        """Who was paged when, in incidents that are not restricted."""
