"""Two incidents that turn out to be one, and one that turns out to be two: both logs keep what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.alerts import AlertsAttached, AlertState, Attached, quiets, rises
from bot.domain.checks import unfinished_changes
from bot.domain.errors import Refused
from bot.domain.grouping import taken
from bot.domain.lifecycle import open_claim
from bot.domain.log import Ask, Claim, Command, Entry, Event, Free, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS, Phase, require_open
from bot.domain.sli import Attach, Sli

if TYPE_CHECKING:
    from bot.domain.incident import Incident


# -- merge -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MergeInto(Command):
    """Resolve it as the same thing as `other`, where its alerts and further ones go.

    `other_restricted` is whether the other one is restricted, as whoever asks has just seen.
    """

    other: str
    because: str = ""
    other_restricted: bool = False

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "merge incidents")
        if incident.merged_into == self.other and incident.exists:
            return
        if incident.id == self.other:
            raise Refused(f"{incident.id} cannot be merged into itself")
        require_open(incident, "merge it")
        if incident.storm is not None:
            raise Refused(f"{incident.id} stands for a whole storm; merge its children instead")
        if ask.person.is_bot and taken(incident):
            raise Refused(f"people have {incident.id} in hand; merging it is theirs to decide")
        if incident.restricted != self.other_restricted:
            raise Refused("a restricted incident and one that everybody may read are not merged")
        if unfinished := unfinished_changes(incident):
            raise Refused(f"{unfinished}; end that first")
        yield IncidentMerged(self.other, self.because.strip())


@dataclass(frozen=True, slots=True)
class IncidentMerged(Event):
    """It is the same thing as another incident, where it goes on."""

    into: str
    because: Words = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        moved = {**incident.moved, **dict.fromkeys(incident.alerts, self.into)}
        ended = replace(incident, phase=Phase.RESOLVED, resolved=entry.happened_at, resolved_by=entry.by)
        return replace(ended, merged_into=self.into, moved=moved, update_due=None)

    def says(self, by: str) -> Sentence:
        because = f": {self.because}" if self.because else ""
        return says("{who} merged it into {into}{because}", who=Who(by), into=self.into, because=because)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        return [Free(open_claim(key)) for key in (incident.fingerprint, *incident.alerts)]


@dataclass(frozen=True, slots=True)
class TakeIn(Command):
    """Go on with what another incident was: its alerts, and the objectives it was told of."""

    other: str
    alerts: tuple[AlertState, ...] = ()
    slis: tuple[Sli, ...] = ()
    because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "merge incidents")
        require_open(incident, "take another incident in")
        if self.other not in incident.merged:
            yield IncidentTakenIn(self.other, self.because.strip())
        for sli in self.slis:
            if incident.sli is None or incident.sli.slo != sli.slo:
                yield from Attach(sli).decide(incident, ask)
        yield from moves(incident, self.alerts, self.other, ask)


@dataclass(frozen=True, slots=True)
class IncidentTakenIn(Event):
    """Another incident turned out to be this one."""

    other: str
    because: Words = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, merged=(*incident.merged, self.other))

    def says(self, by: str) -> Sentence:
        because = f": {self.because}" if self.because else ""
        return says("{who} merged {other} into it{because}", who=Who(by), other=self.other, because=because)


def moves(incident: Incident, alerts: Iterable[AlertState], origin: str, ask: Ask) -> Iterator[Event]:
    """Alerts that come from another incident; those this one knows as well, or better, stay as they are."""
    news = []
    for each in alerts:
        known = incident.alerts.get(each.key)
        if known is None or each.starts > known.starts:
            times = each.times + (known.times if known is not None else 0)
            news.append(
                Attached(each.key, each.starts, each.ended, each.title, each.severity, each.service, each.url, times)
            )
    if news:
        yield AlertsAttached(tuple(news), "", origin)
        yield from rises(incident, (each.severity for each in news if each.ended is None), ask)


# -- split -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Split(Command):
    """These alerts are another thing: `into` is the incident that goes on with them."""

    keys: tuple[str, ...]
    into: str
    because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        keys = split_keys(incident, self.keys, ask)
        if all(incident.moved.get(key) == self.into for key in keys):
            return
        yield AlertsSplitOff(keys, self.into, self.because.strip())
        left = {key: each for key, each in incident.alerts.items() if key not in keys}
        yield from quiets(replace(incident, alerts=left))


def split_keys(incident: Incident, keys: Iterable[str], ask: Ask) -> tuple[str, ...]:
    """The alerts that are split off, each once. Raises Refused where that cannot be."""
    ask.policy.require(ask.person, RESPONDERS, "split an incident")
    require_open(incident, "split it")
    wanted = tuple(dict.fromkeys(keys))
    if not wanted:
        raise Refused("name the alerts that are another thing")
    if unknown := [key for key in wanted if key not in incident.alerts and key not in incident.moved]:
        raise Refused(f"{incident.id} has no alert {', '.join(unknown)}")
    if not any(key in incident.alerts for key in wanted):
        return wanted
    if set(incident.alerts) <= set(wanted):
        raise Refused(f"these are all alerts of {incident.id}; leave at least one")
    return wanted


@dataclass(frozen=True, slots=True)
class AlertsSplitOff(Event):
    """Alerts turned out to be another thing, which goes on in an incident of its own."""

    keys: tuple[str, ...]
    into: str
    because: Words = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        left = {key: each for key, each in incident.alerts.items() if key not in self.keys}
        return replace(incident, alerts=left, moved={**incident.moved, **dict.fromkeys(self.keys, self.into)})

    def says(self, by: str) -> Sentence:
        because = f": {self.because}" if self.because else ""
        number = "an alert" if len(self.keys) == 1 else f"{len(self.keys):,} alerts"
        words = "{who} split {number} off into {into}{because}"
        return says(words, who=Who(by), number=number, into=self.into, because=because)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        return [Free(open_claim(key)) for key in self.keys]


@dataclass(frozen=True, slots=True)
class TakeOver(Command):
    """Go on with alerts that were split off from another incident."""

    other: str
    alerts: tuple[AlertState, ...]

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "split an incident")
        require_open(incident, "take alerts over")
        yield from moves(incident, self.alerts, self.other, ask)
