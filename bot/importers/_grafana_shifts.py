"""Reads one shift of Grafana OnCall: a recurring event of RFC 5545, as layers that recur by the wall clock.

An event lasts `duration` and recurs every `interval` of `frequency`; with `rolling_users` each time frame is the next
group's. Where events leave time between them, the layer is restricted to the hours of the event or, where those are not
the same each week, has turns that are nobody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import gcd
from zoneinfo import ZoneInfo

from bot.importers import _wall
from bot.importers._export import Node
from bot.importers._found import Harvest
from bot.rota.rota import Layer, Only, Turn, Unit

UNITS = {"hourly": _wall.HOUR, "daily": _wall.DAY, "weekly": _wall.WEEK}
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NOBODY: tuple[str, ...] = ()
Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A shift that recurs: what its layers are made of."""

    name: str
    zone: str
    groups: Groups
    start: datetime
    lasting: timedelta
    unit: timedelta
    interval: int
    days: tuple[int, ...]
    week_start: int

    @property
    def period(self) -> timedelta:
        """From one event to the next, where no days are named."""
        return self.interval * self.unit

    def layer(self, start: datetime, every: Turn, turns: Groups, only: Sequence[Only] | None = ()) -> Layer:
        """A layer of this shift."""
        return Layer(self.name, turns, start, every, None, tuple(only or ()), self.zone)

    def begins(self, at: datetime, *, last: bool) -> datetime:
        """The last event to begin up to `at`, or the first to begin from then on."""
        if not self.days:
            passed = (at - self.start) // self.period
            exact = self.start + passed * self.period
            return exact if last or exact == at else exact + self.period
        step = -_wall.DAY if last else _wall.DAY
        found = datetime.combine(at.date(), self.start.time())
        while found.weekday() not in self.days or (found > at if last else found < at):
            found += step
        return found


def layers(node: Node, name: str, groups: Groups, zone: ZoneInfo, now: datetime, harvest: Harvest) -> list[Layer]:
    """The shift as layers, from `now` on; with a remark none, or not all that it says."""
    start = node.required_moment("start", zone=zone)
    minutes = _minutes(node, harvest)
    if start is None or minutes is None:
        return []
    begun = _wall.local(start, zone)
    if not node.at("frequency").value:
        return [Layer(name, groups[:1], begun, Turn(), begun + minutes, (), zone.key)]
    event = _event(node, name, groups, zone, begun, minutes)
    if event is None:
        return []
    for field in ("by_month", "by_monthday"):
        if node.at(field).value:
            harvest.remark(node.at(field), f"months have no counterpart: the shift {name!r} is left out")
            return []
    made = _recurring(event)
    if isinstance(made, str):
        harvest.remark(node, f"{made}: the shift {name!r} is left out")
        return []
    begin, until = node.moment("rotation_start", zone=zone), node.moment("until", zone=zone)
    first = event.begins(max(begun, begun if begin is None else _wall.local(begin, zone)), last=False)
    end = None if until is None else event.begins(_wall.local(until, zone), last=True) + minutes
    kept: list[Layer] = []
    for layer in made:
        limited = Layer(layer.name, layer.turns, layer.start, layer.every, end, layer.only, layer.zone)
        if end is None or end > first:
            kept += _wall.rotation(limited, max(first, layer.start), now)
    return kept


def _event(node: Node, name: str, groups: Groups, zone: ZoneInfo, start: datetime, lasting: timedelta) -> Event | None:
    frequency = node.text("frequency")
    days = []
    for each in node.many("by_day"):
        if each.value not in DAYS:
            each.complain(", ".join(DAYS))
            return None
        days.append(DAYS.index(each.value))
    week_start = node.text("week_start", required=False) or "SU"
    if week_start not in DAYS:
        node.at("week_start").complain(", ".join(DAYS))
        return None
    if frequency not in UNITS and frequency != "monthly":
        node.at("frequency").complain(", ".join((*UNITS, "monthly")))
        return None
    interval = node.number("interval", otherwise=1)
    if not interval:
        node.at("interval").complain("at least 1")
        return None
    unit = UNITS.get(frequency, timedelta())
    return Event(
        name, zone.key, groups, start, lasting, unit, interval, tuple(sorted(set(days))), DAYS.index(week_start)
    )


