"""Counts the rows of a prediction log as they arrive: each once, whether its file grows, is replaced, or comes late.

Only files that changed are read, and of each only what may be new: what arrived longer than `late` before it was last
read is counted for good. Counts are by day of arrival, and those of the last two days are kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.clients.duckdb import Limits, Look, Source, Where, files, look
from bot.clients.keys import AtLeast, Before, Both, Every, Is, Key, Known, Same, Text
from bot.domain.errors import Unavailable
from bot.telemetry import log as logger

MADE = ("predictions_total", "predicted_positive_total")
KNOWN = (
    "labelled_total", "correct_total", "positive_total", "negative_total",
    "true_positive_total", "false_positive_total", "labelled_predicted_positive_total",
)  # fmt: skip
METRICS = (*MADE, *KNOWN)

DAY = timedelta(days=1)
MOST = 5_000  # combinations of slices and versions: a column somebody fills with user ids must not eat the memory
PATIENCE = 6  # times as long as a poll: the past is read once, after a start
ZERO = datetime.fromtimestamp(0, UTC)

Side = Callable[[str], Key]
Ints = NDArray[np.int64]
Labels = tuple[tuple[str, str], ...]
Cell = tuple[int, Labels]
"""The day of arrival (days since 1970), and what tells the series apart."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the log is what; `label_time` is `time` where labels are known at once."""

    time: str
    prediction: str
    label: str
    label_time: str
    version: str
    slices: tuple[str, ...]
    positive: str
    threshold: float | None

    @property
    def apart(self) -> tuple[str, ...]:
        """The columns that tell series apart."""
        return (*((self.version,) if self.version else ()), *self.slices)

    @property
    def predicted(self) -> Key:
        """Whether the answer was the positive one."""
        if self.threshold is None:
            return Is(self.prediction, self.positive)
        return AtLeast(self.prediction, self.threshold)


class Counts(dict[Cell, Ints]):
    """How many events of each metric (in the order of METRICS) a cell holds."""

    def add(self, cell: Cell, counted: Ints) -> None:
        self[cell] = self[cell] + counted if cell in self else counted

    def join(self, other: Mapping[Cell, Ints]) -> None:
        for cell, counted in other.items():
            self.add(cell, counted)

    def since(self, day: int) -> Counts:
        """Only days from that one on."""
        return Counts({cell: counted for cell, counted in self.items() if cell[0] >= day})


@dataclass
class Page:
    """What one file has told: `base` of what arrived before `settled`, `fresh` of what came from there to `read`."""

    settled: datetime
    read: datetime
    stamp: tuple[int, int] = (-1, -1)
    base: Counts = field(default_factory=Counts)
    fresh: Counts = field(default_factory=Counts)
    ahead: bool = False  # it holds rows that arrive after `read`


@dataclass
class Row:
    """Rows alike in all that matters: how many, in which stretch or on which side of the marks."""

    sides: tuple[Any, ...]
    cell: Cell
    counted: Ints


