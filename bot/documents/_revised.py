"""What changed between two versions of a notice, block by block and word by word, with every block left what it is."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from bot.documents import Block, Bullets, Heading, Paragraph, Run, Runs, Table, words

Op: TypeAlias = Literal["same", "ins", "del"]
Kind: TypeAlias = Literal["heading", "text", "item", "row"]
Change: TypeAlias = tuple[Op, Run]

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_ALIKE = 0.5  # of their words: below that, one block went and another came
_LABELLED = 0.6  # lines of one label are versions of one another, whatever they say
_LONG_LABEL = 60
_MANY = 10_000  # comparisons of a stretch; beyond that its blocks are not compared each with each


@dataclass(frozen=True, slots=True)
class Unit:
    """What is kept or changed as one: a heading, a paragraph, an item of a list or a row of a table.

    `level` is a heading's rank or an item's depth; `group` tells lists and tables apart; only a row has several cells.
    """

    kind: Kind
    cells: tuple[Runs, ...]
    level: int = 0
    numbered: bool = False
    group: int = 0
    first: bool = False  # a table's header


@dataclass(frozen=True, slots=True)
class Marked:
    """A unit as it stands in a comparison: `op` is of the whole unit, `end` of the end of its line.

    Each cell holds its words with what became of them.
    """

    op: Op
    unit: Unit
    cells: tuple[tuple[Change, ...], ...]
    end: Op = "same"

    @property
    def tail(self) -> Op:
        """What became of its last words, where the line itself stayed."""
        return self.cells[0][-1][0] if self.op == "same" and self.unit.kind != "row" and self.cells[0] else "same"


def plain(blocks: Iterable[Block]) -> list[Marked]:
    """A document in which nothing changed."""
    return [_whole("same", unit) for unit in units(blocks)]


def revised(before: Iterable[Block], after: Iterable[Block]) -> list[Marked]:
    """Both versions in one reading order. All but `ins` make up the first, all but `del` the second."""
    old, new = list(units(before)), list(units(after))
    found: list[Marked] = []
    matcher = difflib.SequenceMatcher(None, [_key(unit) for unit in old], [_key(unit) for unit in new], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            found += [_whole("same", unit) for unit in new[c:d]]
        else:
            found += _stretch(old[a:b], new[c:d])
    return _with_ends(found)


def units(blocks: Iterable[Block]) -> Iterator[Unit]:
    """A document's blocks, taken apart. Rows of one table are made equally wide, those without a word are left out."""
    for group, block in enumerate(blocks):
        match block:
            case Heading(level, runs):
                yield Unit("heading", (runs,), level)
            case Paragraph(runs):
                yield Unit("text", (runs,))
            case Bullets(items, numbered):
                for place, item in enumerate(items):
                    yield Unit("item", (item,), block.level(place), numbered, group)
            case Table(rows):
                wide = max((len(row) for row in rows), default=0)
                for place, row in enumerate(rows):
                    if any(row):
                        yield Unit("row", (*row, *[()] * (wide - len(row))), group=group, first=place == 0)


def _key(unit: Unit) -> tuple[object, ...]:
    return _shape(unit), unit.cells


def _shape(unit: Unit) -> tuple[object, ...]:
    """What must be the same for words to change inside a unit; else it went, and another one came."""
    return unit.kind, unit.level, unit.numbered, len(unit.cells), unit.first


def _whole(op: Op, unit: Unit) -> Marked:
    return Marked(op, unit, tuple(tuple((op, run) for run in cell) for cell in unit.cells), op)


def _with_ends(marked: Sequence[Marked]) -> list[Marked]:
    """What became of the end of every line.

    Where a change runs from within a line over whole lines below it, the first one's end is the changed one and the
    last one's stands, as when a person types or deletes there: editors take such a change as one, ends and all. A line
    that would change its kind by that went, and another one came.
    """
    found: list[Marked] = []
    stands: set[int] = set()
    for place, one in enumerate(marked):
        last = _runs_on_to(marked, place)
        if last == place:
            found.append(replace(one, end="same") if place in stands else one)
        elif _shape(marked[last].unit) == _shape(one.unit):
            stands.add(last)
            found.append(replace(one, end=one.tail))
        else:
            gone, come = _part(one, "del"), _part(one, "ins")
            found += [gone, come] if one.tail == "ins" else [come, gone]
    return found


