"""Reads a file of samples with timestamps, so that objectives can be tried on history without any server.

Two formats: OpenMetrics 1.0, which ends with `# EOF` and counts time in seconds; and Prometheus's text format 0.0.4,
whose timestamps are whole milliseconds. The file is read line by line; only the series asked for are kept, in columns.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bot.domain.errors import Invalid, Problem
from bot.slo.batch import METRIC, Batch
from bot.slo.grid import MILLISECOND, Ints, from_ms, to_ms
from bot.slo.selector import Selector
from bot.slo.spec import Query

STRETCH = timedelta(hours=6)
MOST_PROBLEMS = 10
EOF = b"# EOF"
ENDINGS = (".om", ".openmetrics")

_LINE = re.compile(
    rb"([A-Za-z_:][A-Za-z0-9_:]*)"
    rb"[ \t]*(\{(?:[^\"{}]|\"(?:[^\"\\]|\\.)*\")*\})?"
    rb"[ \t]*(?<=[ \t}])([-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|[iI]nf|[nN]a[nN]))"
    rb"(?:[ \t]+([^\s#]+))?"
    rb"[ \t]*(?:#[ \t]*\{.*)?"
)
_LABEL = re.compile(r'[\s,]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[\s,]*')
_ESCAPE = re.compile(r"\\(.)")
_FIRST, _LAST = 100_000_000_000, 10_000_000_000_000  # milliseconds: 1973 and 2286; what is outside has another unit
_SAMPLE = 'a sample: name{label="value"} value timestamp'


@dataclass(frozen=True, slots=True)
class Exposition:
    """The samples a file holds of the series asked for, oldest first; `late` of them, out of order, were left out."""

    file: str
    batch: Batch
    late: int = 0
    first_late: int = 0
    """The line of the first one."""

    @property
    def first(self) -> datetime:
        """The time of the oldest sample."""
        return from_ms(int(self.batch.at[0]))

    @property
    def last(self) -> datetime:
        return from_ms(int(self.batch.at[-1]))

    @property
    def interval(self) -> timedelta:
        """The median time between two samples of one series; nothing where no series has two."""
        order = np.lexsort((self.batch.at, self.batch.series))
        gaps = np.diff(self.batch.at[order])[np.diff(self.batch.series[order]) == 0]
        return int(np.median(gaps)) * MILLISECOND if len(gaps) else timedelta(0)

    async def recall(
        self, queries: Collection[Query], start: datetime, end: datetime, step: timedelta
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        """All samples after `start` up to `end`, in stretches of whole steps (bot.engine.ports.History)."""
        stretch = step * max(1, STRETCH // step)
        while start < end:
            upto = min(start + stretch, end)
            low, high = np.searchsorted(self.batch.at, [to_ms(start), to_ms(upto)], side="right")
            yield upto, self.batch.only(np.arange(low, high))
            start = upto


def read(path: Path, queries: Collection[Query]) -> Exposition:
    """What the file says of these queries. Raises Invalid naming file and line of what cannot be read.

    A value of NaN is kept: it is a gap. A sample older than one of the same series before it is left out, as Prometheus
    would leave it out: the clock that stamped it jumped back.
    """
    wanted = [query for query in queries if isinstance(query, Selector)]
    try:
        with path.open("rb") as file:
            closed = _is_closed(file)
            reader = _Reader(str(path), wanted, closed, in_seconds=closed or path.suffix in ENDINGS)
            reader.read(file)
    except OSError as error:
        raise Invalid([Problem(str(path), 1, 1, f"cannot be read: {error.strerror or error}")]) from None
    return reader.found()


def _is_closed(file: BinaryIO) -> bool:
    """Whether the file ends with `# EOF`: that makes it OpenMetrics."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 256))
    closed = file.read().rstrip().endswith(EOF)
    file.seek(0)
    return closed


