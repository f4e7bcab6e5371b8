"""A slice's rule in front of a flagd flag's targeting: `if` the field is the value `then` a variant, `else` as before.

JSON Logic, as flagd evaluates it; no `else` means the default variant.
"""

from __future__ import annotations

import json
from typing import Any

from bot.actions._slices import slice_of
from bot.clients import jsontext

_THEN, _ELSE = 1, 2
_RULE = ("targeting",)


def field_of(text: str) -> str:
    """The field a slice is told by."""
    return slice_of(text)[0]


def sent_to(targeting: Any, text: str) -> str | None:
    """The variant a slice is sent to by one of the rules in front, None where none says so."""
    wanted = _condition(text)
    for branches in _in_front(targeting):
        if branches[0] == wanted:
            variant: str = branches[_THEN]
            return variant
    return None


def sent(flag: str, text: str, to: str | None) -> str:
    """The flag's characters with the slice sent to a variant, or to none of its own any more."""
    told = json.loads(flag).get("targeting")
    wanted, path = _condition(text), list[str | int](_RULE)
    for branches in _in_front(told):
        inside = [*path, "if"]
        if branches[0] == wanted and to is not None:
            if branches[_THEN] == to:
                return flag
            return jsontext.replaced(flag, [*inside, _THEN], jsontext.written(to))
        if branches[0] == wanted:
            rest = jsontext.at(flag, [*inside, _ELSE])
            if rest is None and path == list(_RULE):
                return jsontext.without(flag, path)
            return jsontext.replaced(flag, path, rest or "null")
        path = [*inside, _ELSE]
    if to is None:
        return flag
    old = f", {jsontext.at(flag, _RULE)}" if told else ""
    rule = f'{{"if": [{jsontext.written(wanted)}, {jsontext.written(to)}{old}]}}'
    return jsontext.replaced(flag, _RULE, rule)


def _condition(text: str) -> dict[str, Any]:
    name, value = slice_of(text)
    return {"==": [{"var": name}, value]}


def _in_front(targeting: Any) -> list[list[Any]]:
    """The branches of the leading rules that send one field's value to a variant."""
    found: list[list[Any]] = []
    while isinstance(targeting, dict) and isinstance(targeting.get("if"), list):
        branches = targeting["if"]
        if len(targeting) != 1 or len(branches) not in (_ELSE, _ELSE + 1) or not isinstance(branches[_THEN], str):
            break
        if not _tells_one_field(branches[0]):
            break
        found.append(branches)
        targeting = branches[_ELSE] if len(branches) > _ELSE else None
    return found


def _tells_one_field(condition: Any) -> bool:
    match condition:
        case {"==": [{"var": str()}, str()], **rest}:
            return not rest
        case _:
            return False
