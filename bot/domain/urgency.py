"""How an incident the data opened grows more urgent, and how a suspicion ends that the data no longer bear out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.checks import unfinished_changes
from bot.domain.errors import Refused
from bot.domain.lifecycle import open_claim
from bot.domain.log import Ask, Claim, Command, Entry, Event, Free, Sentence, Words, says
from bot.domain.phase import Phase
from bot.domain.policy import Severity, Urgency
from bot.domain.sli import Judged

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class RaiseUrgency(Command):
    """The data call for more: urgency and severity only rise by themselves; lowering them is a person's word."""

    urgency: Urgency
    severity: Severity
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("urgency rises with the data; change the severity instead")
        if not incident.is_open or self.urgency.rank <= incident.urgency.rank:
            return
        yield UrgencyRaised(self.urgency, min(self.severity, incident.severity), self.because)


@dataclass(frozen=True, slots=True)
class UrgencyRaised(Event):
    """It became more urgent. Whoever took it as a ticket may be asleep: a page needs somebody who acknowledges it."""

    urgency: Urgency
    severity: Severity
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        raised = replace(incident, urgency=self.urgency, severity=self.severity)
        if self.urgency is not Urgency.PAGE:
            return raised
        again = incident.returns + (1 if incident.acknowledged else 0)
        return replace(raised, phase=Phase.DECLARED, mitigated=None, returned=entry.at, returns=again)

    def says(self, by: str) -> Sentence:
        return says(
            "it is a {urgency} now, {severity}: {because}",
            urgency=str(self.urgency),
            severity=str(self.severity),
            because=self.because,
        )


@dataclass(frozen=True, slots=True)
class Withdraw(Command):
    """End a suspicion that nobody took and the data no longer bear out; nothing happens to any other incident.

    Over a change that is in hand, or that one person made alone, it stays open for people to end, and says so.
    """

    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("a suspicion ends with the data; resolve it instead")
        met = incident.sli is not None and incident.sli.judged is Judged.MET
        met = met and all(sli.judged is Judged.MET for sli in incident.attached)
        if not (incident.is_open and incident.suspected and incident.acknowledged is None and met):
            return
        unfinished = unfinished_changes(incident)
        if not unfinished:
            yield SuspicionWithdrawn(self.because)
        elif unfinished != incident.stays_open:  # said once
            yield SuspicionStays(unfinished)


@dataclass(frozen=True, slots=True)
class SuspicionWithdrawn(Event):
    """It was a suspicion, and the data no longer bear it out."""

    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, phase=Phase.CLOSED, closed=entry.at)

    def says(self, by: str) -> Sentence:
        return says("the suspicion is withdrawn: {because}", because=self.because)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        return [Free(open_claim(key)) for key in (incident.fingerprint, *incident.alerts)]


@dataclass(frozen=True, slots=True)
class SuspicionStays(Event):
    """The data no longer bear it out, and it stays open all the same: something in it is not over."""

    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, stays_open=self.because)

    def says(self, by: str) -> Sentence:
        words = "the data no longer bear the suspicion out; it stays open until somebody resolves it: {because}"
        return says(words, because=self.because)
