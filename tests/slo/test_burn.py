from datetime import timedelta

import pytest

from bot.slo.budget import budget, events_affected, exhausted_in
from bot.slo.burn import judge, span
from bot.slo.detector import Evidence, Witness
from bot.slo.ledger import Counts
from tests.slo.kit import T0, Service, seconds, slo

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOUD, MUTE = Evidence(50, 50, 10), Evidence(0, 0, 10)


def page_after(share, *, limit, every=5.0, rate=100.0):
    """Seconds from the start of an outage to the first page, after healthy hours; None if none came within `limit`."""
    service = Service(slo())
    service.run(70 * timedelta(minutes=1), rate=rate, every=every)
    began, bad, total = service.now, service.bad, service.total
    while service.now < began + limit:
        service.now += seconds(every)
        served = int((service.now - began).total_seconds() * rate)
        service.total, service.bad = total + served, bad + int(served * share)
        service.poll()
        if judge(service.slo, service.ledger, service.now).severity == "page":
            return (service.now - began).total_seconds()
    return None


@pytest.mark.parametrize(
    ("share", "expected"),
    [(1.0, 51.84), (0.5, 103.7), (0.1, 518.4), (0.05, 1036.8), (0.02, 2592)],
)
def test_time_to_page_is_the_workbooks(share, expected):
    """For 99.9 % over 30 days a page takes (1 − SLO)/e · W · B: 51.84 s / e for 14.4× over one hour (SRE Workbook ch. 5)."""
    found = page_after(share, limit=HOUR)
    assert found is not None
    assert expected <= found <= expected + 5


def test_one_percent_is_found_by_the_slow_tier():
    """1 % errors never reach 14.4×, but 6× over six hours, after 129.6 s / e."""
    found = page_after(0.01, limit=4 * HOUR, every=60, rate=10)  # the six hours are not full: it may not be sooner
    assert found is not None
    assert 12_960 <= found <= 12_960 + 60


def test_half_a_percent_never_pages():
    """0.5 % errors burn 5×: below both page tiers, for ever; they make a ticket."""
    service = Service(slo())
    service.run(DAY, rate=10, every=60)
    service.run(DAY, rate=10, share=0.005, every=60)
    verdict = judge(service.slo, service.ledger, service.now)
    assert (verdict.state, verdict.severity, verdict.factor) == ("breached", "ticket", 3)


def test_the_sentence_has_the_numbers():
    """A verdict says what failed, over what, how fast, and what is left."""
    service = Service(slo(display="Checkout availability"))
    service.run(HOUR, rate=10, share=0.05)
    verdict = judge(service.slo, service.ledger, service.now)
    assert verdict.because.startswith(
        "Checkout availability: 1,800 of 36,000 events failed in 1 h (5.00%, objective 99.9 %)"
    )
    assert "burning 50.0× the budget over 1 h and 50.0× over 5 min, threshold 14.4×" in verdict.because
    assert (verdict.burn_long, verdict.burn_short) == (pytest.approx(50), pytest.approx(50))
    assert verdict.counts.bad == 1800


def test_no_data_is_never_met():
    """Never polled, a failed poll, polls that stopped, and too little traffic are no data, each with its reason."""
    service = Service(slo())
    assert judge(service.slo, service.ledger, T0).state == "no_data"
    service.run(seconds(0), rate=1)
    service.total = 9
    service.now += seconds(15)
    service.poll()
    few = judge(service.slo, service.ledger, service.now)
    assert (few.state, few.quiet) == ("no_data", True)
    assert "9 events" in few.because
    service.run(HOUR, rate=10)
    assert judge(service.slo, service.ledger, service.now).state == "met"
    stopped = judge(service.slo, service.ledger, service.now + HOUR)
    assert (stopped.state, stopped.quiet) == ("no_data", False)
    service.ledger.miss(service.slo, "connection refused", service.now)
    assert "connection refused" in judge(service.slo, service.ledger, service.now).because


def test_one_failure_in_little_traffic_needs_evidence():
    """At 10 requests an hour one failure burns 16× over six hours: the plain rule pages, the one with evidence does not."""
    service, witness = Service(slo()), Witness(slo(), seconds(60))
    evidence = witness.see(0, 0)
    service.poll()
    for minute in range(24 * 60):
        service.now += seconds(60)
        if minute % 6 == 0:
            service.total += 1
        service.bad += minute == 1434
        delta = service.poll()
        evidence = witness.see(delta.good, delta.bad)
    assert judge(service.slo, service.ledger, service.now).severity == "page"
    assert judge(service.slo, service.ledger, service.now, evidence=evidence).severity != "page"


def test_a_blip_just_after_a_start_is_a_blip():
    """With ten minutes of data, five bad seconds are not taken for five bad minutes of an hour; an outage still pages."""
    service = Service(slo())
    service.run(timedelta(minutes=10), rate=10, every=5)
    service.run(seconds(5), rate=10, share=1, every=5)
    assert judge(service.slo, service.ledger, service.now).state == "met"
    service.run(seconds(50), rate=10, share=1, every=5)
    verdict = judge(service.slo, service.ledger, service.now)
    assert verdict.severity == "page"
    assert "failed in 10 min 55 s" in verdict.because


