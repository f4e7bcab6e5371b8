"""Writes registers and notices as CSV that a spreadsheet shows as text and never runs as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import ClassVar

from bot.documents import Bullets, Document, Heading, Paragraph, Table, clean, words

MARK = b"\xef\xbb\xbf"  # Excel needs it to read anything but English

# What spreadsheets take as the start of a formula, also in full-width form, also behind white space.
_STARTS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_LONGEST = 32_000  # Excel takes 32,767 letters in a cell and lets the rest begin another, where it could be a formula


class Csv:
    """One row per paragraph, list item or table row, each under its section; for registers see `table`."""

    shelf: ClassVar[str] = "documents"
    name = "csv"
    suffix = ".csv"
    media_type = "text/csv; charset=utf-8"

    def write(self, document: Document) -> bytes:
        """UTF-8 with a byte order mark, which Excel needs to read anything but English."""
        about = [
            ("title", document.title),
            ("regime", document.regime),
            ("stage", document.stage),
            ("status", document.status),
            ("facts as of", document.as_of.isoformat()),
            ("digest", document.digest),
            ("note", document.footer),
        ]
        return table(("section", "kind", "text"), [*(("", kind, text) for kind, text in about), *_cut(_rows(document))])


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Any register as CSV; text that could start a formula is led by an apostrophe, numbers stay numbers."""
    return MARK + lines((header, *rows))


def lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows alone, for a register that is written piece by piece after its MARK."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def safe(cell: object) -> object:
    """A cell no spreadsheet runs (OWASP, CSV injection)."""
    if cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)):
        return "" if cell is None else cell
    text = clean(str(cell))
    bare = text.lstrip()
    return f"'{text}" if text[:1] in {"\t", "\r", "\n"} or bare[:1] in _STARTS else text


def _cut(rows: Iterable[tuple[str, str, str]]) -> Iterable[tuple[str, str, str]]:
    """The same rows, a text too long for a cell going on in the next."""
    for section, kind, text in rows:
        for start in range(0, len(text) or 1, _LONGEST):
            yield section[:_LONGEST], kind, text[start : start + _LONGEST]


def _rows(document: Document) -> Iterable[tuple[str, str, str]]:
    section = ""
    for block in document.blocks:
        match block:
            case Heading(_, runs):
                section = words(runs)
            case Paragraph(runs):
                yield section, "text", words(runs)
            case Bullets(items):
                yield from ((section, "item", words(item)) for item in items)
            case Table(rows):
                yield from ((section, "row", " | ".join(words(cell) for cell in row)) for row in rows if any(row))
