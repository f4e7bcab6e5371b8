import json
import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import Invalid
from bot.slo.detectable import Watch, explain, labels_needed, smallest_drop
from bot.slo.detector import log_threshold
from bot.slo.interval import percent
from bot.slo.slices import LIMIT, Slices, e_bh, family_threshold
from bot.slo.streams import TwoStreams

LOOK = timedelta(seconds=30)
YEAR = timedelta(days=365) / LOOK


def healthy(rng, shape, labels=30, rate=0.08):
    """Counts of slices that are all the rest of one another: n, k, rest n, rest k."""
    n = rng.poisson(labels, shape)
    k = rng.binomial(n, rate)
    return n, k, n.sum(axis=-1, keepdims=True) - n, k.sum(axis=-1, keepdims=True) - k


def delays(times, level, *, runs=300, worse=0.13, labels=30, shift=None):
    """Minutes until each of `runs` slices is found that goes from 8 % to `worse` after two healthy hours."""
    rng, streams, found = np.random.default_rng(4), TwoStreams(np.zeros(runs)), np.zeros(runs)
    for look in range(-240, 240):
        n, rest_n = rng.poisson(labels, runs), rng.poisson(labels * times, runs)
        rest = shift if shift and look >= 0 else 0.08
        k, rest_k = rng.binomial(n, worse if look >= 0 else 0.08), rng.binomial(rest_n, rest)
        evidence = streams.see(n, k, rest_n, rest_k)
        found[(found == 0) & (evidence >= level)] = (look + 1) / 2
    return np.where(found == 0, math.inf, found)


class Traffic:
    """Languages with a failure rate each, seen through one `Slices`."""

    def __init__(self, slices, seed=1, labels=30, **failing):
        self.slices, self.labels, self.failing = slices, labels, failing
        self.rng, self.looks = np.random.default_rng(seed), 0

    def look(self):
        self.looks += 1
        n = self.rng.poisson(self.labels, len(self.failing))
        k = self.rng.binomial(n, list(self.failing.values()))
        return self.slices.see(dict(zip(self.failing, zip(n.tolist(), k.tolist(), strict=True), strict=True)))

    def until(self, value, limit=2000):
        """Look until a slice is said to be worse; that finding."""
        for _ in range(limit):
            for each in self.look():
                if each.value == value:
                    return each
        raise AssertionError(f"{value} was not found in {limit} looks")


# -- how soon, and how seldom for nothing


@pytest.mark.parametrize("times", [20, 199])
def test_five_points_are_found_in_time(times):
    """8 % to 13 % at one label a second: a median of 16 min alone, 23 min among 200 slices."""
    alone, family = log_threshold(LOOK), family_threshold(LOOK, 200)
    assert np.median(delays(times, alone)) <= 16
    assert np.median(delays(times, family)) <= 23


def test_a_shift_that_hits_all_alike_rings_nothing():
    """An upstream outage to 40 % for everybody, two hours long, is no slice's fault; not even the notice of one."""
    assert np.isinf(delays(20, log_threshold(LOOK), worse=0.4, shift=0.4)).all()


def test_runs_are_as_long_as_promised():
    """With the family alike, the mean number of looks until e-BH names anything at level c is at least c."""
    rng, c, lengths = np.random.default_rng(8), 50, []
    for _ in range(30):
        streams, looks = TwoStreams(np.zeros(20)), 0
        while looks < 500:
            looks += 1
            if e_bh(streams.see(*healthy(rng, 20)) - math.log(c), 1.0):
                break
        lengths.append(looks)
    assert np.mean(lengths) >= c


def test_six_hours_of_peeking_reject_nothing():
    """e-BH on SR/T at every look of 6 h, 200 healthy slices: P(any rejection) ≤ 5 %; here 2 of 20 families at most."""
    assert peeked(runs=20) <= 2


