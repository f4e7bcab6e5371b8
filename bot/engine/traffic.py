"""Traffic after a change: which version really takes the requests, counted by the source or by the target itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import TocsinError
from bot.domain.mitigation import Mitigation
from bot.domain.service import Target
from bot.engine.changes import Changes
from bot.engine.ports import Counting, Source
from bot.slo.spec import Selector
from bot.telemetry import log as logger

ENOUGH = 20
"""So few requests prove nothing."""

SLACK = 0.05
"""By how much a version's share may miss what was planned, beside what chance allows."""


@dataclass(frozen=True, slots=True)
class Follows:
    """Whether the traffic goes where it should. Where nobody counts it, nothing is asked of it."""

    yes: bool
    because: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Requests per version so far, counted from some beginning that does not matter."""

    at: datetime
    counts: Mapping[str, float]


class Traffic:
    """Compares two readings taken after a change. What was read before a restart is read again."""

    def __init__(self, changes: Changes, sources: Mapping[str, Source]) -> None:
        self.changes, self.sources = changes, sources
        self._first: dict[str, Reading] = {}

    async def follows(self, incident: str, mitigation: Mitigation) -> Follows:
        """Whether each version takes the share it should since the change. Never raises: no answer is a no."""
        plan = mitigation.plan
        if not plan.serves:
            return Follows(yes=True)
        try:
            reading = await self._read(mitigation)
        except TocsinError as trouble:
            return Follows(yes=False, because=f"the traffic could not be counted: {trouble}")
        if reading is None:
            return Follows(yes=True)
        key = f"{incident}/{mitigation.id}/{mitigation.undos}"
        first = self._first.setdefault(key, reading)
        fresh = {name: count - first.counts.get(name, 0.0) for name, count in reading.counts.items()}
        if any(count < 0 for count in fresh.values()):  # a counter began anew
            self._first[key] = reading
            return Follows(yes=False, because="the counters of the traffic began anew")
        return judged(plan.serves, fresh)

    async def _read(self, mitigation: Mitigation) -> Reading | None:
        """What is counted now; None where nobody counts."""
        now = self.changes.desk.clock.now()
        target = self.changes.target(mitigation.plan.target)
        if target.traffic is not None:
            return Reading(now, await self._from_source(target, now))
        action = self.changes.door(target.name)
        if isinstance(action, Counting):
            counts = dict(await action.traffic(mitigation.plan))
            return Reading(now, counts) if counts else None
        return None

    async def _from_source(self, target: Target, now: datetime) -> Mapping[str, float]:
        told = target.traffic
        source = self.sources.get(told.source) if told is not None else None
        if told is None or source is None:
            logger().warning("a target's traffic names a source that is not there", target=target.name)
            return {}
        query = Selector.parse(told.series)
        counts: dict[str, float] = {}
        for point in (await source.read([query], now))[query]:
            version = dict(point.labels).get(told.by, "")
            if version and math.isfinite(point.value):
                counts[version] = counts.get(version, 0.0) + point.value
        return counts


def judged(serves: Mapping[str, float], counts: Mapping[str, float]) -> Follows:
    """Whether requests per version fit the shares that were planned.

    A share may miss by SLACK and by three standard errors of a proportion (Wald) of that many requests.
    """
    whole = sum(counts.values())
    if whole < ENOUGH:
        return Follows(yes=False, because=f"only {whole:g} requests since the change")
    told = ", ".join(f"{name} {count / whole:.0%}" for name, count in sorted(counts.items()) if count) or "nobody"
    for name in sorted({*serves, *counts}):
        wanted, seen = serves.get(name, 0.0), counts.get(name, 0.0) / whole
        if abs(seen - wanted) > SLACK + 3 * math.sqrt(wanted * (1 - wanted) / whole):
            return Follows(yes=False, because=f"{name} takes {seen:.0%} of the traffic instead of {wanted:.0%}")
    return Follows(yes=True, because=f"of {whole:.0f} requests since: {told}")
