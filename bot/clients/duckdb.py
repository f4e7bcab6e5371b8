"""Looks at a prediction log that fits no memory: Parquet or CSV files, or a table of a DuckDB file, only ever read.

DuckDB reads, filters and turns slices and categories into codes; numbers leave it as Arrow batches and are counted by
`bot.slo.histogram` while the next batch is read. Measured on ten million rows of twenty columns in fifty slices: 1 s;
DuckDB's own `histogram(column, edges)` with a grouping takes 12 s there, and a GROUP BY over equally wide bins 5 s.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from glob import glob
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bot.clients.duckdb_session import FILES, Job, Limits, connected, within
from bot.clients.keys import AtLeast, Before, Both, Every, Is, Key, Known, Same, Text
from bot.domain.errors import Unavailable
from bot.slo.bins import Grid
from bot.slo.histogram import Layout, Tally

__all__ = ["FILES", "Limits", "Look", "Source", "Where", "files", "look"]

T = TypeVar("T")

BATCH = 1 << 17
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
NOTHING = '"NULL"'  # the type of a column without any value
TEXTS = ("VARCHAR", "BOOLEAN", "ENUM", "UUID", "DATE")
_SAID = 300  # characters of DuckDB's own words worth repeating


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows are: a file, a glob of files, or a table of a DuckDB file.

    With `by_name` the files of a glob may differ in columns and types, as before and after the first outcome came.
    """

    path: str
    table: str = ""
    by_name: bool = False

    def __str__(self) -> str:
        return f"{self.path} ({self.table})" if self.table else self.path


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows: those of a stretch of time, whose columns (as text) have one of the values named."""

    time: str = ""
    since: datetime | None = None
    until: datetime | None = None
    among: Mapping[str, Sequence[str]] = field(default_factory=dict)


def files(path: str) -> list[str]:
    """The files a path or glob stands for, `**` for folders at any depth."""
    return sorted(glob(path, recursive=True))  # noqa: PTH207 - the pattern may be absolute, which Path.glob refuses


async def look(source: Source, job: Callable[[Look], T], limits: Limits) -> T:
    """What the job finds, in a thread. Raises Unavailable, also when it takes too long; then the query is ended."""

    def work(running: Job) -> T:
        with _named(source), _open(source, limits, running) as opened:
            return job(opened)

    return await within(str(source), limits, work)


class Look:
    """One connection to one source. Every method raises Unavailable, naming the file and the column."""

    def __init__(self, connection: Any, source: Source, stop: threading.Event) -> None:
        self._connection, self._source, self._stop = connection, source, stop
        self._kinds: dict[str, str] | None = None
        self._times: dict[str, bool] = {}  # columns of another type: whether all that is in them reads as a time
        self._enums = 0

    @contextlib.contextmanager
    def file(self, path: str) -> Iterator[Look]:
        """One file of a glob, looked at by itself; what is wrong with it names it."""
        one = Source(path, self._source.table)
        with _named(one):
            yield Look(self._connection, one, self._stop)

    def interrupt(self) -> None:
        """End the query that runs."""
        self._connection.interrupt()

    def columns(self) -> dict[str, str]:
        """Every column's type, in DuckDB's words."""
        if self._kinds is None:
            values: dict[str, Any] = {}
            told = self._rows(f"DESCRIBE FROM {self._from(values)}", values)
            self._kinds = {str(name): str(kind) for name, kind, *_ in told}
        return self._kinds

    def need(self, *names: str) -> None:
        """Raises Unavailable where one of them is no column, telling what there is."""
        there_is = self.columns()
        if missing := [name for name in names if name not in there_is]:
            plural = "columns" if len(missing) > 1 else "column"
            listed, known = ", ".join(map(repr, missing)), ", ".join(there_is)
            raise Unavailable(str(self._source), f"has no {plural} {listed}; there is {known}")

    def is_number(self, name: str) -> bool:
        """Numbers are compared as such, texts as categories. Raises Unavailable for lists, blobs and the like."""
        self.need(name)
        kind = self.columns()[name]
        if kind.endswith("]") or not kind.removeprefix("U").startswith((*NUMBERS, *TEXTS)):
            raise Unavailable(str(self._source), f"column {name!r} is {kind}, neither a number nor a category")
        return kind.removeprefix("U").startswith(NUMBERS)

    def count(self, where: Where) -> int:
        """How many rows there are."""
        return int(self._ask("count(*)", where)[0][0])

    def mean(self, name: str, where: Where) -> tuple[int, float]:
        """(present values, their mean) of a column of numbers; (0, 0.0) where all are missing."""
        if not self.is_number(name):
            raise Unavailable(str(self._source), f"column {name!r} is {self.columns()[name]}, not a number")
        (n, mean), *_ = self._ask(f"count({_quoted(name)}), avg(CAST({_quoted(name)} AS DOUBLE))", where)
        return int(n), float(mean or 0.0)

    def values(self, name: str, where: Where, limit: int) -> dict[str, int]:
        """The commonest values of a column as text, and how often each is there; missing ones are left out."""
        self.need(name)
        text = _text(name)
        found = self._ask(f"{text}, count(*)", where, f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {limit + 1:d}")
        return dict([(str(value), int(count)) for value, count in found if value is not None][:limit])

    def newest(self, name: str, where: Where, limit: int) -> list[str]:
        """A column's values in the newest rows, as text, oldest first."""
        self.need(name, where.time)
        found = self._ask(_text(name), where, f"ORDER BY {_quoted(where.time)} DESC LIMIT {limit:d}")
        return [str(value) for (value,) in reversed(found)]

    def sample(self, names: Sequence[str], where: Where, rows: int) -> dict[str, NDArray[Any]]:
        """About so many rows, spread evenly, the same ones each time: numbers (NaN where missing), or texts."""
        share = min(1.0, rows / max(self.count(where), 1))
        kept: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        begun = 0
        selected = ", ".join(_number(name) if self.is_number(name) else _text(name) for name in names)
        for batch in self._batches(selected, where) if names else ():
            # multiples of the golden ratio spread evenly: no period in the log can fall in with them
            places = np.arange(begun, begun + batch.num_rows, dtype=np.float64) * ((5**0.5 - 1) / 2) % 1.0
            chosen, begun = places < share, begun + batch.num_rows
            for name, column in zip(names, batch.columns, strict=True):
                kept[name].append(column.to_numpy(zero_copy_only=False)[chosen])
        return {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in kept.items()}

    def counts(self, keys: Sequence[Key], conditions: Sequence[Key], where: Where) -> list[tuple[Any, ...]]:
        """Of every combination of the keys' values: these, how many rows, and how many of them meet each condition."""
        values: dict[str, Any] = {}
        selected = [self._key(key, values) for key in keys]
        selected += ["count(*)", *(f"count(*) FILTER (WHERE {self._key(each, values)})" for each in conditions)]
        places = ", ".join(str(place) for place in range(1, len(keys) + 1))
        return self._ask(", ".join(selected), where, f"GROUP BY {places}" if keys else "", values)

    def delays(self, name: str, since: str, where: Where, at: Sequence[float]) -> tuple[float, ...]:
        """Quantiles of how many seconds after `since` the time `name` came; none where no row has both."""
        length = f"epoch_us({self._when(name)}) - epoch_us({self._when(since)})"
        ((found,),) = self._ask(f"quantile_cont({length}, [{', '.join(f'{each:f}' for each in at)}])", where)
        return tuple(float(each) / 1e6 for each in found or () if each is not None)

    def _key(self, key: Key, values: dict[str, Any]) -> str:
        """A key in SQL."""
        match key:
            case Text(name):
                self.need(name)
                return _text(name)
            case Known(of):
                return f"({self._key(of, values)}) IS NOT NULL"
            case Both(one, other):
                return f"({self._key(one, values)}) AND ({self._key(other, values)})"
            case Before(name, moment):
                return f"{self._when(name)} < {_bound(values, self._moment(name, moment))}"
            case Every(name, begin, step):
                since = f"epoch_us({self._when(name)}) - {_bound(values, _micro(begin))}"
                length = float(step // timedelta(microseconds=1))
                return f"greatest(CAST(floor(({since}) / {_bound(values, length)}) AS BIGINT), -1)"
            case _:
                return self._compared(key, values)

    def _compared(self, key: Is | AtLeast | Same, values: dict[str, Any]) -> str:
        """A question about what a column says, in SQL."""
        numeric = self._counts(key.name)
        match key:
            case Is(name, value):
                wanted = _as_number(value)
                if numeric and wanted is None:
                    raise Unavailable(str(self._source), f"column {name!r} holds numbers and never reads {value!r}")
                return (
                    f"{_number(name)} = {_bound(values, wanted)}"
                    if numeric
                    else f"{_text(name)} = {_bound(values, value)}"
                )
            case AtLeast(name, least):
                if not numeric:
                    raise Unavailable(str(self._source), f"column {name!r} is {self.columns()[name]}, not a number")
                return f"{_number(name)} >= {_bound(values, least)}"
            case Same(name, other):
                alike = _number if self._counts(other) and numeric else _text
                return f"{alike(name)} = {alike(other)}"

    def _counts(self, name: str) -> bool:
        """Whether a column's values are compared as numbers: yes and no are 1 and 0."""
        self.need(name)
        return self.columns()[name] == "BOOLEAN" or (self.columns()[name] != NOTHING and self.is_number(name))

    def tally(self, layout: Layout, where: Where) -> Tally:
        """All rows counted in one pass."""
        self.need(*layout.features, *layout.slices)
        selected = [
            _number(name) if isinstance(bins, Grid) else self._code(name, bins.names)
            for name, bins in layout.features.items()
        ]
        selected += [self._code(name, told) for name, told in layout.slices.items()]
        counted = Tally(layout)
        for batch in self._batches(", ".join(selected), where):
            arrays = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
            features = dict(zip(layout.features, arrays, strict=False))
            counted.add(features, dict(zip(layout.slices, arrays[len(features) :], strict=True)))
        return counted

    def _code(self, name: str, told: Sequence[str]) -> str:
        """A value's place among those told, one more for any other, two more where it is missing."""
        text, other = _text(name), len(told)
        if not told:
            return f"CASE WHEN {text} IS NULL THEN 1 ELSE 0 END"
        self._enums += 1
        kind = f"told_{self._enums}"
        self._connection.execute(f"CREATE TEMP TABLE {kind}_names AS SELECT unnest($names) AS name", {"names": [*told]})
        self._connection.execute(f"CREATE TEMP TYPE {kind} AS ENUM (FROM {kind}_names)")
        code = f"coalesce(enum_code(TRY_CAST({text} AS {kind})), {other:d})"
        return f"CASE WHEN {text} IS NULL THEN {other + 1:d} ELSE {code} END"

    def _ask(
        self, selected: str, where: Where, tail: str = "", bound: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        query, values = self._query(selected, where)
        return self._rows(f"{query} {tail}", {**values, **(bound or {})})

    def _rows(self, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(query, dict(values)).fetchall()
        return found

    def _batches(self, selected: str, where: Where) -> Iterator[Any]:
        query, values = self._query(selected, where)
        for batch in self._connection.sql(query, params=values).to_arrow_reader(BATCH):
            if self._stop.is_set():
                raise Unavailable(str(self._source), "was not read to its end")
            yield batch

    def _query(self, selected: str, where: Where) -> tuple[str, dict[str, Any]]:
        """The query, and the values bound to it."""
        values: dict[str, Any] = {}
        begin = f"SELECT {selected} FROM {self._from(values)}"  # noqa: S608 - every name is quoted, every value bound
        wanted = []
        for sign, moment in ((">=", where.since), ("<=", where.until)):
            if moment is not None:
                values[f"v{len(values)}"] = self._moment(where.time, moment)
                wanted.append(f"{self._when(where.time)} {sign} $v{len(values) - 1}")
        for name, among in where.among.items():
            self.need(name)
            values[f"v{len(values)}"] = [*among]
            wanted.append(f"list_contains($v{len(values) - 1}, {_text(name)})")
        return f"{begin} WHERE {' AND '.join(wanted)}" if wanted else begin, values

    def _moment(self, name: str, at: datetime) -> datetime:
        """The time as the column tells it: a column without a zone is UTC."""
        self.need(name)
        kind = self.columns()[name]
        if kind == "TIMESTAMP WITH TIME ZONE":
            return at
        return at.astimezone(UTC).replace(tzinfo=None)

    def _when(self, name: str) -> str:
        """A column of times. A text whose values all read as such is one too, and so is one without any value yet."""
        self.need(name)
        kind, text = self.columns()[name], _text(name)
        if kind.startswith("TIMESTAMP") or kind == "DATE":
            return _quoted(name)
        if name not in self._times:
            values: dict[str, Any] = {}
            others = f"{text} IS NOT NULL AND TRY_CAST({text} AS TIMESTAMP) IS NULL"
            query = f"SELECT count(*) FROM {self._from(values)} WHERE {others}"  # noqa: S608 - the name is quoted
            self._times[name] = not self._rows(query, values)[0][0]
        if not self._times[name]:
            raise Unavailable(str(self._source), f"column {name!r} is {kind}, not a time")
        return f"CAST({text} AS TIMESTAMP)"

    def _from(self, values: dict[str, Any]) -> str:
        if self._source.table:
            return ".".join(("source", *map(_quoted, self._source.table.split("."))))
        values["path"] = self._source.path
        reader = "read_parquet" if self._source.path.endswith(".parquet") else "read_csv"
        return f"{reader}($path, union_by_name = true)" if self._source.by_name else f"{reader}($path)"


@contextlib.contextmanager
def _open(source: Source, limits: Limits, job: Job) -> Iterator[Look]:
    with connected(limits, attach=source.path if source.table else "") as connection:
        opened = Look(connection, source, job.stop)
        job.opened.append(opened)
        yield opened


@contextlib.contextmanager
def _named(source: Source) -> Iterator[None]:
    """Whatever DuckDB says, as a sentence about the file."""
    import duckdb
    import pyarrow as pa

    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        said = " ".join(str(error).split())[:_SAID]
        raise Unavailable(str(source), f"could not be read: {said}") from error


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _number(name: str) -> str:
    return f"CAST({_quoted(name)} AS DOUBLE)"


def _text(name: str) -> str:
    return f"CAST({_quoted(name)} AS VARCHAR)"


def _bound(values: dict[str, Any], value: Any) -> str:
    name = f"k{len(values)}"
    values[name] = value
    return f"${name}"


def _as_number(value: str) -> float | None:
    said = value.strip().lower()
    try:
        return {"true": 1.0, "false": 0.0}[said] if said in {"true", "false"} else float(said)
    except ValueError:
        return None


def _micro(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