def peeked(runs, seed=13):
    """In how many of `runs` families e-BH at 5 % names a slice at any look of six hours."""
    rng, streams, hit = np.random.default_rng(seed), TwoStreams(np.zeros(200 * runs)), np.zeros(runs, bool)
    for _ in range(720):
        evidence = streams.see(*(each.ravel() for each in healthy(rng, (runs, 200)))).reshape(runs, 200)
        for run in np.flatnonzero(evidence.max(axis=1) >= math.log(720 / 0.05)):
            hit[run] |= bool(e_bh(evidence[run] - math.log(720), 0.05))
    return hit.sum()


@pytest.mark.nightly
def test_six_hours_of_peeking_reject_nothing_in_many_families():
    """P(any rejection in 6 h) ≤ 5 % over 200 healthy families."""
    assert peeked(runs=200, seed=14) <= 10


@pytest.mark.nightly
@pytest.mark.parametrize("labels", [0.05, 0.2, 1])
def test_at_most_one_false_alarm_per_slice_year(labels):
    """Twenty slice-years at the null, at three rates of labels per second, the rest 20 times as busy."""
    rng, streams, alarms, rows, looks = np.random.default_rng(5), TwoStreams(np.zeros(1000)), 0, 1000, 21_000
    for _ in range(looks):
        n, rest_n = rng.poisson(30 * labels, rows), rng.poisson(600 * labels, rows)
        evidence = streams.see(n, rng.binomial(n, 0.08), rest_n, rng.binomial(rest_n, 0.08))
        for row in np.flatnonzero(evidence >= log_threshold(LOOK)):
            alarms += 1
            streams.forget(row)
    assert alarms <= rows * looks / YEAR


@pytest.mark.nightly
def test_at_most_one_false_alarm_per_family_year():
    """Half a family-year, as 18 days of ten families of 100 slices: at most one alarm by the rule `Slices` uses."""
    rng, streams, alarms = np.random.default_rng(6), TwoStreams(np.zeros(1000)), 0
    for _ in range(int(YEAR / 20)):
        evidence = streams.see(*(each.ravel() for each in healthy(rng, (10, 100)))).reshape(10, 100)
        for family in np.flatnonzero(evidence.max(axis=1) >= log_threshold(LOOK)):
            if e_bh(evidence[family] - math.log(YEAR), 1.0):
                alarms += 1
                for row in range(100 * family, 100 * family + 100):
                    streams.forget(row)
    assert alarms <= 1


# -- families


def test_e_bh_by_hand():
    """The largest r with the r-th largest e-value at least K/(αr); −∞ and emptiness reject nothing."""
    assert e_bh(np.log([100, 1, 30, 5]), 0.05) == (0,)
    assert e_bh(np.log([45, 1, 41, 5]), 0.05) == (0, 2)
    assert e_bh(np.log([79, 1, 39, 5]), 0.05) == ()
    assert e_bh([-math.inf, -math.inf], 0.05) == ()
    assert e_bh([], 0.05) == ()
    with pytest.raises(ValueError, match="above zero"):
        e_bh([1.0], 0)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=12), st.floats(0.01, 1))
def test_e_bh_by_its_definition(values, alpha):
    """It equals the definition, tried out for every r."""
    ordered = sorted(values, reverse=True)
    fitting = [r for r in range(1, len(values) + 1) if ordered[r - 1] > len(values) / (alpha * r) * (1 + 1e-9)]
    with np.errstate(divide="ignore"):
        assert len(e_bh(np.log(values), alpha)) >= max(fitting, default=0)


def test_the_family_threshold():
    """K slices cost ln K nats more than one."""
    assert family_threshold(LOOK, 1) == log_threshold(LOOK)
    assert family_threshold(LOOK, 200, 12) == pytest.approx(math.log(YEAR / 12 * 200))


