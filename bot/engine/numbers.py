"""How fast incidents were seen, taken, mitigated and resolved: each measure as a distribution, and who is in none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bot.domain.measures import DEFINITIONS, ENDS, Spread, rank, resting_on
from bot.domain.phase import Phase
from bot.engine.lists import Paged, Past
from bot.rota.clockwork import EVENING, MORNING

Rows = NDArray[Any]
NAMES = {"ttd": "MTTD", "tta": "MTTA", "ttm": "MTTM", "ttr": "MTTR"}
FEW = 10
"""With fewer incidents than this, a median says little and a 90th percentile nothing."""
EDGES = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800)
"""Where one bin of a distribution ends and the next begins, in seconds; times differ by factors, not by minutes."""
LEFT_OUT = {
    "merged": "merged into another incident, which is counted",
    "withdrawn": "withdrawn as a suspicion, or closed without being resolved",
    "storm": "came in a storm and had no card of their own",
}
NO_END = {
    "tta": "nobody acknowledged them",
    "ttm": "not mitigated by the data",
    "ttr": "not resolved yet",
}


@dataclass(frozen=True, slots=True)
class Bin:
    """So many incidents took at least `start` and less than `end` seconds; None is without end."""

    start: float
    end: float | None
    number: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure over a sample: None for `spread` where nothing was measured."""

    key: str
    spread: Spread | None
    bins: tuple[Bin, ...]
    missing: int  # incidents that count and have no such time
    corrected: int  # how many rest on a time somebody set right

    @property
    def name(self) -> str:
        """MTTR."""
        return NAMES[self.key]

    @property
    def definition(self) -> str:
        """From what to what."""
        return DEFINITIONS[self.key]

    @property
    def size(self) -> int:
        """How many incidents it rests on."""
        return self.spread.size if self.spread else 0

    @property
    def few(self) -> bool:
        """Whether there are too few to trust."""
        return 0 < self.size < FEW

    @property
    def no_end(self) -> str:
        """Why the missing ones have no such time."""
        return NO_END.get(self.key, "not known")


