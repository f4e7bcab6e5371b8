"""Many services at once under the product's own ledger and rule, fed with traffic whose truth is known.

Events are booked as a poll would have counted them (that counting is exact is shown elsewhere); everything after that
is the product's: windows, evidence, the rule. Each service is scraped every 15 s at a phase of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bot.slo.grid import SINCE_LAST, to_ms
from bot.slo.ledger import Ledger, Poll
from bot.slo.panel import Panel
from bot.slo.rule import Level
from bot.slo.spec import Slo
from tests.slo.kit import T0, slo

Floats = NDArray[np.float64]
POLL = 15.0
POST = 1.0
"""Seconds from the poll until somebody is told: the query and the message."""


@dataclass
class Fleet:
    """`size` services with one objective each, all alike, each in its own history."""

    size: int
    objective: Slo = field(default_factory=slo)
    poll: float = POLL
    now: datetime = T0

    def __post_init__(self) -> None:
        self.slos = [self._named(place) for place in range(self.size)]
        self.ledger = Ledger(width=timedelta(seconds=self.poll))
        self.panel = Panel(self.ledger, self.slos, timedelta(seconds=self.poll))
        self.numbers = self.panel.numbers

    def _named(self, place: int) -> Slo:
        from dataclasses import replace

        return replace(self.objective, name=f"s{place}")

    def book(self, good: Floats, bad: Floats, length: float | None = None, *, judge: bool = True) -> NDArray[np.int64]:
        """One poll's counts of every service; what the rule says then."""
        self.now += timedelta(seconds=self.poll if length is None else length)
        good, bad = good.astype(np.int64), bad.astype(np.int64)
        at = np.full(self.size, to_ms(self.now), dtype=np.int64)
        books = self.ledger.accounts
        watched = books.seen[self.numbers] >= 0
        self.ledger.grid.add(self.numbers, at, good, bad, np.where(watched, SINCE_LAST, 0))
        books.seen[self.numbers] = at
        told, nothing = np.ones(books.size, dtype=bool), np.zeros(books.size, dtype=np.int64)
        poll = Poll(told, good, bad, nothing, nothing, ~told, nothing.reshape(1, -1)[:, :0])
        if not judge:
            return np.zeros(self.size, dtype=np.int64)
        self.panel.see(poll, self.now)
        return self.panel.rule(self.now).level

    def warm(self, rng: np.random.Generator, rate: float, share: float, hours: float = 72.0) -> None:
        """A past without incident, in coarse steps, and then an hour as polled."""
        step = 300.0
        for _ in range(int(hours * 3600 / step)):
            total = rng.poisson(rate * step, self.size)
            bad = rng.binomial(total, share)
            self.book(total - bad, bad, step, judge=False)
        for _ in range(int(3600 / self.poll)):
            total = rng.poisson(rate * self.poll, self.size)
            bad = rng.binomial(total, share)
            self.book(total - bad, bad)


@dataclass(frozen=True)
class Found:
    """Seconds from the onset until each service's first notice and first page; infinite where there was none."""

    notice: Floats
    page: Floats

    def page_at(self, quantile: float) -> float:
        return float(np.quantile(self.page, quantile))

    def notice_at(self, quantile: float) -> float:
        return float(np.quantile(self.notice, quantile))


def failure(
    rng: np.random.Generator, *, runs: int, rate: float, errors: float, lasts: float, within: float, background: float = 0.0003,
    objective: Slo | None = None, poll: float = POLL,
) -> Found:  # fmt: skip
    """`errors` of all requests fail for `lasts` seconds from an onset at a random phase of poll and scrape.

    Detection is looked for `within` so many seconds of the onset.
    """
    fleet = Fleet(runs, objective or slo(), poll)
    fleet.warm(rng, rate, background)
    scrape = rng.uniform(0, POLL, runs)  # how old the newest scrape is at each poll
    onset = rng.uniform(0, poll, runs)  # after the last healthy poll
    notice, page = np.full(runs, np.inf), np.full(runs, np.inf)
    for tick in range(1, int(within / poll) + 2):
        upto = tick * poll - scrape
        hurt = np.clip(np.minimum(upto, onset + lasts) - np.maximum(upto - poll, onset), 0, poll)
        total = rng.poisson(rate * poll, runs)
        inside = rng.binomial(total, hurt / poll)
        bad = rng.binomial(inside, errors) + rng.binomial(total - inside, background)
        level = fleet.book(total - bad, bad)
        lag = tick * poll - onset + POST
        notice = np.where(np.isinf(notice) & (level >= Level.NOTICE), lag, notice)
        page = np.where(np.isinf(page) & (level == Level.PAGE), lag, page)
    return Found(notice, page)


def quiet(rng: np.random.Generator, *, services: int, days: float, rate: float, share: float) -> tuple[int, float]:
    """Healthy services for so many days: how often anybody was paged, and how many service-years that were.

    `share` is the rate of errors as a multiple of what the objective allows. A page counts once until it is quiet.
    """
    fleet = Fleet(services)
    wrong = fleet.objective.budget * share
    fleet.warm(rng, rate, wrong)
    paging, pages = np.zeros(services, dtype=bool), 0
    for tick in range(int(days * 86_400 / POLL)):
        total = rng.poisson(rate * POLL, services)
        bad = rng.binomial(total, wrong)
        now = fleet.book(total - bad, bad) == Level.PAGE
        pages += int(np.sum(now & ~paging))
        paging = now
        if tick % 40 == 0:
            fleet.ledger.thin(fleet.now)
            fleet.ledger.forget(fleet.now - timedelta(days=4))
    return pages, services * days / 365
