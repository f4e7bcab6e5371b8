"""A step that asks the responder a question only a person can answer; each answer may lead somewhere else."""

from dataclasses import dataclass

from bot.steps._kind import StepKind


@dataclass(frozen=True, slots=True)
class AskStep(StepKind):
    """No parameters; the question is the title, the options are its answers."""
