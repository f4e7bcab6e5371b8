"""The SLI over time as a drawing: where it fell below the objective, where nothing is known, and what happened when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.incident import Incident
from bot.engine.situation import Bar, Chart

WIDTH, HEIGHT = 760, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 64, 30
LABEL = 7.2
"""Rough width of one letter of a mark's label, in the drawing's units."""
ROWS = 4
Across = Callable[[datetime], float]
Up = Callable[[float], float]
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 604800)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment worth a line: its kind names the colour."""

    at: datetime
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark or tick in its place; `anchor` keeps the label inside the drawing."""

    x: float
    y: float
    label: str
    kind: str = ""
    anchor: str = "start"
    at: str = ""
    """When it is, of a tick that says a time."""


@dataclass(frozen=True, slots=True)
class Box:
    """A stretch of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything the template needs, in the units of a 760 by 250 view box."""

    slo: str
    said: str
    lines: tuple[str, ...]
    below: tuple[Box, ...]
    gaps: tuple[Box, ...]
    objective: float
    objective_label: str
    marks: tuple[Placed, ...]
    across: tuple[Placed, ...]
    up: tuple[Placed, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def marks_of(incident: Incident) -> list[Mark]:
    """The moments of an incident, in order."""
    found = [
        Mark(at, label, kind)
        for at, label, kind in (
            (incident.onset, "began", "bad"),
            (incident.detected, "detected", "seen"),
            (incident.acknowledged, "acknowledged", "person"),
            (incident.mitigated, "mitigated", "good"),
            (incident.resolved, "resolved", "good"),
        )
        if at is not None
    ]
    found += [
        Mark(each.applied_at, f"{each.id} applied", "change")
        for each in incident.mitigations.values()
        if each.applied_at is not None
    ]
    return sorted(found, key=lambda mark: mark.at)


def draw(chart: Chart, marks: Iterable[Mark] = ()) -> Drawing | None:
    """The drawing; None where there is no stretch of time to show."""
    bars = chart.bars
    if len(bars) < 2:  # noqa: PLR2004 - one bucket is no course
        return None
    width = bars[1].at - bars[0].at
    start, end = bars[0].at, bars[-1].at + width
    low = _floor([*(value for bar in bars if (value := _value(bar)) is not None), chart.objective])

    def x(at: datetime) -> float:
        share = (at - start) / (end - start)
        return round(LEFT + max(0.0, min(1.0, share)) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(TOP + (1 - value) / (1 - low) * (HEIGHT - TOP - BOTTOM), 1)

    lines, below, gaps = _course(bars, width, chart.objective, x, y)
    return Drawing(
        slo=chart.slo,
        said=_said(chart),
        lines=lines,
        below=below,
        gaps=gaps,
        objective=y(chart.objective),
        objective_label=f"objective {_percent(chart.objective)}",
        marks=_placed([mark for mark in marks if start <= mark.at <= end], x),
        across=across(start, end, x),
        up=tuple(Placed(LEFT - 8, y(value), _percent(value)) for value in (low, (1 + low) / 2, 1.0)),
    )


def _value(bar: Bar) -> float | None:
    total = bar.good + bar.bad
    return bar.good / total if bar.covered and total else None


def _floor(values: Sequence[float]) -> float:
    """The bottom of the scale: a round step below the lowest value, so that small budgets are seen too."""
    worst = 1 - min(values)
    for room in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        if worst <= room * 0.95:
            return 1 - room
    return 0.0


def _percent(value: float) -> str:
    return f"{value * 100:.4g} %"


def _course(
    bars: Sequence[Bar], width: timedelta, objective: float, x: Across, y: Up
) -> tuple[tuple[str, ...], tuple[Box, ...], tuple[Box, ...]]:
    """Unbroken stretches of the SLI as steps, what lies below the objective, and where nothing is known."""
    lines: list[str] = []
    path: list[str] = []
    below, gaps = [], []
    for bar in bars:
        left, right, value = x(bar.at), x(bar.at + width), _value(bar)
        if value is None:
            if path:
                lines.append(" ".join(path))
                path = []
            gaps.append(Box(left, TOP, round(right - left, 1), HEIGHT - TOP - BOTTOM))
            continue
        path += [f"{left},{y(value)}", f"{right},{y(value)}"]
        if value < objective:
            below.append(Box(left, y(objective), round(right - left, 1), round(y(value) - y(objective), 1)))
    if path:
        lines.append(" ".join(path))
    return tuple(lines), tuple(below), tuple(gaps)


def _placed(marks: Sequence[Mark], x: Across) -> tuple[Placed, ...]:
    """Labels in as few rows as keep them apart; one that would run out of the drawing stands left of its line."""
    ends = [0.0] * ROWS
    found = []
    for mark in marks:
        at, length = x(mark.at), len(mark.label) * LABEL + 8
        turned = at + length > WIDTH
        left, right = (at - length, at) if turned else (at, at + length)
        row = next((row for row, end in enumerate(ends) if left >= end), ROWS - 1)
        ends[row] = max(right, ends[row])
        found.append(Placed(at, 12 + row * 13, mark.label, mark.kind, "end" if turned else "start"))
    return tuple(found)


def across(start: datetime, end: datetime, x: Across) -> tuple[Placed, ...]:
    """Times at round steps, at most seven."""
    length = (end - start).total_seconds()
    step = next((step for step in STEPS if length / step <= 7), STEPS[-1])  # noqa: PLR2004
    first = -(-int(start.timestamp()) // step) * step
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 43200 else "%d %b"  # noqa: PLR2004
    ticks = []
    for second in range(first, int(end.timestamp()) + 1, step):
        at = datetime.fromtimestamp(second, UTC)
        ticks.append(Placed(x(at), HEIGHT - BOTTOM + 18, at.strftime(form), at=at.isoformat()))
    return tuple(tick for tick in ticks if LEFT + 16 <= tick.x <= WIDTH - RIGHT - 16)


def _said(chart: Chart) -> str:
    """The drawing in a sentence, for whoever cannot see it."""
    values = [value for bar in chart.bars if (value := _value(bar)) is not None]
    if not values:
        return f"{chart.slo}: nothing is known in this stretch of time"
    below = sum(value < chart.objective for value in values)
    blind = len(chart.bars) - len(values)
    tail = f"; {blind} of {len(chart.bars)} buckets without data" if blind else ""
    return (
        f"{chart.slo}: between {_percent(min(values))} and {_percent(max(values))}, now {_percent(values[-1])}; "
        f"{below} of {len(values)} buckets below the objective of {_percent(chart.objective)}{tail}"
    )
