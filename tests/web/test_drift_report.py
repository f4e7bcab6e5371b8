"""The Evidently report on an incident's page: its main numbers in a table, the whole as an attachment beside it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from bot.domain.finding import AttachReport
from bot.evidence._evidently import write_report
from bot.web import drift_report
from tests.evidence.test_report import table
from tests.web.fakes import Place
from tests.web.rich import HOSTILE, declared, rich
from tests.web.test_pages import Reader, sound

pytestmark = pytest.mark.xdist_group("evidently")


async def attached(home: Place, content: bytes, name: str = "drift-report-health-poor.json") -> str:
    """An incident with that report."""
    incident = await declared(home)
    kept = await home.desk.exhibits.put(incident, name, "application/json", content, home.clock.now())
    await home.desk.submit(incident, AttachReport(kept.id))
    return incident


async def shown(home: Place, incident: str, who: str = "max") -> Reader:
    browser = await home.browser(who)
    page = sound(await browser.get(f"/incidents/{incident}"))
    await browser.aclose()
    return page


async def test_a_real_report_is_shown_in_its_numbers(home: Place) -> None:
    """What Evidently itself wrote: the column that drifted first, its test, value and threshold, and who is left out."""
    live, reference = table(100, shift=12) | {"new": [1.0] * 100}, table(120)
    page = await shown(home, await attached(home, await write_report(live, reference, 60)))
    text = page.text
    assert "1 of 2 drifted" in text
    assert "100 live rows against 120 of the training data" in text
    assert text.index("age drifted Kolmogorov-Smirnov, p") < text.index("plan no drift")
    assert "drifts below 0.05 0 %, 0 %" in text
    assert "Left out: new (not in the reference)" in text
    assert any("/exhibits/" in str(attrs.get("href")) for attrs in page.of("a"))


def metric(column: str = "age", **changes: object) -> dict[str, object]:
    config = {"type": "evidently:metric_v2:ValueDrift", "column": column, "method": "psi", "threshold": 0.1}
    return {"id": "m", "config": {**config, **changes}, "value": changes.pop("value", 0.2)}


def told(**changes: object) -> bytes:
    held = {"rows": {"current": 1, "reference": 2}, "left_out": {}, "missing": {}, "report": {"metrics": [metric()]}}
    return json.dumps({**held, **changes}).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>", "it is of a shape that is not read here"),
        (b"[]", "it is of a shape that is not read here"),
        (b'{"rows": {}}', "it is of a shape that is not read here"),
        (b'{"rows": 1, "report": {"metrics": 3}}', "it is of a shape that is not read here"),
        (told(report={"metrics": [{"config": {"type": "x:ValueDrift"}}]}), "it is of a shape that is not read here"),
        (b"[" * 100_000, "it is of a shape that is not read here"),
        (b" " * (drift_report.LARGEST + 1), "it is too large to be shown here"),
        (told(report={"metrics": []}), "It compared no column."),
    ],
)
async def test_another_shape_is_an_attachment_alone(home: Place, content: bytes, words: str) -> None:
    """The page stands, says why there are no numbers, and hands out the whole."""
    page = await shown(home, await attached(home, content))
    assert words in page.text
    assert "the whole report" in page.text


def test_the_verdict_is_the_reports_own() -> None:
    """Where it holds a test its result counts; else the value against the threshold, distances and p-values apart."""
    tests = [{"metric_config": {"metric_id": "m"}, "status": "SUCCESS"}]
    assert drift_report.read("x", "n", told(report={"metrics": [metric()], "tests": tests})).drifted == 0
    assert drift_report.read("x", "n", told()).drifted == 1
    small = metric(method="ks")
    assert drift_report.read("x", "n", told(report={"metrics": [{**small, "value": 0.2}]})).drifted == 0
    assert drift_report.read("x", "n", told(report={"metrics": [{**small, "value": 0.01}]})).drifted == 1
    (none,) = drift_report.read("x", "n", told(report={"metrics": [{**small, "value": None}]})).columns
    assert (none.drifted, none.value) == (False, None)


async def test_an_erased_report_says_so(home: Place) -> None:
    """Nothing of it is shown any more."""
    incident = await attached(home, told())
    await home.desk.exhibits.erase(incident, home.clock.now())
    assert (
        "Its numbers are not shown: drift-report-health-poor.json was erased on 2026-11-20"
        in (await shown(home, incident)).text
    )


async def test_an_altered_report_breaks_no_page(home: Place) -> None:
    """It is named as altered where its numbers would stand; the incident is there for whoever works on it."""
    incident = await attached(home, told())
    with closing(sqlite3.connect(home.web.state.parent / "tocsin.db")) as file:
        file.execute("UPDATE exhibits SET content = CAST('x' AS BLOB)")
        file.commit()
    assert "was altered" in (await shown(home, incident)).text


async def test_without_a_report_there_is_no_table(home: Place) -> None:
    """Neither before it was attached, nor where it was not to be had."""
    assert "Drift report" not in (await shown(home, await rich(home))).text


async def test_strange_columns_do_nothing(home: Place) -> None:
    """Names and reasons from a report stay text."""
    content = told(report={"metrics": [metric(HOSTILE, method=HOSTILE)]}, left_out={HOSTILE: HOSTILE})
    page = await shown(home, await attached(home, content))
    assert page.text.count("<script>alert(1)</script>") >= 3
    assert not page.of("img")
