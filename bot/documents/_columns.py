"""How wide each column of a table is: as its words ask, and none so narrow that a word must break without need."""

from __future__ import annotations

from collections.abc import Sequence

_LINE = 84  # letters in a line of the whole width
_MARGIN = 4  # letters that a cell's own margins take
_WORD, _CELL = 16, 60  # longer words may break, longer cells ask for no more


def shares(texts: Sequence[Sequence[str]]) -> list[float]:
    """Each column's share of the whole width; all together are 1."""
    wide = max((len(row) for row in texts), default=0)
    columns = [[row[place] for row in texts if place < len(row)] for place in range(wide)]
    needed = [_MARGIN + max(min(_WORD, _longest_word(cell)) for cell in column) for column in columns]
    longest = [_MARGIN + min(_CELL, max(map(len, column))) for column in columns]
    wished = list(map(max, needed, longest))
    spare = _LINE - sum(needed)
    if spare <= 0:  # too many columns for the page: each as it needs, in proportion
        return [need / sum(needed) for need in needed]
    more = [wish - need for wish, need in zip(wished, needed, strict=True)]
    whole = sum(more) or wide
    given = [need + spare * (each if sum(more) else 1) / whole for need, each in zip(needed, more, strict=True)]
    return [each / _LINE for each in given]


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=1)
