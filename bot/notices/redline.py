"""What changed between two versions of a notice, word by word, so that nobody signs what they have not read."""

import difflib
import html as _html
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Op = Literal["same", "del", "ins"]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A run of text that stayed, went or came."""

    op: Op
    text: str


def redline(before: str, after: str) -> list[Piece]:
    """The pieces in reading order. Joining all but `ins` gives `before`; all but `del` gives `after`."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[Piece] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(old[a:b])))
        else:  # words only inside lines that differ: long notices stay quick to compare
            pieces += _words(_WORDS.findall("".join(old[a:b])), _WORDS.findall("".join(new[c:d])))
    return _joined(pieces)


def _words(old: Sequence[str], new: Sequence[str]) -> Iterable[Piece]:
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(old[a:b]))
            continue
        if b > a:
            yield Piece("del", "".join(old[a:b]))
        if d > c:
            yield Piece("ins", "".join(new[c:d]))


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours of one kind become one piece."""
    merged: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if merged and merged[-1].op == piece.op:
            merged[-1] = Piece(piece.op, merged[-1].text + piece.text)
        else:
            merged.append(piece)
    return merged


def changed(pieces: Iterable[Piece]) -> bool:
    """Whether any word differs."""
    return any(piece.op != "same" for piece in pieces)


def html(pieces: Iterable[Piece]) -> str:
    """For a page: `<del>` and `<ins>`, everything else escaped."""
    return "".join(
        _html.escape(piece.text) if piece.op == "same" else f"<{piece.op}>{_html.escape(piece.text)}</{piece.op}>"
        for piece in pieces
    )


def plain(pieces: Iterable[Piece]) -> str:
    """For a terminal or a plain message: `[-gone-]` and `{+new+}`."""
    marks = {"same": ("", ""), "del": ("[-", "-]"), "ins": ("{+", "+}")}
    return "".join(marks[piece.op][0] + piece.text + marks[piece.op][1] for piece in pieces)
