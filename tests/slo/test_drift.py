import math

import numpy as np
import pytest
from scipy import stats

from bot.slo.drift import compare, histogram, ks, ks_floor, psi, psi_floor, wasserstein, wasserstein_floor


def table(seed, rows, **changed):
    """Nine features, as a model might have them; `changed` replaces columns."""
    rng = np.random.default_rng(seed)
    columns = {f"f{i}": rng.normal(i, 1 + i, rows) for i in range(7)}
    columns["sex"] = rng.integers(0, 2, rows)
    columns["plan"] = rng.choice(["free", "pro", "team"], rows, p=[0.6, 0.3, 0.1])
    return columns | changed


def test_ks_against_known_values():
    """The distance is the largest gap between the two empirical distributions."""
    assert ks(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3, 4])) == 0
    assert ks(np.array([1.0, 2]), np.array([3.0, 4])) == 1
    assert ks(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="needs values"):
        ks(np.array([]), np.array([1.0]))


def test_psi_against_known_values():
    """PSI by its formula; an empty bin does not break the logarithm."""
    assert psi([50, 50], [50, 50]) == 0
    assert psi([50, 50], [75, 25]) == pytest.approx(0.25 * math.log(1.5) - 0.25 * math.log(0.5))
    assert math.isfinite(psi([100, 0], [0, 100]))
    for wrong in ([1, 2, 3], [0, 0]):
        with pytest.raises(ValueError, match="neither empty"):
            psi([1, 1], wrong)


def test_floors():
    """The floors follow their formulas; resampled rows count once."""
    assert ks_floor(146, 5000, features=9) == pytest.approx(math.sqrt(math.log(1800) / 2 * (1 / 146 + 1 / 5000)))
    assert ks_floor(5000, 5000, distinct=791) == ks_floor(791, 5000)
    # χ² with 9 degrees at 95 % is 16.92
    assert psi_floor(100, 100, 10, alpha=0.05) == pytest.approx(16.92 * 0.02, rel=0.01)
    for floor in (lambda: ks_floor(0, 5), lambda: psi_floor(5, 0, 10)):
        with pytest.raises(ValueError, match="both sides"):
            floor()


@pytest.mark.parametrize("rows", [50, 146, 1000, 5000])
def test_clean_windows_do_not_cry_wolf(rows):
    """Of 20 clean windows, also resampled from few distinct rows, at most one is flagged."""
    flagged = 0
    for seed in range(20):
        live = table(100 + seed, 791)
        pick = np.random.default_rng(seed).integers(0, 791, rows)
        window = {name: column[pick] for name, column in live.items()}
        flagged += any(each.drifted for each in compare(table(seed, 2000), window))
    assert flagged <= 1


def test_a_feature_stuck_at_zero_comes_first():
    """A feature that broke is found, named first, and its sentence holds both numbers."""
    findings = compare(table(1, 5000), table(2, 300, f3=np.zeros(300)))
    assert [each.feature for each in findings if each.drifted] == ["f3"]
    assert findings[0].kind == "ks"
    assert findings[0].distance > 0.5
    assert f"{findings[0].distance:.3f} reaches {findings[0].floor:.3f}" in findings[0].because


def test_a_shifted_category_is_found():
    """Categories are compared too."""
    findings = compare(table(1, 5000), table(2, 1000, plan=["team"] * 1000))
    assert [(each.feature, each.kind) for each in findings if each.drifted] == [("plan", "psi")]


def test_a_column_going_empty_is_found_by_its_missing_rate():
    """Half the values gone and the rest unchanged is no drift of values but of their absence."""
    rng = np.random.default_rng(3)
    for nothing in (np.nan, None):
        half = [nothing if rng.random() < 0.5 else float(value) for value in rng.normal(0, 1, 1000)]
        found = [each for each in compare(table(1, 5000), table(2, 1000, f0=half)) if each.drifted]
        assert [(each.feature, each.kind) for each in found] == [("f0", "missing")]
        assert "of live rows" in found[0].because


def test_columns_missing_on_one_side_are_told():
    """A column that is only in one table is never dropped silently."""
    reference, live = table(1, 200), table(2, 200)
    del live["f1"]
    reference.pop("f2")
    found = {each.feature: each.because for each in compare(reference, live) if each.drifted}
    assert found == {"f1": "f1 is missing from the live data", "f2": "f2 is missing from the reference"}


def test_empty_and_tiny_tables_say_unknown():
    """Without rows nothing is said, and nothing breaks."""
    for live in ({"x": []}, {"x": [1.0] * 5}, {"x": [np.nan] * 50}):
        kinds = {each.kind for each in compare({"x": list(range(100))}, live)}
        assert "unknown" in kinds
    assert compare({}, {}) == []


def test_histograms_share_the_references_bins():
    """Both histograms use the reference's quantiles and count every present value."""
    reference, live = histogram(list(range(100)), [0, 0, 99, 1000, None, math.nan])
    assert reference == [10] * 10
    assert (live[0], live[-1], sum(live)) == (2, 2, 4)
    with pytest.raises(ValueError, match="empty"):
        histogram([], [1])


def test_wasserstein_against_scipy():
    """The area between the distributions, in the values' unit; infinities have no distance, and nothing is no distribution."""
    dice = np.random.default_rng(1)
    assert wasserstein(np.array([0.0, 1]), np.array([2.0, 3])) == 2
    for old, new in ((dice.normal(0, 1, 500), dice.normal(1, 2, 300)), (dice.poisson(3, 99), dice.lognormal(0, 2, 70))):
        assert wasserstein(old, new) == pytest.approx(stats.wasserstein_distance(old, new))
    assert wasserstein(np.array([0.0, math.inf]), np.array([1.0, math.nan])) == 1
    with pytest.raises(ValueError, match="needs values"):
        wasserstein(np.array([math.inf]), np.array([1.0]))


def test_the_wasserstein_floor_follows_its_formula():
    """It falls with the rows as noise does, and rises with what is looked at."""
    told = {"area": 1.0, "sigma": 1.0, "span": 5.0}
    share, step, log = 1 / 100 + 1 / 400, 0.05, math.log(100)
    mean = math.sqrt(share)
    expected = mean + math.sqrt(2 * log * (share + 2 * step * mean)) + step * log / 3
    assert wasserstein_floor(100, 400, **told) == pytest.approx(expected)
    assert wasserstein_floor(100, 400, features=1000, **told) > expected
    assert wasserstein_floor(10**6, 10**6, **told) < expected / 50
    with pytest.raises(ValueError, match="both sides"):
        wasserstein_floor(0, 1, **told)


def test_an_empty_bin_counts_as_what_it_is_said_to():
    """Over few rows half a value is what an empty bin may hold; a ten-thousandth would make it a landslide."""
    assert psi([95, 5], [100, 0], least=0.005) < 0.15 < psi([95, 5], [100, 0])
