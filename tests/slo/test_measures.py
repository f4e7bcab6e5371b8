"""What can be counted besides two counters: gauges, ages, shares and what only the server can work out."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bot.slo.batch import EXPRESSION, METRIC, Batch, Directory, queries
from bot.slo.grid import to_ms
from bot.slo.ledger import Delta, Ledger, NoData
from bot.slo.selector import Selector
from bot.slo.spec import Expression, Indicator, Point, Raw, Slo, Threshold
from tests.slo.kit import T0, seconds, slo

GAUGE = Selector.parse("queue_length")
HOUR = timedelta(hours=1)


def measuring(measure, **more) -> Slo:
    return slo(0.9, indicator=measure, **more)


def gauge(objective, ledger, *polls, every=15):
    """Each poll is the values of the gauge's series, all sampled at the time of the poll."""
    told = []
    for index, values in enumerate(polls):
        at = T0 + seconds(every * index)
        told.append(ledger.ingest(objective, [Point.of(v, at, pod=str(i)) for i, v in enumerate(values)], (), at))
    return told


@pytest.mark.parametrize(
    ("operator", "good"), [("lt", [True, False, False]), ("lte", [True, True, False]), ("gt", [False, False, True]),
                           ("gte", [False, True, True])],
)  # fmt: skip
def test_each_sample_of_a_gauge_is_an_event(operator, good):
    """Good on its side of the value, the value itself included or not, from the first sample on."""
    for value, fine in zip((9.5, 10, 10.5), good, strict=True):
        (told,) = gauge(measuring(Threshold(GAUGE, operator, 10)), Ledger(), [value])
        assert (told.good, told.bad) == ((1, 0) if fine else (0, 1))


def test_samples_of_several_series_are_several_events():
    """Two pods, one over the limit: one good and one bad event per poll; a repeated sample is no second event."""
    objective, ledger = measuring(Threshold(GAUGE, "lt", 10)), Ledger()
    gauge(objective, ledger, [3, 12], [4, 13])
    at = T0 + seconds(15)
    again = ledger.ingest(objective, [Point.of(4, at, pod="0"), Point.of(13, at, pod="1")], (), at + seconds(1))
    assert again == Delta(at)
    counts = ledger.counts(objective, at, HOUR)
    assert (counts.good, counts.bad) == (2, 2)


def test_a_gauge_that_is_gone_or_no_number_is_no_data():
    """Neither good nor bad; and told with the query's name."""
    objective, ledger = measuring(Threshold(GAUGE, "lt", 10)), Ledger()
    told = gauge(objective, ledger, [3], [], [math.nan], [4])
    assert isinstance(told[1], NoData)
    assert "no series matches queue_length" in told[1].because
    assert isinstance(told[2], NoData)
    assert "reads nan" in told[2].because
    assert ledger.counts(objective, T0 + seconds(45), HOUR).total == 2


def test_the_age_of_a_moment():
    """Freshness: the gauge holds when something last happened, and what counts is how long ago that was."""
    objective, ledger = measuring(Threshold(GAUGE, "lte", 60, age=True)), Ledger()
    base = T0.timestamp()
    told = gauge(objective, ledger, [base - 30], [base - 30], [base - 45], every=30)
    assert [(each.good, each.bad) for each in told] == [(1, 0), (1, 0), (0, 1)]


def test_a_share_counts_in_millionths():
    """A gauge of 0.25 bad is a quarter of a bad event; three quarters are good; out of range it is cut."""
    objective, ledger = measuring(Raw("bad", GAUGE)), Ledger()
    told = gauge(objective, ledger, [0.25], [1.5], [-1])
    assert [(each.good, each.bad) for each in told] == [(750_000, 250_000), (0, 1_000_000), (1_000_000, 0)]
    assert objective.unit == 1_000_000


def test_rates_become_events():
    """What the server gives as events per second is taken for the time between two polls; fractions are carried over."""
    errors, total = Expression("errors_per_second"), Expression("requests_per_second")
    objective, ledger = measuring(Indicator("bad", errors, total, "zero")), Ledger()
    good = bad = 0
    for poll in range(11):
        at = T0 + seconds(15 * poll)
        told = ledger.ingest(objective, [Point.of(0.1, at)], [Point.of(2.5, at)], at)
        good, bad = good + told.good, bad + told.bad
    assert (bad, good + bad) == (15, 375)
    late = at + timedelta(minutes=30)
    assert ledger.ingest(objective, [Point.of(9, late)], [Point.of(9, late)], late).total == 0, (
        "nobody knows of the gap"
    )


