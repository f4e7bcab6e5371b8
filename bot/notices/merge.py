"""Counsel's words and later facts in one text: what counsel wrote stays, what the facts say anew comes in."""

import difflib
import re
from dataclasses import dataclass

from bot.notices.checklist import FACTS_CHANGED

_WORDS = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Merged:
    """The text of both. `clashes` are the places both changed: counsel's words stand there, followed by a marker."""

    text: str
    clashes: tuple[str, ...] = ()


def merge(base: str, mine: str, theirs: str) -> Merged:
    """Three-way merge by words (as `diff3` does by lines): `base` became `mine` by hand and `theirs` by new facts.

    With nothing new, or nothing of one's own, it is the other text itself. Where both changed the same words
    differently, mine stand with a marker that says what the facts say now.
    """
    if theirs in {base, mine}:
        return Merged(mine)
    if mine == base:
        return Merged(theirs)
    old, own, new = _WORDS.findall(base), _WORDS.findall(mine), _WORDS.findall(theirs)
    kept_own, kept_new = _kept(old, own), _kept(old, new)
    out: list[str] = []
    clashes: list[str] = []
    a = b = c = 0  # how far base, mine and theirs were read
    for at in [*(i for i in range(len(old)) if i in kept_own and i in kept_new), len(old)]:
        stop_own, stop_new = kept_own.get(at, len(own)), kept_new.get(at, len(new))
        piece, clash = _between(old[a:at], own[b:stop_own], new[c:stop_new])
        out.append(piece)
        if clash:
            clashes.append(clash)
        if at < len(old):
            out.append(old[at])
        a, b, c = at + 1, stop_own + 1, stop_new + 1
    return Merged("".join(out), tuple(dict.fromkeys(clashes)))


def _kept(old: list[str], new: list[str]) -> dict[int, int]:
    """Where each word of `old` that stayed stands in `new`."""
    found: dict[int, int] = {}
    for start, begins, length in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        found.update({start + step: begins + step for step in range(length)})
    return found


def _between(old: list[str], own: list[str], new: list[str]) -> tuple[str, str]:
    """What stands between two places all three agree on, and what clashes there ("" for nothing)."""
    if own in (old, new):
        return "".join(new), ""
    if new == old:
        return "".join(own), ""
    says = " ".join("".join(new).split())
    mine = "".join(own)
    tail = mine[len(mine.rstrip()) :]
    marker = moved(says)
    lead = " " if mine.strip() and not mine.rstrip().endswith(" ") else ""
    return f"{mine.rstrip()}{lead}{marker}{tail}", marker


def moved(now: str) -> str:
    """The marker of a reworded place whose facts changed; it counts as a gap until counsel rewords it."""
    inside = now.replace("[[", "[").replace("]]", "]") or "nothing"
    return f"[[ {FACTS_CHANGED}: they now say {inside} ]]"
