"""`tocsin replay` tells what would have happened: lines for machines, a table and a chart for people."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli._main import run
from bot.cli._past import only_selectors
from bot.domain.errors import Invalid
from bot.slo.spec import Expression, Indicator, Origin
from tests.engine.past import Past, Sample
from tests.slo.kit import T0, seconds, slo
from tests.sources.test_real_history import OBJECTIVE

HOUR = 3600.0


def openmetrics(samples: list[Sample]) -> str:
    lines = [f'requests_total{{code="{code}"}} {value:.0f} {at.timestamp():.3f}\n' for code, at, value in samples]
    return "".join(["# TYPE requests counter\n", *lines, "# EOF\n"])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """An objective, and ten hours with an outage of ten minutes and an hour without a sample."""
    past = Past(10, share=lambda t: 1.0 if 4 * HOUR < t <= 4 * HOUR + 600 else 0.0002).without(6 * HOUR, 7 * HOUR)
    (tmp_path / "slos").mkdir()
    (tmp_path / "slos" / "answers.yaml").write_text(OBJECTIVE)
    (tmp_path / "past.om").write_text(openmetrics(past.samples()))
    return tmp_path


@pytest.fixture
def told(files, capsys, monkeypatch):
    """Run it on those files, from a folder without any configuration: exit code, standard output, standard error."""
    monkeypatch.chdir(files)
    monkeypatch.setenv("COLUMNS", "80")

    def ask(*words: str, metrics: str = "past.om") -> tuple[int, str, str]:
        code = run(["replay", "--slos", "slos", "--metrics", metrics, *words])
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return ask


def test_without_any_configuration_every_change_is_a_line(told):
    """Start and end are the file's own; the last line sums up and has no `to`."""
    code, out, err = told("--json")
    assert (code, err) == (0, "")
    *lines, closing = [json.loads(each) for each in out.splitlines()]
    states = [(each["from"], each["to"]) for each in lines]
    assert states == [
        ("UNKNOWN", "OK"), ("OK", "NOTICE"), ("NOTICE", "PAGE"), ("PAGE", "RECOVERING"), ("RECOVERING", "OK"),
        ("OK", "UNKNOWN"), ("UNKNOWN", "OK"),
    ]  # fmt: skip
    page = lines[2]
    assert set(page) == {"at", "slo", "slice", "from", "to", "because", "burn", "budget_remaining", "onset"}
    late = datetime.fromisoformat(page["at"]) - (T0 + seconds(4 * HOUR))
    assert seconds(0) < late <= seconds(0.75 * 51.84 + 15)
    assert page["burn"]["5m"] > 14.4
    assert "to" not in closing
    assert closing["slos"] == closing["pages"] == 1
    assert closing["unknown_s"] == 15 + 3600 - 60
    assert (closing["start"], closing["end"], closing["step_s"]) == (
        "2026-03-02T09:00:00Z", "2026-03-02T19:00:00Z", 15,
    )  # fmt: skip
    assert list(closing["budget_by_day"]["answers"]) == ["2026-03-02"]


def test_the_same_input_gives_the_same_lines(told):
    """To the letter."""
    assert told("--json") == told("--json")


def test_people_get_a_table_and_a_chart(told):
    """Eighty columns at most, no colour codes in a pipe, every change with its reason, the budget day by day."""
    code, out, _ = told()
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    for words in ("at (UTC)", "NOTICE →", "PAGE", "answers: 99.9 % over 30d", "budget left at the end of each day"):
        assert words in out
    chart = next(row for row in out.splitlines() if row.startswith("  .") and "P" in row)
    assert "?" in chart
    assert "1 objective: 1 page, 0 tickets, 1 notice, 59 min 15 s in UNKNOWN" in out
    assert out.endswith("1 silence long enough to be an incident of its own\n")


def test_a_stretch_and_a_step_may_be_chosen(told):
    """Times with a zone, a date, seconds since 1970, or so long before the end."""
    for start in ("2026-03-02T10:00:00+01:00", "2026-03-02", "1772442000", "10h"):
        code, out, _ = told("--json", "--start", start, "--end", "2026-03-02T12:00:00Z", "--step", "30s")
        closing = json.loads(out.splitlines()[-1])
        assert (code, closing["end"], closing["step_s"], closing["pages"]) == (0, "2026-03-02T12:00:00Z", 30, 0)


