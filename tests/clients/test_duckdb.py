"""The look into files: counts equal to numpy's, only reading, every failure a sentence. Against the real DuckDB."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bot.clients.duckdb import Limits, Look, Source, Where, look
from bot.domain.errors import Unavailable
from bot.slo.bins import Categories, Grid
from bot.slo.histogram import Layout, Tally
from tests.kit import NOON, at

ODD = 'we"ird; -- näme $v0'
SLICES = ("po'or", 'go"od', "")
ROWS = 5_000


def table(rows: int = ROWS, seed: int = 1) -> dict[str, list]:
    """Columns as a log may have them: NULL, NaN and infinities among the numbers, texts with quotes, whole numbers."""
    dice = np.random.default_rng(seed)
    numbers = dice.lognormal(0, 2, rows).tolist()
    numbers[:6] = [None, math.nan, math.inf, -math.inf, 0.0, -1e300]
    return {
        "at": [NOON + timedelta(seconds=number) for number in range(rows)],
        "version": ["v1" if number % 3 else "v2" for number in range(rows)],
        ODD: numbers,
        "count": [None if number % 7 == 0 else int(value) for number, value in enumerate(dice.poisson(8, rows))],
        "plan": [[None, "free", "it's pro", "other"][value] for value in dice.integers(0, 4, rows)],
        "flag": [bool(value) for value in dice.integers(0, 2, rows)],
        "slice": [[None, *SLICES, "elsewhere"][value] for value in dice.integers(0, 5, rows)],
    }


LAYOUT = Layout(
    {
        ODD: Grid.fit(np.random.default_rng(2).lognormal(0, 2, 3_000)),
        "count": Grid.fit(np.arange(20.0)),
        "plan": Categories(("it's pro", "free")),
        "flag": Categories(("true", "false")),
    },
    {"slice": SLICES},
)
NAMED = {True: "true", False: "false"}


def expected(rows: dict[str, list]) -> Tally:
    tally = Tally(LAYOUT)
    tally.fill(rows | {"flag": [NAMED[value] for value in rows["flag"]]})
    return tally


def same(left: Tally, right: Tally) -> bool:
    cuts = [("", None), *(("slice", (told,)) for told in SLICES)]
    return left.rows == right.rows and all(
        left.histograms(*cut) == right.histograms(*cut) and left.distinct(*cut) == right.distinct(*cut) for cut in cuts
    )


@pytest.fixture
def log(tmp_path: Path) -> Source:
    """One Parquet file."""
    path = tmp_path / "it's a log.parquet"
    pq.write_table(pa.table(table()), path, row_group_size=700)
    return Source(str(path))


async def ask(source: Source, job, **limits):
    return await look(source, job, Limits(**limits))


async def test_counts_are_numpys(log: Source) -> None:
    """Every bin of every feature in every slice, NULL and NaN as missing, infinities, odd names: exactly as numpy counts."""
    assert same(await ask(log, lambda look: look.tally(LAYOUT, Where())), expected(table()))


async def test_globs_csv_and_tables_are_read(tmp_path: Path) -> None:
    """Two files by a glob, the same rows as CSV and as a table of a DuckDB file: the same counts."""
    rows, whole = table(), expected(table())
    for name, part in (("a", slice(0, 2_000)), ("b", slice(2_000, None))):
        pq.write_table(pa.table({key: values[part] for key, values in rows.items()}), tmp_path / f"{name}.parquet")
    assert same(await ask(Source(f"{tmp_path}/*.parquet"), lambda look: look.tally(LAYOUT, Where())), whole)
    with duckdb.connect(str(tmp_path / "log.duckdb")) as door:
        arrow = pa.table(rows)
        door.register("given", arrow)
        door.execute('CREATE TABLE "pre dictions" AS FROM given')
        door.execute(f"COPY (FROM given) TO '{tmp_path}/log.csv' (NULLSTR '-', QUOTE '\"')")
    source = Source(str(tmp_path / "log.duckdb"), "main.pre dictions")
    assert same(await ask(source, lambda look: look.tally(LAYOUT, Where())), whole)
    csv = await ask(Source(str(tmp_path / "log.csv")), lambda look: look.count(Where()))
    assert csv == ROWS


async def test_only_the_rows_that_are_asked_for(log: Source) -> None:
    """Time, version and slice choose rows; both ends of a stretch belong to it; values are bound, not pasted."""
    among = {"version": ("v2", "x' OR 1=1 --"), "slice": ("po'or", "")}
    where = Where("at", at(100), at(4_000), among)
    rows = table()
    kept = [
        place
        for place, moment in enumerate(rows["at"])
        if at(100) <= moment <= at(4_000) and rows["version"][place] == "v2" and rows["slice"][place] in {"po'or", ""}
    ]
    wanted = expected({name: [values[place] for place in kept] for name, values in rows.items()})
    assert same(await ask(log, lambda look: look.tally(LAYOUT, where)), wanted)
    assert await ask(log, lambda look: look.count(where)) == len(kept)


@pytest.mark.parametrize("kind", ["timestamp[us, tz=UTC]", "timestamp[ns]", "timestamp[ms]"])
async def test_a_time_without_a_zone_is_utc(tmp_path: Path, kind: str) -> None:
    """Whichever way the log tells its time, the same rows are found."""
    plain = [datetime(2026, 1, 1, 12, second, tzinfo=UTC) for second in range(10)]
    times = plain if "UTC" in kind else [moment.replace(tzinfo=None) for moment in plain]
    typed = pa.array(times).cast(pa.timestamp("us", "UTC") if "UTC" in kind else pa.timestamp(kind[10:12]))
    pq.write_table(pa.table({"at": typed}), tmp_path / "log.parquet")
    found = Where("at", plain[3], plain[6])
    assert await ask(Source(str(tmp_path / "log.parquet")), lambda look: look.count(found)) == 4


async def test_small_questions(log: Source) -> None:
    """Columns, commonest values, newest values, a mean, an even sample that is the same each time."""

    def job(look: Look):
        return (
            look.values("plan", Where(), 2),
            look.newest("version", Where("at"), 3),
            look.mean("count", Where()),
            look.sample(["count", "plan"], Where(), 500),
        )

    commonest, newest, (n, mean), sample = await ask(log, job)
    rows = table()
    assert commonest.keys() < {"free", "it's pro", "other"}
    assert all(rows["plan"].count(name) == count for name, count in commonest.items())
    assert newest == rows["version"][-3:]
    assert (n, mean) == (sum(value is not None for value in rows["count"]), pytest.approx(np.mean([v for v in rows["count"] if v is not None])))  # fmt: skip
    assert 480 < sample["count"].size == sample["plan"].size < 520
    assert set(sample["plan"]) == {None, "free", "it's pro", "other"}
    again = await ask(log, lambda look: look.sample(["count", "plan"], Where(), 500))
    assert all(np.array_equal(again[name], sample[name], equal_nan=name == "count") for name in sample)


@pytest.mark.parametrize(
    ("job", "because"),
    [
        (
            lambda look: look.tally(Layout({"age": Categories(())}), Where()),
            "has no column 'age'; there is at, version",
        ),
        (lambda look: look.need("age", "plan", "x y"), "has no columns 'age', 'x y'"),
        (lambda look: look.count(Where("time", since=NOON)), "has no column 'time'"),
        (lambda look: look.count(Where("plan", since=NOON)), "column 'plan' is VARCHAR, not a time"),
        (lambda look: look.count(Where(among={"region": ("EU",)})), "has no column 'region'"),
        (lambda look: look.mean("plan", Where()), "column 'plan' is VARCHAR, not a number"),
        (lambda look: look.tally(Layout({"plan": Grid.fit(np.arange(3.0))}), Where()), "Could not convert string"),
    ],
)
async def test_what_does_not_fit_names_file_and_column(log: Source, job, because: str) -> None:
    """A column that is missing or of another kind is a sentence with the file's path and the column's name."""
    with pytest.raises(Unavailable, match=because) as caught:
        await ask(log, job)
    assert log.path in str(caught.value)


async def test_lists_are_no_features(tmp_path: Path) -> None:
    """An embedding is neither a number nor a category; a date is a category."""
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"vector": [[1.0, 2.0]], "day": [date(2026, 1, 1)]}), path)
    with pytest.raises(Unavailable, match=r"column 'vector' is DOUBLE\[\], neither a number nor a category"):
        await ask(Source(str(path)), lambda look: look.is_number("vector"))
    assert await ask(Source(str(path)), lambda look: look.values("day", Where(), 9)) == {"2026-01-01": 1}


@pytest.mark.parametrize(
    ("name", "content", "because"),
    [("none*.parquet", None, "No files found"), ("junk.parquet", b"PAR0 nonsense", "could not be read")],
)
async def test_files_that_are_none(tmp_path: Path, name: str, content: bytes | None, because: str) -> None:
    """No file and a broken file are sentences that name it."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Unavailable, match=because) as caught:
        await ask(Source(str(tmp_path / name)), lambda look: look.columns())
    assert name in str(caught.value)


async def test_nothing_is_ever_written(tmp_path: Path) -> None:
    """The table's file is attached for reading only: even our own connection cannot change it."""
    path = tmp_path / "log.duckdb"
    with duckdb.connect(str(path)) as door:
        door.execute("CREATE TABLE p AS SELECT 1 AS a")
    with pytest.raises(Unavailable, match="read-only"):
        await ask(Source(str(path), "p"), lambda look: look._rows("INSERT INTO source.p VALUES (2)", {}))
    with pytest.raises(Unavailable, match="locked"):
        await ask(Source(str(path), "p"), lambda look: look._rows("SET threads = 1", {}))


async def test_a_look_that_takes_too_long_is_ended(log: Source) -> None:
    """After its seconds the look is Unavailable and its query is ended, not left running."""
    endless = "SELECT count(*) FROM range(100000000000) a WHERE a.range % 7 = 3"
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=r"was not read within 0\.5 s"):
        await ask(log, lambda look: look._rows(endless, {}), seconds=0.5)
    assert time.monotonic() - begun < 4
    task = asyncio.create_task(ask(log, lambda look: look._rows(endless, {})))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
