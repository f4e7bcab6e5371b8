"""Evidence for many streams of outcomes at once: a thousand slices of the traffic cost about a millisecond per look.

Two forms of the mixture Shiryaev-Roberts e-detector (Shin, Ramdas, Rinaldo, "E-detectors", 2022), row by row in numpy:
against a declared rate (`EDetectors`), and against other traffic at the same time (`TwoStreams`). While its null holds,
a row takes c looks or more, on average, to reach c.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bot.domain.errors import Invalid, Problem

Floats = NDArray[np.float64]

GRID = (2.0, 4.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
CEILING = 0.98  # an alternative of 1 could never be doubted again after one success

ODDS = (1.3, 1.75, 3.0, 8.0, 30.0, 150.0, 1000.0)  # the alternatives: how many times worse the odds are ...
WEIGHTS = (4, 8, 3, 2, 1, 1, 1)  # ... and their weights: what is far worse is found at once anyway
PRIOR = (0.5, 50.0)  # failures of trials believed of the rest before it was seen: a low rate costs least when wrong
MEMORY = 5_000.0  # trials of the rest that its rate is learned from; older ones fade
TINY = 1e-9
LOOSEST = 0.5  # tolerance
TOP = 0.9999  # the largest alternative: never certain, so that no single outcome refutes it for good


def log_ratios(
    n: Floats, k: Floats, rest_n: Floats, rest_k: Floats, base: Floats, odds: Floats, tolerance: Floats
) -> Floats:
    """One look's ln likelihood ratio of every row against "rate ≤ the rest's rate + tolerance"; shape (rows, odds).

    `base` is what the past says of the rest's rate (never this look, or the guarantee is lost); the alternative gives a
    row `odds` times the odds of base + tolerance. As in Turner, Ly and Grünwald ("Generic E-variables for exact
    sequential k-sample tests", JSPI 2024; with a tolerance: Turner and Grünwald, arXiv 2203.09785) it is divided by the
    null point nearest to it in relative entropy. With a tolerance that point has no closed form: it is approached, and
    the alternative moved to where the point found is exactly the nearest, so the mean ratio is at most 1 in any case.

    As ∏(1 + xᵢ) ≤ exp Σxᵢ, outcomes must be independent but need not be alike: the null speaks of each side's mean
    rate in this look. The ratio is convex in the counts, so they may be fractions. With nothing on one side it is 1.
    """
    base = np.clip(base, TINY, 2 * TOP - 1 - tolerance)[:, None]  # leaves room for an alternative
    mine, other, tolerance = n[:, None], rest_n[:, None], tolerance[:, None]
    limit = base + tolerance
    worse = np.minimum(odds * limit / (1 - limit + odds * limit), TOP)
    with np.errstate(divide="ignore", invalid="ignore"):
        null = (mine * (worse - tolerance) + other * base) / (mine + other)
        for _ in range(2 if tolerance.any() else 0):  # exact at once without a tolerance
            weight, weight_rest = _information(mine, null + tolerance), _information(other, null)
            null = (weight * (worse - tolerance) + weight_rest * base) / (weight + weight_rest)
        weight, weight_rest = _information(mine, null + tolerance), _information(other, null)
        push = np.clip(weight * (worse - null - tolerance), 0, weight_rest * null * (1 - TINY))
        up, down = push / weight, push / weight_rest
        bad, good = np.log1p(up / (null + tolerance)), np.log1p(-up / (1 - null - tolerance))
        rest_bad, rest_good = np.log1p(-down / null), np.log1p(down / (1 - null))
        ratios = k[:, None] * bad + (n - k)[:, None] * good
        ratios += rest_k[:, None] * rest_bad + (rest_n - rest_k)[:, None] * rest_good
    return np.where((mine > 0) & (other > 0), ratios, 0.0)


def _information(trials: Floats, rate: Floats) -> Floats:
    return trials / (rate * (1 - rate))


def log_sum(logs: Floats) -> Floats:
    """The logarithm of Σ exp over the last axis; −∞ where all are."""
    top = logs.max(axis=-1, initial=-math.inf)
    safe = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        return np.asarray(safe + np.log(np.exp(logs - safe[..., None]).sum(axis=-1)))


def learned(seen: Floats, n: Floats, k: Floats) -> Floats:
    """The rest's (failures, trials) after one more look, faded so that `MEMORY` trials are remembered."""
    total = seen + np.stack((k, n), axis=-1)
    return np.asarray(total * np.minimum(1.0, MEMORY / total[:, 1:]))


def counts(n: ArrayLike, k: ArrayLike, rows: int) -> tuple[Floats, Floats]:
    """Trials and failures of one look as arrays of `rows`. Raises ValueError where they cannot be counts."""
    trials, failures = np.asarray(n, dtype=float), np.asarray(k, dtype=float)
    if trials.shape != (rows,) or failures.shape != (rows,):
        raise ValueError(f"one count for each of {rows} rows, not {trials.shape} and {failures.shape}")
    wrong = ~((failures >= 0) & (failures <= trials) & np.isfinite(trials))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"{failures[row]:g} failures out of {trials[row]:g} trials")
    return trials, failures


