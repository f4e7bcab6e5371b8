"""A prediction log as counters: what arrived is counted once, whenever it came. Against the real DuckDB."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bot.domain.errors import Unavailable
from bot.engine.counting import Counting
from bot.engine.ports import Wide
from bot.slo.ledger import Ledger
from bot.slo.spec import Indicator, Point, Selector, Slo, Threshold
from bot.sources._arrivals import METRICS
from bot.sources.predictions import Predictions
from tests.kit import NOON, at
from tests.parts import Hands
from tests.shelves.files import SECONDS

SETTINGS = {"path": "/nowhere/{port}/*.parquet", "timeout_seconds": SECONDS}
ALL = [Selector.parse(metric) for metric in METRICS]
EVENING = NOON.replace(hour=23, minute=50)


@dataclass(frozen=True)
class Answer:
    """One row of the log."""

    at: datetime
    prediction: Any = 1
    label: Any = None
    label_time: datetime | None = None
    region: str | None = "eu"
    version: str = "v1"


COLUMNS = ("at", "prediction", "label", "label_time", "region", "version")


def write(path: Path, rows: Sequence[Answer]) -> None:
    """The file as a whole, in place of what it was, written now as far as its own time tells."""
    table = pa.table({name: [getattr(row, name) for row in rows] for name in COLUMNS})
    pq.write_table(table, path)
    newest = max((row.label_time or row.at for row in rows), default=NOON) + timedelta(seconds=len(rows) % 977)
    os.utime(path, (newest.timestamp(), newest.timestamp()))


def source(path: Path | str, **more: Any) -> Predictions:
    told = {"path": str(path), "label": "label", "label_time": "label_time", "slices": ("region",), **more}
    return Predictions(Predictions.Settings.model_validate(told), clock=Hands())


def totals(read: dict[Selector, Sequence[Point]], **labels: str) -> dict[str, int]:
    """The newest value of every series that has these labels, summed over the rest, by metric."""
    found = {}
    for selector, points in read.items():
        newest = {point.labels: point for point in sorted(points, key=lambda each: each.at)}
        held = [point.value for point in newest.values() if labels.items() <= dict(point.labels).items()]
        found[selector.metric] = int(sum(held))
    return found


def slo(good: str = "correct_total", total: str = "labelled_total") -> Slo:
    return Slo(
        "quality", "loans", Indicator("good", Selector.parse(good), Selector.parse(total)), 0.9, timedelta(days=2)
    )


async def test_every_metric_counts_what_it_says(tmp_path: Path) -> None:
    """Answers when given, outcomes when they arrived, by slice and version: as counted by hand."""
    known = at(-10)
    rows = [
        Answer(at(-60), 1, 1, known), Answer(at(-60), 1, 0, known), Answer(at(-60), 0, 0, known),
        Answer(at(-60), 0, 1, known), Answer(at(-60), 1, 1, known, "us"), Answer(at(-50), 1), Answer(at(-50), 0, None, None, None),
        Answer(at(-60), 1, 1, at(30)),  # known only later
        Answer(at(5), 1),
    ]  # fmt: skip
    write(tmp_path / "log.parquet", rows)
    read = await source(tmp_path / "log.parquet").read(ALL, NOON)
    assert totals(read) == {
        "predictions_total": 8, "predicted_positive_total": 5, "labelled_total": 5, "correct_total": 3,
        "positive_total": 3, "negative_total": 2, "true_positive_total": 2, "false_positive_total": 1,
        "labelled_predicted_positive_total": 3,
    }  # fmt: skip
    assert totals(read, region="us") | {"predictions_total": 1, "labelled_total": 1, "negative_total": 0} == totals(
        read, region="us"
    )
    assert {name for point in read[ALL[0]] for name, _ in point.labels} == {"region", "version", "turn"}


@pytest.mark.parametrize(
    ("prediction", "label", "more"),
    [
        (["yes", "no"], ["yes", "no"], {"positive": "yes"}),
        ([True, False], [1, 0], {}),
        ([1.0, 0.0], [True, False], {"positive": "true"}),
        ([0.9, 0.2], [1, 0], {"threshold": 0.5}),
    ],
)
async def test_classes_yes_and_no_numbers_and_scores(
    tmp_path: Path, prediction: list, label: list, more: dict[str, Any]
) -> None:
    """However a log writes its answers and outcomes, the same three are right and one is wrong."""
    pairs = [(0, 0), (1, 1), (1, 1), (0, 1)]
    write(tmp_path / "log.parquet", [Answer(at(-9), prediction[p], label[y], at(-5)) for p, y in pairs])
    found = totals(await source(tmp_path / "log.parquet", **more).read(ALL, NOON))
    assert (found["labelled_total"], found["correct_total"]) == (4, 3)
    assert (found["true_positive_total"], found["false_positive_total"]) == (1, 1)


@pytest.mark.parametrize("more", [{}, {"threshold": 0.5}])
async def test_no_answer_is_no_right_answer(tmp_path: Path, more: dict[str, Any]) -> None:
    """A row without a prediction is judged and not right, whatever came out."""
    write(tmp_path / "log.parquet", [Answer(at(-9), p, y, at(-5)) for p in (None, 1, 0) for y in (0, 1)])
    found = totals(await source(tmp_path / "log.parquet", **more).read(ALL, NOON))
    assert (found["labelled_total"], found["correct_total"], found["predicted_positive_total"]) == (6, 2, 2)


async def test_an_outcome_counts_when_it_arrives(tmp_path: Path) -> None:
    """The row is rewritten with its outcome: the answer is not counted again, the outcome once, at its own time."""
    path, rows = tmp_path / "log.parquet", [Answer(at(-90 + n)) for n in range(60)]
    log = source(path)
    write(path, rows)
    before = totals(await log.read(ALL, NOON))
    assert (before["predictions_total"], before["labelled_total"]) == (60, 0)
    write(path, [replace(row, label=1, label_time=at(20)) if n < 40 else row for n, row in enumerate(rows)])
    assert totals(await log.read(ALL, at(15))) == before
    after = totals(await log.read(ALL, at(30)))
    assert (after["predictions_total"], after["labelled_total"], after["correct_total"]) == (60, 40, 40)


async def test_only_files_that_changed_are_read(tmp_path: Path) -> None:
    """A file that stands as it stood is not opened again: here it has become unreadable behind our back."""
    write(tmp_path / "a.parquet", [Answer(at(-90))] * 5)
    log = source(tmp_path / "*.parquet")
    await log.read(ALL, NOON)
    stood = (tmp_path / "a.parquet").stat()
    (tmp_path / "a.parquet").write_bytes(b"x" * stood.st_size)
    os.utime(tmp_path / "a.parquet", ns=(stood.st_atime_ns, stood.st_mtime_ns))
    write(tmp_path / "b.parquet", [Answer(at(5))] * 7)
    assert totals(await log.read(ALL, at(15)))["predictions_total"] == 12


async def test_late_rows_late_files_and_files_that_are_gone(tmp_path: Path) -> None:
    """A file that comes a day late is counted, so is a row written an hour late; what is deleted stays counted."""
    write(tmp_path / "a.parquet", [Answer(at(-90))] * 5)
    log = source(tmp_path / "*.parquet")
    await log.read(ALL, NOON)
    write(tmp_path / "b.parquet", [Answer(at(-86_400), 1, 1, at(-3_000))] * 7)
    write(tmp_path / "a.parquet", [Answer(at(-90))] * 5 + [Answer(at(-3_000))])
    found = totals(await log.read(ALL, at(15)))
    assert (found["predictions_total"], found["labelled_total"]) == (13, 7)
    (tmp_path / "b.parquet").unlink()
    assert totals(await log.read(ALL, at(30))) == found


async def test_a_log_that_shrank_goes_on_from_where_it_was(tmp_path: Path) -> None:
    """Rows that vanish were counted and stay so; those that come later count, and none twice."""
    path = tmp_path / "log.parquet"
    log = source(path)
    write(path, [Answer(at(-90))] * 50)
    await log.read(ALL, NOON)
    write(path, [Answer(at(-90))] * 3 + [Answer(at(5))] * 4)
    assert totals(await log.read(ALL, at(15)))["predictions_total"] == 54
    write(path, [Answer(at(-90))] * 3 + [Answer(at(5))] * 4 + [Answer(at(20))])
    assert totals(await log.read(ALL, at(30)))["predictions_total"] == 55


def story() -> list[Answer]:
    """Two hours of answers over midnight, most outcomes up to an hour later, a slice that appears after midnight."""
    dice = np.random.default_rng(5)
    rows = []
    for number in range(720):
        made = EVENING + timedelta(seconds=10 * number + float(dice.random()))
        label = int(dice.random() < 0.4)
        region = "asia" if number > 350 and number % 5 == 0 else ("eu", "us")[number % 2]
        known = made + timedelta(seconds=float(dice.exponential(1_200))) if dice.random() < 0.8 else None
        rows.append(
            Answer(made, int(dice.random() < 0.5), None if known is None else label, known, region, f"v{number % 2}")
        )
    return rows


def visible(rows: Sequence[Answer], now: datetime) -> list[Answer]:
    """The log as it stands then."""
    return [
        row if row.label_time is not None and row.label_time < now else replace(row, label=None, label_time=None)
        for row in rows
        if row.at < now
    ]


@pytest.mark.parametrize("restarts", [False, True])
async def test_the_ledger_counts_every_outcome_once_over_midnight_and_restarts(
    tmp_path: Path, *, restarts: bool
) -> None:
    """Two hours of polls, the bot restarted every few minutes or never: exactly the log's own right and wrong answers."""
    rows, objective, ledger = story(), slo(), Ledger()
    path, now = tmp_path / "log.parquet", EVENING + timedelta(seconds=30)
    log, account = source(path), None
    begun = now
    for poll in range(240):
        write(path, visible(rows, now))
        if restarts and poll % 7 == 0:
            log = source(path)
        account = ledger.account(objective)
        read = await log.read(account.queries, now)
        ledger.read([account], read, now)
        assert account.silent is None
        now += timedelta(seconds=30)
    last = now - timedelta(seconds=30)
    counts = ledger.counts(objective, last, timedelta(days=1))
    arrived = Counter(
        row.prediction == row.label for row in rows if row.label_time is not None and row.label_time < last
    )
    at_begin = Counter(row.prediction == row.label for row in visible(rows, begun) if row.label_time is not None)
    assert counts.good + counts.gap_good == arrived[True]
    assert counts.bad + counts.gap_bad == arrived[False]
    assert counts.gap_good + counts.gap_bad <= at_begin.total() + (30 if restarts else 0)


