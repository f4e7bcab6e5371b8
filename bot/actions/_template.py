"""Fills structures in which texts name values (`{to}`), so that no value can become another request than was meant.

A text that is one name alone becomes the value itself, with its type; names within a longer text become text. `{{` and
`}}` are braces. There are no expressions: what a value holds is never read as a template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from bot.clients.http import segment
from bot.domain.errors import Refused, Unavailable

_PIECE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)?)\}|[{}]")
_STATIC = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]*")
_DOTS = (".", "..")


def names_in(template: Any) -> Iterator[str]:
    """Every name a structure mentions, keys too. Raises ValueError where a brace stands alone."""
    if isinstance(template, str):
        for piece in _PIECE.finditer(template):
            if piece[0] in {"{", "}"}:
                raise ValueError(f"a brace in {template!r} belongs to no name; write {{{{ or }}}} for a brace")
            if piece[1]:
                yield piece[1]
    elif isinstance(template, Mapping):
        for key, value in template.items():
            yield from names_in(key)
            yield from names_in(value)
    elif isinstance(template, list | tuple):
        for value in template:
            yield from names_in(value)


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The structure with every name replaced by its value. Raises Refused where two keys become one."""
    if isinstance(template, str):
        whole = _PIECE.fullmatch(template)
        return values[whole[1]] if whole and whole[1] else text(template, values)
    if isinstance(template, Mapping):
        filled = [(text(str(key), values), fill(value, values)) for key, value in template.items()]
        if len(made := dict(filled)) < len(filled):
            raise Refused(f"two values that must differ are the same: {', '.join(made)}")
        return made
    if isinstance(template, list | tuple):
        return [fill(value, values) for value in template]
    return template


def text(template: str, values: Mapping[str, Any]) -> str:
    """A text with every name replaced by its value as text."""
    braces = {"{{": "{", "}}": "}"}
    return _PIECE.sub(lambda piece: word(values[piece[1]]) if piece[1] else braces[piece[0]], template)


def word(value: Any) -> str:
    """A value within a text: texts as they are, all else as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# -- addresses -------------------------------------------------------------------------------------------------------


def check_path(template: str) -> str:
    """A path below the base address that names values in its segments. Raises ValueError saying what is wrong."""
    if not template.startswith("/") or template.startswith("//"):
        raise ValueError("a path begins with one slash and stands below the address, such as /routes/{name}")
    for part in template[1:].split("/"):
        list(names_in(part))
        static = _PIECE.sub("", part)
        if not _STATIC.fullmatch(static):
            raise ValueError(f"{part!r} cannot stand in a path; a query stands in `query`")
        if (not part and part != template[1:]) or unquote(part) in _DOTS:
            raise ValueError("a path has no empty segment and none of dots alone")
    return template


def path(template: str, values: Mapping[str, Any]) -> str:
    """The path with each value kept within its own segment. Raises Refused where one would lead elsewhere."""
    return "/".join(_part(each, values) for each in template.split("/"))


def _part(template: str, values: Mapping[str, Any]) -> str:
    named = list(names_in(template))
    if not named:
        return template
    if lacking := [name for name in named if values[name] is None]:
        raise Refused(f"there is no {lacking[0]} to name in the address")
    plain = text(template, values)
    # some servers decode %2F, or drop what follows a semicolon, before they look at the dots: refused, encoded or not
    for each in (plain, *(word(values[name]) for name in named)):
        if not each or any(step in _DOTS for step in re.split(r"[/\\;]", unquote(each))):
            raise Refused(f"{each!r} cannot stand in an address")
    quoted = {name: segment(word(values[name])) for name in named}
    return text(template, quoted)


# -- JSON pointers (RFC 6901) ----------------------------------------------------------------------------------------


def check_pointer(template: str) -> str:
    """Raises ValueError where it is none."""
    if template and not template.startswith("/"):
        raise ValueError(f"{template!r} is no JSON pointer, such as /spec/weight")
    list(names_in(template))
    return template


def pointer(template: str, values: Mapping[str, Any]) -> str:
    """The pointer with each value kept within its own step."""
    named = {name: word(values[name]).replace("~", "~0").replace("/", "~1") for name in names_in(template)}
    return text(template, named)


def at(document: Any, where: str, what: str, *, lacking: bool = False) -> Any:
    """What stands there in a JSON document; with `lacking`, None where nothing does. Raises Unavailable."""
    found = document
    for step in where.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif lacking and isinstance(found, dict | list):
            return None
        else:
            raise Unavailable(what, f"answered nothing at {where}")
    return found
