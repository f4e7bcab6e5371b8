import json
import math
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import Invalid
from bot.slo import keeping
from bot.slo.ledger import Delta, Ledger, NoData
from bot.slo.spec import Point
from tests.slo.kit import T0, Service, seconds, slo


def points(values, at):
    return [Point.of(value, at, pod=pod) for pod, value in values.items()]


def feed(ledger, objective, *polls, every=15):
    """Each poll is (part values by pod, total values by pod)."""
    return [
        ledger.ingest(
            objective,
            points(part, T0 + seconds(every * i)),
            points(total, T0 + seconds(every * i)),
            T0 + seconds(every * i),
        )
        for i, (part, total) in enumerate(polls)
    ]


def test_first_scrape_is_only_the_ground():
    """What was counted before the bot came is not counted again."""
    (first,) = feed(Ledger(), slo(), ({"a": 40}, {"a": 1000}))
    assert first == Delta(T0, baseline=True)


def test_sum_over_series_and_births():
    """Series are summed; one born under our eyes counts from zero, its first value included."""
    _, second = feed(Ledger(), slo(), ({"a": 5}, {"a": 100}), ({"a": 7, "b": 1}, {"a": 110, "b": 20}))
    assert (second.good, second.bad) == (27, 3)


def test_restarted_process_counts_from_zero():
    """A value below the last is a restart."""
    _, second = feed(Ledger(), slo(), ({"a": 50}, {"a": 900}), ({"a": 2}, {"a": 30}))
    assert (second.good, second.bad) == (28, 2)


def test_a_restart_seen_in_one_counter_holds_for_its_sister():
    """When the total fell, the good counter of the same labels restarted too, even if it already passed its old value."""
    _, second = feed(Ledger(), slo(counts="good"), ({"a": 5}, {"a": 10}), ({"a": 6}, {"a": 7}))
    assert (second.good, second.bad) == (6, 1)


def test_a_restart_inside_a_range_of_samples():
    """Several samples of one series are taken in order of time, a restart among them included."""
    ledger, objective = Ledger(), slo()
    feed(ledger, objective, ({"a": 0}, {"a": 10}))
    samples = [Point.of(value, T0 + seconds(at), pod="a") for at, value in ((10, 3), (15, 4), (5, 12))]
    delta = ledger.ingest(objective, points({"a": 0}, T0 + seconds(15)), samples, T0 + seconds(15))
    assert delta.total == 2 + 3 + 1


def test_first_failure_series_is_born_with_its_failures():
    """An error counter that appears with the first error counts that error."""
    _, second = feed(Ledger(), slo(), ({}, {"a": 100}), ({"a": 3}, {"a": 120}))
    assert (second.good, second.bad) == (17, 3)


def test_gap_counts_for_the_budget_only():
    """After a long silence the jump is booked as a gap, outside burn and coverage."""
    ledger, objective = Ledger(continuity=timedelta(minutes=2)), slo()
    later = T0 + timedelta(minutes=30)
    ledger.ingest(objective, points({"a": 0}, T0), points({"a": 0}, T0), T0)
    delta = ledger.ingest(objective, points({"a": 9}, later), points({"a": 100}, later), later)
    assert (delta.total, delta.gap_good, delta.gap_bad) == (0, 91, 9)
    counts = ledger.counts(objective, later, timedelta(hours=1))
    assert (counts.total, counts.gap_good, counts.gap_bad) == (0, 91, 9)
    assert counts.covered < timedelta(seconds=2)


def test_series_first_seen_after_a_gap_is_ground():
    """A series that appears across a silence may be old: its value is not counted."""
    ledger, objective = Ledger(), slo()
    later = T0 + timedelta(minutes=30)
    ledger.ingest(objective, [], points({"a": 0}, T0), T0)
    delta = ledger.ingest(objective, [], points({"a": 5, "b": 700}, later), later)
    assert (delta.total, delta.gap_good) == (0, 5)


