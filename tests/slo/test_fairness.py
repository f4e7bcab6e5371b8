import json
import math
from datetime import timedelta

import numpy as np
import pytest

from bot.domain.errors import Invalid
from bot.slo.detector import log_threshold
from bot.slo.fairness import Odds, Parity
from bot.slo.interval import percent, wilson
from bot.slo.slices import LIMIT

LOOK = timedelta(seconds=30)


def answers(rng, rate, people=40):
    """One look: (people, favourable answers) per group."""
    return {group: (people, int(rng.binomial(people, share))) for group, share in rate.items()}


def test_demographic_parity():
    """A gap that opens is proved within minutes, named from high to low, with the counts since it opened."""
    rng, parity = np.random.default_rng(2), Parity("sex", LOOK)
    for _ in range(200):
        gap = parity.see(answers(rng, {"f": 0.4, "m": 0.4, "x": 0.4}))
        assert not gap.proved
    assert "not more than chance" in gap.because
    assert gap.gap < 0.05
    looks = 0
    while not gap.proved:
        gap, looks = parity.see(answers(rng, {"f": 0.25, "m": 0.4, "x": 0.4})), looks + 1
    assert looks < 30
    assert gap.low == "f"
    assert gap.gap == pytest.approx(0.15, abs=0.08)
    assert gap.counts["f"][0] < 40 * 60  # not those of the healthy time before
    assert gap.because.startswith(f"demographic parity by sex: {gap.high} ")
    assert gap.because.endswith("at most once a year.")


def test_one_group_is_no_gap():
    """Fewer than two groups have no gap, nor a sentence that claims one."""
    parity = Parity("sex", LOOK)
    for counts in ({}, {"f": (40, 20)}, {"f": (40, 20), "m": (0, 0)}):
        gap = parity.see(counts)
        assert (gap.gap, gap.proved, gap.evidence) == (None, False, -math.inf)
        assert "fewer than two groups" in gap.because


def test_a_gap_within_the_tolerance_is_not_proved():
    """A gap the policy allows is shown but never proved; without tolerance the same gap is."""
    for tolerance, proved in ((0.1, False), (0.0, True)):
        rng, parity = np.random.default_rng(3), Parity("age", LOOK, tolerance=tolerance)
        for _ in range(300):
            gap = parity.see(answers(rng, {"young": 0.48, "old": 0.4}, people=100))
        assert gap.proved is proved
    assert gap.gap == pytest.approx(0.08, abs=0.03)


def test_equalised_odds():
    """The larger of both gaps; proved for the rate that differs, whichever it is."""
    same, apart = {"f": 0.7, "m": 0.7}, {"f": 0.5, "m": 0.7}
    for deserving, others, measure in (
        (apart, same, "true positive rate"),
        (same, apart, "false positive rate"),
    ):
        rng, odds = np.random.default_rng(4), Odds("sex", LOOK)
        for _ in range(60):
            gap = odds.see(answers(rng, deserving), answers(rng, others))
        assert gap.proved
        assert (gap.measure, gap.low, gap.high) == (measure, "f", "m")
        assert gap.level == log_threshold(LOOK, 0.5)


def test_groups_alike_prove_nothing():
    """A thousand looks at four groups alike, with rates that go up and down for all of them, prove no gap."""
    rng, odds = np.random.default_rng(5), Odds("origin", LOOK)
    for look in range(1000):
        rate = dict.fromkeys("abcd", 0.5 + 0.4 * math.sin(look / 50))
        assert not odds.see(answers(rng, rate), answers(rng, rate)).proved


def test_fairness_checkpoints():
    """Both measures go on after a round trip; settling forgets; another attribute's state and junk are refused."""
    rng, odds = np.random.default_rng(6), Odds("sex", LOOK)
    for _ in range(20):
        odds.see(answers(rng, {"f": 0.5, "m": 0.7}), answers(rng, {"f": 0.2, "m": 0.2}))
    revived, state = Odds("sex", LOOK), json.loads(json.dumps(odds.checkpoint()))
    revived.restore(state)
    more = (answers(rng, {"f": 0.5, "m": 0.7, "x": 0.5}), answers(rng, {"f": 0.2, "m": 0.2}))
    assert revived.see(*more) == odds.see(*more)
    before = odds.checkpoint()
    wrong = [{}, Odds("age", LOOK).checkpoint(), {**state, "others": {}}, {**state, "others": state["deserving"]}]
    for key, value in (
        ("run", None),
        ("whole", [[1, 2]]),
        ("since", [[1, 2], [1, 1]]),
        ("groups", ["f", "f"]),
        ("streams", {}),
    ):
        wrong.append({**state, "others": {**state["others"], key: value}})
    for each in wrong:
        with pytest.raises(Invalid):
            odds.restore(each)
        assert odds.checkpoint() == before
    odds.settle()
    assert odds.see({}, {}).gap is None
    with pytest.raises(ValueError, match="groups"):
        Parity("user", LOOK).see({str(i): (1, 0) for i in range(LIMIT + 1)})


def test_intervals():
    """Wilson's interval by known values; without trials anything is possible."""
    assert wilson(2, 3) == pytest.approx((0.2077, 0.9385), abs=1e-3)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-3)
    assert wilson(0, 0) == (0, 1)
    assert (percent(0.13), percent(0.00123), percent(0)) == ("13.0 %", "0.12 %", "0 %")
