"""Prediction logs in files, read by the real DuckDB: exact numbers, an honest reach, and nothing run that stands in them."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from bot.domain.errors import Refused, Unavailable
from bot.engine.decisions import DAY, Number
from tests.decisions.logs import COLUMNS, NOON, TOLD, TYPES, asked, decided, many, names, read, write

KINDS = ("log.parquet", "log.csv", "log.csv.gz", "log.tsv")


@pytest.mark.parametrize("name", KINDS)
async def test_every_kind_of_file_tells_the_same(tmp_path: Path, name: str) -> None:
    """Decisions, adverse ones and people, in all and by group, state, country and day; and the same list."""
    told = write(tmp_path / name, [*many(), *many(40, version="v1", decision=None)])
    numbers, sunk = await read(told, asked())
    assert numbers.whole == Number(120, 120, 60, 120)
    assert numbers.by == {
        "sex": {"f": Number(60, 60, 40, 60), "m": Number(60, 60, 20, 60)},
        "state": {"CA": Number(90, 90, 40, 90), "NY": Number(30, 30, 20, 30)},
        "country": {"US": Number(120, 120, 60, 120)},
        DAY: {"2026-11-20": Number(120, 120, 60, 120)},
    }
    assert (numbers.begins, numbers.ends) == (NOON, NOON + timedelta(minutes=119))
    rows = list(csv.reader(io.StringIO(sunk.text)))
    assert rows[0] == ["decision", "person", "at", "outcome", "version", "sex"]
    assert rows[1] == ["D0000", "person-0000", "2026-11-20T12:00:00.000000Z", "reject", "v2", "f"]
    assert (len(rows), sunk.rows) == (121, 120)
    again = (await read(told, asked()))[1]
    assert again.sha256 == sunk.sha256, "the same decisions make the same file"


async def test_only_what_was_asked_for(tmp_path: Path) -> None:
    """Both ends of the stretch are in, other versions and slices are out, and no version named is every version."""
    told = write(tmp_path / "log.parquet", [*many(), *many(40, version="v1", decision=None)])
    told = replace(told, slices=("state",))
    assert (await read(told, asked(10)))[0].whole.decisions == 11
    assert (await read(told, asked(10, "v1", "v3")))[0].whole.decisions == 11
    every = replace(asked(), versions=())
    assert (await read(told, every))[0].whole.decisions == 160
    ny = replace(asked(), dimension="state", values=("NY", "TX"))
    assert (await read(told, ny))[0].whole.decisions == 30
    nobody = replace(asked(), since=NOON + timedelta(days=9), until=NOON + timedelta(days=10))
    numbers, sunk = await read(told, nobody)
    assert numbers.whole == Number(0, 0, 0, 0)
    assert len(sunk.text.splitlines()) == 1


async def test_what_does_not_say_enough_is_counted_apart(tmp_path: Path) -> None:
    """Rows without a time, version, slice, person or outcome are nobody's decisions by silence, and are told."""
    silent = [
        decided(1, at=None, decision="X1"),
        decided(2, version=None, decision="X2"),
        decided(3, version="", decision="X3"),
        decided(4, state=" ", decision="X4"),
        decided(5, person=None, decision="X5"),
        decided(6, outcome=None, decision="X6"),
        decided(7, at=NOON - timedelta(days=2), version=None, decision="X7"),
    ]
    told = replace(write(tmp_path / "log.parquet", [*many(), *silent]), slices=("state",))
    numbers, _ = await read(told, asked())
    assert (numbers.unplaced, numbers.unversioned, numbers.unsliced, numbers.nameless) == (1, 2, 0, 1)
    assert numbers.whole.decisions - numbers.whole.decided == 1
    assert numbers.begins == NOON - timedelta(days=2)
    numbers, _ = await read(told, replace(asked(), dimension="state", values=("CA",)))
    assert (numbers.unversioned, numbers.unsliced) == (2, 1)


async def test_a_decision_written_twice_counts_once(tmp_path: Path) -> None:
    """As it was last written; without a number of its own every row is a decision."""
    corrected = decided(0, at=NOON + timedelta(minutes=90), outcome="invite")
    told = write(tmp_path / "log.parquet", [*many(), corrected, corrected])
    numbers, sunk = await read(told, asked())
    assert (numbers.whole, numbers.repeated) == (Number(120, 120, 59, 120), 2)
    assert sunk.text.count("D0000") == 1
    numbers, _ = await read(replace(told, decision=""), asked())
    assert (numbers.whole.decisions, numbers.whole.people) == (122, 120)


