"""Two weeks of a rota as a bar: whose shift is where, in which hours nobody is, and where the days begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import pairwise

from bot.engine.board import Gap
from bot.engine.roster import Stint

WIDTH, HEIGHT, TONES = 1000.0, 26.0, 6


@dataclass(frozen=True, slots=True)
class Box:
    """A piece of the bar; `tone` is the person's, `gap` where nobody is on call."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    said: str


@dataclass(frozen=True, slots=True)
class Bar:
    """What is drawn; `tones` tells everybody's colour by key."""

    boxes: tuple[Box, ...]
    days: tuple[float, ...]
    now: float | None
    tones: dict[str, str]
    said: str
    width: float = WIDTH
    height: float = HEIGHT


def drawn(
    stints: Sequence[Stint], gaps: Iterable[Gap], start: datetime, end: datetime, now: datetime, zone: tzinfo
) -> Bar:
    """Several on call at once lie below one another."""
    whole = (end - start).total_seconds()

    def at(moment: datetime) -> float:
        return round((min(max(moment, start), end) - start).total_seconds() / whole * WIDTH, 2)

    people = list(dict.fromkeys(each.key for each in stints))
    tones = {key: f"tone{number % TONES}" for number, key in enumerate(people)}
    boxes = [Box(at(gap.start), 0, at(gap.end) - at(gap.start), HEIGHT, "gap", "nobody") for gap in gaps]
    edges = sorted({max(start, min(end, edge)) for each in stints for edge in (each.start, each.end)})
    for since, until in pairwise(edges):
        there = {each.key: each.name for each in stints if each.start <= since and until <= each.end}
        height = HEIGHT / max(1, len(there))
        boxes += [
            Box(at(since), lane * height, at(until) - at(since), height, tones[key], there[key])
            for lane, key in enumerate(key for key in people if key in there)
        ]
    first = start.astimezone(zone).date()
    midnights = (
        datetime.combine(first + timedelta(days=day), time(), zone) for day in range(1, (end - start).days + 2)
    )
    days = tuple(at(moment) for moment in midnights if start < moment < end)
    names = ", then ".join(dict.fromkeys(each.name for each in stints)) or "nobody"
    return Bar(tuple(boxes), days, at(now) if start <= now <= end else None, tones, names)
