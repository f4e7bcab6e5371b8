"""How fast: time to detect, acknowledge, mitigate and resolve, each with its definition beside it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.incident import Incident
from bot.domain.paging import Receipt

DEFINITIONS = {
    "ttd": "time to detect: from the onset in the data to the first verdict that said so",
    "tta": "time to acknowledge: from detection to the first person who took it",
    "ttm": "time to mitigate: from the onset to the beginning of the run in which the SLI is met again",
    "ttr": "time to resolve: from the onset to a person's word that it is over",
}


@dataclass(frozen=True, slots=True)
class Measures:
    """One incident's durations; None where an end is not known yet."""

    ttd: timedelta | None
    tta: timedelta | None
    ttm: timedelta | None
    ttr: timedelta | None
    corrected: frozenset[str] = frozenset()  # those that rest on a time somebody set right


ENDS = {
    "ttd": ("onset", "detected"),
    "tta": ("detected", "acknowledged"),
    "ttm": ("onset", "mitigated"),
    "ttr": ("onset", "resolved"),
}
"""From which of an incident's times to which each lasts."""


def resting_on(moments: Collection[str]) -> frozenset[str]:
    """The measures that begin or end with any of these times."""
    return frozenset(name for name, ends in ENDS.items() if any(end in moments for end in ends))


def measures(incident: Incident) -> Measures:
    """The four durations as DEFINITIONS says."""
    spans: dict[str, timedelta | None] = {}
    for name, (first, last) in ENDS.items():
        start: datetime | None = getattr(incident, first)
        end: datetime | None = getattr(incident, last)
        spans[name] = end - start if start is not None and end is not None else None
    return Measures(**spans, corrected=resting_on(incident.corrected))


LAGS = {
    "scrape": "age of the newest sample when the poll began",
    "poll": "until the source had answered",
    "judge": "until the verdict was in the log",
    "post": "from there until the first page was accepted",
}
"""The stages of the bot's own lag, after the failure could be seen in the data."""


def lag(incident: Incident) -> dict[str, float]:
    """How long each stage of the detection took, in seconds; those that are not known are left out."""
    found = dict(incident.lag)
    accepted = [page.at for page in incident.pages.values() if page.receipt is Receipt.ACCEPTED]
    if accepted and incident.declared_at is not None:
        found["post"] = max((min(accepted) - incident.declared_at).total_seconds(), 0.0)
    return found


@dataclass(frozen=True, slots=True)
class Spread:
    """A sample of durations in seconds: how many, median, 90th percentile and mean."""

    size: int
    median: float
    p90: float
    mean: float


def spread(sample: Sequence[timedelta]) -> Spread | None:
    """Nearest-rank percentiles with the sample size beside them; None for an empty sample, never a zero."""
    if not sample:
        return None
    seconds = sorted(value.total_seconds() for value in sample)
    return Spread(
        len(seconds), seconds[rank(0.5, len(seconds))], seconds[rank(0.9, len(seconds))], sum(seconds) / len(seconds)
    )


def rank(share: float, size: int) -> int:
    """The place of a nearest-rank percentile in a sorted sample of that size."""
    return max(0, math.ceil(share * size) - 1)
