"""What came out of a table of dated examples: every row that comes out otherwise, and the count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.cli._text import span, wrapped
from bot.config.vectors import Checked
from bot.notices.vectors import NOT_APPLICABLE

PAD = " " * 6


def plain(rows: Sequence[Checked]) -> dict[str, Any]:
    """`rows`, `match`, `mismatches` [id, regime, stage, expected, found, counted], `unreadable` [id, problem]."""
    return {
        "rows": len(rows),
        "match": sum(1 for each in rows if each.fits),
        "mismatches": [
            {
                "id": each.id,
                "regime": each.vector.regime.id,
                "stage": each.vector.stage.id,
                "expected": expected(each),
                "found": found(each),
                "counted": each.found.counted,
            }
            for each in rows
            if each.vector and each.found and not each.fits
        ],
        "unreadable": [{"id": each.id, "problem": str(each.problem)} for each in rows if each.problem],
    }


def lines(rows: Sequence[Checked]) -> Iterator[str]:
    """Each row that is wrong, in the order of the table, then one line with the count."""
    for each in rows:
        if each.problem:
            yield f"{each.id}  {each.problem}"
        elif each.vector and each.found and not each.fits:
            yield f"{each.id}  {each.vector.regime.id}  {each.vector.stage.id}@{each.vector.policy}"
            yield f"{PAD}expected  {expected(each)}"
            yield f"{PAD}found     {found(each)}{_apart(each)}"
            yield from wrapped(f"counted   {each.found.counted}", PAD)
    unreadable = sum(1 for each in rows if each.problem)
    match = sum(1 for each in rows if each.fits)
    wrong = len(rows) - match - unreadable
    unread = f", {unreadable} cannot be read" if unreadable else ""
    yield f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}: {match} as expected, {wrong} otherwise{unread}"


def expected(row: Checked) -> str:
    """The date of the table, in the deciding zone."""
    date = row.vector.expected if row.vector else None
    return date.astimezone(row.vector.zone).isoformat() if date and row.vector else NOT_APPLICABLE


def found(row: Checked) -> str:
    """The date that came out, in the same zone, or that there is none."""
    if row.vector is None or row.found is None:
        return ""
    if row.found.date is not None:
        return row.found.date.astimezone(row.vector.zone).isoformat()
    return "no date" if row.found.applies else NOT_APPLICABLE


def _apart(row: Checked) -> str:
    if not row.vector or not row.found or not row.vector.expected or not row.found.date:
        return ""
    apart = (row.found.date - row.vector.expected).total_seconds()
    return f"  ({span(apart)} {'later' if apart > 0 else 'earlier'})"