def _runs_on_to(marked: Sequence[Marked], place: int) -> int:
    """The last whole line below a line that its last change runs on to; itself where it runs on to none."""
    tail, last = marked[place].tail, place
    while tail != "same" and last + 1 < len(marked) and marked[last + 1].op == tail:
        if marked[last + 1].unit.kind == "row":
            break
        last += 1
    return last


def _part(one: Marked, op: Op) -> Marked:
    """One side of a changed line as a whole line."""
    cells = tuple(tuple((op, run) for kept, run in cell if kept in ("same", op)) for cell in one.cells)
    return Marked(op, one.unit, cells, op)


def _stretch(old: Sequence[Unit], new: Sequence[Unit]) -> Iterator[Marked]:
    """Units that differ: those much alike are changed inside, the rest went before what came."""
    a = c = 0
    for b, d in [*_pairs(old, new), (len(old), len(new))]:
        yield from (_whole("del", unit) for unit in old[a:b])
        yield from (_whole("ins", unit) for unit in new[c:d])
        if b < len(old) and d < len(new):
            cells = zip(old[b].cells, new[d].cells, strict=True)
            yield Marked("same", new[d], tuple(tuple(_inside(was, now)) for was, now in cells))
        a, c = b + 1, d + 1


def _pairs(old: Sequence[Unit], new: Sequence[Unit]) -> list[tuple[int, int]]:
    """Which units are versions of one another: in order, and as much alike in all as can be."""
    if not old or not new or len(old) * len(new) > _MANY:
        return []
    was, now = [_bag(unit) for unit in old], [_bag(unit) for unit in new]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    alike = [[0.0] * len(new) for _ in old]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            if _shape(old[i]) == _shape(new[j]):
                shared = _alike(was[i], now[j])
                alike[i][j] = max(shared, _LABELLED + shared / 10) if _label(old[i]) == _label(new[j]) != "" else shared
            with_it = alike[i][j] + best[i + 1][j + 1] if alike[i][j] >= _ALIKE else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], with_it)
    found, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if alike[i][j] >= _ALIKE and best[i][j] == alike[i][j] + best[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _bag(unit: Unit) -> Counter[Run | str]:
    """How often it has which word; a gap is one word."""
    found = (token for cell in unit.cells for token in _tokens(cell))
    return Counter(token if token.gap else token.text for token in found if not token.text.isspace())


def _label(unit: Unit) -> str:
    """What its line is called: the words before the colon of an item or a paragraph, a row's first cell."""
    if unit.kind == "row":
        return words(unit.cells[0]) if len(unit.cells) > 1 else ""
    name, colon, _ = words(unit.cells[0]).partition(": ")
    return name if colon and len(name) <= _LONG_LABEL else ""


def _alike(one: Counter[Run | str], other: Counter[Run | str]) -> float:
    """From 0 to 1: how many of their words they share."""
    both = one.total() + other.total()
    return 2 * (one & other).total() / both if both else 1.0


def _inside(was: Runs, now: Runs) -> Iterator[Change]:
    """Words that went and came within one line; a gap is one word, and so is what stands in another manner."""
    old, new = list(_tokens(was)), list(_tokens(now))
    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    gone: list[Run] = []
    come: list[Run] = []
    for place, (tag, a, b, c, d) in enumerate(steps):
        if tag != "equal":
            gone += old[a:b]
            come += new[c:d]
        elif 0 < place < len(steps) - 1 and not words(tuple(new[c:d])).strip():
            gone += old[a:b]  # a mere space between two changes belongs to them: they are read as one
            come += new[c:d]
        else:
            yield from _joined("del", gone)
            yield from _joined("ins", come)
            gone, come = [], []
            yield from _joined("same", new[c:d])
    yield from _joined("del", gone)
    yield from _joined("ins", come)


def _tokens(runs: Runs) -> Iterator[Run]:
    for run in runs:
        yield from [run] if run.gap else [replace(run, text=word) for word in _WORDS.findall(run.text)]


def _joined(op: Op, runs: Sequence[Run]) -> Iterator[Change]:
    """Neighbours in one manner become one run again."""
    current: Run | None = None
    for run in runs:
        if current is not None and replace(run, text="") == replace(current, text="") and not run.gap:
            current = replace(current, text=current.text + run.text)
            continue
        if current is not None:
            yield op, current
        current = run
    if current is not None:
        yield op, current