class Arrivals:
    """One prediction log, read again and again."""

    def __init__(self, source: Source, columns: Columns, limits: Limits, late: timedelta) -> None:
        self.source, self._columns, self._limits, self._late = source, columns, limits, late
        self._pages: dict[str, Page] = {}

    async def until(self, at: datetime) -> Counts:
        """What arrived before `at`, today and the day before (UTC). Raises Unavailable, also where nothing did."""
        begin = midnight(at) - DAY
        due = await asyncio.to_thread(self._due, at, begin)
        while due:  # files settled at one time are read together; one that shrank is read once more
            settled = min(self._pages[name].settled for name in due)
            names = [name for name in due if self._pages[name].settled == settled]
            mark = max(settled, at - self._late)
            found = await look(self.source, partial(self._changed, names, settled, mark, at), self._limits)
            for name in names:
                if self._take(name, found[name], mark, at):
                    self._pages[name].stamp = due.pop(name)
        return self._total(days(begin))

    def _due(self, at: datetime, begin: datetime) -> dict[str, tuple[int, int]]:
        """Files that may hold something new, each with its size and the time it was written."""
        found = files(self.source.path)
        if not found:
            raise Unavailable(str(self.source), "could not be reached: no such file is there")
        due = {}
        for name in found:
            try:
                stamp = _stamp(name)
            except OSError:  # gone since it was listed
                continue
            page = self._pages.get(name)
            if page is None:
                page = self._pages[name] = Page(begin, begin)
                if stamp[1] < begin.timestamp() * 1e9:  # nothing in it can have arrived since
                    page.stamp = stamp
            if page.settled < begin:  # a day went by
                page.settled, page.fresh = begin, page.fresh.since(days(begin))
            if page.stamp != stamp or page.ahead:
                due[name] = stamp
        return due

    def _changed(
        self, names: Sequence[str], settled: datetime, mark: datetime, at: datetime, looked: Look
    ) -> dict[str, list[Row]]:
        """Of each file what arrived since it was last settled, by whether that was before `at`, and before `mark`."""
        found = {}
        sides: list[Side] = [partial(Before, moment=at), partial(Before, moment=mark)]
        for name in names:
            with looked.file(name) as one:
                found[name] = list(rows(one, self._columns, settled, sides))
        return found

    def _take(self, name: str, found: Sequence[Row], mark: datetime, at: datetime) -> bool:
        """Count what one file told; False where it must be asked again, for rows are gone that were counted."""
        page, old, fresh, ahead = self._pages[name], Counts(), Counts(), False
        for row in found:
            arrived, settled = row.sides
            ahead = ahead or not arrived
            if arrived:
                (old if settled else fresh).add(row.cell, row.counted)
        whole = Counts(old)
        whole.join(fresh)
        if any((counted > whole.get(cell, 0)).any() for cell, counted in page.fresh.items()):
            # what was counted stays counted, and counting goes on from where it stood
            logger().warning("a prediction log shrank", file=name, counted_until=page.read.isoformat())
            page.base.join(page.fresh)
            page.fresh, page.settled = Counts(), page.read
            return False
        page.base.join(old)
        page.fresh, page.settled, page.read, page.ahead = fresh, mark, at, ahead
        return True

    def _total(self, first: int) -> Counts:
        total = Counts()
        for page in self._pages.values():
            page.base, page.fresh = page.base.since(first), page.fresh.since(first)
            total.join(page.base)
            total.join(page.fresh)
        if len({labels for _, labels in total}) > MOST:
            names = ", ".join(map(repr, self._columns.apart))
            raise Unavailable(str(self.source), f"has more than {MOST:,} combinations in {names}: these are no slices")
        if not total:
            raise Unavailable(str(self.source), f"holds no prediction since {ZERO + first * DAY:%Y-%m-%d} UTC")
        return total

    async def past(self, start: datetime, step: timedelta) -> list[Row]:
        """What arrived since the day before `start`, by stretches of `step` counted from it. Raises Unavailable."""
        begin = midnight(start) - DAY

        def job(looked: Look) -> list[Row]:
            found: list[Row] = []
            sides: list[Side] = [partial(Every, begin=start, step=step)]
            for name in _written_since(begin, self.source.path):
                with looked.file(name) as one:
                    found += rows(one, self._columns, begin, sides)
            return found

        return await look(self.source, job, replace(self._limits, seconds=self._limits.seconds * PATIENCE))


def _stamp(name: str) -> tuple[int, int]:
    """A file's size and the time it was written in nanoseconds, what DuckDB has not put into it yet among them."""
    parts = [Path(name).stat()]
    with contextlib.suppress(OSError):
        parts.append(Path(f"{name}.wal").stat())
    return sum(part.st_size for part in parts), max(part.st_mtime_ns for part in parts)


def _written_since(begin: datetime, path: str) -> list[str]:
    return [name for name in files(path) if _stamp(name)[1] >= begin.timestamp() * 1e9]


def rows(looked: Look, columns: Columns, since: datetime, sides: Sequence[Side]) -> Iterator[Row]:
    """What arrived since then, counted apart by day, series, and the `sides` of its time of arrival."""
    apart = [Text(name) for name in columns.apart]
    width = len(sides)

    def cell(told: tuple[Any, ...]) -> Cell:
        names = zip(columns.apart, told[width + 1 : width + 1 + len(apart)], strict=True)
        return int(told[width]), tuple((name, str(value)) for name, value in names if value is not None and value != "")

    def keys(time: str) -> list[Key]:
        return [*(side(time) for side in sides), Every(time, ZERO, DAY), *apart]

    predicted, none = columns.predicted, [0] * len(METRICS)
    for told in looked.counts(keys(columns.time), [predicted], Where(columns.time, since)):
        yield Row(told[:width], cell(told), np.array([*told[-2:], *none[len(MADE) :]], dtype=np.int64))
    if not columns.label:
        return
    positive = Is(columns.label, columns.positive)
    known, said = Known(positive), Known(predicted)
    conditions: list[Key] = [
        known, positive, Both(known, predicted), Both(positive, predicted),
        Both(known, Same(columns.prediction, columns.label)), Both(known, said), Both(positive, said),
    ]  # fmt: skip
    for told in looked.counts(keys(columns.label_time), conditions, Where(columns.label_time, since)):
        labelled, true, answered, foreseen, same, scored, scored_true = told[-len(conditions) :]
        # of a score: the true ones that reach the threshold, and the others that do not; no score is no right answer
        correct = same if columns.threshold is None else scored - scored_true - answered + 2 * foreseen
        counted = [labelled, correct, true, labelled - true, foreseen, answered - foreseen, answered]
        yield Row(told[:width], cell(told), np.array([*none[: len(MADE)], *counted], dtype=np.int64))


def midnight(at: datetime) -> datetime:
    """The beginning of the day, UTC."""
    return ZERO + days(at) * DAY


def days(at: datetime) -> int:
    """Days since 1970, UTC."""
    return (at - ZERO) // DAY
