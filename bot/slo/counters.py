"""Raw samples remembered between polls, turned into exact increases of thousands of series at once.

A *line* is one series as one objective counts it, in one role. The same series may stand in several lines: a failure is
part of the failures and of the total.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bot.slo.grid import Ints, to_ms
from bot.slo.measure import MICRO
from bot.slo.spec import Labels, Point

EXACT = 2**53  # a float counts one by one no further than this

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Role(IntEnum):
    """What a line's samples are to its account."""

    PART = 0  # a counter of the good (or bad) events
    TOTAL = 1  # a counter of all events
    GAUGE = 2  # each sample is one event, good on one side of a value
    SHARE = 3  # each sample is one event, good to the share it says
    PART_RATE = 4  # the part's events per second
    TOTAL_RATE = 5  # all events per second


COUNTERS = (Role.PART, Role.TOTAL)
RATES = (Role.PART_RATE, Role.TOTAL_RATE)
OF_TOTAL = (Role.TOTAL, Role.GAUGE, Role.SHARE, Role.TOTAL_RATE)
"""Without these nothing is known of an account."""


@dataclass(slots=True)
class Lines:
    """The last value and time of each line, in columns."""

    account: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    role: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sister: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    value: Floats = field(default_factory=lambda: np.zeros(0))
    at: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    slice: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # which part of the traffic, -1 for none
    labels: list[Labels] = field(default_factory=list)
    slices: list[tuple[int, str]] = field(default_factory=list)  # the account and the value of each slice
    _index: dict[tuple[int, int, Labels], int] = field(default_factory=dict)
    _sisters: dict[tuple[int, Labels], int] = field(default_factory=dict)
    by_account: dict[int, list[int]] = field(default_factory=dict)  # the slices of each account
    _slices: dict[tuple[int, str], int] = field(default_factory=dict)
    _waiting: list[tuple[int, int, int, int]] = field(default_factory=list)  # lines that are not yet columns

    @property
    def processes(self) -> int:
        """How many processes the lines are of, as far as labels tell."""
        return len(self._sisters)

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, account: int, role: Role, labels: Labels, slice_by: str = "") -> int:
        """The number of the line, made where it is new. Call `settle` before its columns are read.

        With `slice_by` it is also of a slice: the traffic whose label of that name has the same value.
        """
        key = (account, int(role), labels)
        number = self._index.get(key)
        if number is None:
            number = self._index[key] = len(self.labels)
            self.labels.append(labels)
            # series of one account with the same labels are of one process: they restart together
            sister = self._sisters.setdefault((account, bare(labels)), len(self._sisters))
            self._waiting.append((account, int(role), sister, self._slice(account, labels, slice_by)))
        return number

    def _slice(self, account: int, labels: Labels, slice_by: str) -> int:
        value = next((held for name, held in labels if name == slice_by), "") if slice_by else ""
        if not value:
            return -1
        key = (account, value)
        if key not in self._slices:
            self._slices[key] = len(self.slices)
            self.by_account.setdefault(account, []).append(len(self.slices))
            self.slices.append(key)
        return self._slices[key]

    def settle(self) -> None:
        """Put new lines into the columns: never seen yet."""
        if not self._waiting:
            return
        account, role, sister, part = (np.array(each, dtype=np.int64) for each in zip(*self._waiting, strict=True))
        count = len(self._waiting)
        self.account, self.role = np.concatenate((self.account, account)), np.concatenate((self.role, role))
        self.sister, self.slice = np.concatenate((self.sister, sister)), np.concatenate((self.slice, part))
        self.value = np.concatenate((self.value, np.zeros(count)))
        self.at = np.concatenate((self.at, np.full(count, -1, dtype=np.int64)))
        self._waiting = []

    def keep(self, chosen: Flags, slice_by: Mapping[int, str]) -> "Lines":
        """A new memory of the chosen lines alone; `slice_by` is each account's label to slice by."""
        self.settle()
        kept = Lines()
        for number in np.flatnonzero(chosen):
            account = int(self.account[number])
            kept.of(account, Role(int(self.role[number])), self.labels[number], slice_by.get(account, ""))
        kept.settle()
        kept.value, kept.at = self.value[chosen].copy(), self.at[chosen].copy()
        return kept


