"""What waits for whom: the yes, the signature, the word or the deed that an incident stands still without."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.approval import may_approve
from bot.domain.glass import may_review
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, State
from bot.domain.notice import Notice, Standing
from bot.domain.paging import Receipt
from bot.domain.phase import Phase
from bot.domain.policy import Person, Policy
from bot.domain.reminder import leader
from bot.domain.signing import may_sign
from bot.domain.status import Statement, Step
from bot.domain.status_rules import StatusRules


class Kind(StrEnum):
    """What is waited for; in this order where several things wait."""

    UNACKNOWLEDGED = "unacknowledged"
    APPROVAL = "approval"
    DOUBT = "doubt"  # whether a change took place must be settled by hand
    REVIEW = "review"  # of what one person did alone
    SIGNATURE = "signature"
    FILING = "filing"
    STATEMENT = "statement"  # for the status page, whose words wait for a yes
    PUBLISHING = "publishing"
    LATE_UPDATE = "late update"
    STEP = "step"
    UPDATE = "update"


RANKS = {
    Kind.UNACKNOWLEDGED: 0,
    Kind.APPROVAL: 1,
    Kind.DOUBT: 1,
    Kind.REVIEW: 1,
    Kind.SIGNATURE: 2,
    Kind.FILING: 2,
    Kind.STATEMENT: 2,
    Kind.PUBLISHING: 2,
    Kind.LATE_UPDATE: 2,
    Kind.STEP: 3,
    Kind.UPDATE: 4,
}


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing an incident waits for: of which mitigation, notice or statement, and since or until when."""

    kind: Kind
    incident: Incident
    item: str = ""
    at: datetime | None = None

    @property
    def rank(self) -> int:
        """What is pressing comes first."""
        return RANKS[self.kind]


Theirs = Callable[[Person], bool]
"""Whether it waits for that person."""


def waits(incident: Incident, who: Person, on_call: Collection[str], policy: Policy, now: datetime) -> list[Wait]:
    """Everything that waits for this person in one incident, in the order of what happened there."""
    return [wait for wait, theirs in _everything(incident, on_call, policy, now) if theirs(who)]


def waiting(
    incident: Incident, people: Iterable[Person], on_call: Collection[str], policy: Policy, now: datetime
) -> list[tuple[Wait, tuple[str, ...]]]:
    """Everything an incident waits for, each with the ids of those it waits for; nobody where nobody could."""
    known = list(people)
    found = _everything(incident, on_call, policy, now)
    return [(wait, tuple(each.id for each in known if theirs(each))) for wait, theirs in found]


def _everything(
    incident: Incident, on_call: Collection[str], policy: Policy, now: datetime
) -> Iterator[tuple[Wait, Theirs]]:
    if incident.phase is Phase.DECLARED and not incident.is_silent:
        woken = {page.person for page in incident.pages.values() if page.receipt is Receipt.ACCEPTED} | set(on_call)
        yield Wait(Kind.UNACKNOWLEDGED, incident, "", incident.onset), lambda who: who.id in woken
    for mitigation in incident.mitigations.values():
        yield from _change(incident, mitigation, on_call, policy)
    for notice in incident.notices.values():
        yield from _notice(incident, notice, on_call, policy)
    for statement in incident.statements.values():
        yield from _statement(incident, statement, on_call, policy.status)
    run = incident.run
    if run is not None and run.step is not None and incident.is_open:
        parts = set(incident.parts.values())
        yield Wait(Kind.STEP, incident, run.place, run.since), lambda who: who.id in parts
    if incident.is_open and incident.update_due is not None:
        first = leader(incident)
        kind = Kind.LATE_UPDATE if now >= incident.update_due else Kind.UPDATE
        yield Wait(kind, incident, "", incident.update_due), lambda who: who.id == first


def _change(
    incident: Incident, change: Mitigation, on_call: Collection[str], policy: Policy
) -> Iterator[tuple[Wait, Theirs]]:
    """Somebody's yes, their word on what happened, or their look at what was done alone."""
    settling = policy.approvers(change.plan.target, change.plan.klass)
    if change.state is State.PROPOSED:
        yield (
            Wait(Kind.APPROVAL, incident, change.id, change.expires_at),
            lambda who: may_approve(change, who.among(on_call), policy),
        )
    elif change.state is State.UNKNOWN:
        yield Wait(Kind.DOUBT, incident, change.id), lambda who: bool(who.among(on_call).badges & settling)
    if change.wants_review:
        yield Wait(Kind.REVIEW, incident, change.id), lambda who: may_review(change, who.among(on_call), policy)


def _notice(
    incident: Incident, notice: Notice, on_call: Collection[str], policy: Policy
) -> Iterator[tuple[Wait, Theirs]]:
    """A signature, or that somebody sends it."""
    duty = incident.duties.get(notice.regime)
    due = duty.strict if duty is not None else None
    if notice.standing is Standing.FROZEN:
        yield (
            Wait(Kind.SIGNATURE, incident, notice.id, due),
            lambda who: bool(may_sign(notice, who.among(on_call), policy)),
        )
    elif notice.standing is Standing.APPROVED:
        yield (
            Wait(Kind.FILING, incident, notice.id, due),
            lambda who: bool(who.among(on_call).badges & policy.approve_notice),
        )


def _statement(
    incident: Incident, statement: Statement, on_call: Collection[str], rules: StatusRules | None
) -> Iterator[tuple[Wait, Theirs]]:
    """A yes to its words, or that whoever asked for it publishes them."""
    if rules is not None and statement.step is Step.FROZEN:
        yield (
            Wait(Kind.STATEMENT, incident, statement.id),
            lambda who: rules.may_approve(statement, who.among(on_call)),
        )
    elif rules is not None and statement.step is Step.APPROVED:
        since = statement.approved_at
        yield Wait(Kind.PUBLISHING, incident, statement.id, since), lambda who: who.id == statement.asked_by
