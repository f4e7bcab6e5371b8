"""Reads a table of dated examples, and names file, line and column of every cell that means nothing."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import Invalid, Problem
from bot.notices.regime import Regime
from bot.notices.vectors import COLUMNS, Found, RowError, Vector, found, read


@dataclass(frozen=True, slots=True)
class Checked:
    """One row with what came out of it, or the problem that kept it from being counted."""

    id: str
    vector: Vector | None = None
    found: Found | None = None
    problem: Problem | None = None

    @property
    def fits(self) -> bool:
        """Whether the row was read and the date is the expected one."""
        return self.vector is not None and self.found is not None and self.found.fits(self.vector)


def check(path: Path, regimes: Mapping[str, Regime]) -> tuple[Checked, ...]:
    """Every row of the table, counted. Raises Invalid where the file itself cannot be read as one."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        raise Invalid([Problem(str(path), 1, 1, f"cannot be read: {wrong}")]) from None
    rows = _rows(text)
    header = next(rows, None)
    names = [cell.text.strip() for cell in header] if header else []
    if missing := [name for name in COLUMNS if name not in names]:
        raise Invalid([Problem(str(path), 1, 1, f"the header lacks {', '.join(missing)}", ",".join(COLUMNS))])
    checked = tuple(_checked(path, dict(zip(names, row, strict=False)), row, len(names), regimes) for row in rows)
    if not checked:
        raise Invalid([Problem(str(path), 1, 1, "holds no rows below its header")])
    return checked


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    line: int
    column: int


def _checked(
    path: Path, row: Mapping[str, _Cell], cells: list[_Cell], width: int, regimes: Mapping[str, Regime]
) -> Checked:
    name = row["id"].text if "id" in row else cells[0].text
    if len(cells) > width or not row.keys() >= set(COLUMNS):
        at, what = (cells[width:] or cells[-1:])[0], f"{len(cells)} cells stand where the header has {width}"
        return Checked(name, problem=Problem(str(path), at.line, at.column, what, "words with commas in quotes"))
    try:
        vector = read({key: row[key].text for key in COLUMNS}, regimes)
        return Checked(name, vector, found(vector))
    except RowError as wrong:
        cell = row[wrong.column]
        return Checked(name, problem=Problem(str(path), cell.line, cell.column, wrong.what, wrong.expected))


def _rows(text: str) -> Iterator[list[_Cell]]:
    """Rows of cells, each with the line and column where it begins; empty lines are passed over."""
    lines = io.StringIO(text, newline="")
    taken: list[str] = []

    def feed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    at = 1
    for row in csv.reader(feed()):
        places = list(_places("".join(taken), at))
        at += len(taken)
        taken.clear()
        if row:
            yield [_Cell(value, *places[min(i, len(places) - 1)]) for i, value in enumerate(row)]


def _places(raw: str, line: int) -> Iterator[tuple[int, int]]:
    """Where each cell of a row begins: after a comma that stands outside quotes."""
    column, quoted = 1, False
    yield line, column
    for sign in raw:
        column += 1
        if sign == '"':
            quoted = not quoted
        elif sign == "," and not quoted:
            yield line, column
        elif sign == "\n":
            line, column = line + 1, 1
