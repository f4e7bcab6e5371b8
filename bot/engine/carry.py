"""Carrying a mitigation out: hold the evidence, ask the target, act once under a key, read back, prove it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Protocol

from bot.clock import Clock
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.execution import ClaimMitigation, ReportOutcome, ReportUndo, ReportVerification
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, Outcome, ReportHold, State, mitigation_of
from bot.domain.sli import Judged
from bot.engine.desk import Desk
from bot.engine.diagnose import Diagnosis
from bot.engine.ports import Action
from bot.engine.values import Observation, Seen
from bot.slo.burn import Verdict

ASK_AGAIN = 3
"""How often a target is asked what it shows before its silence counts as unknown."""


class Verdicts(Protocol):
    """What the watch last judged; empty where nothing is watched."""

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """By SLO."""
        ...


class Carrier:
    """Performs what mitigations owe. Every method may be repeated after a crash."""

    def __init__(self, desk: Desk, diagnosis: Diagnosis, verdicts: Verdicts) -> None:
        self.desk, self.diagnosis, self.watch = desk, diagnosis, verdicts

    @property
    def clock(self) -> Clock:
        """The house's clock."""
        return self.desk.clock

    def _action(self, mitigation: Mitigation) -> Action:
        action = self.desk.actions.get(mitigation.plan.target)
        if action is None:
            raise NotFound("target", mitigation.plan.target, sorted(self.desk.actions))
        return action

    # -- hold --------------------------------------------------------------------------------------------------------

    async def hold(self, incident: Incident, name: str) -> None:
        """Secure the plan's view of the target and what the instruments see, within the policy's time."""
        mitigation = mitigation_of(incident, name)
        now = self.clock.now()
        plan = json.dumps(asdict(mitigation.plan), default=str, sort_keys=True, indent=1).encode()
        before = await self.desk.exhibits.put(
            incident.id, f"{name}-target-before.json", "application/json", plan, at=now, note="the target as it was"
        )
        left = max(1.0, (mitigation.hold_until - now).total_seconds())
        held, missing = await self.diagnosis.secure(incident, within=left)
        await self.desk.submit(incident.id, ReportHold(name, (before.name, *held), missing), cause=f"hold:{name}")

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
        token = await action.token(mitigation.plan)
        approvers = [await self.desk.people.by_id(given.person) for given in mitigation.approvals]
        known = tuple(profile.person for profile in approvers if profile)
        after = await self.desk.submit(incident.id, ClaimMitigation(name, token, known), cause=f"execute:{name}")
        if mitigation_of(after, name).state is State.CLAIMED:
            await self._fire(incident.id, mitigation, action, key)

    async def _resume(self, incident: Incident, mitigation: Mitigation, action: Action, key: str) -> None:
        """Somebody claimed it and went silent: look first; repeat only where the target itself refuses a known key."""
        seen = await self._observe(action, mitigation, key)
        if seen.seen is Seen.NOT_APPLIED and action.keyed:
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
            if seen.seen is not Seen.APPLIED:
                detail = f"{trouble}; afterwards: {seen.detail}"
                await self._report(incident, mitigation, Outcome.UNKNOWN, detail)
                return
        else:
            seen = await self._observe(action, mitigation, key)
        await self._settle(incident, mitigation, seen)

    async def _settle(self, incident: str, mitigation: Mitigation, seen: Observation) -> None:
        """The target was asked to change and did not refuse: it shows the change, or nobody can tell."""
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.UNKNOWN
        await self._report(incident, mitigation, outcome, seen.detail)

    async def _report(self, incident: str, mitigation: Mitigation, outcome: Outcome, detail: str) -> None:
        command = ReportOutcome(mitigation.id, outcome, detail)
        await self.desk.submit(incident, command, cause=f"execute:{mitigation.id}")

    async def _observe(self, action: Action, mitigation: Mitigation, key: str) -> Observation:
        return await self._until_seen(lambda: action.observe(mitigation.plan, key))

    async def _until_seen(self, look: Callable[[], Awaitable[Observation]]) -> Observation:
        """Ask the target until it answers, a few times at most."""
        seen = Observation(Seen.UNKNOWN, "the target was not asked")
        for attempt in range(ASK_AGAIN):
            try:
                seen = await look()
            except Unavailable as trouble:
                seen = Observation(Seen.UNKNOWN, str(trouble))
            if seen.seen is not Seen.UNKNOWN:
                return seen
            await self.clock.sleep(0.5 * (attempt + 1))
        return seen

    # -- verify ------------------------------------------------------------------------------------------------------

    async def verify(self, incident: Incident, name: str) -> None:
        """Say that it helped once the target shows it and the SLI was judged met well after; else wait, then say so."""
        mitigation = mitigation_of(incident, name)
        applied = mitigation.applied_at or mitigation.proposed_at
        policy, now = self.desk.handler.policy, self.clock.now()
        verdict = self.watch.verdicts.get(incident.slo)
        helped = (
            verdict is not None
            and verdict.state == "met"
            and verdict.at >= applied + policy.verify_after
            and (incident.sli is None or incident.sli.judged is Judged.MET)
        )
        if helped and verdict is not None:
            seen = await self._observe(self._action(mitigation), mitigation, mitigation.key(incident.id))
            if seen.seen is Seen.APPLIED:
                proof = (
                    incident.sli.because if incident.sli is not None else verdict.because
                )  # the good run, not a window
                because = f"{seen.detail}; {proof}"
                await self.desk.submit(incident.id, ReportVerification(name, helped=True, because=because))
                return
        if now >= applied + policy.verify_within and mitigation.state is State.APPLIED:
            state = verdict.because if verdict is not None else "the SLI is not watched"
            because = f"{_minutes(now - applied)} after it was applied: {state}"
            await self.desk.submit(incident.id, ReportVerification(name, helped=False, because=because))

    # -- undo --------------------------------------------------------------------------------------------------------

    async def undo(self, incident: Incident, name: str) -> None:
        """Put the target back as it was before, once.

        Raises Unavailable where the target cannot be asked first: nothing was done then, and trying again is safe.
        """
        mitigation = mitigation_of(incident, name)
        action = self._action(mitigation)
        key = f"{mitigation.key(incident.id)}/undo"
        seen, trouble = await action.undone(mitigation.plan, key), ""
        if seen.seen is not Seen.APPLIED:
            try:
                async with asyncio.timeout(30):
                    await action.undo(mitigation.plan, key)
            except Refused as refused:
                await self.desk.submit(incident.id, ReportUndo(name, Outcome.FAILED, refused.because))
                return
            except (Unavailable, TimeoutError) as lost:
                trouble = f"{lost}; afterwards: " if str(lost) else "time ran out; afterwards: "
            seen = await self._until_seen(lambda: action.undone(mitigation.plan, key))
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.UNKNOWN
        await self.desk.submit(incident.id, ReportUndo(name, outcome, f"{trouble}{seen.detail}"))


def _minutes(length: timedelta) -> str:
    return f"{length.total_seconds() / 60:.0f} min"
