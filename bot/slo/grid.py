"""Running totals of good and bad events of many objectives on one time axis, so that any window is one subtraction.

A row holds what every objective had counted up to one moment. All objectives share the rows: a window of all of them is
the difference of two rows, whatever their number.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
GOOD, BAD, COVERED = 0, 1, 2
SINCE_LAST = -1

Ints = NDArray[np.int64]
Row = NDArray[np.int64]
"""One moment: (3, accounts), the totals of good events, bad events, and milliseconds for which there was data."""


def to_ms(at: datetime) -> int:
    """Whole milliseconds since 1970, UTC; `at` must know its time zone."""
    return (at - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """The moment `ms` milliseconds after 1970, UTC."""
    return EPOCH + ms * MILLISECOND


@dataclass(frozen=True, slots=True)
class Counts:
    """Events in one window, and for how much of it there was data.

    `gap_good` and `gap_bad` happened while nobody was watching, at an unknown time inside a gap: they count for the
    budget, never for burn rates or evidence.
    """

    good: int = 0
    bad: int = 0
    covered: timedelta = timedelta(0)
    gap_good: int = 0
    gap_bad: int = 0

    @property
    def total(self) -> int:
        return self.good + self.bad

    @property
    def ratio(self) -> float:
        """The share of bad events; 0 where there were none at all (ask `total` first)."""
        return self.bad / self.total if self.total else 0.0

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(
            self.good - other.good,
            self.bad - other.bad,
            self.covered - other.covered,
            self.gap_good - other.gap_good,
            self.gap_bad - other.gap_bad,
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """Events between `start` (excluded) and `end` (included), without those of gaps."""

    start: datetime
    end: datetime
    good: int
    bad: int

    @property
    def total(self) -> int:
        return self.good + self.bad


class Grid:
    """Totals of `size` accounts at the ends of buckets of `width`.

    The first row is the ground that windows reaching further back count from. Letting go of a row in the middle only
    makes times coarser there: totals stay exact.
    """

    def __init__(self, width: timedelta) -> None:
        self.width = width // MILLISECOND
        if self.width <= 0:
            raise ValueError("a bucket is at least one millisecond wide")
        self.size = 0
        self.ends: array[int] = array("q")
        self.rows: list[Row] = []
        self.newest: Ints = np.full(0, -1, dtype=np.int64)  # the end of each account's newest bucket, -1 without one
        self.pins: set[int] = set()  # moments that stay exact however coarse the rows around them become
        self.touched = 0  # rows from this end on may have changed since somebody set it
        self.gaps: dict[int, list[tuple[int, int, int]]] = {}  # account -> (end, good, bad) of silences, oldest first

    # -- writing -----------------------------------------------------------------------------------------------------

    def grow(self, size: int) -> None:
        """Make room for accounts up to `size`; the new ones have counted nothing."""
        if size <= len(self.newest):
            self.size = max(self.size, size)
            return
        room = max(size, 2 * len(self.newest))
        more = room - len(self.newest)
        self.newest = np.concatenate((self.newest, np.full(more, -1, dtype=np.int64)))
        self.rows = [np.concatenate((row, np.zeros((3, more), dtype=np.int64)), axis=1) for row in self.rows]
        self.size = size

    def add(self, accounts: Ints, at: Ints, good: Ints, bad: Ints, covered: Ints) -> None:
        """Book events of each of `accounts` (each at most once) seen at `at` (milliseconds).

        An account's events go into its newest bucket if they are older than that. `covered` is for how long there was
        data (milliseconds); SINCE_LAST for all the time since its bucket before.
        """
        ends = np.maximum(self.ceil(at), self.newest[accounts])
        before = self.newest[accounts]
        lasted = np.where(covered == SINCE_LAST, np.where(before >= 0, ends - before, 0), covered)
        for end in np.unique(ends):
            self.touched = min(self.touched, int(end))
            chosen = ends == end
            mine = accounts[chosen]
            for row in self.rows[self._place(int(end)) :]:
                row[GOOD, mine] += good[chosen]
                row[BAD, mine] += bad[chosen]
                row[COVERED, mine] += lasted[chosen]
        self.newest[accounts] = ends

    def add_gap(self, account: int, at: int, good: int, bad: int) -> None:
        """Book events that happened at an unknown time before `at` (milliseconds)."""
        held = self.gaps.setdefault(account, [])
        held.append((int(self.ceil(np.int64(at))), good, bad))
        held.sort()

    def clear(self, account: int) -> None:
        """Forget all of one account."""
        for row in self.rows:
            row[:, account] = 0
        self.newest[account] = -1
        self.gaps.pop(account, None)

    def ground(self, end: int) -> None:
        """Begin the axis: nothing had been counted when the bucket ending at `end` began."""
        self.rows.append(np.zeros((3, len(self.newest)), dtype=np.int64))
        self.ends.append(end - self.width)

    def _place(self, end: int) -> int:
        """The index of the first row that holds events of the bucket ending at `end`, made where there is none."""
        if not self.ends:
            self.ground(end)
        index = bisect_left(self.ends, end)
        if index == 0:
            return 0  # older than the ground: it belongs to what cannot be told apart any more
        if index == len(self.ends) or self.ends[index] != end:
            self.rows.insert(index, self.rows[index - 1].copy())
            self.ends.insert(index, end)
        return index

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """The newest row's end, -1 where there is none."""
        return self.ends[-1] if self.ends else -1

    def ceil(self, ms: Ints | np.int64) -> Ints:
        """The ends of the buckets that hold these moments."""
        return np.asarray(-(-ms // self.width) * self.width, dtype=np.int64)

    def row(self, ms: int) -> Row:
        """What had been counted up to `ms`; the ground where that is earlier."""
        if not self.rows:
            return np.zeros((3, len(self.newest)), dtype=np.int64)
        return self.rows[max(bisect_right(self.ends, ms) - 1, 0)]

    def window(self, end: int, length: int) -> Row:
        """(3, accounts) of the `length` milliseconds before `end`; the bucket being filled at `end` belongs to it."""
        upto = int(self.ceil(np.int64(end)))
        return self.row(upto) - self.row(upto - length)

    def counts(self, account: int, end: int, length: int) -> Counts:
        """The same of one account, with its gaps."""
        if account >= len(self.newest) or not self.rows:
            return Counts()
        upto = int(self.ceil(np.int64(end)))
        high, low = self.row(upto), self.row(upto - length)
        good, bad, covered = (int(high[column, account]) - int(low[column, account]) for column in range(3))
        gap_good = gap_bad = 0
        for at, more_good, more_bad in self.gaps.get(account, ()):
            if upto - length < at <= upto:
                gap_good, gap_bad = gap_good + more_good, gap_bad + more_bad
        return Counts(good, bad, covered * MILLISECOND, gap_good, gap_bad)

    def history(self, account: int, start: int, end: int) -> tuple[Ints, Ints, Ints, Ints]:
        """Ends and totals (good, bad, covered) of the rows from the one before `start` up to `end` (milliseconds)."""
        low = max(bisect_right(self.ends, start) - 1, 0)
        high = bisect_right(self.ends, end)
        ends = np.array(self.ends[low:high], dtype=np.int64)
        held = np.array([row[:, account] for row in self.rows[low:high]], dtype=np.int64).reshape(-1, 3)
        return ends, held[:, GOOD], held[:, BAD], held[:, COVERED]

    def buckets(self, account: int, start: int, end: int, step: int | None = None) -> Iterator[Bucket]:
        """Buckets of one account after `start` up to `end`: of `step` milliseconds each, or as they were recorded."""
        if account >= len(self.newest) or not self.rows:
            return
        first, last = int(self.ceil(np.int64(start))), int(self.ceil(np.int64(end)))
        if step is not None:
            edges = [*range(first, last, max(step, self.width)), last]
            for left, right in pairwise(edges):
                counts = self.counts(account, right, right - left)
                yield Bucket(from_ms(left), from_ms(right), counts.good, counts.bad)
            return
        yield from self._recorded(account, first, last)

    def _recorded(self, account: int, first: int, last: int) -> Iterator[Bucket]:
        columns = (each.tolist() for each in self.recorded(account, first, last))
        for left, right, good, bad in zip(*columns, strict=True):
            yield Bucket(from_ms(left), from_ms(right), good, bad)

    def recorded(self, account: int, start: int, end: int) -> tuple[Ints, Ints, Ints, Ints]:
        """Buckets of one account after `start` up to `end` as they were recorded: starts, ends, good and bad events."""
        if not 0 <= account < len(self.newest) or not self.rows:
            nothing = np.zeros(0, dtype=np.int64)
            return nothing, nothing, nothing, nothing
        first, last = int(self.ceil(np.int64(start))), int(self.ceil(np.int64(end)))
        ends, *totals = self.history(account, first, last)
        good, bad, covered = (np.diff(column) for column in totals)
        some = np.flatnonzero(good | bad | covered)
        right, watched = ends[some + 1], covered[some]
        # After a silence a recorded bucket is one bucket wide: its events are not those of the silence.
        left = np.where(watched != 0, np.maximum(right - watched, first), right - self.width)
        return left, right, good[some], bad[some]

    # -- letting go --------------------------------------------------------------------------------------------------

    def forget(self, before: int) -> None:
        """Let go of all that ended before `before`; windows reaching further back see only what is left."""
        index = bisect_right(self.ends, int(self.ceil(np.int64(before)))) - 1
        if index > 0:
            del self.ends[:index], self.rows[:index]
            self.pins = {pin for pin in self.pins if pin >= self.ends[0]}
        for account, held in list(self.gaps.items()):
            kept = [each for each in held if each[0] > before]
            if kept:
                self.gaps[account] = kept
            else:
                del self.gaps[account]

    def pin(self, ms: int) -> int:
        """Keep the row that tells what had been counted up to `ms`; its end."""
        end = int(self.ceil(np.int64(ms)))
        if self.ends:
            self.pins.add(self.ends[max(bisect_right(self.ends, end) - 1, 0)])
        return end

    def thin(self, before: int, step: int) -> None:
        """Keep one row per `step` in what is older than `before`: coarser in time, exact in sum."""
        old = bisect_right(self.ends, before)
        cells = [-(-end // step) for end in self.ends[:old]]
        kept = {0, old - 1}
        keep = [
            index
            for index in range(old)
            if index in kept or cells[index] != cells[index + 1] or self.ends[index] in self.pins
        ]
        if len(keep) < old:
            self.rows = [self.rows[index] for index in keep] + self.rows[old:]
            self.ends = array("q", [self.ends[index] for index in keep]) + self.ends[old:]


def ints(values: Sequence[int] | Ints) -> Ints:
    """Whole numbers as an array."""
    return np.asarray(values, dtype=np.int64)
