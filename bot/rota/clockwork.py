"""What clocks do to hand-offs: some fall in the night, move in UTC, or lie in an hour left out or read twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.rota.finding import Finding, Kind, Plan, on_wall, said, span, together
from bot.rota.rota import Layer, Rota, Shift
from bot.rota.turns import in_force, length, zone_of
from bot.rota.wallclock import Change, changes, instant, reading

EVENING, MORNING = time(22), time(7)
"""Between these two people sleep."""
DAY = timedelta(days=1)


def nights(plan: Plan, start: datetime, asleep: Mapping[str, str]) -> Iterator[Finding]:
    """Shifts that begin in the night of whoever has them; those at one hour in one zone as one finding."""
    found: dict[tuple[time, str], list[Shift]] = {}
    for shift in plan.shifts:
        zone = asleep.get(shift.person) or plan.zone
        local = reading(shift.start, ZoneInfo(zone)).time()
        if shift.start > start and not MORNING <= local < EVENING:
            found.setdefault((local, zone), []).append(shift)
    for (local, zone), shifts in found.items():
        people = tuple(dict.fromkeys(shift.person for shift in shifts))
        verb, whose = ("takes", "the") if len(people) == 1 else ("take", "their")
        times = f"first on {said(shifts[0].start, ZoneInfo(zone))}, {len(shifts)} times"
        when = said(shifts[0].start, ZoneInfo(zone)) if len(shifts) == 1 else times
        says = f"{together(people)} {verb} over {plan.name} in {whose} night, at {local:%H:%M} in {zone} ({when})"
        yield Finding(plan.name, Kind.NIGHT, shifts[0].start, shifts[-1].start, people, says)


def moves(rota: Rota, start: datetime, end: datetime, asleep: Mapping[str, str]) -> Iterator[Finding]:
    """Clock changes of a zone that move its hand-offs in UTC, and for whom they move on the clock as well."""
    told: set[tuple[str, datetime]] = set()
    for layer in rota.layers:
        zone = zone_of(layer, rota)
        for change in changes(zone, start, end):
            if not _hands_off(layer) or not in_force(layer, change.at, zone) or (zone.key, change.at) in told:
                continue
            told.add((zone.key, change.at))
            way = "forward" if change.by > timedelta(0) else "back"
            turns = (
                person for each in rota.layers if zone_of(each, rota) == zone for turn in each.turns for person in turn
            )
            people = tuple(person for person in dict.fromkeys(turns) if _moved(asleep.get(person, ""), change))
            when = "earlier" if change.by > timedelta(0) else "later"
            says = (
                f"the clocks of {zone.key} go {way} by {span(abs(change.by))} on {said(change.at, zone)}: from then on "
                f"hand-offs of {rota.name} come {span(abs(change.by))} {when} in UTC"
            )
            says += f", and by the clocks of {together(people)}" if people else ""
            yield Finding(rota.name, Kind.MOVES, change.at, change.at, people, says)


def odd_hours(rota: Rota, start: datetime, end: datetime) -> Iterator[Finding]:
    """Hand-offs written at a time that is left out or comes twice on the day of a clock change."""
    told: set[tuple[datetime, ZoneInfo]] = set()
    for wall, zone, change in _at_changes(rota, start, end):
        if (wall, zone) in told:
            continue
        told.add((wall, zone))
        at = instant(wall, zone)
        says = f"a hand-off of {rota.name} is due on {on_wall(wall)}, "
        if change.by > timedelta(0):
            says += f"which is left out in {zone.key}: it happens at {reading(at, zone):%H:%M}"
        else:
            says += f"which comes twice in {zone.key}: turns change the first time, restrictions hold both times"
        yield Finding(rota.name, Kind.ODD_HOUR, at, at, (), says)


def _at_changes(rota: Rota, start: datetime, end: datetime) -> Iterator[tuple[datetime, ZoneInfo, Change]]:
    for layer in rota.layers:
        zone = zone_of(layer, rota)
        for change in changes(zone, start, end):
            if in_force(layer, change.at, zone):
                for wall in _walls(layer, *change.odd):
                    yield wall, zone, change
    zone = ZoneInfo(rota.zone)
    for change in changes(zone, start, end):
        for override in rota.overrides:
            for wall in (override.start, override.end):
                if wall.tzinfo is None and change.odd[0] <= wall < change.odd[1]:
                    yield wall, zone, change


def _walls(layer: Layer, low: datetime, high: datetime) -> Iterator[datetime]:
    """The first hand-off that is written between two readings, and the edges of restrictions there."""
    if len(layer.turns) > 1:
        every = length(layer.every)
        wall = layer.start - (layer.start - low) // every * every
        if low <= wall < high:
            yield wall
    for only in layer.only:
        for day, clock in ((only.since_day, only.since), (only.until_day, only.until)):
            wall = datetime.combine(low.date(), clock)
            if wall.weekday() == day and low <= wall < high:
                yield wall


def _hands_off(layer: Layer) -> bool:
    return len(layer.turns) > 1 or bool(layer.only)


def _moved(key: str, change: Change) -> bool:
    """Whether in that zone the clocks are not changed alike just then."""
    if not key:
        return False
    before, after = ((change.at + by).astimezone(ZoneInfo(key)).utcoffset() for by in (-DAY, DAY))
    return (after or timedelta(0)) - (before or timedelta(0)) != change.by
