"""Proving a mitigation: the target shows it, the traffic follows it, the SLI is met for long enough; else what next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, State, mitigation_of
from bot.domain.proof import ReportVerification
from bot.domain.sli import Judged
from bot.engine.desk import Desk
from bot.engine.look import GLANCE_WITHIN, look_once
from bot.engine.same import Same
from bot.engine.traffic import Follows, Traffic
from bot.engine.values import Observation, Seen
from bot.slo.burn import Verdict
from bot.telemetry import log as logger

BY_ITSELF = "it does not help, and the policy takes it back then"


class Verdicts(Protocol):
    """What the watch last judged; empty where nothing is watched."""

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """By SLO."""
        ...


class Prover:
    """Says whether a mitigation helped, and takes it back where the policy says so."""

    def __init__(self, desk: Desk, verdicts: Verdicts, traffic: Traffic) -> None:
        self.desk, self.watch, self.traffic = desk, verdicts, traffic
        self.glance = GLANCE_WITHIN  # seconds for the traffic and the target together

    @property
    def clock(self) -> Clock:
        """The house's clock."""
        return self.desk.clock

    async def verify(self, incident: Incident, name: str) -> None:
        """Say that it helped once target, traffic and SLI all show it; where time runs out, that it does not."""
        mitigation = mitigation_of(incident, name)
        verdict = self.watch.verdicts.get(incident.slo)
        soaked = verdict is not None and self._soaked(incident, mitigation, verdict)
        follows, seen = await self._shown(incident, mitigation, ask=soaked)
        if verdict is not None and seen is not None and seen.seen is Seen.APPLIED:
            # of the good run, not of a window
            proof = incident.sli.because if incident.sli is not None else verdict.because
            because = "; ".join(filter(None, (seen.detail, follows.because, proof)))
            await self.desk.submit(incident.id, ReportVerification(name, helped=True, because=because))
            return
        if mitigation.state is State.APPLIED and self.clock.now() >= self._deadline(mitigation):
            state = verdict.because if verdict is not None else "the SLI is not watched"
            shown = (follows.because if not follows.yes else "", seen.detail if seen is not None else "", state)
            harm = verdict is not None and verdict.state == "breached"  # without data people decide
            await self._does_not_help(incident, mitigation, "; ".join(filter(None, shown)), harm=harm)

    async def _shown(
        self, incident: Incident, mitigation: Mitigation, *, ask: bool
    ) -> tuple[Follows, Observation | None]:
        """Where the traffic goes, and what the target shows where that still matters: what hangs proves nothing."""
        plan, key = mitigation.plan, mitigation.key(incident.id)

        async def look() -> Observation:
            return await Same(self.desk.changes.door(plan.target)).observe(plan, key)

        follows, late = Follows(yes=False, because="the traffic was not counted in time"), None
        try:
            async with asyncio.timeout(self.glance):
                follows = await self.traffic.follows(incident.id, mitigation)
                if not ask or not follows.yes:
                    return follows, None
                late = Observation(Seen.UNKNOWN, "the target did not answer in time", answered=False)
                return follows, await look_once(look, self.glance)
        except TimeoutError:
            return follows, late

    def _soaked(self, incident: Incident, mitigation: Mitigation, verdict: Verdict) -> bool:
        """Whether the SLI has been met since the change, without a break, for as long as the policy asks."""
        policy = self.desk.handler.policy
        begun = mitigation.applied_at or mitigation.proposed_at
        if verdict.state != "met" or verdict.at < begun + policy.verify_after:
            return False
        if incident.sli is not None:
            if incident.sli.judged is not Judged.MET:
                return False
            begun = max(begun, incident.sli.since)
        return verdict.at >= begun + policy.soak

    def _deadline(self, mitigation: Mitigation) -> datetime:
        policy = self.desk.handler.policy
        return (mitigation.applied_at or mitigation.proposed_at) + policy.verify_within + policy.soak

    async def _does_not_help(self, incident: Incident, mitigation: Mitigation, state: str, *, harm: bool) -> None:
        since = self.clock.now() - (mitigation.applied_at or mitigation.proposed_at)
        because = f"{_minutes(since)} after it was applied: {state}"
        plan = mitigation.plan
        back = harm and plan.reversible and self.desk.handler.policy.takes_back(plan.target, plan.klass)
        report, cause = ReportVerification(mitigation.id, helped=False, because=because), f"verify:{mitigation.id}"
        if back and not mitigation.undos:  # once: what its target refuses is left to people
            try:
                await self.desk.submit(incident.id, replace(report, take_back=BY_ITSELF), cause=cause)
            except Refused as refused:
                logger().warning("not taken back by itself", incident=incident.id, because=refused.because)
            else:
                return
        await self.desk.submit(incident.id, report, cause=cause)


def _minutes(length: timedelta) -> str:
    return f"{length.total_seconds() / 60:.0f} min"
