"""A step to read: the responder reads it, does what it says by hand, and says so."""

from dataclasses import dataclass
from typing import ClassVar

from bot.steps._kind import StepKind


@dataclass(frozen=True, slots=True)
class Read(StepKind):
    """No parameters; the text is the step."""

    answers: ClassVar[tuple[tuple[str, str], ...]] = (("done", "Done"),)
