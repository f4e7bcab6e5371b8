"""Where an objective stands, for people: its budget, its slices and what they could show, how much is judged yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.policy import Urgency
from bot.engine.counting import Counting
from bot.engine.slices import Sliced
from bot.slo import detectable
from bot.slo.budget import Budget, budget
from bot.slo.fairness import Gap
from bot.slo.labels import Coverage, Labelled
from bot.slo.spec import Slo

WITHIN = timedelta(hours=1)
MOST_RATE = 0.99


@dataclass(frozen=True, slots=True)
class FailingSlice:
    """A slice that is worse than the rest."""

    value: str
    because: str
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Standing:
    """One objective beside its verdict. `findable` says in sentences what its slices could show at their traffic."""

    budget: Budget
    failing: tuple[FailingSlice, ...] = ()
    slices: int = 0
    unwatched: int = 0
    findable: tuple[str, ...] = ()
    coverage: Coverage | None = None
    gap: Gap | None = None


def standing(counting: Counting, slo: Slo, at: datetime) -> Standing:
    """Where `slo` stands by what has been counted."""
    held, coverage = budget(slo, counting.ledger, at), _coverage(counting, slo)
    fair = counting.fair.by_name.get(slo.name)
    if fair is not None:
        return Standing(held, coverage=coverage, gap=fair.gap)
    sliced = counting.slices.sliced.get(slo.name)
    if sliced is None:
        return Standing(held, coverage=coverage)
    failing = tuple(FailingSlice(value, each.because, each.urgency) for value, each in sorted(sliced.failing.items()))
    slices = sliced.slices
    return Standing(held, failing, len(slices.values), slices.unwatched, tuple(_findable(sliced, at)), coverage)


def _coverage(counting: Counting, slo: Slo) -> Coverage | None:
    for source, _ in counting.ledger.sources(slo):
        desk = counting.desks.get(source)
        if desk is not None and isinstance(desk.source, Labelled):
            return desk.source.coverage
    return None


def _findable(sliced: Sliced, at: datetime) -> Iterator[str]:
    """What the slice with the least traffic could show, and the one with the most; a doubled budget is the example."""
    begun = min((looks[0][0] for looks in sliced.looks.values() if looks), default=at)
    seconds = (at - begun + sliced.every).total_seconds()
    counted = {
        value: (sum(good + bad for _, good, bad in looks), sum(bad for _, _, bad in looks))
        for value, looks in sliced.looks.items()
    }
    ranked = sorted((value for value in counted if counted[value][0]), key=lambda value: counted[value][0])
    whole = sum(events for events, _ in counted.values())
    for value in dict.fromkeys([*ranked[:1], *ranked[-1:]]) if len(ranked) > 1 else ():
        events = counted[value][0]
        baseline = min((sum(bad for _, bad in counted.values()) + 0.5) / (whole + 1), MOST_RATE / 2)
        drop = min(sliced.slo.budget, MOST_RATE - baseline)
        terms = detectable.Watch(
            sliced.every, len(ranked), sliced.slices.alarms_per_year, times=(whole - events) / events
        )
        yield f"{sliced.slo.slice_by}={value}: {detectable.explain(baseline, drop, events / seconds, WITHIN, terms)}"