class EDetectors:
    """Evidence against "the failure rate is at most p0", kept in logarithms, row by row.

    `p0` holds one null rate per row, 0 < p0 < 0.98; `grid` the alternatives as multiples of it, weighed alike. With
    multiples below 1 the null is "at least p0": evidence that a failure is over. Failures may be fractions (the
    likelihood ratio is convex in them). Looks without events are skipped: they say nothing, and counting them would let
    a silent year ring the bell.
    """

    def __init__(self, p0: ArrayLike, grid: Sequence[float] = GRID) -> None:
        self.p0 = np.atleast_1d(np.asarray(p0, dtype=float))
        if self.p0.ndim != 1 or not ((self.p0 > 0) & (self.p0 < CEILING)).all():
            raise ValueError(f"a null rate lies between 0 and {CEILING}, one per row")
        times = sorted(set(grid))
        if not times or not (times[0] > 1 or times[-1] < 1):
            raise ValueError("the grid names no alternative on one side of the null rate")
        null = self.p0[:, None]
        rates = np.minimum(CEILING, null * np.array(times))
        twice = np.diff(rates, axis=1, prepend=0.0) == 0  # where the ceiling makes several alternatives one
        self._weights = np.where(twice, -math.inf, -np.log((~twice).sum(axis=1))[:, None])
        self._bad, self._good = np.log(rates / null), np.log((1 - rates) / (1 - null))
        self.logs = np.full(rates.shape, -math.inf)
        self.looks = np.zeros(self.p0.size, dtype=np.int64)

    @property
    def evidence(self) -> Floats:
        """The logarithm of SR in every row; −∞ before its first event."""
        return log_sum(self.logs + self._weights)

    def of(self, row: int) -> float:
        """The logarithm of SR in one row."""
        return float(log_sum(self.logs[row] + self._weights[row]))

    def see(self, n: ArrayLike, k: ArrayLike) -> Floats:
        """Take in one look and return ln SR: M ← (M + 1)·L for each alternative, then their mean."""
        n, k = counts(n, k, self.p0.size)
        moved = np.logaddexp(self.logs, 0.0) + k[:, None] * self._bad + (n - k)[:, None] * self._good
        self.logs = np.where(n[:, None] > 0, moved, self.logs)
        self.looks += n > 0
        return self.evidence

    def ahead(self, n: Floats, k: Floats) -> Floats:
        """(looks, alternatives): what the logarithms of the only row would be after each of these looks.

        M ← (M + 1)·L, many times over: with C the sum of ln L up to a look, ln M − C is a running logarithm of sums.
        """
        summed = np.cumsum(k[:, None] * self._bad + (n - k)[:, None] * self._good, axis=0)
        before = np.concatenate((np.zeros((1, summed.shape[1])), summed[:-1]))
        terms = np.concatenate((self.logs, np.where(n[:, None] > 0, -before, -math.inf)))
        return np.asarray(summed + np.logaddexp.accumulate(terms, axis=0)[1:])

    def evidence_of(self, logs: Floats) -> Floats:
        """The logarithm of SR for each of these rows of logarithms of the only row."""
        return log_sum(logs + self._weights)

    def see_all(self, n: Floats, k: Floats) -> None:
        """Take in many looks of the only row, one after another."""
        if len(n):
            self.logs = self.ahead(n, k)[-1:].copy()
            self.looks += int(np.count_nonzero(n))

    def forget(self, row: int) -> None:
        """Start one row anew, as after an incident settled."""
        self.logs[row], self.looks[row] = -math.inf, 0

    def checkpoint(self) -> dict[str, Any]:
        """The state as plain JSON-able lists (−∞ is written as null)."""
        return {"p0": self.p0.tolist(), "looks": self.looks.tolist(), "logs": plain(self.logs)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of detectors with the same nulls. Raises Invalid, changing nothing, where it is none."""
        try:
            looks, logs = array(state["looks"], self.looks.shape), array(state["logs"], self.logs.shape)
            if not np.allclose(array(state["p0"], self.p0.shape), self.p0, rtol=1e-9, atol=0) or (looks < 0).any():
                raise ValueError("it belongs to other null rates")  # noqa: TRY301 - worded once, below
        except (KeyError, TypeError, ValueError) as error:
            raise refused(error) from error
        self.logs, self.looks = logs, looks.astype(np.int64)


class TwoStreams:
    """Row by row: evidence that a slice fails more often than the rest of the traffic in the same looks.

    The null, "the slice's rate ≤ the rest's + `tolerance`", holds through whatever hits both alike: a season, an
    upstream outage. No rate is declared: the rest's is learned from the looks before. Looks with nothing on either side
    are skipped. `since` tells what was counted from where the evidence most likely began (CUSUM).
    """

    def __init__(self, tolerances: ArrayLike = ()) -> None:
        self.odds, weights = np.array(ODDS), np.array(WEIGHTS, dtype=float)
        self._weights = np.log(weights / weights.sum())
        self._logs = np.zeros((0, self.odds.size))
        self._rest = np.zeros((0, 2))  # failures and trials of the rest, faded
        self._run = np.zeros(0)
        self._since = np.zeros((0, 5))  # n, k, rest_n, rest_k, looks
        self.tolerance = np.zeros(0)
        self.grow(tolerances)

    def grow(self, tolerances: ArrayLike) -> None:
        """Add a row that has seen nothing for each of these tolerances."""
        more = np.asarray(tolerances, dtype=float)
        if more.ndim != 1 or not ((more >= 0) & (more <= LOOSEST)).all():
            raise ValueError(f"a tolerance is a difference of rates, 0 to {LOOSEST:g}")
        rows = more.size
        self._logs = np.vstack((self._logs, np.full((rows, self.odds.size), -math.inf)))
        self._rest = np.vstack((self._rest, np.tile(PRIOR, (rows, 1))))
        self._run = np.append(self._run, np.zeros(rows))
        self._since = np.vstack((self._since, np.zeros((rows, 5))))
        self.tolerance = np.append(self.tolerance, more)

    def __len__(self) -> int:
        return self._run.size

    @property
    def evidence(self) -> Floats:
        """The logarithm of SR in every row; −∞ before its first event."""
        return log_sum(self._logs + self._weights)

    @property
    def since(self) -> Floats:
        """n, k, rest n, rest k and looks of every row since its evidence most likely began; shape (rows, 5)."""
        return self._since.copy()

    def see(self, n: ArrayLike, k: ArrayLike, rest_n: ArrayLike, rest_k: ArrayLike) -> Floats:
        """Take in one look, a slice's counts and its rest's in every row, and return ln SR."""
        n, k = counts(n, k, len(self))
        rest_n, rest_k = counts(rest_n, rest_k, len(self))
        base = self._rest[:, 0] / self._rest[:, 1]
        told = (n > 0) & (rest_n > 0)
        started = np.where(told[:, None], np.logaddexp(self._logs, 0.0), self._logs)
        before = log_sum(started + self._weights)
        self._logs = started + log_ratios(n, k, rest_n, rest_k, base, self.odds, self.tolerance)
        after = self.evidence
        self._rest = learned(self._rest, rest_n, rest_k)
        anew = told & (self._run <= 0)
        self._since[anew] = 0
        self._since += np.stack((n, k, rest_n, rest_k, np.ones(len(self))), axis=1)
        self._run[anew] = 0
        self._run[told] += after[told] - before[told]
        return after

    def forget(self, row: int) -> None:
        """Start one row anew, as after an incident settled; what was learned of the rest stays."""
        self._logs[row], self._run[row], self._since[row] = -math.inf, 0, 0

    def checkpoint(self) -> dict[str, Any]:
        """The state as plain JSON-able lists (−∞ is written as null)."""
        return {
            "odds": self.odds.tolist(),
            "tolerance": self.tolerance.tolist(),
            "logs": plain(self._logs),
            "rest": plain(self._rest),
            "run": plain(self._run),
            "since": plain(self._since),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of as many rows. Raises Invalid, changing nothing, where it is none."""
        try:
            logs, rest = array(state["logs"], self._logs.shape), array(state["rest"], self._rest.shape)
            run, since = array(state["run"], self._run.shape), array(state["since"], self._since.shape)
            odds, tolerance = array(state["odds"], self.odds.shape), array(state["tolerance"], self.tolerance.shape)
            if not (np.array_equal(odds, self.odds) and np.array_equal(tolerance, self.tolerance)):
                raise ValueError("it belongs to other tolerances or alternatives")  # noqa: TRY301 - worded once, below
            if np.isneginf(run).any() or (since < 0).any() or not ((rest[:, 0] > 0) & (rest[:, 0] <= rest[:, 1])).all():
                raise ValueError("its numbers are none")  # noqa: TRY301
        except (KeyError, TypeError, ValueError) as error:
            raise refused(error) from error
        self._logs, self._rest, self._run, self._since = logs, rest, run, since


def plain(values: Floats) -> list[Any]:
    """An array as nested lists, −∞ as None."""
    whole = values.astype(object)
    whole[np.isneginf(values)] = None
    return list(whole.tolist())


def array(values: Any, shape: tuple[int, ...]) -> Floats:
    """What `plain` wrote, as an array of this shape. Raises ValueError or TypeError for anything else."""
    if 0 in shape and not len(values):
        return np.zeros(shape)
    whole = np.array(values, dtype=object)
    if whole.shape != shape:
        raise ValueError("it has other rows or alternatives")
    whole[np.array([each is None for each in whole.flat]).reshape(shape)] = -math.inf
    found = whole.astype(float)
    if np.isnan(found).any() or np.isposinf(found).any():
        raise ValueError("its numbers are none")
    return found


def refused(error: Exception) -> Invalid:
    """The refusal of a checkpoint that is none."""
    return Invalid(
        [Problem("detector checkpoint", 1, 1, f"cannot be taken up: {error}", "a checkpoint of this detector")]
    )
