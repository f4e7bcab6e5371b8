"""Changing production: a plan two people read word for word, done at most once, proved by the data, and undoable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.domain.errors import NotYours, Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import require_open
from bot.domain.policy import ActionClass, Person

if TYPE_CHECKING:
    from bot.domain.incident import Incident


class Means(StrEnum):
    """The kinds of change."""

    ROLLBACK = "rollback"
    TRAFFIC = "traffic"
    BYPASS = "bypass"
    PAUSE = "pause"
    RETRAIN = "retrain"
    RESTART = "restart"

    @property
    def needs_hold(self) -> bool:
        """Bypass and pause take nothing away that an investigation could miss; the others wait for the evidence."""
        return self not in (Means.BYPASS, Means.PAUSE)


class State(StrEnum):
    """Where a mitigation stands. `unknown` belongs to a person and is never fired again by itself."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    CLAIMED = "claimed"
    APPLIED = "applied"
    VERIFIED = "verified"
    NOT_HELPING = "not helping"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DECLINED = "declined"
    EXPIRED = "expired"
    STALE = "stale"
    UNDOING = "undoing"
    UNDONE = "undone"


PENDING = frozenset({State.PROPOSED, State.APPROVED, State.CLAIMED, State.UNKNOWN, State.UNDOING})
IN_HAND = frozenset({State.CLAIMED, State.UNKNOWN, State.UNDOING})
"""The target is being changed, or nobody can tell."""
UNDER_WAY = IN_HAND | {State.APPROVED}
EFFECTIVE = frozenset({State.APPLIED, State.VERIFIED, State.NOT_HELPING})


class Outcome(StrEnum):
    """What the target showed when it was asked about a key."""

    APPLIED = "applied"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Plan:
    """A fully resolved change: what, where, from which state (`token`) to which, how wide, and how back.

    The digest covers every field: approving it approves exactly these words. A plan without `undo` cannot be taken
    back. `share` is the part of production it reaches, from 0 to 1; where nobody can tell, all of it. `serves` is the
    share of traffic each version should take afterwards; empty where the target cannot say. `dry_run` says how it was
    tried. `managed_by` names what may put the old state back, such as a GitOps controller. `rules` is the fingerprint
    of the policy it was planned under.
    """

    means: Means
    action: str
    target: str
    target_uid: str
    token: str
    params: Mapping[str, object]
    before: Mapping[str, object]
    after: Mapping[str, object]
    diff: tuple[str, ...]
    blast_radius: str
    klass: ActionClass
    undo: str
    undo_params: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    share: float = 1.0
    serves: Mapping[str, float] = field(default_factory=dict)
    dry_run: str = ""
    managed_by: str = ""
    rules: str = ""

    @property
    def reversible(self) -> bool:
        """Whether the state before it can be put back."""
        return bool(self.undo)

    @property
    def digest(self) -> str:
        """SHA-256 over the plan's canonical JSON, hexadecimal."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes to one digest."""

    person: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Mitigation:
    """One proposed change and how far it got."""

    id: str
    plan: Plan
    digest: str
    state: State
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    hold_until: datetime
    because: str
    approvals: tuple[Approval, ...] = ()
    held: tuple[str, ...] | None = None  # evidence secured; None while the hold runs
    not_held: tuple[str, ...] = ()
    claimed_at: datetime | None = None
    applied_at: datetime | None = None
    verified_at: datetime | None = None
    undone_at: datetime | None = None
    detail: str = ""
    undos: int = 0  # how often it was asked to be taken back

    @property
    def is_pending(self) -> bool:
        """True while somebody or something still owes it an end."""
        return self.state in PENDING

    @property
    def hold_finished(self) -> bool:
        """True when the evidence is secured, or this kind of change need not wait for it."""
        return self.held is not None or not self.plan.means.needs_hold

    def key(self, incident: str) -> str:
        """The idempotency key the target is given and can be asked about."""
        return f"{incident}/{self.id}/{self.digest[:16]}"