def bare(labels: Labels) -> Labels:
    """The labels without the metric's name."""
    return frozenset(pair for pair in labels if pair[0] != "__name__")


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of lines in columns, in any order: which line, when (milliseconds), and what."""

    line: Ints
    at: Ints
    value: Floats

    def ordered(self) -> "Samples":
        """By line, then by time."""
        if len(self.line) and np.all(np.diff(self.line) > 0):
            return self
        order = np.lexsort((self.at, self.line))
        return Samples(self.line[order], self.at[order], self.value[order])

    def only(self, chosen: Flags | slice) -> "Samples":
        """The chosen samples alone."""
        return Samples(self.line[chosen], self.at[chosen], self.value[chosen])


@dataclass(frozen=True, slots=True)
class Increase:
    """What was gained in one poll, part and total: by account, while watched and over a silence; and by slice."""

    gained: Ints
    gap: Ints
    slices: Ints


def fresh(samples: Samples, lines: Lines) -> tuple[Samples, Flags]:
    """The samples newer than what is remembered, in order and each once; and which of them contradict another.

    One series with two values at one time contradicts itself.
    """
    ordered = samples.ordered()
    ordered = ordered.only(ordered.at > lines.at[ordered.line])
    if not len(ordered.line):
        return ordered, np.zeros(0, dtype=bool)
    again = np.concatenate(([False], (np.diff(ordered.line) == 0) & (np.diff(ordered.at) == 0)))
    contradicting = again & np.concatenate(([False], ordered.value[1:] != ordered.value[:-1]))
    keep = ~again | contradicting
    return ordered.only(keep), contradicting[keep]


def insane(samples: Samples, role: Ints) -> Flags:
    """Which samples cannot be counted: of counters what is no whole number from 0 to 2^53, of the rest what is none."""
    value = samples.value
    counter = role <= Role.TOTAL
    finite = np.isfinite(value)
    with np.errstate(invalid="ignore"):
        whole = finite & (value >= 0) & (value <= EXACT) & (value == np.floor(value))
    return np.where(counter, ~whole, ~finite | ((role >= Role.PART_RATE) & (value < 0)))


def why_insane(value: float, what: str, labels: Labels) -> str:
    """The sentence about one value that is no count."""
    named = ", ".join(f"{name}={held}" for name, held in sorted(bare(labels)))
    where = f" ({named})" if named else ""
    if not np.isfinite(value):
        return f"{what} reads {value}, which is no count{where}"
    if value < 0:
        return f"{what} reads {value:g}: a counter is never negative{where}"
    if value > EXACT:
        return f"{what} reads {value:g}, more than can be counted exactly{where}"
    return f"{what} reads {value:g}: events come in whole numbers{where}"


def increases(samples: Samples, lines: Lines, *, silence: Ints, births: Flags, size: int) -> Increase:
    """What each account's counters gained by these samples (fresh, sane, in order).

    A first value counts from zero where `births` of its account says so, else it is only the ground to count from. A
    value below the last is a restarted process and counts from zero; so does a sister line, whose process it is too. A
    line silent for longer than its account's `silence` (milliseconds) gained what it gained at an unknown time.
    """
    line, at, value = samples.line, samples.at, samples.value
    account = lines.account[line]
    first = np.concatenate(([True], np.diff(line) != 0)) if len(line) else np.zeros(0, dtype=bool)
    before = np.where(first, lines.value[line], np.concatenate(([0.0], value[:-1])) if len(line) else value)
    since = np.where(first, lines.at[line], np.concatenate(([0], at[:-1])) if len(line) else at)
    born = first & (since < 0)
    fell = (value < before) & ~born
    restarted = np.zeros(lines.processes + 1, dtype=bool)
    restarted[lines.sister[line[fell & first]]] = True
    anew = fell | (first & ~born & restarted[lines.sister[line]])
    more = np.where(anew, value, value - before)
    more = np.where(born, np.where(births[account], value, 0.0), more)
    late = ~born & (at - since > silence[account])

    def summed(of: Ints, chosen: Flags, count: int) -> Ints:
        # sums of whole numbers below 2^53 are exact in floats
        cell = of[chosen] * 2 + lines.role[line[chosen]]
        held = np.bincount(cell, weights=more[chosen], minlength=2 * count)
        return held.astype(np.int64).reshape(count, 2).T

    part = lines.slice[line]
    count = len(lines.slices)
    return Increase(summed(account, ~late, size), summed(account, late, size), summed(part, ~late & (part >= 0), count))


def judged(samples: Samples, lines: Lines, good: Flags, size: int) -> Ints:
    """(2, accounts): good samples and all samples of gauges, each one event."""
    cell = lines.account[samples.line]
    total = np.bincount(cell, minlength=size)
    return np.stack((np.bincount(cell[good], minlength=size), total)).astype(np.int64)


def shares(samples: Samples, lines: Lines, size: int) -> Ints:
    """(2, accounts): the shares summed in millionths, and a million for each sample."""
    cell = lines.account[samples.line]
    part = np.bincount(cell, weights=np.round(np.clip(samples.value, 0, 1) * MICRO), minlength=size)
    return np.stack((part, np.bincount(cell, minlength=size) * MICRO)).astype(np.int64)


def remember(samples: Samples, lines: Lines) -> None:
    """Keep the newest of these samples (in order) of each line."""
    if not len(samples.line):
        return
    last = np.concatenate((np.diff(samples.line) != 0, [True]))
    lines.value[samples.line[last]] = samples.value[last]
    lines.at[samples.line[last]] = samples.at[last]


def of_points(points: Mapping[int, "list[Point] | tuple[Point, ...]"]) -> Samples:
    """Columns of points by line."""
    line: list[int] = []
    at: list[int] = []
    value: list[float] = []
    for number, held in points.items():
        for point in held:
            line.append(number)
            at.append(to_ms(point.at))
            value.append(point.value)
    return Samples(np.array(line, dtype=np.int64), np.array(at, dtype=np.int64), np.array(value, dtype=np.float64))
