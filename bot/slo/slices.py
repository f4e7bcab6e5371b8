"""Whether one slice of the traffic is worse than the rest, however often one looks and however many slices there are.

A language, a region or a customer group can fail while the aggregate stands still. Each slice is compared with all
other traffic in the same looks (bot.slo.streams), so that what hits everybody alike rings nothing here. Outcomes that
come in clumps (one client retrying) look like evidence; as in bot.slo.burn, a page also needs impact.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bot.domain.errors import Invalid, Problem
from bot.slo.burn import span
from bot.slo.detector import YEAR, log_threshold
from bot.slo.interval import percent, wilson
from bot.slo.streams import Floats, TwoStreams

LIMIT = 1_000  # slices watched one by one: a label somebody fills with user ids must not eat the memory

Counts = tuple[float, float]  # events, and failures among them


def e_bh(log_e: ArrayLike, alpha: float) -> tuple[int, ...]:
    """Which hypotheses to reject, strongest first: the r largest e-values where the r-th is at least K / (alpha·r).

    Keeps the expected share of false rejections below alpha whatever depends on what (Wang and Ramdas, "False discovery
    rate control with e-values", 2022), at any look: feed it current values, never the largest so far (Tavyrikov, Goeman
    and de Heide, arXiv 2501.19360).
    """
    if not alpha > 0:
        raise ValueError(f"an error level is above zero, not {alpha:g}")
    logs = np.asarray(log_e, dtype=float)
    order = np.argsort(-logs, kind="stable")
    needed = math.log(max(logs.size, 1) / alpha) - np.log(np.arange(1, logs.size + 1))
    reach = np.flatnonzero(logs[order] >= needed)
    return tuple(int(each) for each in order[: reach[-1] + 1]) if reach.size else ()


def family_threshold(poll: timedelta, slices: int, alarms_per_year: float = 1.0) -> float:
    """The alarm level, ln(c·K), at which `slices` together give so many false alarms per year: ln K nats more each."""
    return log_threshold(poll, alarms_per_year) + math.log(max(slices, 1))


@dataclass(frozen=True, slots=True)
class Worse:
    """A slice that fails more often than the rest; counts and `looks` are those since it most likely began.

    `evidence` is ln SR. Since the data chose that beginning, the rates shown lean a little to the dark side.
    """

    value: str
    failed: float
    events: float
    rest_failed: float
    rest_events: float
    looks: int
    evidence: float
    because: str


class Slices:
    """One objective along one dimension (`language`), fed each look with what every slice counted.

    A slice is worse where the r-th largest SR among K slices reaches c·K/r, with c = looks per year / allowed alarms:
    e-BH on SR over the year. The mean of all SR is an e-detector too and lies above it, so that a healthy family rings
    at most that often, and a fault in many slices is found sooner than by c·K. `tolerance` is how much worse than the
    rest (as a difference of rates) a slice may be, `tolerances` the same for slices known to be harder.

    Slices may appear late. Beyond `LIMIT` they count only as part of the rest; `unwatched` says how many.
    """

    def __init__(
        self,
        dimension: str,
        poll: timedelta,
        *,
        alarms_per_year: float = 1.0,
        tolerance: float = 0.0,
        tolerances: Mapping[str, float] | None = None,
    ) -> None:
        self.dimension, self.poll, self.alarms_per_year = dimension, poll, alarms_per_year
        self.tolerance, self.tolerances = tolerance, dict(tolerances or {})
        self._rows: dict[str, int] = {}
        self._unwatched: set[str] = set()
        self._streams = TwoStreams()
        self.level = log_threshold(poll, alarms_per_year)

    @property
    def values(self) -> tuple[str, ...]:
        """The slices watched, in the order they appeared."""
        return tuple(self._rows)

    @property
    def unwatched(self) -> int:
        """How many values came when there were too many already (counted to at most as many again)."""
        return len(self._unwatched)

    @property
    def evidence(self) -> dict[str, float]:
        """The logarithm of SR by slice."""
        return dict(zip(self._rows, self._streams.evidence.tolist(), strict=True))

    def see(self, counts: Mapping[str, Counts], total: Counts | None = None) -> tuple[Worse, ...]:
        """Take in one look, (events, failures) per slice, and return the slices that are worse, strongest first.

        `total` is all traffic; without it the slices are taken to be all there is.
        """
        whole = np.sum([*counts.values(), (0.0, 0.0)], axis=0) if total is None else np.asarray(total, dtype=float)
        self._meet(counts)
        seen = np.zeros((len(self._rows), 2))
        for value, pair in counts.items():
            if value in self._rows:
                seen[self._rows[value]] = pair
        rest = whole - seen
        evidence = self._streams.see(seen[:, 0], seen[:, 1], rest[:, 0], rest[:, 1])
        found = e_bh(evidence - math.log(YEAR / self.poll), self.alarms_per_year)
        values, since = self.values, self._streams.since
        return tuple(self._worse(values[row], since[row], float(evidence[row])) for row in found)

    def _meet(self, values: Iterable[str]) -> None:
        new = [value for value in values if value not in self._rows]
        room = LIMIT - len(self._rows)
        beyond = [value for value in new[room:] if value not in self._unwatched]
        self._unwatched.update(beyond[: LIMIT - len(self._unwatched)])
        self._streams.grow([self.tolerances.get(value, self.tolerance) for value in new[:room]])
        self._rows |= {value: len(self._rows) + index for index, value in enumerate(new[:room])}

    def _worse(self, value: str, since: Floats, evidence: float) -> Worse:
        n, k, rest_n, rest_k, looks = since.tolist()
        low, high = wilson(k, n)
        because = (
            f"{self.dimension}={value}: {percent(k / n)} of {n:,.0f} failed in {span(looks * self.poll)} "
            f"(95 % interval {percent(low)} to {percent(high)}), the rest {percent(rest_k / rest_n)} of {rest_n:,.0f}; "
            f"by chance {len(self._rows):,} healthy slices show this at most {often(self.alarms_per_year)}."
        )
        return Worse(value, k, n, rest_k, rest_n, int(looks), evidence, because)

    def settle(self, value: str) -> None:
        """Begin anew with one slice, after its incident settled. A slice never seen has nothing to forget."""
        if value in self._rows:
            self._streams.forget(self._rows[value])

    def checkpoint(self) -> dict[str, Any]:
        """Its state as plain JSON-able data."""
        return {"dimension": self.dimension, "values": list(self._rows), "streams": self._streams.checkpoint()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint of the same dimension and tolerances. Raises Invalid, changing nothing, else."""
        values = state.get("values")
        strings = isinstance(values, list) and all(isinstance(each, str) for each in values)
        if state.get("dimension") != self.dimension or not strings or not isinstance(state.get("streams"), Mapping):
            raise Invalid([Problem("slices checkpoint", 1, 1, f"holds no slices by {self.dimension}")])
        fresh = Slices(
            self.dimension, self.poll, alarms_per_year=self.alarms_per_year,
            tolerance=self.tolerance, tolerances=self.tolerances,
        )  # fmt: skip
        fresh._meet(dict.fromkeys(values or ()))
        fresh._streams.restore(state["streams"])
        self._rows, self._streams = fresh._rows, fresh._streams


def often(alarms_per_year: float) -> str:
    """A yearly rate as people say it: once a year, 12 times a year, once in 10 years."""
    if math.isclose(alarms_per_year, 1):
        return "once a year"
    if alarms_per_year < 1:
        return f"once in {1 / alarms_per_year:,.3g} years"
    return f"{alarms_per_year:,.3g} times a year"
