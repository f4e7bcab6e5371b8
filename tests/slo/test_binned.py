"""Drift of counted features: as exact as it matters, and silent where there is only noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bot.slo import binned, drift
from bot.slo.binned import compare_histograms, compare_slices
from bot.slo.bins import fit
from bot.slo.histogram import Histogram, Layout, Tally

ROWS = 200_000
SLICES = tuple(f"s{number}" for number in range(50))


def pairs():
    """(name, reference, live), drifted by about as much as matters: light tails, heavy tails, ties, atoms, bounds."""
    dice = np.random.default_rng(5)

    def atoms(share):
        return np.where(dice.random(ROWS) < share, 0.0, dice.lognormal(0, 2, ROWS))

    yield "normal", dice.normal(0, 1, ROWS), dice.normal(0.3, 1, ROWS)
    yield "far from zero", 1.7e9 + dice.normal(0, 1e4, ROWS), 1.7e9 + dice.normal(3e3, 1e4, ROWS)
    yield "lognormal", dice.lognormal(0, 2, ROWS), dice.lognormal(0.4, 2, ROWS)
    yield "Pareto", dice.pareto(1.5, ROWS), 1.5 * dice.pareto(1.5, ROWS)
    yield "Cauchy", dice.standard_cauchy(ROWS), 1.5 * dice.standard_cauchy(ROWS)
    yield "uniform", dice.random(ROWS), 1.3 * dice.random(ROWS)
    yield "Poisson", dice.poisson(8, ROWS).astype(float), dice.poisson(10, ROWS).astype(float)
    yield "many whole numbers", dice.integers(0, 50_000, ROWS), dice.integers(0, 65_000, ROWS)
    yield "mostly zero", atoms(0.9), atoms(0.7)
    yield "a slipped unit", dice.lognormal(0, 1, ROWS), 1000 * dice.lognormal(0, 1, ROWS)
    yield "two humps", np.append(dice.normal(-5, 1, ROWS), dice.normal(5, 1, ROWS)), dice.normal(5, 1, ROWS)


def both(old, new) -> tuple[Histogram, Histogram]:
    bins = fit(old)
    return Histogram.empty(bins).fill(old), Histogram.empty(bins).fill(new)


@pytest.mark.parametrize(("name", "old", "new"), [pytest.param(*pair, id=pair[0]) for pair in pairs()])
def test_within_a_percent_of_scipy(name, old, new) -> None:
    """KS and Wasserstein of counts against scipy's of all values, PSI against numpy's deciles: less than 1 % apart."""
    before, now = both(old, new)
    assert binned.ks(before, now) == pytest.approx(stats.ks_2samp(old, new, method="asymp").statistic, rel=0.01)
    assert binned.wasserstein(before, now) == pytest.approx(stats.wasserstein_distance(old, new), rel=0.01)
    if name != "a slipped unit":  # its live deciles are empty: what PSI is then depends on what an empty one counts for
        assert binned.psi(before, now) == pytest.approx(drift.psi(*drift.histogram(old, new)), rel=0.01)


def test_bins_fitted_on_a_sample_serve_all_rows() -> None:
    """Bins of every fiftieth row give the statistics of all rows."""
    dice = np.random.default_rng(6)
    old, new = dice.lognormal(0, 2, 10 * ROWS), dice.lognormal(0.4, 2, 10 * ROWS)
    bins = fit(old[::50])
    before, now = (Histogram.empty(bins).fill(each) for each in (old, new))
    assert binned.ks(before, now) == pytest.approx(stats.ks_2samp(old, new, method="asymp").statistic, rel=0.01)
    assert binned.wasserstein(before, now) == pytest.approx(stats.wasserstein_distance(old, new), rel=0.01)


def test_ks_is_never_more_than_the_exact_one() -> None:
    """Counting hides a part of a distance and never adds to it: no false alarm comes from bins."""
    for _name, old, new in pairs():
        assert binned.ks(*both(old, new)) <= stats.ks_2samp(old, new, method="asymp").statistic + 1e-12


def test_a_few_values_far_out_do_not_make_a_clipped_distance() -> None:
    """One row in a thousand at a million moves the mean, not the clipped distance."""
    dice = np.random.default_rng(7)
    old = dice.normal(0, 1, ROWS)
    new = np.where(np.arange(ROWS) % 1000 == 0, 1e6, dice.normal(0, 1, ROWS))
    before, now = both(old, new)
    assert binned.wasserstein(before, now) == pytest.approx(stats.wasserstein_distance(old, new), rel=0.02)
    assert binned.wasserstein(before, now, clip=binned.CLIP) < 0.02


def columns(dice: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Twenty features as models have them."""
    found = {f"normal{number}": dice.normal(number, 1 + number, rows) for number in range(5)}
    found |= {f"heavy{number}": dice.lognormal(0, 2, rows) for number in range(4)}
    found |= {f"heavier{number}": dice.pareto(1.2, rows) for number in range(2)}
    found |= {f"count{number}": dice.poisson(3 * (number + 1), rows) for number in range(3)}
    found["mostly zero"] = np.where(dice.random(rows) < 0.9, 0, dice.lognormal(0, 1, rows))
    found["rare flag"] = np.where(dice.random(rows) < 0.01, 1, 0)
    found["half missing"] = np.where(dice.random(rows) < 0.5, np.nan, dice.normal(0, 1, rows))
    found["constant"] = np.full(rows, 3.5)
    found["plan"] = dice.choice(["free", "pro", "team", "other"], rows, p=[0.6, 0.3, 0.07, 0.03])
    found["city"] = np.char.mod("c%d", np.minimum(dice.zipf(1.5, rows), 60))
    return found