def test_late_and_repeated_samples_are_ignored():
    """A sample not newer than the last changes nothing."""
    ledger, objective = Ledger(), slo()
    feed(ledger, objective, ({"a": 0}, {"a": 0}), ({"a": 1}, {"a": 10}))
    at = T0 + seconds(16)
    again = ledger.ingest(objective, points({"a": 0}, T0 + seconds(7)), points({"a": 5}, T0 + seconds(7)), at)
    assert (again.total, again.gap_bad) == (0, 0)
    assert ledger.counts(objective, at, seconds(60)).total == 10


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, 2.5, 2.0**60])
def test_what_is_no_count_is_no_data(value):
    """NaN, infinity, negatives, fractions and uncountable sizes tell nothing, with a reason; nothing is lost."""
    ledger, objective = Ledger(), slo()
    feed(ledger, objective, ({"a": 0}, {"a": 0}))
    for wrong in ([points({"a": value}, T0 + seconds(15)), points({"a": 10}, T0 + seconds(15))],
                  [points({"a": 1}, T0 + seconds(15)), points({"a": value}, T0 + seconds(15))]):  # fmt: skip
        told = ledger.ingest(objective, *wrong, T0 + seconds(15))
        assert isinstance(told, NoData)
        assert "pod=a" in told.because
        assert ledger.silence(objective, T0 + seconds(15)) == told.because
    at = T0 + seconds(30)
    healed = ledger.ingest(objective, points({"a": 1}, at), points({"a": 20}, at), at)
    assert (healed.good, healed.bad) == (19, 1)


def test_contradicting_samples_are_no_data():
    """One series with two values at one time is refused."""
    told = Ledger().ingest(slo(), [], [Point.of(1, T0), Point.of(2, T0)], T0)
    assert isinstance(told, NoData)
    assert "two values" in told.because


def test_empty_total_is_no_data():
    """A total that matches nothing is no traffic count of zero."""
    told = Ledger().ingest(slo(), [], [], T0)
    assert isinstance(told, NoData)
    assert "requests_total" in told.because


def test_missing_bad_series_obeys_the_policy():
    """Zero failures only where the objective says so; otherwise an absent failure series is no data."""
    total = points({"a": 10}, T0)
    assert isinstance(Ledger().ingest(slo(missing_bad="no_data"), [], total, T0), NoData)
    assert isinstance(Ledger().ingest(slo(missing_bad="zero"), [], total, T0), Delta)


def test_missing_good_series_is_never_zero():
    """Without its good series nobody can tell an outage from a misspelt name."""
    told = Ledger().ingest(slo(counts="good"), [], points({"a": 10}, T0), T0)
    assert isinstance(told, NoData)
    assert "though the total is there" in told.because


def test_more_good_than_total_is_insane_and_heals():
    """More good than total is no data; if the next scrape squares it, nothing was lost."""
    ledger, objective = Ledger(), slo(counts="good")
    results = feed(
        ledger, objective, ({"a": 0}, {"a": 0}), ({"a": 11}, {"a": 10}), ({"a": 20}, {"a": 22}),
    )  # fmt: skip
    assert isinstance(results[1], NoData)
    assert results[1].because.startswith("sanity: 11 good events out of 10")
    assert (results[2].good, results[2].bad) == (20, 2)


def test_lasting_insanity_stays_no_data():
    """A selector that counts what the total does not never yields a verdict, however long it goes on."""
    ledger, objective = Ledger(), slo(counts="good")
    results = feed(ledger, objective, *(({"a": 30 * i}, {"a": 10 * i}) for i in range(60)))
    assert all(isinstance(each, NoData) for each in results[1:])
    assert ledger.counts(objective, T0 + timedelta(hours=1), timedelta(hours=1)).total == 0


def test_tiny_skew_between_two_counters_is_no_insanity():
    """At high traffic good may run a breath ahead of the total within one scrape; the sums come out exact."""
    ledger, objective = Ledger(), slo(counts="good")
    results = feed(
        ledger, objective, ({"a": 0}, {"a": 0}), ({"a": 150_009}, {"a": 150_000}), ({"a": 300_000}, {"a": 300_100}),
    )  # fmt: skip
    assert (results[1].good, results[1].bad) == (150_000, 0)
    assert (results[2].good, results[2].bad) == (150_000, 100)


def test_stale_answers_are_no_data():
    """A source that repeats an old sample goes silent."""
    ledger, objective = Ledger(), slo()
    told = ledger.ingest(objective, [], points({"a": 10}, T0), T0 + timedelta(minutes=3))
    assert isinstance(told, NoData)
    assert "180 s old" in told.because


def test_silence_of_the_source_and_of_the_bot():
    """Never polled, a failed poll, and polls that stopped are each told apart."""
    ledger, objective = Ledger(), slo()
    assert "never polled" in ledger.silence(objective, T0)
    feed(ledger, objective, ({"a": 0}, {"a": 0}))
    assert ledger.silence(objective, T0 + seconds(60)) is None
    assert "600 s old" in ledger.silence(objective, T0 + seconds(600))
    ledger.miss(objective, "the source did not answer", T0 + seconds(15))
    assert ledger.silence(objective, T0 + seconds(15)) == "the source did not answer"


