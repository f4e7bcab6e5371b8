"""How many outcomes are known yet: quality that nobody could judge so far must not look like quality."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from bot.slo.burn import span
from bot.slo.interval import percent


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of `answers` old enough to have an outcome, `known` have one at `at`; half of the outcomes come within `delay`.

    `delay` is None where no outcome came lately. `after` is how old an answer must be to count here.
    """

    at: datetime
    answers: int
    known: int
    after: timedelta
    delay: timedelta | None = None
    slowest: timedelta | None = None
    """Nine of ten outcomes come within it."""

    @property
    def share(self) -> float | None:
        """0 to 1; None where no answer is old enough."""
        return self.known / self.answers if self.answers else None

    @property
    def because(self) -> str:
        """In words."""
        if self.answers:
            share = percent(self.known / self.answers)
            first = f"{share} of {self.answers:,} answers older than {span(self.after)} have an outcome"
        else:
            first = f"no answer is older than {span(self.after)} yet, so nobody can tell how many get an outcome"
        if self.delay is None or self.slowest is None:
            return f"{first}; none came lately."
        within = f"half came within {span(self.delay)}, nine of ten within {span(self.slowest)}"
        return f"{first}; of those known lately, {within}."


@runtime_checkable
class Labelled(Protocol):
    """A source of judged answers: it knows how many outcomes are missing."""

    coverage: Coverage | None
    """As far as was last looked; None before."""
