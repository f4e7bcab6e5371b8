"""A step in which the bot reaches somebody: a named person, or whoever holds a role."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from bot.domain.policy import Role
from bot.steps._kind import Given, Outcome, Reference, StepKind

REACHED, NOT_REACHED = "reached", "not_reached"


@dataclass(frozen=True, slots=True)
class Page(StepKind):
    """Either `person`, a key of people.yaml, or `role`."""

    answers: ClassVar[tuple[tuple[str, str], ...]] = ((REACHED, "Reached"), (NOT_REACHED, "Not reached"))
    fixed: ClassVar[bool] = True
    person: str = ""
    role: str = ""

    @classmethod
    def read(cls, given: Given) -> Self:
        found = cls(person=given.text("person"), role=given.text("role", choices=tuple(Role)))
        if not given.mistakes and bool(found.person) == bool(found.role):
            what = "both a person and a role" if found.person else "neither a person nor a role"
            given.wrong("", f"a page step with {what}", f"person: <key of people.yaml>, or role: {', '.join(Role)}")
        return found

    def stored(self) -> dict[str, object]:
        return {"person": self.person} if self.person else {"role": self.role}

    def refers(self) -> Iterator[Reference]:
        if self.person:
            yield Reference("person", self.person, "person")

    def outcome(self, receipts: dict[str, str], failures: dict[str, str] | None = None) -> Outcome:
        """The answer for whom a page reached: name → where it went; `failures` are name → why not."""
        went = [f"{name} ({where})" if where else name for name, where in receipts.items()]
        lost = [f"{name}: {why}" for name, why in (failures or {}).items()]
        if not went:
            nobody = "; ".join(lost) or f"nobody is {self.role or 'called ' + self.person}"
            return Outcome(NOT_REACHED, f"nobody was reached: {nobody}")
        return Outcome(REACHED, "paged " + ", ".join(went) + (f"; not reached: {'; '.join(lost)}" if lost else ""))
