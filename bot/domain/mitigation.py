"""Changing production: a plan two people read word for word, done at most once, proved by the data, and undoable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.domain.errors import Refused
from bot.domain.guard import Means as Means  # noqa: PLC0414 - the plan's own word, for whoever builds plans
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import require_open
from bot.domain.policy import ActionClass, Policy

if TYPE_CHECKING:
    from bot.domain.incident import Incident


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
    """What the target showed when it was asked about a key; the last two are a person's, where an undo was in doubt."""

    APPLIED = "applied"
    FAILED = "failed"
    UNKNOWN = "unknown"
    TAKEN_BACK = "taken-back"
    STANDS = "still-stands"


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
    """One person's yes to one digest; `stepped_up` where they proved themselves once more for it."""

    person: str
    digest: str
    at: datetime
    stepped_up: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code a person asked for, by its hash, good until then."""

    sha256: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A piece of evidence secured before a change: its exhibit's name and the SHA-256 of its bytes."""

    name: str
    sha256: str


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
    needs: int = 1  # distinct approvers
    offer: str = ""  # the prepared mitigation it came from
    automatic: bool = False  # approved beforehand by the policy
    codes: Mapping[str, Code] = field(default_factory=dict)  # person → the one-time code they may approve with
    glass: str = ""  # why one person acted alone
    reviewed_by: str = ""  # who looked at that afterwards
    held: tuple[str, ...] | None = None  # evidence secured; None while the hold runs
    held_as: tuple[Held, ...] = ()
    not_held: tuple[str, ...] = ()
    hold_waived: str = ""  # why nobody waits for the evidence: people are at risk
    override: str = ""  # why counsel's hold does not stop it
    claimed_at: datetime | None = None
    accepted_at: datetime | None = None  # the target took the change, or its undoing, and is on its way
    applied_at: datetime | None = None
    verified_at: datetime | None = None
    undone_at: datetime | None = None
    kept_at: datetime | None = None  # when it was last made to stand again, because the target had forgotten it
    detail: str = ""
    undos: int = 0  # how often it was asked to be taken back
    stood: State = State.APPLIED  # how it stood when that was asked last: what cannot be taken back stands so again
    undo_begun_at: datetime | None = None  # from then on the target may have been asked to go back

    @property
    def is_pending(self) -> bool:
        """True while somebody or something still owes it an end."""
        return self.state in PENDING

    @property
    def undo_in_doubt(self) -> bool:
        """Whether what nobody can tell is if it was taken back: only what was applied is ever asked to go back."""
        return self.state is State.UNKNOWN and self.undos > 0

    @property
    def hold_finished(self) -> bool:
        """True when the evidence is secured, or this change need not wait for it."""
        waits = self.plan.means.needs_hold and not self.hold_waived and not self.glass
        return self.held is not None or not waits

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who approved exactly this plan, each once, in order."""
        return tuple(dict.fromkeys(each.person for each in self.approvals if each.digest == self.digest))

    @property
    def acts_alone(self) -> str:
        """Who broke the glass: theirs is the last yes, none follows it. "" where nobody did."""
        return self.approvals[-1].person if self.glass and self.approvals else ""

    @property
    def wants_review(self) -> bool:
        """Whether one person acted alone and nobody has looked at it since."""
        touched = self.claimed_at is not None
        return bool(self.glass) and touched and not self.reviewed_by

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


def check_rules(policy: Policy, plan: Plan, at: datetime, *, alone: bool = False) -> None:
    """Raise Refused where the house's rules hold such a change back now; `alone`: one person breaks the glass.

    What a target is not for, and how much may be moved at once, holds for everybody; a freeze does not then.
    """
    allowed = policy.rules_of(plan.target).allow
    if allowed is not None and plan.means not in allowed:
        raise Refused(f"the policy does not allow {plan.means} on {plan.target}; it allows {_listed(allowed)}")
    widest = policy.widest_of(plan.target, plan.klass)
    if plan.share > widest:
        reach, most = (f"{plan.share * 100:g} %" if plan.share < 1 else "all"), f"{widest * 100:g} %"
        raise Refused(f"it may reach {reach} of production; the policy allows {most} of {plan.target} at once")
    if not alone and (frozen := policy.frozen(plan.target, plan.klass, at)) is not None:
        freeze, until = frozen
        raise Refused(f"{freeze.name} holds until {until:%Y-%m-%d %H:%M} UTC: {freeze.because}")


def _listed(means: Collection[Means]) -> str:
    return ", ".join(sorted(means)) or "nothing"


# -- propose ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProposeMitigation(Command):
    """Put a resolved plan before an approver; `offer` names the prepared mitigation it came from."""

    plan: Plan
    because: str = ""
    offer: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require_somebody(ask.person, ask.policy.proposers(self.plan.target), "propose a mitigation")
        require_open(incident, "propose a mitigation")
        yield proposal(incident, self.plan, self.because, self.offer, ask)


def proposal(incident: Incident, asked: Plan, because: str, offer: str, ask: Ask) -> MitigationProposed:
    """The plan, frozen under the rules in force. Raises Refused where it may not even be proposed."""
    plan = replace(asked, rules=ask.policy.fingerprint)
    if not plan.diff:
        raise Refused(f"{plan.target} is in the wanted state already; there is nothing to change")
    for other in on_target(incident, plan.target_uid, PENDING):
        if other.digest == plan.digest:
            raise Refused(f"{other.id} proposes exactly that ({other.state})")
    require_free(incident, plan, UNDER_WAY)
    check_rules(ask.policy, plan, ask.at, alone=True)  # what is frozen may be proposed: it waits
    return MitigationProposed(
        id=f"M{len(incident.mitigations) + 1}",
        plan=plan,
        digest=plan.digest,
        expires_at=ask.at + ask.policy.approval_expires,
        hold_until=ask.at + ask.policy.evidence_hold,
        because=because.strip(),
        needs=ask.policy.quorum_of(plan.target, plan.klass),
        offer=offer,
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
    needs: int = 1
    offer: str = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        made = Mitigation(
            id=self.id,
            plan=self.plan,
            digest=self.digest,
            state=State.PROPOSED,
            proposed_by=entry.by,
            proposed_at=entry.at,
            expires_at=self.expires_at,
            hold_until=self.hold_until,
            because=self.because,
            needs=self.needs,
            offer=self.offer,
        )
        return with_mitigation(incident, made)

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
