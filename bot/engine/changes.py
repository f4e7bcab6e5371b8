"""Asking for a change of production: resolved against the target, asked as the person one is at this moment."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.approval import ApproveMitigation, DeclineMitigation, GiveCode, Preapprove, code_hash
from bot.domain.claim import budget, moved
from bot.domain.errors import NotFound, Refused
from bot.domain.execution import ReportOutcome
from bot.domain.glass import BreakGlass, ReviewGlass
from bot.domain.hold import OverrideHold, SkipHold
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.mitigation import Means, Plan, ProposeMitigation, mitigation_of
from bot.domain.policy import Person, Role
from bot.domain.service import Offer, Target
from bot.domain.undo import UndoMitigation
from bot.engine.ports import Action
from bot.engine.values import Profile

if TYPE_CHECKING:
    from bot.engine.desk import Desk

OF_CHANGES: Final[tuple[type[Command], ...]] = (
    ProposeMitigation, ApproveMitigation, DeclineMitigation, GiveCode, BreakGlass, ReviewGlass, SkipHold, OverrideHold,
    UndoMitigation, ReportOutcome,
)  # fmt: skip
"""Commands in which it matters whether somebody is on call just now."""

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another
_LENGTH = 10  # 50 bits, good for one person, one plan and a few minutes

_HOUR = timedelta(hours=1)

_HEAR_OF_IT = frozenset({Role.MANAGER, Role.ADMIN})
"""Who is paged, beside those on call, when one person acts alone."""


class Changes:
    """What people ask of production. `actions` are the doors to the targets, by name."""

    def __init__(self, desk: Desk, actions: Mapping[str, Action], draw: Callable[[str], str] = secrets.choice) -> None:
        self.desk, self.actions, self._draw = desk, actions, draw

    # -- who asks ----------------------------------------------------------------------------------------------------

    async def badged(self, incident: str, who: Profile) -> Person:
        """The person with every badge they have now; `on-call` while they are on call for the incident's service."""
        known = self.desk.log.at_hand(incident) or await self.desk.log.load(incident)
        return who.person.among(await self.desk.on_call(known.service))

    async def as_of_now(self, incident: Incident, person: str) -> Person | None:
        """Somebody who approved earlier, with what they may now: asked of the database anew."""
        found = await self.desk.people.as_of_now(person)
        return await self.badged(incident.id, found) if found is not None else None

    # -- asking ------------------------------------------------------------------------------------------------------

    def door(self, target: str) -> Action:
        """The way to a target. Raises NotFound."""
        action = self.actions.get(target)
        if action is None:
            raise NotFound("target", target, sorted(self.actions))
        return action

    async def preview(self, incident: str, offer: str) -> Plan:
        """Resolve a prepared mitigation into a plan. Changes nothing."""
        known, found = await self._offer(incident, offer)
        return await self.resolve(known, found)

    async def propose(self, incident: str, offer: str, because: str, who: Profile, *, inbound: str = "") -> Incident:
        """Resolve a prepared mitigation and put it before an approver."""
        if inbound and (before := await self.desk.handler.again(inbound)) is not None:
            return before
        known, found = await self._offer(incident, offer)
        policy = self.desk.handler.policy
        person = await self.badged(incident, who)
        async with self.desk.handler.judging(known.id, ProposeMitigation.__name__):
            policy.require(person, policy.proposers(found.target), "propose a mitigation")
        plan = await self.resolve(known, found)
        return await self.desk.submit(known.id, ProposeMitigation(plan, because, offer), who, inbound=inbound)

    async def by_itself(self, incident: Incident, offer: str, because: str) -> Incident:
        """Do what the policy has approved beforehand. Raises Refused where it is not, or cannot be, done by itself."""
        _known, found = await self._offer(incident.id, offer)
        plan = await self.resolve(incident, found)
        return await self.desk.submit(incident.id, Preapprove(plan, offer, because), cause=f"auto:{offer}")

    async def give_code(self, incident: str, mitigation: str, who: Profile, *, inbound: str = "") -> str:
        """A fresh one-time code for one plan, for somebody who has just proved again who they are; told once."""
        known = await self.desk.log.load(incident)
        code = "".join(self._draw(_LETTERS) for _ in range(_LENGTH))
        kept = code_hash(code, who.id, mitigation_of(known, mitigation).digest)
        await self.desk.submit(incident, GiveCode(mitigation, kept), who, inbound=inbound)
        return f"{code[:5]}-{code[5:]}"

    async def break_glass(
        self,
        incident: str,
        mitigation: str,
        digest: str,
        because: str,
        who: Profile,
        *,
        code: str = "",
        inbound: str = "",
    ) -> Incident:
        """Carry a plan out on one person's word; those on call, managers and administrators are paged."""
        command = BreakGlass(mitigation, digest, because, await self.heard_by(incident), code)
        return await self.desk.submit(incident, command, who, inbound=inbound)

    async def heard_by(self, incident: str) -> tuple[str, ...]:
        """Who is paged when one person acts alone: managers and administrators, then those on call."""
        known = await self.desk.log.load(incident)
        on_call = await self.desk.on_call(known.service)
        others = [each.id for each in await self.desk.people.everyone() if each.roles & _HEAR_OF_IT]
        return tuple(dict.fromkeys((*others, *on_call)))

    async def looked_after_by(self, incident: str) -> tuple[str, ...]:
        """Who is paged where nobody can tell what a change did: those on call; where nobody is, those in charge."""
        known = self.desk.log.at_hand(incident) or await self.desk.log.load(incident)
        return await self.desk.on_call(known.service) or await self.heard_by(incident)

    # -- resolving ---------------------------------------------------------------------------------------------------

    async def _offer(self, incident: str, offer: str) -> tuple[Incident, Offer]:
        known = await self.desk.log.load(incident)
        if not known.exists:
            raise NotFound("incident", incident)
        service = self.desk.service_of(known)
        found = service.offer(offer) if service else None
        if found is None:
            there_is = [o.name for o in service.offers] if service else []
            raise NotFound("prepared mitigation", offer, there_is)
        return known, found

    def target(self, name: str) -> Target:
        """The target as the catalogue allows it. Raises Refused where no service has it on its list."""
        for service in self.desk.catalogue.services.values():
            target = service.target(name)
            if target is not None:
                return target
        raise Refused(f"{name} is on no service's list of allowed targets")

    async def resolve(self, incident: Incident, offer: Offer) -> Plan:
        """The plan of an offer as things stand, with what the house itself has to say of it."""
        target, action = self.target(offer.target), self.door(offer.target)
        plan = _storable(await action.plan(target, Means(offer.means), offer.params))
        async with self.desk.handler.judging(incident.id, ProposeMitigation.__name__):
            warnings = await self._warnings(incident, plan)
            return replace(plan, warnings=(*plan.warnings, *warnings), rules=self.desk.handler.policy.fingerprint)

    async def _warnings(self, incident: Incident, plan: Plan) -> list[str]:
        """What may hold it back later: said while there is still time to think of something else."""
        frozen = self.desk.handler.policy.frozen(plan.target, plan.klass, self.desk.clock.now())
        told = [f"{frozen[0].name} holds until {frozen[1]:%Y-%m-%d %H:%M} UTC: {frozen[0].because}"] if frozen else []
        return [*told, *await self.spent(incident, plan)]

    async def spent(self, incident: Incident, plan: Plan) -> list[str]:
        """What is counted among all incidents and holds such a change back now: its cool-down, the hour's changes."""
        policy, now = self.desk.handler.policy, self.desk.clock.now()
        told = []
        cool_down = policy.cool_down_of(plan.target)
        if cool_down and (lately := await self.desk.log.counted(moved(plan), now - cool_down)):
            told.append(
                f"it saw a {plan.means} a moment ago: this one may follow at {lately[-1] + cool_down:%H:%M:%S} UTC"
            )
        spent = await self.desk.log.counted(budget(incident.service), now - _HOUR)
        if len(spent) >= policy.changes_per_hour:
            told.append("this hour's changes of the service are used up")
        return told


def _storable(plan: Plan) -> Plan:
    """The plan as the log gives it back, so that its digest is the same before and after (a YAML date becomes text)."""

    def plain(values: Mapping[str, object]) -> Mapping[str, object]:
        found: Mapping[str, object] = json.loads(json.dumps(dict(values), default=str))
        return found

    return replace(
        plan,
        params=plain(plan.params),
        before=plain(plan.before),
        after=plain(plan.after),
        undo_params=plain(plan.undo_params),
    )
