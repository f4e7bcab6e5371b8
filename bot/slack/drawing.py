"""A card's chart as a picture, for workspaces that do not draw charts themselves: lines, and figures made of lines.

No letter needs a font: the picture is the same on a machine that has none. What it shows stands in words beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.blockkit.blocks import Block
from bot.blockkit.text import clean

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 78, 704, 16, 164
SOLID, DASHED, GRID, INK = "#c0392b", "#5f6b7a", "#d5d9df", "#3b4350"
GLYPHS = {
    "0": ("0,0 4,0 4,6 0,6 0,0",), "1": ("1,1 2,0 2,6",), "2": ("0,0 4,0 4,3 0,3 0,6 4,6",),
    "3": ("0,0 4,0 4,6 0,6", "1,3 4,3"), "4": ("0,0 0,3 4,3", "4,0 4,6"), "5": ("4,0 0,0 0,3 4,3 4,6 0,6",),
    "6": ("4,0 0,0 0,6 4,6 4,3 0,3",), "7": ("0,0 4,0 2,6",), "8": ("0,0 4,0 4,6 0,6 0,0", "0,3 4,3"),
    "9": ("4,3 0,3 0,0 4,0 4,6 0,6",), ".": ("2,5.6 2,6",), ":": ("2,1.8 2,2.2", "2,4.2 2,4.6"), "-": ("1,3 3,3",),
    "+": ("1,3 3,3", "2,2 2,4"), "e": ("0,4 4,4 4,2 0,2 0,6 4,6",),
    "%": ("0,6 4,0", "0,0.2 1,0.2 1,1.2 0,1.2 0,0.2", "3,4.8 4,4.8 4,5.8 3,5.8 3,4.8"),
}  # fmt: skip
"""Each figure as strokes on a field of 4 by 6."""
TALL = 1e5
SIZE, STEP = 1.9, 6.0
"""Units per field of a figure, and how many fields from one figure to the next."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """What a chart block shows."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]


def read(block: Block) -> Graph:
    """What a `data_visualization` block of a line chart shows."""
    told: dict[str, Any] = block["chart"]
    lines = [Series(one["name"], tuple(float(p["value"]) for p in one["data"])) for one in told["series"]]
    return Graph(block["title"], tuple(told["axis_config"]["categories"]), tuple(lines))


def said(graph: Graph) -> str:
    """The picture in words, for whoever does not see it: where each line is now, its highest, and from when to when."""
    lines = []
    for one in graph.series:
        now, most = one.values[-1], max(one.values)
        peak = graph.labels[one.values.index(most)]
        level = min(one.values) == most
        lines.append(f"{one.name} {_figure(now)}" + ("" if level else f" now, highest {_figure(most)} at {peak}"))
    return clean(f"{graph.title}. {'; '.join(lines)}. From {graph.labels[0]} to {graph.labels[-1]} UTC.", 1_900)


def svg(graph: Graph) -> str:
    """The drawing: the first line solid, the others dashed."""
    top = _nice(max((value for one in graph.series for value in one.values), default=1.0))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']  # fmt: skip
    for share in (0.0, 0.5, 1.0):
        y = BOTTOM - share * (BOTTOM - TOP)
        parts.append(_stroke(f"{LEFT},{y:.1f} {RIGHT},{y:.1f}", GRID, 1))
        parts += _figures(_figure(top * share), LEFT - 10, y - 6, end=True)
    for place, one in reversed(list(enumerate(graph.series))):
        dots = " ".join(f"{x:.1f},{y:.1f}" for x, y in _points(one.values, top))
        parts.append(_stroke(dots, DASHED, 2, "8 6") if place else _stroke(dots, SOLID, 3))
    parts += _figures(graph.labels[0], LEFT, BOTTOM + 14)
    parts += _figures(graph.labels[-1], RIGHT, BOTTOM + 14, end=True)
    return "".join([*parts, "</svg>"])


def png(graph: Graph) -> bytes:
    """The drawing as PNG, half as fine again. Takes 15 ms, in which the library lets no other thread run."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg(graph), width=WIDTH * 3 // 2, skip_system_fonts=True))


def _points(values: Sequence[float], top: float) -> Iterator[tuple[float, float]]:
    step = (RIGHT - LEFT) / max(1, len(values) - 1)
    for place, value in enumerate(values):
        yield LEFT + place * step, BOTTOM - min(1.0, max(0.0, value / top)) * (BOTTOM - TOP)


def _nice(most: float) -> float:
    """The next 1, 2 or 5 times a power of ten, which the axis ends with."""
    if most <= 0:
        return 1.0
    power = 1.0
    while power < most:
        power *= 10
    while power / 10 >= most:
        power /= 10
    return next(power * part for part in (0.1, 0.2, 0.5, 1.0) if power * part >= most)


def _figure(value: float) -> str:
    if value >= TALL:
        return f"{value:.0e}"
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def _stroke(points: str, colour: str, width: float, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-linecap="round" stroke-linejoin="round"{dashed}/>')  # fmt: skip


def _figures(text: str, x: float, y: float, *, end: bool = False) -> Iterator[str]:
    """Figures drawn from a place to the right, or ending there."""
    begin = x - (len(text) * STEP - 2) * SIZE if end else x
    for place, figure in enumerate(text):
        for line in GLYPHS.get(figure, ()):
            pairs = (pair.split(",") for pair in line.split())
            dots = " ".join(
                f"{begin + (place * STEP + float(across)) * SIZE:.1f},{y + float(down) * SIZE:.1f}"
                for across, down in pairs
            )
            yield _stroke(dots, INK, 1.6)