@pytest.mark.parametrize(
    ("kind", "values", "adverse"),
    [
        ("DOUBLE", (0.0, 1.0), ("0",)),
        ("INTEGER", (0, 1), ("0",)),
        ("BOOLEAN", (False, True), ("false",)),
        ("VARCHAR", ("0.0", "1.0"), ("0",)),
    ],
)
async def test_outcomes_are_compared_as_people_mean_them(tmp_path: Path, kind: str, values, adverse) -> None:
    """A catalogue that says 0 means 0.0 as well: an adverse outcome is not missed for the way it is written."""
    rows = [decided(n, outcome=values[n % 2], person=n) for n in range(10)]
    types = ("TIMESTAMPTZ", "VARCHAR", "INTEGER", kind, *TYPES[4:])
    told = replace(write(tmp_path / "log.parquet", rows, types), adverse=adverse)
    assert (await read(told, asked()))[0].whole == Number(10, 10, 5, 10)


HOSTILE = (
    "=cmd|'/c calc'!A1", "+1", "-2+3", "@SUM(A1)", "\t=1", "'; DROP TABLE decision; --", '"quoted", and\nbroken',
    "$since", "{env: SECRET}", "\u202egnp.exe", "<script>alert(1)</script>", "x" * 5_000, "NaN", "NULL ",
)  # fmt: skip


@pytest.mark.parametrize("name", ["log.parquet", "log.csv"])
async def test_hostile_values_are_values(tmp_path: Path, name: str) -> None:
    """Whatever stands in a row is counted as what it is, starts no formula in the list, and runs nowhere."""
    rows = [
        decided(n, person=text, outcome=text, sex=text, version=text, decision=f"D{n}")
        for n, text in enumerate(HOSTILE)
    ]
    told = replace(write(tmp_path / name, [*many(), *rows]), adverse=("reject", HOSTILE[5]))
    numbers, sunk = await read(told, replace(asked(), versions=()))
    assert numbers.whole.decisions == 120 + len(HOSTILE)
    assert numbers.whole.adverse == 61
    for cell in (cell for row in csv.reader(io.StringIO(sunk.text)) for cell in row):
        assert not cell.lstrip().startswith(("=", "+", "-", "@")), cell
    assert max(map(len, (numbers.by or {})["sex"] or {})) <= 60, "a longer one is no group's name"
    assert (await read(told, replace(asked(), versions=(HOSTILE[5],))))[0].whole.decisions == 1
    assert (await read(told, replace(asked(), dimension="sex", values=(HOSTILE[5],), versions=())))[
        0
    ].whole.decisions == 1


async def test_hostile_column_names_are_names(tmp_path: Path) -> None:
    """Quotes, dollars and spaces in a column's name are part of it; a name that is no column is refused with what there is."""
    odd = ('the "time"', "$versions", "at", "made", "id; DROP TABLE log", "by sex", "adverse", "person")
    told = replace(
        write(tmp_path / "log.parquet", many(), columns=odd),
        at=odd[0], version=odd[1], person=odd[2], outcome=odd[3], decision=odd[4], groups=(odd[5],), state=odd[6],
        country=odd[7],
    )  # fmt: skip
    numbers, sunk = await read(told, asked())
    assert numbers.whole == Number(120, 120, 60, 120)
    assert (numbers.by or {})["by sex"] == {"f": Number(60, 60, 40, 60), "m": Number(60, 60, 20, 60)}
    assert sunk.text.splitlines()[0] == 'id; DROP TABLE log,at,"the ""time""",made,$versions,by sex'
    with pytest.raises(Refused, match='has no columns person FROM x, y; there is the "time"'):
        await read(replace(told, person="person FROM x", country="y"), asked())


async def test_times_say_their_zone(tmp_path: Path) -> None:
    """A time without a zone is a mistake of the catalogue, unless it says which zone is meant."""
    naive = [decided(n, at=(NOON + timedelta(minutes=n)).replace(tzinfo=None)) for n in range(10)]
    told = write(tmp_path / "naive.parquet", naive, ("TIMESTAMP", *TYPES[1:]))
    with pytest.raises(Refused, match="the prediction log of hiring has times without a zone in at; write `timezone:`"):
        await read(told, asked())
    berlin, _ = await read(replace(told, timezone="Europe/Berlin"), asked(since=NOON - timedelta(hours=1)))
    assert (berlin.begins, berlin.whole.decisions) == (NOON - timedelta(hours=1), 10)

    text = ("VARCHAR", *TYPES[1:])
    mixed = [decided(0, at="2026-11-20T13:00:00+01:00"), decided(1, at="2026-11-20 12:01:00Z"), decided(2, at="soon")]
    told = write(tmp_path / "texts.csv", mixed, text)
    numbers, _ = await read(told, asked())
    assert (numbers.begins, numbers.ends, numbers.unplaced) == (NOON, NOON + timedelta(minutes=1), 1)
    told = write(tmp_path / "mixed.csv", [*mixed, decided(3, at="2026-11-20 12:03:00")], text)
    with pytest.raises(Refused, match="times without a zone"):
        await read(told, asked())
    numbers, _ = await read(replace(told, timezone="UTC"), asked())
    assert numbers.whole.decisions == 3
    told = write(tmp_path / "days.parquet", [decided(0, at="2026-11-20")], ("DATE", *TYPES[1:]))
    with pytest.raises(Refused, match="has DATE in at, which is no time"):
        await read(told, asked())


