"""Reading a form: plain fields as words, times as the page told them, and one name for the same words sent twice."""

from __future__ import annotations

import functools
import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from zoneinfo import available_timezones

from fastapi import Request

from bot.domain.errors import Refused
from bot.engine.values import Profile
from bot.web.door import ByMachine
from bot.web.verbs._asking import by_the_clock

FIELDS = 250
SAY_UTC = "show all times in UTC, at the foot of the page, and say it so"


async def typed(request: Request) -> dict[str, str]:
    """Every field as it was typed, boxes of one name apart by ";"; files are not taken."""
    async with request.form(max_files=0, max_fields=FIELDS) as form:
        found: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                found.setdefault(name, []).append(value)
        return {name: "; ".join(values) for name, values in found.items()}


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def in_utc(words: Mapping[str, str], moments: Collection[str]) -> dict[str, str]:
    """What was typed, its `moments` in UTC: where a script runs, a page tells times by `zone`, and is told them so.

    Raises Refused for a zone that is none, and for an hour that came twice there, or never.
    """
    zone = words.get("zone", "")
    told = {name: value for name, value in words.items() if name != "zone"}
    if not zone:
        return told
    if zone not in _zones():
        raise Refused(f"{zone[:40]} is no zone known here; {SAY_UTC}")
    for name in moments:
        try:
            at = datetime.fromisoformat(told.get(name, ""))
        except ValueError:
            continue
        early, late = (by_the_clock(at, zone, later=later) for later in (False, True))
        if early != late:
            raise Refused(f"{at:%Y-%m-%d %H:%M} came twice in {zone}; {SAY_UTC}")
        told[name] = early.isoformat()
    return told


def inbound(who: Profile, what: str, words: Mapping[str, str]) -> str:
    """The inbound id of a form: the second click of the same words has no second effect, corrected words do."""
    if not words.get("once"):
        return f"machine:{who.id}:{secrets.token_hex(16)}" if isinstance(who, ByMachine) else ""
    canonical = json.dumps([what, sorted(words.items())])
    how = "machine" if isinstance(who, ByMachine) else "form"
    return f"{how}:{who.id}:{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"
