"""Traffic after a change: which version really takes the requests, counted by the source or by the target itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
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


Series = tuple[str, str]
"""A version, and which of its counters."""


@dataclass(slots=True)
class Tally:
    """What was counted since the first reading, reading by reading.

    A counter that fell began anew, and all it shows is new; one that is not there this once is taken up where it
    stood; one first seen beside others was born since. A first reading without any counter is none.
    """

    last: dict[Series, float]
    fresh: dict[str, float] = field(default_factory=dict)

    def fell(self, reading: Mapping[Series, float]) -> bool:
        """Whether a counter shows less than before."""
        return any(value < self.last.get(series, 0.0) for series, value in reading.items())

    def add(self, reading: Mapping[Series, float]) -> None:
        """Count what is new."""
        begun = bool(self.last)
        for series, value in reading.items():
            before = self.last.get(series, 0.0 if begun else value)
            gained = value - before if value >= before else value
            version = series[0]
            self.fresh[version] = self.fresh.get(version, 0.0) + gained
            self.last[series] = value


class Traffic:
    """Counts the requests of each version since a change was made. What was read before a restart is read again."""

    def __init__(self, changes: Changes, sources: Mapping[str, Source]) -> None:
        self.changes, self.sources = changes, sources
        self._tallies: dict[str, Tally] = {}

    async def follows(self, incident: str, mitigation: Mitigation) -> Follows:
        """Whether each version takes the share it should since the change. Never raises: no answer is a no."""
        plan = mitigation.plan
        if not plan.serves:
            return Follows(yes=True)
        try:
            reading = await self._read(mitigation)
        except TocsinError as trouble:
            return Follows(yes=False, because=f"the traffic could not be counted: {trouble}")
        except Exception as error:  # noqa: BLE001 - it keeps nothing else of the incident from being done
            logger().exception("counting the traffic broke", incident=incident)
            return Follows(yes=False, because=f"the traffic could not be counted ({type(error).__name__})")
        if reading is None:
            return Follows(yes=True)
        key = f"{incident}/{mitigation.id}/{mitigation.undos}"
        tally = self._tallies.setdefault(key, Tally({}))
        if not self._by_source(mitigation) and tally.fell(
            reading
        ):  # the target itself began anew, and may have forgotten
            self._tallies[key] = Tally(dict(reading))
            return Follows(yes=False, because="the counters of the traffic began anew")
        tally.add(reading)
        silent = sorted(v for v, share in plan.serves.items() if share > 0 and v not in {each[0] for each in reading})
        if silent:
            return Follows(yes=False, because=f"nobody counts the requests of {', '.join(silent)}")
        return judged(plan.serves, tally.fresh)

    def _by_source(self, mitigation: Mitigation) -> bool:
        return self.changes.target(mitigation.plan.target).traffic is not None

    async def _read(self, mitigation: Mitigation) -> Mapping[Series, float] | None:
        """Requests so far, counted from some beginning that does not matter; None where nobody counts."""
        target = self.changes.target(mitigation.plan.target)
        if target.traffic is not None:
            return await self._from_source(target, self.changes.desk.clock.now())
        action = self.changes.door(target.name)
        if isinstance(action, Counting):
            counted = await action.traffic(mitigation.plan)
            return {(version, ""): float(count) for version, count in counted.items()} or None  # it counts nothing
        return None

    async def _from_source(self, target: Target, now: datetime) -> Mapping[Series, float]:
        told = target.traffic
        source = self.sources.get(told.source) if told is not None else None
        if told is None or source is None:
            logger().warning("a target's traffic names a source that is not there", target=target.name)
            return {}
        query = Selector.parse(told.series)
        counts: dict[Series, float] = {}
        for point in (await source.read([query], now))[query]:
            labels = dict(point.labels)
            version = labels.get(told.by, "")
            if version and math.isfinite(point.value):
                counts[version, ",".join(f"{k}={v}" for k, v in sorted(labels.items()))] = point.value
        return counts


def judged(serves: Mapping[str, float], counts: Mapping[str, float]) -> Follows:
    """Whether requests per version fit the shares that were planned.

    A share may miss by SLACK and by three standard errors of a proportion (Wald) of that many requests.
    """
    whole = sum(counts.values())
    if whole < ENOUGH:
        return Follows(yes=False, because=f"only {whole:g} requests since the change")
    told = ", ".join(f"{name} {count / whole:.0%}" for name, count in sorted(counts.items()) if count) or "nobody"
    for name in dict.fromkeys((*serves, *counts)):
        wanted, seen = serves.get(name, 0.0), counts.get(name, 0.0) / whole
        if abs(seen - wanted) > SLACK + 3 * math.sqrt(wanted * (1 - wanted) / whole):
            return Follows(yes=False, because=f"{name} takes {seen:.0%} of the traffic instead of {wanted:.0%}")
    return Follows(yes=True, because=f"of {whole:.0f} requests since: {told}")
