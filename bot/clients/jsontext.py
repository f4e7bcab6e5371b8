"""Changes one value in a JSON text and leaves every other character as its author wrote it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

Path = Sequence[str | int]
"""Names of members and numbers of elements, from the outermost inwards."""

_BLANK = " \t\n\r"
_DECODER = json.JSONDecoder()


def span(text: str, path: Path) -> tuple[int, int] | None:
    """Where the value at `path` begins and ends, None where there is none. `text` must be JSON.

    Of two members of one name the last counts, as with every reader.
    """
    begin = _skip(text, 0)
    end = _DECODER.raw_decode(text, begin)[1]
    for step in path:
        found = [(first, last) for name, first, last in _inside(text, begin) if name == step]
        if not found:
            return None
        begin, end = found[-1]
    return begin, end


def at(text: str, path: Path) -> str | None:
    """The text of the value at `path`, None where there is none."""
    found = span(text, path)
    return None if found is None else text[found[0] : found[1]]


def replaced(text: str, path: Path, value: str) -> str:
    """The text with `value` (JSON itself) at `path`; a member that is not there is put at the end of its object.

    Raises KeyError where there is no object to put it into.
    """
    found = span(text, path)
    if found is not None:
        return text[: found[0]] + value + text[found[1] :]
    held = span(text, path[:-1])
    if held is None or text[held[0]] != "{":
        raise KeyError(path[-1])
    member = f"{json.dumps(path[-1])}: {value}"
    ends = [last for _name, _first, last in _inside(text, held[0])]
    if not ends:
        return text[: held[0]] + "{" + member + "}" + text[held[1] :]
    lead = text[held[0] + 1 : _skip(text, held[0] + 1)] or " "  # the first member's own line and indent
    return text[: ends[-1]] + "," + lead + member + text[ends[-1] :]


def without(text: str, path: Path) -> str:
    """The text without that member, and without the comma that set it apart. Raises KeyError where there is none."""
    held = span(text, path[:-1])
    members = list(_members(text, held[0])) if held is not None and text[held[0]] == "{" else []
    place = max((number for number, member in enumerate(members) if member[0] == path[-1]), default=None)
    if held is None or place is None:
        raise KeyError(path[-1])
    _name, begin, _first, end = members[place]
    if place > 0:
        return text[: members[place - 1][3]] + text[end:]
    if len(members) > 1:
        return text[:begin] + text[members[1][1] :]
    return text[: held[0]] + "{}" + text[held[1] :]


def _inside(text: str, begin: int) -> Iterator[tuple[str | int, int, int]]:
    """(name or number, begin, end) of the values directly inside the object or array that begins there."""
    if text[begin] == "{":
        yield from ((name, first, last) for name, _key, first, last in _members(text, begin))
    elif text[begin] == "[":
        number, place = 0, _skip(text, begin + 1)
        while text[place] != "]":
            end = _DECODER.raw_decode(text, place)[1]
            yield number, place, end
            number, place = number + 1, _next(text, end)


def _members(text: str, begin: int) -> Iterator[tuple[str, int, int, int]]:
    """(name, begin of the name, begin and end of the value) of an object's members."""
    place = _skip(text, begin + 1)
    while text[place] != "}":
        name, colon = _DECODER.raw_decode(text, place)
        first = _skip(text, _skip(text, colon) + 1)
        end = _DECODER.raw_decode(text, first)[1]
        yield name, place, first, end
        place = _next(text, end)


def _next(text: str, end: int) -> int:
    """The begin of what follows a value: past its comma, if there is one."""
    place = _skip(text, end)
    return _skip(text, place + 1) if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BLANK:
        place += 1
    return place


def written(value: Any) -> str:
    """A value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)
