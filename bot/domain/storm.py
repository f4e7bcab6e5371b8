"""A storm: new incidents come faster than people read cards, and one umbrella stands for them until it is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, says
from bot.domain.noise import StormRules
from bot.domain.phase import Phase

if TYPE_CHECKING:
    from bot.domain.incident import Incident

FINGERPRINT = "storm"
"""Of the umbrella: one is open at most."""

OVER = timedelta(minutes=1)
"""The stretch over which the rate of new incidents is taken."""

NEWEST = 5
"""So many critical incidents a digest names."""


# -- the rate --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gauge:
    """Whether it storms, and since when the rate has been low meanwhile."""

    storms: bool = False
    calm_since: datetime | None = None


def rate(opened: Iterable[datetime], now: datetime) -> int:
    """How many incidents were opened within the last minute."""
    return sum(1 for at in opened if now - OVER < at <= now)


def judge(gauge: Gauge, opened: Iterable[datetime], rules: StormRules, now: datetime) -> Gauge:
    """It begins above the rate, and ends once it was below a quarter of it for long enough: it does not flicker."""
    per_minute = rate(opened, now)
    if not gauge.storms:
        return Gauge(per_minute > rules.incidents_per_minute)
    if per_minute * 4 >= rules.incidents_per_minute:
        return Gauge(storms=True)
    since = gauge.calm_since or now
    return Gauge(now - since < rules.quiet, since) if now - since < rules.quiet else Gauge()


# -- the umbrella ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Storming:
    """Of an umbrella: since when it storms, when it ended, and how often it began."""

    since: datetime
    until: datetime | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class BeginStorm(Command):
    """It storms: above so many new incidents a minute. Asked of an umbrella whose storm is over, it is back."""

    per_minute: int
    since: datetime

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("a storm begins by the rate of new incidents, not by hand")
        if incident.is_open and (incident.storm is None or incident.storm.until is not None):
            yield StormBegan(self.per_minute, self.since)


@dataclass(frozen=True, slots=True)
class StormBegan(Event):
    """More incidents than people can read cards of: from now on one card stands for all but the critical ones."""

    per_minute: int
    since: datetime

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        if incident.storm is None:
            return replace(incident, storm=Storming(self.since))
        storm = Storming(incident.storm.since, None, incident.storm.times + 1)
        back = replace(incident, storm=storm, phase=Phase.DECLARED, mitigated=None)
        return replace(back, returned=entry.at, returns=incident.returns + 1)

    def says(self, by: str) -> Sentence:
        words = (
            "a storm began: {number} new incidents within a minute; "
            "until it ends only critical ones have a card of their own, all others are counted here"
        )
        return says(words, number=self.per_minute)


@dataclass(frozen=True, slots=True)
class EndStorm(Command):
    """The rate of new incidents has been low for long enough; so many came, so many are open."""

    incidents: int
    open: int
    calm_since: datetime

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("a storm ends by the rate of new incidents, not by hand")
        if incident.storm is not None and incident.storm.until is None:
            yield StormEnded(self.incidents, self.open, self.calm_since)


@dataclass(frozen=True, slots=True)
class StormEnded(Event):
    """The storm is over: new incidents have cards again. `calm_since` is when the last of it came."""

    incidents: int
    open: int
    calm_since: datetime

    @property
    def happened_at(self) -> datetime:
        return self.calm_since

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        storm = replace(incident.storm or Storming(self.calm_since), until=self.calm_since)
        after = replace(incident, storm=storm)
        return replace(after, phase=Phase.MITIGATED, mitigated=self.calm_since) if incident.is_open else after

    def says(self, by: str) -> Sentence:
        words = "the storm is over: {all} incidents came in it, {open} are still open; new ones have cards again"
        return says(words, all=f"{self.incidents:,}", open=f"{self.open:,}")


# -- its digest ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """How many incidents of one service and severity came, and how many of them are open."""

    service: str
    severity: int
    incidents: int
    open: int


@dataclass(frozen=True, slots=True)
class Named:
    """A critical incident by name."""

    id: str
    title: str
    service: str
    severity: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """What came since the storm began, counted; nothing of restricted incidents, not even their number."""

    since: datetime
    counted: Sequence[Counted]
    newest: Sequence[Named]
    per_minute: int

    @property
    def incidents(self) -> int:
        """How many came."""
        return sum(each.incidents for each in self.counted)

    @property
    def open(self) -> int:
        """How many are open."""
        return sum(each.open for each in self.counted)

    @property
    def by_severity(self) -> Sequence[tuple[int, int]]:
        """(severity, how many came), the worst first."""
        severities = sorted({each.severity for each in self.counted})
        return [(one, sum(each.incidents for each in self.counted if each.severity == one)) for one in severities]

    @property
    def by_service(self) -> Sequence[tuple[str, int, int]]:
        """(service, how many came, how many are open), the most first."""
        names = {each.service for each in self.counted}
        rows = [
            (
                name,
                sum(each.incidents for each in self.counted if each.service == name),
                sum(each.open for each in self.counted if each.service == name),
            )
            for name in names
        ]
        return sorted(rows, key=lambda row: (-row[1], row[0]))
