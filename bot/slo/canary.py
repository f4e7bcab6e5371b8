"""Whether a canary harms: it is compared with stable in the same looks, and stopped as soon as the evidence says so.

Looking at every poll stops no healthy canary more often than `alpha` in the whole trial: the statistic is an e-process
(bot.slo.streams; Ville's inequality), not a test repeated. What hits both alike, a season or an upstream outage, stops
nothing. A trial passes after its planned time and traffic, and then says what it could have found.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from bot.domain.errors import Invalid, Problem
from bot.slo.burn import span
from bot.slo.detectable import divergence
from bot.slo.interval import percent, wilson
from bot.slo.streams import ODDS, PRIOR, array, counts, learned, log_ratios, log_sum, plain, refused

WEIGHTS = (1, 2, 2, 3, 2, 1, 1)  # of bot.slo.streams.ODDS: releases break things by a multiple rather than by a point
STEPS = 60  # of halving

State = Literal["continue", "stop", "passed", "unknown"]


@dataclass(frozen=True, slots=True)
class Sides:
    """What one metric counted in one look: events and failures, of the canary and of stable."""

    canary: float
    canary_failed: float
    stable: float
    stable_failed: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a canary at `at`. `metric` is the one that stops it, or has no data, if one does."""

    state: State
    because: str
    at: datetime
    metric: str | None = None