def cut(dice: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """The same in fifty slices of equal size."""
    size = rows * len(SLICES)
    return columns(dice, size) | {"slice": np.array(SLICES)[np.arange(size) % len(SLICES)]}


def tallies(old, new) -> tuple[Tally, Tally]:
    layout = Layout.fit({name: column for name, column in old.items() if name != "slice"}, {"slice": SLICES})
    made = (Tally(layout), Tally(layout))
    for tally, table in zip(made, (old, new), strict=True):
        tally.fill(table)
    return made


@pytest.mark.parametrize("rows", [25, 50, 100, 300, 1000, 5000])
def test_healthy_traffic_is_silent(rows: int) -> None:
    """Twenty features in fifty slices of `rows` live rows each, none of them drifted: not one finding of thousands."""
    dice = np.random.default_rng(rows)
    reference, live = tallies(cut(dice, 2_000), cut(dice, rows))
    found = compare_slices(reference, live, "slice")
    assert found.keys() == set(SLICES)
    assert sum(map(len, found.values())) > 2_000
    assert [each.because for findings in found.values() for each in findings if each.drifted] == []
    assert not any(each.drifted for each in compare_histograms(reference.histograms(), live.histograms()))


def test_resampled_traffic_is_silent() -> None:
    """Five thousand rows drawn from forty different ones are worth forty: they do not cry wolf."""
    dice = np.random.default_rng(8)
    old, few = columns(dice, 2_000), columns(dice, 40)
    pick = dice.integers(0, 40, 5_000)
    layout = Layout.fit(old)
    reference, live = Tally(layout), Tally(layout)
    reference.fill(old)
    live.fill({name: column[pick] for name, column in few.items()})
    assert live.distinct() == 40
    found = compare_histograms(reference.histograms(), live.histograms(), distinct=live.distinct())
    assert [each.because for each in found if each.drifted] == []
    assert any(each.drifted for each in compare_histograms(reference.histograms(), live.histograms()))


def test_planted_drift_is_found_in_its_slice() -> None:
    """Drift in two features of one slice is found there by every statistic, and nowhere else."""
    dice = np.random.default_rng(9)
    old, new = cut(dice, 2_000), cut(dice, 2_000)
    here = new["slice"] == "s7"
    new["normal1"] = np.where(here, new["normal1"] + 2, new["normal1"])
    new["heavy1"] = np.where(here, 3 * new["heavy1"], new["heavy1"])
    new["plan"] = np.where(here & (np.arange(here.size) % 4 > 0), "team", new["plan"])
    new["normal2"] = np.where(here & (dice.random(here.size) < 0.3), np.nan, new["normal2"])
    found = compare_slices(*tallies(old, new), "slice")
    drifted = {(each.feature, each.kind) for each in found["s7"] if each.drifted}
    assert drifted >= {("normal1", "ks"), ("normal1", "psi"), ("normal1", "wasserstein"), ("heavy1", "ks")}
    assert drifted >= {("heavy1", "psi"), ("plan", "psi"), ("normal2", "missing")}
    assert {feature for feature, _ in drifted} == {"normal1", "heavy1", "plan", "normal2"}
    assert {name for name, findings in found.items() if any(each.drifted for each in findings)} == {"s7"}
    first = found["s7"][0]
    assert f"{first.distance:.3f} reaches {first.floor:.3f}" in first.because


def test_a_new_category_is_found() -> None:
    """A value the reference never saw counts, however many of them there are."""
    old = ["free"] * 900 + ["pro"] * 100
    before, now = both(old, ["free"] * 600 + [f"odd {number}" for number in range(400)])
    found = compare_histograms({"plan": before}, {"plan": now})
    assert next((each.kind, each.drifted) for each in found) == ("psi", True)
    with pytest.raises(TypeError, match="no distance"):
        binned.wasserstein(before, now)


def test_odd_columns() -> None:
    """Empty, all missing, constant and infinite columns are told as what they are, and nothing breaks."""
    usual = np.random.default_rng(10).normal(0, 1, 500)
    table = {"x": usual, "constant": np.full(500, 3.0), "nothing": np.full(500, np.nan), "wild": usual}
    layout = Layout.fit(table)
    reference, empty, live = Tally(layout), Tally(layout), Tally(layout)
    reference.fill(table)
    live.fill(table | {"x": np.full(500, np.nan), "constant": np.full(500, 3.1), "wild": np.full(500, math.inf)})
    found = compare_histograms(reference.histograms(), live.histograms())
    assert {(each.feature, each.kind) for each in found if each.drifted} == {
        ("x", "missing"), ("constant", "ks"), ("wild", "ks"), ("wild", "psi"), ("wild", "wasserstein"),
    }  # fmt: skip
    assert {each.feature for each in found if each.kind == "unknown"} == {"x", "nothing"}
    nothing = compare_histograms(reference.histograms(), empty.histograms())
    assert {(each.kind, each.drifted) for each in nothing} == {("unknown", False)}
    with pytest.raises(ValueError, match="needs values"):
        binned.ks(reference.histograms()["x"], empty.histograms()["x"])


def test_columns_on_one_side_and_other_bins() -> None:
    """A feature only one side has is told; bins that differ are a mistake of ours and refused."""
    before, now = both(np.arange(100.0), np.arange(100.0))
    found = compare_histograms({"a": before, "b": before}, {"a": now, "c": now})
    assert {each.feature: each.because for each in found if each.drifted} == {
        "b": "b is missing from the live data",
        "c": "c is missing from the reference",
    }
    with pytest.raises(ValueError, match="a was counted over other bins"):
        compare_histograms({"a": before}, {"a": both(np.arange(9.0), [])[1]})


@pytest.mark.parametrize("draw", ["normal", "lognormal"])
def test_the_wasserstein_floor_is_above_noise(draw: str) -> None:
    """Of 300 pairs without drift none passes the floor of one comparison, and the floor is no more than a few times off."""
    dice = np.random.default_rng(11)
    sample = {"normal": lambda n: dice.normal(0, 1, n), "lognormal": lambda n: dice.lognormal(0, 2, n)}[draw]
    bins = fit(sample(20_000))
    reference = Histogram.empty(bins).fill(sample(20_000))
    _sigma, floor = binned.wasserstein_noise(reference, 200)
    clip = binned.CLIP
    found = [
        binned.wasserstein(reference, Histogram.empty(bins).fill(sample(200)), clip=clip) / floor for _ in range(300)
    ]
    assert 0.25 < max(found) < 1
