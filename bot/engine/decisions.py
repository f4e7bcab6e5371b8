"""The door to a service's prediction log: what is asked of it, what it tells, and nothing about how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.service import PredictionLog

MOST = 60
"""Values of one column told apart: more is no table of groups, and might be one of people."""

DAY = "day (UTC)"
"""What decisions are told apart by beside the log's own columns."""

Sink = Callable[[int, bytes], None]
"""Takes the list piece by piece, in the thread that reads it: so many decisions, and their bytes as CSV."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which decisions: those of a stretch (both ends in), by these versions (none: every), of a slice (none: all)."""

    since: datetime
    until: datetime
    versions: tuple[str, ...] = ()
    dimension: str = ""  # a column of the log
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """How many decisions, how many of them with an outcome, how many adverse, and about how many people."""

    decisions: int
    decided: int
    adverse: int
    people: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the log holds of what was asked, exactly: small numbers are still in it, and no person is.

    `begins` and `ends` are those of the whole log. The counts from `unplaced` on are rows that might have been asked
    for, but do not say when, by which version, of which slice, about whom; `repeated` rows were written twice.
    `by` gives each column's numbers by value ("" where the log is silent); None where it has more than MOST values.
    """

    whole: Number
    begins: datetime | None
    ends: datetime | None
    unplaced: int = 0
    unversioned: int = 0
    unsliced: int = 0
    nameless: int = 0
    repeated: int = 0
    by: Mapping[str, Mapping[str, Number] | None] | None = None


class Decisions(Protocol):
    """A service's decisions about people, read where they stand and never kept."""

    @property
    def told(self) -> PredictionLog:
        """What the catalogue says of it."""

    async def count(self, asked: Asked, sink: Sink) -> Numbers:
        """The numbers; the list of the decisions goes to `sink`, its header first, then the earliest decision.

        The same decisions make the same bytes. Raises Unavailable; Refused where the catalogue and the log do not fit
        together; neither names a value of any row.
        """