class Trial:
    """One bounded trial of a canary, told the time with every look.

    `alpha` is the chance that a harmless canary is ever stopped, shared by the `metrics`. Half the evidence bets on
    harm from the start, half spreads its bets over the planned time, so that harm which sets in late is found too.
    `tolerance` is how much worse (as a difference of rates) the canary may be. To pass, each metric needs `requests` on
    both sides. A side silent for longer than `patience` makes the verdict unknown.
    """

    def __init__(
        self,
        metrics: Sequence[str],
        began: datetime,
        duration: timedelta,
        *,
        requests: int = 1_000,
        alpha: float = 0.01,
        tolerance: float = 0.0,
        patience: timedelta = timedelta(minutes=5),
    ) -> None:
        if not metrics or len(set(metrics)) < len(metrics):
            raise ValueError("a trial needs metrics, each named once")
        if not (0 < alpha < 1 and 0 <= tolerance < 1 / 2 and duration > timedelta(0)):
            raise ValueError("a trial needs an error level between 0 and 1, a tolerance below 0.5, and time")
        self.metrics, self.began, self.duration = tuple(metrics), began, duration
        self.requests, self.alpha, self.patience = max(requests, 1), alpha, patience
        rows = len(self.metrics)
        self.level = math.log(rows / alpha)
        self._tolerance, self._odds = np.full(rows, float(tolerance)), np.array(ODDS)
        self._weights = np.log(np.array(WEIGHTS) / sum(WEIGHTS))
        self._early = np.zeros((rows, len(ODDS)))  # bets placed at the start
        self._late = np.full((rows, len(ODDS)), -math.inf)  # bets placed as time goes by
        self._stable = np.tile(PRIOR, (rows, 1))
        self._total = np.zeros((rows, 4))  # in the order of Sides
        self._seen = np.zeros((rows, 2))  # seconds from `began` to the last look with events: canary, stable
        self._clock = 0.0  # seconds from `began` to the last look
        self._stopped: Verdict | None = None

    @property
    def evidence(self) -> dict[str, float]:
        """The logarithm of the e-process by metric; harm at `level`."""
        both = np.logaddexp(log_sum(self._early + self._weights), log_sum(self._late + self._weights)) - math.log(2)
        return dict(zip(self.metrics, both.tolist(), strict=True))

    def see(self, at: datetime, looks: Mapping[str, Sides]) -> Verdict:
        """Take in one look and judge. A metric left out had no events. Raises ValueError for impossible counts."""
        if unknown := looks.keys() - set(self.metrics):
            raise ValueError(f"this trial has no metric {', '.join(sorted(unknown))}")
        if self._stopped is not None:
            return self._stopped
        clock = max((at - self.began).total_seconds(), self._clock)
        table = np.zeros_like(self._total)
        for row, metric in enumerate(self.metrics):
            if (sides := looks.get(metric)) is not None:
                table[row] = (sides.canary, sides.canary_failed, sides.stable, sides.stable_failed)
        rows = len(self.metrics)
        (n, k), (rest_n, rest_k) = counts(table[:, 0], table[:, 1], rows), counts(table[:, 2], table[:, 3], rows)
        base = self._stable[:, 0] / self._stable[:, 1]
        ratios = log_ratios(n, k, rest_n, rest_k, base, self._odds, self._tolerance)
        self._early = self._early + ratios
        self._late = np.logaddexp(self._late, self._stake(clock)) + ratios
        self._stable = learned(self._stable, rest_n, rest_k)
        self._total = self._total + table
        self._seen = np.where(table[:, [0, 2]] > 0, clock, self._seen)
        self._clock = clock
        return self._judge(at)

    def _stake(self, clock: float) -> float:
        """The logarithm of the share of planned time that passed since the last look; all of them sum to 1."""
        plan = self.duration.total_seconds()
        share = (min(clock, plan) - min(self._clock, plan)) / plan
        return math.log(share) if share > 0 else -math.inf

    def _judge(self, at: datetime) -> Verdict:
        evidence = self.evidence
        worst = max(self.metrics, key=lambda metric: evidence[metric])
        if evidence[worst] >= self.level:
            self._stopped = Verdict("stop", self._harm(worst), at, worst)
            return self._stopped
        for row, metric in enumerate(self.metrics):
            for side, total, seen in zip(("canary", "stable"), self._total[row, [0, 2]], self._seen[row], strict=True):
                silent = timedelta(seconds=round(self._clock - seen))
                if not total or silent > self.patience:
                    since = f"for {span(silent)}" if total else "so far"
                    return Verdict("unknown", f"No data on {metric} of {side} {since}: no verdict.", at, metric)
        return self._unharmed(at)

    def _unharmed(self, at: datetime) -> Verdict:
        told = "; ".join(f"{metric}: {self._shares(row)}" for row, metric in enumerate(self.metrics))
        left = self.duration.total_seconds() - self._clock
        if left > 0:
            because = f"No harm shown. {told}. {span(timedelta(seconds=math.ceil(left)))} of the trial to go."
            return Verdict("continue", because, at)
        fewest = self._total[:, [0, 2]].min(axis=1)
        short = int(np.argmin(fewest))
        if fewest[short] < self.requests:
            because = (
                f"No harm shown, and the planned time is over, but {self.metrics[short]} has {fewest[short]:,.0f} "
                f"of the {self.requests:,} requests it needs on either side. {told}."
            )
            return Verdict("continue", because, at)
        found = ". ".join(self._findable(row) for row in range(len(self.metrics)))
        return Verdict("passed", f"No harm in {span(timedelta(seconds=self._clock))}. {told}. {found}.", at)

    def _shares(self, row: int) -> str:
        n, k, rest_n, rest_k = self._total[row].tolist()
        return f"{percent(k / n)} of {n:,.0f} failed, stable {percent(rest_k / rest_n)} of {rest_n:,.0f}"

    def _harm(self, metric: str) -> str:
        row = self.metrics.index(metric)
        n, k, *_ = self._total[row].tolist()
        low, high = wilson(k, n)
        return (
            f"Stop the canary: {metric}: {self._shares(row)} in {span(timedelta(seconds=self._clock))} "
            f"(95 % interval {percent(low)} to {percent(high)}); "
            f"a harmless canary is stopped in at most {percent(self.alpha)} of trials."
        )

    def _findable(self, row: int) -> str:
        rate = self.findable(self.metrics[row])
        if rate is None:
            return f"On {self.metrics[row]} no harm could have been found"
        return f"On {self.metrics[row]} {percent(rate)} or more failing would likely have been found"

    def findable(self, metric: str) -> float | None:
        """The failure rate of the canary that this much traffic is about enough to find; None where there is none.

        Where the expected evidence, n·KL of either side to the rate both would share, meets the level and what the
        bets on other alternatives cost.
        """
        row = self.metrics.index(metric)
        n, rest_n, rest_k = (float(each) for each in self._total[row, [0, 2, 3]])
        tolerance = float(self._tolerance[row])
        if not (n and rest_n):
            return None
        base = (rest_k + PRIOR[0]) / (rest_n + 2 * PRIOR[0])
        needed = self.level + math.log(2 * sum(WEIGHTS) / min(WEIGHTS))

        def expected(rate: float) -> float:
            null = (n * (rate - tolerance) + rest_n * base) / (n + rest_n)
            return n * divergence(rate, null + tolerance) + rest_n * divergence(base, null)

        low, high = base + tolerance, 1.0
        if low >= high or expected(high) < needed:
            return None
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if expected(middle) >= needed else (middle, high)
        return high

    def checkpoint(self) -> dict[str, Any]:
        """Its state as plain JSON-able data."""
        stopped = self._stopped
        return {
            "metrics": list(self.metrics),
            "began": self.began.isoformat(),
            "terms": [self.duration.total_seconds(), self.alpha, *self._tolerance.tolist()],
            "early": plain(self._early),
            "late": plain(self._late),
            "stable": plain(self._stable),
            "total": plain(self._total),
            "seen": plain(self._seen),
            "clock": self._clock,
            "stopped": None if stopped is None else [stopped.because, stopped.at.isoformat(), stopped.metric],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of the same trial on the same terms. Raises Invalid, changing nothing, else."""
        mine = self.checkpoint()
        if any(state.get(each) != mine[each] for each in ("metrics", "began", "terms")):
            raise Invalid([Problem("canary checkpoint", 1, 1, "belongs to another trial")])
        try:
            early, late = array(state["early"], self._early.shape), array(state["late"], self._late.shape)
            stable, total = array(state["stable"], self._stable.shape), array(state["total"], self._total.shape)
            seen, clock = array(state["seen"], self._seen.shape), float(array([state["clock"]], (1,))[0])
            stopped = None if state["stopped"] is None else _stop(*state["stopped"])
            pairs = np.vstack((stable[:, ::-1], total[:, :2], total[:, 2:]))
            counts(pairs[:, 0], pairs[:, 1], len(pairs))
            if (stable[:, 1] <= 0).any() or not ((seen >= 0) & (seen <= clock)).all() or math.isinf(clock):
                raise ValueError("its numbers are none")  # noqa: TRY301 - worded once, below
        except (KeyError, TypeError, ValueError) as error:
            raise refused(error) from error
        self._early, self._late, self._stable = early, late, stable
        self._total, self._seen, self._clock, self._stopped = total, seen, clock, stopped


def _stop(because: str, at: str, metric: str) -> Verdict:
    return Verdict("stop", because, datetime.fromisoformat(at), metric)
