"""A scripted past: a service that counts, a monitoring system that scrapes it, and everything that goes wrong between."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from bot.engine.replay import Replay, Summary, Turn, summary
from bot.slo.batch import METRIC, Batch
from bot.slo.grid import to_ms
from bot.slo.spec import Slo
from tests.slo.kit import T0, seconds, slo

SCRAPE = 15.0
STEP = seconds(15)
LOOKBACK = seconds(60)
Sample = tuple[str, datetime, float]  # code, when, what


@dataclass
class Past:
    """Serves `rate` events per second, `share(t)` of which fail (t in seconds since T0), and is scraped meanwhile."""

    hours: float
    rate: float = 10.0
    share: Callable[[float], float] = lambda _t: 0.0
    scrape: float = SCRAPE
    changes: list[Callable[[list[Sample]], list[Sample]]] = field(default_factory=list)

    @property
    def end(self) -> datetime:
        return T0 + timedelta(hours=self.hours)

    def samples(self) -> list[Sample]:
        """Every scrape of both counters, in order of time, after all that was done to them."""
        made: list[Sample] = []
        bad = total = 0.0
        for count in range(int(self.hours * 3600 / self.scrape) + 1):
            if count:
                total += self.rate * self.scrape
                bad += self.rate * self.scrape * self.share((count - 0.5) * self.scrape)
            at = T0 + seconds(count * self.scrape)
            made += [("200", at, np.floor(total) - np.floor(bad)), ("500", at, np.floor(bad))]
        for change in self.changes:
            made = change(made)
        return made

    def without(self, begin: float, until: float, *codes: str) -> Past:
        """Nothing was scraped (of these codes) between the two times, in seconds since T0."""
        return self.changed(
            lambda samples: [
                each for each in samples if not (within(each, begin, until) and (not codes or each[0] in codes))
            ]
        )

    def changed(self, change: Callable[[list[Sample]], list[Sample]]) -> Past:
        return replace(self, changes=[*self.changes, change])


def within(sample: Sample, begin: float, until: float) -> bool:
    return seconds(begin) < sample[1] - T0 <= seconds(until)


def batch(samples: Iterable[Sample]) -> Batch:
    """The samples as a source hands them over."""
    held = sorted(samples, key=lambda each: each[1])
    codes = sorted({"200", "500", *(each[0] for each in held)})
    names = [{METRIC: "requests_total", "code": code} for code in codes]
    series = np.array([codes.index(each[0]) for each in held], dtype=np.int64)
    at = np.array([to_ms(each[1]) for each in held], dtype=np.int64)
    return Batch(names, series, at, np.array([each[2] for each in held]))


def replayed(
    past: Past, *slos: Slo, step: timedelta = STEP, hurried: bool = True, stretch: float = 6, lookback=LOOKBACK
) -> tuple[list[Turn], Summary, Replay]:
    """Replay it, in stretches of so many hours."""
    whole = batch(past.samples())
    made = Replay(slos or (slo(),), start=T0, end=past.end, step=step, lookback=lookback, hurried=hurried)
    turns, begin = [], made.since
    upto = T0
    while begin < past.end:
        upto = min(T0 + step * (((upto - T0) + timedelta(hours=stretch)) // step), past.end)
        rows = np.flatnonzero((whole.at > to_ms(begin)) & (whole.at <= to_ms(upto)))
        turns += made.feed(upto, whole.only(rows))
        begin = upto
    return turns, summary([made]), made


def phases(turns: Iterable[Turn]) -> list[str]:
    return [turn.after.name for turn in turns]


def after(turn: Turn) -> float:
    """Seconds from T0."""
    return (turn.at - T0).total_seconds()
