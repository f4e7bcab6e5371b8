"""Carrying a mitigation out: ask the target, act once under a key, read back; and the same on the way back."""

from __future__ import annotations

import asyncio

from bot.clock import Clock
from bot.domain.claim import ClaimMitigation, require_still_wanted
from bot.domain.errors import NotFound, Refused, TocsinError, Unavailable
from bot.domain.execution import ReportAccepted, ReportOutcome
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, Outcome, State, mitigation_of
from bot.domain.undo import BeginUndo, ReportUndo, require_still_going_back
from bot.engine.desk import Desk
from bot.engine.look import GLANCE_WITHIN, READ_WITHIN, Doubts, Look, look_once, until_seen
from bot.engine.ports import Action
from bot.engine.same import Same
from bot.engine.values import Observation, Seen
from bot.telemetry import log as logger

ACT_WITHIN = 150.0
"""Seconds until a request counts as lost: longer than any time-out a target may be given."""

THERE = (Seen.APPLIED, Seen.MOVING)


class Carrier:
    """Performs what mitigations owe. Every method may be repeated after a crash."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.glance = GLANCE_WITHIN  # seconds for one look at what is on its way
        self._doubts = Doubts()

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
        key = mitigation.key(incident.id)
        if mitigation.state is State.CLAIMED:
            try:
                action = self._action(mitigation)
            except NotFound as gone:
                detail = f"the bot was interrupted while acting, and the target cannot be asked any more: {gone}"
                await self._report(incident.id, mitigation, Outcome.UNKNOWN, detail)
                return
            await self._resume(incident, mitigation, action, key)
            return
        action = self._action(mitigation)
        uid, token = await action.uid(mitigation.plan), await action.token(mitigation.plan)
        approvers = [await self.desk.changes.as_of_now(incident, each) for each in mitigation.approvers]
        known = tuple(person for person in approvers if person is not None)
        after = await self.desk.submit(incident.id, ClaimMitigation(name, token, known, uid), cause=f"execute:{name}")
        if mitigation_of(after, name).state is State.CLAIMED:
            await self._fire(incident.id, mitigation, action, key)

    async def _resume(self, incident: Incident, mitigation: Mitigation, action: Action, key: str) -> None:
        """Somebody claimed it and went silent: look first; repeat only where the target itself refuses a known key.

        What was approved then must be wanted now: time has passed, and people may have said otherwise.
        """
        seen = await self._observe(action, mitigation, key)
        if seen.seen is not Seen.NOT_APPLIED:
            await self._settle(incident.id, mitigation, seen)
            return
        because = ""
        if action.keyed_for(mitigation.plan):
            try:
                await self._still_wanted(incident.id, mitigation.id)
            except Refused as refused:
                because = f"; it is not asked again: {refused.because}"
            else:
                await self._fire(incident.id, mitigation, action, key, again=True)
                return
        detail = f"the bot was interrupted while acting; the target does not show the change now: {seen.detail}"
        await self._report(incident.id, mitigation, Outcome.UNKNOWN, f"{detail}{because}")

    async def _still_wanted(self, incident: str, name: str) -> None:
        """Raise Refused where the change would not be begun now. Looking took its time, so the log is read anew."""
        known = await self.desk.log.load(incident)
        async with self.desk.handler.judging(incident, ClaimMitigation.__name__):
            require_still_wanted(known, name, self.desk.handler.policy, self.clock.now())

    async def _fire(
        self, incident: str, mitigation: Mitigation, action: Action, key: str, *, again: bool = False
    ) -> None:
        try:
            async with asyncio.timeout(ACT_WITHIN):
                await action.execute(mitigation.plan, key)
        except Refused as refused:
            if not again:
                await self._report(incident, mitigation, Outcome.FAILED, refused.because)
                return
            # asked again after a crash: the first request may have landed, and been taken back by somebody since
            lost = refused.because
        except Exception as error:  # noqa: BLE001 - the request may have landed, whatever broke
            lost = lost_by(error)
        else:
            await self._settle(incident, mitigation, await self._observe(action, mitigation, key))
            return
        seen = await self._observe(action, mitigation, key)
        if seen.seen in THERE:
            await self._settle(incident, mitigation, seen)
            return
        await self._report(incident, mitigation, Outcome.UNKNOWN, f"{lost}; afterwards: {seen.detail}")

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
        undoing, key = mitigation.state is State.UNDOING, mitigation.key(incident.id)

        async def look() -> Observation:
            action = self._action(mitigation)
            return await (
                action.undone(mitigation.plan, f"{key}/undo") if undoing else action.observe(mitigation.plan, key)
            )

        seen = await look_once(look, self.glance)
        now, begun = self.clock.now(), mitigation.accepted_at or mitigation.proposed_at
        late = now >= begun + self.desk.handler.policy.settle_within
        doubt = f"{key}/{mitigation.undos}"
        stuck = self._doubts.last(doubt, seen, now)
        if seen.seen in (Seen.MOVING, Seen.UNKNOWN) and not late and not stuck:
            return
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.UNKNOWN
        report = ReportUndo if undoing else ReportOutcome
        await self.desk.submit(incident.id, report(name, outcome, seen.detail), cause=f"settle:{name}")
        self._doubts.forget(doubt)

    # -- undo --------------------------------------------------------------------------------------------------------

    async def undo(self, incident: Incident, name: str) -> None:
        """Put the target back as it was before, once; where it was begun already, find out what became of it.

        Raises Unavailable where the target cannot be asked first: nothing was done then, and trying again is safe.
        """
        mitigation = mitigation_of(incident, name)
        key = f"{mitigation.key(incident.id)}/undo"

        async def look() -> Observation:
            return await self._action(mitigation).undone(mitigation.plan, key)

        begun = mitigation.undo_begun_at is not None
        seen = await (self._undo_again if begun else self._undo_first)(incident.id, mitigation, look, key)
        if seen is None:
            return
        if seen.seen is Seen.MOVING:
            await self.desk.submit(incident.id, ReportAccepted(name, seen.detail), cause=f"undo:{name}")
            return
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.UNKNOWN
        await self._report_undo(incident.id, name, outcome, seen.detail)

    async def _undo_first(self, incident: str, mitigation: Mitigation, look: Look, key: str) -> Observation | None:
        """Nobody has touched the target yet: what the target shows now, None where that it failed was said."""
        try:
            async with asyncio.timeout(READ_WITHIN):
                seen = await look()
        except TimeoutError:
            raise Unavailable(mitigation.plan.target, f"no answer within {READ_WITHIN:g} s") from None
        except Unavailable:
            raise
        except Exception as broken:  # noqa: BLE001 - trying again changes nothing, and nothing was done
            await self._report_undo(incident, mitigation.id, Outcome.FAILED, lost_by(broken))
            return None
        if seen.seen in THERE:
            return seen
        await self.desk.submit(incident, BeginUndo(mitigation.id), cause=f"undo:{mitigation.id}")
        try:
            lost = await self._take_back(mitigation, key)
        except Refused as refused:
            await self._report_undo(incident, mitigation.id, Outcome.FAILED, refused.because)
            return None
        return after(lost, await until_seen(look, self.clock))

    async def _undo_again(self, incident: str, mitigation: Mitigation, look: Look, key: str) -> Observation:
        """Somebody began to take it back and went silent: look first, and repeat only what is safe and still wanted."""
        seen = await until_seen(look, self.clock)
        if seen.seen is not Seen.NOT_APPLIED:
            return seen
        because = ""
        if self._action(mitigation).keyed_for(mitigation.plan):
            known = await self.desk.log.load(incident)
            try:
                async with self.desk.handler.judging(incident, BeginUndo.__name__):
                    require_still_going_back(known, mitigation.id, self.desk.handler.policy, self.clock.now())
            except Refused as refused:
                because = f"; it is not asked again: {refused.because}"
            else:
                try:
                    lost = await self._take_back(mitigation, key)
                except Refused as refused:  # the first request may have landed, and more have happened since
                    lost = refused.because
                seen = await until_seen(look, self.clock)
                return after(lost, seen)
        detail = f"the bot was interrupted while taking it back; the target shows the change now: {seen.detail}"
        return Observation(Seen.UNKNOWN, f"{detail}{because}")

    async def _take_back(self, mitigation: Mitigation, key: str) -> str:
        """Ask the target; what was lost on the way, "" where it took it. Raises Refused."""
        try:
            async with asyncio.timeout(ACT_WITHIN):
                await self._action(mitigation).undo(mitigation.plan, key)
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001 - the request may have landed, whatever broke
            return lost_by(error)
        return ""

    async def _report_undo(self, incident: str, name: str, outcome: Outcome, detail: str) -> None:
        await self.desk.submit(incident, ReportUndo(name, outcome, detail), cause=f"undo:{name}")


def lost_by(error: Exception) -> str:
    """How a request was lost, in words; what nobody expected is kept for whoever reads the program's own log."""
    if isinstance(error, TimeoutError):
        return "time ran out"
    if isinstance(error, TocsinError):
        return str(error)
    logger().error("asking a target broke", exc_info=error)
    return f"asking it broke ({type(error).__name__})"


def after(lost: str, seen: Observation) -> Observation:
    """What a target shows after a request of which something was lost: not there is no proof that it will not be."""
    found = Seen.UNKNOWN if seen.seen is Seen.NOT_APPLIED else seen.seen
    return Observation(found, f"{lost}; afterwards: {seen.detail}" if lost else seen.detail)
