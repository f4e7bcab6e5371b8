"""The error budget over its window as a drawing: what was left of it when, and where it would be at an even pace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bot.engine.situation import Chart
from bot.slo.budget import Budget
from bot.web.chart import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Box, Placed, across
from bot.web.phrases import clock

TOP = 18
STEP = 0.25


@dataclass(frozen=True, slots=True)
class Decline:
    """Everything the template needs, in the units of a 760 by 250 view box; `rows` are its numbers as a table."""

    said: str
    line: str
    area: str
    pace: tuple[float, float, float, float]
    zero: float
    spent: tuple[Box, ...]
    across: tuple[Placed, ...]
    up: tuple[Placed, ...]
    rows: tuple[tuple[datetime, float, int, int], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM
    top: int = TOP


def asked(
    chart: Callable[[str, datetime, datetime], Chart | None], name: str, budget: Budget, now: datetime
) -> Chart | None:
    """The bars of the budget's window. A chart begins a quarter of its stretch early: four fifths are asked for."""
    if budget.since is None or now - budget.since < timedelta(minutes=1):
        return None
    return chart(name, now - (now - budget.since) * 0.8, now)


def decline(chart: Chart | None, budget: Budget, end: datetime | None = None) -> Decline | None:
    """The drawing; None where nothing was counted, or nothing may fail. It ends where the budget stands.

    `end` is when a calendar period ends; a window that moves along ends now.
    """
    since = budget.since
    if chart is None or since is None or not budget.allowed:
        return None
    bars = [bar for bar in chart.bars if bar.at >= since]
    counted = sum(bar.bad for bar in bars)
    if not any(bar.covered for bar in bars) or len(bars) < 2:  # noqa: PLR2004 - one bucket is no course
        return None
    # gaps and excused events are in the budget and not in the bars: the course is drawn to end where the budget stands
    scale = budget.bad / counted if counted else 0.0
    width = bars[1].at - bars[0].at
    whole = end or bars[-1].at + width
    gone, points, rows = 0.0, [(since, 1.0)], []
    for bar in bars:
        gone += bar.bad * scale
        left = 1 - gone / budget.allowed
        points.append((bar.at + width, left))
        rows.append((bar.at + width, left, bar.good, bar.bad))
    low = min(0.0, _down(min(left for _, left in points)))

    def x(at: datetime) -> float:
        share = (at - since) / (whole - since)
        return round(LEFT + max(0.0, min(1.0, share)) * (WIDTH - LEFT - RIGHT), 1)

    def y(left: float) -> float:
        return round(TOP + (1 - left) / (1 - low) * (HEIGHT - TOP - BOTTOM), 1)

    line = " ".join(f"{x(at)},{y(left)}" for at, left in points)
    last = x(points[-1][0])
    over = next((at for at, left in points if left < 0), None)
    ticks = sorted({low, 0.0, 0.5, 1.0}) if low > -1 else sorted({low, 0.0, 1.0})
    return Decline(
        said=_said(points, over, budget),
        line=line,
        area=f"{line} {last},{y(min(0.0, low))} {x(since)},{y(min(0.0, low))}",
        pace=(x(since), y(1.0), x(whole), y(0.0)),
        zero=y(0.0),
        spent=(Box(x(over), TOP, round(last - x(over), 1), HEIGHT - TOP - BOTTOM),) if over else (),
        across=across(since, whole, x),
        up=tuple(Placed(LEFT - 8, y(value), f"{value * 100:.0f} %") for value in ticks),
        rows=tuple(_thinned(rows)),
    )


def _down(value: float) -> float:
    """The bottom of the scale below what was overspent, in round steps."""
    step = STEP
    while -value / step > 8:  # noqa: PLR2004 - so many steps at most
        step *= 2
    return -step * -(value // step) if value < 0 else 0.0


def _thinned(rows: list[tuple[datetime, float, int, int]], most: int = 12) -> list[tuple[datetime, float, int, int]]:
    """At most so many rows, each the sum of those it stands for."""
    size = -(-len(rows) // most)
    lots = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [(lot[-1][0], lot[-1][1], sum(row[2] for row in lot), sum(row[3] for row in lot)) for lot in lots]


def _said(points: list[tuple[datetime, float]], over: datetime | None, budget: Budget) -> str:
    """The drawing in a sentence, for whoever cannot see it."""
    now = points[-1][1]
    left = f"{now * 100:.1f} % of the budget is left" if now >= 0 else f"the budget is overspent by {-now * 100:.0f} %"
    steepest = max(pairwise(points), key=lambda pair: pair[0][1] - pair[1][1])
    fell = steepest[0][1] - steepest[1][1]
    text = f"Since {clock(points[0][0])}: {left}"
    if fell > 0:
        text += f"; the steepest fall, {fell * 100:.1f} points, ended {clock(steepest[1][0])}"
    if over is not None:
        text += f"; it was gone {clock(over)}"
    return f"{text}{', estimated' if budget.estimated else ''}."
