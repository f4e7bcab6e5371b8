"""Running totals of good and bad events over time, so that any window is one subtraction."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


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


COLUMNS = ("ends", "good", "bad", "covered", "gap_good", "gap_bad")


class Book:
    """One objective's running totals at the ends of its buckets.

    Row i holds all that happened up to and including `ends[i]` (milliseconds); row 0 is the ground line. Dropping a row
    in the middle only makes times coarser there: totals stay exact.
    """

    def __init__(self, width: timedelta) -> None:
        self.width = width // MILLISECOND
        if self.width <= 0:
            raise ValueError("a bucket is at least one millisecond wide")
        self.columns: dict[str, array[int]] = {name: array("q") for name in COLUMNS}

    @property
    def last(self) -> datetime | None:
        """The end of the newest bucket."""
        return from_ms(self.columns["ends"][-1]) if self.columns["ends"] else None

    def add(self, at: datetime, good: int, bad: int, *, watched: bool, gap_good: int = 0, gap_bad: int = 0) -> None:
        """Book events seen at `at`, into the newest bucket if `at` is older than that.

        `watched`: there was data all the time since the bucket before; that time then counts as covered.
        """
        ends = self.columns["ends"]
        end = self._ceil(to_ms(at))
        if not ends:
            self._append(end - self.width, (0, 0, 0, 0, 0))
        covered = max(end - ends[-1], 0) if watched else 0
        if end > ends[-1]:
            self._append(end, tuple(self.columns[name][-1] for name in COLUMNS[1:]))
        more = (good, bad, covered, gap_good, gap_bad)
        for name, value in zip(COLUMNS[1:], more, strict=True):
            self.columns[name][-1] += value

    def counts(self, end: datetime, length: timedelta) -> Counts:
        """What happened in the `length` before `end`; the bucket still being filled at `end` belongs to it."""
        upto = self._ceil(to_ms(end))
        return self._between(self._row(upto - length // MILLISECOND), self._row(upto))

    def buckets(self, start: datetime, end: datetime, step: timedelta | None = None) -> Iterator[Bucket]:
        """Buckets after `start` up to `end`: of `step` each, or as they were recorded."""
        first, last = self._ceil(to_ms(start)), self._ceil(to_ms(end))
        if step is None:
            edges = [first, *(each for each in self.columns["ends"] if first < each <= last)]
        else:
            edges = [*range(first, last, max(step // MILLISECOND, self.width)), last]
        for left, right in pairwise(edges):
            # After a silence a recorded bucket is one bucket wide: its events are not those of the silence.
            begin = left if step is not None or self._covers(left, right) else right - self.width
            counts = self._between(self._row(left), self._row(right))
            yield Bucket(from_ms(begin), from_ms(right), counts.good, counts.bad)

    def forget(self, before: datetime) -> None:
        """Let go of all that ended before `before`; windows reaching further back see only what is left."""
        row = self._row(self._ceil(to_ms(before)))
        if row > 0:
            for column in self.columns.values():
                del column[:row]

    def thin(self, before: datetime, step: timedelta) -> None:
        """Keep one row per `step` in what is older than `before`: coarser in time, exact in sum."""
        upto, size = self._ceil(to_ms(before)), step // MILLISECOND
        ends = self.columns["ends"]
        old = bisect_right(ends, upto)
        cells = [-(-end // size) for end in ends[:old]]
        keep = [row for row in range(old) if row in {0, old - 1} or cells[row] != cells[row + 1]]
        if len(keep) < old:
            for name, column in self.columns.items():
                self.columns[name] = array("q", [column[row] for row in keep]) + column[old:]

    def dump(self) -> dict[str, list[int]]:
        """The book as plain lists."""
        return {name: column.tolist() for name, column in self.columns.items()}

    @classmethod
    def load(cls, width: timedelta, rows: Mapping[str, Any]) -> "Book":
        """The book that was dumped. Raises ValueError, TypeError or KeyError where `rows` is not one."""
        book = cls(width)
        book.columns = {name: array("q", rows[name]) for name in COLUMNS}
        ends = book.columns["ends"]
        if len({len(column) for column in book.columns.values()}) != 1:
            raise ValueError("the columns differ in length")
        if any(later <= earlier for earlier, later in pairwise(ends)):
            raise ValueError("time runs backwards")
        return book

    def _covers(self, left: int, right: int) -> bool:
        covered = self.columns["covered"]
        return covered[self._row(right)] - covered[self._row(left)] >= right - left

    def _between(self, low: int, high: int) -> Counts:
        if high <= low or high < 0:
            return Counts()
        good, bad, covered, gap_good, gap_bad = (
            self.columns[name][high] - (self.columns[name][low] if low >= 0 else self.columns[name][0])
            for name in COLUMNS[1:]
        )
        return Counts(good, bad, covered * MILLISECOND, gap_good, gap_bad)

    def _row(self, ms: int) -> int:
        """The last row that ended at `ms` or before; −1 before the ground line."""
        return bisect_right(self.columns["ends"], ms) - 1

    def _ceil(self, ms: int) -> int:
        return -(-ms // self.width) * self.width

    def _append(self, end: int, totals: tuple[int, ...]) -> None:
        for name, value in zip(COLUMNS, (end, *totals), strict=True):
            self.columns[name].append(value)
