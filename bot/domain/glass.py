"""Breaking the glass: one person alone changes production, with a reason, aloud, and somebody reviews it afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.approval import check_code, may_approve, require_approvable
from bot.domain.errors import NotYours, Refused
from bot.domain.followup import FollowUpAdded, FollowUpFinished
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.mitigation import Approval, Mitigation, State, amend, check_rules, mitigation_of, with_mitigation
from bot.domain.paging import Call
from bot.domain.policy import Person, Policy

if TYPE_CHECKING:
    from bot.domain.incident import Incident

SHORTEST = 10
"""Characters of a reason that says something."""


def nobody_else(mitigation: Mitigation, policy: Policy, people: Sequence[Person], at: datetime) -> str:
    """Why it may be time to act alone: nobody came in time, or there is nobody to wait for. "" while there is.

    Before that nobody is led into temptation. `people` is the directory, with the badges they have now.
    """
    plan = mitigation.plan
    waits = mitigation.state is State.PROPOSED or (mitigation.state is State.APPROVED and not mitigation.glass)
    if not waits or at >= mitigation.expires_at:
        return ""
    if mitigation.state is State.APPROVED:
        frozen = policy.frozen(plan.target, plan.klass, at) is not None
        return "it is approved, and nothing may move now" if frozen else ""
    if at >= mitigation.proposed_at + policy.approval_waits:
        return f"it has waited for {(at - mitigation.proposed_at).total_seconds() // 60:.0f} min"
    if policy.frozen(plan.target, plan.klass, at) is not None:
        return "nobody may approve it while nothing may move"
    there_are = sum(may_approve(mitigation, person, policy) for person in people)
    if people and there_are < mitigation.needs - len(mitigation.approvers):
        return "there are too few people who may approve it"
    return ""


def may_review(mitigation: Mitigation, person: Person, policy: Policy) -> bool:
    """Whether they may look at what one person did alone: somebody who had no part in it, and could have."""
    if person.is_bot or person.id in {mitigation.proposed_by, *mitigation.approvers}:
        return False
    plan = mitigation.plan
    return bool(person.badges & (policy.approvers(plan.target, plan.klass) | policy.break_glass))


REVIEW = "glass:"
"""What the promise to review begins with, where it says from what it came."""


@dataclass(frozen=True, slots=True)
class BreakGlass(Command):
    """Carry out exactly this plan on one person's word. `tell` are the people who must hear of it at once.

    It overrides the second person, a freeze, the cool-down, the budget and the evidence hold; not the digest, the
    target's state, what the target is for, how wide a change may be, nor counsel's hold. What was approved and is held
    back may be carried out so as well.
    """

    id: str
    digest: str
    because: str
    tell: tuple[str, ...]
    code: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        ask.policy.require(ask.person, ask.policy.break_glass, "act alone", NotYours)
        if ask.person.is_bot:
            raise Refused("Tocsin never breaks the glass")
        if mitigation.acts_alone == ask.by:
            return
        because = self.because.strip()
        if len(because) < SHORTEST:
            raise Refused(f"say in a sentence why it cannot wait for a second person ({SHORTEST} characters at least)")
        require_approvable(incident, mitigation, self.digest, ask, alone=True)
        check_rules(ask.policy, mitigation.plan, ask.at, alone=True)
        if mitigation.plan.klass in ask.policy.step_up:
            check_code(incident, mitigation, self.code, ask)
        told = tuple(person for person in dict.fromkeys(self.tell) if person != ask.by)
        yield GlassBroken(self.id, self.digest, because, told)
        reviewer = told[0] if told else ask.by
        due = (ask.at + ask.policy.review_within).date()
        text = f"Review {self.id}, which was carried out by one person alone"
        yield FollowUpAdded(f"U{len(incident.followups) + 1}", text, reviewer, due, "", said=f"{REVIEW}{self.id}")


@dataclass(frozen=True, slots=True)
class GlassBroken(Event):
    """One person acts alone; those named in `told` are paged."""

    id: str
    digest: str
    because: Words
    told: tuple[str, ...]

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = mitigation_of(incident, self.id)
        approvals = (*was.approvals, Approval(entry.by, self.digest, entry.at))
        after = replace(was, state=State.APPROVED, approvals=approvals, glass=self.because, needs=1, codes={})
        why = f"{self.id} is carried out by one person alone"
        first = len(incident.calls) + 1
        calls = [Call(number, person, entry.by, entry.at, why) for number, person in enumerate(self.told, first)]
        return replace(with_mitigation(incident, after), calls=(*incident.calls, *calls))

    def says(self, by: str) -> Sentence:
        return says("{who} broke the glass for {id} and acts alone: {because}", who=Who(by), id=self.id,
                    because=self.because)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReviewGlass(Command):
    """Somebody else looked at what one person did alone: was it right, and what follows."""

    id: str
    justified: bool
    words: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        plan = mitigation.plan
        allowed = ask.policy.approvers(plan.target, plan.klass) | ask.policy.break_glass
        ask.policy.require(ask.person, allowed, "review it", NotYours)
        if not mitigation.glass:
            raise Refused(f"nobody broke the glass for {self.id}; there is nothing to review")
        if ask.by in {mitigation.proposed_by, *mitigation.approvers} or ask.person.is_bot:
            raise NotYours(f"you acted in {self.id}; somebody else must review it")
        if not self.words.strip():
            raise Refused("say what you found")
        if mitigation.reviewed_by:
            return
        yield GlassReviewed(self.id, self.justified, self.words.strip())
        for item in incident.followups.values():
            if item.said == f"{REVIEW}{self.id}" and item.done is None:
                yield FollowUpFinished(item.id)


@dataclass(frozen=True, slots=True)
class GlassReviewed(Event):
    """What one person did alone was looked at by another."""

    id: str
    justified: bool
    words: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, reviewed_by=entry.by)

    def says(self, by: str) -> Sentence:
        judged = "justified" if self.justified else "not justified"
        sentence = "{who} reviewed {id}, acting alone was {judged}: {found}"
        return says(sentence, who=Who(by), id=self.id, judged=judged, found=self.words)
