"""What became of a mitigation as its target showed it; where nobody can tell, people are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.claim import budget, moved
from bot.domain.errors import Refused
from bot.domain.log import (
    TOCSIN,
    Ask,
    Claim,
    Command,
    Entry,
    Event,
    Free,
    Sentence,
    Untally,
    Who,
    Words,
    says,
)
from bot.domain.mitigation import (
    Mitigation,
    Outcome,
    State,
    amend,
    busy,
    mitigation_of,
)
from bot.domain.paging import Call
from bot.domain.reminder import leader

if TYPE_CHECKING:
    from bot.domain.incident import Incident

UNDOING_SETTLED = (Outcome.TAKEN_BACK, Outcome.STANDS)


@dataclass(frozen=True, slots=True)
class ReportOutcome(Command):
    """What the target showed after the change was asked for. A person settles an unknown outcome the same way.

    Where an undo is in doubt they say whether it was taken back or still stands, in these words and no others.
    `tell` are the people on call, who must hear of it where nobody can tell.
    """

    id: str
    outcome: Outcome
    detail: str = ""
    tell: tuple[str, ...] = ()

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if not ask.person.is_bot:
            require_approver(mitigation, ask, "settle an unknown outcome")
            if mitigation.state is not State.UNKNOWN:
                raise Refused(f"{self.id} is {mitigation.state}; only an unknown outcome is settled by a person")
            if self.outcome is not Outcome.UNKNOWN and self.outcome not in (may := settlements(mitigation)):
                raise Refused(f"nobody can tell whether {in_doubt(mitigation)}: say {' or '.join(may)}")
        elif mitigation.undo_in_doubt or self.outcome in UNDOING_SETTLED:
            return  # news of the change itself says nothing about its undoing
        if mitigation.state is State.UNKNOWN and self.outcome is Outcome.UNKNOWN:
            return
        if mitigation.state not in (State.CLAIMED, State.UNKNOWN):
            return
        yield OutcomeReported(self.id, self.outcome, self.detail, self.tell if self.outcome is Outcome.UNKNOWN else ())


@dataclass(frozen=True, slots=True)
class OutcomeReported(Event):
    """The change was applied, failed, or nobody can tell: then those named in `told` are paged as well.

    Of an undo in doubt, it is what a person found.
    """

    id: str
    outcome: Outcome
    detail: Words
    told: tuple[str, ...] = ()

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = mitigation_of(incident, self.id)
        outcome = was_meant(self.outcome) if was.undo_in_doubt else self.outcome
        if outcome in UNDOING_SETTLED:
            ended, undone = (State.UNDONE, entry.at) if outcome is Outcome.TAKEN_BACK else (was.stood, None)
            return amend(incident, self.id, state=ended, undone_at=undone, detail=self.detail)
        state = {Outcome.APPLIED: State.APPLIED, Outcome.FAILED: State.FAILED, Outcome.UNKNOWN: State.UNKNOWN}[outcome]
        applied = entry.at if outcome is Outcome.APPLIED else None
        after = amend(incident, self.id, state=state, applied_at=applied, detail=self.detail)
        return call_people(after, was, self.told, entry.at) if state is State.UNKNOWN else after

    def says(self, by: str) -> Sentence:
        match self.outcome:
            case Outcome.APPLIED:
                return says("{id} was applied: {detail}", id=self.id, detail=self.detail)
            case Outcome.FAILED:
                return says("{id} failed, nothing was changed: {detail}", id=self.id, detail=self.detail)
            case Outcome.TAKEN_BACK:
                words = "{who} found that {id} was taken back: {detail}"
                return says(words, who=Who(by), id=self.id, detail=self.detail)
            case Outcome.STANDS:
                words = "{who} found that {id} still stands: {detail}"
                return says(words, who=Who(by), id=self.id, detail=self.detail)
            case Outcome.UNKNOWN:
                words = (
                    "{id}: nobody can tell whether it was applied ({detail}); a person must look, it is not tried again"
                )
                return says(words, id=self.id, detail=self.detail)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        if self.outcome is Outcome.UNKNOWN:
            return ()
        was = mitigation_of(incident, self.id)
        free: list[Claim] = [Free(busy(was.plan.target_uid))]
        if self.outcome is Outcome.FAILED and not was.undos:  # nothing was changed: it does not count
            free += [Untally(moved(was.plan)), Untally(budget(incident.service))]
        return free


def was_meant(outcome: Outcome) -> Outcome:
    """What an older log says of an undo in doubt: it had no words of its own for that."""
    return {Outcome.FAILED: Outcome.TAKEN_BACK, Outcome.APPLIED: Outcome.STANDS}.get(outcome, outcome)


def in_doubt(mitigation: Mitigation) -> str:
    """What nobody can tell of it."""
    return f"{mitigation.id} was {'taken back' if mitigation.undos else 'applied'}"


def settlements(mitigation: Mitigation) -> tuple[Outcome, Outcome]:
    """What a person who looked at the target may have found, where nobody could tell: that it was done, or not."""
    return UNDOING_SETTLED if mitigation.undos else (Outcome.APPLIED, Outcome.FAILED)


def call_people(incident: Incident, mitigation: Mitigation, on_call: Sequence[str], at: datetime) -> Incident:
    """Nobody can tell what stands: whoever leads, who wanted it, and those on call are paged, each once.

    Of what was approved beforehand nobody wanted it, and nobody may lead yet: then those on call are all there is.
    """
    concerned = (leader(incident), *mitigation.approvers, mitigation.proposed_by, *on_call)
    people = [person for person in dict.fromkeys(concerned) if person and person != TOCSIN]
    name = mitigation.id
    because = f"nobody can tell whether {in_doubt(mitigation)}; somebody must look at {mitigation.plan.target}"
    first = len(incident.calls) + 1
    calls = [Call(number, person, TOCSIN, at, because, change=name) for number, person in enumerate(people, first)]
    return replace(incident, calls=(*incident.calls, *calls))


def require_approver(mitigation: Mitigation, ask: Ask, to: str) -> None:
    """Raise Refused, naming who may, unless the person may approve such a change."""
    plan = mitigation.plan
    ask.policy.require(ask.person, ask.policy.approvers(plan.target, plan.klass), to)


@dataclass(frozen=True, slots=True)
class ReportAccepted(Command):
    """The target took the change, or its undoing, and is on its way; `detail` says how far."""

    id: str
    detail: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if mitigation.state in (State.CLAIMED, State.UNDOING) and mitigation.accepted_at is None:
            yield ChangeAccepted(self.id, self.detail)


@dataclass(frozen=True, slots=True)
class ChangeAccepted(Event):
    """The target is on its way to what was asked; it is looked at until it is there."""

    id: str
    detail: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, accepted_at=entry.at, detail=self.detail)

    def says(self, by: str) -> Sentence:
        return says("{id} was accepted by its target: {detail}", id=self.id, detail=self.detail)
