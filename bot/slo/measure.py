"""What an objective counts: events that went well or badly, however the monitoring system shows them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.slo.selector import Selector

Part = Literal["good", "bad"]
Operator = Literal["lt", "lte", "gt", "gte"]
MICRO = 1_000_000  # a fraction of one event, counted in whole numbers

SIGNS: dict[Operator, str] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True, slots=True)
class Expression:
    """A query that only the monitoring server can answer, in its own language (PromQL).

    `$window` in it stands for the length a rate is taken over, `$seconds` for the same length as a number of seconds;
    the source fills both in at each poll. As part of a ratio it is a rate per second, and the events it stands for are
    an estimate: rate times the time between two polls.
    """

    text: str

    def __str__(self) -> str:
        return self.text


Query = Selector | Expression


@dataclass(frozen=True, slots=True)
class Indicator:
    """A ratio of events: those that went well (or badly) among all of them.

    `counts` says which of the two `part` selects. A latency threshold is such a ratio too: the histogram's bucket with
    `le` at the threshold is the good part, its `_count` the total. `missing_bad` decides what an absent bad series
    means while the total is there: `zero` failures, or `no_data` (nobody can tell it from a misspelt name).
    """

    counts: Part
    part: Query
    total: Query
    missing_bad: Literal["zero", "no_data"] = "no_data"

    @property
    def queries(self) -> tuple[Query, ...]:
        return (self.part, self.total)

    def __str__(self) -> str:
        return f"{self.counts} {self.part} of {self.total}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A gauge that must stay on one side of a value: each new sample of each matching series is one event.

    With `age` the gauge is a moment in Unix seconds and its age at the time of the sample is compared (freshness).
    """

    query: Query
    operator: Operator
    value: float
    age: bool = False

    @property
    def queries(self) -> tuple[Query, ...]:
        return (self.query,)

    def __str__(self) -> str:
        measured = f"age of {self.query}" if self.age else str(self.query)
        return f"{measured} {SIGNS[self.operator]} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Raw:
    """A gauge that is itself the share (0 to 1) of what went well or badly: each new sample is one event, in parts."""

    counts: Part
    query: Query

    @property
    def queries(self) -> tuple[Query, ...]:
        return (self.query,)

    def __str__(self) -> str:
        return f"{self.counts} share {self.query}"


Measure = Indicator | Threshold | Raw


@dataclass(frozen=True, slots=True)
class Method:
    """How events become a budget (OpenSLO v1, "budgeting method").

    occurrences: each event counts. timeslices: each slice of `length` is one event, good where at least `good_from` of
    its events were. ratio_timeslices: each slice is one event, good to the share its events were. `empty` says what a
    slice without events is; by default nothing is known of it.
    """

    kind: Literal["occurrences", "timeslices", "ratio_timeslices"] = "occurrences"
    length: timedelta = timedelta(minutes=1)
    good_from: float = 0.0
    empty: Literal["unknown", "good", "bad"] = "unknown"

    @property
    def sliced(self) -> bool:
        return self.kind != "occurrences"


OCCURRENCES = Method()


@dataclass(frozen=True, slots=True)
class Constituent:
    """One part of a composite objective: what it counts, its own target where it has one, and its weight."""

    name: str
    measure: Measure
    weight: float = 1.0
    good_from: float = 0.0
    source: str = ""
