"""Reads the JSON of strangers: whatever the bytes are, the outcome is a value or one short sentence."""

from __future__ import annotations

import json
from typing import Any, NoReturn

DEPTH = 32
"""Levels of lists and objects; no sender we know needs more than eight."""


class UnreadableError(ValueError):
    """A message nothing can be taken from; carries the sentence for whoever looks into the sender's log."""


def read(body: bytes) -> Any:
    """The JSON value of a body in UTF-8. Raises UnreadableError: nothing is guessed, nothing is repaired."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise UnreadableError("the body is not UTF-8") from None
    try:
        document = _DECODER.decode(text)
    except UnreadableError:
        raise
    except RecursionError:
        raise UnreadableError(_DEEP) from None
    except ValueError:
        raise UnreadableError("the body is not JSON") from None
    level, depth = [document], 0
    while level := [each for held in level for each in _inside(held) if type(each) in _HOLDERS]:
        depth += 1
        if depth >= DEPTH:
            raise UnreadableError(_DEEP)
    return document


_DEEP = f"the body is nested deeper than {DEPTH} levels"
_HOLDERS = (dict, list)


def _inside(held: Any) -> Any:
    if type(held) is dict:
        return held.values()
    return held if type(held) is list else ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise UnreadableError("the body has an object with the same key twice")
    return held


def _constant(word: str) -> NoReturn:
    raise UnreadableError(f"the body has {word}, which is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise UnreadableError("the body has a number that is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise UnreadableError("the body has a number that is too large")
    return int(text)


_DIGITS = 40
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite, parse_int=_whole)
