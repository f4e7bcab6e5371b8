"""Carrying a mitigation out: claimed once against the target as it is now, reported, proved by the data, taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Claim, Command, Entry, Event, Free, Sentence, Take, Who, Words, says
from bot.domain.mitigation import (
    EFFECTIVE,
    IN_HAND,
    Mitigation,
    MitigationExpired,
    Outcome,
    State,
    amend,
    busy,
    check_approver,
    mitigation_of,
    require_free,
)
from bot.domain.phase import Phase
from bot.domain.policy import ActionClass, Person

if TYPE_CHECKING:
    from bot.domain.incident import Incident


# -- carry out -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClaimMitigation(Command):
    """Take the right to carry it out: everything is checked once more against the target as it is now.

    `token` is the target's version read just before; `approvers` are the approving people with the roles they have now.
    """

    id: str
    token: str
    approvers: tuple[Person, ...]

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if not ask.person.is_bot:
            raise Refused("only the engine carries out a mitigation")
        if mitigation.state is State.CLAIMED:
            raise Refused(f"{self.id} is being carried out already")  # the one who claimed it acts, nobody else
        if mitigation.state is not State.APPROVED:
            raise Refused(f"{self.id} is {mitigation.state}; it cannot be carried out")
        if mitigation.plan.digest != mitigation.digest:
            raise Refused(f"the stored plan of {self.id} is not the one approved")
        if ask.at >= mitigation.expires_at or not incident.is_open:  # over meanwhile: nobody wants it any more
            yield MitigationExpired(self.id)
            return
        require_free(incident, mitigation.plan, IN_HAND, but=self.id)
        self._check_approvals(incident, mitigation, ask)
        hour = timedelta(hours=1)
        lately = [m.id for m in incident.mitigations.values() if m.claimed_at and ask.at - m.claimed_at < hour]
        if len(lately) >= ask.policy.changes_per_hour:
            raise Refused(f"{len(lately)} changes were carried out within the hour, as many as the policy allows")
        if self.token != mitigation.plan.token:
            yield MitigationOutdated(self.id, self.token)
            return
        yield MitigationClaimed(self.id, self.token)

    def _check_approvals(self, incident: Incident, mitigation: Mitigation, ask: Ask) -> None:
        """The hold is over, and every approval of this digest is by a person who may still approve."""
        if not mitigation.hold_finished and ask.at < mitigation.hold_until:
            raise Refused(f"the evidence hold of {self.id} runs until {mitigation.hold_until:%H:%M:%S} UTC")
        valid = [given.person for given in mitigation.approvals if given.digest == mitigation.digest]
        by_id = {person.id: person for person in self.approvers}
        for name in valid:
            if name not in by_id:
                raise Refused("an approver is not known any more")
            check_approver(incident, mitigation, by_id[name], ask)
        if not valid:
            raise Refused(f"{self.id} has no valid approval")


@dataclass(frozen=True, slots=True)
class MitigationClaimed(Event):
    """The one right to carry it out was taken, against the target's version `token`."""

    id: str
    token: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.CLAIMED, claimed_at=entry.at)

    def says(self, by: str) -> Sentence:
        return says("{id} is being carried out", id=self.id)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        target = mitigation_of(incident, self.id).plan
        return [Take(busy(target.target_uid), f"{target.target} is being changed by {{holder}}; wait for it to end")]


@dataclass(frozen=True, slots=True)
class MitigationOutdated(Event):
    """The target changed after the plan was made: the approval is void, nothing was done."""

    id: str
    token: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.STALE, detail="the target changed after the plan was made")

    def says(self, by: str) -> Sentence:
        return says(
            "{id} was not carried out: its target changed after the plan was made (now {token}); propose it again",
            id=self.id,
            token=self.token,
        )


@dataclass(frozen=True, slots=True)
class ReportOutcome(Command):
    """What the target showed after the change was asked for. A person may settle an unknown outcome the same way."""

    id: str
    outcome: Outcome
    detail: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if not ask.person.is_bot:
            ask.policy.require(ask.person, ask.policy.approve[mitigation.plan.klass], "settle an unknown outcome")
            if mitigation.state is not State.UNKNOWN:
                raise Refused(f"{self.id} is {mitigation.state}; only an unknown outcome is settled by a person")
        if mitigation.state is State.UNKNOWN and self.outcome is Outcome.UNKNOWN:
            return
        if mitigation.state not in (State.CLAIMED, State.UNKNOWN):
            return
        yield OutcomeReported(self.id, self.outcome, self.detail)


