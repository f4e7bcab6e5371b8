"""Who plays which part in one incident, after the Incident Command System."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, says
from bot.domain.phase import RESPONDERS, require_open

if TYPE_CHECKING:
    from bot.domain.incident import Incident


class Part(StrEnum):
    """The parts ICS names."""

    COMMANDER = "incident commander"
    OPERATIONS = "operations lead"
    COMMUNICATIONS = "communications lead"


@dataclass(frozen=True, slots=True)
class Assign(Command):
    """Give a part to a person (oneself, or another)."""

    part: Part
    person: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, f"assign the {self.part}")
        require_open(incident, "assign a part")
        if incident.parts.get(self.part) == self.person:
            return
        yield PartAssigned(self.part, self.person)


@dataclass(frozen=True, slots=True)
class PartAssigned(Event):
    """A person took a part."""

    part: Part
    person: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, parts={**incident.parts, self.part: self.person})

    def says(self, by: str) -> Sentence:
        if by == self.person:
            return says("{who} is {part}", who=Who(by), part=self.part)
        return says("{who} made {person} {part}", who=Who(by), person=Who(self.person), part=self.part)