async def test_the_past_is_told_by_arrival(tmp_path: Path) -> None:
    """A bot that starts late counts two days of arrivals from the log, over two midnights, and then goes on exactly."""
    rows = [replace(row, at=row.at - timedelta(days=1), label_time=row.label_time and row.label_time - timedelta(days=1)) for row in story()]  # fmt: skip
    rows += story()
    path, now = tmp_path / "log.parquet", EVENING + timedelta(hours=4)
    write(path, visible(rows, now))
    log, objective = source(path), slo()
    assert isinstance(log, Wide)
    counting = Counting.of([objective], {"default": log}, timedelta(seconds=15))
    for _ in range(3):
        await counting.poll(now)
        now += timedelta(seconds=15)
    last = now - timedelta(seconds=15)
    counts = counting.ledger.counts(objective, last, timedelta(days=2))
    arrived = Counter(
        row.prediction == row.label for row in rows if row.label_time is not None and row.label_time < last
    )
    assert counts.good + counts.gap_good == arrived[True]
    assert counts.bad + counts.gap_bad == arrived[False]
    assert counts.covered > timedelta(hours=5, minutes=50)


async def test_columns_and_points_say_the_same(tmp_path: Path) -> None:
    """A sweep tells what a read tells."""
    write(tmp_path / "log.parquet", visible(story(), EVENING + timedelta(hours=1)))
    now = EVENING + timedelta(hours=1)
    read = await source(tmp_path / "log.parquet").read(ALL, now)
    batch = await source(tmp_path / "log.parquet").sweep(ALL, now)
    told = Counter()
    for series, value in zip(batch.series.tolist(), batch.value.tolist(), strict=True):
        told[batch.names[series]["__name__"]] += int(value)
    assert told == Counter(totals(read))


