"""The breach of a drill: traffic that is made up, on an objective of the user's own, in place of their sources."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from bot.clock import Clock
from bot.config.installation import Installation
from bot.domain.errors import NotFound, Refused
from bot.domain.service import Service
from bot.drill.standin import DRILL, StandIn
from bot.slo.measure import OCCURRENCES, Indicator, Query
from bot.slo.selector import Selector
from bot.slo.spec import Point, Slo

SOURCE = "drill"
GOOD, ALL = Selector.parse("drill_good_total"), Selector.parse("drill_requests_total")
PER_SECOND = 20
_WINDOW_DAYS = 30


def chosen(installation: Installation, service: str, slo: str) -> tuple[Service, Slo]:
    """The objective the drill breaks and its service; what nobody named is the first that pages and can be mitigated.

    Raises NotFound for a name that is none, Refused where no service is configured.
    """
    services, slos = installation.services, installation.slos
    if service and service not in services:
        raise NotFound("service", service, sorted(services))
    if slo and slo not in {each.name for each in slos}:
        raise NotFound("objective", slo, sorted(each.name for each in slos))
    fitting = [
        each for each in slos if each.service in services and slo in ("", each.name) and service in ("", each.service)
    ]
    if not fitting:
        raise Refused(
            f"no objective watches {service or 'a service'}: a drill needs one to break; see slos/ beside tocsin.yaml"
        )
    best = min(fitting, key=lambda each: (not _pages(each), not services[each.service].offers))
    return services[best.service], best


def _pages(slo: Slo) -> bool:
    return slo.opens and slo.allowed_gap is None and any(tier.severity == "page" for tier in slo.tiers)


def simulated(slo: Slo) -> Slo:
    """The objective with its target, tiers and patience, on traffic of the drill's own."""
    good_from = max(slo.target, 1e-9)
    return replace(
        slo,
        indicator=Indicator("good", GOOD, ALL),
        target=good_from,
        display=f"{DRILL}: {slo.title}",
        source=SOURCE,
        method=OCCURRENCES,
        calendar=None,
        parts=(),
        slice_by="",
        allowed_gap=None,
        opens=True,
    )


@dataclass
class Breach:
    """A source of two counters: all is well, then everything fails, until a stand-in was changed or it is repaired."""

    clock: Clock
    standins: Iterable[StandIn]
    least: int = 10  # events in a poll, so that the objective's minimum is reached soon
    broken: bool = False
    good: int = 0
    total: int = 0

    def flow(self, seconds: float) -> None:
        """Let so much traffic pass."""
        events = max(self.least, ceil(PER_SECOND * seconds))
        self.total += events
        if not self.broken or any(each.standing for each in self.standins):
            self.good += events

    async def read(self, queries: Collection[Query], at: datetime) -> Mapping[Query, Sequence[Point]]:
        """Both counters; nothing else is there."""
        counts = {GOOD: self.good, ALL: self.total}
        return {query: [Point.of(float(counts[query]), at)] if query in counts else [] for query in queries}

    async def close(self) -> None:
        """Nothing is open."""
