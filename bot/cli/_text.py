"""Words on a terminal: what came from outside cannot move its cursor; times and lengths read the same everywhere."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

# control signs (ECMA-48) and the marks that show letters in another order than they stand (UAX 9)
_MISLEADING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
WIDTH = 100


def width() -> int:
    """Columns to write in: as many as read well, or as the terminal has."""
    return min(WIDTH, max(30, shutil.get_terminal_size((WIDTH, 24)).columns))


def percent(share: float) -> str:
    """12.5 % of a share from 0 to 1."""
    return f"{share * 100:.3g} %"


def clean(text: object) -> str:
    """Text that does nothing to a terminal but stand there."""
    return _MISLEADING.sub("�", str(text))


def line(text: object) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


def out(lines: Iterable[str]) -> None:
    """Print lines; a sign the terminal's encoding lacks becomes a question mark, never an error."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for each in lines:
        print(each.encode(encoding, "replace").decode(encoding, "replace"))


def out_json(value: object) -> None:
    """Print JSON in plain ASCII, which every terminal and pipe takes."""
    print(json.dumps(value, indent=2))


def clock(moment: object) -> str:
    """`2026-11-20 12:00:05 UTC` of a time as the API tells it. Raises ValueError, TypeError for anything else."""
    return f"{when(moment):%Y-%m-%d %H:%M:%S} UTC"


def when(moment: object) -> datetime:
    """A time of the API. Raises ValueError, TypeError."""
    if not isinstance(moment, str):
        raise TypeError(f"{moment!r} is no time")
    return datetime.fromisoformat(moment).astimezone(UTC)


def span(seconds: float) -> str:
    """A length as people say it: 45 s, 3 min 20 s, 2 h 5 min, 4 d 3 h."""
    total = round(abs(seconds))
    for size, name, smaller, lesser in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if total >= size:
            rest = total % size // smaller
            return f"{total // size} {name}" + (f" {rest} {lesser}" if rest else "")
    return f"{total} s"


def wrapped(text: object, indent: str = "  ") -> Iterator[str]:
    """Paragraphs at a readable width; empty lines stay."""
    for part in clean(text).splitlines():
        deeper = indent + "  "
        yield from textwrap.wrap(
            part, width(), initial_indent=indent, subsequent_indent=deeper, break_on_hyphens=False
        ) or [""]


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns side by side; the first row is the header, the last column is as long as it likes."""
    cells = [[line(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]) - 1)]
    for row in cells:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
