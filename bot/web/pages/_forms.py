"""Reading a form: plain fields as words, and one name for the same words sent twice."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping

from fastapi import Request

from bot.engine.values import Profile
from bot.web.door import ByMachine

FIELDS = 250


async def typed(request: Request) -> dict[str, str]:
    """Every field as it was typed, boxes of one name apart by ";"; files are not taken."""
    async with request.form(max_files=0, max_fields=FIELDS) as form:
        found: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                found.setdefault(name, []).append(value)
        return {name: "; ".join(values) for name, values in found.items()}


def inbound(who: Profile, what: str, words: Mapping[str, str]) -> str:
    """The inbound id of a form: the second click of the same words has no second effect, corrected words do."""
    if not words.get("once"):
        return f"machine:{who.id}:{secrets.token_hex(16)}" if isinstance(who, ByMachine) else ""
    canonical = json.dumps([what, sorted(words.items())])
    how = "machine" if isinstance(who, ByMachine) else "form"
    return f"{how}:{who.id}:{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"
