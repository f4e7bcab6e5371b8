"""A distribution as a drawing: how many incidents took how long, with the median and the 90th percentile marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.measures import Spread
from bot.engine.numbers import Bin
from bot.web.chart import Box, Placed
from bot.words import span

WIDTH, HEIGHT = 520, 150
LEFT, RIGHT, TOP, BOTTOM = 8, 8, 30, 24


@dataclass(frozen=True, slots=True)
class Histogram:
    """Everything the template needs, in the units of its view box."""

    said: str
    bars: tuple[Box, ...]
    counts: tuple[Placed, ...]
    across: tuple[Placed, ...]
    marks: tuple[Placed, ...]
    width: int = WIDTH
    height: int = HEIGHT
    bottom: int = HEIGHT - BOTTOM
    top: int = TOP


def histogram(bins: Sequence[Bin], spread: Spread | None) -> Histogram | None:
    """The drawing; None where nothing was measured."""
    if not bins or spread is None:
        return None
    step = (WIDTH - LEFT - RIGHT) / len(bins)
    most = max(each.number for each in bins)
    room = HEIGHT - TOP - BOTTOM
    bars, counts = [], []
    for n, each in enumerate(bins):
        tall = round(room * each.number / most, 1)
        bars.append(Box(round(LEFT + n * step + 1, 1), round(HEIGHT - BOTTOM - tall, 1), round(step - 2, 1), tall))
        if each.number:
            at = round(LEFT + (n + 0.5) * step, 1)
            counts.append(Placed(at, round(HEIGHT - BOTTOM - tall - 3, 1), f"{each.number:,}", "", "middle"))
    across = [
        Placed(round(LEFT + n * step, 1), HEIGHT - BOTTOM + 15, _short(each.start)) for n, each in enumerate(bins) if n
    ]
    marks = [
        Placed(_x(bins, step, seconds), TOP, label, kind)
        for label, seconds, kind in (("median", spread.median, "median"), ("p90", spread.p90, "p90"))
    ]
    return Histogram(_said(bins, spread), tuple(bars), tuple(counts), tuple(across), tuple(_apart(marks)))


def _x(bins: Sequence[Bin], step: float, seconds: float) -> float:
    """Where that time lies: within its bin by its share of the way, in factors."""
    for n, each in enumerate(bins):
        if each.end is None or seconds < each.end:
            low, high = max(each.start, 0.5), each.end or max(each.start * 2, seconds)
            share = (
                (math.log(max(seconds, low)) - math.log(low)) / (math.log(high) - math.log(low)) if high > low else 0
            )
            return round(LEFT + (n + min(share, 1.0)) * step, 1)
    return float(WIDTH - RIGHT)


def _apart(marks: Sequence[Placed]) -> list[Placed]:
    """Labels that stay inside of the drawing and off each other: the median's to the left, the percentile's right."""
    found = []
    for mark in marks:
        left = mark.kind == "median" if LEFT + 60 < mark.x < WIDTH - 40 else mark.x > WIDTH / 2
        found.append(
            Placed(mark.x, 11 if mark.kind == "median" else 23, mark.label, mark.kind, "end" if left else "start")
        )
    return found


def _short(seconds: float) -> str:
    """1 min, 4 h, 2 d."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _said(bins: Sequence[Bin], spread: Spread) -> str:
    """The drawing in a sentence, for whoever cannot see it."""
    parts = [f"{each.number:,} {_reach(each)}" for each in bins if each.number]
    middle, most = (span(timedelta(seconds=value)) for value in (spread.median, spread.p90))
    many = f"{spread.size:,} incident{'' if spread.size == 1 else 's'}"
    return f"{many}: {'; '.join(parts)}. Half took at most {middle}, nine of ten at most {most}."


def _reach(each: Bin) -> str:
    """From one time to another."""
    if each.end is None:
        return f"from {_short(each.start)}"
    return f"from {_short(each.start)} to {_short(each.end)}" if each.start else f"under {_short(each.end)}"
