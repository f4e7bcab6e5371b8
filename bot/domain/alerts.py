"""The alerts of an incident: which fire, which are over, which flap, and what follows once all of them are over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.alert import Alert
from bot.domain.errors import Refused
from bot.domain.flapping import AlertFlaps
from bot.domain.lifecycle import LONGEST_TITLE, IncidentDeclared, SeverityChanged, open_claim
from bot.domain.log import Ask, Claim, Command, Entry, Event, Sentence, Take, When, Words, says
from bot.domain.phase import Phase, require_open
from bot.domain.policy import Policy, Severity, Urgency
from bot.domain.promotion import ChildPromoted
from bot.domain.sli import Judged
from bot.domain.urgency import UrgencyRaised

if TYPE_CHECKING:
    from bot.domain.incident import Incident

BORN = "alerts/"
"""How the fingerprint of an incident begins that alerts opened."""

NAMED = 3
"""So many alerts are named in one line of the timeline."""

KEPT_STARTS = 20


@dataclass(frozen=True, slots=True)
class AlertState:
    """One alert as an incident knows it: its latest episode, and how often it fired in all.

    `recent` are the latest times it began to fire; `flapping` is since when it comes and goes.
    """

    key: str
    starts: datetime
    ended: datetime | None
    title: str
    severity: int
    service: str = ""
    url: str = ""
    times: int = 1
    recent: tuple[datetime, ...] = ()
    flapping: datetime | None = None

    @property
    def firing(self) -> bool:
        """Whether it was not over when somebody last told of it."""
        return self.ended is None


@dataclass(frozen=True, slots=True)
class Attached:
    """An alert's episode as an entry tells it; `times` counts its episodes in this incident."""

    key: str
    starts: datetime
    ended: datetime | None
    title: Words
    severity: int
    service: str = ""
    url: Words = ""
    times: int = 1

    @classmethod
    def of(cls, alert: Alert, times: int = 1) -> Attached:
        """What is kept of an alert in the log; the rest stands in the inbox."""
        return cls(alert.key, alert.starts, alert.ends, named(alert), alert.severity, alert.service, alert.url, times)


@dataclass(frozen=True, slots=True)
class Over:
    """That an episode ended, and when by the data."""

    key: str
    starts: datetime
    at: datetime


def named(alert: Alert) -> str:
    """What people call an alert; one without a title has its sender's name."""
    title = " ".join(alert.title.split()) or f"An alert of {alert.source}"
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"


def episode_claim(key: str, starts: datetime) -> str:
    """The claim that keeps one incident per episode for ever: what a person resolved does not open anew."""
    return f"episode:{key}@{starts.isoformat()}"


def born_of_alerts(incident: Incident) -> bool:
    """Whether alerts opened it, not the bot's own objectives or a person."""
    return incident.fingerprint.startswith(BORN)


def worst_first(alerts: Iterable[Alert]) -> list[Alert]:
    """The most severe first, then those that began earlier; an order that does not hang on who told first."""
    return sorted(alerts, key=lambda each: (each.severity, each.starts, each.key))


# -- opening ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeclareForAlerts(Command):
    """Open an incident for alerts that belong to none. `told` is when the bot learned of the first.

    `umbrella` is the incident of the storm it is a child of; `promote` gives it a card all the same, in `channel`
    where one is named.
    """

    alerts: tuple[Alert, ...]
    because: str
    told: datetime
    umbrella: str = ""
    promote: str = ""
    channel: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("alerts open incidents by themselves; declare one by hand instead")
        if incident.exists:
            raise Refused(f"{incident.id} was declared already")
        alerts = worst_first(self.alerts)
        first, onset = alerts[0], min(*(each.starts for each in alerts), self.told)
        yield IncidentDeclared(
            title=named(first),
            severity=Severity(first.severity),
            service=first.service,
            because=self.because,
            onset=onset,
            detected=self.told,
            slo="",
            slice="",
            fingerprint=f"{BORN}{incident.id}",
            restricted=False,
            sli=None,
            urgency=_urgency(first.severity, ask.policy),
            umbrella=self.umbrella,
        )
        yield AlertsAttached(tuple(Attached.of(each) for each in alerts))
        if self.umbrella and self.promote:
            yield ChildPromoted(self.promote, self.channel)


