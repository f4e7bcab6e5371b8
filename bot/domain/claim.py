"""The one right to carry a mitigation out: everything is checked once more, against the target as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.approval import ENDED, MitigationExpired, check_approver
from bot.domain.errors import Refused
from bot.domain.guard import ActionClass
from bot.domain.hold import require_not_held
from bot.domain.log import Ask, Claim, Command, Entry, Event, Sentence, Take, Tally, says
from bot.domain.mitigation import (
    IN_HAND,
    Mitigation,
    Plan,
    State,
    amend,
    busy,
    check_rules,
    mitigation_of,
    require_free,
)
from bot.domain.policy import Person, Policy

if TYPE_CHECKING:
    from bot.domain.incident import Incident

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class ClaimMitigation(Command):
    """Take the right to carry it out: everything is checked once more against the target as it is now.

    `token` is the target's version read just before, and `uid` says which target that is; `approvers` are the approving
    people with the roles they have now.
    """

    id: str
    token: str
    approvers: tuple[Person, ...]
    uid: str | None = None

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
        if mitigation.plan.rules != ask.policy.fingerprint:
            yield MitigationOutdated(self.id, self.token, ENDED)
            return
        require_free(incident, mitigation.plan, IN_HAND, but=self.id)
        check_rules(ask.policy, mitigation.plan, ask.at, alone=bool(mitigation.glass))
        require_not_held(incident, mitigation)
        if not mitigation.hold_finished and ask.at < mitigation.hold_until:
            raise Refused(f"the evidence hold of {self.id} runs until {mitigation.hold_until:%H:%M:%S} UTC")
        self._check_approvals(mitigation, ask)
        if self.uid is not None and (other := another(mitigation.plan, self.uid)):
            yield MitigationOutdated(self.id, self.token, f"{other}; propose it again")
            return
        if self.token != mitigation.plan.token:
            yield MitigationOutdated(self.id, self.token)
            return
        yield self._claimed(incident, mitigation, ask)

    def _check_approvals(self, mitigation: Mitigation, ask: Ask) -> None:
        """As many people as it takes, each of whom may still approve it, said yes to exactly this plan.

        Where somebody broke the glass it is their word alone that counts, whoever approved it before.
        """
        policy, plan = ask.policy, mitigation.plan
        by_id = {person.id: person for person in self.approvers}
        if mitigation.automatic and not mitigation.glass:
            if not policy.is_automatic(plan.target, plan.means) or plan.klass is not ActionClass.SMALL:
                raise Refused(f"{self.id} is not approved beforehand any more")
            return
        counted = (mitigation.acts_alone,) if mitigation.glass else mitigation.approvers
        for name in counted:
            if name not in by_id:
                raise Refused("an approver is not known any more")
            try:
                if mitigation.glass:
                    policy.require(by_id[name], policy.break_glass, "act alone")
                else:
                    check_approver(mitigation, by_id[name], policy)
            except Refused:  # its words are for the person who asks, and nobody does here
                raise Refused(
                    f"an approval of {self.id} does not count any more: whoever gave it may not give it now; "
                    "decline it and propose it again"
                ) from None
        needs = 1 if mitigation.glass else policy.quorum_of(plan.target, plan.klass)
        if len(counted) < needs:
            raise Refused(f"{self.id} has {len(counted)} valid approvals of {needs}")

    def _claimed(self, incident: Incident, mitigation: Mitigation, ask: Ask) -> MitigationClaimed:
        """With what is counted among all incidents; one who broke the glass is counted and not held back."""
        if mitigation.glass:
            return MitigationClaimed(self.id, self.token, incident.service)
        policy, plan = ask.policy, mitigation.plan
        cool_down = policy.cool_down_of(plan.target).total_seconds()
        return MitigationClaimed(self.id, self.token, incident.service, cool_down, policy.changes_per_hour)


def another(plan: Plan, uid: str) -> str:
    """That the target of that uid is not the one approved, in words; "" where it is."""
    if uid == plan.target_uid:
        return ""
    return f"{plan.target} is now {uid}, and {plan.target_uid} was approved: the settings or the target were replaced"


def require_still_wanted(incident: Incident, name: str, policy: Policy, at: datetime) -> None:
    """Raise Refused where a change that was claimed would not be begun now: whoever takes it up does not repeat it."""
    mitigation = mitigation_of(incident, name)
    if mitigation.state is not State.CLAIMED:
        raise Refused(f"{name} is {mitigation.state}")
    if not incident.is_open:
        raise Refused(f"{incident.id} is {incident.phase}")
    if at >= mitigation.expires_at:
        raise Refused(f"its approval was good until {mitigation.expires_at:%Y-%m-%d %H:%M:%S} UTC")
    if mitigation.plan.rules != policy.fingerprint:
        raise Refused(ENDED)
    check_rules(policy, mitigation.plan, at, alone=bool(mitigation.glass))
    require_not_held(incident, mitigation)


def moved(plan: Plan) -> str:
    """Under this key is counted how often a target was changed this way."""
    return f"moved:{plan.target_uid}/{plan.means}"


def budget(service: str) -> str:
    """Under this key is counted how often a service was changed."""
    return f"changes:{service}"


@dataclass(frozen=True, slots=True)
class MitigationClaimed(Event):
    """The one right to carry it out was taken, against the target's version `token`.

    It is counted among all incidents: against a cool-down in seconds and as one of so many changes of the service in an
    hour, 0 for no limit.
    """

    id: str
    token: str
    service: str = ""
    cool_down: float = 0.0
    per_hour: int = 0

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.CLAIMED, claimed_at=entry.at)

    def says(self, by: str) -> Sentence:
        return says("{id} is being carried out", id=self.id)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        plan = mitigation_of(incident, self.id).plan
        cooling = f"{plan.target} saw a {plan.means} a moment ago; the next may follow at {{since}}"
        spent = (
            f"{self.per_hour} changes of this service were carried out within the hour, as many as the policy allows"
        )
        return [
            Take(busy(plan.target_uid), f"{plan.target} is being changed by {{holder}}; wait for it to end"),
            Tally(moved(plan), int(self.cool_down > 0), self.cool_down, cooling),
            Tally(budget(self.service), self.per_hour, _HOUR, f"{spent}; the next may follow at {{since}}"),
        ]


@dataclass(frozen=True, slots=True)
class MitigationOutdated(Event):
    """The target or the rules changed after the plan was made: the approval is void, nothing was done."""

    id: str
    token: str
    because: str = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        why = self.because or "the target changed after the plan was made"
        return amend(incident, self.id, state=State.STALE, detail=why)

    def says(self, by: str) -> Sentence:
        if self.because:
            return says("{id} was not carried out: {because}", id=self.id, because=self.because)
        return says(
            "{id} was not carried out: its target changed after the plan was made (now {token}); propose it again",
            id=self.id,
            token=self.token,
        )
