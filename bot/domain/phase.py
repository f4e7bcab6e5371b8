"""Where an incident stands, and what everybody may ask of it there."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.policy import Role

if TYPE_CHECKING:
    from bot.domain.incident import Incident


class Phase(StrEnum):
    """Where an incident stands. Mitigated means the SLI is met again by the data; resolved is a person's word."""

    VOID = "void"
    DECLARED = "declared"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"


def require_open(incident: Incident, to: str) -> None:
    """Raise Refused unless the incident is there and not yet resolved."""
    if not incident.exists:
        raise Refused(f"there is no incident {incident.id} to {to}")
    if not incident.is_open:
        raise Refused(f"{incident.id} is {incident.phase}; re-open it to {to}")


RESPONDERS = frozenset({Role.RESPONDER, Role.APPROVER, Role.MANAGER, Role.ADMIN})
ANYBODY = frozenset(Role)