def _urgency(severity: int, policy: Policy) -> Urgency:
    return Urgency.PAGE if severity <= policy.alerts.page_from else Urgency.TICKET


# -- joining ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttachAlerts(Command):
    """Alerts belong to this incident: new ones, or new episodes of those it has. What it knows already is no news.

    `origin` is the incident that had these episodes before, where they were to be moved and a crash came between.
    """

    alerts: tuple[Alert, ...]
    because: str = ""
    origin: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("alerts are attached by themselves; merge the incidents instead")
        require_open(incident, "attach an alert")
        news = []
        for alert in worst_first({each.key: each for each in sorted(self.alerts, key=lambda a: a.starts)}.values()):
            known = incident.alerts.get(alert.key)
            if known is None or alert.starts > known.starts:
                news.append(Attached.of(alert, known.times + 1 if known else 1))
                if known is not None and (flaps := _flaps(known, alert, ask.policy)):
                    yield flaps
            elif alert.starts == known.starts and known.firing and alert.severity < known.severity:
                news.append(Attached.of(alert, known.times))
        if news:
            yield AlertsAttached(tuple(news), self.because, self.origin)
            yield from rises(incident, (each.severity for each in news if each.ended is None), ask)


def _flaps(known: AlertState, alert: Alert, policy: Policy) -> AlertFlaps | None:
    rules = policy.alerts
    again = sum(1 for each in known.recent if alert.starts - each <= rules.flaps_within)
    if known.flapping is not None or again < rules.flaps:
        return None
    return AlertFlaps(alert.key, known.title, again + 1, alert.starts)


def rises(incident: Incident, severities: Iterable[int], ask: Ask) -> Iterator[Event]:
    """The incident is as severe as its worst alert: severity and urgency only rise by themselves."""
    worst = min(severities, default=None)
    if worst is None:
        return
    grade, urgency = Severity(worst), _urgency(worst, ask.policy)
    because = f"an alert of {grade} belongs to it"
    if urgency.rank > incident.urgency.rank:
        yield UrgencyRaised(urgency, min(grade, incident.severity), because)
    elif grade < incident.severity:
        due = None if incident.unclaimed else ask.policy.next_update(grade, ask.at)
        sooner = due if due and (incident.update_due is None or due < incident.update_due) else None
        yield SeverityChanged(grade, because, sooner)


@dataclass(frozen=True, slots=True)
class AlertsAttached(Event):
    """Alerts joined the incident, or fire again. `origin` is the incident they were moved from.

    An alert that comes back after all were over is nobody's until somebody acknowledges again; one that flaps pages
    nobody for each return.
    """

    alerts: tuple[Attached, ...]
    because: Words = ""
    origin: str = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        alerts = dict(incident.alerts)
        for each in self.alerts:
            alerts[each.key] = _state(alerts.get(each.key), each)
        moved = {key: to for key, to in incident.moved.items() if key not in {each.key for each in self.alerts}}
        after = replace(incident, alerts=alerts, moved=moved)
        firing = [alerts[each.key] for each in self.alerts if each.ended is None]
        if not firing or incident.alerts_quiet is None or not incident.is_open:
            return after
        after = replace(after, alerts_quiet=None)
        if incident.phase is not Phase.MITIGATED:
            return after
        if all(each.flapping is not None for each in firing):
            phase = Phase.ACKNOWLEDGED if incident.acknowledged else Phase.DECLARED
            return replace(after, phase=phase, mitigated=None)
        back = replace(after, phase=Phase.DECLARED, mitigated=None)
        return replace(back, returned=entry.at, returns=incident.returns + 1)

    def says(self, by: str) -> Sentence:
        because = f": {self.because}" if self.because else ""
        origin = f" from {self.origin}" if self.origin else ""
        titles = _titles([each.title for each in self.alerts])
        if all(each.times > 1 and not self.origin for each in self.alerts):
            fire = "fires" if len(self.alerts) == 1 else "fire"
            return says("{titles} {fire} again{because}", titles=titles, fire=fire, because=because)
        return says("{titles} joined{origin}{because}", titles=titles, origin=origin, because=because)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        for each in self.alerts:
            known = incident.alerts.get(each.key)
            if known is not None and known.starts == each.starts:
                continue
            yield Take(open_claim(each.key), "this alert belongs to {holder} already")
            if not self.origin:
                yield Take(episode_claim(each.key, each.starts), "this alert belonged to {holder} already")


