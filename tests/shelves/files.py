"""Finds what the suite needs to try a file of a shelf: it stands in that file's own test, `tests/<shelf>/test_<name>.py`.

SETTINGS   what leads it to one port of this machine, as `{url}` or `{port}`, every secret set to CANARY
ABSENT     manners of a bad server that mean "there is none" to it (an answer, not a failure); may be left out
scene      an action or pager in front of a target that remembers: tests.actions.fakes.Scene, tests.pagers.fakes.Scene
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from bot import shelf

DOORS = ("sources", "actions", "evidence", "oncall")
"""Shelves of doors to a server."""
SHELVES = (*DOORS, "pagers")
SECONDS = 0.4


def files(*shelves: str) -> list[tuple[str, str]]:
    """Every file of those shelves."""
    return [(each, name) for each in shelves for name in shelf.names(each)]


def described(where: str, name: str) -> ModuleType:
    """The file's own test. Raises AssertionError that says what to write where it is not there."""
    try:
        return importlib.import_module(f"tests.{where}.test_{name}")
    except ModuleNotFoundError as missing:
        if missing.name != f"tests.{where}.test_{name}":
            raise
        raise AssertionError(
            f"bot/{where}/{name}.py has no tests/{where}/test_{name}.py; see tests/shelves/files.py for what it holds"
        ) from None


def settings(where: str, name: str, port: int) -> dict[str, Any]:
    """The file's settings, leading to that port."""
    found: dict[str, Any] = _filled(described(where, name).SETTINGS, port)
    return found


def scene(where: str, name: str) -> Any:
    """The file in front of a target that remembers, as a context."""
    return described(where, name).scene()


def absent(where: str, name: str) -> frozenset[str]:
    """Manners of a server that are an answer to this file."""
    found: frozenset[str] = getattr(described(where, name), "ABSENT", frozenset())
    return found


def _filled(value: Any, port: int) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, port) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, port) for each in value]
    if isinstance(value, str):
        return value.replace("{url}", f"http://127.0.0.1:{port}").replace("{port}", str(port))
    return value