async def test_errors_repeat_no_row(tmp_path: Path) -> None:
    """What a broken file holds is not in the sentence about it."""
    path = tmp_path / "log.csv"
    path.write_text("at,version,person,outcome,decision,sex,state,country\n" + 'person-secret,"open\n' * 3)
    (tmp_path / "log.parquet").write_text("person-secret")
    (tmp_path / "headless.csv").write_text("2026-11-20,v2,person-secret,reject\n" * 3)
    with pytest.raises(Refused, match=r"has no columns at, .*; its first line must name them") as refused:
        await read(replace(TOLD, place=str(tmp_path / "headless.csv")), asked())
    assert "secret" not in str(refused.value)
    for name in ("log.csv", "log.parquet", "nowhere.parquet"):
        with pytest.raises(Unavailable) as told:
            await read(replace(TOLD, place=str(tmp_path / name)), asked())
        assert "secret" not in str(told.value)
        assert "the prediction log of hiring" in str(told.value)


async def test_a_column_of_too_many_values_is_no_table(tmp_path: Path) -> None:
    """A group column somebody fills with the people's numbers is not told apart at all."""
    told = write(tmp_path / "log.parquet", [decided(n, sex=f"person-{n}") for n in range(61)])
    assert (await read(told, asked()))[0].by["sex"] is None  # type: ignore[index]
    told = write(tmp_path / "log.parquet", [decided(n, sex=None if n == 60 else f"g{n}") for n in range(61)])
    assert len((await read(told, asked()))[0].by["sex"]) == 61  # type: ignore[index, arg-type]


async def test_it_takes_no_more_than_it_may(tmp_path: Path) -> None:
    """Too little memory and too little time end in a sentence; nothing is laid down on disk, and nothing goes on."""
    path = tmp_path / "log.parquet"
    with duckdb.connect() as connection:
        rows = "SELECT TIMESTAMPTZ '2026-11-20 12:00:00Z' AS at, 'v2' AS version, md5(i::VARCHAR) AS person, "
        rows += "md5((i+1)::VARCHAR) AS outcome, md5((i+2)::VARCHAR) AS decision, 'f' AS sex, 'CA' AS state, 'US' AS country"
        connection.execute(f"COPY ({rows} FROM range(400000) t(i)) TO '{path}'")
    told = replace(TOLD, place=str(path), threads=1)
    with pytest.raises(Unavailable, match="does not fit into the memory it may take"):
        await read(replace(told, memory="16MB"), asked())
    with pytest.raises(Unavailable, match="was not read within"):
        await read(replace(told, seconds=0.05), asked())
    assert names(tmp_path) == ["log.parquet"]
    task = asyncio.create_task(read(told, asked()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_files_of_a_glob_and_a_duckdb_table(tmp_path: Path) -> None:
    """A glob is one log though its files differ in columns; a DuckDB file is opened read only, by its table's name."""
    write(tmp_path / "a.parquet", many(60))
    write(tmp_path / "b.parquet", [decided(n)[:-1] for n in range(60, 120)], TYPES[:-1], COLUMNS[:-1])
    numbers, _ = await read(replace(TOLD, place=str(tmp_path / "*.parquet")), asked())
    assert numbers.whole == Number(120, 120, 60, 120)
    assert (numbers.by or {})["country"] == {"US": Number(60, 60, 30, 60), "": Number(60, 60, 30, 60)}
    with duckdb.connect(str(tmp_path / "log.duckdb")) as connection:
        connection.execute(f'CREATE SCHEMA "s 1"; CREATE TABLE "s 1".log AS FROM \'{tmp_path / "a.parquet"}\'')
    told = replace(TOLD, place=str(tmp_path / "log.duckdb"), table="s 1.log")
    assert (await read(told, asked()))[0].whole.decisions == 60
