"""What the demonstration proposes to do next is possible where it says so, and what it reports is what the data proved."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.people import Script
from bot.demo.play import proved

STEP = {"id": "look", "kind": "ask", "title": "Did v2 change?", "options": [{"value": "yes"}], "params": {}}
SEEN: dict[str, Any] = {
    "id": "INC-1", "acknowledged": "2026-11-20T12:00:00Z", "resolved": None, "mitigated": None, "impact": None,
    "run": {"step": STEP}, "mitigations": [], "offers": [], "whys": [], "facts": {}, "followups": [], "notices": [],
}  # fmt: skip


def hint(act: int = 1, **seen: Any) -> str:
    deed = Script(None, act).next({**SEEN, **seen})  # type: ignore[arg-type]
    return deed.words if deed else ""


def test_a_runbook_is_left_once_the_incident_is_resolved() -> None:
    """Its steps would be refused: what is proposed then is what is still open."""
    assert "runbook step" in hint()
    assert "impact" in hint(resolved="2026-11-20T12:05:00Z")
    assert "impact" in hint(resolved="2026-11-20T12:05:00Z", run=None)
    assert hint(run=None) == ""


def test_a_legal_question_says_where_it_is_answered() -> None:
    """On the console, in the part that asks it, and what to answer."""
    whys = [{"id": f"W{n}", "text": ""} for n in range(9)]
    told = hint(run={"step": None}, impact={}, whys=whys)
    assert told.startswith("Cleo ")
    assert "console" in told
    assert "Duties to tell" in told


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([], False),
        (["undone"], False),
        (["undone", "undone"], False),
        (["verified"], True),
        (["undone", "verified"], True),
        (["verified", "not helping"], False),
        (["applied"], False),
    ],
)
def test_only_what_stands_and_was_proved_is_called_verified(states: list[str], said: bool) -> None:
    """Everything taken back proves nothing."""
    assert proved(states) is said