@dataclass(frozen=True, slots=True)
class Group:
    """The measures of the incidents that have something in common, by its name."""

    name: str
    incidents: int
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Everything about incidents of a stretch of time."""

    total: int
    counted: int
    left_out: Mapping[str, int]  # reason → how many
    measures: tuple[Measure, ...]
    by_service: tuple[Group, ...]
    by_severity: tuple[Group, ...]
    by_cause: tuple[Group, ...]


def numbers(past: Past) -> Numbers:
    """What counts, what does not and why, and each measure over all and over those with something in common."""
    left_out = Counter(past.left_out)
    reasons, codes = coded(past.left_out)
    rows = np.array([not because for because in reasons], dtype=bool)[codes]
    figures = _Figures(past, rows)
    return Numbers(
        total=len(past.left_out),
        counted=int(rows.sum()),
        left_out={because: left_out[because] for because in LEFT_OUT if left_out[because]},
        measures=figures.measures(None, binned=True),
        by_service=figures.groups(past.service),
        by_severity=tuple(sorted(figures.groups(past.severity), key=lambda each: each.name)),
        by_cause=figures.groups(past.cause),
    )


def coded(column: Sequence[Any]) -> tuple[list[Any], Rows]:
    """What stands in a column, each once, and for each row which of them: a hundred thousand rows in milliseconds."""
    place = {each: number for number, each in enumerate(dict.fromkeys(column))}
    return list(place), np.fromiter(map(place.__getitem__, column), dtype=np.intp, count=len(column))


class _Figures:
    """The columns of the incidents that count, as arrays of seconds with NaN where an end is not known."""

    def __init__(self, past: Past, rows: Rows) -> None:
        self.rows = rows
        self.size = int(rows.sum())
        self.seconds = {key: np.array(getattr(past, key), dtype=float)[rows] / 1000 for key in ENDS}
        moments, codes = coded(past.corrected)
        rest_on = [resting_on(each.split()) for each in moments]
        self.by_hand = {key: np.array([key in each for each in rest_on], dtype=bool)[codes][rows] for key in ENDS}

    def groups(self, by: Sequence[object]) -> tuple[Group, ...]:
        """Apart by that column, the largest first."""
        names, every = coded(by)
        codes = every[self.rows]
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(names))) if len(codes) else np.zeros(len(names), dtype=int)
        found, start = [], 0
        for name, end in zip(names, ends.tolist(), strict=True):
            if end > start:
                found.append(Group(str(name), end - start, self.measures(order[start:end])))
            start = end
        return tuple(sorted(found, key=lambda each: (-each.incidents, each.name)))

    def measures(self, those: Rows | None, *, binned: bool = False) -> tuple[Measure, ...]:
        """Each measure over those rows, or all."""
        return tuple(self._measure(key, those, binned=binned) for key in ENDS)

    def _measure(self, key: str, those: Rows | None, *, binned: bool) -> Measure:
        column, by_hand = self.seconds[key], self.by_hand[key]
        if those is not None:
            column, by_hand = column[those], by_hand[those]
        known = ~np.isnan(column)
        sample = np.sort(column[known])
        corrected = int(by_hand[known].sum())
        bins = bins_of(sample) if binned else ()
        return Measure(key, _spread(sample), bins, len(column) - len(sample), corrected)


def _spread(sample: Rows) -> Spread | None:
    """Nearest-rank percentiles of a sorted sample; None for an empty one, never a zero."""
    size = len(sample)
    if not size:
        return None
    return Spread(size, float(sample[rank(0.5, size)]), float(sample[rank(0.9, size)]), float(sample.mean()))


def bins_of(sample: Rows) -> tuple[Bin, ...]:
    """The distribution, from the first bin that holds anything to the last."""
    if not len(sample):
        return ()
    counts = np.bincount(np.searchsorted(EDGES, sample, side="right"), minlength=len(EDGES) + 1).tolist()
    held = [n for n, number in enumerate(counts) if number]
    starts, ends = (0, *EDGES), (*EDGES, None)
    return tuple(Bin(starts[n], ends[n], counts[n]) for n in range(held[0], held[-1] + 1))


def still_open(past: Past) -> int:
    """How many of those that count are not over."""
    over = {Phase.RESOLVED.value, Phase.CLOSED.value}
    each = Counter(zip(past.left_out, past.phase, strict=True))
    return sum(number for (because, phase), number in each.items() if not because and phase not in over)


# -- who was woken ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load:
    """What pages did to one person: by month how many, and how many of them between ten at night and seven."""

    person: str
    pages: int
    at_night: int
    months: Mapping[str, tuple[int, int]]  # 2026-11 → (pages, of them at night)


def load(pages: Paged, zones: Mapping[str, ZoneInfo], otherwise: ZoneInfo) -> list[Load]:
    """Per person by their own clock, the most burdened first."""
    people, who = coded(pages.person)
    hours, when = coded(pages.hour)
    number = np.array(pages.number, dtype=np.int64)
    clocks: dict[ZoneInfo, tuple[list[str], Rows, Rows]] = {}
    found = []
    for place, person in enumerate(people):
        zone = zones.get(person, otherwise)
        if zone not in clocks:
            clocks[zone] = _by_clock(hours, zone)
        months, month_of, night = clocks[zone]
        theirs = np.flatnonzero(who == place)
        month, each = month_of[when[theirs]], number[theirs]
        by_month = _counted(month, each, len(months))
        at_night = _counted(month, each * night[when[theirs]], len(months))
        told = {name: both for name, both in zip(months, zip(by_month, at_night, strict=True), strict=True) if both[0]}
        found.append(Load(person, sum(by_month), sum(at_night), told))
    return sorted(found, key=lambda each: (-each.pages, each.person))


def _by_clock(hours: Sequence[datetime], zone: ZoneInfo) -> tuple[list[str], Rows, Rows]:
    """The months there are by that clock, and for each hour which of them it is in, and whether people sleep then."""
    local = [hour.astimezone(zone) for hour in hours]
    months, month_of = coded([f"{each:%Y-%m}" for each in local])
    return months, month_of, np.array([is_night(each) for each in local], dtype=np.int64)


def _counted(month: Rows, number: Rows, months: int) -> list[int]:
    return [int(each) for each in np.bincount(month, weights=number, minlength=months)]


def is_night(local: datetime) -> bool:
    """Whether people sleep at that time by their clock."""
    at: time = local.time()
    return not MORNING <= at < EVENING
