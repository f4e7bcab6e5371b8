"""Holding the evidence: what an investigation needs is secured before a change, and what came too late afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict

from bot.domain.errors import Unavailable
from bot.domain.hold import ReportHold
from bot.domain.incident import Incident
from bot.domain.mitigation import Held, mitigation_of
from bot.engine.desk import Desk
from bot.engine.diagnose import Diagnosis

LATE = 60.0
"""Seconds what was missing is given when nobody waits for it."""


class Holder:
    """Secures what stands before a mitigation. Every method may be repeated after a crash."""

    def __init__(self, desk: Desk, diagnosis: Diagnosis) -> None:
        self.desk, self.diagnosis = desk, diagnosis

    async def hold(self, incident: Incident, name: str) -> None:
        """Secure the plan's view of the target and what the instruments see, within the policy's time."""
        mitigation = mitigation_of(incident, name)
        now = self.desk.clock.now()
        plan = json.dumps(asdict(mitigation.plan), default=str, sort_keys=True, indent=1).encode()
        before = await self.desk.exhibits.put(
            incident.id, f"{name}-target-before.json", "application/json", plan, at=now, note="the target as it was"
        )
        left = max(1.0, (mitigation.hold_until - now).total_seconds())
        kept, missing = await self.diagnosis.secure(incident, within=left)
        held = tuple(Held(each.name, each.sha256) for each in (before, *kept))
        await self.desk.submit(incident.id, ReportHold(name, held, missing), cause=f"hold:{name}")

    async def collect(self, incident: Incident, name: str) -> None:
        """Collect what was missing when it was held. Raises Unavailable while something still is."""
        held, missing = await self.diagnosis.secure(incident, within=LATE)
        later = tuple(Held(each.name, each.sha256) for each in held)
        await self.desk.submit(incident.id, ReportHold(name, later, missing, late=True), cause=f"collect:{name}")
        if missing:
            raise Unavailable("the evidence", f"still missing: {', '.join(missing)}")
