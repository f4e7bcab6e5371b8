"""One layer of a rota by itself: whose turn it is, and in which stretches its restrictions let it apply."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.rota.rota import Layer, Only, Rota, Turn
from bot.rota.wallclock import changes, instant, reading

Span = tuple[datetime, datetime]
WEEK = timedelta(weeks=1)
FAR = timedelta(hours=50)
"""No clock was ever put forward or back by half as much."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` up to `end` these sit on call; a seat whose holder was taken away is "". `because` says by what.

    `ever` tells for each seat who was to sit there, one stand-in after the other; the last is who does.
    """

    start: datetime
    end: datetime
    ever: tuple[tuple[str, ...], ...]
    because: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """Who is on call, each once."""
        return tuple(dict.fromkeys(seat[-1] for seat in self.ever if seat[-1]))


def zone_of(layer: Layer, rota: Rota) -> ZoneInfo:
    """By whose clocks a layer goes."""
    return ZoneInfo(layer.zone or rota.zone)


def length(turn: Turn) -> timedelta:
    """How long a turn lasts on the wall."""
    return timedelta(**{turn.unit.value: turn.amount})


def seated(layer: Layer, at: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """Who is on call by this layer alone; nobody where it does not apply."""
    if not layer.turns or not in_force(layer, at, zone):
        return ()
    wall = reading(at, zone)
    if layer.only and not any(_holds(only, wall) for only in layer.only):
        return ()
    return layer.turns[turn_at(layer, at, zone) % len(layer.turns)]


def in_force(layer: Layer, at: datetime, zone: ZoneInfo) -> bool:
    """Whether a layer has begun by then and has not ended."""
    return instant(layer.start, zone) <= at and (layer.end is None or at < instant(layer.end, zone))


def turn_at(layer: Layer, at: datetime, zone: ZoneInfo) -> int:
    """The number of the turn an instant falls in, the first being 0: the last one that has begun."""
    every, wall = length(layer.every), reading(at, zone)
    low, high = ((wall - layer.start + by) // every for by in (-FAR, FAR))
    numbers = range(max(low, 0), max(high, 0) + 1)
    begun = bisect_right(numbers, at, key=lambda n: instant(layer.start + n * every, zone))
    return numbers[max(begun - 1, 0)]


def stretches(layer: Layer, start: datetime, end: datetime, zone: ZoneInfo, because: str = "") -> list[Stretch]:
    """Where a layer applies between two instants, turn by turn."""
    start = max(start, instant(layer.start, zone))
    end = end if layer.end is None else min(end, instant(layer.end, zone))
    if not layer.turns or start >= end:
        return []
    turns = list(_turns(layer, start, end, zone, because))
    return turns if not layer.only else list(_crossed(turns, windows(layer.only, start, end, zone)))


def windows(only: Iterable[Only], start: datetime, end: datetime, zone: ZoneInfo) -> list[Span]:
    """When the clocks read a time at which any of these lets a layer apply, in order and none touching another."""
    edges = [start, *(change.at for change in changes(zone, start, end) if change.at > start), end]
    found: list[Span] = []
    for one, other in itertools.pairwise(edges):
        offset = one.astimezone(zone).utcoffset() or timedelta(0)
        for since, until in _weekly(only, one.replace(tzinfo=None) + offset, other.replace(tzinfo=None) + offset):
            begin = max((since - offset).replace(tzinfo=UTC), one)
            stop = min((until - offset).replace(tzinfo=UTC), other)
            if begin < stop:
                found.append((begin, stop))
    found.sort()
    return list(_joined(found))


def _holds(only: Only, wall: datetime) -> bool:
    since, until, now = (only.since_day, only.since), (only.until_day, only.until), (wall.weekday(), wall.time())
    return since <= now < until if since < until else now >= since or now < until


def _turns(layer: Layer, start: datetime, end: datetime, zone: ZoneInfo, because: str) -> Iterator[Stretch]:
    every, number = length(layer.every), turn_at(layer, start, zone)
    at = start
    while at < end:
        after = min(instant(layer.start + (number + 1) * every, zone), end)
        people = layer.turns[number % len(layer.turns)]
        if after > at and people:
            yield Stretch(at, after, tuple((person,) for person in people), because)
        at, number = max(at, after), number + 1


def _weekly(only: Iterable[Only], start: datetime, end: datetime) -> Iterator[Span]:
    """Every stretch of the wall's weeks that could reach in between two readings."""
    monday = datetime.combine(start.date() - timedelta(days=start.weekday()), time()) - WEEK
    while monday < end:
        for each in only:
            since, until = _in_week(monday, each.since_day, each.since), _in_week(monday, each.until_day, each.until)
            yield since, until if until > since else until + WEEK
        monday += WEEK


def _in_week(monday: datetime, day: int, at: time) -> datetime:
    return monday + timedelta(days=day, hours=at.hour, minutes=at.minute, seconds=at.second)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    held: Span | None = None
    for span in spans:
        if held is not None and span[0] <= held[1]:
            held = held[0], max(held[1], span[1])
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def _crossed(turns: list[Stretch], spans: list[Span]) -> Iterator[Stretch]:
    """The parts of the turns that lie in one of the spans."""
    at = 0
    for turn in turns:
        while at < len(spans) and spans[at][1] <= turn.start:
            at += 1
        for begin, stop in spans[at:]:
            if begin >= turn.end:
                break
            yield Stretch(max(begin, turn.start), min(stop, turn.end), turn.ever, turn.because)
