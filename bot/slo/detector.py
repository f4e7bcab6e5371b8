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

from bot.domain.errors import Invalid, Problem
from bot.slo.book import Bucket
from bot.slo.spec import Slo

GRID = (2.0, 4.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
CEILING = 0.98  # an alternative of 1 could never be doubted again after one success
YEAR = timedelta(days=365)


class EDetector:
    """Evidence against "the failure rate is at most `p0`" (0 < p0 < 0.98), kept in logarithms.

    `grid` holds the alternatives as multiples of p0, weighed alike. Feed it each poll; polls without events are
    skipped: they say nothing, and counting them would let a silent year ring the bell.
    """

    def __init__(self, p0: float, grid: Sequence[float] = GRID) -> None:
        if not 0 < p0 < CEILING:
            raise ValueError(f"a null rate lies between 0 and {CEILING}, not {p0:g}")
        rates = sorted({min(CEILING, p0 * times) for times in grid if times > 1})
        if not rates:
            raise ValueError("the grid names no alternative above the null rate")
        self.p0, self.looks = p0, 0
        self._steps = [(math.log(p1 / p0), math.log((1 - p1) / (1 - p0))) for p1 in rates]
        self._logs = [-math.inf] * len(rates)

    @property
    def evidence(self) -> float:
        """The logarithm of SR, the evidence so far; −∞ before the first event."""
        return _logsumexp(self._logs) - math.log(len(self._logs))

    def see(self, trials: int, failures: int) -> float:
        """Take in one poll and return ln SR: M ← (M + 1)·L for each alternative, then their mean."""
        if not 0 <= failures <= trials:
            raise ValueError(f"{failures} failures out of {trials} trials")
        if trials:
            self.looks += 1
            for index, (bad, good) in enumerate(self._steps):
                started = _logsumexp((self._logs[index], 0.0))
                self._logs[index] = started + failures * bad + (trials - failures) * good
        return self.evidence

    def checkpoint(self) -> dict[str, Any]:
        """Its state as plain JSON-able data (−∞ is written as null)."""
        return {
            "p0": self.p0,
            "looks": self.looks,
            "logs": [None if math.isinf(each) else each for each in self._logs],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of a detector with the same null. Raises Invalid, changing nothing, where it is none."""
        try:
            logs = [-math.inf if each is None else float(each) for each in state["logs"]]
            looks = int(state["looks"])
            if not math.isclose(float(state["p0"]), self.p0) or len(logs) != len(self._logs):
                raise ValueError("it belongs to another null rate or grid")  # noqa: TRY301 - worded once, below
            if any(math.isnan(each) for each in logs) or looks < 0:
                raise ValueError("its numbers are none")  # noqa: TRY301
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid(
                [Problem("detector checkpoint", 1, 1, f"cannot be taken up: {error}", "a checkpoint of this detector")]
            ) from error
        self._logs, self.looks = logs, looks


def log_threshold(poll: timedelta, alarms_per_year: float = 1.0) -> float:
    """The alarm level, ln c, for the allowed number of false alarms per year at one look per `poll`."""
    return math.log(max(YEAR / poll / alarms_per_year, 1.0))


@dataclass(frozen=True, slots=True)
class Evidence:
    """ln SR against "burn ≤ 1" and against "burn ≤ the fastest page tier's factor", and ln c to compare them with."""

    slow: float
    fast: float
    threshold: float

    @property
    def burning(self) -> bool:
        return self.slow >= self.threshold

    @property
    def blazing(self) -> bool:
        return self.fast >= self.threshold


class Witness:
    """The two detectors of one objective, fed by the same polls."""

    def __init__(self, slo: Slo, poll: timedelta, alarms_per_year: float = 1.0) -> None:
        factors = [tier.factor for tier in slo.tiers if tier.severity == "page"] or [1.0]
        self.slow = EDetector(min(slo.budget, CEILING / 2))
        self.fast = EDetector(min(slo.budget * max(factors), CEILING * 0.95))
        self.threshold = log_threshold(poll, alarms_per_year)

    def see(self, good: int, bad: int) -> Evidence:
        """Take in what one poll added (without gaps)."""
        trials = good + bad
        return Evidence(self.slow.see(trials, bad), self.fast.see(trials, bad), self.threshold)

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
    p0, p1 = (min(max(p, 1e-9), 1 - 1e-9) for p in (p0, p1))
    bad, good = math.log(p1 / p0), math.log((1 - p1) / (1 - p0))
    best, at, ratio = 0.0, None, 0.0
    for bucket in reversed(list(buckets)):
        ratio += bucket.bad * bad + bucket.good * good
        if ratio > best:
            best, at = ratio, bucket.start
    return at


def _logsumexp(logs: Sequence[float]) -> float:
    top = max(logs)
    return top if math.isinf(top) else top + math.log(sum(math.exp(each - top) for each in logs))
