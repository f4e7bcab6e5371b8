"""Recoveries worked out in columns say what the detectors say one look at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slo.detector import EDetector, onset
from bot.slo.grid import Bucket, Grid, from_ms, to_ms
from bot.slo.recovery import RELIEF, relief, turn
from bot.slo.streams import EDetectors
from tests.slo.kit import T0, seconds

LOOKS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=60)


def buckets(looks) -> list[Bucket]:
    return [Bucket(T0 + seconds(15 * at), T0 + seconds(15 * at + 15), *look) for at, look in enumerate(looks)]


def columns(looks) -> tuple[np.ndarray, np.ndarray]:
    held = np.array(looks, dtype=np.int64).reshape(-1, 2)
    return held[:, 0], held[:, 1]


@given(looks=LOOKS, rate=st.sampled_from([0.0015, 0.0144, 0.5]))
def test_relief_is_the_detector_look_by_look(looks, rate):
    """Looks without events say nothing; the evidence is the same to the last digits."""
    detector = EDetector(rate, RELIEF)
    for good, bad in looks:
        detector.see(good + bad, bad)
    good, bad = columns(looks)
    found = relief(good.astype(float), bad.astype(float), rate)
    assert found == detector.evidence or found == pytest.approx(detector.evidence, abs=1e-6)


@given(looks=LOOKS, rates=st.sampled_from([(0.001, 0.5), (0.5, 0.001), (0.0144, 0.001)]))
def test_the_turn_is_the_onset(looks, rates):
    """The same suffix with the largest likelihood ratio; none where none speaks for the second rate."""
    found = turn(*columns(looks), *rates)
    held = buckets(looks)
    assert (None if found is None else held[found].start) == onset(held, *rates)


@given(first=LOOKS, then=LOOKS)
def test_looks_ahead_are_what_looks_leave_behind(first, then):
    """Worked out together, every row is what the detector would hold after that look."""
    one, all_at_once = EDetectors(0.001), EDetectors(0.001)
    for good, bad in first:
        one.see([good + bad], [bad])
        all_at_once.see([good + bad], [bad])
    good, bad = columns(then)
    ahead = all_at_once.ahead((good + bad).astype(float), bad.astype(float))
    for row, look in zip(ahead, then, strict=True):
        one.see([sum(look)], [look[1]])
        assert np.allclose(row, one.logs[0], atol=1e-6)
    all_at_once.see_all((good + bad).astype(float), bad.astype(float))
    assert np.allclose(all_at_once.logs, one.logs, atol=1e-6)
    assert all_at_once.looks.tolist() == one.looks.tolist()


def test_recorded_buckets_are_the_same_in_columns():
    """Starts, ends and counts of every bucket, silences left out."""
    grid = Grid(seconds(1))
    grid.grow(1)
    zero, one = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    for at, covered in ((0, 0), (15, -1), (30, -1), (600, 0), (615, -1)):
        grid.add(zero, np.array([to_ms(T0 + seconds(at))]), 10 * one, one, covered * one)
    begin, end = to_ms(T0) - 5000, to_ms(T0 + seconds(700))
    told = [
        Bucket(from_ms(left), from_ms(right), good, bad)
        for left, right, good, bad in zip(*(each.tolist() for each in grid.recorded(0, begin, end)), strict=True)
    ]
    assert told == list(grid.buckets(0, begin, end))
    assert [bucket.end - bucket.start for bucket in told] == [seconds(s) for s in (1, 15, 15, 1, 15)]
    assert [len(each) for each in grid.recorded(7, begin, end)] == [0, 0, 0, 0]