@dataclass(frozen=True, slots=True)
class OutcomeReported(Event):
    """The change was applied, failed, or nobody can tell."""

    id: str
    outcome: Outcome
    detail: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        state = {Outcome.APPLIED: State.APPLIED, Outcome.FAILED: State.FAILED, Outcome.UNKNOWN: State.UNKNOWN}[
            self.outcome
        ]
        was = mitigation_of(incident, self.id)
        if was.undos and self.outcome is not Outcome.UNKNOWN:  # in doubt was whether it had been taken back
            stands = self.outcome is Outcome.APPLIED
            after, undone = (State.APPLIED, None) if stands else (State.UNDONE, entry.at)
            return amend(incident, self.id, state=after, undone_at=undone, detail=self.detail)
        applied = entry.at if self.outcome is Outcome.APPLIED else None
        return amend(incident, self.id, state=state, applied_at=applied, detail=self.detail)

    def says(self, by: str) -> Sentence:
        match self.outcome:
            case Outcome.APPLIED:
                return says("{id} was applied: {detail}", id=self.id, detail=self.detail)
            case Outcome.FAILED:
                return says("{id} failed, nothing was changed: {detail}", id=self.id, detail=self.detail)
            case Outcome.UNKNOWN:
                words = (
                    "{id}: nobody can tell whether it was applied ({detail}); a person must look, it is not tried again"
                )
                return says(words, id=self.id, detail=self.detail)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        if self.outcome is Outcome.UNKNOWN:
            return ()
        return [Free(busy(mitigation_of(incident, self.id).plan.target_uid))]


# -- prove -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportVerification(Command):
    """Whether the data show that it helped."""

    id: str
    helped: bool
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if not ask.person.is_bot:
            raise Refused("a mitigation is verified by the data")
        if mitigation.state is State.APPLIED or (mitigation.state is State.NOT_HELPING and self.helped):
            yield (
                MitigationVerified(self.id, self.because)
                if self.helped
                else MitigationNotHelping(self.id, self.because)
            )


@dataclass(frozen=True, slots=True)
class MitigationVerified(Event):
    """The target is in the wanted state and the SLI is met again."""

    id: str
    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.VERIFIED, verified_at=entry.at)

    def says(self, by: str) -> Sentence:
        return says("{id} is verified: {because}", id=self.id, because=self.because)


@dataclass(frozen=True, slots=True)
class MitigationNotHelping(Event):
    """The change was applied, and the SLI did not come back in time."""

    id: str
    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.NOT_HELPING, detail=self.because)

    def says(self, by: str) -> Sentence:
        return says("{id} does not seem to help: {because}", id=self.id, because=self.because)


# -- undo ------------------------------------------------------------------------------------------------------------


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
        ask.policy.require(ask.person, ask.policy.approve[mitigation.plan.klass], "undo a mitigation")
        if mitigation.state in (State.UNDOING, State.UNDONE):
            return
        if incident.phase is Phase.CLOSED:
            raise Refused(f"{incident.id} is closed; re-open it to undo a change")
        if mitigation.state not in EFFECTIVE:
            raise Refused(f"{self.id} is {mitigation.state}; there is nothing to undo")
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
        return amend(incident, self.id, state=State.UNDOING, undos=mitigation_of(incident, self.id).undos + 1)

    def says(self, by: str) -> Sentence:
        return says("{who} asked to undo {id}: {because}", who=Who(by), id=self.id, because=self.because)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        target = mitigation_of(incident, self.id).plan
        return [Take(busy(target.target_uid), f"{target.target} is being changed by {{holder}}; wait for it to end")]


@dataclass(frozen=True, slots=True)
class ReportUndo(Command):
    """What became of taking it back."""

    id: str
    outcome: Outcome
    detail: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if mitigation_of(incident, self.id).state is State.UNDOING:
            yield UndoReported(self.id, self.outcome, self.detail)


@dataclass(frozen=True, slots=True)
class UndoReported(Event):
    """The change was taken back, or could not be."""

    id: str
    outcome: Outcome
    detail: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        state = {Outcome.APPLIED: State.UNDONE, Outcome.FAILED: State.APPLIED, Outcome.UNKNOWN: State.UNKNOWN}[
            self.outcome
        ]
        undone = entry.at if self.outcome is Outcome.APPLIED else None
        return amend(incident, self.id, state=state, undone_at=undone, detail=self.detail)

    def says(self, by: str) -> Sentence:
        said = {
            Outcome.APPLIED: "was undone",
            Outcome.FAILED: "could not be undone",
            Outcome.UNKNOWN: "may or may not be undone; a person must look",
        }
        return says("{id} {said}: {detail}", id=self.id, said=said[self.outcome], detail=self.detail)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        if self.outcome is Outcome.UNKNOWN:
            return ()
        return [Free(busy(mitigation_of(incident, self.id).plan.target_uid))]
