"""Who plays which part in a drill: the user's own people, by their own rules."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.approval import check_approver
from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, Plan
from bot.domain.phase import RESPONDERS
from bot.domain.policy import Policy
from bot.engine.desk import Desk
from bot.engine.values import Profile


@dataclass
class Cast:
    """Everybody of the directory, those on call for the service first."""

    desk: Desk
    people: list[Profile]
    on_call: tuple[str, ...]

    @classmethod
    async def of(cls, desk: Desk, service: str) -> Cast:
        """As the directory has them."""
        on_call = await desk.on_call(service)
        everyone = await desk.people.everyone()
        ranked = sorted(everyone, key=lambda each: on_call.index(each.id) if each.id in on_call else len(on_call))
        return cls(desk, ranked, on_call)

    def responder(self) -> Profile | None:
        """Who takes the incident: somebody on call who may, else anybody who may."""
        return next((each for each in self.people if each.roles & RESPONDERS), None)

    async def proposer(self, incident: Incident, plan: Plan, policy: Policy) -> Profile | None:
        """Somebody who may propose it and, if that can be, leaves enough people to approve it."""
        may = [each for each in self.people if await self._has(incident, each, policy.proposers(plan.target))]
        needs = policy.quorum_of(plan.target, plan.klass)
        enough = [each for each in may if len(await self.could_approve(incident, plan, policy, each.id)) >= needs]
        return next(iter([*enough, *may]), None)

    async def could_approve(self, incident: Incident, plan: Plan, policy: Policy, proposer: str) -> list[Profile]:
        """Everybody whose badges let them approve such a plan of that proposer."""
        allowed = policy.approvers(plan.target, plan.klass)
        return [
            each for each in self.people if each.id != proposer and await self._has(incident, each, allowed)
        ]  # fmt: skip

    async def approver(self, incident: Incident, mitigation: Mitigation, policy: Policy) -> Profile | None:
        """The next person to say yes to it."""
        for each in self.people:
            person = await self.desk.changes.badged(incident.id, each)
            try:
                check_approver(mitigation, person, policy)
            except Refused:
                continue
            if each.id not in mitigation.approvers:
                return each
        return None

    async def _has(self, incident: Incident, profile: Profile, badges: frozenset[str]) -> bool:
        return bool((await self.desk.changes.badged(incident.id, profile)).badges & badges)
