"""Slices of the traffic under watch: a language or a region that fails while the whole stands still."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.errors import Invalid
from bot.domain.incident import Incident
from bot.domain.policy import Urgency
from bot.domain.sli import Judged, Sli
from bot.engine.situation import Bar, Chart
from bot.slo.burn import Verdict
from bot.slo.detector import EDetector
from bot.slo.grid import Counts
from bot.slo.interval import percent
from bot.slo.ledger import Ledger, Poll
from bot.slo.recovery import PROVED
from bot.slo.slices import Slices, Worse
from bot.slo.spec import Slo
from bot.slo.streams import CEILING
from bot.telemetry import log as logger

LOOKS = 240  # of each slice that are kept for its chart


@dataclass
class Failing:
    """A slice that is worse than the rest: how much when it was found, and the evidence that it no longer is."""

    rate: float
    rest: float
    because: str
    opened: datetime
    onset: datetime
    urgency: Urgency
    relief: EDetector
    good_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SliceChange:
    """What became different of one slice."""

    slo: Slo
    value: str
    sli: Sli
    urgency: Urgency

    @property
    def name(self) -> str:
        return sliced_name(self.slo, self.value)


def sliced_name(slo: Slo, value: str) -> str:
    """What a slice of an objective is called among objectives."""
    return f"{slo.name}[{slo.slice_by}={value}]"


def slice_mark(name: str) -> str:
    """The fingerprint of a slice that fails, by its name among objectives."""
    return f"slice/{name}"


@dataclass
class Sliced:
    """One objective and its slices."""

    slo: Slo
    every: timedelta
    slices: Slices = field(init=False)
    failing: dict[str, Failing] = field(default_factory=dict)
    looks: dict[str, deque[tuple[datetime, int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.slices = Slices(self.slo.slice_by, self.every)

    def see(self, counts: Mapping[str, tuple[int, int]], at: datetime) -> Iterator[SliceChange]:
        """Take in one look, (events, failures) by slice; yield what became different."""
        for value, (events, failures) in counts.items():
            self.looks.setdefault(value, deque(maxlen=LOOKS)).append((at, events - failures, failures))
        worse = self.slices.see(counts) if counts else ()
        for value in list(self.failing):
            if value in counts and (change := self._eased(value, *counts[value], at)) is not None:
                yield change
        for each in worse:
            if each.value not in self.failing:
                yield self._opened(each, at)

    def _opened(self, worse: Worse, at: datetime) -> SliceChange:
        rate = min(worse.failed / worse.events, CEILING * 0.99)
        rest = worse.rest_failed / worse.rest_events if worse.rest_events else 0.0
        floor = min(tier.factor for tier in self.slo.tiers if tier.severity == "page") if self._pages else math.inf
        urgency = Urgency.PAGE if rate >= self.slo.budget * floor else Urgency.TICKET
        relief = _relief(rate, rest)
        onset = at - worse.looks * self.every
        self.failing[worse.value] = Failing(rate, rest, worse.because, at, onset, urgency, relief)
        sli = Sli(
            slo=sliced_name(self.slo, worse.value),
            judged=Judged.BREACHED,
            because=worse.because,
            since=onset,
            seen=at,
            value=1 - rate,
            objective=1 - rest,
            bad_events=round(worse.failed),
            burn=rate / self.slo.budget,
        )
        return SliceChange(self.slo, worse.value, sli, urgency)

    @property
    def _pages(self) -> bool:
        return any(tier.severity == "page" for tier in self.slo.tiers)

    def _eased(self, value: str, events: int, failures: int, at: datetime) -> SliceChange | None:
        """A slice is over its failure when the rate it failed at is refuted; where the good run began is its end."""
        failing = self.failing[value]
        before = failing.relief.evidence
        after = failing.relief.see(events, failures)
        if after <= max(before, 0.0):
            failing.good_since = None
        elif failing.good_since is None:
            failing.good_since = at - self.every
        if after < PROVED:
            return None
        since = failing.good_since or at
        del self.failing[value]
        self.slices.settle(value)
        because = (
            f"{self.slo.slice_by}={value} fails no more often than {percent(failing.rate)}: that is refuted by the data"
        )
        sli = Sli(sliced_name(self.slo, value), Judged.MET, because, since, at, objective=1 - failing.rest)
        return SliceChange(self.slo, value, sli, failing.urgency)


class SliceWatch:
    """Every objective that is watched by slice."""

    def __init__(self, slos: Sequence[Slo], every: timedelta) -> None:
        self.sliced = {slo.name: Sliced(slo, every) for slo in slos if slo.slice_by and slo.allowed_gap is None}

    def see(self, ledger: Ledger, poll: Poll, at: datetime) -> list[SliceChange]:
        """Take in what one poll counted of every slice."""
        found: list[SliceChange] = []
        excused = ledger.excused(at) if self.sliced else ()
        for each in self.sliced.values():
            if not excused[ledger.account(each.slo).number]:  # maintenance proves nothing
                found += each.see(ledger.by_slice(each.slo, poll), at)
        return found

    def take_up(self, standing: Mapping[str, Incident]) -> None:
        """Know the slices that open incidents (by fingerprint) say are failing: told after what is known was saved."""
        for incident in standing.values():
            sli = incident.sli
            base, _, rest = incident.slo.partition("[")
            owner, value = self.sliced.get(base), rest.removesuffix("]").partition("=")[2]
            if incident.fingerprint != slice_mark(incident.slo) or owner is None or value in owner.failing:
                continue
            if sli is None or sli.judged is Judged.MET or sli.value is None or sli.objective is None:
                continue
            rate, beside = min(max(1 - sli.value, 1e-6), CEILING * 0.99), 1 - sli.objective
            owner.failing[value] = Failing(
                rate, beside, sli.because, sli.seen, sli.since, incident.urgency, _relief(rate, beside)
            )

    def verdict(self, name: str, at: datetime) -> Verdict | None:
        """What the data say of one slice; None where there is no such slice."""
        owner, value = self._find(name)
        if owner is None:
            return None
        failing = owner.failing.get(value)
        if failing is None:
            return Verdict(name, "met", f"{owner.slo.slice_by}={value} is no worse than the rest.", at)
        good = sum(each[1] for each in owner.looks.get(value, ()))
        bad = sum(each[2] for each in owner.looks.get(value, ()))
        burn = failing.rate / owner.slo.budget
        return Verdict(name, "breached", failing.because, at, "page", burn_long=burn, counts=Counts(good, bad))

    def chart(self, name: str) -> Chart | None:
        """The slice's last looks; None where there is no such slice."""
        owner, value = self._find(name)
        if owner is None or value not in owner.looks:
            return None
        bars = tuple(Bar(at, good, bad, covered=good + bad > 0) for at, good, bad in owner.looks[value])
        title = f"{owner.slo.title}, {owner.slo.slice_by}={value}"
        return Chart(name, owner.slo.target, bars, title)

    def _find(self, name: str) -> tuple[Sliced | None, str]:
        base, bracket, rest = name.partition("[")
        owner = self.sliced.get(base)
        value = rest.removesuffix("]").partition("=")[2]
        return (owner, value) if bracket and owner is not None and value in owner.slices.values else (None, "")

    # -- surviving ---------------------------------------------------------------------------------------------------

    def checkpoint(self) -> dict[str, Any]:
        """All evidence, and the slices that are failing."""
        return {
            name: {
                "slices": each.slices.checkpoint(),
                "failing": {
                    value: {
                        "rate": held.rate, "rest": held.rest, "because": held.because, "urgency": str(held.urgency),
                        "opened": held.opened.isoformat(), "onset": held.onset.isoformat(),
                        "relief": held.relief.checkpoint(),
                    }
                    for value, held in each.failing.items()
                },
            }
            for name, each in self.sliced.items()
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what can be taken up; an objective whose slices cannot begins anew."""
        for name, held in state.items():
            each = self.sliced.get(name)
            if each is None:
                continue
            try:
                each.slices.restore(held["slices"])
                each.failing = {value: _failing(one) for value, one in held["failing"].items()}
            except (Invalid, KeyError, TypeError, ValueError, AttributeError) as trouble:
                logger().warning("what was known of slices cannot be taken up", slo=name, because=str(trouble))
                self.sliced[name] = Sliced(each.slo, each.every)


def _relief(rate: float, rest: float) -> EDetector:
    """Evidence that a slice no longer fails at `rate`, against the rest's rate or near it."""
    return EDetector(rate, (min(max(rest / rate, 0.05), 0.9),))


def _failing(held: Mapping[str, Any]) -> Failing:
    rate, rest = float(held["rate"]), float(held["rest"])
    relief = _relief(rate, rest)
    relief.restore(held["relief"])
    return Failing(
        rate, rest, str(held["because"]), datetime.fromisoformat(held["opened"]),
        datetime.fromisoformat(held["onset"]), Urgency(held["urgency"]), relief,
    )  # fmt: skip