def test_windows_and_charts():
    """A window is the events between its ends; a chart's buckets add up to the window."""
    service = Service(slo())
    service.run(timedelta(minutes=10), rate=10, share=0.1)
    end = service.now
    assert service.ledger.counts(service.slo, end, timedelta(minutes=5)).total == 3000
    assert service.ledger.counts(service.slo, end, timedelta(minutes=5)).covered == timedelta(minutes=5)
    chart = service.ledger.buckets(service.slo, T0, end, timedelta(minutes=1))
    assert [bucket.total for bucket in chart] == [600] * 10
    assert sum(bucket.bad for bucket in chart) == service.bad


def test_restart_of_the_bot():
    """A checkpoint goes through JSON and back; the time the bot was away is one gap, and until a poll nothing is known."""
    service = Service(slo())
    service.run(timedelta(minutes=10), rate=10, share=0.1)
    revived = Ledger(width=seconds(1))
    keeping.restore(revived, json.loads(json.dumps(keeping.checkpoint(service.ledger, keeping.Kept()).documents)))
    assert revived.counts(service.slo, service.now, timedelta(hours=1)) == service.ledger.counts(
        service.slo, service.now, timedelta(hours=1)
    )
    assert "not polled yet" in revived.silence(service.slo, service.now)
    later = service.now + timedelta(hours=1)
    delta = revived.ingest(
        service.slo, [Point.of(service.bad + 7, later)], [Point.of(service.total + 70, later)], later
    )
    assert (delta.total, delta.gap_good, delta.gap_bad) == (0, 63, 7)


def test_a_checkpoint_writes_what_is_new():
    """Pages that stand written are not written again; thinned ones are, and empty ones are dropped; it all comes back."""
    service, store, kept = Service(slo()), {}, keeping.Kept()
    for hour in range(5):
        service.run(timedelta(hours=1), rate=10, share=0.01)
        service.ledger.thin(service.now)
        made = keeping.checkpoint(service.ledger, kept)
        store.update(json.loads(json.dumps(made.documents)))
        for name in made.drop:
            del store[name]
        kept = made.kept
        keeping.written(service.ledger, service.ledger.grid.last)
        assert set(keeping.names(store["head"])) == set(store) - {"head"}
        if hour:
            assert "book" not in made.documents
            assert len(made.documents) < len(store)
    again = keeping.checkpoint(service.ledger, kept)
    assert set(again.documents) == {"head"}
    revived = Ledger(width=seconds(1))
    assert keeping.restore(revived, store) == kept
    for length in (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=4)):
        assert revived.counts(service.slo, service.now, length) == service.ledger.counts(
            service.slo, service.now, length
        )


def test_a_number_that_means_another_objective_is_written_anew():
    """Where an objective is gone and its place is taken, no page of before is left that would count for the new one."""
    service, other = Service(slo()), slo(name="other")
    service.run(timedelta(minutes=30), rate=10)
    made = keeping.checkpoint(service.ledger, keeping.Kept())
    store, kept = dict(made.documents), made.kept
    keeping.written(service.ledger, service.ledger.grid.last)
    service.ledger.account(slo(name="third"))
    more = keeping.checkpoint(service.ledger, kept)
    assert {"head", "book"} == set(more.documents), "a new objective leaves the pages as they are"
    service.ledger.keep({"third"})
    service.ledger.account(other)
    made = keeping.checkpoint(service.ledger, more.kept)
    assert set(store) - {"head", "book"} <= set(made.documents)
    revived = Ledger(width=seconds(1))
    keeping.restore(revived, {**store, **made.documents})
    assert revived.counts(other, service.now, timedelta(hours=1)).total == 0


@pytest.mark.parametrize("break_it", [
    lambda state: state["head"].update(version=9),
    lambda state: state["head"].update(width_ms=5),
    lambda state: state.pop("book"),
    lambda state: state["head"].pop("accounts"),
    lambda state: state["head"]["values"].update(data="AAAA"),
    lambda state: state["head"]["at"].update(shape=[7]),
    lambda state: state["head"].update(book=[9, 9]),
    lambda state: state["book"].update(lines=[[5, 0, []]]),
    lambda state: state["book"]["accounts"].append([7, "x", "y"]),
    lambda state: state["head"].update(pages=["rows/1"]),
    lambda state: next(page for name, page in state.items() if "rows/" in name)["ends"].append(1),
    lambda state: next(page for name, page in state.items() if "rows/" in name)["ends"].reverse(),
    lambda state: state.update(head=[]),
])  # fmt: skip
def test_broken_checkpoint_is_refused(break_it):
    """A checkpoint that is none is refused with a sentence, and what was held stays."""
    service = Service(slo())
    service.run(seconds(60), rate=10)
    state = json.loads(json.dumps(keeping.checkpoint(service.ledger, keeping.Kept()).documents))
    break_it(state)
    with pytest.raises(Invalid, match="cannot be taken up"):
        keeping.restore(service.ledger, state)
    assert service.ledger.counts(service.slo, service.now, seconds(60)).total == 600