def test_a_worse_slice_is_named_with_its_reason():
    """One language fails while the aggregate hardly moves: it alone is named, with both rates and an interval."""
    traffic = Traffic(Slices("language", LOOK), en=0.08, fr=0.08, es=0.08, it=0.08, de=0.08)
    for _ in range(200):
        assert traffic.look() == ()
    traffic.failing["de"] = 0.2
    found = traffic.until("de", limit=40)
    rate, rest = found.failed / found.events, found.rest_failed / found.rest_events
    assert 0.15 < rate < 0.25
    assert 0.05 < rest < 0.11
    assert abs(found.looks - (traffic.looks - 200)) <= 5
    assert found.because.startswith(f"language=de: {percent(rate)} of {found.events:,.0f} failed in ")
    assert f"the rest {percent(rest)} of {found.rest_events:,.0f}; by chance 5 healthy slices" in found.because
    assert found.because.endswith("at most once a year.")


def test_many_bad_slices_are_named_together():
    """Three of twelve slices fail: all three are found, nobody else is."""
    bad = {"a": 0.3, "b": 0.3, "c": 0.3}
    traffic = Traffic(Slices("region", LOOK), **bad, **{f"r{i}": 0.05 for i in range(9)})
    for _ in range(60):
        found = traffic.look()
    assert {each.value for each in found} == set(bad)
    assert list(found) == sorted(found, key=lambda each: -each.evidence)


def test_a_slice_that_appears_late():
    """A slice that comes later is watched from then on, without a false alarm for its youth."""
    traffic = Traffic(Slices("language", LOOK), en=0.08, fr=0.08)
    for _ in range(100):
        traffic.look()
    traffic.failing["de"] = 0.08
    for _ in range(100):
        assert traffic.look() == ()
    traffic.failing["de"] = 0.3
    assert traffic.until("de", limit=30).events < 1000
    assert traffic.slices.values == ("en", "fr", "de")


def test_a_settled_slice_begins_anew():
    """After settling, a healthy slice is quiet; one still failing is found again; the others keep their evidence."""
    traffic = Traffic(Slices("language", LOOK), en=0.08, fr=0.4, de=0.4, it=0.08, es=0.08)
    for _ in range(100):
        traffic.look()
    traffic.failing["de"] = 0.08
    traffic.slices.settle("de")
    traffic.slices.settle("nobody")
    assert [each.value for each in traffic.look()] == ["fr"]
    traffic.failing["de"] = 0.4
    assert traffic.until("de", limit=30).looks < 30


def test_tolerances():
    """A slice known to be harder is not named within its tolerance, and is beyond it."""
    for worse, named in ((0.09, False), (0.3, True)):
        slices = Slices("language", LOOK, tolerances={"de": 0.05})
        traffic = Traffic(slices, labels=300, en=0.05, fr=0.05, de=worse)
        assert any(each.value == "de" for _ in range(300) for each in traffic.look()) is named


def test_a_total_beyond_the_slices():
    """Where the slices are not all traffic, the rest is what the total holds besides."""
    slices = Slices("segment", LOOK)
    for _ in range(30):
        found = slices.see({"new": (30, 12)}, total=(3000, 240))
    assert found[0].rest_events == 2970 * found[0].looks
    assert slices.see({})[0].evidence == found[0].evidence  # a silent look takes nothing back
    with pytest.raises(ValueError, match="failures out of"):
        slices.see({"new": (30, 12)}, total=(10, 1))


def test_a_label_filled_with_ids_cannot_eat_the_memory():
    """Beyond a thousand, values are part of the rest only, and counted."""
    slices = Slices("user", LOOK)
    slices.see({f"u{i}": (1, 0) for i in range(LIMIT + 50)})
    slices.see({f"u{i}": (1, 0) for i in range(5 * LIMIT)})
    assert (len(slices.values), slices.unwatched) == (LIMIT, LIMIT)


def plain(state):
    return json.loads(json.dumps(state))