async def test_csv_and_tables(tmp_path: Path) -> None:
    """The same log as CSV, before any outcome came and after, and as a table that is updated in place."""
    rows = [Answer(at(-90 + n)) for n in range(60)]
    known = [replace(row, label=1, label_time=at(5)) if n < 40 else row for n, row in enumerate(rows)]
    csv = source(tmp_path / "log.csv")
    table = source(tmp_path / "log.duckdb", table="main.answers")
    for held, now, labelled in ((rows, NOON, 0), (known, at(15), 40)):
        arrow = pa.table({name: [getattr(row, name) for row in held] for name in COLUMNS})
        with duckdb.connect(str(tmp_path / "log.duckdb")) as door:
            door.register("given", arrow)
            door.execute("CREATE OR REPLACE TABLE answers AS FROM given")
            door.execute(f"COPY (FROM given) TO '{tmp_path}/log.csv'")
        for log in (csv, table):
            found = totals(await log.read(ALL, now))
            assert (found["predictions_total"], found["labelled_total"]) == (60, labelled)


async def test_coverage_and_delay_are_told(tmp_path: Path) -> None:
    """Of answers old enough, how many have their outcome; and how late outcomes come."""
    hour, old = timedelta(hours=1), [Answer(at(-5_000)) for _ in range(30)]
    old += [Answer(at(-5_000), 1, 1, at(-5_000 + 60 * n)) for n in range(1, 71)]
    write(tmp_path / "log.parquet", [*old, *[Answer(at(-60))] * 900])
    log = source(tmp_path / "log.parquet", maturity=hour)
    asked = [Selector.parse("label_coverage"), Selector.parse('label_delay_seconds{quantile="0.9"}')]
    read = await log.read(asked, NOON)
    assert [point.value for point in read[asked[0]]] == [pytest.approx(0.7)]
    assert [point.value for point in read[asked[1]]] == [pytest.approx(3_786, abs=2)]
    assert "70.0 % of 100 answers older than 1 h have an outcome" in log.coverage.because
    write(tmp_path / "log.parquet", [Answer(at(-60))] * 900)
    young = source(tmp_path / "log.parquet", maturity=hour)
    assert (await young.read(asked, NOON))[asked[0]] == ()
    assert "nobody can tell" in young.coverage.because