def busy(uid: str) -> str:
    """The claim that lets one incident at a time change a target."""
    return f"target:{uid}"


def mitigation_of(incident: Incident, name: str) -> Mitigation:
    """The mitigation of that id. Raises Refused naming those there are."""
    found = incident.mitigations.get(name)
    if found is None:
        raise Refused(f"{incident.id} has no mitigation {name}; there is {', '.join(incident.mitigations) or 'none'}")
    return found


def on_target(incident: Incident, uid: str, states: Collection[State], but: str = "") -> list[Mitigation]:
    """The incident's mitigations of one target in one of these states, without the one named `but`."""
    known = incident.mitigations.values()
    return [m for m in known if m.plan.target_uid == uid and m.state in states and m.id != but]


def require_free(incident: Incident, plan: Plan, states: Collection[State], but: str = "") -> None:
    """Raise Refused while another mitigation of this incident has hold of the plan's target.

    The claim keeps other incidents out, not this one's own changes: those are told apart here.
    """
    for other in on_target(incident, plan.target_uid, states, but):
        raise Refused(f"{other.id} is under way on {plan.target} ({other.state}); wait for it to end")


def with_mitigation(incident: Incident, mitigation: Mitigation) -> Incident:
    """The incident holding this mitigation in place of the former one of its id."""
    return replace(incident, mitigations={**incident.mitigations, mitigation.id: mitigation})


def amend(incident: Incident, name: str, **changes: Any) -> Incident:
    """The incident with some fields of one mitigation changed."""
    return with_mitigation(incident, replace(mitigation_of(incident, name), **changes))


# -- propose ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProposeMitigation(Command):
    """Put a resolved plan before an approver."""

    plan: Plan
    because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ask.policy.propose, "propose a mitigation")
        require_open(incident, "propose a mitigation")
        if not self.plan.diff:
            raise Refused(f"{self.plan.target} is in the wanted state already; there is nothing to change")
        for other in on_target(incident, self.plan.target_uid, PENDING):
            if other.digest == self.plan.digest:
                raise Refused(f"{other.id} proposes exactly that ({other.state})")
        require_free(incident, self.plan, UNDER_WAY)
        name = f"M{len(incident.mitigations) + 1}"
        hold = ask.at + ask.policy.evidence_hold
        yield MitigationProposed(
            name, self.plan, self.plan.digest, ask.at + ask.policy.approval_expires, hold, self.because.strip()
        )


@dataclass(frozen=True, slots=True)
class MitigationProposed(Event):
    """A plan was frozen and waits for approval; the evidence hold begins."""

    id: str
    plan: Plan
    digest: str
    expires_at: datetime
    hold_until: datetime
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return with_mitigation(
            incident,
            Mitigation(
                self.id,
                self.plan,
                self.digest,
                State.PROPOSED,
                entry.by,
                entry.at,
                self.expires_at,
                self.hold_until,
                self.because,
            ),
        )

    def says(self, by: str) -> Sentence:
        return says(
            "{who} proposed {id}: {means} on {target} ({diff}), digest {digest}",
            who=Who(by),
            id=self.id,
            means=self.plan.means,
            target=self.plan.target,
            diff="; ".join(self.plan.diff),
            digest=self.digest[:12],
        )


@dataclass(frozen=True, slots=True)
class ReportHold(Command):
    """What evidence was secured before the change, and what could not be."""

    id: str
    held: tuple[str, ...]
    missing: tuple[str, ...] = ()

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if mitigation_of(incident, self.id).held is None:
            yield EvidenceHeld(self.id, self.held, self.missing)


