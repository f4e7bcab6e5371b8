"""What leads from the changed state back to the one before, and no more: the rest of a state is nobody's business.

A flag's rules name people (ids, addresses), and the log forgets nothing. So a plan keeps fingerprints of the whole and
only the pieces that an undo must put back, which are those the change itself is about.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any

Step = dict[str, Any]
"""`at` a path, from the outermost inwards, either `put` a value, or of a list `take` so many and put these instead."""


def steps(now: Any, before: Any) -> list[Step]:
    """What makes `now` read as `before`, both plain JSON, in the order in which it is to be done."""
    return list(_steps(now, before, ()))


def walked(now: Any, way: Any) -> Any:
    """A copy of `now` with every step done."""
    root: dict[str, Any] = {"": copy.deepcopy(now)}
    for step in way:
        path: list[Any] = ["", *step["at"]]
        last = path.pop()
        held: Any = root
        for each in path:
            held = held[each]
        if "take" in step:
            begin, end = step["from"], step["from"] + step["take"]
            held[last][begin:end] = copy.deepcopy(list(step["put"]))
        elif "put" in step:
            held[last] = copy.deepcopy(step["put"])
        else:
            del held[last]
    return root[""]


def _steps(now: Any, before: Any, at: tuple[str | int, ...]) -> Iterator[Step]:
    if now == before and type(now) is type(before):
        return
    if isinstance(now, dict) and isinstance(before, dict):
        for name in now:
            if name not in before:
                yield {"at": [*at, name]}
        for name, value in before.items():
            if name in now:
                yield from _steps(now[name], value, (*at, name))
            else:
                yield {"at": [*at, name], "put": value}
    elif isinstance(now, list) and isinstance(before, list):
        yield from _of_list(now, before, at)
    else:
        yield {"at": [*at], "put": before}


def _of_list(now: list[Any], before: list[Any], at: tuple[str | int, ...]) -> Iterator[Step]:
    """From the end to the front, so that the places of what is still to be done hold."""
    ours, theirs = ([json.dumps(each, sort_keys=True) for each in one] for one in (now, before))
    for kind, begin, end, first, last in reversed(SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()):
        if kind != "equal":
            ways = _beside(now[begin:end], before[first:last], at, begin)
            yield from min(ways, key=_kept)


def _beside(now: list[Any], before: list[Any], at: tuple[str | int, ...], begin: int) -> Iterator[list[Step]]:
    """Every way to lay one stretch beside the other: what is paired is changed, what is left over put in or taken."""
    pairs = min(len(now), len(before))
    for skip in range(abs(len(now) - len(before)) + 1):
        ours, theirs = (skip, 0) if len(now) > len(before) else (0, skip)
        way = _splice(at, begin + ours + pairs, len(now) - ours - pairs, before[theirs + pairs :])
        for number in reversed(range(pairs)):
            way += _steps(now[ours + number], before[theirs + number], (*at, begin + ours + number))
        yield way + _splice(at, begin, ours, before[:theirs])


def _kept(way: list[Step]) -> int:
    """How much of the state before stands in it, in characters."""
    return sum(len(json.dumps(step.get("put", ""))) for step in way)


def _splice(at: tuple[str | int, ...], begin: int, take: int, put: list[Any]) -> list[Step]:
    return [{"at": [*at], "from": begin, "take": take, "put": put}] if take or put else []


def pieces(now: str, before: str) -> dict[str, Any]:
    """How the characters of `before` come out of `now`: both ends stay, and of the middle a stretch, with a frame."""
    begin = _alike(now, before)
    rest = min(len(now), len(before)) - begin
    end = min(_alike(now[::-1], before[::-1]), rest)
    ours, theirs = now[begin : len(now) - end], before[begin : len(before) - end]
    if theirs and theirs in ours:
        keep, frame = [ours.index(theirs), ours.index(theirs) + len(theirs)], ("", "")
    elif ours and ours in theirs:
        keep, (head, _, tail) = [0, len(ours)], theirs.partition(ours)
        frame = (head, tail)
    else:
        keep, frame = [0, 0], (theirs, "")
    return {"begin": begin, "end": end, "keep": keep, "frame": list(frame)}


def pieced(now: str, way: Any) -> str:
    """The characters of before."""
    stop = len(now) - way["end"]
    first, last = (way["begin"] + each for each in way["keep"])
    head, tail = way["frame"]
    return f"{now[: way['begin']]}{head}{now[first:last]}{tail}{now[stop:]}"


def _alike(one: str, two: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))
