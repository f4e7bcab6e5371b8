"""What became of a mitigation: reported as the target showed it, proved by the data, taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.approval import proof_of
from bot.domain.claim import budget, moved
from bot.domain.errors import Refused
from bot.domain.hold import require_not_held
from bot.domain.log import (
    TOCSIN,
    Ask,
    Claim,
    Command,
    Entry,
    Event,
    Free,
    Sentence,
    Take,
    Tally,
    Untally,
    Who,
    Words,
    says,
)
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
from bot.domain.paging import Call
from bot.domain.phase import Phase
from bot.domain.policy import ActionClass
from bot.domain.reminder import leader

if TYPE_CHECKING:
    from bot.domain.incident import Incident


# -- what the target showed ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportOutcome(Command):
    """What the target showed after the change was asked for. A person may settle an unknown outcome the same way."""

    id: str
    outcome: Outcome
    detail: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if not ask.person.is_bot:
            _require_approver(mitigation, ask, "settle an unknown outcome")
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
            ended, undone = (State.APPLIED, None) if stands else (State.UNDONE, entry.at)
            return amend(incident, self.id, state=ended, undone_at=undone, detail=self.detail)
        applied = entry.at if self.outcome is Outcome.APPLIED else None
        after = amend(incident, self.id, state=state, applied_at=applied, detail=self.detail)
        return _call_people(after, was) if state is State.UNKNOWN else after

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
        was = mitigation_of(incident, self.id)
        free: list[Claim] = [Free(busy(was.plan.target_uid))]
        if self.outcome is Outcome.FAILED and not was.undos:  # nothing was changed: it does not count
            free += [Untally(moved(was.plan)), Untally(budget(incident.service))]
        return free


def _call_people(incident: Incident, mitigation: Mitigation) -> Incident:
    """Nobody can tell what stands: whoever leads, and who wanted it, are paged, each once."""
    concerned = (leader(incident), *mitigation.approvers, mitigation.proposed_by)
    people = [person for person in dict.fromkeys(concerned) if person and person != TOCSIN]
    at = mitigation.claimed_at or mitigation.proposed_at
    because = f"nobody can tell whether {mitigation.id} was applied; somebody must look at {mitigation.plan.target}"
    first = len(incident.calls) + 1
    calls = [Call(number, person, TOCSIN, at, because) for number, person in enumerate(people, first)]
    return replace(incident, calls=(*incident.calls, *calls))


def _require_approver(mitigation: Mitigation, ask: Ask, to: str) -> None:
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


# -- keep ------------------------------------------------------------------------------------------------------------

KEEP_EVERY = timedelta(minutes=1)
"""How often a target that may forget a change is reminded of it, and told of at most."""


def to_keep(incidents: Iterable[Incident]) -> dict[str, list[tuple[Incident, Mitigation]]]:
    """What must go on standing, by target, the oldest first: changes in effect that no later one has replaced.

    A later change replaces one of the same target where both say what a part of it shall be, and not the same. Of a
    target that is in hand, in whatever incident, nothing is kept.
    """
    found: dict[str, list[tuple[Incident, Mitigation]]] = {}
    in_hand: set[str] = set()
    for incident in incidents:
        for each in incident.mitigations.values():
            if each.state in IN_HAND:
                in_hand.add(each.plan.target_uid)
            elif each.state in EFFECTIVE and incident.phase is not Phase.CLOSED:
                found.setdefault(each.plan.target_uid, []).append((incident, each))
    for uid, pairs in found.items():
        pairs.sort(key=lambda pair: pair[1].applied_at or pair[1].proposed_at)
        found[uid] = [
            pair for place, pair in enumerate(pairs)
            if not any(_replaces(later, pair[1]) for _, later in pairs[place + 1 :])
        ]  # fmt: skip
    return {uid: pairs for uid, pairs in found.items() if uid not in in_hand}


def _replaces(later: Mitigation, earlier: Mitigation) -> bool:
    after = later.plan.after
    return any(part in after and after[part] != state for part, state in earlier.plan.after.items())


@dataclass(frozen=True, slots=True)
class ReportKept(Command):
    """A target had forgotten a change, and it was made to stand again; `detail` says what was done."""

    id: str
    detail: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("what is kept is reported by the bot")
        mitigation = mitigation_of(incident, self.id)
        told = mitigation.kept_at
        if self.detail and mitigation.state in EFFECTIVE and (told is None or ask.at - told >= KEEP_EVERY):
            yield ChangeKept(self.id, self.detail)


@dataclass(frozen=True, slots=True)
class ChangeKept(Event):
    """The target had forgotten the change; it stands again."""

    id: str
    detail: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, kept_at=entry.at)

    def says(self, by: str) -> Sentence:
        return says("{id} stands again, its target had lost it: {detail}", id=self.id, detail=self.detail)


# -- prove -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportVerification(Command):
    """Whether the data show that it helped; `take_back` is why it is taken back at once where it did not."""

    id: str
    helped: bool
    because: str
    take_back: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if not ask.person.is_bot:
            raise Refused("a mitigation is verified by the data")
        if self.helped:
            if mitigation.state in (State.APPLIED, State.NOT_HELPING):
                yield MitigationVerified(self.id, self.because)
        elif mitigation.state is State.APPLIED:
            yield MitigationNotHelping(self.id, self.because)
            if self.take_back:  # in one commit: a crash in between would leave it standing
                yield from UndoMitigation(self.id, self.take_back).decide(incident, ask)


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
        _require_approver(mitigation, ask, "undo a mitigation")
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
        undos = mitigation_of(incident, self.id).undos + 1
        return amend(incident, self.id, state=State.UNDOING, undos=undos, accepted_at=None, undo_begun_at=None)

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
        yield UndoBegun(self.id)


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
        was = mitigation_of(incident, self.id)
        after = amend(incident, self.id, state=state, undone_at=undone, detail=self.detail)
        return _call_people(after, was) if state is State.UNKNOWN else after

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
        plan = mitigation_of(incident, self.id).plan
        freed: list[Claim] = [Free(busy(plan.target_uid))]
        return [*freed, Tally(proof_of(plan))] if self.outcome is Outcome.APPLIED else freed