async def test_too_few_outcomes_are_an_objective_too(tmp_path: Path) -> None:
    """Coverage is a gauge that an objective holds to a threshold: each look at it is an event."""
    old = [Answer(at(-5_000), 1, 1, at(-4_000)) for _ in range(60)] + [Answer(at(-5_000)) for _ in range(40)]
    write(tmp_path / "log.parquet", [*old, Answer(at(-60))])
    log = source(tmp_path / "log.parquet", maturity=timedelta(hours=1))
    enough = Threshold(Selector.parse("label_coverage"), "gte", 0.8)
    objective = Slo("covered", "loans", enough, 0.9, timedelta(days=1))
    counting = Counting.of([objective], {"default": log}, timedelta(seconds=15))
    for poll in range(41):
        await counting.poll(at(15 * poll))
    counts = counting.ledger.counts(objective, at(600), timedelta(hours=1))
    assert (counts.good, counts.bad) == (0, 11)
    assert counting.ledger.silence(objective, at(600)) is None


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda path: path.unlink(), "could not be reached: no such file is there"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "could not be read"),
        (lambda path: write(path, []), "holds no prediction since 2026-11-19 UTC"),
        (lambda path: pq.write_table(pa.table({"at": [NOON]}), path), "has no column 'version'; there is at"),
        (lambda path: pq.write_table(pa.table({"at": ["soon"]}), path), "column 'at' is VARCHAR, not a time"),
    ],
)
async def test_what_cannot_be_read_names_file_and_column(tmp_path: Path, change, because: str) -> None:
    """No file, half a file, an empty one, a column that is missing or of another kind: each is a sentence."""
    path = tmp_path / "log.parquet"
    write(path, [Answer(at(-9))])
    change(path)
    with pytest.raises(Unavailable, match=because) as caught:
        await source(path).read(ALL, NOON)
    assert str(path) in str(caught.value)


async def test_half_a_file_costs_nothing(tmp_path: Path) -> None:
    """While one of many files is being written nothing is known; what happened meanwhile is counted when it is whole."""
    write(tmp_path / "a.parquet", [Answer(at(-9))] * 5)
    log = source(tmp_path / "*.parquet")
    await log.read(ALL, NOON)
    write(tmp_path / "b.parquet", [Answer(at(9))] * 6)
    whole = (tmp_path / "b.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(whole[:-40])
    with pytest.raises(Unavailable, match=r"b\.parquet"):
        await log.read(ALL, at(15))
    (tmp_path / "b.parquet").write_bytes(whole)
    assert totals(await log.read(ALL, at(30)))["predictions_total"] == 11


async def test_a_column_of_ids_is_no_slice(tmp_path: Path) -> None:
    """Thousands of values are told, not kept."""
    write(tmp_path / "log.parquet", [Answer(at(-9), region=f"user-{n}") for n in range(6_000)])
    with pytest.raises(Unavailable, match="'version', 'region': these are no slices"):
        await source(tmp_path / "log.parquet").read(ALL, NOON)