def _state(known: AlertState | None, told: Attached) -> AlertState:
    recent = known.recent if known is not None else ()
    if told.starts not in recent:
        recent = (*recent, told.starts)[-KEPT_STARTS:]
    flapping = known.flapping if known is not None else None
    ended, title = told.ended, told.title
    return AlertState(
        told.key, told.starts, ended, title, told.severity, told.service, told.url, told.times, recent, flapping
    )


def _titles(titles: list[str]) -> str:
    told = ", ".join(f"“{title}”" for title in titles[:NAMED])
    return told if len(titles) <= NAMED else f"{told} and {len(titles) - NAMED:,} more alerts"


# -- ending ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EndAlerts(Command):
    """These episodes are over, as the sender said or a full count of what fires there showed.

    An end never closes a newer episode, and one older than the episode's beginning is no news.
    """

    ends: tuple[Over, ...]

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("an alert ends where it fires; resolve the incident instead")
        if not incident.exists:
            return
        news = {}
        for each in self.ends:
            known = incident.alerts.get(each.key)
            if known is None or each.starts < known.starts or each.at < known.starts:
                continue
            if known.firing or each.starts > known.starts:
                news[each.key] = each
        if news:
            titles = _titles([incident.alerts[key].title for key in news])
            ended = AlertsEnded(tuple(news.values()), titles)
            yield ended
            yield from quiets(replace(incident, alerts=ended.folded(incident)))


def quiets(incident: Incident) -> Iterator[Event]:
    """That all alerts of an open incident are over, where they are and none is known to come back."""
    if not incident.is_open or not incident.alerts or incident.alerts_quiet is not None:
        return
    ends = [each.ended for each in incident.alerts.values()]
    over = [each for each in ends if each is not None]
    if len(over) == len(ends) and all(each.flapping is None for each in incident.alerts.values()):
        yield AlertsQuiet(max(over), len(over))


@dataclass(frozen=True, slots=True)
class AlertsEnded(Event):
    """Episodes of its alerts ended."""

    ends: tuple[Over, ...]
    titles: Words = ""

    @property
    def happened_at(self) -> datetime | None:
        return max((each.at for each in self.ends), default=None)

    def folded(self, incident: Incident) -> dict[str, AlertState]:
        """The alerts after it."""
        alerts = dict(incident.alerts)
        for each in self.ends:
            known = alerts.get(each.key)
            if known is None:
                continue
            if each.starts > known.starts:  # an episode nobody told of while it fired
                recent = (*known.recent, each.starts)[-KEPT_STARTS:]
                known = replace(known, starts=each.starts, times=known.times + 1, recent=recent)
            alerts[each.key] = replace(known, ended=each.at)
        return alerts

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, alerts=self.folded(incident))

    def says(self, by: str) -> Sentence:
        return says("{titles} {are} over", titles=self.titles, are="is" if len(self.ends) == 1 else "are")


@dataclass(frozen=True, slots=True)
class AlertsQuiet(Event):
    """All its alerts are over; `since` is the latest end by the data. It resolves nothing.

    Where an objective of the incident is still breached, or sends nothing, the harm is not said to be over.
    """

    since: datetime
    number: int = 1

    @property
    def happened_at(self) -> datetime:
        return self.since

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = [each for each in (incident.sli, *incident.attached) if each is not None]
        after = replace(incident, alerts_quiet=self.since)
        if not incident.is_open or any(each.judged is not Judged.MET for each in known):
            return after
        mitigated = max([self.since, *(each.since for each in known)])
        return replace(after, phase=Phase.MITIGATED, mitigated=mitigated)

    def says(self, by: str) -> Sentence:
        if self.number == 1:
            return says("its alert is over since {since}", since=When(self.since))
        return says("all its {number} alerts are over since {since}", number=self.number, since=When(self.since))
