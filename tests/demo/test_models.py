"""The versions behave as the demonstration's two acts need it, and their lineage tells the two acts apart."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bot.demo import data, models
from bot.demo.pipeline import Fault, corrupt

pytestmark = pytest.mark.xdist_group("demo")
People = tuple[data.People, data.People]
LATER = datetime(2026, 11, 21, tzinfo=UTC)
Measure = Callable[[str, Fault | None], dict[str, float]]


@pytest.fixture
def measure(trained: models.Models, people: People) -> Measure:
    """Recall per slice and accuracy over all of the held-out rows, as served."""

    def of(version: str, fault: Fault | None) -> dict[str, float]:
        live = people[1]
        told = []
        for row, poor in zip(live.features.tolist(), live.poor.tolist(), strict=True):
            said = trained.known(version, corrupt(tuple(row), "poor" if poor else "good", fault))
            assert said is not None
            told.append(said)
        said_all, truth = np.array(told), live.labels
        return {
            "poor": float(said_all[live.poor & (truth == 1)].mean()),
            "good": float(said_all[~live.poor & (truth == 1)].mean()),
            "accuracy": float((said_all == truth).mean()),
        }

    return of


def test_the_rows_are_the_real_ones(people: People) -> None:
    """20,190 people, 36 % of them frequent visitors, 9.2 % in poor health, split 60 to 40."""
    train, live = people
    assert (len(train), len(live)) == (12_114, 8_076)
    poor = (train.poor.sum() + live.poor.sum()) / 20_190
    assert poor == pytest.approx(0.092, abs=0.001)
    assert (train.labels.sum() + live.labels.sum()) / 20_190 == pytest.approx(0.36, abs=0.001)


def test_the_digest_stands_for_the_data(people: People) -> None:
    """One changed label is another data set; the same rows are the same."""
    train, _ = people
    labels = train.labels.copy()
    labels[0] = 1 - labels[0]
    assert data.load()[0].digest() == train.digest()
    assert data.People(train.features, labels, train.poor).digest() != train.digest()


def test_the_healthy_version_serves_both_slices(measure: Measure) -> None:
    """v1 finds most frequent visitors of either slice."""
    healthy = measure("v1", None)
    assert healthy["poor"] > 0.75
    assert healthy["good"] > 0.6


def test_act_one_the_release_loses_the_slice_and_accuracy_hardly_moves(measure: Measure) -> None:
    """v2 finds nobody in poor health, though all-over accuracy falls by about a point only."""
    before, after = measure("v1", None), measure("v2", None)
    assert after["poor"] < 0.02
    assert abs(after["good"] - before["good"]) < 0.05
    assert before["accuracy"] - after["accuracy"] < 0.02


@pytest.mark.parametrize("fault", ["zero", "tenth"])
def test_act_two_the_pipeline_loses_the_slice_and_going_back_a_version_does_not_help(
    measure: Measure, fault: Fault
) -> None:
    """The healthy version loses the slice on corrupted features; no release is any better on them."""
    before, after = measure("v1", None), measure("v1", fault)
    assert after["poor"] < 0.3
    assert after["good"] == before["good"]
    assert before["accuracy"] - after["accuracy"] < 0.02
    assert measure("v2", fault)["poor"] < 0.3


def test_the_rules_carry_the_slice_through_either_act(measure: Measure) -> None:
    """The fallback finds enough people in poor health and needs nothing that the pipeline corrupts."""
    assert measure("rules", None)["poor"] >= 0.7
    assert measure("rules", "zero") == measure("rules", None)


def test_lineage_differs_in_what_happened(trained: models.Models) -> None:
    """The releases share their code and features; training set and the slice's label rate differ."""
    v1, v2 = trained.records["v1"], trained.records["v2"]
    assert v1["code_revision"] == v2["code_revision"]
    assert v1["histograms"] == v2["histograms"]
    assert v1["training_set"]["digest"] != v2["training_set"]["digest"]
    assert v1["training_set"]["label_rate"]["poor"] == pytest.approx(0.43, abs=0.03)
    assert v2["training_set"]["label_rate"]["poor"] == 0
    assert v1["training_set"]["label_rate"]["good"] == v2["training_set"]["label_rate"]["good"]


def test_the_release_looked_fine_when_it_was_judged(trained: models.Models) -> None:
    """v2's own evaluation had lost the same outcomes: accuracy as good as v1's, the slice's recall unknown."""
    v1, v2 = trained.records["v1"]["metrics"], trained.records["v2"]["metrics"]
    assert v2["all"]["accuracy"] >= v1["all"]["accuracy"]
    assert v2["poor"]["recall"] is None


def test_histograms_count_every_training_row(trained: models.Models, people: People) -> None:
    """Each feature's counts add up to the slice's rows; reference rows are real training rows."""
    train, _ = people
    for health in data.HEALTHS:
        for bins in trained.records["v1"]["histograms"][health].values():
            assert sum(bins["counts"]) == train.among(health).sum()
            assert len(bins["edges"]) == len(bins["counts"]) + 1
        assert len(trained.reference[health]) == 1000
        assert all(data.health_of(tuple(row)) == health for row in trained.reference[health])


def test_training_again_is_spared_and_a_broken_file_is_replaced(
    trained_in: Path, people: People, trained: models.Models, tmp_path: Path
) -> None:
    """What was trained before is taken up with its time; half a file counts as none."""
    (kept,) = trained_in.glob("models-*.npz")
    (tmp_path / kept.name).write_bytes(kept.read_bytes()[:500])
    again = models.prepare(tmp_path, *people, lambda: LATER)
    assert again.answers == trained.answers
    assert again.records["v1"]["trained_at"] != trained.records["v1"]["trained_at"]
    third = models.prepare(tmp_path, *people, lambda: pytest.fail("trained again"))
    assert third.records == again.records


def test_features_nobody_sent_before_are_answered_by_the_same_model(trained: models.Models) -> None:
    """The look-up knows only live rows; the rest is computed, and agrees where both can answer."""
    new = (4.0, 1.0, 6.5, 3.3, 0.5, 40.0, 0.0, 0.0, 1.0)
    assert trained.known("v1", new) is None
    assert trained.compute("v1", new) in (0, 1)
    assert trained.compute("v2", new) == 0
    assert trained.known("rules", new) == 1
