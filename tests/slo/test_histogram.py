"""Counts that can be added up in any order, and the bins they are counted in."""

from __future__ import annotations

import json
import math
import pickle
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slo.bins import BODY, CATEGORIES, Categories, Grid, fit, restored
from bot.slo.distinct import KEPT, Distinct, row_hashes
from bot.slo.histogram import BLOCK, Histogram, Layout, Tally

NUMBER = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-1000, 1000).map(float) | st.none()
GRID = Grid.fit(np.random.default_rng(0).lognormal(0, 2, 5_000))
LAYOUT = Layout({"age": GRID, "plan": Categories(("free", "pro"))}, {"health": ("poor", "good")})
ROW = st.tuples(NUMBER, st.sampled_from(["free", "pro", "odd", None]), st.sampled_from(["poor", "good", "?", None]))


def counted(rows) -> Tally:
    tally = Tally(LAYOUT)
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    tally.fill(dict(zip(("age", "plan", "health"), map(list, columns), strict=True)))
    return tally


def told(tally: Tally):
    """All that can be read from a tally."""
    cuts = [("", None), ("health", ("poor",)), ("health", ("poor", "good"))]
    return [(tally.rows, tally.distinct(*cut), tally.histograms(*cut)) for cut in cuts]


@given(st.lists(st.lists(NUMBER, max_size=20), min_size=1, max_size=5), st.randoms())
@settings(deadline=None, max_examples=60)
def test_histograms_add_up_in_any_order(chunks, dice) -> None:
    """Chunks filled one after another, apart and merged in another order, or all at once: the same counts."""
    at_once = Histogram.empty(GRID).fill([value for chunk in chunks for value in chunk])
    apart = [Histogram.empty(GRID).fill(chunk) for chunk in chunks]
    assert reduce(Histogram.fill, chunks, Histogram.empty(GRID)) == at_once
    dice.shuffle(apart)
    assert reduce(Histogram.merge, apart) == at_once
    assert reduce(lambda right, left: left.merge(right), reversed(apart)) == at_once
    assert at_once.rows == sum(map(len, chunks))
    assert at_once.missing == sum(value is None or math.isnan(value) for chunk in chunks for value in chunk)


@given(st.lists(ROW, max_size=40), st.integers(0, 40), st.integers(0, 40))
@settings(deadline=None, max_examples=60)
def test_tallies_add_up_in_any_order(rows, first, second) -> None:
    """Three parts of a table merged as (a b) c, a (b c) and c (b a) tell what the whole table tells, slices included."""
    first, second = sorted((first, second))
    a, b, c = (counted(part) for part in (rows[:first], rows[first:second], rows[second:]))
    whole = told(counted(rows))
    for merged in (a.merge(b).merge(c), a.merge(b.merge(c)), c.merge(b.merge(a))):
        assert told(merged) == whole


def test_other_bins_are_refused() -> None:
    """Counts over other bins or other slices are never added up."""
    with pytest.raises(ValueError, match="other bins"):
        Histogram.empty(GRID).merge(Histogram.empty(Grid.fit(np.arange(9.0))))
    with pytest.raises(ValueError, match="other bins or slices"):
        Tally(LAYOUT).merge(Tally(Layout(LAYOUT.features, {"health": ("good", "poor")})))


def test_a_histogram_is_kept_as_plain_data() -> None:
    """Written as JSON and read again it is equal and still merges; nonsense is refused."""
    for bins, values in ((GRID, [1.0, None, math.inf, 2.5]), (Categories(("a", "b")), ["a", None, "z"])):
        made = Histogram.empty(bins).fill(values)
        again = Histogram.restore(json.loads(json.dumps(made.plain())))
        assert again == made
        assert hash(again) == hash(made)
        assert again.merge(made).rows == 2 * made.rows
    for wrong in ({"centre": 0, "scale": 1, "cuts": [2, 1], "places": [1, 2, 3]}, {**GRID.plain(), "places": [1]}):
        with pytest.raises(ValueError, match="cuts rise"):
            restored(wrong)


def test_a_grid_travels_without_its_table() -> None:
    """A used grid pickles to what it is made of: tens of kilobytes, not the table of two megabytes."""
    GRID.index(np.array([1.0]))
    sent = pickle.dumps(GRID)
    assert len(sent) < 100_000
    assert pickle.loads(sent) == GRID


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=50))
@settings(deadline=None)
def test_bins_are_in_the_order_of_values(values) -> None:
    """A larger value is never in a lower bin, from one infinity to the other, whatever the type it is stored as."""
    ordered = np.sort(np.array(values))
    bins = GRID.index(ordered).astype(int)
    assert (np.diff(bins) >= 0).all()
    assert bins.max() < GRID.size
    single = np.clip(ordered, -1e38, 1e38).astype(np.float32)
    assert (GRID.index(single) == GRID.index(single.astype(np.float64))).all()


