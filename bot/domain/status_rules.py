"""The rules of the status page: which components it has, and who approves what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.domain.policy import Person
    from bot.domain.status import Statement


@dataclass(frozen=True, slots=True)
class StatusRules:
    """The components by name, who approves, and whether that must be somebody else than who wrote or asked."""

    components: tuple[str, ...] = ()
    approve: frozenset[str] = frozenset({"manager", "counsel"})
    four_eyes: bool = True

    def own(self, each: Statement, person: str) -> bool:
        """Whether that person wrote it or asked for its approval, where a second one must approve it."""
        return self.four_eyes and person in {each.asked_by, *each.authors}

    def may_approve(self, each: Statement, who: Person) -> bool:
        """Whether that person may approve it, once it waits for approval."""
        return bool(who.badges & self.approve) and not self.own(each, who.id)
