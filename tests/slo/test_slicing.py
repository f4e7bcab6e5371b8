"""Objectives that count slices of time, and composites."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.slo.budget import budget
from bot.slo.ledger import Ledger
from bot.slo.selector import Selector
from bot.slo.spec import Constituent, Indicator, Method, Point, Slo
from tests.slo.kit import T0, seconds, slo

MINUTE = timedelta(minutes=1)


def sliced(kind, good_from=0.0, length=MINUTE, empty="unknown", **more):
    return slo(0.95, method=Method(kind, length, good_from, empty), **more)


class Traffic:
    """Feeds one objective minute by minute."""

    def __init__(self, objective: Slo) -> None:
        self.slo, self.ledger, self.now = objective, Ledger(width=seconds(15)), T0
        self.bad = self.total = 0
        self.poll()

    def poll(self) -> None:
        self.ledger.ingest(self.slo, [Point.of(self.bad, self.now)], [Point.of(self.total, self.now)], self.now)

    def minute(self, total: int, bad: int = 0) -> None:
        for quarter in range(4):
            self.now += seconds(15)
            if quarter == 3:
                self.total, self.bad = self.total + total, self.bad + bad
            self.poll()

    def counts(self):
        held = self.ledger.counts(self.slo, self.now, timedelta(days=1))
        return held.good, held.bad


def test_a_slice_is_good_where_enough_of_it_was():
    """Each minute is one event, whatever its traffic: exactly at the target is good, below is bad."""
    traffic = Traffic(sliced("timeslices", 0.9))
    for total, bad in ((10, 0), (1000, 100), (1000, 101), (10, 10)):
        traffic.minute(total, bad)
    assert traffic.counts() == (2, 2)


def test_a_slice_is_good_to_its_share():
    """Ratio time slices: the budget is the mean of the slices' ratios, not of the events."""
    traffic = Traffic(sliced("ratio_timeslices"))
    traffic.minute(10, 5)
    traffic.minute(1_000_000, 0)
    assert traffic.counts() == (1_500_000, 500_000)
    held = budget(traffic.slo, traffic.ledger, traffic.now)
    assert held.bad / held.events == 0.25


@pytest.mark.parametrize(("empty", "counted"), [("unknown", (1, 0)), ("good", (3, 0)), ("bad", (1, 2))])
def test_a_slice_without_traffic_is_what_the_objective_says(empty, counted):
    """By default nothing is known of it."""
    traffic = Traffic(sliced("timeslices", 0.9, empty=empty))
    for total in (10, 0, 0):
        traffic.minute(total)
    assert traffic.counts() == counted


@pytest.mark.parametrize("empty", ["unknown", "good", "bad"])
def test_a_slice_nobody_watched_is_never_counted(empty):
    """Silence is no empty slice: neither uptime nor downtime, whatever the policy for slices without traffic is."""
    traffic = Traffic(sliced("timeslices", 0.9, empty=empty))
    traffic.minute(10)
    traffic.now += timedelta(minutes=30)
    traffic.total += 500
    traffic.poll()
    traffic.minute(10)
    assert traffic.counts() == (2, 0)


def test_a_sliced_objective_is_silent_with_what_it_counts():
    """It is told as silent when its counters are, and not merely because its slice is still going on."""
    traffic = Traffic(sliced("timeslices", 0.9, length=timedelta(minutes=10)))
    for _ in range(25):
        traffic.minute(10)
        assert traffic.ledger.silence(traffic.slo, traffic.now) is None
    traffic.ledger.miss(traffic.slo, "refused", traffic.now)
    assert traffic.ledger.silence(traffic.slo, traffic.now) == "refused"


def composite(method, *parts):
    return slo(0.95, method=method, parts=tuple(parts), indicator=parts[0].measure)


def part(name, weight=1.0, good_from=0.0):
    indicator = Indicator("bad", Selector.parse(f"{name}_bad"), Selector.parse(f"{name}_all"), "zero")
    return Constituent(name, indicator, weight, good_from)


class Pair:
    """Two parts fed side by side."""

    def __init__(self, objective: Slo) -> None:
        self.slo, self.ledger, self.now = objective, Ledger(width=seconds(15)), T0
        self.held = {query: 0 for measure in objective.measures for query in measure.queries}
        self.poll()

    def poll(self, *without: str) -> None:
        points = {
            query: [Point.of(value, self.now)] for query, value in self.held.items() if query.metric[:1] not in without
        }
        self.ledger.read(self.ledger.asked(self.slo), points, self.now)

    def minute(self, a, b, *without: str) -> None:
        for (bad, total), measure in zip((a, b), self.slo.measures, strict=True):
            self.held[measure.part] += bad
            self.held[measure.total] += total
        self.now += MINUTE
        self.poll(*without)

    def counts(self):
        held = self.ledger.counts(self.slo, self.now, timedelta(days=1))
        return held.good, held.bad


def test_a_composite_slice_is_bad_where_any_part_is():
    """OpenSLO, time slices: one part below its own target spoils the slice."""
    method = Method("timeslices", MINUTE, 0.9)
    pair = Pair(composite(method, part("a"), part("b", good_from=0.5)))
    for a, b in (((0, 10), (4, 10)), ((2, 10), (0, 10)), ((0, 10), (6, 10))):
        pair.minute(a, b)
    assert pair.counts() == (1, 2)


def test_what_parts_lack_adds_up():
    """OpenSLO, ratio time slices: 95 % and 95 % are 90 %; a weight multiplies what is missing; never below nothing."""
    method = Method("ratio_timeslices", MINUTE)
    pair = Pair(composite(method, part("a"), part("b")))
    pair.minute((5, 100), (5, 100))
    assert pair.counts() == (900_000, 100_000)
    pair = Pair(composite(method, part("a"), part("b", weight=2)))
    pair.minute((5, 100), (5, 100))
    pair.minute((100, 100), (100, 100))
    assert pair.counts() == (850_000, 1_150_000)


def test_occurrences_of_parts_are_averaged_by_weight():
    """A minute is one event, good to the weighted mean of the parts."""
    pair = Pair(composite(Method(), part("a", weight=3), part("b", weight=1)))
    pair.minute((0, 100), (100, 100))
    assert pair.counts() == (750_000, 250_000)


def test_a_part_without_data_leaves_the_whole_unknown():
    """Nothing is counted of a slice in which one part was not seen, and the sentence names the part's query."""
    pair = Pair(composite(Method("timeslices", MINUTE, 0.9), part("a"), part("b")))
    pair.minute((0, 10), (0, 10))
    pair.minute((0, 10), (0, 10), "b")
    assert pair.counts() == (1, 0)
    assert "b_all" in pair.ledger.silence(pair.slo, pair.now)
    pair.minute((0, 10), (0, 10))
    assert pair.ledger.silence(pair.slo, pair.now) is None


def test_a_changed_method_starts_afresh():
    """Slices counted one way are not mixed with slices counted another."""
    traffic = Traffic(sliced("timeslices", 0.9))
    traffic.minute(10)
    changed = replace(traffic.slo, method=Method("timeslices", MINUTE, 0.5))
    assert traffic.ledger.silence(changed, traffic.now) == "it was never polled"
