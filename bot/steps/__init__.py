"""The kinds of runbook step: what each is told, what it may answer, and what the bot answers where it acts itself."""

from collections.abc import Mapping

from bot.domain.runbook import Kind, Option, Step
from bot.steps._kind import Given, Mistake, MistakenError, Outcome, Reference, StepKind, seconds
from bot.steps.act import Act
from bot.steps.ask import AskStep
from bot.steps.check import Check
from bot.steps.page import Page
from bot.steps.query import Query
from bot.steps.read import Read
from bot.steps.wait import Wait

__all__ = [
    "KINDS", "Act", "AskStep", "Check", "Mistake", "MistakenError", "Outcome", "Page", "Query", "Read", "Reference",
    "StepKind", "Wait", "default_options", "params", "read", "seconds",
]  # fmt: skip

KINDS: Mapping[Kind, type[StepKind]] = {
    Kind.READ: Read,
    Kind.ASK: AskStep,
    Kind.CHECK: Check,
    Kind.QUERY: Query,
    Kind.ACT: Act,
    Kind.PAGE: Page,
    Kind.WAIT: Wait,
}


def read(kind: Kind, raw: Mapping[str, object]) -> StepKind:
    """The parameters of a step of that kind, checked. Raises MistakenError listing every mistake."""
    given = Given(raw)
    found = KINDS[kind].read(given)
    given.finish()
    return found


def params(step: Step) -> StepKind:
    """The parameters of a step as the log holds it, to be matched on: `case Check(slo=name)`. Raises MistakenError."""
    return read(step.kind, step.params)


def default_options(kind: Kind) -> tuple[Option, ...]:
    """The options of a step whose runbook names none: the answers its kind can give, each leading on in order."""
    return tuple(Option(value, label) for value, label in KINDS[kind].answers)
