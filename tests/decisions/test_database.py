"""Prediction logs in a table: read from the real SQLite and the real PostgreSQL, with no right to write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bot.domain.errors import Refused, Unavailable
from bot.domain.service import PredictionLog
from bot.engine.decisions import DAY, Number
from tests.decisions.logs import COLUMNS, NOON, TOLD, Rows, asked, decided, many, names, read, write
from tests.postgres import Postgres

ROWS = [*many(), *many(40, version="v1", decision=None)]


def sqlite(path: Path, rows: Rows) -> PredictionLog:
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE log ({', '.join(COLUMNS)})")
        texts = [(row[0].isoformat() if hasattr(row[0], "isoformat") else row[0], *row[1:]) for row in rows]
        connection.executemany(f"INSERT INTO log VALUES ({', '.join('?' * len(COLUMNS))})", texts)
    return replace(TOLD, place=f"sqlite:///{path}", table="log")


def postgresql(url: str, rows: Rows, kind: str = "timestamptz") -> PredictionLog:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "the log"')
        kinds = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind if name == "at" else "text")) for name in COLUMNS
        )
        connection.execute(sql.SQL('CREATE TABLE "the log".decisions ({})').format(kinds))
        with connection.cursor() as cursor:
            cursor.executemany(f'INSERT INTO "the log".decisions VALUES ({", ".join(["%s"] * len(COLUMNS))})', rows)
    return replace(TOLD, place=url, table="the log.decisions")


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as made:
        yield made


async def same(told: PredictionLog, files: PredictionLog) -> None:
    numbers, sunk = await read(told, asked())
    expected, listed = await read(files, asked())
    assert (numbers.whole, numbers.by) == (expected.whole, expected.by)
    assert numbers.by is not None
    assert numbers.by[DAY] == {"2026-11-20": Number(120, 120, 60, 120)}
    assert (numbers.begins, numbers.ends) == (expected.begins, expected.ends)
    assert sunk.text == listed.text, "the same decisions make the same file, wherever they stand"


async def test_sqlite_tells_what_the_files_tell(tmp_path: Path) -> None:
    """Numbers, reach and list are those of the same rows as Parquet; the table's file is not written to."""
    told = sqlite(tmp_path / "log.db", ROWS)
    before = (tmp_path / "log.db").stat().st_mtime_ns
    await same(told, write(tmp_path / "log.parquet", ROWS))
    assert (tmp_path / "log.db").stat().st_mtime_ns == before
    assert names(tmp_path) == ["log.db", "log.parquet"]


async def test_postgresql_tells_what_the_files_tell(tmp_path: Path, url: str) -> None:
    """The same of the real PostgreSQL, in a schema whose name must be quoted."""
    await same(postgresql(url, ROWS), write(tmp_path / "log.parquet", ROWS))


async def test_a_naive_column_needs_a_zone(tmp_path: Path, url: str) -> None:
    """Where a table's times say no zone, the catalogue says it or the count is refused."""
    naive = [decided(n, at=(NOON + timedelta(minutes=n)).replace(tzinfo=None)) for n in range(10)]
    for told in (postgresql(url, naive, "timestamp"), sqlite(tmp_path / "log.db", naive)):
        with pytest.raises(Refused, match="has times without a zone in at"):
            await read(told, asked())
        there, _ = await read(replace(told, timezone="Pacific/Auckland"), asked(since=NOON - timedelta(hours=13)))
        assert (there.begins, there.whole.decisions) == (NOON - timedelta(hours=13), 10)


async def test_the_ends_of_a_table_are_no_decisions(tmp_path: Path) -> None:
    """First and last row of a long table tell how far it reaches, and what lies outside the stretch is not counted."""
    far = [decided(n, at=NOON + timedelta(days=days)) for n, days in ((500, -40), (501, 40))]
    numbers, sunk = await read(sqlite(tmp_path / "log.db", [*ROWS, *far]), asked())
    assert (numbers.begins, numbers.ends) == (NOON - timedelta(days=40), NOON + timedelta(days=40))
    assert (numbers.whole.decisions, sunk.rows, numbers.unversioned, numbers.nameless) == (120, 120, 0, 0)


async def test_nothing_may_be_written(url: str) -> None:
    """The session is read only: a view that would write is refused by PostgreSQL, and told without its words."""
    told = postgresql(url, ROWS)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE spoilt (n int)")
        connection.execute(
            "CREATE FUNCTION spoil() RETURNS text LANGUAGE sql AS $$ INSERT INTO spoilt VALUES (1) RETURNING 'person-secret' $$"
        )
        connection.execute('CREATE VIEW sly AS SELECT at, spoil() AS version, person, outcome, decision, sex, state, country FROM "the log".decisions')  # fmt: skip
    with pytest.raises(Unavailable) as refused:
        await read(replace(told, table="sly"), asked())
    assert "secret" not in str(refused.value)
    assert "could not be read" in str(refused.value)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM spoilt").fetchone() == (0,)


@pytest.mark.parametrize("name", ["nowhere", 'log"; DROP TABLE log; --', "log.log"])
async def test_a_table_that_is_not_there(tmp_path: Path, name: str) -> None:
    """A name that is no table is refused, and runs nowhere."""
    told = sqlite(tmp_path / "log.db", ROWS)
    with pytest.raises((Refused, Unavailable)):
        await read(replace(told, table=name), asked())
    with pytest.raises(Refused, match="has no column pirson; there is at, version"):
        await read(replace(told, person="pirson"), asked())
    assert (await read(told, asked()))[0].whole.decisions == 120


async def test_a_database_that_is_away(tmp_path: Path) -> None:
    """No file, no server: a sentence without the address and its password."""
    for place in (f"sqlite:///{tmp_path}/none.db", "postgresql://u:hunter2@127.0.0.1:1/x"):
        with pytest.raises(Unavailable) as away:
            await read(replace(TOLD, place=place, table="log"), asked())
        assert "hunter2" not in str(away.value)
        assert "the prediction log of hiring" in str(away.value)
    assert not (tmp_path / "none.db").exists()


async def test_hostile_values_of_a_table(tmp_path: Path) -> None:
    """A version that would break out of a query is a version."""
    bad: Any = "v2') OR 1=1 --"
    told = sqlite(tmp_path / "log.db", [*ROWS, decided(7, version=bad, decision="X")])
    assert (await read(told, asked(120, bad)))[0].whole.decisions == 1
