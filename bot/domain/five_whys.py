"""Past the symptom: a tree of whys in which every answer rests on a finding or says that it is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS

if TYPE_CHECKING:
    from bot.domain.incident import Incident

DEEPEST = 9


@dataclass(frozen=True, slots=True)
class Why:
    """One answer to "why?". `parent` is "" for the first; `evidence` names a finding, or is "" for assumed."""

    id: str
    parent: str
    text: str
    evidence: str
    by: str
    root: bool = False

    @property
    def assumed(self) -> bool:
        """True while no finding supports it."""
        return not self.evidence


def depth(whys: dict[str, Why], name: str) -> int:
    """How many whys deep a node is, the first being 1."""
    deep = 0
    while name:
        deep, name = deep + 1, whys[name].parent
    return deep


@dataclass(frozen=True, slots=True)
class AddWhy(Command):
    """Answer "why?" under `parent` ("" for the first), resting on a finding or assumed."""

    text: str
    parent: str = ""
    evidence: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "answer a why")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        text = self.text.strip()
        if not text:
            raise Refused("a why needs an answer")
        if self.parent and self.parent not in incident.whys:
            raise Refused(f"there is no why {self.parent}")
        if self.evidence and incident.finding(self.evidence) is None:
            raise Refused(f"there is no finding {self.evidence}; leave it open to mark the answer as assumed")
        if self.parent and depth(dict(incident.whys), self.parent) >= DEEPEST:
            raise Refused(f"{DEEPEST} whys deep is deep enough; name the root cause")
        if any(why.parent == self.parent and why.text == text for why in incident.whys.values()):
            return
        yield WhyAnswered(f"W{len(incident.whys) + 1}", self.parent, text, self.evidence)


@dataclass(frozen=True, slots=True)
class WhyAnswered(Event):
    """A why was answered."""

    id: str
    parent: str
    text: Words
    evidence: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        why = Why(self.id, self.parent, self.text, self.evidence, entry.by)
        return replace(incident, whys={**incident.whys, self.id: why})

    def says(self, by: str) -> Sentence:
        ground = f"rests on {self.evidence}" if self.evidence else "assumed"
        return says(
            "{who} answered why ({id}, {ground}): {text}", who=Who(by), id=self.id, ground=ground, text=self.text
        )


@dataclass(frozen=True, slots=True)
class NameRootCause(Command):
    """Say that a why is where the chain ends: a cause the organisation controls."""

    why: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "name a root cause")
        why = incident.whys.get(self.why)
        if why is None:
            raise Refused(f"there is no why {self.why}")
        if not why.root:
            yield RootCauseNamed(self.why, why.text)


@dataclass(frozen=True, slots=True)
class RootCauseNamed(Event):
    """A why was named as a root cause."""

    why: str
    text: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, whys={**incident.whys, self.why: replace(incident.whys[self.why], root=True)})

    def says(self, by: str) -> Sentence:
        return says("{who} named a root cause: {text}", who=Who(by), text=self.text)
