import json
import math
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Invalid
from bot.slo.detector import EDetector, Witness, log_threshold, onset
from bot.slo.ledger import Bucket
from bot.slo.recovery import began, good_run
from tests.slo.kit import T0, Service, seconds, slo

MINUTE = timedelta(minutes=1)


def buckets(*outcomes, width=15):
    """(good, bad) per bucket, one after the other from T0."""
    return [
        Bucket(T0 + seconds(i * width), T0 + seconds((i + 1) * width), good, bad)
        for i, (good, bad) in enumerate(outcomes)
    ]


def naive(p0, seen):
    """SR by its definition: the mean over alternatives of Σ over starts of the product of likelihood ratios."""
    rates = sorted({min(0.98, p0 * k) for k in (2, 4, 10, 30, 100, 300, 1000)})
    total = 0.0
    for p1 in rates:
        ratios = [(p1 / p0) ** k * ((1 - p1) / (1 - p0)) ** (n - k) for n, k in seen if n]
        total += sum(math.prod(ratios[start:]) for start in range(len(ratios)))
    return total / len(rates)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=12), st.sampled_from([0.01, 0.2]))
def test_equals_its_definition(seen, p0):
    """The recursion in logarithms equals the sum over all possible onsets."""
    seen = [(n + k, k) for n, k in seen]
    detector = EDetector(p0)
    for n, k in seen:
        detector.see(n, k)
    expected = naive(p0, seen)
    assert detector.evidence == pytest.approx(math.log(expected) if expected else -math.inf, abs=1e-9)


def test_silence_is_no_evidence():
    """Polls without traffic change nothing, however many."""
    detector = EDetector(0.001)
    before = detector.see(100, 1)
    for _ in range(20_000):
        assert detector.see(0, 0) == before
    assert detector.looks == 1


def test_false_alarms_are_as_rare_as_promised():
    """At the null rate the mean number of looks until SR ≥ c is at least c (Shin, Ramdas, Rinaldo)."""
    rng, c, runs = random.Random(7), 100, []
    for _ in range(40):
        detector, looks = EDetector(0.05), 0
        while detector.evidence < math.log(c) and looks < 1000:
            detector.see(15, sum(rng.random() < 0.05 for _ in range(15)))
            looks += 1
        runs.append(looks)
    assert sum(runs) / len(runs) >= c


def test_an_outage_is_found_within_two_polls():
    """A total outage at 10 requests per second reaches one false alarm a year in the second poll at the latest."""
    detector, level = EDetector(0.0144), log_threshold(seconds(15))
    for _ in range(200):
        assert detector.see(150, 0) < level
    detector.see(150, 75)
    assert detector.see(150, 150) >= level


def test_little_traffic_needs_three_failures():
    """At 11 requests an hour and a 99.9 % objective, two failures in a row are not evidence enough, three are."""
    detector, level = EDetector(0.001), log_threshold(seconds(15))
    for _ in range(500):
        detector.see(1, 0)
    detector.see(1, 1)
    assert detector.see(1, 1) < level
    assert detector.see(1, 1) >= level


def test_impossible_counts_and_rates_are_refused():
    """More failures than trials, and null rates without an alternative, are refused."""
    with pytest.raises(ValueError, match="3 failures out of 2"):
        EDetector(0.1).see(2, 3)
    for rate in (0, 0.98, 1, -1):
        with pytest.raises(ValueError, match="null rate"):
            EDetector(rate)
    with pytest.raises(ValueError, match="alternative"):
        EDetector(0.1, grid=(1.0,))


def test_checkpoints():
    """A detector goes on where it stood; another objective's state is refused and changes nothing."""
    witness, revived = Witness(slo(), seconds(15)), Witness(slo(), seconds(15))
    empty = json.loads(json.dumps(witness.checkpoint()))
    witness.see(90, 10)
    revived.restore(json.loads(json.dumps(witness.checkpoint())))
    assert revived.see(80, 20) == witness.see(80, 20)
    revived.restore(empty)
    assert math.isinf(revived.slow.evidence)
    for wrong in ({}, {"slow": {}, "fast": {}}, Witness(slo(0.99), seconds(15)).checkpoint()):
        with pytest.raises(Invalid):
            witness.restore(wrong)


def test_witness_of_a_low_objective():
    """An objective so low that its factors meet the ceiling still has a usable witness."""
    witness = Witness(slo(0.65), seconds(1))
    for _ in range(100):
        seen = witness.see(0, 30)
    assert seen.burning
    assert seen.blazing


def test_onset_is_where_the_bad_run_begins():
    """The onset is the start of the first bucket of the bad run, though a stray error came before and good events after."""
    healthy, bad = (100, 0), (50, 50)
    assert onset(buckets(healthy, (99, 1), healthy, bad, (60, 40), bad), 0.001, 0.5) == T0 + seconds(45)
    assert onset(buckets(healthy, healthy), 0.001, 0.5) is None
    assert onset([], 0.001, 0.5) is None


def test_recovery_is_where_the_good_run_begins():
    """The same statistic turned round finds where a failure ended."""
    assert onset(buckets((0, 100), (0, 100), (20, 80), (100, 0), (100, 0)), 0.5, 0.001) == T0 + seconds(45)


def test_onset_from_the_ledger_is_within_one_scrape():
    """At 10 requests per second the onset of a total outage is found within one scrape interval, and so is its end."""
    service = Service(slo())
    service.run(90 * MINUTE, rate=10)
    outage = service.now
    service.run(3 * MINUTE, rate=10, share=1)
    assert abs(began(service.slo, service.ledger, service.now, 14.4) - outage) <= seconds(15)
    over = service.now
    service.run(10 * MINUTE, rate=10)
    run = good_run(service.slo, service.ledger, service.now, 14.4, outage)
    assert abs(run.start - over) <= seconds(15)
    assert run.suffices(service.slo)
    assert run.counts.bad == 0


def test_no_good_run_in_an_outage():
    """While everything fails there is no good run."""
    service = Service(slo())
    service.run(5 * MINUTE, rate=10, share=1)
    assert good_run(service.slo, service.ledger, service.now, 14.4, T0) is None
