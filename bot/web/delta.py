"""What a plan changes, field by field, so that before and after can stand side by side."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain.mitigation import Plan

MANY = 500
"""Lines of a text after which common ones are no landmarks for what changed."""

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Delta:
    """One field that changes; None where it is not there."""

    what: str
    before: str | None
    after: str | None


def deltas(plan: Plan) -> list[Delta]:
    """Every field that differs. What `after` does not speak of at its top is not touched; deeper down it goes."""
    found: list[Delta] = []
    for name, after in plan.after.items():
        found += _between(str(name), plan.before.get(name, _ABSENT), after)
    return found


def _between(what: str, before: object, after: object) -> Iterator[Delta]:
    if _same(before, after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from _between(f"{what}.{name}", before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, pair in enumerate(zip(before, after, strict=True)):
            yield from _between(f"{what}[{at}]", *pair)
    elif isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        yield from _lines(what, before.split("\n"), after.split("\n"))
    else:
        old, new = _said(before), _said(after)
        if old == new:  # the text "1" became the number 1
            old, new = json.dumps(before), json.dumps(after)
        yield Delta(what, old, new)


def _lines(what: str, before: list[str], after: list[str]) -> Iterator[Delta]:
    """What differs between two texts, by the line."""
    alike = max(len(before), len(after)) > MANY  # long files that repeat themselves would take minutes to the letter
    opcodes = difflib.SequenceMatcher(None, before, after, autojunk=alike).get_opcodes()
    for kind, begin, end, begins, ends in opcodes:
        if kind != "equal":
            old, new = "\n".join(before[begin:end]), "\n".join(after[begins:ends])
            yield Delta(f"{what}, line {begin + 1}", old if end > begin else None, new if ends > begins else None)


def _same(before: object, after: object) -> bool:
    """As JSON: for Python true is 1, at a target it is not."""
    if before is _ABSENT or after is _ABSENT:
        return before is after
    told = (json.dumps(value, sort_keys=True, default=str) for value in (before, after))
    return next(told) == next(told)


def _said(value: object) -> str | None:
    if value is _ABSENT:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