def test_what_is_gone_is_gone_after_the_lookback(told):
    """A longer one waits longer before it says UNKNOWN."""
    gaps = []
    for lookback in ("30s", "90s"):
        lines = [json.loads(each) for each in told("--json", "--lookback", lookback)[1].splitlines()]
        gaps.append(next(each["at"] for each in lines if each.get("to") == "UNKNOWN"))
    assert gaps == ["2026-03-02T15:00:45Z", "2026-03-02T15:01:45Z"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--slo", "nothing"], "there is no objective 'nothing'; there is answers"),
        (["--step", "5m"], "a step is between 1s and 1m"),
        (["--step", "soon"], "is no length of time"),
        (["--start", "tomorrow"], "'tomorrow' is no time"),
        (["--start", "2027-01-01"], "has samples from"),
        (["--start", "2026-03-02T12:00:00Z", "--end", "2026-03-02T11:00:00Z"], "is not before the end"),
        (["--slos", "none"], "none:1:1: is not there"),
        (["--metrics", "none.om"], "none.om:1:1: cannot be read"),
    ],
)
def test_bad_input_is_a_sentence_and_ends_with_two(told, words, said):
    """Nothing on standard output, no traceback, and what to write instead."""
    code, out, err = told(*words)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_a_file_that_breaks_off_names_its_line(told, files):
    """An OpenMetrics file without its end is not replayed as if it were whole."""
    text = (files / "past.om").read_text()
    (files / "cut.om").write_text(text[: len(text) // 2])
    code, _, err = told(metrics="cut.om")
    assert code == 2
    assert "cut.om:" in err
    assert "breaks off" in err


def test_samples_out_of_order_are_told_and_left_out(told, files):
    """The note goes to standard error; the lines are those of the file without them."""
    rows = (files / "past.om").read_text().splitlines(keepends=True)
    late = f'requests_total{{code="200"}} 1 {T0.timestamp():.0f}\n'
    (files / "late.om").write_text("".join([*rows[:-1], late, rows[-1]]))
    code, out, err = told("--json", metrics="late.om")
    assert (code, out) == (0, told("--json")[1])
    assert "late.om:4324: 1 sample goes back in time and did not count" in err


def test_an_objective_with_mistakes_is_told_as_check_tells_it(told, files):
    """File, line and column."""
    (files / "slos" / "bad.yaml").write_text(OBJECTIVE.replace("target: 0.999", "target: 2"))
    code, _, err = told()
    assert code == 2
    assert "bad.yaml:11:25: " in err


def test_a_source_without_a_past_says_what_to_do(files, capsys):
    """An endpoint remembers nothing: refused, with the way out."""
    (files / "services").mkdir()
    (files / "services" / "checkout.yaml").write_text("name: checkout\nowner: payments\n")
    (files / "tocsin.yaml").write_text(
        'organisation: {name: E}\nsources: {prometheus: {kind: openmetrics, urls: ["http://127.0.0.1:1/metrics"]}}\n'
    )
    assert run(["replay", "-c", str(files / "tocsin.yaml")]) == 1
    assert "remembers nothing of the past; replay a file of it: --metrics FILE" in capsys.readouterr().err
    assert run(["replay", "-c", str(files / "tocsin.yaml"), "--metrics", str(files / "past.om"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["pages"] == 1


def test_a_server_that_does_not_answer_is_a_sentence(files, capsys):
    """Exit code 1: the words were right."""
    (files / "services").mkdir()
    (files / "services" / "checkout.yaml").write_text("name: checkout\nowner: payments\n")
    (files / "tocsin.yaml").write_text(
        'organisation: {name: E}\nsources: {prometheus: {kind: prometheus, url: "http://127.0.0.1:1"}}\n'
    )
    assert run(["replay", "-c", str(files / "tocsin.yaml"), "--start", "1h"]) == 1
    assert "Prometheus: could not be reached" in capsys.readouterr().err
    assert run(["replay", "-c", str(files / "tocsin.yaml"), "--end", datetime(2100, 1, 1, tzinfo=UTC).isoformat()]) == 2
    assert "is yet to come" in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_query_that_only_a_server_can_work_out_is_told_by_its_place():
    """Free PromQL is no question to a file of samples; the error says so, and where the objective stands."""
    asked = Indicator("bad", Expression("sum(rate(x[5m]))"), Expression("sum(rate(y[5m]))"))
    free = replace(slo(), indicator=asked, origin=Origin("slos/a.yaml", 5, 9))
    with pytest.raises(Invalid) as caught:
        only_selectors([free, slo()], Path("past.om"))
    told = [str(each) for each in caught.value.problems]
    assert len(told) == 2
    assert told[0].startswith("slos/a.yaml:5:9: the objective 'api' asks 'sum(rate(x[5m]))', which needs a server")
