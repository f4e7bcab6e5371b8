"""What a plan says to whoever reads it: every field, at length or in small print, as the digest covers every one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.domain.policy import Severity

if TYPE_CHECKING:
    from bot.domain.incident import Incident

AT_LENGTH = (
    "means", "target", "diff", "blast_radius", "share", "klass", "serves", "dry_run", "undo", "managed_by", "warnings",
)  # fmt: skip
"""Told in words of its own wherever a plan is read."""

SMALL_PRINT: Mapping[str, str] = {
    "before": "state before",
    "after": "state after",
    "params": "asked of it",
    "undo_params": "to go back",
    "action": "carried out by",
    "target_uid": "target's id",
    "token": "from version",
    "rules": "under rules",
}
"""Field → label of the rest: what few people need, below the words."""


def wants_name(incident: Incident, *, alone: bool) -> bool:
    """Whether whoever says yes types the target's name first, which nobody types by a slip."""
    return alone or incident.severity is Severity.SEV1
