"""The rules of the status page: which components it has, and who approves what it says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatusRules:
    """The components by name, who approves, and whether that must be somebody else than who wrote or asked."""

    components: tuple[str, ...] = ()
    approve: frozenset[str] = frozenset({"manager", "counsel"})
    four_eyes: bool = True
