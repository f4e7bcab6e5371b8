import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import Invalid
from bot.slo.detector import EDetector
from bot.slo.streams import GRID, ODDS, WEIGHTS, EDetectors, TwoStreams, log_ratios

rates = st.floats(0.001, 0.999)
tolerances = st.sampled_from([0.0, 0.01, 0.2])


def logs(counts, base, tolerance=0.0):
    """The logarithms of one row's likelihood ratios for (n, k, rest n, rest k), one per alternative."""
    columns = (np.array([float(each)]) for each in (*counts, base))
    return log_ratios(*columns, np.array(ODDS), np.array([tolerance]))[0]


def failures(chances):
    """The distribution of the number of failures of independent events with these chances."""
    found = np.ones(1)
    for chance in chances:
        found = np.convolve(found, [1 - chance, chance])
    return found


def mean_ratios(mine, rest, base, tolerance):
    """E[ratio] per alternative, over every outcome of events with these chances of failing."""
    total = np.zeros(len(ODDS))
    for (k, p), (rest_k, q) in itertools.product(enumerate(failures(mine)), enumerate(failures(rest))):
        total += p * q * np.exp(logs((len(mine), k, len(rest), rest_k), base, tolerance))
    return total


# -- one stream against a declared rate


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=3, max_size=3), max_size=8),
    st.tuples(*[st.sampled_from([0.0001, 0.01, 0.2, 0.5])] * 3),
)
def test_rows_equal_the_detector(looks, nulls):
    """Row by row the vectorised detector is the house's EDetector, skipped looks and the ceiling included."""
    many, singles = EDetectors(nulls), [EDetector(p0) for p0 in nulls]
    for look in looks:
        evidence = many.see([n + k for n, k in look], [k for _, k in look])
        for row, (single, (n, k)) in enumerate(zip(singles, look, strict=True)):
            assert evidence[row] == pytest.approx(single.see(n + k, k), abs=1e-9)
            assert many.looks[row] == single.looks


@given(st.integers(1, 8), rates, rates)
def test_half_a_failure_lies_between(n, share, p0):
    """A fraction of failures gives at most what the whole counts around it give in the mean (the ratio is convex)."""
    k, p0 = share * n, min(p0, 0.97)
    low = math.floor(k)
    between, below, above = (math.exp(EDetectors([p0]).see([n], [each])[0]) for each in (k, low, min(low + 1, n)))
    assert between <= (below + (k - low) * (above - below)) * (1 + 1e-9)


def test_one_row_alone_is_that_row_of_all():
    """Looking at one row costs one row; it says what looking at all of them says of it."""
    rows = EDetectors([0.001, 0.01, 0.1])
    rows.see([100.0, 10.0, 0.0], [3.0, 1.0, 0.0])
    assert [rows.of(row) for row in range(3)] == rows.evidence.tolist()


def test_forgetting_one_row():
    """A row begun anew leaves the others alone."""
    many = EDetectors([0.1, 0.1])
    many.see([10, 10], [9, 9])
    many.forget(0)
    assert many.evidence[0] == -math.inf
    assert many.evidence[1] == EDetector(0.1).see(10, 9)


# -- two streams


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(1, 5), rates, rates, tolerances)
def test_ratios_are_fair_at_the_border(n, rest_n, rate, base, tolerance):
    """Where the slice fails exactly as much more as it may, no alternative gains on average, by exact enumeration."""
    rate = min(rate, 0.999 - tolerance)
    means = mean_ratios([rate + tolerance] * n, [rate] * rest_n, base, tolerance)
    assert (means <= 1 + 1e-9).all()


@settings(deadline=None, max_examples=60)
@given(st.lists(rates, min_size=1, max_size=4), st.lists(rates, min_size=1, max_size=4), rates, tolerances)
def test_ratios_are_fair_inside(mine, rest, base, tolerance):
    """Nor within the null, even if no two events on either side are alike: only the mean rates count."""
    excess = max(np.mean(mine) - np.mean(rest) - tolerance, 0)
    mine = [each * max(1 - excess / np.mean(mine), 0) for each in mine]
    assert (mean_ratios(mine, rest, base, tolerance) <= 1 + 1e-9).all()


@given(st.integers(1, 50), st.integers(1, 500), rates, rates, rates)
def test_equals_the_published_form(n, rest_n, share, rest_share, base):
    """Without a tolerance it is Turner, Ly and Grünwald's ratio to the weighted mean of both alternatives."""
    k, rest_k = round(share * n), round(rest_share * rest_n)
    for odds, found in zip(ODDS, logs((n, k, rest_n, rest_k), base), strict=True):
        worse = odds * base / (1 - base + odds * base)
        null = (n * worse + rest_n * base) / (n + rest_n)
        if worse < 0.9998:
            published = k * math.log(worse / null) + (n - k) * math.log((1 - worse) / (1 - null))
            published += rest_k * math.log(base / null) + (rest_n - rest_k) * math.log((1 - base) / (1 - null))
            assert found == pytest.approx(published, rel=1e-6, abs=1e-6)


def test_one_side_alone_says_nothing():
    """Looks without events in the slice, or without a rest, change nothing, however many."""
    streams = TwoStreams([0.0])
    before = streams.see([100], [30], [1000], [80])[0]
    for _ in range(1000):
        assert streams.see([0], [0], [1000], [80])[0] == before
        assert streams.see([100], [100], [0], [0])[0] == before


def test_impossible_counts_are_refused():
    """Failures beyond trials, too few rows, infinities and absurd tolerances are refused."""
    streams, many = TwoStreams([0.0, 0.0]), EDetectors([0.1, 0.2])
    for n, k in (([1, 1], [2, 0]), ([1, 1], [-1, 0]), ([1], [0]), ([1, math.nan], [0, 0]), ([math.inf, 1], [0, 0])):
        with pytest.raises(ValueError):
            many.see(n, k)
        with pytest.raises(ValueError):
            streams.see(n, k, [5, 5], [0, 0])
        with pytest.raises(ValueError):
            streams.see([5, 5], [0, 0], n, k)
    assert np.isneginf(streams.evidence).all()
    for wrong in (-0.1, 0.6, math.nan):
        with pytest.raises(ValueError, match="tolerance"):
            TwoStreams([wrong])
    for wrong in ([0.0], [0.98], [[0.1]], [math.nan]):
        with pytest.raises(ValueError, match="null rate"):
            EDetectors(wrong)
    with pytest.raises(ValueError, match="alternative"):
        EDetectors([0.1], grid=(1,))


def test_checkpoints_of_rows():
    """Rows go on where they stood after a round trip through JSON; the state of other nulls is refused."""
    many, again = EDetectors([0.1, 0.2]), EDetectors([0.1, 0.2])
    many.see([3, 0], [1, 0])
    again.restore(json.loads(json.dumps(many.checkpoint())))
    assert (again.see([3, 4], [1, 1]) == many.see([3, 4], [1, 1])).all()
    for wrong in ({}, EDetectors([0.2]).checkpoint(), EDetectors([0.1, 0.1]).checkpoint(), {"looks": [0], "logs": 1}):
        with pytest.raises(Invalid):
            EDetectors([0.1]).restore(wrong)


def test_the_alternatives_are_weighed():
    """Each alternative of two streams has a weight, and the grid of one stream is the house's."""
    assert len(ODDS) == len(WEIGHTS)
    assert EDetectors([0.0001]).checkpoint()["logs"] == [[None] * len(GRID)]