def test_births_may_be_left_out():
    """Where a series silent for long comes back with its whole value, the objective may say not to count a first one."""
    for births, total in (("count", 30), ("skip", 10)):
        objective, ledger = slo(births=births), Ledger()
        ledger.ingest(objective, [], [Point.of(100, T0, pod="a")], T0)
        at = T0 + seconds(15)
        told = ledger.ingest(objective, [], [Point.of(110, at, pod="a"), Point.of(20, at, pod="b")], at)
        assert told.total == total


def test_another_measure_is_another_account():
    """An objective that now counts something else starts afresh, and the old numbers are gone."""
    ledger, objective = Ledger(), measuring(Threshold(GAUGE, "lt", 10))
    gauge(objective, ledger, [3])
    changed = replace(objective, indicator=Threshold(GAUGE, "lt", 5))
    assert ledger.silence(changed, T0) == "it was never polled"


# -- thousands at once -----------------------------------------------------------------------------------------------


def names(metric, **labels):
    return {METRIC: metric, **labels}


def test_each_series_finds_who_counts_it():
    """By metric and labels, several objectives may count one series; an expression's answer finds its own; others none."""
    ledger = Ledger()
    per_pod = [
        slo(name=pod, indicator=Indicator("bad", Selector.parse(f'hits_total{{pod="{pod}",code=~"5.."}}'),
                                          Selector.parse(f'hits_total{{pod="{pod}"}}'), "zero"))
        for pod in ("a", "b")
    ]  # fmt: skip
    whole = slo(name="all", indicator=Indicator("bad", Selector.parse('hits_total{code=~"5.."}'),
                                                Selector.parse("hits_total"), "zero"))  # fmt: skip
    free = slo(name="free", indicator=Threshold(Expression("max(x)"), "lt", 5))
    objectives = [*per_pod, whole, free]
    accounts = [ledger.account(each) for each in objectives]
    directory = Directory(accounts, ledger.lines)
    assert len(queries(accounts)) == 7
    series = [names("hits_total", pod=pod, code=code) for pod in "ab" for code in ("200", "500")]
    series += [{EXPRESSION: "max(x)"}, names("other_total", pod="a")]
    for poll, values in enumerate(([0, 0, 0, 0, 4, 1], [90, 10, 40, 0, 6, 2])):
        at = T0 + seconds(15 * poll)
        rows = np.arange(len(series))
        batch = Batch(series, rows, np.full(len(rows), to_ms(at)), np.array(values, dtype=float))
        ledger.take(accounts, directory, batch, at)
    found = {each.name: ledger.counts(each, at, HOUR) for each in objectives}
    assert {name: (held.good, held.bad) for name, held in found.items()} == {
        "a": (90, 10), "b": (40, 0), "all": (130, 10), "free": (1, 1),
    }  # fmt: skip


def test_what_is_new_suffices_while_the_rest_was_seen():
    """With patience a series without a new sample is still there; beyond it, it is gone."""
    ledger, objective = Ledger(continuity=timedelta(minutes=5)), slo()
    account = ledger.account(objective)
    directory = Directory([account], ledger.lines)

    def take(at, values, patience):
        held = [names("requests_total", code=code) for code in values]
        rows = np.arange(len(held))
        numbers = np.array(list(values.values()), dtype=float)
        ledger.take([account], directory, Batch(held, rows, np.full(len(rows), to_ms(at)), numbers, patience), at)
        return ledger.silence(objective, at)

    assert take(T0, {"200": 10, "500": 0}, 0) is None
    assert take(T0 + seconds(15), {}, 60_000) is None
    assert take(T0 + seconds(45), {"200": 40}, 60_000) is None
    assert ledger.counts(objective, T0 + seconds(45), HOUR).total == 30
    assert "no series matches the total" in take(T0 + seconds(120), {}, 60_000)
