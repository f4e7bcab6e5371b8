"""When a page comes to nobody, or only to those who stand in for whoever should be on call, and an end nobody hears."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.service import Service
from bot.engine.board import Gap, gaps
from bot.engine.roster import Plans, Stint
from bot.rota.escalation import rota_of
from bot.rota.finding import said

TOLD = 8
"""So many stretches are told one by one."""
HOUSE = "where no service says who is on call"


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in the way, and what is worth knowing."""

    alarms: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who can be reached by which rota and when, from `start` up to `end`; `reached` asks it of a person by key."""

    plans: Plans
    stints: Mapping[str, tuple[Stint, ...]]
    reached: Callable[[str], bool]
    start: datetime
    end: datetime

    def gaps(self, entries: Iterable[str]) -> list[Gap]:
        """When nobody of these people and rotas can be reached."""
        entries = tuple(entries)
        if any(not rota_of(entry) and self.reached(entry) for entry in entries):
            return []
        there = [each for entry in entries for each in self.stints.get(rota_of(entry), ()) if self.reached(each.key)]
        return gaps("", there, self.start, self.end)

    def said(self, what: str, open_ones: Sequence[Gap], about: str, then: str = "") -> list[str]:
        """Each stretch in a sentence; of many the first ones, and how many more there are `about` what."""
        zone = ZoneInfo(self.plans.timezone)
        told = [
            f"{what} from {said(each.start, zone)} to {said(each.end, zone)} ({zone.key}){then}"
            for each in open_ones[:TOLD]
        ]
        more = len(open_ones) - TOLD
        return [*told, f"and so in {more} more stretches {about}"] if more > 0 else told

    def whole(self, open_ones: Sequence[Gap]) -> bool:
        """Whether it is all of the time that is looked at."""
        return [(each.start, each.end) for each in open_ones] == [(self.start, self.end)]


def of_service(reach: Reach, service: Service) -> Found:
    """What is found for one service."""
    escalation = reach.plans.by_service.get(service.name)
    entries, end = (escalation.paged, escalation.end) if escalation else ((), ())
    stand_in = tuple(dict.fromkeys((*end, *house(reach.plans))))
    own, lost = reach.gaps(entries), reach.gaps((*entries, *stand_in))
    found, about = Found(), f"for {service.title}"
    if not entries and reach.whole(lost):
        found.alarms.append(f"nobody is paged for {service.title}")
        return found
    found.alarms.extend(reach.said(f"a page for {service.title} reaches nobody", lost, about))
    to = f": pages go to {', then '.join(stand_in)}"
    if not entries:
        found.notes.append(f"nobody is on call for {service.title}{to}")
    elif own != lost:
        found.alarms.extend(reach.said(f"nobody on call for {service.title} is reached", own, about, to))
    if end:
        found.alarms.extend(_told(reach, f"the end of the escalation of {service.title} reaches nobody", end, about))
    elif not stand_in and all(rota_of(entry) for entry in entries):
        what = f"once nobody is on call for {service.title} nobody is paged"
        found.notes.append(f"{what}: its escalation has no end, and there are no admins")
    return found


def of_house(reach: Reach) -> Found:
    """What is found for incidents of no service."""
    entries = house(reach.plans)
    if not entries:
        return Found(notes=[f"nobody is paged {HOUSE}: on_call of tocsin.yaml is empty, and there are no admins"])
    return Found(_told(reach, f"{HOUSE} a page reaches nobody", entries, HOUSE))


def _told(reach: Reach, what: str, entries: Iterable[str], about: str) -> list[str]:
    lost = reach.gaps(entries)
    return [what] if reach.whole(lost) else reach.said(what, lost, about)


def house(plans: Plans) -> tuple[str, ...]:
    """Everybody, and every rota, that is paged where nobody is on call."""
    return tuple(dict.fromkeys(entry for each in plans.instead for entry in each.paged))