@dataclass(frozen=True, slots=True)
class EvidenceHeld(Event):
    """Evidence was secured, so that the change destroys nothing an investigation needs."""

    id: str
    held: tuple[str, ...]
    missing: tuple[str, ...]

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, held=self.held, not_held=self.missing)

    def says(self, by: str) -> Sentence:
        gaps = f"; missing: {', '.join(self.missing)}" if self.missing else ""
        return says(
            "evidence held for {id}: {held}{gaps}", id=self.id, held=", ".join(self.held) or "nothing", gaps=gaps
        )


# -- approve ---------------------------------------------------------------------------------------------------------


def check_approver(incident: Incident, mitigation: Mitigation, person: Person, ask: Ask) -> None:
    """Raise Refused (NotYours) unless `person` may approve this: the role, and never the proposer."""
    del incident
    plan = mitigation.plan
    ask.policy.require(person, ask.policy.approve[plan.klass], f"approve a class {plan.klass.value} change", NotYours)
    if plan.klass is ActionClass.WIDE:
        raise Refused("a change this wide needs a second factor, which this version does not ask for; do it by hand")
    if person.is_bot:
        raise Refused("Tocsin never approves a change of production")
    if person.id == mitigation.proposed_by:
        raise NotYours(f"you proposed {mitigation.id}; a second person must approve it")


@dataclass(frozen=True, slots=True)
class ApproveMitigation(Command):
    """Approve exactly the plan of that digest."""

    id: str
    digest: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        check_approver(incident, mitigation, ask.person, ask)
        if any(given.person == ask.by and given.digest == self.digest for given in mitigation.approvals):
            return
        if self.digest != mitigation.digest:
            raise Refused(f"the plan of {self.id} changed since you opened it; read it again")
        require_open(incident, "approve a mitigation")
        if mitigation.state is not State.PROPOSED:
            raise Refused(f"{self.id} is {mitigation.state}; there is nothing to approve")
        require_free(incident, mitigation.plan, UNDER_WAY, but=self.id)
        if ask.at >= mitigation.expires_at:
            raise Refused(f"{self.id} expired at {mitigation.expires_at:%H:%M:%S} UTC; propose it again")
        yield MitigationApproved(self.id, self.digest)


@dataclass(frozen=True, slots=True)
class MitigationApproved(Event):
    """A second person approved the plan of this digest."""

    id: str
    digest: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = mitigation_of(incident, self.id)
        approvals = (*was.approvals, Approval(entry.by, self.digest, entry.at))
        return with_mitigation(incident, replace(was, state=State.APPROVED, approvals=approvals))

    def says(self, by: str) -> Sentence:
        return says("{who} approved {id}, digest {digest}", who=Who(by), id=self.id, digest=self.digest[:12])


@dataclass(frozen=True, slots=True)
class DeclineMitigation(Command):
    """Say no, with a reason. The proposer may withdraw the same way."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if ask.by != mitigation.proposed_by:
            ask.policy.require(ask.person, ask.policy.approve[mitigation.plan.klass], "decline a mitigation")
        if mitigation.state is State.DECLINED:
            return
        if mitigation.state not in (State.PROPOSED, State.APPROVED):
            raise Refused(f"{self.id} is {mitigation.state}; it cannot be declined any more")
        yield MitigationDeclined(self.id, self.because.strip() or "no reason given")


@dataclass(frozen=True, slots=True)
class MitigationDeclined(Event):
    """An approver said no."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.DECLINED, detail=self.because)

    def says(self, by: str) -> Sentence:
        return says("{who} declined {id}: {because}", who=Who(by), id=self.id, because=self.because)


@dataclass(frozen=True, slots=True)
class ExpireMitigation(Command):
    """Nobody approved in time."""

    id: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if mitigation.state in (State.PROPOSED, State.APPROVED) and ask.at >= mitigation.expires_at:
            yield MitigationExpired(self.id)


@dataclass(frozen=True, slots=True)
class MitigationExpired(Event):
    """The approval's time ran out; nothing was changed."""

    id: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.EXPIRED)

    def says(self, by: str) -> Sentence:
        return says("{id} expired without being carried out; nothing was changed", id=self.id)
