"""A second person's yes: to exactly this plan, by somebody who may, in time, each person once; else a refusal."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.errors import NotYours, Refused, Unproved
from bot.domain.guard import ActionClass
from bot.domain.log import Ask, Claim, Command, Entry, Event, Need, Sentence, When, Who, Words, says
from bot.domain.mitigation import (
    UNDER_WAY,
    Approval,
    Code,
    Mitigation,
    Plan,
    State,
    amend,
    check_rules,
    mitigation_of,
    proposal,
    require_free,
    with_mitigation,
)
from bot.domain.phase import require_open
from bot.domain.policy import Person, Policy

if TYPE_CHECKING:
    from bot.domain.incident import Incident

ENDED = "the rules of the house changed since it was proposed; propose it again"


def check_approver(mitigation: Mitigation, person: Person, policy: Policy) -> None:
    """Raise Refused (NotYours) unless `person` may approve this: by their badges, and never what they proposed."""
    plan = mitigation.plan
    allowed = policy.approvers(plan.target, plan.klass)
    policy.require(person, allowed, f"approve a class {plan.klass.value} change of {plan.target}", NotYours)
    if person.is_bot:
        raise Refused("Tocsin never approves a change of production")
    if person.id == mitigation.proposed_by:
        raise NotYours(f"you proposed {mitigation.id}; a second person must approve it")


def may_approve(mitigation: Mitigation, person: Person, policy: Policy) -> bool:
    """Whether their yes would count: by their badges, never to what they proposed, and once."""
    plan = mitigation.plan
    if person.is_bot or person.id == mitigation.proposed_by or person.id in mitigation.approvers:
        return False
    return bool(person.badges & policy.approvers(plan.target, plan.klass))


def require_approvable(
    incident: Incident, mitigation: Mitigation, digest: str, ask: Ask, *, alone: bool = False
) -> None:
    """Raise Refused unless this very plan may be said yes to now, whoever says it.

    `alone`: by one person who breaks the glass, which may be done over an approval that something holds back.
    """
    name = mitigation.id
    if digest != mitigation.digest:
        raise Refused(f"the plan of {name} changed since you opened it; read it again")
    require_open(incident, "approve a mitigation")
    if alone and mitigation.glass:
        raise Refused(f"somebody acts alone in {name} already; it is {mitigation.state}")
    if mitigation.state is not State.PROPOSED and not (alone and mitigation.state is State.APPROVED):
        raise Refused(f"{name} is {mitigation.state}; there is nothing to approve")
    require_free(incident, mitigation.plan, UNDER_WAY, but=name)
    if ask.at >= mitigation.expires_at:
        raise Refused(f"{name} expired at {mitigation.expires_at:%H:%M:%S} UTC; propose it again")
    if mitigation.plan.rules != ask.policy.fingerprint:
        raise Refused(ENDED)


# -- a code of one's own ---------------------------------------------------------------------------------------------


def code_hash(code: str, person: str, digest: str) -> str:
    """What the log keeps of a one-time code: it opens one plan for one person. Written any way, it is one code."""
    plain = "".join(code.split()).replace("-", "").upper()
    return hashlib.sha256(f"{plain}|{person}|{digest}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class GiveCode(Command):
    """Note that a person was given a fresh one-time code for one plan; `sha256` is its `code_hash`."""

    id: str
    sha256: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        plan, alone = mitigation.plan, ask.policy.break_glass  # whoever may act alone may prove who they are
        allowed = ask.policy.approvers(plan.target, plan.klass) | alone
        ask.policy.require(ask.person, allowed, f"be given a code for {self.id}", NotYours)
        may_act_alone = bool(ask.person.badges & alone)
        if not may_act_alone:
            check_approver(mitigation, ask.person, ask.policy)
        require_approvable(incident, mitigation, mitigation.digest, ask, alone=may_act_alone)
        if mitigation.plan.klass not in ask.policy.step_up:
            raise Refused(f"{self.id} is approved without a code")
        yield CodeGiven(self.id, self.sha256, ask.at + ask.policy.step_up_within)


@dataclass(frozen=True, slots=True)
class CodeGiven(Event):
    """A person proved themselves once more and was given a code; a former one of theirs is void."""

    id: str
    sha256: str
    until: datetime

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        codes = {**mitigation_of(incident, self.id).codes, entry.by: Code(self.sha256, self.until)}
        return amend(incident, self.id, codes=codes)

    def says(self, by: str) -> Sentence:
        words = "{who} was given a one-time code for {id}, good until {until}"
        return says(words, who=Who(by), id=self.id, until=When(self.until))


def check_code(incident: Incident, mitigation: Mitigation, code: str, ask: Ask) -> None:
    """Raise Unproved unless this is the person's own code for this plan, and fresh."""
    name, known = mitigation.id, mitigation.codes.get(ask.by)
    how = f"get one with `tocsin incident code {incident.id} {name}` or in the console"
    if not code.strip():
        raise Unproved(f"a change this wide is approved with a one-time code; {how}")
    if known is None or not hmac.compare_digest(known.sha256, code_hash(code, ask.by, mitigation.digest)):
        raise Unproved(f"that is not your code for {name}; {how}")
    if ask.at >= known.until:
        raise Unproved(f"your code for {name} ran out at {known.until:%H:%M:%S} UTC; {how}")


