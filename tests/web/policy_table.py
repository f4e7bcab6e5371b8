"""The table of who may ask what, as `bot/web/access.yaml` says it, and what the app itself says there is to ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from starlette.routing import BaseRoute, Mount, Route

from bot.web import access

FILE = Path(access.__file__).with_name("access.yaml")
ROLES = ("responder", "approver", "manager", "counsel", "auditor", "admin")
SEES_RESTRICTED = frozenset({"responder on call", "counsel", "admin"})


@dataclass(frozen=True)
class Line:
    """One line of the table, for one route."""

    ask: str
    who: frozenset[str]
    incident: bool = False
    machine: bool | str = True
    nearby: bool = False

    def may(self, role: str, *, restricted: bool) -> bool:
        """Whether that person, by a token of their own, is let in at all; `role` may say that they are on call."""
        return role.removesuffix(" on call") in self.who and (
            not self.incident or not restricted or role in SEES_RESTRICTED
        )


def table() -> dict[str, Line]:
    """By `METHOD /path`."""
    found: dict[str, Line] = {}
    for group in yaml.safe_load(FILE.read_text(encoding="utf-8")):
        unknown = group.keys() - {"about", "who", "incident", "machine", "nearby", "asks"}
        assert not unknown, f"access.yaml: nothing is called {unknown}"
        for ask in group["asks"]:
            assert ask not in found, f"access.yaml says {ask} twice"
            found[ask] = Line(
                ask,
                _people(group["who"]),
                group.get("incident", False),
                group.get("machine", True),
                group.get("nearby", False),
            )
    return found


def _people(who: str | list[str]) -> frozenset[str]:
    known: Mapping[str, Iterable[str]] = {
        "everybody": ROLES,
        "anybody": (*ROLES, "anybody"),
        "the address": (*ROLES, "anybody", "the address"),
        "the machine": ("the machine",),
        "a login": ("a login",),
    }
    found = frozenset(known[who] if isinstance(who, str) else who)
    assert found <= {*ROLES, "anybody", "the address", "the machine", "a login"}, who
    return found


def asked(app: Any) -> set[str]:
    """Every `METHOD /path` the app answers."""
    return set(_walk(app.routes))


def _walk(known: Iterable[BaseRoute]) -> Iterator[str]:
    for route in known:
        if isinstance(route, Mount):
            yield f"GET {route.path}"
        elif isinstance(route, Route):
            yield from (f"{method} {route.path}" for method in (route.methods or {"GET", "POST"}) - {"HEAD"})
        else:
            yield from _walk(route.original_router.routes)
