"""The change of a drill, from its plan on the real target to its way back: one proposal, approved, proved, undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.approval import ApproveMitigation
from bot.domain.errors import NotFound, Refused
from bot.domain.execution import UndoMitigation
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, Plan, State
from bot.domain.service import Offer
from bot.drill.report import Broken, span
from bot.drill.standin import Tried
from bot.engine.values import Profile

if TYPE_CHECKING:
    from bot.drill.course import Course

BECAUSE = "drill"


async def walk(course: Course) -> None:
    """Plan everything that is prepared, and carry one through: the first that could really be planned."""
    await _Change(course).walk()


@dataclass
class _Change:
    course: Course
    name: str = ""  # of the mitigation

    async def walk(self) -> None:
        """Plan everything that is prepared, and carry one through: the first that could really be planned."""
        if not self.course.stage.service.offers:
            name = self.course.stage.service.name
            self.course.report.gaps.append(f"no mitigation is prepared for {name}: people change things by hand")
            return
        plans: list[tuple[Offer, Plan, Tried]] = []
        await self.course.link("plan", lambda: self._plan(plans))
        if not plans:
            return
        offer, _plan, _tried = min(plans, key=lambda each: bool(each[2].away or not each[2].diff))
        if await self.course.link("propose", lambda: self._propose(offer)):
            for name, walk in (
                ("evidence", self._evidence),
                ("approve", self._approve),
                ("carry out", self._carry),
                ("verify", self._verify),
                ("undo", self._undo),
            ):
                if not await self.course.link(name, walk):
                    return

    async def _plan(self, plans: list[tuple[Offer, Plan, Tried]]) -> str:
        desk = self.course.stage.house.desk
        for offer in self.course.stage.service.offers:
            standin = self.course.stage.standins[offer.target]
            try:
                plan = await desk.changes.preview(self.course.incident, offer.name)
            except (Refused, NotFound) as refused:
                tried = Tried(offer.target, offer.means, offer.name, why_not=str(refused))
            else:
                tried = standin.tried[-1]
                tried.offer = offer.name
                plans.append((offer, plan, tried))
            self.course.report.targets.append(tried)
            if plans and plans[-1][0] is offer:
                await self._who_could(offer, plans[-1][1])
        away = [each for each in self.course.report.targets if each.away]
        could = sum(not each.why_not for each in self.course.report.targets)
        told = f"{could} of {len(self.course.report.targets)} prepared mitigations could be planned on their targets"
        if away and not self.course.report.offline:
            raise Broken(f"{told}; no answer from {', '.join(dict.fromkeys(each.target for each in away))}")
        return "no target was read, the drill is offline: plans are made up" if self.course.report.offline else told

    async def _who_could(self, offer: Offer, plan: Plan) -> None:
        known, policy = await self.course.known(), self.course.policy
        who = await self.course.cast.proposer(known, plan, policy)
        able = await self.course.cast.could_approve(known, plan, policy, who.id if who else "")
        self.course.report.approvers[offer.name] = [each.name for each in able]
        needs = policy.quorum_of(plan.target, plan.klass)
        if len(able) < needs:
            badges = " or ".join(sorted(policy.approvers(plan.target, plan.klass))) or "nobody"
            self.course.report.gaps.append(
                f"{offer.name}: it takes {needs} of {badges} beside whoever proposes, and there "
                f"{'is' if len(able) == 1 else 'are'} {len(able)}"
            )

    async def _propose(self, offer: Offer) -> str:
        """Propose it, unless somebody did meanwhile: a person at the practice workspace, or the bot beforehand."""
        desk = self.course.stage.house.desk
        known = await self.course.known()
        if not known.mitigations:
            asked = await desk.changes.preview(self.course.incident, offer.name)
            who = await self.course.cast.proposer(known, asked, self.course.policy)
            if who is None:
                raise Broken(f"nobody may propose a change of {offer.target}")

            async def propose() -> None:
                await desk.changes.propose(self.course.incident, offer.name, BECAUSE, who)
                await self.course.stage.settle()

            words = f"{who.name} proposes “{offer.label}” (or another): press Propose on the card"
            await self.course.act(words, propose, lambda i: bool(i.mitigations))
        self.name = list((await self.course.known()).mitigations)[-1]
        mitigation = await self._mitigation()
        plan, proposer = mitigation.plan, self.course.by(mitigation.proposed_by)
        told = f"{plan.means} of {plan.target}, class {plan.klass.value}: {'; '.join(plan.diff)}"
        return f"{proposer} proposed {told}"

    async def _evidence(self) -> str:
        hold = self.course.policy.evidence_hold
        known = await self.course.until(
            lambda i: i.mitigations[self.name].held is not None, hold + timedelta(minutes=1)
        )
        mitigation = known.mitigations[self.name]
        if not mitigation.held:
            raise Broken(f"nothing was secured: {'; '.join(mitigation.not_held) or 'the hold never ended'}")
        for gap in mitigation.not_held:
            self.course.report.gaps.append(f"evidence that could not be secured: {gap}")
        return f"{len(mitigation.held)} pieces secured, each with its SHA-256 in the log"

    async def _approve(self) -> str:
        """As many people as it takes, each by their own badges."""
        while (mitigation := await self._mitigation()).state is State.PROPOSED:
            who = await self.course.cast.approver(await self.course.known(), mitigation, self.course.policy)
            if who is None:
                badges = sorted(self.course.policy.approvers(mitigation.plan.target, mitigation.plan.klass))
                wanted = " or ".join(badges) or "nobody"
                short = f"{len(mitigation.approvals)} of {mitigation.needs}" if mitigation.approvals else "nobody"
                raise Broken(f"{short} could have approved it: it takes {wanted}, beside whoever proposed it")
            code = await self._code(mitigation, who)
            approve = ApproveMitigation(self.name, mitigation.digest, code)
            words = f"{who.name} (or another who may) reads the plan of {self.name} and approves it"
            await self.course.act(
                f"{words}; one-time code {code}" if code else words,
                partial(self.course.ask, approve, who),
                partial(self._answered, len(mitigation.approvals)),
            )
        if mitigation.automatic:
            return "approved beforehand by the policy"
        if not mitigation.approvals or mitigation.state in (State.DECLINED, State.EXPIRED):
            raise Broken(f"it is {mitigation.state}: {mitigation.detail}")
        names = [
            self.course.by(each.person) + (" with a one-time code" if each.stepped_up else "")
            for each in mitigation.approvals
        ]
        return f"{' and '.join(names)} read the plan and approved it"

    def _answered(self, here: int, incident: Incident) -> bool:
        mitigation = incident.mitigations[self.name]
        return len(mitigation.approvals) > here or mitigation.state is not State.PROPOSED

    async def _code(self, mitigation: Mitigation, who: Profile) -> str:
        """A one-time code where the class asks for one: whoever runs the drill has proved who they are."""
        if mitigation.plan.klass not in self.course.policy.step_up:
            return ""
        return await self.course.stage.house.desk.changes.give_code(self.course.incident, self.name, who)

    async def _carry(self) -> str:
        pending = (State.APPROVED, State.CLAIMED)
        known = await self.course.until(lambda i: i.mitigations[self.name].state not in pending, timedelta(minutes=15))
        mitigation = known.mitigations[self.name]
        if mitigation.state not in (State.APPLIED, State.VERIFIED):
            why = mitigation.detail or "; ".join(each.because for each in known.troubles.values())
            raise Broken(f"it is {mitigation.state}: {why}")
        return f"the stand-in of {mitigation.plan.target} was changed, once"

    async def _verify(self) -> str:
        within = self.course.policy.verify_within + self.course.policy.soak + timedelta(hours=1)
        known = await self.course.until(lambda i: i.mitigations[self.name].state is not State.APPLIED, within)
        mitigation = known.mitigations[self.name]
        if mitigation.verified_at is None:
            raise Broken(f"it is {mitigation.state}: {mitigation.detail}")
        self.course.stage.breach.broken = False  # what was behind it is repaired meanwhile
        applied, proved = mitigation.applied_at, mitigation.verified_at
        after = span((proved - applied).total_seconds()) if applied and proved else "a while"
        return f"the data proved it {after} after it was applied"

    async def _undo(self) -> str | None:
        mitigation = await self._mitigation()
        if not mitigation.plan.reversible:
            self.course.report.gaps.append(
                f"there is no way back from {mitigation.plan.means} of {mitigation.plan.target}"
            )
            return None
        who = await self.course.cast.approver(
            await self.course.known(), mitigation, self.course.policy
        ) or await self._approved_it(mitigation)
        if who is None:
            raise Broken("nobody may take it back")
        undo = UndoMitigation(self.name, BECAUSE)
        words = f"{who.name} takes {self.name} back: press Undo below it"
        await self.course.act(words, partial(self.course.ask, undo, who), lambda i: i.mitigations[self.name].undos > 0)
        known = await self.course.until(
            lambda i: i.mitigations[self.name].state is not State.UNDOING, timedelta(minutes=5)
        )
        state = known.mitigations[self.name].state
        if state is not State.UNDONE:
            raise Broken(f"it is {state}: {known.mitigations[self.name].detail}")
        return f"{who.name} took it back, and the stand-in is as it was"

    async def _approved_it(self, mitigation: Mitigation) -> Profile | None:
        return next((each for each in self.course.cast.people if each.id in mitigation.approvers), None)

    async def _mitigation(self) -> Mitigation:
        return (await self.course.known()).mitigations[self.name]
