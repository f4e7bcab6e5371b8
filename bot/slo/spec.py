"""What a service promised, in OpenSLO v1's words: an indicator, a target, a window, and how fast burning wakes whom."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bot.slo.calendar import Calendar
from bot.slo.measure import (
    MICRO,
    OCCURRENCES,
    Constituent,
    Expression,
    Indicator,
    Measure,
    Method,
    Part,
    Query,
    Raw,
    Threshold,
)
from bot.slo.selector import Matcher, Selector

__all__ = [
    "Calendar", "Constituent", "Expression", "Indicator", "Matcher", "Measure", "Method", "Origin", "Part", "Point",
    "Query", "Raw", "Selector", "Slice", "Slo", "Threshold", "Tier", "Unreachable",
    "default_tiers", "max_burn", "unreachable",
]  # fmt: skip

Severity = Literal["page", "ticket"]
Labels = frozenset[tuple[str, str]]

SMALLEST_LONG = timedelta(minutes=1)
SMALLEST_SHORT = timedelta(seconds=5)

MIN_EVENTS = 10
NO_DATA_AFTER = timedelta(minutes=10)
RECOVER_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Point:
    """One raw sample of one counter series: its labels, its value as exposed, and when it was scraped."""

    labels: Labels
    value: float
    at: datetime

    @classmethod
    def of(cls, value: float, at: datetime, **labels: str) -> "Point":
        """A point with its labels given by name."""
        return cls(frozenset(labels.items()), value, at)


@dataclass(frozen=True, slots=True)
class Tier:
    """Fires when the burn rate reaches `factor` over the long window and still does over the short one."""

    name: str
    severity: Severity
    long: timedelta
    short: timedelta
    factor: float


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of the traffic an objective speaks of; `value` may name several, as in `poor|fair`."""

    dimension: str
    value: str

    @property
    def values(self) -> frozenset[str]:
        return frozenset(each.strip() for each in self.value.split("|"))

    def __str__(self) -> str:
        return f"{self.dimension}={self.value}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an objective is written."""

    file: str
    line: int
    column: int


# SRE Workbook, ch. 5, "multiwindow, multi-burn-rate alerts": for 30 days.
_MONTH = timedelta(days=30)
_WORKBOOK = (
    Tier("fast", "page", timedelta(hours=1), timedelta(minutes=5), 14.4),
    Tier("slow", "page", timedelta(hours=6), timedelta(minutes=30), 6.0),
    Tier("day", "ticket", timedelta(days=1), timedelta(hours=2), 3.0),
    Tier("three days", "ticket", timedelta(days=3), timedelta(hours=6), 1.0),
)


def default_tiers(window: timedelta) -> tuple[Tier, ...]:
    """The Workbook's four tiers, their windows scaled from 30 days to `window`: each spends the same budget.

    Windows are rounded to whole seconds and never fall below one minute (long) and five seconds (short).
    """
    share = window / _MONTH
    return tuple(
        Tier(
            tier.name,
            tier.severity,
            max(_whole(tier.long * share), SMALLEST_LONG),
            max(_whole(tier.short * share), SMALLEST_SHORT),
            tier.factor,
        )
        for tier in _WORKBOOK
    )


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective: `target` (between 0 and 1) of the indicator's events are good over the rolling `window`.

    `name` is its identity. With a `calendar` the budget belongs to a period of it, and `window` is that period's
    nominal length. `parts` are what a composite is made of (its `indicator` is then the first one's).
    `min_events` is the least traffic on which a tier may fire or a recovery may rest; `no_data_after` is how long
    silence lasts before it becomes an incident of its own, unless `blind_opens` is off; with `opens` off its failures
    open none either: it is measured, budgeted and shown. `recover_for` is how much good data a recovery needs. `births`
    says whether a series first seen under our eyes counts from zero. `rule` chooses what pages: evidence and impact
    together, or the Workbook's burn rates alone. `slice_by` names a label whose values are watched against one another;
    with `allowed_gap` they are groups of people and good events favourable answers: one group may get them so much less
    often. `severity` (1 worst) overrides what impact and urgency would give.
    """

    name: str
    service: str
    indicator: Measure
    target: float
    window: timedelta
    tiers: tuple[Tier, ...] = ()
    display: str = ""
    description: str = ""
    source: str = "default"
    method: Method = OCCURRENCES
    calendar: Calendar | None = None
    parts: tuple[Constituent, ...] = ()
    slice: Slice | None = None
    slice_by: str = ""
    allowed_gap: float | None = None
    births: Literal["count", "skip"] = "count"
    rule: Literal["evidence", "burn_rate"] = "evidence"
    blind_opens: bool = True
    opens: bool = True
    min_events: int = MIN_EVENTS
    no_data_after: timedelta = NO_DATA_AFTER
    recover_for: timedelta = RECOVER_FOR
    runbook: str | None = None
    severity: int | None = None
    labels: tuple[tuple[str, str], ...] = ()
    origin: Origin | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise ValueError(f"a target lies between 0 and 1, not {self.target:g}")
        if self.window <= timedelta(0):
            raise ValueError("a window has a length")
        if not self.tiers:
            object.__setattr__(self, "tiers", default_tiers(self.window))

    @property
    def budget(self) -> float:
        """The share of events that may fail: 1 − target."""
        return 1 - self.target

    @property
    def unit(self) -> int:
        """How many counts make one event: a million where shares of an event are counted."""
        measures = [part.measure for part in self.parts] or [self.indicator]
        shares = self.method.kind == "ratio_timeslices" or (
            not self.method.sliced and (self.parts or any(isinstance(each, Raw) for each in measures))
        )
        return MICRO if shares else 1

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All it counts: its indicator, or each part of a composite."""
        return tuple(part.measure for part in self.parts) or (self.indicator,)

    @property
    def title(self) -> str:
        return self.display or self.name

    @property
    def longest(self) -> timedelta:
        """The longest window any tier looks back over."""
        return max(tier.long for tier in self.tiers)


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A tier that can never fire, and the largest factor that could."""

    tier: Tier
    largest: float

    def __str__(self) -> str:
        return (
            f"tier {self.tier.name!r} fires at {self.tier.factor:g}× but even a total outage burns only "
            f"{floored(self.largest)}×: it can never fire"
        )


def max_burn(target: float) -> float:
    """The burn rate of a total outage, 1 / (1 − target): no factor above it can ever fire."""
    return 1 / (1 - target)


def unreachable(slo: Slo) -> list[Unreachable]:
    """Every tier whose factor no outage can reach."""
    largest = max_burn(slo.target)
    return [Unreachable(tier, largest) for tier in slo.tiers if tier.factor > largest * (1 + 1e-9)]


def floored(factor: float) -> str:
    """A factor in at most two decimals, never rounded up: written into a tier, it can still be reached."""
    return f"{int(factor * 100 + 1e-6) / 100:g}"


def by_source(slos: Iterable[Slo]) -> dict[str, list[Slo]]:
    """The objectives of each monitoring source, so that each source is asked once."""
    grouped: dict[str, list[Slo]] = {}
    for slo in slos:
        grouped.setdefault(slo.source, []).append(slo)
    return grouped


def _whole(length: timedelta) -> timedelta:
    return timedelta(seconds=round(length.total_seconds()))
