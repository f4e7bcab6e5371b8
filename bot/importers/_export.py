"""An export as it is read: every value knows its place, so that what is wrong with it can be named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.errors import Invalid, Problem

Place = tuple[str | int, ...]

NAMES = ("name", "fullName", "summary", "label", "username")
"""Where the name of a thing stands, so that a place says something to a person."""
MOST_BYTES = 200_000_000
MOST_PROBLEMS = 20
MOST = 1_000_000_000
"""No length and no count of an export is more."""
YEARS = range(1980, 2200)
"""Other times are marks of something else, such as the year 1 for none."""
_TOKEN = re.compile(r'[\s,:]*("(?:[^"\\]|\\.)*"|[][{}]|[^][{}\s,:"]+)')


@dataclass(frozen=True, slots=True)
class Node:
    """One value of an export, and where it stands."""

    value: Any
    place: Place
    export: Export = field(repr=False)

    def __str__(self) -> str:
        """`schedules[0].schedule_layers[2] (Weekends)`: the place, and what is called so there."""
        called = next((name for each in NAMES if isinstance(name := self.at(each).value, str) and name.strip()), "")
        return f"{shown(self.place)} ({called.strip()})" if called else shown(self.place)

    def __bool__(self) -> bool:
        return self.value is not None

    @property
    def word(self) -> str:
        """The text that stands here; "" where none does, and nothing is complained of."""
        return self.value.strip() if isinstance(self.value, str) else ""

    def at(self, *path: str | int) -> Node:
        """The value at `path` below; one of None where there is none."""
        value = self.value
        for part in path:
            there = part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
            value = value[part] if there else None
        return Node(value, (*self.place, *path), self.export)

    def text(self, *path: str | int, required: bool = True) -> str:
        """The text at `path`; complains where it is none, or missing and `required`."""
        found = self.at(*path)
        if isinstance(found.value, str) and (found.value.strip() or not required):
            return found.value.strip()
        if found or required:
            found.complain("a text")
        return ""

    def number(self, *path: str | int, otherwise: int | None = None) -> int:
        """The whole number at `path`; complains where it is none, or missing without an `otherwise`."""
        found = self.at(*path)
        if not found and otherwise is not None:
            return otherwise
        if isinstance(found.value, int) and not isinstance(found.value, bool) and 0 <= found.value <= MOST:
            return found.value
        found.complain("a whole number from 0 on")
        return otherwise or 0

    def yes(self, *path: str | int, otherwise: bool = False) -> bool:
        """Whether that is so; complains where it is neither."""
        found = self.at(*path)
        if isinstance(found.value, bool):
            return found.value
        if found:
            found.complain("true or false")
        return otherwise

    def many(self, *path: str | int) -> list[Node]:
        """The values of the list at `path`; complains where it is no list. What is missing is empty."""
        found = self.at(*path)
        if isinstance(found.value, list):
            return [found.at(index) for index in range(len(found.value))]
        if found:
            found.complain("a list")
        return []

    def moment(self, *path: str | int, zone: ZoneInfo | None = None) -> datetime | None:
        """The time at `path`, or None: with a complaint where it is no time. Without an offset it is one of `zone`."""
        found = self.at(*path)
        if not found:
            return None
        try:
            moment = datetime.fromisoformat(found.value)
        except (TypeError, ValueError):
            moment = None
        if moment is not None and moment.year in YEARS and (moment.tzinfo is not None or zone is not None):
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        expected = "a time such as 2026-01-05T09:00:00" + ("" if zone is not None else "Z, with its offset")
        found.complain(expected)
        return None

    def required_moment(self, *path: str | int, zone: ZoneInfo | None = None) -> datetime | None:
        """Like `moment`; also complains where there is none."""
        if not self.at(*path):
            self.at(*path).complain("a time")
        return self.moment(*path, zone=zone)

    def stretch(self, start: str, end: str, what: str) -> tuple[datetime, datetime] | None:
        """From one time to another, both required; complains where it ends before it starts."""
        since, until = self.required_moment(start), self.required_moment(end)
        if since is None or until is None:
            return None
        if until <= since:
            self.complain("an end after its start", what=f"{what} ends before it starts")
        return since, until

    def zone(self, *path: str | int) -> ZoneInfo | None:
        """The time zone named there, or None with a complaint."""
        name = self.text(*path)
        try:
            return ZoneInfo(name) if name else None
        except (ValueError, OSError, LookupError):
            self.at(*path).complain("a time zone such as Europe/Berlin", what=f"there is no time zone {name!r}")
        return None

    def complain(self, expected: str, *, what: str = "") -> None:
        """A mistake of the export, at this place."""
        self.export.wrong.append((self.place, what or f"{self.place[-1]!s} is {_kind(self.value)}", expected))


@dataclass
class Export:
    """A whole export: one JSON file, or the answers in it."""

    file: str
    text: str
    data: Any
    wrong: list[tuple[Place, str, str]] = field(default_factory=list)

    @property
    def root(self) -> Node:
        """All of it."""
        return Node(self.data, (), self)

    def finish(self) -> None:
        """Raises Invalid with everything complained of, each with its line and its place."""
        if not self.wrong:
            return
        lines = dict(_lines(self.text))
        told = dict.fromkeys(self.wrong)  # the same value may have been asked for twice
        problems = []
        for place, what, expected in list(told)[:MOST_PROBLEMS]:
            known = place
            while known and known not in lines:
                known = known[:-1]
            line, column = lines.get(known, (1, 1))
            where = shown(place if known == place else place[:-1]) or "the export"
            problems.append(Problem(self.file, line, column, f"{where}: {what}", expected))
        raise Invalid(problems)


def read(path: Path) -> Export:
    """The export in that file. Raises Invalid where it is no JSON object, or no list of some."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Invalid([Problem(str(path), 1, 1, "is too large to be an export", f"at most {MOST_BYTES:,} bytes")])
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text)
    except OSError as error:
        raise Invalid([Problem(str(path), 1, 1, f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError:
        raise Invalid([Problem(str(path), 1, 1, "is not text", "UTF-8")]) from None
    except json.JSONDecodeError as error:
        raise Invalid([Problem(str(path), error.lineno, error.colno, f"is no JSON here: {error.msg}")]) from None
    except RecursionError:
        raise Invalid([Problem(str(path), 1, 1, "is nested too deeply to read")]) from None
    if not isinstance(data, dict):
        expected = "an object with one entry for each answer of the API; `tocsin import --help` says how"
        raise Invalid([Problem(str(path), 1, 1, f"the export is {_kind(data)}", expected)])
    return Export(str(path), text, data)


def shown(place: Place) -> str:
    """`schedules[0].users[1]` of a place."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def pages(root: Node, name: str, *inside: str, one: str = "") -> tuple[list[Node], Node | None]:
    """Everything listed under `name`, and the last page where it says that there is more.

    What stands there is the list itself, an answer of the API that holds the list under one of `inside`, or a list of
    such answers; where `one` is given, a thing may also stand in an answer of its own under that name.
    """
    found = root.at(name)
    whole = [found] if not isinstance(found.value, list) else found.many()
    things: list[Node] = []
    more: Node | None = None
    for part in whole:
        key = next((each for each in inside if isinstance(part.at(each).value, list)), "")
        if key:
            things += part.many(key)
            more = part if part.at("more").value is True or part.at("next").value or _next(part) else None
        elif part and part is not found:
            things.append(part.at(one) if one and isinstance(part.at(one).value, dict) else part)
        elif part:
            part.complain(f"a list, or an answer with {' or '.join(inside)}")
    kept: dict[object, Node] = {}
    for each in things:
        if isinstance(each.value, dict):
            key = each.at("id").value
            kept.setdefault(key if isinstance(key, str) else each.place, each)  # pages may overlap
        else:
            each.complain("an object", what=f"is {_kind(each.value)}")
    return list(kept.values()), more


def _next(part: Node) -> bool:
    return bool(part.at("paging", "next").value)


def _kind(value: Any) -> str:
    """What a value is, in the words of somebody who reads JSON."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:60]!r}" if value else "empty"
    return "an object" if isinstance(value, dict) else "a list"


def _lines(text: str) -> Iterator[tuple[Place, tuple[int, int]]]:
    """Where each value of a JSON text stands, as line and column; the text is known to be JSON."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    line = 0
    open_: list[tuple[str | int | None, bool]] = []  # the key within each object or list, and whether it is a list
    for token in _TOKEN.finditer(text):
        at = token.start(1)
        while line + 1 < len(starts) and starts[line + 1] <= at:
            line += 1
        sign = token[1]
        if sign in "}]":
            open_.pop()
            _step(open_)
            continue
        if open_ and not open_[-1][1] and open_[-1][0] is None:
            open_[-1] = (json.loads(sign), False)
            continue
        yield tuple(key for key, _ in open_ if key is not None), (line + 1, at - starts[line] + 1)
        if sign in "{[":
            open_.append((0, True) if sign == "[" else (None, False))
        else:
            _step(open_)


def _step(open_: list[tuple[str | int | None, bool]]) -> None:
    """A value has ended: the next one of a list, or the next key of an object, follows."""
    if open_:
        key, is_list = open_[-1]
        open_[-1] = (key + 1, True) if is_list and isinstance(key, int) else (None, False)
