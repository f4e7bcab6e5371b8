"""What must change so that it does not come back, with an owner and a date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.five_whys import Why, why_of
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One promise: what, who, until when, which why it answers, and when it was kept."""

    id: str
    text: str
    owner: str
    due: date
    why: str
    done: datetime | None = None
    said: str = ""  # the message it was taken from

    def overdue(self, today: date) -> bool:
        """True once the date has passed and it is not done."""
        return self.done is None and today > self.due


def unanswered(incident: Incident) -> list[Why]:
    """Root causes for which nobody has promised a change yet."""
    answered = {item.why for item in incident.followups.values()}
    return [why for why in incident.whys.values() if why.root and why.id not in answered]


@dataclass(frozen=True, slots=True)
class AddFollowUp(Command):
    """Promise a change."""

    text: str
    owner: str
    due: date
    why: str = ""
    said: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "add a follow-up")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        text = self.text.strip()
        if not text:
            raise Refused("a follow-up needs words")
        if self.due < ask.at.date():
            raise Refused(f"the due date {self.due} has passed already")
        if self.why:
            why_of(incident, self.why)
        if any(known.text == text and known.owner == self.owner for known in incident.followups.values()):
            return
        if self.said and any(known.said == self.said for known in incident.followups.values()):
            return
        yield FollowUpAdded(f"U{len(incident.followups) + 1}", text, self.owner, self.due, self.why, self.said)


@dataclass(frozen=True, slots=True)
class FollowUpAdded(Event):
    """A change was promised."""

    id: str
    text: Words
    owner: str
    due: date
    why: str
    said: str = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        item = FollowUp(self.id, self.text, self.owner, self.due, self.why, said=self.said)
        return replace(incident, followups={**incident.followups, self.id: item})

    def says(self, by: str) -> Sentence:
        return says(
            "{id} for {owner} until {due}: {text}",
            id=self.id,
            owner=Who(self.owner),
            due=self.due.isoformat(),
            text=self.text,
        )


@dataclass(frozen=True, slots=True)
class FinishFollowUp(Command):
    """The promise was kept."""

    followup: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        item = _promised(incident, self.followup, ask, "finish a follow-up")
        if item.done is None:
            yield FollowUpFinished(self.followup)


@dataclass(frozen=True, slots=True)
class FollowUpFinished(Event):
    """A promise was kept."""

    followup: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        item = replace(incident.followups[self.followup], done=entry.at)
        return replace(incident, followups={**incident.followups, self.followup: item})

    def says(self, by: str) -> Sentence:
        return says("{who} finished {id}", who=Who(by), id=self.followup)


@dataclass(frozen=True, slots=True)
class ChangeFollowUp(Command):
    """Give a promise to another person, or another date; what is left out stays as it is."""

    followup: str
    owner: str = ""
    due: date | None = None

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        item = _promised(incident, self.followup, ask, "change a follow-up")
        owner, due = self.owner or item.owner, self.due or item.due
        if (owner, due) == (item.owner, item.due):
            return
        if item.done is not None:
            raise Refused(f"{item.id} is done already")
        if due != item.due and due < ask.at.date():
            raise Refused(f"the due date {due} has passed already")
        yield FollowUpChanged(item.id, owner, due)


@dataclass(frozen=True, slots=True)
class FollowUpChanged(Event):
    """A promise has another owner or another date."""

    followup: str
    owner: str
    due: date

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        item = replace(incident.followups[self.followup], owner=self.owner, due=self.due)
        return replace(incident, followups={**incident.followups, self.followup: item})

    def says(self, by: str) -> Sentence:
        words = "{who} changed {id}: now for {owner} until {due}"
        return says(words, who=Who(by), id=self.followup, owner=Who(self.owner), due=self.due.isoformat())


def _promised(incident: Incident, name: str, ask: Ask, to: str) -> FollowUp:
    """The follow-up of that id, for its owner or a responder. Raises Refused."""
    item = incident.followups.get(name)
    if item is None or item.owner != ask.by:
        ask.policy.require(ask.person, RESPONDERS, to)
    if item is None:
        raise Refused(f"there is no follow-up {name}")
    return item
