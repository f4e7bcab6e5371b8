"""Who is on call on a terminal: asked of the running server, or read from the files alone, in the same words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import typer

from bot.cli._text import line, span, table, when
from bot.clock import SystemClock

if TYPE_CHECKING:
    from bot.config.installation import Installation
    from bot.engine.roster import Roster
    from bot.engine.values import Profile

OFFLINE = "Read from the files alone: covers are not known here, and count where the server is asked."


# -- asking ----------------------------------------------------------------------------------------------------------


def moment(given: str) -> datetime | None:
    """A time as it was typed, by this machine's zone where it names none; None for "". Raises a usage error."""
    if not given.strip():
        return None
    try:
        return datetime.fromisoformat(given.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{given!r} is no time; write 2026-12-01T09:00, with an offset where it matters"
        ) from None


def now(config: Path, person: str, *, at: str, rota: str, service: str, offline: bool) -> Any:
    """Who is on call at that time, as the API tells it. Raises Refused, NotFound, Unavailable."""
    asked = moment(at)
    if offline:
        return run(from_files(config), lambda known: board(known, asked, rota, service))
    query = {"at": asked.isoformat() if asked else "", "rota": rota, "service": service}
    return fetched(config, person, "/api/oncall", query)


def ahead(config: Path, person: str, *, at: str, days: int, rota: str, whose: str, offline: bool) -> Any:
    """Everybody's shifts from that time on. Raises Refused, NotFound, Unavailable."""
    asked = moment(at)
    if offline:
        return run(from_files(config), lambda known: upcoming(known, asked, days, rota, whose))
    query = {"start": asked.isoformat() if asked else "", "days": str(days), "rota": rota, "person": whose}
    return fetched(config, person, "/api/oncall/shifts", query)


def fetched(config: Path, person: str, path: str, query: Mapping[str, str]) -> Any:
    """What the server answers."""
    from bot.cli._ask import door

    given = urlencode({name: value for name, value in query.items() if value})
    return door(config, person).get(f"{path}?{given}" if given else path)


# -- from the files --------------------------------------------------------------------------------------------------


class FromFiles:
    """The directory as people.yaml has it: a person's id is their key, since none was given yet."""

    def __init__(self, people: Sequence[Profile]) -> None:
        from dataclasses import replace

        self._by_key = {each.key: replace(each, id=each.key) for each in people}

    async def everyone(self) -> list[Profile]:
        return list(self._by_key.values())

    async def by_key(self, key: str) -> Profile | None:
        return self._by_key.get(key)

    by_id = by_key


class Known:
    """A roster made of the files, its providers asked once."""

    def __init__(self, installation: Installation) -> None:
        from bot import openings
        from bot.engine.roster import Roster
        from bot.engine.schedules import Schedules

        self.installation, self.clock = installation, SystemClock()
        self.doors = openings.schedules(installation, self.clock)
        people: Any = FromFiles(installation.people)
        self.roster: Roster = Roster(
            openings.plans(installation, installation.pagers),
            people,
            self.clock,
            schedules=Schedules(self.doors, None, self.clock),
        )

    async def asked(self) -> Known:
        await self.roster.refresh()
        return self

    async def close(self) -> None:
        for door in self.doors.values():
            await door.close()


def from_files(config: Path) -> Known:
    """Raises Invalid with every problem of the files."""
    from bot.cli._database import configured

    return Known(configured(config))


def run(known: Known, what: Any) -> Any:
    """Ask the providers, then that, and close what was opened."""
    import asyncio

    async def work() -> Any:
        try:
            return await what(await known.asked())
        finally:
            await known.close()

    return asyncio.run(work())


async def board(known: Known, at: datetime | None, rota: str, service: str) -> dict[str, Any]:
    """What `GET /api/oncall` would answer."""
    from bot.engine.board import near, rotas_now, services_now
    from bot.web.shapes_oncall import EscalationShape, OnCallShape, RotaShape

    roster, at = known.roster, near(at, known.clock.now())
    rotas = () if service and not rota else await rotas_now(roster, at, rota)
    services = known.installation.services.values()
    levels = () if rota and not service else await services_now(roster, services, at, service)
    shape = OnCallShape(
        at=at,
        rotas=[RotaShape.from_rota(each) for each in rotas],
        services=[EscalationShape.from_service(each) for each in levels],
        unknown=list(roster.unknown),
    )
    return shape.model_dump(mode="json")


async def upcoming(known: Known, start: datetime | None, days: int, rota: str, whose: str) -> dict[str, Any]:
    """What `GET /api/oncall/shifts` would answer."""
    from bot.engine.board import near, shifts_of
    from bot.web.shapes_oncall import GapShape, ShiftsShape, StintShape

    start = near(start, known.clock.now())
    end = start + timedelta(days=days)
    found, gaps = await shifts_of(known.roster, start, end, rota=rota, person=whose)
    shape = ShiftsShape(
        start=start,
        end=end,
        shifts=[StintShape.from_stint(each) for each in found],
        gaps=[GapShape.from_gap(each) for each in gaps],
    )
    return shape.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class Readiness:
    """What `check --oncall` prints, and how many alarms are among it."""

    lines: tuple[str, ...]
    alarms: int


