"""Taking a change back: asked for, begun before the target is touched, and told as the target showed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.approval import proof_of
from bot.domain.errors import Refused
from bot.domain.execution import call_people, require_approver
from bot.domain.hold import require_not_held
from bot.domain.log import Ask, Claim, Command, Entry, Event, Free, Sentence, Take, Tally, Who, Words, says
from bot.domain.mitigation import (
    EFFECTIVE,
    IN_HAND,
    Mitigation,
    Outcome,
    State,
    amend,
    busy,
    mitigation_of,
    require_free,
)
from bot.domain.phase import Phase
from bot.domain.policy import ActionClass, Policy

if TYPE_CHECKING:
    from bot.domain.incident import Incident


def helps(mitigation: Mitigation) -> bool:
    """Whether taking it back would bring the harm back, by the data, to more than a small part of production."""
    return mitigation.state is State.VERIFIED and mitigation.plan.klass >= ActionClass.TRAFFIC


@dataclass(frozen=True, slots=True)
class UndoMitigation(Command):
    """Put the target back as it was before."""

    id: str
    because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        require_approver(mitigation, ask, "undo a mitigation")
        if mitigation.state in (State.UNDOING, State.UNDONE):
            return
        if not mitigation.plan.reversible:
            raise Refused(f"there is no way back from {self.id}")
        if incident.phase is Phase.CLOSED:
            raise Refused(f"{incident.id} is closed; re-open it to undo a change")
        if mitigation.state not in EFFECTIVE:
            raise Refused(f"{self.id} is {mitigation.state}; there is nothing to undo")
        require_not_held(incident, mitigation)
        if helps(mitigation) and ask.by == mitigation.proposed_by:
            raise Refused(f"you proposed {self.id}, and the data say that it helps; a second person must take it back")
        require_free(incident, mitigation.plan, IN_HAND, but=self.id)
        yield UndoAsked(self.id, self.because.strip() or "no reason given")


@dataclass(frozen=True, slots=True)
class UndoAsked(Event):
    """Somebody asked for the change to be taken back."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = mitigation_of(incident, self.id)
        asked = {"undos": was.undos + 1, "stood": was.state, "accepted_at": None, "undo_begun_at": None}
        return amend(incident, self.id, state=State.UNDOING, **asked)

    def says(self, by: str) -> Sentence:
        return says("{who} asked to undo {id}: {because}", who=Who(by), id=self.id, because=self.because)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        target = mitigation_of(incident, self.id).plan
        return [Take(busy(target.target_uid), f"{target.target} is being changed by {{holder}}; wait for it to end")]


@dataclass(frozen=True, slots=True)
class BeginUndo(Command):
    """Take the one right to take it back, before the target is touched: whoever finds it begun looks first."""

    id: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if not ask.person.is_bot:
            raise Refused("only the engine takes a mitigation back")
        if mitigation.state is not State.UNDOING:
            raise Refused(f"{self.id} is {mitigation.state}; there is nothing to take back")
        if mitigation.undo_begun_at is not None:
            raise Refused(f"{self.id} is being taken back already")
        require_not_held(incident, mitigation)
        yield UndoBegun(self.id)


def require_still_going_back(incident: Incident, name: str, policy: Policy, at: datetime) -> None:
    """Raise Refused where taking it back, once begun, may not be asked of the target again: held, or long ago."""
    mitigation = mitigation_of(incident, name)
    if mitigation.state is not State.UNDOING:
        raise Refused(f"{name} is {mitigation.state}")
    begun = mitigation.undo_begun_at
    if begun is not None and at >= begun + policy.approval_expires:
        raise Refused(f"it was begun at {begun:%Y-%m-%d %H:%M:%S} UTC, too long ago")
    require_not_held(incident, mitigation)


@dataclass(frozen=True, slots=True)
class UndoBegun(Event):
    """From now on the target may have been asked to go back."""

    id: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, undo_begun_at=entry.at)

    def says(self, by: str) -> Sentence:
        return says("{id} is being taken back", id=self.id)


@dataclass(frozen=True, slots=True)
class ReportUndo(Command):
    """What became of taking it back. `tell` are the people on call, who must hear of it where nobody can tell."""

    id: str
    outcome: Outcome
    detail: str = ""
    tell: tuple[str, ...] = ()

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if mitigation_of(incident, self.id).state is State.UNDOING:
            yield UndoReported(self.id, self.outcome, self.detail, self.tell if self.outcome is Outcome.UNKNOWN else ())


@dataclass(frozen=True, slots=True)
class UndoReported(Event):
    """The change was taken back, or could not be; where nobody can tell, those named in `told` are paged as well."""

    id: str
    outcome: Outcome
    detail: Words
    told: tuple[str, ...] = ()

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = mitigation_of(incident, self.id)
        state = {Outcome.APPLIED: State.UNDONE, Outcome.FAILED: was.stood, Outcome.UNKNOWN: State.UNKNOWN}[self.outcome]
        undone = entry.at if self.outcome is Outcome.APPLIED else None
        after = amend(incident, self.id, state=state, undone_at=undone, detail=self.detail)
        return call_people(after, was, self.told, entry.at) if state is State.UNKNOWN else after

    def says(self, by: str) -> Sentence:
        said = {
            Outcome.APPLIED: "was undone",
            Outcome.FAILED: "could not be undone",
            Outcome.UNKNOWN: "may or may not have been taken back; a person must look",
        }
        return says("{id} {said}: {detail}", id=self.id, said=said[self.outcome], detail=self.detail)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        if self.outcome is Outcome.UNKNOWN:
            return ()
        was = mitigation_of(incident, self.id)
        freed: list[Claim] = [Free(busy(was.plan.target_uid))]
        # what another hand put back proves nothing of our own undo
        seen_to_work = self.outcome is Outcome.APPLIED and was.undo_begun_at is not None
        return [*freed, Tally(proof_of(was.plan))] if seen_to_work else freed
