"""Reads a model's prediction log and shows it as counters, so that the quality of its answers is an objective like any.

An outcome often becomes known long after the answer, so a label counts when it arrived in the log: nothing is judged by
what nobody could have known. How many labels there are yet, and how late they come, is shown beside the counts, for
silence about quality is no quality. An objective in OpenSLO's words:

    indicator:
      metadata: {name: correct-answers}
      spec:
        ratioMetric:
          counter: true
          good:
            metricSource: {metricSourceRef: loans, spec: {query: correct_total}}
          total:
            metricSource: {metricSourceRef: loans, spec: {query: labelled_total}}

| metric | counts |
|---|---|
| `predictions_total`, `predicted_positive_total` | answers, and the positive among them, when they were given |
| `labelled_total`, `correct_total` | answers whose outcome is known, and the right ones, when it became known |
| `positive_total`, `true_positive_total` | positive outcomes, and those foreseen (recall) |
| `negative_total`, `false_positive_total` | negative outcomes, and those wrongly answered |
| `labelled_predicted_positive_total` | positive answers whose outcome is known (of these, for precision) |

Each has a label for the version and for every slice column. Gauges: `label_coverage`, the share of answers old enough
to have an outcome that have one (for a threshold metric), and `label_delay_seconds` with `quantile`.

Counters begin anew with the day (UTC): two take turns, told apart by the label `turn`. So a count means the same after
a restart of the bot, when old files are gone, and for rows that are written late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.clients.duckdb import FILES, Limits, Look, Source, Where, look
from bot.clients.keys import Before, Both, Is, Known
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.slo.batch import METRIC, Batch
from bot.slo.grid import to_ms
from bot.slo.labels import Coverage
from bot.slo.spec import Point, Query, Selector
from bot.sources._arrivals import DAY, METRICS, ZERO, Arrivals, Columns, Counts, Labels, Row, days
from bot.telemetry import log as logger

COVERAGE, DELAY = "label_coverage", "label_delay_seconds"
QUANTILES = (0.5, 0.9)
GAUGES_EVERY = timedelta(minutes=1)
TURNS = ("even", "odd")
_LABEL = r"^[A-Za-z_][A-Za-z0-9_]*$"


class PredictionsSettings(BaseModel):
    """Where the log lies, and which of its columns is what."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    path: str
    """A file or a glob, `/data/predictions/*.parquet`: Parquet, CSV, or a DuckDB file with `table`."""

    table: str = ""
    """The table of a DuckDB file that holds them."""

    time: str = "at"
    """The column with the time of the prediction; without a zone it is UTC."""

    prediction: str = "prediction"
    """The column with the model's answer: a class, or a score with `threshold`."""

    label: str = ""
    """The column with the outcome, missing while it is not known; left out, only answers are counted."""

    label_time: str = ""
    """The column with the time the outcome was written to the log; left out, it is known with the prediction."""

    version: str = Field(default="version", pattern=rf"{_LABEL}|^$")
    """The column with the version that answered; empty where there is none."""

    slices: tuple[str, ...] = ()
    """Columns by which answers are told apart; their names become labels."""

    positive: str = "1"
    """The positive class, as it stands in the columns; numbers and yes/no are compared as numbers."""

    threshold: float | None = None
    """From this score on the answer is positive; left out, answers are classes."""

    maturity: timedelta = Field(default=timedelta(days=30), ge=timedelta(0))
    """After how long an answer should have its outcome; coverage is told of answers older than this."""

    over: timedelta = Field(default=timedelta(days=1), gt=timedelta(0))
    """Coverage is told of the answers given in so long a time before they matured; delays of labels that came in it."""

    late: timedelta = Field(default=timedelta(hours=1), ge=timedelta(0), le=timedelta(days=1))
    """How long after its time a row may be written into a file that was read before and still be counted."""

    memory: str = Field(default="1GB", pattern=r"^\d+(\.\d+)? ?[KMG]i?B$")
    """How much memory DuckDB may hold while it reads."""

    threads: int = Field(default=2, ge=1, le=64)
    """How many threads it may use."""

    timeout_seconds: float = Field(default=10.0, gt=0, le=600)
    """How long one read may take."""

    @field_validator("positive", mode="before")
    @classmethod
    def _as_written(cls, value: Any) -> Any:
        """A bare 1 or true is what people write."""
        return str(value).lower() if isinstance(value, bool | int | float) else value

    @field_validator("path")
    @classmethod
    def _readable(cls, path: str) -> str:
        if not path.endswith(FILES):
            raise ValueError(f"expected a path that ends in {', '.join(FILES)}")
        return path

    @field_validator("slices")
    @classmethod
    def _labels(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not name.isidentifier() or not name.isascii() or name == "turn":
                raise ValueError(f"{name!r} cannot be a label's name (expected letters, digits and _)")
        return names

    @model_validator(mode="after")
    def _fits(self) -> PredictionsSettings:
        if self.path.endswith(".duckdb") != bool(self.table):
            raise ValueError("expected table, the name of one, for a path that ends in .duckdb, and for no other")
        if self.label_time and not self.label:
            raise ValueError("expected label, the column with the outcome, beside label_time")
        return self


@dataclass(frozen=True, slots=True)
class _Series:
    """One series at one or more moments, oldest first."""

    metric: str
    labels: Mapping[str, str]
    samples: Sequence[tuple[datetime, float]]


class Predictions:
    """One model's prediction log, only ever read."""

    shelf: ClassVar[str] = "sources"
    Settings = PredictionsSettings

    def __init__(
        self, settings: PredictionsSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        del clock, transport  # the log's own times count, and nothing is fetched from anywhere
        self._told = settings
        self._source = Source(settings.path, settings.table, by_name=True)
        self._limits = Limits(settings.memory, settings.threads, settings.timeout_seconds)
        columns = Columns(
            settings.time, settings.prediction, settings.label, settings.label_time or settings.time,
            settings.version, settings.slices, settings.positive, settings.threshold,
        )  # fmt: skip
        self._columns, self._arrivals = columns, Arrivals(self._source, columns, self._limits, settings.late)
        self._shown: set[Labels] = set()
        self._read: datetime | None = None
        self._looked: datetime | None = None
        self.coverage: Coverage | None = None
        """How many answers have their outcome, as far as was last looked; None before, and without labels."""

    async def close(self) -> None:
        """Nothing is held open between two reads."""

    async def read(self, queries: Collection[Query], at: datetime) -> Mapping[Query, Sequence[Point]]:
        """Every counter as it stands at `at`, with the zero it began at where it is new. Raises Unavailable."""
        held = await self._series(queries, at)
        return {query: tuple(_points(query, held)) for query in queries}

    async def sweep(self, queries: Collection[Query], at: datetime, since: datetime | None = None) -> Batch:
        """The same in columns. Raises Unavailable."""
        del since  # what is new is known here better
        return _batch(await self._series(queries, at))

    async def past(
        self, queries: Collection[Query], start: datetime, end: datetime, step: timedelta, *, series: int = 1000
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        """What had arrived by every `step` from `start` to `end`, oldest first; counters only. Raises Unavailable."""
        asked, count = _metrics(queries), (end - start) // step + 1
        if asked.isdisjoint(METRICS) or count < 1:
            return
        found = await self._arrivals.past(start, step)
        for moment, batch in _replayed(found, [each for each in METRICS if each in asked], start, count, step):
            yield moment, batch

    async def _series(self, queries: Collection[Query], at: datetime) -> list[_Series]:
        asked, counts = _metrics(queries), await self._arrivals.until(at)
        new = {labels for _, labels in counts} - self._shown
        found = list(_standing(asked, counts, self._read, at, new))
        self._shown |= new
        self._read = at
        if self._told.label and (self._looked is None or at - self._looked >= GAUGES_EVERY):
            self._looked = at
            try:
                self.coverage = await look(self._source, lambda log: self._covered(log, at), self._limits)
            except Unavailable as trouble:  # what was counted stands; the gauge grows old, and whoever holds to it sees
                logger().warning("how many outcomes are missing is not known", because=str(trouble))
        return found + [gauge for gauge in _gauges(self.coverage) if gauge.metric in asked]

    def _covered(self, log: Look, at: datetime) -> Coverage:
        """How many answers of an age that should have their outcome have it."""
        columns, ripe = self._columns, at - self._told.maturity
        known = Both(Known(Is(columns.label, columns.positive)), Before(columns.label_time, at))
        ((answers, labelled),) = log.counts([], [known], Where(columns.time, ripe - self._told.over, ripe))
        lately = Where(columns.label_time, at - self._told.over, at)
        delays = log.delays(columns.label_time, columns.time, lately, QUANTILES)
        lengths = [timedelta(seconds=round(seconds)) for seconds in delays]
        return Coverage(at, answers, labelled, self._told.maturity, *lengths)


def _standing(
    asked: Collection[str], counts: Counts, before: datetime | None, at: datetime, new: Collection[Labels] = ()
) -> Iterator[_Series]:
    """Every counter of today and of the day before as it stands at `at`.

    One that began after `before`, with its day or as `new`, has a sample of zero where it began: then nothing that it
    counts is taken for what was there before somebody looked.
    """
    today = days(at)
    for labels in sorted({labels for _, labels in counts}):
        for day in (today - 1, today):
            began = ZERO + day * DAY
            zero = began if before is None else max(began, before)
            begins = zero < at and (labels in new or (before is not None and began > before))
            values = counts.get((day, labels))
            named = {**dict(labels), "turn": TURNS[day % 2]}
            for place, metric in enumerate(METRICS):
                if metric in asked:
                    now = (at, 0.0 if values is None else float(values[place]))
                    yield _Series(metric, named, [(zero, 0.0), now] if begins else [now])


def _replayed(
    found: Sequence[Row], asked: Sequence[str], start: datetime, count: int, step: timedelta
) -> Iterator[tuple[datetime, Batch]]:
    """The same counters at every step, all of them there from the first on, so that none begins unseen."""
    labels = {each: place for place, each in enumerate(sorted({row.cell[1] for row in found}))}
    names = [{METRIC: metric, **dict(each), "turn": turn} for each in labels for turn in TURNS for metric in asked]
    turn = np.tile(np.repeat(np.arange(2), len(asked)), len(labels))
    columns = [METRICS.index(metric) for metric in asked]
    coming: dict[int, list[Row]] = {}
    for row in found:  # what arrives before a moment is there at it
        coming.setdefault(max(int(row.sides[0]) + 1, 0), []).append(row)
    held, today = np.zeros((len(labels), 2, len(asked))), days(start)
    for number in range(count):
        moment = start + number * step
        zeros = np.zeros(0, dtype=np.int64)
        while today < days(moment):
            today += 1
            held[:, today % 2] = 0
            if ZERO + today * DAY < moment:
                zeros = np.flatnonzero(turn == today % 2)
        for row in coming.pop(number, ()):
            if row.cell[0] >= today - 1:
                held[labels[row.cell[1]], row.cell[0] % 2] += row.counted[columns]
        series, began = np.concatenate((zeros, np.arange(len(names)))), to_ms(ZERO + today * DAY)
        at = np.where(np.arange(len(series)) < len(zeros), began, to_ms(moment))
        yield moment, Batch(names, series, at, np.concatenate((np.zeros(len(zeros)), held.ravel())))


def _gauges(coverage: Coverage | None) -> Iterator[_Series]:
    if coverage is None:
        return
    if coverage.share is not None:
        yield _Series(COVERAGE, {}, [(coverage.at, coverage.share)])
    for quantile, length in zip(QUANTILES, (coverage.delay, coverage.slowest), strict=True):
        if length is not None:
            yield _Series(DELAY, {"quantile": f"{quantile:g}"}, [(coverage.at, length.total_seconds())])


def _metrics(queries: Collection[Query]) -> set[str]:
    return {query.metric for query in queries if isinstance(query, Selector)}


def _points(query: Query, held: Iterable[_Series]) -> Iterator[Point]:
    for series in held:
        if isinstance(query, Selector) and query.metric == series.metric and query.matches(series.labels):
            for moment, value in series.samples:
                yield Point(frozenset(series.labels.items()), value, moment)


def _batch(held: Sequence[_Series]) -> Batch:
    samples = [(number, to_ms(at), value) for number, series in enumerate(held) for at, value in series.samples]
    return Batch(
        [{METRIC: series.metric, **series.labels} for series in held],
        np.array([each[0] for each in samples], dtype=np.int64),
        np.array([each[1] for each in samples], dtype=np.int64),
        np.array([each[2] for each in samples], dtype=np.float64),
    )
