"""What the instruments last said of a service: the newest findings about drift among its incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.finding import Finding
from bot.domain.incident import Incident
from bot.engine.values import Profile, Summary
from bot.web.door import Console

DRIFT = "drift"
"""The instrument that compares inputs and outcomes with the training data."""
LOOKED_AT = 12
"""So many of a service's newest incidents are looked through."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What it said, in which incident."""

    incident: str
    findings: tuple[Finding, ...]


async def past(here: Console, who: Profile, service: str, limit: int) -> list[Summary]:
    """The newest incidents of a service, as far as this person may see them."""
    if here.house.past is None:
        return []
    found = await here.house.past.of_service(service, limit=limit)
    return [each for each in found if not each.restricted or await here.may_see(who, await here.desk.log.load(each.id))]


async def loaded(here: Console, found: Sequence[Summary]) -> list[Incident]:
    """Those incidents whole, as many as are looked through."""
    return [await here.desk.log.load(each.id) for each in found[:LOOKED_AT]]


def drift_in(incidents: Sequence[Incident]) -> Drift | None:
    """The newest findings of that instrument that still count."""
    for incident in incidents:
        found = [each for each in incident.findings if each.source == DRIFT and each.gone is None]
        if found:
            return Drift(incident.id, tuple(found))
    return None


async def last_drift(here: Console, who: Profile, service: str) -> Drift | None:
    """What was last said of drift there; None where nothing was, or nothing this person may see."""
    return drift_in(await loaded(here, await past(here, who, service, LOOKED_AT)))


async def names(here: Console) -> dict[str, str]:
    """How people are called, by the key that the catalogue names them by."""
    return {each.key: each.name for each in await here.desk.people.everyone()}