def test_bins_are_fine_where_values_are() -> None:
    """No bin holds more than about its share, a value that fills one has it to itself, and there are under 10,000."""
    dice = np.random.default_rng(1)
    for values in (dice.normal(3, 1, 100_000), dice.lognormal(0, 2, 100_000), dice.random(100_000)):
        grid = Grid.fit(values)
        assert np.bincount(grid.index(values)).max() < 3 * values.size / BODY
        assert grid.size < 10_000
    counts = Histogram.empty(fit([0.0] * 900 + [1.0] * 50 + [2.5] * 50)).fill([0.0] * 3 + [1.0] * 2 + [0.5, 2.5]).counts
    assert sorted(counts[counts > 0].tolist()) == [1, 1, 2, 3]


@pytest.mark.parametrize("values", [[], [None, math.nan], [math.inf, -math.inf], [7.0] * 50, [1e-300], [1e300, -1e300]])
def test_bins_of_odd_samples(values) -> None:
    """Nothing, nothing finite, one value, the smallest and largest ones: there are bins, and every value is counted."""
    histogram = Histogram.empty(fit(values)).fill([*values, 0.0, 1e308, -1e308, math.inf, -math.inf, math.nan])
    assert histogram.rows == len(values) + 6
    assert np.isfinite(histogram.bins.axis[1:-1]).all()
    assert (np.diff(histogram.bins.axis) >= 0).all()


def test_what_is_no_number_is_a_category() -> None:
    """Texts and truth values are categories; rare ones beyond a thousand count together with the unheard of."""
    assert fit([True, False, None]) == Categories(("False", "True"))
    many = fit([*(f"k{number}" for number in range(1_500)), "k0"])
    assert isinstance(many, Categories)
    assert (many.size, many.names[0]) == (CATEGORIES + 1, "k0")
    assert many.index(["k0", "never seen", None]).tolist() == [0, CATEGORIES, CATEGORIES + 1]


def test_a_slice_is_the_sum_of_its_values() -> None:
    """Values of a dimension are told apart and added up on demand; others and missing ones are in the whole only."""
    tally = counted([(1.0, "free", "poor"), (2.0, "pro", "good"), (None, None, "?"), (4.0, "free", None)])
    assert [tally.histograms(*cut)["age"].rows for cut in (("", None), ("health", ("poor", "good")))] == [4, 2]
    assert tally.histograms("health", ("poor",))["plan"].counts.tolist() == [1, 0, 0]
    assert tally.histograms("health", ("nowhere",))["age"].rows == 0
    with pytest.raises(KeyError):
        tally.histograms("colour", ("red",))


def test_many_rows_are_counted_as_few_are() -> None:
    """Counting by blocks changes nothing: the histogram is numpy's count of the same bins."""
    values = np.random.default_rng(2).lognormal(0, 2, 2 * BLOCK + 17)
    tally = Tally(Layout({"x": GRID}))
    tally.add({"x": values})
    expected = np.bincount(GRID.index(values), minlength=GRID.size + 1)
    assert tally.histograms()["x"].tally.tolist() == expected.tolist()
    assert tally.rows == values.size


@pytest.mark.parametrize("different", [1, 17, KEPT - 1, 30_000])
def test_distinct_rows(different: int) -> None:
    """Resampled rows count once: exactly up to a thousand, within a tenth above, and the same after a merge."""
    dice = np.random.default_rng(3)
    columns = [dice.integers(0, 7, different).astype(float), np.arange(different, dtype=float)]
    pick = np.concatenate((np.arange(different), dice.integers(0, different, 70_000)))
    hashes = row_hashes(column[pick] for column in columns)
    owners = np.zeros(pick.size, np.int64)
    at_once, parts = Distinct(1), [Distinct(1), Distinct(1)]
    at_once.add(owners, hashes)
    for place, part in enumerate(parts):
        part.add(owners[place::2], hashes[place::2])
    merged = parts[0].merge(parts[1])
    assert at_once.count() == merged.count()
    assert merged.count() == (different if different < KEPT else pytest.approx(different, rel=0.1))
    with pytest.raises(ValueError, match="without columns"):
        row_hashes([])


def test_small_whole_numbers_are_told_apart() -> None:
    """Rows of few small numbers have as many hashes as there are different rows."""
    grid = np.stack(np.meshgrid(*[np.arange(10.0)] * 4), axis=-1).reshape(-1, 4)
    assert np.unique(row_hashes(grid.T)).size == 10_000
