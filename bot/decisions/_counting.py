"""Counts and lists the decisions asked for, in DuckDB: every name is checked and quoted, every value is bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.decisions._files import Relation, quoted
from bot.domain.errors import Refused
from bot.domain.service import PredictionLog
from bot.engine.decisions import DAY, MOST, Asked, Number, Numbers

BATCH = 20_000
LONG = 60  # signs of a value that is shown: a longer one is no group's name
_OFFSET = r":\d{2}(\.\d+)?\s*([zZ]|UTC|[+-]\d{2}(:?\d{2})?)$"
_WHEN = '"when it was made"'  # beside the log's own columns
_NUMBER = "count(*), count(outcome), count(*) FILTER (WHERE adverse), count(DISTINCT person)"


class Counting:
    """One log on one connection: what was asked for is copied into memory once, and all is told from there."""

    def __init__(self, connection: Any, relation: Relation, told: PredictionLog, asked: Asked) -> None:
        self._connection, self._relation, self._told, self._asked = connection, relation, told, asked
        self._kinds = {str(name): str(kind) for name, kind, *_ in self._run(f"DESCRIBE FROM {relation.sql}")}
        if missing := [name for name in told.columns if name not in self._kinds]:
            plural = "columns" if len(missing) > 1 else "column"
            there_is = f"there is {', '.join(self._kinds)}" if relation.declared else "its first line must name them"
            raise Refused(f"has no {plural} {', '.join(missing)}; {there_is}")
        self._require_zone()

    def numbers(self) -> Numbers:
        """Everything in numbers."""
        begins, ends, unplaced, unversioned, unsliced = self._coverage()
        repeated = self._copy()
        whole = self._whole()
        ((nameless,),) = self._run("SELECT count(*) - count(person) FROM decision", bare=True)
        columns = dict.fromkeys(each for each in (*self._told.groups, self._told.country, self._told.state) if each)
        by = {name: self._cut(quoted(f"by {name}")) for name in columns}
        by[DAY] = self._cut("strftime(made AT TIME ZONE 'UTC', '%Y-%m-%d')", most=10_000)
        return Numbers(whole, begins, ends, unplaced, unversioned, unsliced, nameless, repeated, by)

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the list."""
        told = self._told
        single = (told.decision, told.person, told.at, told.outcome, told.version)
        return tuple(dict.fromkeys(each for each in (*single, *told.groups) if each))

    def rows(self) -> Iterator[list[tuple[str | None, ...]]]:
        """Every decision as texts in the order of the header, the earliest first."""
        named = {
            self._told.at: "strftime(made AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')",
            self._told.version: "version",
            self._told.person: "person",
            self._told.outcome: "outcome",
            **({self._told.decision: "id"} if self._told.decision else {}),
        }
        told = [named.get(name) or quoted(f"by {name}") for name in self.header]
        order = ", ".join(str(place) for place in range(1, len(told) + 1))
        result = self._connection.execute(f"SELECT {', '.join(told)} FROM decision ORDER BY made, {order}")  # noqa: S608 - quoted
        while rows := result.fetchmany(BATCH):
            yield rows

    # -- reading -----------------------------------------------------------------------------------------------------

    def _require_zone(self) -> None:
        """Times that do not say their zone are nobody's times. Raises Refused."""
        name, kind = self._told.at, self._kinds[self._told.at]
        if kind == "TIMESTAMP WITH TIME ZONE" or self._told.timezone:
            return
        advice = "write `timezone:` beside them in the catalogue"
        if kind.startswith("TIMESTAMP"):
            raise Refused(f"has times without a zone in {name}; {advice}")
        if kind != "VARCHAR":
            return
        text = self._text(name)
        naive = f"NOT regexp_matches({text}, $offset) AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL"
        query = f"SELECT count(*) FROM {self._relation.sql} AS log WHERE {naive}"  # noqa: S608 - names quoted, values bound
        if self._run(query, offset=_OFFSET)[0][0]:
            raise Refused(f"has times without a zone in {name}; {advice}")

    def _at(self) -> str:
        """The time of a decision, with its zone; NULL where it cannot be read. Raises Refused."""
        name, kind = self._told.at, self._kinds[self._told.at]
        zoned = "timezone($zone, {})" if self._told.timezone else "CAST(NULL AS TIMESTAMPTZ)"
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"log.{quoted(name)}"
        if kind.startswith("TIMESTAMP"):
            return zoned.format(f"CAST(log.{quoted(name)} AS TIMESTAMP)")
        if kind != "VARCHAR":
            raise Refused(f"has {kind} in {name}, which is no time")
        text = self._text(name)
        naive = zoned.format(f"TRY_CAST({text} AS TIMESTAMP)")
        return f"CASE WHEN regexp_matches({text}, $offset) THEN TRY_CAST({text} AS TIMESTAMPTZ) ELSE {naive} END"

    @staticmethod
    def _text(name: str) -> str:
        return f"nullif(trim(CAST(log.{quoted(name)} AS VARCHAR)), '')"

    def _values(self) -> dict[str, Any]:
        asked = self._asked
        numbers = [number for each in self._told.adverse if (number := _number(each)) is not None]
        return {
            "since": asked.since,
            "until": asked.until,
            "versions": [*asked.versions],
            "slices": [*asked.values],
            "adverse": [*self._told.adverse],
            "numbers": numbers,
            "zone": self._told.timezone,
            "offset": _OFFSET,
        }

    def _matching(self) -> tuple[str, str, str]:
        """Conditions on the raw rows: in the stretch, of the versions, of the slice; NULL where a row does not say."""
        version = f"list_contains($versions, {self._text(self._told.version)})" if self._asked.versions else "true"
        part = self._asked.dimension
        return (
            f"log.{_WHEN} >= $since AND log.{_WHEN} <= $until",
            f"CASE WHEN {self._text(self._told.version)} IS NULL THEN NULL ELSE {version} END",
            f"CASE WHEN {self._text(part)} IS NULL THEN NULL ELSE list_contains($slices, {self._text(part)}) END"
            if part
            else "true",
        )

    def _source(self) -> str:
        """The log with its times read."""
        columns = ", ".join(f"log.{quoted(name)}" for name in self._told.columns if name != self._told.at)
        return f"(SELECT {columns}, {self._at()} AS {_WHEN} FROM {self._relation.sql} AS log) AS log"  # noqa: S608 - quoted

    def _coverage(self) -> tuple[Any, ...]:
        """From when to when the whole log goes, and how many rows do not say enough to be asked for."""
        within, version, part = self._matching()
        asked = "true" if not self._asked.versions else version
        query = (
            f"SELECT min(log.{_WHEN}), max(log.{_WHEN}), count(*) FILTER (WHERE log.{_WHEN} IS NULL), "  # noqa: S608
            f"count(*) FILTER (WHERE {within} AND ({asked}) IS NULL AND ({part}) IS NOT FALSE), "
            f"count(*) FILTER (WHERE {within} AND ({part}) IS NULL AND ({asked})) "
            f"FROM {self._source()}"
        )
        return tuple(self._run(query)[0])

    def _copy(self) -> int:
        """Copy what was asked for into memory; how many rows repeated a decision and were left out."""
        within, version, part = self._matching()
        wanted = f"{within} AND ({part})" + (f" AND ({version})" if self._asked.versions else "")
        told, text = self._told, self._text
        by = dict.fromkeys(each for each in (*told.groups, told.country, told.state) if each)
        outcome = text(told.outcome)
        same_number = f"list_contains(CAST($numbers AS DOUBLE[]), TRY_CAST({outcome} AS DOUBLE))"
        columns = [
            f"log.{_WHEN} AS made",
            f"{text(told.version)} AS version",
            f"{text(told.person)} AS person",
            f"{outcome} AS outcome",
            f"{text(told.decision) if told.decision else 'CAST(NULL AS VARCHAR)'} AS id",
            f"(list_contains($adverse, {outcome}) OR coalesce({same_number}, false)) AS adverse",
            *(f"{text(name)} AS {quoted(f'by {name}')}" for name in by),
        ]
        self._run(f"CREATE TEMP TABLE decision AS SELECT {', '.join(columns)} FROM {self._source()} WHERE {wanted}")  # noqa: S608
        ((repeated,),) = self._run("SELECT count(id) - count(DISTINCT id) FROM decision", bare=True)
        if repeated:
            latest = "row_number() OVER (PARTITION BY id ORDER BY made DESC, outcome DESC NULLS LAST)"
            kept = f"SELECT * FROM decision QUALIFY id IS NULL OR {latest} = 1"  # noqa: S608 - a constant
            self._run(f"CREATE OR REPLACE TEMP TABLE decision AS {kept}", bare=True)
        return int(repeated)

    # -- telling -----------------------------------------------------------------------------------------------------

    def _whole(self) -> Number:
        return Number(*self._run(f"SELECT {_NUMBER} FROM decision", bare=True)[0])  # noqa: S608 - a constant

    def _cut(self, column: str, most: int = MOST) -> dict[str, Number] | None:
        """Numbers by value; None where there are too many values."""
        query = f"SELECT left({column}, {LONG:d}), {_NUMBER} FROM decision GROUP BY 1 ORDER BY 1 LIMIT {most + 2:d}"  # noqa: S608 - quoted
        found = {value or "": Number(*counts) for value, *counts in self._run(query, bare=True)}
        return found if len(found) - ("" in found) <= most else None

    def _run(self, query: str, *, bare: bool = False, **more: Any) -> list[tuple[Any, ...]]:
        """Run it with those of the values that it names."""
        known = {} if bare else {**self._relation.values, **self._values(), **more}
        (statement,) = self._connection.extract_statements(query)
        named = {name: known[name] for name in statement.named_parameters}
        found: list[tuple[Any, ...]] = self._connection.execute(query, named).fetchall()
        return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
