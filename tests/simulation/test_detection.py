"""How fast failures are found and how seldom healthy services page, measured on the product's own rule.

Known from outside: the SRE Workbook's detection times (ch. 5) for the plain rule. Short and seeded here; the long sweeps
are nightly. Figures are printed (`pytest -s`), and bounds asserted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bot.slo.ledger import Ledger
from bot.slo.recovery import good_run
from bot.slo.spec import Point
from tests.simulation.detection import POLL, failure, quiet
from tests.slo.kit import T0, seconds, slo

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0, 100.0)


def said(**figures: object) -> None:
    print(" ".join(f"{name}={value}" for name, value in figures.items()))  # noqa: T201 - the figures are the point


@pytest.mark.parametrize("rate", [1.0, 10.0, pytest.param(100.0, marks=pytest.mark.nightly)])
def test_a_total_outage(rate):
    """NOTICE median ≤ 25 s; PAGE median ≤ 60 s and p95 ≤ 75 s, at one request per second and more, polled every 15 s."""
    found = failure(np.random.default_rng(1), runs=400, rate=rate, errors=1.0, lasts=1800, within=300)
    said(outage=rate, notice=found.notice_at(0.5), page=found.page_at(0.5), p95=found.page_at(0.95))
    assert found.notice_at(0.5) <= 25
    assert found.page_at(0.5) <= 60
    assert found.page_at(0.95) <= 75


def test_a_tenth_of_all_fails():
    """PAGE median ≤ 430 s at ten requests per second."""
    found = failure(np.random.default_rng(2), runs=300, rate=10, errors=0.1, lasts=3600, within=900)
    said(tenth=found.page_at(0.5), p95=found.page_at(0.95))
    assert found.page_at(0.5) <= 430


@pytest.mark.nightly
def test_one_in_a_hundred_fails():
    """No later than the plain rule and one poll."""
    plain = replace(slo(), rule="burn_rate")
    times = [
        failure(np.random.default_rng(3), runs=100, rate=10, errors=0.01, lasts=20_000, within=16_000, objective=each)
        for each in (slo(), plain)
    ]
    said(evidence=times[0].page_at(0.5), plain=times[1].page_at(0.5))
    assert times[0].page_at(0.5) <= times[1].page_at(0.5) + POLL


@pytest.mark.parametrize("lasts", [5, 15, 30])
def test_a_blip_pages_nobody(lasts):
    """0 pages in 500 total outages of at most 30 s, at ten requests per second."""
    found = failure(np.random.default_rng(lasts), runs=500, rate=10, errors=1.0, lasts=lasts, within=600)
    said(blip=lasts, pages=int(np.isfinite(found.page).sum()), notices=int(np.isfinite(found.notice).sum()))
    assert not np.isfinite(found.page).any()


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("rate", [0.003, 0.03, 10.0])
def test_healthy_services_page_nobody(rate, share):
    """A short look (0.3 service-years each) at little and much traffic, well and barely within the budget: no page."""
    pages, years = quiet(np.random.default_rng(int(rate * 1000)), services=300, days=0.4, rate=rate, share=share)
    said(rate=rate, share=share, pages=pages, years=round(years, 2))
    assert pages == 0


@pytest.mark.nightly
@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("rate", RATES)
def test_a_hundred_service_years_without_a_failure(rate, share):
    """At most 0.5 pages per service-year at every rate; 6.6 service-years for each, 105 in all."""
    pages, years = quiet(np.random.default_rng(int(rate * 1000) + 7), services=2000, days=1.2, rate=rate, share=share)
    said(rate=rate, share=share, pages=pages, years=round(years, 2), per_year=round(pages / years, 3))
    assert pages / years <= 0.5


class Recovering:
    """One service polled every 15 s, and when its good run would suffice."""

    def __init__(self, rng: np.random.Generator, rate: float) -> None:
        self.rng, self.rate, self.slo, self.now = rng, rate, slo(), T0
        self.ledger, self.bad, self.total = Ledger(width=seconds(POLL)), 0, 0
        self.poll(0.0)

    def poll(self, share: float) -> None:
        events = int(self.rng.poisson(self.rate * POLL))
        self.total, self.bad = self.total + events, self.bad + int(self.rng.binomial(events, share))
        self.ledger.ingest(self.slo, [Point.of(self.bad, self.now)], [Point.of(self.total, self.now)], self.now)
        self.now += seconds(POLL)

    def over(self, since) -> bool:
        run = good_run(self.slo, self.ledger, self.now - seconds(POLL), 14.4, since)
        return run is not None and run.suffices(self.slo)


def test_a_recovery_is_told_soon_and_never_falsely():
    """Median ≤ 150 s at ten requests per second after outages of ten minutes; none in 300 told while it went on."""
    rng, times, false = np.random.default_rng(4), [], 0
    for run in range(300):
        service = Recovering(rng, 10.0)
        for _ in range(40):
            service.poll(0.0003)
        began = service.now
        share = float(rng.choice([1.0, 0.5, 0.1, 0.05]))
        for poll in range(40):
            service.poll(share)
            false += poll > 2 and service.over(began)
        if run % 5:
            continue
        ended = service.now
        while not service.over(began) and service.now < ended + timedelta(minutes=30):
            service.poll(0.0003)
        times.append((service.now - ended).total_seconds())
    said(recovery=np.median(times), p95=np.quantile(times, 0.95), false=false)
    assert false == 0
    assert np.median(times) <= 150
