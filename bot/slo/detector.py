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
from bot.slo.rule import Flags, Floats, Proof
from bot.slo.spec import Slo

GRID = (2.0, 4.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
CEILING = 0.98  # an alternative of 1 could never be doubted again after one success
YEAR = timedelta(days=365)


class EDetectors:
    """Evidence against "the failure rate is at most p0" for many streams at once, kept in logarithms.

    `nulls` holds each stream's p0 (0 < p0 < 0.98); `grid` the alternatives as multiples of it, weighed alike. With
    multiples below 1 the null is "at least p0" instead: evidence that a failure is over.
    """

    def __init__(self, nulls: Sequence[float] | Floats, grid: Sequence[float] = GRID) -> None:
        self.nulls = np.asarray(nulls, dtype=float)
        if self.nulls.size and not (np.all(self.nulls > 0) and np.all(self.nulls < CEILING)):
            wrong = self.nulls[(self.nulls <= 0) | (self.nulls >= CEILING)][0]
            raise ValueError(f"a null rate lies between 0 and {CEILING}, not {wrong:g}")
        times = np.unique(np.asarray(grid, dtype=float))
        rates = np.minimum(CEILING, self.nulls[:, None] * times[None, :])
        # capped alternatives coincide: each distinct one counts once
        distinct = np.concatenate((np.ones((len(rates), 1), dtype=bool), np.diff(rates, axis=1) > 0), axis=1)
        distinct &= rates != self.nulls[:, None]
        if self.nulls.size and not np.all(distinct.any(axis=1)):
            raise ValueError("the grid names no alternative beside the null rate")
        self._bad = np.log(rates / self.nulls[:, None])
        self._good = np.log((1 - rates) / (1 - self.nulls[:, None]))
        with np.errstate(divide="ignore"):
            self._weight = np.where(distinct, -np.log(distinct.sum(axis=1))[:, None], -np.inf)
        self.logs = np.full(rates.shape, -np.inf)
        self.looks = np.zeros(len(self.nulls), dtype=np.int64)

    @property
    def evidence(self) -> Floats:
        """(streams,) the logarithm of SR, the evidence so far; −∞ before the first event."""
        return np.asarray(_logsumexp(self.logs + self._weight), dtype=np.float64)

    def see(self, trials: Floats | Ints, failures: Floats | Ints) -> Floats:
        """Take in one look of every stream and return ln SR: M ← (M + 1)·L for each alternative, then their mean.

        Streams without trials are skipped: they say nothing, and counting them would let a silent year ring the bell.
        `failures` may be fractions: the likelihood ratio is convex in them, so its mean under the null only falls.
        """
        n, k = np.asarray(trials, dtype=float)[:, None], np.asarray(failures, dtype=float)[:, None]
        if np.any(k < 0) or np.any(k > n):
            row = int(np.flatnonzero((k < 0) | (k > n))[0])
            raise ValueError(f"{k[row, 0]:g} failures out of {n[row, 0]:g} trials")
        seen = n[:, 0] > 0
        stepped = np.logaddexp(self.logs, 0.0) + k * self._bad + (n - k) * self._good
        self.logs = np.where(seen[:, None], stepped, self.logs)
        self.looks += seen
        return self.evidence

    def forget(self, streams: Flags | Ints) -> None:
        """Begin anew for these streams."""
        self.logs[streams] = -np.inf
        self.looks[streams] = 0


class EDetector:
    """One stream of the same, with a state that goes through JSON."""

    def __init__(self, p0: float, grid: Sequence[float] = GRID) -> None:
        self._all = EDetectors([p0], grid)
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
        logs = [None if math.isinf(each) else float(each) for each in self._all.logs[0]]
        return {"p0": self.p0, "looks": self.looks, "logs": logs}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of a detector with the same null. Raises Invalid, changing nothing, where it is none."""
        try:
            logs = [-math.inf if each is None else float(each) for each in state["logs"]]
            looks = int(state["looks"])
            if not math.isclose(float(state["p0"]), self.p0) or len(logs) != self._all.logs.shape[1]:
                raise ValueError("it belongs to another null rate or grid")  # noqa: TRY301 - worded once, below
            if any(math.isnan(each) for each in logs) or looks < 0:
                raise ValueError("its numbers are none")  # noqa: TRY301
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid(
                [Problem("detector checkpoint", 1, 1, f"cannot be taken up: {error}", "a checkpoint of this detector")]
            ) from error
        self._all.logs[0], self._all.looks[0] = logs, looks


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
    p0, p1 = (min(max(p, 1e-9), 1 - 1e-9) for p in (p0, p1))
    bad, good = math.log(p1 / p0), math.log((1 - p1) / (1 - p0))
    best, at, ratio = 0.0, None, 0.0
    for bucket in reversed(list(buckets)):
        ratio += bucket.bad * bad + bucket.good * good
        if ratio > best:
            best, at = ratio, bucket.start
    return at


def _logsumexp(logs: Floats) -> Floats:
    """Along the last axis; −∞ where all are."""
    top = np.max(logs, axis=-1, initial=-np.inf)
    with np.errstate(divide="ignore"):
        safe = np.where(np.isinf(top), 0.0, top)
        return np.asarray(safe + np.log(np.exp(logs - safe[..., None]).sum(axis=-1)), dtype=np.float64)