def test_too_few_events_never_fire():
    """Below `min_events` in its window a tier is silent, however badly those went."""
    service = Service(slo(min_events=1000))
    service.run(timedelta(minutes=10), rate=1, share=1)
    assert judge(service.slo, service.ledger, service.now).state == "no_data"
    service.run(timedelta(minutes=10), rate=1, share=1)
    assert judge(service.slo, service.ledger, service.now).severity == "page"


def test_the_short_window_ends_an_alarm():
    """Five minutes after a short total outage ended, the fast tier is silent again."""
    service = Service(slo())
    service.run(2 * HOUR, rate=10)
    service.run(seconds(120), rate=10, share=1)
    assert judge(service.slo, service.ledger, service.now).tier == "fast"
    service.run(timedelta(minutes=6), rate=10)
    assert judge(service.slo, service.ledger, service.now).tier != "fast"


def test_since_leaves_out_what_is_settled():
    """What happened before `since` is not judged again."""
    service = Service(slo())
    service.run(HOUR, rate=10)
    service.run(timedelta(minutes=10), rate=10, share=1)
    over = service.now
    service.run(timedelta(minutes=3), rate=10)
    assert judge(service.slo, service.ledger, service.now).state == "breached"
    assert judge(service.slo, service.ledger, service.now, since=over).state == "met"


def test_gaps_do_not_burn():
    """Failures booked into a gap cost budget but wake nobody."""
    service = Service(slo())
    service.run(HOUR, rate=10)
    service.now += HOUR
    service.bad += 5000
    service.total += 36_000
    service.poll()
    service.run(timedelta(minutes=10), rate=10)
    verdict = judge(service.slo, service.ledger, service.now)
    assert verdict.state == "met"
    assert budget(service.slo, service.ledger, service.now).bad == 5000


def test_evidence_guards_and_hastens_the_page():
    """Without evidence a burning tier does not page; with it, 1.5 % of the budget spent suffices, and less is a notice."""
    service = Service(slo())
    service.run(2 * HOUR, rate=10)
    service.run(seconds(30), rate=10, share=1)
    early = judge(service.slo, service.ledger, service.now, evidence=LOUD)
    assert (early.state, early.severity) == ("breached", "notice")
    service.run(seconds(15), rate=10, share=1)
    assert judge(service.slo, service.ledger, service.now).state == "met"  # plain tiers: not before 51.84 s
    assert judge(service.slo, service.ledger, service.now, evidence=LOUD).severity == "page"
    service.run(seconds(60), rate=10, share=1)
    assert judge(service.slo, service.ledger, service.now).severity == "page"
    assert judge(service.slo, service.ledger, service.now, evidence=MUTE).severity != "page"


def test_budget_of_a_full_window():
    """The budget is (1 − target) · events; one of the Workbook's 43 min 12 s of total outage in 30 days spends it all."""
    service = Service(slo())
    service.run(timedelta(days=30) - seconds(2592), rate=1, every=432)
    service.run(seconds(2592), rate=1, share=1, every=432)
    held = budget(service.slo, service.ledger, service.now)
    # polls 432 s apart are gaps for a ledger that expects one every two minutes: the budget counts them all the same
    assert held.spent == pytest.approx(1, abs=0.01)
    assert held.remaining == pytest.approx(0, abs=0.01)
    assert events_affected(service.slo, service.ledger, service.now - DAY, service.now) == 2592


def test_budget_of_a_young_window_is_estimated():
    """After an hour, the traffic seen is extrapolated to the window, and that is said; gone budget has no time left."""
    service = Service(slo())
    service.run(HOUR, rate=10, share=0.01)
    held = budget(service.slo, service.ledger, service.now)
    assert held.estimated
    assert held.spent == pytest.approx(10 / 720, rel=1e-3)
    assert exhausted_in(service.slo, held, 10) == pytest.approx(timedelta(days=3) - HOUR, abs=seconds(300))
    assert exhausted_in(service.slo, held, 0) is None
    gone = budget(slo(0.999, window=HOUR), service.ledger, service.now)
    assert gone.remaining < 0
    assert exhausted_in(service.slo, gone, 1) == timedelta(0)


def test_nothing_is_spent_where_nothing_happened():
    """An empty budget reads 0 % spent, not an error."""
    service = Service(slo())
    held = budget(service.slo, service.ledger, T0)
    assert (held.spent, held.events) == (0, 0)
    assert Counts().ratio == 0


@pytest.mark.parametrize(
    ("length", "words"), [(5400, "1 h 30 min"), (259_200, "3 d"), (0, "0 s"), (90_061, "1 d 1 h"), (15, "15 s")]
)
def test_spans_read_well(length, words):
    """Lengths of time are said in at most two units."""
    assert span(seconds(length)) == words