async def readiness(known: Known, days: int) -> Readiness:
    """Whether everybody on call will be reached in the coming days, by the files and what their providers say now."""
    from bot.engine.readiness import report

    now = known.clock.now()
    services = known.installation.services.values()
    found = await report(known.roster, services, now, now + timedelta(days=days))
    senders, somebody = [*_senders(known.installation)], bool(known.installation.instead)
    alarms = [*found.alarms, *([] if somebody else senders)]
    notes = [*found.notes, *(senders if somebody else [])]
    told = [f"ALARM  {line(each)}" for each in alarms] + [f"note   {line(each)}" for each in notes]
    head = f"On call for the next {days} days, by the files alone (covers are not known here):"
    end = [] if alarms else ["Everybody on call can be reached."]
    return Readiness((head, *told, *end), len(alarms))


def _senders(installation: Installation) -> Iterator[str]:
    """Whose alerts may name no service, and who is paged for those."""
    from bot.config.instead import words

    for each in installation.alerts:
        if not each.sender.default_service:
            who = words(installation.instead) or "nobody"
            yield f"an alert of {each.sender.name} that names no service pages {who}: it has no default_service"


# -- showing ---------------------------------------------------------------------------------------------------------


def local(told: object) -> str:
    """A time of the API by this machine's clock: Fri 20 Nov 09:00, with its year where it is another one."""
    at, today = when(told).astimezone(), SystemClock().now()
    return f"{at:%a %d %b %H:%M}" if abs((at - today).days) < 300 else f"{at:%a %d %b %Y %H:%M}"  # noqa: PLR2004


def zone(told: object) -> str:
    """What this machine calls its zone at that time."""
    return when(told).astimezone().tzname() or "UTC"


def people(stints: Sequence[Mapping[str, Any]]) -> str:
    """Names, each once, with whom they stand in for."""
    said = dict.fromkeys(_name(each) for each in stints)
    return ", ".join(said) or "nobody"


def _name(stint: Mapping[str, Any]) -> str:
    name = line(stint["person"]["name"])
    unknown = "" if stint["person"]["key"] else " (not in people.yaml)"
    return name + unknown + (f" (for {line(stint['instead_of'])})" if stint["instead_of"] else "")


def shown(found: Mapping[str, Any]) -> Iterator[str]:
    """Each rota with who is on call and the next hand-off; each service level by level."""
    yield f"On call {local(found['at'])} {zone(found['at'])}"
    for rota in found["rotas"]:
        yield ""
        yield from _rota(rota, found["at"])
    for service in found["services"]:
        yield ""
        yield from _service(service)
    if not found["rotas"] and not found["services"]:
        yield "There is no rota and no service yet."
    if found["unknown"]:
        yield ""
        yield f"On call and not in people.yaml, so nobody can page them: {', '.join(map(line, found['unknown']))}"


def _rota(rota: Mapping[str, Any], at: str) -> Iterator[str]:
    title, name = line(rota["title"]), line(rota["rota"])
    about = ", ".join(filter(None, (name if name != title else "", line(rota["provider"]))))
    yield title + (f" ({about})" if about else "")
    if not rota["now"]:
        yield "  NOBODY is on call"
    for stint in rota["now"]:
        yield f"  {_name(stint)}, since {local(stint['start'])}, until {local(stint['end'])}"
    if rota["next_at"]:
        yield f"  next: {people(rota['next'])}, from {local(rota['next_at'])}"
    if rota["trouble"]:
        since = rota["told_at"]
        age = f"as told {span((when(at) - when(since)).total_seconds())} before" if since else "never told yet"
        yield f"  {age}: {line(rota['trouble'])}"


def _service(service: Mapping[str, Any]) -> Iterator[str]:
    title, name = line(service["title"]), line(service["service"])
    yield f"Pages for {title}" + (f" ({name})" if name != title else "")
    for number, level in enumerate(service["levels"], start=1):
        names = ", ".join(line(each["name"]) for each in level["people"]) or "NOBODY"
        via = ", ".join(line(each) for each in level["entries"] if each.startswith("rota:"))
        within = f", {span(level['within_s'])}" if level["within_s"] is not None else ""
        yield f"  {number}  {names}" + (f"  [{via}]" if via else "") + within
    if service["instead"]:
        yield f"  instead: {', '.join(line(each['name']) for each in service['instead'])}"
    elif not any(level["people"] for level in service["levels"]):
        yield "  NOBODY is paged"
    if service["end"]:
        yield f"  at the end: {', '.join(line(each['name']) for each in service['end'])}"


def listed(found: Mapping[str, Any]) -> Iterator[str]:
    """A table of shifts in order, the gaps among them."""
    shifts = [(each["start"], each["end"], each["rota"], _name(each), each["because"]) for each in found["shifts"]]
    gaps = [(each["start"], each["end"], each["rota"], "NOBODY", "gap") for each in found["gaps"]]
    rows = sorted([*shifts, *gaps], key=lambda row: (when(row[0]), row[2]))
    if not rows:
        yield "No shift in that time."
        return
    head = ("from", f"to ({zone(found['start'])})", "rota", "on call", "by")
    yield from table([head, *((local(a), local(b), rota, who, because) for a, b, rota, who, because in rows)])


def covers(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each cover in a line, those nobody took first."""
    if not isinstance(found, list):
        raise TypeError("no list of covers")
    if not found:
        yield "No cover is asked for."
    for each in found:
        taker = line(each["taker"]["name"]) if each["taker"] else ""
        stands = {"asked": "NOBODY yet", "taken": f"{taker} covers", "withdrawn": "withdrawn"}[each["stand"]]
        because = f": {line(each['because'])}" if each["because"] else ""
        hours = f"{local(each['start'])} to {local(each['end'])} {zone(each['start'])}"
        yield f"{line(each['id'])}  {line(each['title'])}, {line(each['asker']['name'])}, {hours}, {stands}{because}"
