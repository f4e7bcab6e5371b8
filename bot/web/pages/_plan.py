"""One change of production as a person reads it on a page, with what they may do about it; the rule is asked again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.glass import nobody_else
from bot.domain.guard import ON_CALL
from bot.domain.hold import WAITING
from bot.domain.mitigation import EFFECTIVE, Mitigation, State
from bot.domain.phase import Phase
from bot.domain.policy import Person, Policy
from bot.domain.undo import helps
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.web.shapes_change import MitigationShape

ENDED = frozenset({State.DECLINED, State.EXPIRED, State.STALE, State.FAILED, State.UNDONE})
"""Nothing of it stands at the target; its plan is folded up."""


_SAID = {
    State.CLAIMED: "being carried out",
    State.APPLIED: "applied, being proved",
    State.UNDOING: "being taken back",
    State.UNKNOWN: "nobody can tell",
}


@dataclass(frozen=True, slots=True)
class Given:
    """A one-time code to show once: for which mitigation, and until when it is good."""

    mitigation: str
    code: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Deeds:
    """What this person may do about it now."""

    approve: bool
    code: bool
    alone: bool
    decline: bool
    go_ahead: bool
    override: bool
    undo: bool
    settle: bool
    review: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A mitigation as the page shows it."""

    m: Mitigation
    told: MitigationShape
    may: Deeds
    proposer: str
    own: bool
    waiting: bool
    helps: bool
    ended: bool
    stands: bool  # at the target, and may be taken back
    holdable: bool  # it, or its undoing, waits for counsel's hold
    left: timedelta
    standing: str
    tone: str
    notes: tuple[tuple[str, str], ...]  # tone, sentence
    next_offers: tuple[str, ...]  # what else is prepared, where this one does not help
    code: Given | None


def badged(who: Profile, situation: Situation) -> Person:
    """The person with every badge they have now; `on-call` where they are on call for the incident's service."""
    person = who.person
    return replace(person, groups=person.groups | {ON_CALL}) if who.id in situation.on_call else person


def block(
    each: Mitigation, told: MitigationShape, who: Profile, situation: Situation, policy: Policy, given: Given | None
) -> Block:
    """Everything about one mitigation."""
    waiting = each.state is State.PROPOSED and situation.now < each.expires_at
    wanting = each.state is State.NOT_HELPING
    return Block(
        m=each,
        told=told,
        may=_deeds(each, told, badged(who, situation), situation, policy),
        proposer=situation.name(each.proposed_by),
        own=each.proposed_by == who.id,
        waiting=waiting,
        helps=helps(each),
        ended=each.state in ENDED,
        stands=each.state in EFFECTIVE,
        holdable=each.state in WAITING | EFFECTIVE,
        left=each.expires_at - situation.now,
        standing=_standing(each),
        tone=_tone(each.state),
        notes=tuple(_notes(each, told, situation, policy)),
        next_offers=tuple(
            offer.label for offer, unfit in situation.offers if wanting and offer.name != each.offer and not unfit
        ),
        code=given if given and given.mitigation == each.id else None,
    )


def _held_back(each: Mitigation, situation: Situation, policy: Policy) -> bool:
    """Whether it is approved and something holds it back over which one person may act alone."""
    return situation.incident.is_open and bool(nobody_else(each, policy, situation.directory, situation.now))


def _deeds(each: Mitigation, told: MitigationShape, person: Person, situation: Situation, policy: Policy) -> Deeds:
    plan, incident = each.plan, situation.incident
    own, state = each.proposed_by == person.id, each.state
    allowed = bool(person.badges & policy.approvers(plan.target, plan.klass))
    glass = bool(person.badges & policy.break_glass)
    waiting = state is State.PROPOSED and situation.now < each.expires_at and incident.is_open and not told.outdated
    alone = glass and (
        waiting or (state is State.APPROVED and not told.outdated and _held_back(each, situation, policy))
    )
    approve = waiting and allowed and not own and person.id not in each.approvers
    undoable = state in EFFECTIVE and plan.reversible and incident.phase is not Phase.CLOSED
    return Deeds(
        approve=approve,
        code=told.code_wanted and (approve or alone),
        alone=alone,
        decline=state in WAITING and (own or allowed),
        go_ahead=state in WAITING and allowed and not each.hold_finished,
        override=told.held_back and allowed and not own and (state in WAITING or undoable),
        undo=undoable and allowed and not told.held_back and not (own and helps(each)),
        settle=state is State.UNKNOWN and allowed,
        review=each.wants_review and (allowed or glass) and not own and person.id not in each.approvers,
    )


def _standing(each: Mitigation) -> str:
    """Its state in a word or two."""
    if each.accepted_at is not None and each.state in (State.CLAIMED, State.UNDOING):
        return "on its way" if each.state is State.CLAIMED else "on its way back"
    return _SAID.get(each.state, str(each.state))


def _tone(state: State) -> str:
    if state is State.VERIFIED:
        return "good"
    if state in (State.UNKNOWN, State.NOT_HELPING, State.FAILED):
        return "bad"
    return "quiet" if state in (State.DECLINED, State.EXPIRED, State.STALE, State.UNDONE) else "wait"


def _notes(each: Mitigation, told: MitigationShape, situation: Situation, policy: Policy) -> list[tuple[str, str]]:
    """What stands in its way now."""
    plan, found = each.plan, []
    if each.state not in WAITING:
        return [("wait", f"It could not be done yet: {told.waits_because}.")] if told.waits_because else []
    if told.outdated:
        found.append(("bad", "The rules of the house changed since it was proposed; propose it again."))
    if (frozen := policy.frozen(plan.target, plan.klass, situation.now)) is not None:
        freeze, until = frozen
        found.append(("wait", f"{freeze.name} holds until {until:%Y-%m-%d %H:%M} UTC: {freeze.because}"))
    if told.waits_because:
        found.append(("wait", f"It could not be carried out yet: {told.waits_because}. It is tried again."))
    return found
