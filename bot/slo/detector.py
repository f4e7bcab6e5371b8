"""Evidence that a service fails more often than it may, which stays honest however often one looks.

The statistic is a mixture Shiryaev-Roberts e-detector (Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework
for sequential change detection", 2022): while the failure rate is at most p0, the mean number of looks until it reaches
c is at least c. It assumes that outcomes are independent given the rate, so it never rings alone: a page also needs
impact (bot.slo.burn).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from bot.domain.errors import Invalid, Problem
from bot.slo.grid import Bucket, Ints
from bot.slo.rule import Proof
from bot.slo.spec import Slo
from bot.slo.streams import CEILING, GRID, TINY, EDetectors

YEAR = timedelta(days=365)


class EDetector:
    """One row of `bot.slo.streams.EDetectors`, with a state that goes through JSON."""

    def __init__(self, p0: float, grid: Sequence[float] = GRID) -> None:
        self._all = EDetectors(p0, grid)
        self.p0 = p0

    @property
    def looks(self) -> int:
        """How many polls with events it saw."""
        return int(self._all.looks[0])

    @property
    def evidence(self) -> float:
        """The logarithm of SR, the evidence so far; −∞ before the first event."""
        return float(self._all.evidence[0])

    def see(self, trials: float, failures: float) -> float:
        """Take in one poll and return ln SR. Raises ValueError where more failed than was tried."""
        return float(self._all.see(np.array([trials]), np.array([failures]))[0])

    def checkpoint(self) -> dict[str, Any]:
        """Its state as plain JSON-able data (−∞ is written as null)."""
        return self._all.checkpoint()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of a detector with the same null. Raises Invalid, changing nothing, where it is none."""
        self._all.restore(state)


def log_threshold(poll: timedelta, alarms_per_year: float = 1.0) -> float:
    """The alarm level, ln c, for the allowed number of false alarms per year at one look per `poll`."""
    return math.log(max(YEAR / poll / alarms_per_year, 1.0))


def nulls(slo: Slo) -> tuple[float, float]:
    """The two rates that evidence is held against: of burn 1, and of the fastest page tier's factor."""
    factors = [tier.factor for tier in slo.tiers if tier.severity == "page"] or [1.0]
    return min(slo.budget, CEILING / 2), min(slo.budget * max(factors), CEILING * 0.95)


@dataclass(frozen=True, slots=True)
class Evidence:
    """ln SR against "burn ≤ 1" and against "burn ≤ the fastest page tier's factor", and ln c to compare them with.

    `burn` is that of the newest poll that had events: a failure must still be going on to page early.
    """

    slow: float
    fast: float
    threshold: float
    burn: float = math.inf

    @property
    def burning(self) -> bool:
        return self.slow >= self.threshold

    @property
    def blazing(self) -> bool:
        return self.fast >= self.threshold

    @property
    def proof(self) -> Proof:
        """The same as the rule takes it."""
        flags = [np.array([flag]) for flag in (self.burning, self.blazing, True)]
        return Proof(flags[0], flags[1], np.array([self.burn]), flags[2])


class Witness:
    """The two detectors of one objective, fed by the same polls."""

    def __init__(self, slo: Slo, poll: timedelta, alarms_per_year: float = 1.0) -> None:
        slow, fast = nulls(slo)
        self.slow, self.fast, self._budget = EDetector(slow), EDetector(fast), slo.budget
        self.threshold = log_threshold(poll, alarms_per_year)
        self._burn = 0.0

    def see(self, good: float, bad: float) -> Evidence:
        """Take in what one poll added (without gaps)."""
        trials = good + bad
        if trials:
            self._burn = bad / trials / self._budget
        return Evidence(self.slow.see(trials, bad), self.fast.see(trials, bad), self.threshold, self._burn)

    def checkpoint(self) -> dict[str, Any]:
        return {"slow": self.slow.checkpoint(), "fast": self.fast.checkpoint()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint. Raises Invalid where it belongs to another objective."""
        if not {"slow", "fast"} <= state.keys():
            raise Invalid([Problem("detector checkpoint", 1, 1, "holds no pair of detectors")])
        self.slow.restore(state["slow"])
        self.fast.restore(state["fast"])


def onset(buckets: Iterable[Bucket], p0: float, p1: float) -> datetime | None:
    """When the failure rate most likely went from p0 to p1: the start of the suffix with the largest likelihood ratio.

    With p0 above p1 it finds where a recovery began. None where no suffix speaks for p1. `buckets` come in order of
    time.
    """
    held = list(buckets)
    good, bad = (np.array([getattr(each, what) for each in held], dtype=np.int64) for what in ("good", "bad"))
    place = turn(good, bad, p0, p1)
    return held[place].start if place is not None else None


def turn(good: Ints, bad: Ints, p0: float, p1: float) -> int | None:
    """The same in columns: from which bucket on the rate is most likely p1; None where from none."""
    p0, p1 = (min(max(p, TINY), 1 - TINY) for p in (p0, p1))
    ratio = bad * math.log(p1 / p0) + good * math.log((1 - p1) / (1 - p0))
    suffix = np.cumsum(ratio[::-1])
    if not len(suffix) or suffix.max() <= 0:
        return None
    return int(len(suffix) - 1 - np.argmax(suffix))
