"""Whether whoever is paged in the coming days will be reached: rotas, people's channels and providers in one report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.service import Service
from bot.engine.readiness_gaps import TOLD, Reach, house, of_house, of_service
from bot.engine.roster import Roster, Stint
from bot.engine.values import Profile
from bot.engine.ways import missing
from bot.rota.escalation import rota_of
from bot.rota.finding import Kind, Plan, on_wall
from bot.rota.readiness import readiness
from bot.rota.rota import Shift
from bot.rota.wallclock import reading

STALE = timedelta(hours=1)
"""How old the answer of a provider may be before it is worth knowing."""


@dataclass(frozen=True, slots=True)
class Report:
    """What stands in the way: by `alarms` a page would reach nobody, or not whom it is meant for; `notes` are weaker.

    `ahead` tells for each rota who is on call, in the order in which they take over.
    """

    start: datetime
    end: datetime
    alarms: tuple[str, ...]
    notes: tuple[str, ...]
    ahead: tuple[tuple[str, tuple[str, ...]], ...] = ()


async def report(roster: Roster, services: Iterable[Service], start: datetime, end: datetime) -> Report:
    """Everything to look at from `start` up to `end`, by what is at hand."""
    plans = roster.plans
    stints = {name: await roster.shifts(name, start, end) for name in plans.names}
    everyone = {each.key: each for each in await roster.people.everyone()}
    found = readiness(
        plans.rotas.values(),
        start,
        end,
        covers=roster.overrides,
        elsewhere=[Plan(name, plans.zone(name), _shifts(stints[name])) for name in sorted(plans.elsewhere)],
        known=everyone.keys(),
        zones={key: contact.zone for key, contact in plans.contacts.items() if contact.zone},
    )
    alarms = [finding.says for finding in found if finding.kind is Kind.UNKNOWN]
    alarms += list(_strangers(roster, stints))
    alarms += list(_silent(roster))
    wanted = _wanted(roster, stints)
    unreached, lacking = _channels(roster, wanted, everyone)
    alarms += unreached
    notes = [finding.says for finding in found if finding.kind is not Kind.UNKNOWN]

    def reached(key: str) -> bool:
        person = everyone.get(key)
        return person is not None and bool(roster.ways(person))

    reach = Reach(plans, stints, reached, start, end)
    for each in (*(of_service(reach, one) for one in sorted(services, key=lambda one: one.title)), of_house(reach)):
        alarms += each.alarms
        notes += each.notes
    ahead = tuple((plans.title(name), tuple(dict.fromkeys(s.name for s in each))) for name, each in stints.items())
    return Report(start, end, _once(alarms), _once([*notes, *lacking, *_old(roster)]), ahead)


def _shifts(stints: Sequence[Stint]) -> list[Shift]:
    return [Shift(each.key, each.start, each.end, each.because) for each in stints]


def _strangers(roster: Roster, stints: dict[str, tuple[Stint, ...]]) -> Iterator[str]:
    """Those a provider names and nobody here knows; our own rotas' are found with their place."""
    for name in roster.plans.elsewhere:
        for who in dict.fromkeys(each.name for each in stints[name] if not each.person):
            title = roster.plans.title(name)
            yield f"{who} is on call in {title} and stands for nobody in people.yaml: a page would reach nobody"


def _silent(roster: Roster) -> Iterator[str]:
    for name in sorted(roster.plans.elsewhere):
        if roster.schedules.told(name) is None:
            because, _since = roster.schedules.trouble(name)
            yield f"nothing is known of {roster.plans.title(name)}: {because or 'its provider was not asked yet'}"


def _old(roster: Roster) -> Iterator[str]:
    for name in sorted(roster.plans.elsewhere):
        age, (because, _since) = roster.age(name), roster.schedules.trouble(name)
        if age is not None and age > STALE and because:
            hours = round(age / timedelta(hours=1))
            yield f"{roster.plans.title(name)} is known as it was {hours} h ago: {because}"


def _wanted(roster: Roster, stints: dict[str, tuple[Stint, ...]]) -> dict[str, str]:
    """Everybody a page may come to in that time, by key, and by what."""
    found: dict[str, str] = {}
    for name, each in stints.items():
        for stint in each:
            if stint.person:
                found.setdefault(stint.key, roster.plans.title(name))
    for service, escalation in roster.plans.by_service.items():
        for entry in (*(entry for level in escalation.levels for entry in level.page), *escalation.end):
            if not rota_of(entry):
                found.setdefault(entry, f"the escalation of {service}")
    for entry in house(roster.plans):
        if not rota_of(entry):
            found.setdefault(entry, "the fall-back where nobody is on call")
    return found


def _channels(roster: Roster, wanted: dict[str, str], everyone: dict[str, Profile]) -> tuple[list[str], list[str]]:
    """Those no channel reaches, and what the others' own order asks for in vain."""
    if wanted and not roster.plans.pagers:
        return ["no pager is set up, so a page reaches nobody"], []
    unreached, lacking = [], []
    for key, by in sorted(wanted.items()):
        person = everyone.get(key)
        if person is None:
            unreached.append(f"{key} is paged by {by} and stands for nobody in people.yaml")
            continue
        why = "; ".join(missing(person, roster.contact(person), roster.plans.pagers))
        if not roster.ways(person):
            unreached.append(f"no channel reaches {person.name}, who is paged by {by}" + (f": {why}" if why else ""))
        elif why:
            lacking.append(f"{person.name} asked to be reached in vain: {why}")
    return unreached, lacking


def _once(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))


def note(found: Report, zone: str) -> str:
    """The report as a message to read on a Monday morning: what needs somebody, what is worth knowing, who is next."""
    first = on_wall(reading(found.start, ZoneInfo(zone)))
    lines = [f"On call from {first.rpartition(' ')[0]} on"]
    lines += ["", "Needs somebody:", *_points(found.alarms)] if found.alarms else ["Everybody on call can be reached."]
    lines += ["", "Worth knowing:", *_points(found.notes)] if found.notes else []
    lines += ["", "Who is on call:"] if found.ahead else []
    lines += [f"• {title}: {', then '.join(names) or 'nobody'}" for title, names in found.ahead]
    return "\n".join(lines)


def _points(found: Sequence[str]) -> list[str]:
    told = [f"• {each}" for each in found[:TOLD]]
    more = len(found) - TOLD
    return [*told, f"• and {more} more: tocsin check --oncall"] if more > 0 else told