def test_another_indicator_starts_afresh():
    """When an objective counts something else, the old counts are not mixed in."""
    service = Service(slo())
    service.run(seconds(60), rate=10)
    service.slo = slo(counts="good")
    assert "never polled" in service.ledger.silence(service.slo, service.now)
    service.poll()
    assert service.ledger.counts(service.slo, service.now, timedelta(hours=1)).total == 0


def test_forgetting_and_thinning_keep_sums_exact():
    """Old buckets become coarser and old events leave, but what is kept still adds up."""
    service = Service(slo())
    service.run(timedelta(hours=26), rate=1, share=0.01, every=60)
    whole = service.ledger.counts(service.slo, service.now, timedelta(hours=26))
    rows = len(service.ledger.buckets(service.slo, T0, service.now))
    service.ledger.thin(service.now)
    assert len(service.ledger.buckets(service.slo, T0, service.now)) < rows
    assert service.ledger.counts(service.slo, service.now, timedelta(hours=26)) == whole
    hour = service.ledger.counts(service.slo, service.now, timedelta(hours=1))
    service.ledger.forget(service.now - timedelta(hours=5))
    assert service.ledger.counts(service.slo, service.now, timedelta(hours=1)) == hour
    assert service.ledger.counts(service.slo, service.now, timedelta(hours=26)).total == 5 * 3600
    service.ledger.keep(set())
    assert service.ledger.counts(service.slo, service.now, timedelta(hours=1)).total == 0


EVENT = st.tuples(st.integers(0, 50), st.integers(0, 50))  # good, bad in one tick
TICK = st.tuples(
    st.lists(EVENT, min_size=3, max_size=3),
    st.sampled_from(["", "", "", "reset 0", "reset 1", "gap", "junk", "late", "repeat"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TICK, min_size=2, max_size=25), st.randoms(use_true_random=False), st.sampled_from(["good", "bad"]))
def test_ledger_equals_the_truth(ticks, random, counts):  # noqa: C901 - a script of every mishap
    """Under restarts, births, gaps, junk, late and repeated samples in any order, every event is counted exactly once."""
    objective, ledger = slo(counts=counts), Ledger()
    now, parts, totals = T0, [0, 0, 0], [0, 0, 0]
    alive = {0}
    truth = {"good": 0, "bad": 0, "gap_good": 0, "gap_bad": 0}
    pending = [0, 0]
    booked = dict.fromkeys(truth, 0)
    for index, (events, what) in enumerate(ticks):
        gap = what == "gap" and index > 0
        now += timedelta(minutes=30) if gap else seconds(15)
        if what.startswith("reset"):
            pod = int(what[-1])
            good, bad = events[pod]
            if (good if counts == "good" else bad) < parts[pod] or good + bad < totals[pod]:  # else nobody could tell
                parts[pod] = totals[pod] = 0
        if index and not gap:
            alive.add(random.randrange(3))  # born under our eyes
        for pod, (good, bad) in enumerate(events):
            if pod not in alive:
                continue
            parts[pod] += good if counts == "good" else bad
            totals[pod] += good + bad
            if index:
                pending[0] += good
                pending[1] += bad
        read = [(f"pod-{pod}", parts[pod], totals[pod]) for pod in alive]
        random.shuffle(read)
        part = [Point.of(value, now, pod=pod) for pod, value, _ in read]
        total = [Point.of(value, now, pod=pod) for pod, _, value in read]
        if what == "junk" and index:
            assert isinstance(ledger.ingest(objective, part, [*total, Point.of(math.nan, now, pod="x")], now), NoData)
            now += seconds(1)
            part, total = ([Point(p.labels, p.value, now) for p in each] for each in (part, total))
        result = ledger.ingest(objective, part, total, now)
        assert isinstance(result, Delta)
        keys = ("gap_good", "gap_bad") if gap else ("good", "bad")
        truth[keys[0]] += pending[0]
        truth[keys[1]] += pending[1]
        pending = [0, 0]
        for name in booked:
            booked[name] += getattr(result, name)
        if what == "repeat":
            assert ledger.ingest(objective, part, total, now + seconds(1)) == Delta(now)
        if what == "late":
            old = [Point(p.labels, p.value / 2 // 1, p.at - seconds(5)) for p in part]
            assert ledger.ingest(objective, old, total, now + seconds(1)).total == 0
    assert booked == truth
    held = ledger.counts(objective, now, timedelta(days=2))
    assert {name: getattr(held, name) for name in truth} == truth
