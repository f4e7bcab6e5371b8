"""Names of durable work: what is owed under a key and an attempt, and when to look at an incident again."""

from __future__ import annotations

from datetime import UTC, datetime

RECOVERIES = 2
"""How often work that took the whole process down is taken up again before it is given up (then it ran three times)."""


def doing(key: str, attempt: int) -> str:
    """The id of one attempt: an ended id never runs again, so each attempt has its own."""
    return f"do:{key}#{attempt}"


def waking(incident: str, due: datetime) -> str:
    """The id of one wake-up: it holds the due time, so that asking twice is one and nothing must ever be moved."""
    return f"wake:{incident}:{due.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


def attempt_of(ident: str) -> tuple[str, int] | None:
    """The key and attempt behind an id of `doing`; None for a wake-up."""
    key, mark, attempt = ident.removeprefix("do:").rpartition("#")
    return (key, int(attempt)) if ident.startswith("do:") and mark and attempt.isdigit() else None
