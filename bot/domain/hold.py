"""What must not be lost: evidence secured before a change, and counsel's word that nothing may be altered."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.guard import MOVING
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.mitigation import EFFECTIVE, Held, Mitigation, State, amend, mitigation_of

if TYPE_CHECKING:
    from bot.domain.incident import Incident

WAITING = frozenset({State.PROPOSED, State.APPROVED})


# -- evidence, before a change (Regulation (EU) 2024/1689, Art. 73(6)) -----------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportHold(Command):
    """What evidence was secured before the change, and what could not be; what came in `late` is added to it."""

    id: str
    held: tuple[Held, ...]
    missing: tuple[str, ...] = ()
    late: bool = False

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        fresh = tuple(each for each in self.held if each not in mitigation.held_as)
        if mitigation.held is None or (self.late and (fresh or self.missing != mitigation.not_held)):
            names = tuple(each.name for each in fresh)
            yield EvidenceHeld(self.id, names, self.missing, tuple(each.sha256 for each in fresh))


@dataclass(frozen=True, slots=True)
class EvidenceHeld(Event):
    """Evidence was secured, so that the change destroys nothing an investigation needs; each with its SHA-256."""

    id: str
    held: tuple[str, ...]
    missing: tuple[str, ...]
    sha256: tuple[str, ...] = ()

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = mitigation_of(incident, self.id)
        fresh = tuple(Held(*pair) for pair in zip(self.held, self.sha256, strict=False))
        return amend(
            incident,
            self.id,
            held=(*(was.held or ()), *self.held),
            held_as=(*was.held_as, *fresh),
            not_held=self.missing,
        )

    def says(self, by: str) -> Sentence:
        gaps = f"; missing: {', '.join(self.missing)}" if self.missing else ""
        return says(
            "evidence held for {id}: {held}{gaps}", id=self.id, held=", ".join(self.held) or "nothing", gaps=gaps
        )


@dataclass(frozen=True, slots=True)
class SkipHold(Command):
    """People are at risk: carry it out without waiting for the evidence, and say why."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = _before_change(incident, self.id, ask, "skip the evidence hold", WAITING)
        because = _reason(self.because, "why people are at risk")
        if not mitigation.hold_finished:
            yield HoldSkipped(self.id, because)


@dataclass(frozen=True, slots=True)
class HoldSkipped(Event):
    """Nobody waits for the evidence, because people are at risk; what there is is still collected."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, hold_waived=self.because)

    def says(self, by: str) -> Sentence:
        words = "{who} lets {id} go ahead before its evidence is held: {because}"
        return says(words, who=Who(by), id=self.id, because=self.because)


# -- counsel's hold --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegalHold:
    """Counsel wants nothing altered: who said so, when and why."""

    by: str
    at: datetime
    because: str


def held_back(incident: Incident, mitigation: Mitigation) -> bool:
    """Whether counsel's hold keeps this change from being carried out."""
    return incident.legal_hold is not None and mitigation.plan.klass in MOVING and not mitigation.override


def require_not_held(incident: Incident, mitigation: Mitigation) -> None:
    """Raise Refused where counsel's hold keeps this change from being carried out."""
    if incident.legal_hold is not None and held_back(incident, mitigation):
        because = incident.legal_hold.because
        raise Refused(
            f"counsel holds {incident.id} as it is: {because}; {mitigation.id} waits until it is released or overridden"
        )


@dataclass(frozen=True, slots=True)
class PlaceHold(Command):
    """Counsel: alter nothing that matters until I say so."""

    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require_somebody(ask.person, ask.policy.counsel, "place a legal hold")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        because = _reason(self.because, "why nothing may be altered")
        if incident.legal_hold is None or incident.legal_hold.because != because:
            yield HoldPlaced(because)


@dataclass(frozen=True, slots=True)
class HoldPlaced(Event):
    """Counsel placed a hold: class 2 and 3 changes wait."""

    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, legal_hold=LegalHold(entry.by, entry.at, self.because))

    def says(self, by: str) -> Sentence:
        return says("{who} placed a legal hold: {because}", who=Who(by), because=self.because)


@dataclass(frozen=True, slots=True)
class ReleaseHold(Command):
    """Counsel: what is needed is safe, go on."""

    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require_somebody(ask.person, ask.policy.counsel, "release a legal hold")
        because = _reason(self.because, "why it may be released")
        if incident.legal_hold is not None:
            yield HoldReleased(because)


@dataclass(frozen=True, slots=True)
class HoldReleased(Event):
    """Counsel released the hold."""

    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, legal_hold=None)

    def says(self, by: str) -> Sentence:
        return says("{who} released the legal hold: {because}", who=Who(by), because=self.because)


@dataclass(frozen=True, slots=True)
class OverrideHold(Command):
    """An approver takes it upon themselves: this one change, or its undoing, goes ahead in spite of counsel's hold."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = _before_change(
            incident, self.id, ask, "override a legal hold", WAITING | EFFECTIVE | {State.UNDOING}
        )
        because = _reason(self.because, "why it cannot wait for counsel")
        if ask.by == mitigation.proposed_by:
            raise Refused(f"you proposed {self.id}; a second person must override the hold")
        if incident.legal_hold is None:
            raise Refused(f"there is no legal hold on {incident.id}")
        if not mitigation.override:
            yield HoldOverridden(self.id, because)


@dataclass(frozen=True, slots=True)
class HoldOverridden(Event):
    """One change goes ahead in spite of counsel's hold, on somebody's word."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, override=self.because)

    def says(self, by: str) -> Sentence:
        words = "{who} lets {id} go ahead in spite of the legal hold: {because}"
        return says(words, who=Who(by), id=self.id, because=self.because)


def _before_change(incident: Incident, name: str, ask: Ask, to: str, states: Collection[State]) -> Mitigation:
    """The mitigation, before it is carried out (or taken back), for somebody who may approve it. Raises Refused."""
    mitigation = mitigation_of(incident, name)
    plan = mitigation.plan
    ask.policy.require_somebody(ask.person, ask.policy.approvers(plan.target, plan.klass), to)
    if mitigation.state not in states:
        raise Refused(f"{name} is {mitigation.state}; it does not wait for a hold")
    return mitigation


def _reason(given: str, what: str) -> str:
    because = given.strip()
    if not because:
        raise Refused(f"say {what}")
    return because
