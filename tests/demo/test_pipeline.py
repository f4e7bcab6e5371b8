"""The feature pipeline carries its fault, starts a run for every change, and pausing it serves the last good run."""

from pathlib import Path

import pytest

from bot.demo import papers
from bot.demo.data import DISEASES, FEATURES
from bot.demo.pipeline import Pipeline, read_fault
from bot.demo.truth import Truth
from bot.domain.errors import Invalid, NotFound, Refused
from tests.demo.conftest import MovedClock

ROW = (0.0, 0.0, 6.0, 3.0, 0.0, 30.0, 0.0, 1.0, 0.0)


def test_a_fault_changes_disea_in_the_slice_alone(pipeline: Pipeline) -> None:
    """Zero loses the feature, tenth puts it into a wrong unit; the other slice and the other features stay."""
    assert FEATURES[DISEASES] == "disea"
    assert pipeline.live(ROW, "poor") == ROW
    for fault, wrong in (("zero", 0.0), ("tenth", 3.0)):
        pipeline.set_fault(read_fault(fault))
        assert pipeline.live(ROW, "poor") == (*ROW[:DISEASES], wrong, *ROW[DISEASES + 1 :])
        assert pipeline.live(ROW, "good") == ROW


def test_a_fault_is_a_new_run_with_other_code_and_is_not_told(pipeline: Pipeline, clock: MovedClock) -> None:
    """What changed can be found in the run; that it is a fault cannot."""
    before = pipeline.tell()
    clock.forward(60)
    after = pipeline.set_fault("zero")
    assert after["run_id"] != before["run_id"]
    assert after["code_revision"] != before["code_revision"]
    assert after["started_at"] > before["started_at"]
    assert after["previous"]["run_id"] == before["run_id"] == after["last_good_run_id"]
    assert "fault" not in repr(after)
    assert pipeline.set_fault("zero") == after


def test_pausing_serves_the_last_good_run_and_resuming_undoes_it(pipeline: Pipeline) -> None:
    """Paused, the slice gets right features again; resumed, the faulty run goes on."""
    good = pipeline.tell()["run_id"]
    pipeline.set_fault("zero")
    pipeline.switch("p1", pause=True)
    assert (pipeline.tell()["status"], pipeline.tell()["serving_run_id"]) == ("paused", good)
    assert pipeline.live(ROW, "poor") == ROW
    pipeline.switch("r1", pause=False)
    assert pipeline.live(ROW, "poor") != ROW


def test_the_same_key_pauses_once(pipeline: Pipeline) -> None:
    """Repeating a pause after somebody resumed answers as before and does not pause again."""
    first = pipeline.switch("p1", pause=True)
    pipeline.switch("r1", pause=False)
    assert pipeline.switch("p1", pause=True) == first == pipeline.applied("p1")
    assert not pipeline.paused
    with pytest.raises(Refused, match="was used to pause"):
        pipeline.switch("p1", pause=False)
    with pytest.raises(NotFound):
        pipeline.applied("p2")


def test_a_pause_planned_on_an_older_run_is_refused(pipeline: Pipeline) -> None:
    """The run changed in between: nothing is paused and the key stays unused."""
    planned = pipeline.tell()["run_id"]
    pipeline.set_fault("tenth")
    with pytest.raises(Refused, match="newest run"):
        pipeline.switch("p1", pause=True, expect_run_id=planned)
    assert not pipeline.paused
    with pytest.raises(NotFound):
        pipeline.applied("p1")


def test_a_restart_keeps_fault_pause_and_keys(pipeline: Pipeline, tmp_path: Path, clock: MovedClock) -> None:
    """The pipeline stands where it stood; a broken file stops the start."""
    pipeline.set_fault("zero")
    done = pipeline.switch("p1", pause=True)
    again = Pipeline(tmp_path / "pipeline.json", clock.now)
    assert again.tell() == pipeline.tell()
    assert again.applied("p1") == done
    again.reset()
    assert (again.fault, again.paused) == (None, False)
    (tmp_path / "pipeline.json").write_text('{"runs": []}')
    with pytest.raises(Invalid, match=r"pipeline\.json"):
        Pipeline(tmp_path / "pipeline.json", clock.now)


def test_the_last_good_run_is_never_forgotten(pipeline: Pipeline) -> None:
    """However many faulty runs follow, pausing finds the last good one."""
    good = pipeline.tell()["run_id"]
    for i in range(450):
        pipeline.set_fault("zero" if i % 2 else "tenth")
    assert pipeline.tell()["last_good_run_id"] == good


def test_there_are_only_two_faults() -> None:
    """Anything else is refused, naming what there is."""
    for junk in ("half", 0, [], False):
        with pytest.raises(NotFound, match="zero, tenth, null"):
            read_fault(junk)


def test_harm_is_a_span_from_the_first_to_the_last_harmed_prediction(truth: Truth, clock: MovedClock) -> None:
    """A mixture of good and harmed answers is one span; two quiet seconds end it, at the last harmed one."""
    start = clock.now().timestamp()
    for second in range(10):
        truth.saw("version v2", start + second)
        truth.saw(None, start + second + 0.5)
    clock.forward(10)
    assert truth.tell()["harmed_now"]
    clock.forward(5)
    truth.saw(None, start + 15)
    told = truth.tell()
    assert told["harm"] == [
        {"since": papers.stamp(start), "until": papers.stamp(start + 9), "because": "version v2", "predictions": 10}
    ]
    assert not told["harmed_now"]


def test_a_moment_can_be_given_in_three_forms(clock: MovedClock) -> None:
    """Unix seconds, ISO 8601, and ISO 8601 whose plus sign became a blank on the way; nothing else."""
    at = clock.now().timestamp()
    assert papers.moment(str(at)) == papers.moment(papers.stamp(at)) == at
    assert papers.moment(papers.stamp(at).replace("+", " ")) == at
    assert papers.moment("2026-11-20T03:00:00") == at
    with pytest.raises(ValueError, match="yesterday"):
        papers.moment("yesterday")