# -- yes -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApproveMitigation(Command):
    """Approve exactly the plan of that digest; `code` where its class asks for one."""

    id: str
    digest: str
    code: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        check_approver(mitigation, ask.person, ask.policy)
        if self.digest == mitigation.digest and ask.by in mitigation.approvers:
            return
        require_approvable(incident, mitigation, self.digest, ask)
        check_rules(ask.policy, mitigation.plan, ask.at)
        stepped_up = mitigation.plan.klass in ask.policy.step_up
        if stepped_up:
            check_code(incident, mitigation, self.code, ask)
        needs = ask.policy.quorum_of(mitigation.plan.target, mitigation.plan.klass)
        left = needs - len(mitigation.approvers) - 1
        yield MitigationApproved(self.id, self.digest, max(left, 0), stepped_up)


@dataclass(frozen=True, slots=True)
class MitigationApproved(Event):
    """A person approved the plan of this digest; `left` more must."""

    id: str
    digest: str
    left: int = 0
    stepped_up: bool = False

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = mitigation_of(incident, self.id)
        approvals = (*was.approvals, Approval(entry.by, self.digest, entry.at, self.stepped_up))
        codes = {person: code for person, code in was.codes.items() if person != entry.by}  # it was for once
        state = was.state if self.left else State.APPROVED
        return with_mitigation(incident, replace(was, state=state, approvals=approvals, codes=codes))

    def says(self, by: str) -> Sentence:
        words = "{who} approved {id}, digest {digest}" + ("; {left} more must" if self.left else "")
        return says(words, who=Who(by), id=self.id, digest=self.digest[:12], left=self.left)


# -- no --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeclineMitigation(Command):
    """Say no, with a reason. The proposer may withdraw the same way."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if ask.by != mitigation.proposed_by:
            allowed = ask.policy.approvers(mitigation.plan.target, mitigation.plan.klass)
            ask.policy.require_somebody(ask.person, allowed, "decline a mitigation")
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


# -- beforehand ------------------------------------------------------------------------------------------------------


def proof_of(plan: Plan) -> str:
    """Under this key is remembered when such a change of that target was last seen to be taken back."""
    return f"undone:{plan.target_uid}/{plan.means}"


@dataclass(frozen=True, slots=True)
class Preapprove(Command):
    """Propose what the policy has approved beforehand: small, with an undo that was seen to work, and free to go."""

    plan: Plan
    offer: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        plan, policy = self.plan, ask.policy
        if not ask.person.is_bot:
            raise Refused("a person proposes; what is approved beforehand is done by itself")
        require_open(incident, "do what is approved beforehand")
        if not policy.is_automatic(plan.target, plan.means):
            raise Refused(f"{plan.means} on {plan.target} is not approved beforehand")
        if plan.klass is not ActionClass.SMALL:
            raise Refused(f"it is a class {plan.klass.value} change; only class 1 is approved beforehand")
        if not plan.reversible:
            raise Refused("there is no way back; only what can be undone is approved beforehand")
        check_rules(policy, plan, ask.at)
        proposed = proposal(incident, plan, self.because, self.offer, ask)
        yield proposed
        yield MitigationPreapproved(proposed.id, proposed.digest, policy.undo_proof.total_seconds())


@dataclass(frozen=True, slots=True)
class MitigationPreapproved(Event):
    """The policy approved it beforehand; that its undo was seen to work within so many seconds is proved with it."""

    id: str
    digest: str
    proof_within: float

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.APPROVED, automatic=True)

    def says(self, by: str) -> Sentence:
        return says("{id} is approved beforehand by the policy", id=self.id)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        plan = mitigation_of(incident, self.id).plan
        because = (
            f"nobody has seen a {plan.means} of {plan.target} taken back lately; "
            "do it once by hand and undo it, then it may be done by itself"
        )
        return [Need(proof_of(plan), self.proof_within, because)]


@dataclass(frozen=True, slots=True)
class LeaveToPeople(Command):
    """Note why what is approved beforehand was not done by itself; it is not tried again in this incident."""

    offer: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if incident.exists and self.offer not in incident.left_to_people:
            yield LeftToPeople(self.offer, self.because)


@dataclass(frozen=True, slots=True)
class LeftToPeople(Event):
    """What is approved beforehand could not be done by itself."""

    offer: str
    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, left_to_people=incident.left_to_people | {self.offer})

    def says(self, by: str) -> Sentence:
        return says("“{offer}” was not done by itself: {because}", offer=self.offer, because=self.because)