def _recurring(event: Event) -> list[Layer] | str:
    """The layers of a recurring shift, without their beginning and end; or why there are none."""
    if not event.unit:
        return "months have no counterpart"
    if event.days:
        return _on_days(event)
    if event.lasting > event.period:
        if len(set(event.groups)) > 1:
            return "each event begins before the one before is over"
        return [event.layer(event.start, Turn(), event.groups[:1])]
    every = _wall.turn(event.period)
    if event.lasting == event.period:
        return "its turns are no whole hours" if every is None else [event.layer(event.start, every, event.groups)]
    at, day = event.start.time(), event.start.weekday()
    if event.unit == _wall.WEEK:
        only = [_wall.only(day, at, event.lasting)]
        if event.interval == 1 or event.lasting <= _wall.WEEK:
            return [event.layer(event.start, Turn(), _spread(event), _wall.whole(only))]
    if event.unit == _wall.DAY and event.lasting <= _wall.DAY:
        only = [] if event.lasting == _wall.DAY else [_wall.only(each, at, event.lasting) for each in range(7)]
        return [event.layer(event.start, Turn(1, Unit.DAYS), _spread(event), _wall.whole(only))]
    step = gcd(event.lasting // _wall.MINUTE, event.period // _wall.MINUTE) * _wall.MINUTE
    short = _wall.turn(step)
    if short is None:
        return "its events and the time between them are no whole hours"
    turns = [
        people
        for group in event.groups
        for people in [group] * (event.lasting // step) + [NOBODY] * ((event.period - event.lasting) // step)
    ]
    return [event.layer(event.start, short, tuple(turns))]


def _on_days(event: Event) -> list[Layer] | str:
    """Events on some days of the week: a week is one group's, or with `daily` each of the days."""
    at = event.start.time()
    alone = len(event.groups) == 1
    if event.unit == _wall.HOUR or (event.unit == _wall.DAY and event.interval > 1):
        return "days of the week go with every day or with weeks alone"
    if event.lasting > _wall.DAY and (len(event.days) > 1 or event.lasting > _wall.WEEK):
        return "its events last longer than a day and begin on several days"
    if event.unit == _wall.DAY and not alone:
        return _day_by_day(event)
    only = _wall.whole(_wall.only(day, at, event.lasting) for day in event.days)
    first = event.days[0] if len(event.days) == 1 else event.week_start
    monday = datetime.combine(event.start.date(), at) - (event.start.weekday() - event.week_start) % 7 * _wall.DAY
    anchor = monday + (first - event.week_start) % 7 * _wall.DAY
    return [event.layer(anchor, Turn(), _spread(event), only)]


def _day_by_day(event: Event) -> list[Layer]:
    """The next group on each listed day: one layer for each of the days, whose turns skip those of the others."""
    begun = event.begins(event.start, last=False)
    days = sorted(event.days, key=lambda day: (day - begun.weekday()) % 7)
    count, each_week = len(event.groups), len(days)
    made = []
    for position, day in enumerate(days):
        weeks = range(count // gcd(count, each_week))
        turns = tuple(event.groups[(week * each_week + position) % count] for week in weeks)
        start = begun + (day - begun.weekday()) % 7 * _wall.DAY
        only = _wall.whole([_wall.only(day, event.start.time(), event.lasting)])
        layer = event.layer(start, Turn(), turns, only)
        made.append(
            Layer(f"{event.name}, {DAYS[day].lower()}", layer.turns, start, layer.every, None, layer.only, layer.zone)
        )
    return made


def _spread(event: Event) -> Groups:
    """The groups, each followed by the time frames in which there is no event."""
    return tuple(people for group in event.groups for people in (group, *[NOBODY] * (event.interval - 1)))


def _minutes(node: Node, harvest: Harvest) -> timedelta | None:
    seconds = node.number("duration")
    if not seconds:
        node.at("duration").complain("a length of more than 0 s")
        return None
    minutes = max(1, (seconds + 30) // 60)
    if minutes * 60 != seconds:
        harvest.remark(node.at("duration"), f"{seconds} s are no whole minutes: {minutes} min are kept")
    return timedelta(minutes=minutes)
