"""How a ledger survives a restart: documents small enough to be written at every checkpoint, whatever it holds.

What changes at each poll (the last values, the newest rows) is written each time; older rows stand in pages of ten
minutes, written again only when they are thinned. Rows are kept as increments, so a page does not depend on another.
"""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.errors import Invalid, Problem
from bot.slo.accounts import Account
from bot.slo.counters import Lines, Role
from bot.slo.grid import MILLISECOND, Grid
from bot.slo.ledger import Ledger

VERSION = 2
HEAD, BOOK = "head", "book"
PAGE = timedelta(minutes=10) // MILLISECOND
NOT_YET = "the bot has just started and not polled yet"

Document = dict[str, Any]


@dataclass(slots=True)
class Kept:
    """What of a ledger has been written down: page → the ends of its rows, the one before first; and which book."""

    pages: dict[str, tuple[int, ...]] = field(default_factory=dict)
    newest: int = -1
    book: tuple[int, int] = (-1, -1)
    closed: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Documents to write in one transaction, names to drop with them, and what then stands written."""

    documents: Mapping[str, Document]
    drop: frozenset[str]
    kept: Kept


def checkpoint(ledger: Ledger, kept: Kept) -> Checkpoint:
    """What must be written for `ledger`, given what has been written. All of it or nothing belongs in the store."""
    ledger.lines.settle()
    grid, documents = ledger.grid, dict[str, Document]()
    book = (ledger.accounts.generation, len(ledger.lines))
    whole = ledger.accounts.closed != kept.closed  # an account's number may mean another objective now
    if book != kept.book:
        documents[BOOK] = _book(ledger, book)
    pages: dict[str, tuple[int, ...]] = {}
    for name, rows in _pages(grid).items():
        pages[name] = tuple(grid.ends[row] for row in (rows[0] - 1, *rows))  # a step depends on the row before
        if whole or kept.pages.get(name) != pages[name] or grid.touched <= pages[name][-1]:
            documents[name] = {
                "ends": list(pages[name][1:]),
                "from": pages[name][0],
                "rows": _packed(np.stack([_step(grid, row) for row in rows])),
            }
    documents[HEAD] = _head(ledger, book, sorted(pages))
    drop = frozenset(kept.pages.keys() - pages.keys())
    return Checkpoint(documents, drop, Kept(pages, grid.last, book, ledger.accounts.closed))


def written(ledger: Ledger, upto: int) -> None:
    """Note that all up to the row ending at `upto` stands written."""
    ledger.grid.touched = upto + 1


def names(head: Mapping[str, Any]) -> list[str]:
    """The documents a head needs beside it. Raises Invalid where it is none."""
    pages = head.get("pages")
    if not isinstance(pages, list) or not all(isinstance(each, str) for each in pages):
        raise _invalid("its head names no pages")
    return [BOOK, *pages]


def restore(ledger: Ledger, documents: Mapping[str, Any]) -> Kept:
    """Take up what was written, in place of what is held. Raises Invalid, changing nothing, where it is none."""
    made = Ledger(ledger.width, ledger.continuity)
    try:
        head, book = documents[HEAD], documents[BOOK]
        if head["version"] != VERSION or head["width_ms"] != ledger.grid.width:
            raise ValueError("it was written with another version or bucket width")  # noqa: TRY301 - worded once, below
        if head["book"] != book["of"]:
            raise ValueError("its parts are of different moments")  # noqa: TRY301
        _accounts(made, head, book)
        _lines(made, head, book)
        pages = _rows(made, {name: documents[name] for name in head["pages"]})
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError, zlib.error) as error:
        raise _invalid(f"cannot be taken up: {error}") from error
    ledger.adopt(made)
    written(ledger, made.grid.last)
    return Kept(pages, made.grid.last, (int(book["of"][0]), int(book["of"][1])))


# -- writing ---------------------------------------------------------------------------------------------------------


def _pages(grid: Grid) -> dict[str, list[int]]:
    """The rows of each page; the ground is in none."""
    pages: dict[str, list[int]] = {}
    for row, end in enumerate(grid.ends):
        if row:
            pages.setdefault(f"rows/{end // PAGE}", []).append(row)
    return pages


def _step(grid: Grid, row: int) -> NDArray[np.int64]:
    return (grid.rows[row] - grid.rows[row - 1])[:, : grid.size]


def _head(ledger: Ledger, book: tuple[int, int], pages: list[str]) -> Document:
    books, size = ledger.accounts, ledger.accounts.size
    columns = (books.seen[:size], books.held_since[:size], *books.held[:, :size], ledger.grid.newest[:size])
    return {
        "version": VERSION,
        "width_ms": ledger.grid.width,
        "book": list(book),
        "pages": pages,
        "accounts": _packed(np.stack(columns)),
        "rest": books.rest[:, :size].tolist() if books.mixed else [],
        "values": _packed(ledger.lines.value),
        "at": _packed(ledger.lines.at),
        "gaps": {str(account): held for account, held in ledger.grid.gaps.items()},
    }


def _book(ledger: Ledger, of: tuple[int, int]) -> Document:
    lines = ledger.lines
    return {
        "of": list(of),
        "size": ledger.accounts.size,
        "accounts": [[account.number, account.name, account.measures] for account in ledger.accounts],
        "lines": [
            [int(account), int(role), sorted(map(list, labels))]
            for account, role, labels in zip(lines.account, lines.role, lines.labels, strict=True)
        ],
    }


def _packed(values: NDArray[Any]) -> Document:
    raw = np.ascontiguousarray(values)
    data = base64.b64encode(zlib.compress(raw.tobytes(), 1)).decode()
    return {"shape": list(raw.shape), "kind": raw.dtype.str, "data": data}


# -- reading ---------------------------------------------------------------------------------------------------------


def _unpacked(packed: Mapping[str, Any]) -> NDArray[Any]:
    if packed["kind"] not in {"<i8", "<f8"}:
        raise ValueError("its numbers are none")
    raw = zlib.decompress(base64.b64decode(packed["data"], validate=True))
    return np.frombuffer(raw, dtype=packed["kind"]).reshape(packed["shape"]).copy()


def _accounts(made: Ledger, head: Mapping[str, Any], book: Mapping[str, Any]) -> None:
    books, size = made.accounts, int(book["size"])
    books.resume(size, int(book["of"][0]))
    for number, name, measures in book["accounts"]:
        if not isinstance(number, int) or not 0 <= number < size:
            raise ValueError("an account has no place")
        books.reopen(Account(number, str(name), None, str(measures), books), NOT_YET)
    columns = _unpacked(head["accounts"])
    books.seen[:size], books.held_since[:size] = columns[0], columns[1]
    books.held[:, :size], made.grid.newest[:size] = columns[2:4], columns[4]
    if head["rest"]:
        books.rest[:, :size] = head["rest"]
    for account, held in head["gaps"].items():
        made.grid.gaps[int(account)] = [(int(at), int(good), int(bad)) for at, good, bad in held]


def _lines(made: Ledger, head: Mapping[str, Any], book: Mapping[str, Any]) -> None:
    lines = Lines()
    for account, role, labels in book["lines"]:
        if not 0 <= int(account) < made.accounts.size:
            raise ValueError("a series belongs to no account")
        lines.of(int(account), Role(role), frozenset((str(name), str(held)) for name, held in labels))
    lines.settle()
    value, at = _unpacked(head["values"]), _unpacked(head["at"])
    if value.shape != (len(lines),) or at.shape != (len(lines),):
        raise ValueError("series and their values differ in number")
    lines.value, lines.at = value, at
    made.lines = lines


def _rows(made: Ledger, pages: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, ...]]:
    grid, kept, steps = made.grid, dict[str, tuple[int, ...]](), list[tuple[int, NDArray[np.int64]]]()
    for name, page in pages.items():
        ends, rows = [int(end) for end in page["ends"]], _unpacked(page["rows"])
        if len(ends) != len(rows):
            raise ValueError("rows and their times differ in number")
        if any(later <= earlier for earlier, later in pairwise(ends)):
            raise ValueError("time runs backwards")
        kept[name] = (int(page["from"]), *ends)
        steps.extend(zip(ends, rows, strict=True))
    steps.sort(key=lambda each: each[0])
    if any(later[0] == earlier[0] for earlier, later in pairwise(steps)):
        raise ValueError("a moment stands on two pages")
    for end, step in steps:
        if not grid.ends:
            grid.ground(end)
        row = grid.rows[-1].copy()
        row[:, : step.shape[1]] += step
        grid.ends.append(end)
        grid.rows.append(row)
    return kept


def _invalid(what: str) -> Invalid:
    return Invalid([Problem("ledger checkpoint", 1, 1, what, "a checkpoint of this version")])
