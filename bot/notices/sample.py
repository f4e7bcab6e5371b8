"""Two incidents nobody had: one with everything known, one just begun. A template must be filled from both."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType

from bot.notices.facts import FactType, Value
from bot.notices.regime import Fact

_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

BARE: Mapping[str, object] = MappingProxyType(
    {
        "as_of": _NOON,
        "incident": {
            "id": "INC-1",
            "title": "Scores look wrong",
            "severity": "SEV2",
            "onset": _NOON,
            "onset_basis": "as stated when it was declared",
            "detected": _NOON,
        },
        "org": {"name": "Example"},
    }
)
"""What every incident has from its first second."""

FULL: Mapping[str, object] = MappingProxyType(
    {
        "as_of": _NOON,
        "incident": {
            "id": "INC-1",
            "title": "Scores look wrong",
            "service": "Scoring",
            "slice": "region:south",
            "severity": "SEV2",
            "onset": _NOON,
            "onset_basis": "estimated from the data",
            "detected": _NOON,
            "acknowledged": _NOON,
            "mitigated": _NOON,
            "resolved": _NOON,
            "cause": "training data",
            "summary": "Reminders were not sent.",
            "lead": "Ana",
            "next_update": _NOON,
            "link": "https://tocsin.example/incidents/INC-1",
            "legal_hold": _NOON,
        },
        "impact": {
            "events": 1200,
            "people": 430,
            "money": 12500.0,
            "currency": "EUR",
            "unknown": ["who was told"],
            "as_of": _NOON,
        },
        "affected": {
            "version": "scoring 7",
            "decided": 900,
            "adverse": 210,
            "window_start": _NOON,
            "window_end": _NOON,
        },
        "duties": [
            {
                "regime": "eu_gdpr_art33",
                "name": "GDPR, notice to the supervisory authority",
                "answer": "yes",
                "because": "files were disclosed",
                "stage": "Notice to the supervisory authority",
                "due": _NOON,
                "outer": _NOON,
                "owner": "Cleo",
            }
        ],
        "known": [{"at": _NOON, "what": "labels of one region were wrong"}],
        "open": [{"what": "rollback on scoring waits for approval", "who": "an approver"}],
        "actions": [{"at": _NOON, "what": "rollback on scoring", "by": "Ana", "outcome": "verified"}],
        "followups": [
            {"what": "check labels before training", "owner": "Ana", "due": date(2026, 12, 1), "status": "open"},
            {"what": "alert on the label rate", "owner": "Ben", "due": date(2026, 12, 8), "status": "done"},
        ],
        "timeline": [{"at": _NOON, "what": "rollback: 100 % to v1"}],
        "updates": [{"at": _NOON, "text": "We are looking into it."}],
        "org": {
            "name": "Example",
            "address": "1 Road",
            "contact": "a@example.com",
            "legal_contact": "l@example.com",
            "dpo": "d@example.com",
            "spokesperson": "Sam Speaker",
        },
    }
)
"""Everything a template may use."""


def sample_facts(facts: Mapping[str, Fact]) -> Mapping[str, Value | None]:
    """Every fact with some value of its kind."""
    return {key: _value(fact.type) for key, fact in facts.items()}


def _value(kind: FactType) -> Value | None:
    match kind.kind:
        case "bool":
            return True
        case "enum":
            return kind.members[0]
        case "set":
            return frozenset(kind.members or ("DE",))
        case "list":
            return ("first", "second")
        case "map":
            return {"DE": 3}
        case "int" | "number":
            return 3
        case "timestamp":
            return _NOON
        case "date":
            return _NOON.date()
        case _:
            return "some words"
