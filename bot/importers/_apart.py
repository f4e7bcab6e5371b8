"""Elsewhere several may be on call side by side in one schedule; a rota of ours has one layer on call at a time.

So what overlaps goes into rotas of its own, and whoever pages the schedule pages all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.importers._wall import MINUTE, WEEK, spans_of
from bot.rota.rota import Layer

FAR = timedelta(days=2)
"""More than any two zones are apart."""


def groups(layers: Sequence[Layer], zone: str, now: datetime) -> list[int]:
    """A number for each layer, from 0 on: layers of one number are never on call at the same time."""
    given: list[int] = []
    for at, layer in enumerate(layers):
        against = {given[other] for other in range(at) if overlap(layers[other], layer, zone, now)}
        given.append(next(number for number in range(at + 1) if number not in against))
    return given


def overlap(one: Layer, other: Layer, zone: str, now: datetime) -> bool:
    """Whether both may have somebody on call at some instant; in doubt they may."""
    same = (one.zone or zone) == (other.zone or zone)
    slack = timedelta() if same else FAR
    for first, second in ((one, other), (other, one)):
        if first.end is not None and first.end + slack <= second.start:
            return False
    shifts = (
        {0} if same else {a - b for a in _offsets(other.zone or zone, now) for b in _offsets(one.zone or zone, now)}
    )
    week = WEEK // MINUTE
    for since, until in _spans(one):
        for low, high in _spans(other):
            for shift in shifts:  # the other's minutes as the first one's wall clock shows them
                begin = (low - shift) % week
                end = begin + high - low
                if any(since < end + turn and begin + turn < until for turn in (0, -week)):
                    return True
    return False


def _spans(layer: Layer) -> list[tuple[int, int]]:
    return [part for each in layer.only for part in spans_of(each)] if layer.only else [(0, WEEK // MINUTE)]


def _offsets(zone: str, now: datetime) -> set[int]:
    """The minutes the zone is ahead of UTC in the course of a year."""
    found = set()
    for weeks in range(54):
        ahead = (now.astimezone(UTC) + weeks * WEEK).astimezone(ZoneInfo(zone)).utcoffset()
        found.add((ahead or timedelta()) // MINUTE)
    return found
