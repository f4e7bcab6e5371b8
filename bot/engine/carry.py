"""Carrying a mitigation out: ask the target, act once under a key, read back; and the same on the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.clock import Clock
from bot.domain.claim import ClaimMitigation
from bot.domain.errors import Refused, Unavailable
from bot.domain.execution import ReportAccepted, ReportOutcome
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, Outcome, State, mitigation_of
from bot.domain.undo import BeginUndo, ReportUndo
from bot.engine.desk import Desk
from bot.engine.ports import Action
from bot.engine.same import Same
from bot.engine.values import Observation, Seen

ASK_AGAIN = 3
"""How often a target is asked what it shows before its silence counts as unknown."""


class Carrier:
    """Performs what mitigations owe. Every method may be repeated after a crash."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def clock(self) -> Clock:
        """The house's clock."""
        return self.desk.clock

    def _action(self, mitigation: Mitigation) -> Action:
        return Same(self.desk.changes.door(mitigation.plan.target))

    # -- execute -----------------------------------------------------------------------------------------------------

    async def execute(self, incident: Incident, name: str) -> None:
        """Carry out an approved mitigation, or find out what became of one that was being carried out.

        Raises Unavailable before the claim only: nothing was done then, and trying again is safe.
        """
        mitigation = mitigation_of(incident, name)
        action = self._action(mitigation)
        key = mitigation.key(incident.id)
        if mitigation.state is State.CLAIMED:
            await self._resume(incident, mitigation, action, key)
            return
        uid, token = await action.uid(mitigation.plan), await action.token(mitigation.plan)
        approvers = [await self.desk.changes.as_of_now(incident, each) for each in mitigation.approvers]
        known = tuple(person for person in approvers if person is not None)
        after = await self.desk.submit(incident.id, ClaimMitigation(name, token, known, uid), cause=f"execute:{name}")
        if mitigation_of(after, name).state is State.CLAIMED:
            await self._fire(incident.id, mitigation, action, key)

    async def _resume(self, incident: Incident, mitigation: Mitigation, action: Action, key: str) -> None:
        """Somebody claimed it and went silent: look first; repeat only where the target itself refuses a known key."""
        seen = await self._observe(action, mitigation, key)
        if seen.seen is Seen.NOT_APPLIED and action.keyed_for(mitigation.plan):
            await self._fire(incident.id, mitigation, action, key, again=True)
            return
        if seen.seen is Seen.NOT_APPLIED:
            detail = f"the bot was interrupted while acting; the target does not show the change now: {seen.detail}"
            await self._report(incident.id, mitigation, Outcome.UNKNOWN, detail)
            return
        await self._settle(incident.id, mitigation, seen)

    async def _fire(
        self, incident: str, mitigation: Mitigation, action: Action, key: str, *, again: bool = False
    ) -> None:
        try:
            await action.execute(mitigation.plan, key)
        except Refused as refused:
            # asked again after a crash, a refusal may mean that the first request landed meanwhile: look first
            seen = await self._observe(action, mitigation, key) if again else Observation(Seen.NOT_APPLIED, "")
            if seen.seen is not Seen.NOT_APPLIED:
                await self._settle(incident, mitigation, seen)
                return
            await self._report(incident, mitigation, Outcome.FAILED, refused.because)
            return
        except Unavailable as trouble:
            seen = await self._observe(action, mitigation, key)
            if seen.seen not in (Seen.APPLIED, Seen.MOVING):
                detail = f"{trouble}; afterwards: {seen.detail}"
                await self._report(incident, mitigation, Outcome.UNKNOWN, detail)
                return
        else:
            seen = await self._observe(action, mitigation, key)
        await self._settle(incident, mitigation, seen)

    async def _settle(self, incident: str, mitigation: Mitigation, seen: Observation) -> None:
        """The target did not refuse: it shows the change, is on its way there, or nobody can tell."""
        if seen.seen is Seen.MOVING:
            await self.desk.submit(
                incident, ReportAccepted(mitigation.id, seen.detail), cause=f"execute:{mitigation.id}"
            )
            return
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.UNKNOWN
        await self._report(incident, mitigation, outcome, seen.detail)

    async def _report(self, incident: str, mitigation: Mitigation, outcome: Outcome, detail: str) -> None:
        command = ReportOutcome(mitigation.id, outcome, detail)
        await self.desk.submit(incident, command, cause=f"execute:{mitigation.id}")

    async def _observe(self, action: Action, mitigation: Mitigation, key: str) -> Observation:
        return await until_seen(lambda: action.observe(mitigation.plan, key), self.clock)

    async def settle(self, incident: Incident, name: str) -> None:
        """Look once whether a target that was on its way has arrived; nobody can tell where it never does."""
        mitigation = mitigation_of(incident, name)
        action, undoing = self._action(mitigation), mitigation.state is State.UNDOING
        key = mitigation.key(incident.id)
        look = action.undone(mitigation.plan, f"{key}/undo") if undoing else action.observe(mitigation.plan, key)
        try:
            seen = await look
        except Unavailable as silent:
            seen = Observation(Seen.UNKNOWN, str(silent))
        begun = mitigation.accepted_at or mitigation.proposed_at
        late = self.clock.now() >= begun + self.desk.handler.policy.settle_within
        if seen.seen in (Seen.MOVING, Seen.UNKNOWN) and not late:
            return
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.UNKNOWN
        report = ReportUndo if undoing else ReportOutcome
        await self.desk.submit(incident.id, report(name, outcome, seen.detail), cause=f"settle:{name}")

    # -- undo --------------------------------------------------------------------------------------------------------

    async def undo(self, incident: Incident, name: str) -> None:
        """Put the target back as it was before, once; where it was begun already, find out what became of it.

        Raises Unavailable where the target cannot be asked first: nothing was done then, and trying again is safe.
        """
        mitigation = mitigation_of(incident, name)
        action = self._action(mitigation)
        key = f"{mitigation.key(incident.id)}/undo"
        again = mitigation.undo_begun_at is not None

        def look() -> Awaitable[Observation]:
            return action.undone(mitigation.plan, key)

        seen, trouble = await (until_seen(look, self.clock) if again else look()), ""
        if seen.seen is Seen.NOT_APPLIED or (seen.seen is Seen.UNKNOWN and not again):
            if again and not action.keyed_for(mitigation.plan):
                detail = f"the bot was interrupted while taking it back; the target shows the change now: {seen.detail}"
                await self._report_undo(incident.id, name, Outcome.UNKNOWN, detail)
                return
            if not again:
                await self.desk.submit(incident.id, BeginUndo(name), cause=f"undo:{name}")
            try:
                async with asyncio.timeout(30):
                    await action.undo(mitigation.plan, key)
            except Refused as refused:
                # asked again after a crash, a refusal may mean that the first request landed meanwhile: look first
                seen = await until_seen(look, self.clock) if again else Observation(Seen.NOT_APPLIED, "")
                if seen.seen is Seen.NOT_APPLIED:
                    await self._report_undo(incident.id, name, Outcome.FAILED, refused.because)
                    return
            except (Unavailable, TimeoutError) as lost:
                trouble = f"{lost}; afterwards: " if str(lost) else "time ran out; afterwards: "
                seen = await until_seen(look, self.clock)
            else:
                seen = await until_seen(look, self.clock)
        if seen.seen is Seen.MOVING:
            await self.desk.submit(incident.id, ReportAccepted(name, seen.detail), cause=f"undo:{name}")
            return
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.UNKNOWN
        await self._report_undo(incident.id, name, outcome, f"{trouble}{seen.detail}")

    async def _report_undo(self, incident: str, name: str, outcome: Outcome, detail: str) -> None:
        await self.desk.submit(incident, ReportUndo(name, outcome, detail), cause=f"undo:{name}")


async def until_seen(look: Callable[[], Awaitable[Observation]], clock: Clock) -> Observation:
    """Ask a target until it answers, a few times at most."""
    seen = Observation(Seen.UNKNOWN, "the target was not asked")
    for attempt in range(ASK_AGAIN):
        try:
            seen = await look()
        except Unavailable as trouble:
            seen = Observation(Seen.UNKNOWN, str(trouble))
        if seen.seen is not Seen.UNKNOWN:
            return seen
        await clock.sleep(0.5 * (attempt + 1))
    return seen
