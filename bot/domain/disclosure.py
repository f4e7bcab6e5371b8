"""Telling without having to: whether to speak to somebody of one's own will is decided by a person, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Whether an audience is told of one's own will: decided by whom, when and why."""

    audience: str
    tell: bool
    because: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DecideDisclosure(Command):
    """Counsel decides whether to tell an audience nobody must be told; the last decision holds, all are kept."""

    audience: str
    tell: bool
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require_somebody(ask.person, ask.policy.approve_notice, "decide on a voluntary disclosure")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        audience, because = " ".join(self.audience.split()), self.because.strip()
        if not audience:
            raise Refused("say who would be told")
        if not because:
            raise Refused("a decision needs its reason")
        was = incident.disclosures.get(audience)
        if was is None or (was.tell, was.because, was.by) != (self.tell, because, ask.by):
            yield DisclosureDecided(audience, self.tell, because)


@dataclass(frozen=True, slots=True)
class DisclosureDecided(Event):
    """It was decided whether an audience is told voluntarily."""

    audience: str
    tell: bool
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        decided = Disclosure(self.audience, self.tell, self.because, entry.by, entry.at)
        return replace(incident, disclosures={**incident.disclosures, self.audience: decided})

    def says(self, by: str) -> Sentence:
        words = "{who} decided {tell} tell {audience} voluntarily: {because}"
        tell = "to" if self.tell else "not to"
        return says(words, who=Who(by), tell=tell, audience=self.audience, because=self.because)
