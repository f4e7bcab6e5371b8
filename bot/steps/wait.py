"""A step that lets time pass, so that the data can show what a change did before anybody judges it."""

from dataclasses import dataclass
from typing import ClassVar, Self

from bot.steps._kind import Given, Outcome, StepKind
from bot.steps.query import spoken

LONGEST = 86400.0
"""A day: what must wait longer is a follow-up, not a step of an incident."""


@dataclass(frozen=True, slots=True)
class Wait(StepKind):
    """`for` is how long (`for: 5m`); the log keeps it as `seconds`."""

    answers: ClassVar[tuple[tuple[str, str], ...]] = (("waited", "Waited"),)
    fixed: ClassVar[bool] = True
    seconds: float = 0.0

    @classmethod
    def read(cls, given: Given) -> Self:
        key = "seconds" if given.has("seconds") and not given.has("for") else "for"
        length = given.duration(key)
        if length is None and not given.mistakes:
            given.wrong("", "a wait step that does not say how long", "for: 5m")
        if length is not None and length > LONGEST:
            given.wrong(key, "a wait step of more than a day", "at most 1d")
        return cls(seconds=length or 0.0)

    def stored(self) -> dict[str, object]:
        return {"seconds": self.seconds}

    def outcome(self) -> Outcome:
        """Time has passed."""
        return Outcome("waited", f"{spoken(self.seconds)} have passed")
