"""A replay on a terminal: what changed as a table, and under it each objective's states and budget as a chart."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.cli._text import clean, line, span
from bot.slo.burn import share
from bot.slo.episode import Phase
from bot.slo.notation import length_text

if TYPE_CHECKING:
    from bot.cli._past import Past
    from bot.engine.replay import Turn

NARROW, WIDE = 80, 120
BAR = 40
SIGNS = {
    Phase.OK: ".", Phase.NOTICE: "n", Phase.TICKET: "t", Phase.PAGE: "P", Phase.RECOVERING: "r", Phase.UNKNOWN: "?",
}  # fmt: skip
WORST = (Phase.PAGE, Phase.TICKET, Phase.NOTICE, Phase.UNKNOWN, Phase.RECOVERING, Phase.OK)
STYLES = {Phase.OK: "green", Phase.PAGE: "bold red", Phase.TICKET: "yellow", Phase.UNKNOWN: "magenta"}


def table(turns: Sequence[Turn]) -> Iterator[str]:
    """Every change with its reason."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not turns:
        yield "Nothing changed."
        return
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    made.add_column("at (UTC)", no_wrap=True)
    made.add_column("objective", overflow="fold", max_width=24)
    made.add_column("change", no_wrap=True)
    made.add_column("because", overflow="fold")
    for turn in _settled(turns):
        name = line(turn.slo.name)
        change = Text(f"{turn.before.name} →\n{turn.after.name}", style=STYLES.get(turn.after, ""))
        made.add_row(f"{turn.at:%Y-%m-%d}\n{turn.at:%H:%M:%S}", Text(name), change, Text(_because(turn)))
    file = io.StringIO()
    coloured = sys.stdout.isatty()
    Console(file=file, width=_width(), force_terminal=coloured, no_color=not coloured, highlight=False).print(made)
    yield from (row.rstrip() for row in file.getvalue().splitlines())


def _settled(turns: Sequence[Turn]) -> list[Turn]:
    """Without the recoveries that came to nothing: a mild failure has many good moments."""
    vain: set[int] = set()
    for name in {turn.slo.name for turn in turns}:
        for begun, ended in pairwise(turn for turn in turns if turn.slo.name == name):
            if begun.after is Phase.RECOVERING and ended.after is begun.before:
                vain |= {id(begun), id(ended)}
    return [turn for turn in turns if id(turn) not in vain]


def _because(turn: Turn) -> str:
    """The reason, without the objective's own name before it, and since when."""
    said = clean(turn.because).removeprefix(f"{turn.slo.title}: ")
    return f"{said} Since {turn.onset:%Y-%m-%d %H:%M:%S}." if turn.onset is not None else said


def chart(past: Past) -> Iterator[str]:
    """Each objective: its states over time in a row of signs, its budget day by day in bars; then the sums."""
    held = past.summary
    for slo in past.slos:
        mine = [turn for turn in past.turns if turn.slo.name == slo.name]
        yield ""
        yield f"{line(slo.name)}: {share(slo.target)} over {length_text(slo.window)}"
        yield f"  {_timeline(mine, held.start, held.end)}"
        yield f"  {held.start:%Y-%m-%d %H:%M}{f'{held.end:%Y-%m-%d %H:%M} UTC':>{_signs() - 16}}"
        yield from _budget(held.budget_by_day.get(slo.name, {}))
    yield ""
    yield "  . ok   n notice   t ticket   P page   r recovering   ? unknown"
    yield (
        f"{_many(held.slos, 'objective')}: {_many(held.pages, 'page')}, {_many(held.tickets, 'ticket')}, "
        f"{_many(held.notices, 'notice')}, {span(held.unknown.total_seconds())} in UNKNOWN"
    )
    if held.no_data:
        yield f"{_many(held.no_data, 'silence')} long enough to be an incident of its own"


def _timeline(turns: Sequence[Turn], start: datetime, end: datetime) -> str:
    """The worst state in each part of the time, one sign each."""
    count = _signs()
    cells = [set[Phase]() for _ in range(count)]
    phases = [(start, Phase.UNKNOWN), *((turn.at, turn.after) for turn in turns)]
    for place, (at, phase) in enumerate(phases):
        until = phases[place + 1][0] if place + 1 < len(phases) else end
        first, last = (at - start) / (end - start) * count, (until - start) / (end - start) * count
        if until == at or (place == 0 and last < 1 and len(phases) > 1):
            continue  # the first poll only set the ground
        for cell in range(int(first), min(max(int(-(-last // 1)), int(first) + 1), count)):
            cells[cell].add(phase)
    return "".join(next((SIGNS[phase] for phase in WORST if phase in held), " ") for held in cells)


def _budget(by_day: dict[str, float] | object) -> Iterator[str]:
    days = by_day if isinstance(by_day, dict) else {}
    if days:
        yield "  budget left at the end of each day"
    for day, left in days.items():
        filled = round(max(0.0, min(left, 1.0)) * BAR)
        yield f"  {date.fromisoformat(day)}  {'█' * filled}{'░' * (BAR - filled)}  {left:8.1%}"


def _width() -> int:
    return max(NARROW, min(shutil.get_terminal_size((NARROW, 24)).columns, WIDE))


def _signs() -> int:
    return _width() - 4


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
