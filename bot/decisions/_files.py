"""A prediction log in Parquet or CSV files, or in a table of a DuckDB file, as something DuckDB reads from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.clients.duckdb import files
from bot.domain.errors import Unavailable
from bot.domain.service import PredictionLog


@dataclass(frozen=True, slots=True)
class Relation:
    """What stands after FROM, with every outside value bound.

    `declared` says whether its columns have names of their own; those of a CSV file are its first line, which may be a
    row, and are not repeated.
    """

    sql: str
    values: dict[str, Any] = field(default_factory=dict)
    declared: bool = True


def quoted(name: str) -> str:
    """A column or table by its name, whatever signs are in it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def relation(told: PredictionLog) -> Relation:
    """The files or the table. Raises Unavailable where nothing is there."""
    if told.place.endswith(".duckdb"):
        return Relation(".".join(("source", *map(quoted, told.table.split(".")))))
    if not files(told.place):
        raise Unavailable(told.place, "is not there")
    if told.place.endswith(".parquet"):
        return Relation("read_parquet($place, union_by_name = true)", {"place": told.place})
    # every cell is a text: what one row holds must not decide how another is read
    reader = "read_csv($place, union_by_name = true, all_varchar = true, header = true, delim = $delim, quote = '\"')"
    values = {"place": told.place, "delim": "\t" if told.place.endswith(".tsv") else ","}
    return Relation(reader, values, declared=False)
