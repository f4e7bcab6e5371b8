"""What an incident's page says of its alerts and of other incidents: merged, split off, or below a storm's umbrella."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.ahead import ahead, loud_words, next_words
from bot.domain.errors import NotFound
from bot.domain.incident import Incident
from bot.domain.phase import Phase
from bot.engine.situation import Situation
from bot.engine.values import Profile, Summary
from bot.web.door import Console
from bot.web.phrases import clock
from bot.web.shapes_alert import AlertShape, together

SHOWN = 200
"""So many alerts stand on the page; a form takes no more boxes either."""
NAMED = 20
"""So many other incidents are named."""
OFFERED = 50
SOON = timedelta(hours=12)
ENDED = frozenset({Phase.RESOLVED, Phase.CLOSED})


@dataclass(frozen=True, slots=True)
class Kin:
    """Another incident, which this person may see; `alerts` is how many of this one's alerts it goes on with."""

    id: str
    title: str
    alerts: int = 0


@dataclass(frozen=True, slots=True)
class Family:
    """The alerts of an incident, and the incidents it has to do with, as one person may see them."""

    alerts: Sequence[AlertShape]
    more: int
    """Alerts that are not shown."""
    firing: int
    merged_into: Kin | None
    merged: Sequence[Kin]
    moved: Sequence[Kin]
    umbrella: Kin | None
    child: bool
    silent: bool
    offered: Sequence[Summary]
    """Open incidents it could be merged into."""

    @property
    def shown(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.alerts or self.merged_into or self.merged or self.moved or self.child)


async def family(here: Console, situation: Situation, who: Profile) -> Family:
    """Its alerts, those that fire first, and who belongs to it."""
    incident = situation.incident
    told = together(incident)
    gone = Counter(to for to in incident.moved.values() if to != incident.merged_into)
    umbrella = await _seen(here, who, [incident.umbrella])
    into = await _seen(here, who, [incident.merged_into])
    return Family(
        alerts=told.alerts[:SHOWN],
        more=max(0, len(told.alerts) - SHOWN),
        firing=sum(each.ended is None for each in told.alerts),
        merged_into=into[0] if into else None,
        merged=await _seen(here, who, incident.merged[-NAMED:]),
        moved=[Kin(each.id, each.title, gone[each.id]) for each in await _seen(here, who, list(gone)[-NAMED:])],
        umbrella=umbrella[0] if umbrella else None,
        child=bool(incident.umbrella),
        silent=incident.is_silent,
        offered=await _offered(here, incident, who),
    )


async def _seen(here: Console, who: Profile, ids: Iterable[str]) -> list[Kin]:
    """Those that there are and this person may see."""
    found = []
    for name in filter(None, ids):
        try:
            known = await here.incident(name, who)
        except NotFound:
            continue
        found.append(Kin(known.id, known.title))
    return found


async def _offered(here: Console, incident: Incident, who: Profile) -> list[Summary]:
    if not incident.is_open or incident.storm is not None:
        return []
    known = await here.summaries(who, limit=OFFERED)
    return [
        each
        for each in known
        if each.id != incident.id and each.phase not in ENDED and each.restricted == incident.restricted
    ]


@dataclass(frozen=True, slots=True)
class Climb:
    """What is said of the pages while nobody has taken it."""

    next: str = ""
    loud: str = ""


async def climb(here: Console, situation: Situation) -> Climb:
    """Whom it climbs to next and when, and what must not be overlooked."""
    known = ahead(situation.incident, here.desk.handler.policy, await here.desk.ladder(situation.incident))
    if known is None:
        return Climb()
    now = situation.now

    def time(at: datetime) -> str:
        """The hour alone where it is near: it is read in a hurry."""
        near = abs(at - now) < SOON
        return f"{at.astimezone(UTC):%H:%M} UTC" if near else clock(at)

    return Climb(next_words(known, now, situation.name, time), loud_words(known, situation.name, time))
