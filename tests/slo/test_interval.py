"""Shares and their ratios with intervals, held to scipy's own."""

from __future__ import annotations

import math

import pytest

from bot.slo.interval import ratio


@pytest.mark.parametrize("counts", [(20, 60, 40, 60), (1, 1000, 900, 1000), (60, 60, 60, 60), (7, 9, 3, 50)])
def test_a_ratio_of_rates_is_scipys(counts: tuple[int, int, int, int]) -> None:
    """The relative risk and its interval on the log scale are those of scipy's contingency module."""
    stats = pytest.importorskip("scipy.stats.contingency")
    expected = stats.relative_risk(*counts)
    share, low, high = ratio(*counts)
    assert share == pytest.approx(expected.relative_risk)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_nobody_of_many_has_an_interval_too() -> None:
    """No success is a ratio of zero that could be a little more; without trials there is none."""
    share, low, high = ratio(0, 50, 25, 50)
    assert share == 0
    assert 0 < low < high < 0.4
    assert all(map(math.isfinite, (low, high)))
    for impossible in ((0, 0, 1, 1), (1, 1, 0, 5), (1, 1, 0, 0)):
        with pytest.raises(ValueError, match="trials"):
            ratio(*impossible)
