"""Past the symptom: a tree of whys in which every answer rests on a finding or says that it is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    struck: str = ""  # why it counts no more; then it stands among the incident's struck ones

    @property
    def assumed(self) -> bool:
        """True while no finding supports it."""
        return not self.evidence


def depth(whys: Mapping[str, Why], name: str) -> int:
    """How many whys deep a node is, the first being 1."""
    deep = 0
    while name:
        deep, name = deep + 1, whys[name].parent
    return deep


def walk(whys: Mapping[str, Why], name: str = "") -> Iterator[tuple[Why, int]]:
    """The answers below a why ("" for all), each with its depth, 1 being the first; every branch before the next."""
    below: dict[str, list[Why]] = {}
    for why in whys.values():
        below.setdefault(why.parent, []).append(why)
    waiting = [(why, 1) for why in reversed(below.get(name, []))]
    while waiting:
        why, deep = waiting.pop()
        yield why, deep
        waiting += [(child, deep + 1) for child in reversed(below.get(why.id, []))]


def why_of(incident: Incident, name: str) -> Why:
    """The why of that id. Raises Refused for one that never was, or was struck since."""
    if (why := incident.whys.get(name)) is not None:
        return why
    if (gone := incident.struck.get(name)) is not None:
        raise Refused(f"{name} was struck meanwhile ({gone.struck}); choose another why")
    raise Refused(f"there is no why {name}")


def _grounded(incident: Incident, evidence: str) -> None:
    """Raise Refused unless the evidence is a finding that still counts, or nothing."""
    if not evidence:
        return
    finding = incident.finding(evidence)
    if finding is None:
        raise Refused(f"there is no finding {evidence}; leave it open to mark the answer as assumed")
    if finding.gone is not None:
        raise Refused(f"{evidence} was taken back; choose another finding, or mark the answer as assumed")


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
        if self.parent:
            why_of(incident, self.parent)
        _grounded(incident, self.evidence)
        if self.parent and depth(incident.whys, self.parent) >= DEEPEST:
            raise Refused(f"{DEEPEST} whys deep is deep enough; name the root cause")
        if any(why.parent == self.parent and why.text == text for why in incident.whys.values()):
            return
        yield WhyAnswered(f"W{len(incident.whys) + len(incident.struck) + 1}", self.parent, text, self.evidence)


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
        why = why_of(incident, self.why)
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


# -- setting it right ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviseWhy(Command):
    """Say an answer in other words, or say what it rests on ("" for assumed; None leaves that as it is)."""

    why: str
    text: str = ""
    evidence: str | None = None

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "correct a why")
        why = why_of(incident, self.why)
        text = self.text.strip() or why.text
        evidence = why.evidence if self.evidence is None else self.evidence
        if evidence != why.evidence:
            _grounded(incident, evidence)
        if any(o.id != why.id and (o.parent, o.text) == (why.parent, text) for o in incident.whys.values()):
            raise Refused("another branch says that already")
        if (text, evidence) != (why.text, why.evidence):
            yield WhyRevised(why.id, text, evidence)


@dataclass(frozen=True, slots=True)
class WhyRevised(Event):
    """An answer was corrected; the log keeps how it read before."""

    why: str
    text: Words
    evidence: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        why = replace(incident.whys[self.why], text=self.text, evidence=self.evidence)
        return replace(incident, whys={**incident.whys, self.why: why})

    def says(self, by: str) -> Sentence:
        ground = f"rests on {self.evidence}" if self.evidence else "assumed"
        return says(
            "{who} corrected why {id} ({ground}): {text}", who=Who(by), id=self.why, ground=ground, text=self.text
        )


@dataclass(frozen=True, slots=True)
class StrikeWhy(Command):
    """Take an answer out of the tree with everything below it; what was promised because of it stays promised."""

    why: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "strike a why")
        if self.why in incident.struck:
            return
        why = why_of(incident, self.why)
        if not self.because.strip():
            raise Refused("say why the answer does not hold")
        yield WhyStruck((why.id, *(below.id for below, _deep in walk(incident.whys, why.id))), self.because.strip())


@dataclass(frozen=True, slots=True)
class WhyStruck(Event):
    """An answer does not hold; it and what was built on it count no more."""

    whys: tuple[str, ...]
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        gone = {name: replace(incident.whys[name], struck=self.because or "struck") for name in self.whys}
        left = {name: why for name, why in incident.whys.items() if name not in gone}
        return replace(incident, whys=left, struck={**incident.struck, **gone})

    def says(self, by: str) -> Sentence:
        return says("{who} struck {ids}: {because}", who=Who(by), ids=", ".join(self.whys), because=self.because)