def test_checkpoints():
    """Everything goes on where it stood after a round trip through JSON."""
    traffic = Traffic(Slices("language", LOOK), en=0.08, de=0.2, fr=0.08)
    for _ in range(20):
        traffic.look()
    revived = Slices("language", LOOK)
    revived.restore(plain(traffic.slices.checkpoint()))
    more = {"en": (30, 3), "de": (30, 9), "it": (5, 1)}
    assert revived.see(more) == traffic.slices.see(more)
    assert revived.evidence == traffic.slices.evidence
    empty = Slices("language", LOOK)
    empty.restore(plain(Slices("language", LOOK).checkpoint()))
    assert empty.values == ()


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.data(), junk)
def test_junk_is_no_checkpoint(data, rubbish):
    """A checkpoint with anything in it replaced by junk is refused, changing nothing, or is still a checkpoint."""
    slices = Slices("language", LOOK)
    slices.see({"en": (30, 3), "de": (30, 9)})
    state = plain(slices.checkpoint())
    place = state if data.draw(st.booleans()) else state["streams"]
    place[data.draw(st.sampled_from(sorted(place)))] = rubbish
    before = slices.checkpoint()
    try:
        slices.restore(state)
    except Invalid:
        assert slices.checkpoint() == before
    else:
        slices.see({"en": (30, 3)})


def test_other_checkpoints_are_refused():
    """The state of another dimension or tolerance is refused."""
    slices = Slices("language", LOOK)
    slices.see({"en": (30, 3), "de": (30, 9)})
    for other in (Slices("region", LOOK), Slices("language", LOOK, tolerance=0.01)):
        with pytest.raises(Invalid):
            other.restore(slices.checkpoint())


# -- what can be found


def test_labels_needed():
    """ln(run length × slices) / KL: 957 labels for 8 % to 13 % alone, 1,322 among 200 slices, many more with tolerance."""
    assert labels_needed(0.08, 0.05, Watch(LOOK)) == 957
    assert labels_needed(0.08, 0.05, Watch(LOOK, 200)) == 1322
    assert labels_needed(0.08, 0.05, Watch(LOOK, times=10)) == pytest.approx(957 * 1.1, rel=0.01)
    assert labels_needed(0.08, 0.05, Watch(LOOK, tolerance=0.02)) == pytest.approx(3006, rel=0.01)
    assert labels_needed(0.08, 0.01, Watch(LOOK, tolerance=0.02)) is None
    for baseline, drop in ((0, 0.1), (0.5, 0.6), (0.5, 0)):
        with pytest.raises(ValueError, match="no failure rate"):
            labels_needed(baseline, drop, Watch(LOOK))
    with pytest.raises(ValueError, match="no failure rate"):
        smallest_drop(1, 10, Watch(LOOK))


@given(st.floats(0.001, 0.5), st.floats(0.01, 0.4), st.integers(1, 1000), st.sampled_from([0.0, 0.005]))
def test_the_smallest_drop_is_the_reverse(baseline, drop, slices, tolerance):
    """So many labels as a drop needs find that drop, one label fewer only a larger one, and none find nothing."""
    watch = Watch(LOOK, slices, tolerance=tolerance)
    needed = labels_needed(baseline, drop, watch)
    assert smallest_drop(baseline, needed, watch) <= drop * (1 + 1e-9)
    fewer = smallest_drop(baseline, needed - 1, watch)
    assert fewer is None or fewer >= drop * (1 - 1e-9)
    assert smallest_drop(baseline, 0, watch) is None


def test_the_facts_are_told():
    """One sentence says how long a drop takes, and what the time allowed can show."""
    assert explain(0.08, 0.05, 1, timedelta(hours=1), Watch(LOOK, 200)) == (
        "At 1 label per second and 200 slices, a failure rate going from 8.0 % to 13.0 % is found after about "
        "1,322 labels (22 min 2 s); within 1 h the smallest rise found is about 2.9 points."
    )
    assert "within the tolerance" in explain(0.08, 0.01, 2, LOOK, Watch(LOOK, tolerance=0.02))
    assert explain(0.08, 0.05, 0, LOOK, Watch(LOOK)).endswith("without labels; within 30 s nothing can be found.")


def test_the_facts_hold():
    """The labels foretold are about those really needed, whatever the drop."""
    for worse in (0.11, 0.13, 0.2):
        watch = Watch(LOOK, times=20)
        foretold = labels_needed(0.08, worse - 0.08, watch) / 60
        assert np.median(delays(20, log_threshold(LOOK), worse=worse)) == pytest.approx(foretold, rel=0.25, abs=1)