@dataclass
class _Reader:
    file: str
    wanted: list[Selector]
    closed: bool
    in_seconds: bool
    problems: list[Problem] = field(default_factory=list)
    names: list[dict[str, str]] = field(default_factory=list)
    _known: dict[bytes, int] = field(default_factory=dict)  # a series as written → its number, -1 where nobody asks
    _series: array[int] = field(default_factory=lambda: array("i"))
    _at: array[int] = field(default_factory=lambda: array("q"))
    _value: array[float] = field(default_factory=lambda: array("d"))
    _line: array[int] = field(default_factory=lambda: array("q"))

    def read(self, file: BinaryIO) -> None:
        """Take in every line. Raises Invalid."""
        metrics = {selector.metric.encode() for selector in self.wanted}
        number, ended = 0, False
        for number, line in enumerate(file, 1):
            text = line.strip()
            if not text or text[:1] == b"#":
                ended = ended or text == EOF
                continue
            found = _LINE.fullmatch(text)
            if found is None:
                self._complain(number, "is no metric" if not ended else "stands after # EOF", _SAMPLE)
            elif ended:
                self._complain(number, "stands after # EOF", "nothing")
            elif found[1] in metrics:
                self._sample(number, *found.groups())
        if self.in_seconds and not self.closed:
            self._complain(max(number, 1), "the file breaks off here", "# EOF as the last line (OpenMetrics 1.0)")
        if self.problems:
            raise Invalid(self.problems)

    def _sample(self, number: int, metric: bytes, labels: bytes | None, value: bytes, stamp: bytes | None) -> None:
        series = self._number(number, metric, labels or b"")
        if series < 0:
            return
        try:
            held = float(value)
        except ValueError:
            self._complain(number, f"the value {_shown(value)} is no number", "a number")
            return
        at = self._time(number, stamp)
        if at is not None:
            self._series.append(series)
            self._at.append(at)
            self._value.append(held)
            self._line.append(number)

    def _number(self, number: int, metric: bytes, labels: bytes) -> int:
        """The number of the series, -1 where no query asks for it."""
        key = metric + labels
        known = self._known.get(key)
        if known is not None:
            return known
        held = self._labels(number, labels)
        series = -1
        if held is not None and any(each.metric == metric.decode() and each.matches(held) for each in self.wanted):
            series = len(self.names)
            self.names.append({METRIC: metric.decode(), **held})
        self._known[key] = series
        return series

    def _labels(self, number: int, text: bytes) -> dict[str, str] | None:
        held: dict[str, str] = {}
        try:
            inside, at = text.decode("utf-8")[1:-1], 0
        except UnicodeDecodeError:
            self._complain(number, "is not text", "UTF-8")
            return None
        while at < len(inside.rstrip()):
            found = _LABEL.match(inside, at)
            if found is None or found[1] in held:
                self._complain(
                    number, f"the labels {_shown(text)} cannot be read", '{name="value",...}, each name once'
                )
                return None
            held[found[1]] = _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], found[2])
            at = found.end()
        return held

    def _time(self, number: int, stamp: bytes | None) -> int | None:
        """The timestamp in milliseconds, or None with a problem."""
        unit = (
            "seconds since 1970" if self.in_seconds else "milliseconds since 1970 (an OpenMetrics file ends with # EOF)"
        )
        if stamp is None:
            self._complain(number, "has no timestamp: a replay must know when it was so", unit)
            return None
        try:
            at = round(float(stamp) * 1000) if self.in_seconds else int(stamp)
        except (ValueError, OverflowError):
            self._complain(number, f"the timestamp {_shown(stamp)} is no time", unit)
            return None
        if not _FIRST <= at <= _LAST:
            self._complain(number, f"the timestamp {_shown(stamp)} would be {_year(at)}", unit)
            return None
        return at

    def _complain(self, number: int, what: str, expected: str) -> None:
        self.problems.append(Problem(self.file, number, 1, what, expected))
        if len(self.problems) >= MOST_PROBLEMS:
            raise Invalid(self.problems)

    def found(self) -> Exposition:
        """Everything read, by time. Raises Invalid where no series was asked for that is there."""
        if not len(self._at):
            asked = ", ".join(sorted({str(selector) for selector in self.wanted})) or "nothing"
            raise Invalid([Problem(self.file, 1, 1, "holds no sample of what the objectives count", asked)])
        columns = (np.array(held) for held in (self._series, self._at, self._value, self._line))
        series, at, value, line = columns
        kept, late = _in_order(series.astype(np.int64), at)
        whole = Batch(self.names, series.astype(np.int64)[kept], at[kept], value[kept])
        first_late = int(line[late].min()) if len(late) else 0
        return Exposition(self.file, whole, len(late), first_late)


def _in_order(series: Ints, at: Ints) -> tuple[Ints, Ints]:
    """The samples to keep, by time; and those that go back behind one of their series that stands before them."""
    by_series = np.argsort(series, kind="stable")
    far = series[by_series] << 44  # farther apart than any two times
    newest = np.maximum.accumulate(far + at[by_series]) - far
    late = at[by_series] < newest
    kept = np.sort(by_series[~late])
    return kept[np.argsort(at[kept], kind="stable")], by_series[late]


def _shown(text: bytes) -> str:
    told = text.decode("utf-8", "replace")
    return repr(told if len(told) <= 40 else f"{told[:37]}…")  # noqa: PLR2004 - one line of a terminal


def _year(at: int) -> str:
    try:
        return f"in the year {from_ms(at).year}"
    except (OverflowError, ValueError):
        return "no time at all"


def lines(exposition: Exposition) -> Iterator[str]:
    """What a person should know of how it was read."""
    if exposition.late:
        many = "1 sample goes" if exposition.late == 1 else f"{exposition.late:,} samples go"
        yield f"{exposition.file}:{exposition.first_late}: {many} back in time and did not count"
