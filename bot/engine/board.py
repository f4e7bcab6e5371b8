"""Who is on call, as people ask for it: each rota now and at its next hand-off, each service's levels, and the gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.errors import NotFound
from bot.domain.service import Service
from bot.engine.own import SERVICE as OWN
from bot.engine.roster import Roster, Stint
from bot.engine.values import Profile

AHEAD = timedelta(days=35)
"""How far the next hand-off is looked for."""
MOST = timedelta(days=366)
"""The longest time shifts are told for at once."""
LONG_AGO, FAR = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NAMED = 30
"""So many people are named at most where somebody asks for one who is none."""


@dataclass(frozen=True, slots=True)
class RotaNow:
    """A rota at one time. Nobody in `now` is a gap; `next_at` is None where nothing changes within AHEAD.

    `told_at` is how fresh a schedule kept elsewhere is (None where it never answered), `trouble` why it is silent.
    """

    rota: str
    title: str
    zone: str
    now: tuple[Stint, ...]
    next_at: datetime | None
    next: tuple[Stint, ...]
    provider: str = ""
    told_at: datetime | None = None
    trouble: str = ""
    trouble_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LevelNow:
    """One level of a service's escalation: as it is written, who stands on it now, and how long they have."""

    entries: tuple[str, ...]
    people: tuple[Profile, ...]
    within: timedelta | None


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """Whom a page for a service comes to, level by level, and who is told at the end.

    `instead` are paged where nobody stands on any level; nobody where somebody does.
    """

    service: str
    title: str
    levels: tuple[LevelNow, ...]
    rounds: int
    end: tuple[Profile, ...]
    instead: tuple[Profile, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call by a rota from `start` up to `end`."""

    rota: str
    start: datetime
    end: datetime


async def rota_now(roster: Roster, rota: str, at: datetime) -> RotaNow:
    """One rota at that time. Raises NotFound."""
    now = await roster.who(rota, at)
    ahead = await roster.shifts(rota, at, at + AHEAD)
    next_at = next_change(ahead, at)
    told = roster.schedules.told(rota)
    trouble, since = roster.schedules.trouble(rota)
    place = roster.plans.elsewhere.get(rota)
    return RotaNow(
        rota,
        roster.plans.title(rota),
        roster.plans.zone(rota),
        now,
        next_at,
        tuple(each for each in ahead if next_at and each.start <= next_at < each.end),
        place.provider if place else "",
        told.at if told else None,
        trouble,
        since,
    )


def next_change(stints: Sequence[Stint], at: datetime) -> datetime | None:
    """When others than now are on call for the first time, or nobody is; the end of what is known is no change."""

    def on(moment: datetime) -> set[str]:
        return {each.key for each in stints if each.start <= moment < each.end}

    now, last = on(at), at + AHEAD
    times = sorted({moment for each in stints for moment in (each.start, each.end) if at < moment < last})
    return next((moment for moment in times if on(moment) != now), None)


async def rotas_now(roster: Roster, at: datetime, rota: str = "") -> tuple[RotaNow, ...]:
    """Every rota, or the one. Raises NotFound."""
    return tuple([await rota_now(roster, each, at) for each in ([rota] if rota else roster.plans.names)])


async def service_now(roster: Roster, service: Service, at: datetime) -> ServiceNow:
    """Whom a page for that service comes to at that time."""
    ladder = await roster.ladder(service.name, at)
    escalation = roster.plans.by_service.get(service.name)
    written = escalation.levels if escalation else ()
    levels = tuple([
        LevelNow(level.page, await _profiles(roster, rung.people), rung.within)
        for level, rung in zip(written, ladder.rungs, strict=True)
    ])  # fmt: skip
    end, instead = await _profiles(roster, ladder.end), await _profiles(roster, await roster.instead(service.name, at))
    return ServiceNow(service.name, service.title, levels, ladder.rounds, end, instead)


async def services_now(
    roster: Roster, services: Iterable[Service], at: datetime, service: str = ""
) -> tuple[ServiceNow, ...]:
    """Every service, or the one; Tocsin itself only where somebody is told of its troubles. Raises NotFound."""
    by_name = {each.name: each for each in services}
    if service and service not in by_name:
        raise NotFound("service", service, sorted(by_name))
    chosen = [by_name[service]] if service else sorted(by_name.values(), key=lambda each: each.title)
    found = [await service_now(roster, each, at) for each in chosen]
    return tuple(each for each in found if service or each.service != OWN or each.levels)


async def _profiles(roster: Roster, people: Iterable[str]) -> tuple[Profile, ...]:
    found = [await roster.people.by_id(each) for each in people]
    return tuple(each for each in found if each is not None)


def near(at: datetime | None, now: datetime) -> datetime:
    """That time as far as calendars go: arithmetic with years of three digits or five goes wrong."""
    return min(max((at or now).astimezone(UTC), LONG_AGO), FAR)


async def shifts_of(
    roster: Roster, start: datetime, end: datetime, *, rota: str = "", person: str = ""
) -> tuple[tuple[Stint, ...], tuple[Gap, ...]]:
    """Everybody's shifts in that time, or one person's (by key), and the gaps of those rotas.

    Raises NotFound for a rota that is none, and for somebody neither people.yaml nor a rota knows.
    """
    end = min(end, start + MOST)
    names = [rota] if rota else roster.plans.names
    by_rota = {name: await roster.shifts(name, start, end) for name in names}
    found = sorted((each for each in sum(by_rota.values(), ()) if person in {"", each.key}), key=lambda s: s.start)
    if person and not found and await roster.people.by_key(person) is None:
        keys = sorted(each.key for each in await roster.people.everyone())
        more = [f"{len(keys) - NAMED:,} more"] if len(keys) > NAMED else []
        raise NotFound("person", person, [*keys[:NAMED], *more])
    return tuple(found), tuple(gap for name, each in by_rota.items() for gap in gaps(name, each, start, end))


def gaps(rota: str, stints: Iterable[Stint], start: datetime, end: datetime) -> list[Gap]:
    """The stretches in which nobody whom a page could reach is on call, in order."""
    found: list[Gap] = []
    at = start
    for each in sorted(stints, key=lambda stint: stint.start):
        if not each.person:
            continue
        if each.start > at:
            found.append(Gap(rota, at, each.start))
        at = max(at, each.end)
    return [*found, Gap(rota, at, end)] if at < end else found
