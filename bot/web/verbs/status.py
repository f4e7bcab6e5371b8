"""Asked about the status page: a statement drafted, frozen, approved, published, corrected, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.stating import (
    ApproveStatement,
    DraftStatement,
    FreezeStatement,
    PublishStatement,
    ReturnStatement,
    WithdrawStatement,
)
from bot.domain.status import Kind, State
from bot.engine.desk import Desk
from bot.engine.speaking import begun
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, Name, Text, Word


def _states(given: Any) -> Any:
    """`checkout=major outage; search=operational` as a form sends it; a program sends an object."""
    if isinstance(given, str):
        pairs = [part.partition("=") for part in given.split(";") if part.strip()]
        if any(not sign for _name, sign, _state in pairs):
            raise ValueError("says no state (expected component=state)")
        given = {name.strip(): state.strip() for name, _sign, state in pairs}
    if isinstance(given, Mapping):
        return {name: _state(state) for name, state in given.items()}
    return given


def _state(given: Any) -> Any:
    words = str(given).strip().lower()
    for state in State:
        if words in {str(state), state.name.lower()}:
            return state
    raise ValueError(f"{words[:40]!r} is no state of a component (expected {', '.join(State)})")


States = Annotated[dict[Word, State], BeforeValidator(_states)]


class _Statement(Asking):
    """What is asked of one statement."""

    section: ClassVar[str] = "status"
    about: ClassVar[str] = "statement"


class DraftIt(_Statement):
    """Write a statement for the status page, or write `statement` anew; without words they come from the template."""

    verb: ClassVar[str] = "draft-statement"
    done: ClassVar[str] = "Drafted: nothing is on the status page yet."

    kind: Kind
    title: Word = ""
    text: Text = ""
    states: States = Field(default_factory=dict)
    statement: Word = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        title, text = self.title, self.text
        if not title or not text:
            told = begun(desk.drafter, await desk.situation(incident))
            title, text = title or told[0], text or told[1]
        command = DraftStatement(self.kind, title, text, tuple(self.states.items()), self.statement)
        return await desk.submit(incident, command, who, inbound=inbound)


class CorrectIt(_Statement):
    """Write what takes the place of a published statement; that one stays readable as corrected."""

    verb: ClassVar[str] = "correct-statement"
    done: ClassVar[str] = "Drafted: the page changes once it is approved and published."

    statement: Name
    kind: Kind
    title: Word
    text: Text
    states: States = Field(default_factory=dict)

    def command(self) -> Command:
        return DraftStatement(self.kind, self.title, self.text, tuple(self.states.items()), corrects=self.statement)


class AskForIt(_Statement):
    """Freeze a statement's words and ask for approval of exactly those."""

    verb: ClassVar[str] = "freeze-statement"
    done: ClassVar[str] = "Frozen: somebody else is asked to approve exactly these words."

    statement: Name
    digest: Name

    def command(self) -> Command:
        return FreezeStatement(self.statement, self.digest)


class ApproveIt(_Statement):
    """Approve exactly the words of that digest for the status page."""

    verb: ClassVar[str] = "approve-statement"
    done: ClassVar[str] = "Approved: it is on the page once it is published."

    statement: Name
    digest: Name

    def command(self) -> Command:
        return ApproveStatement(self.statement, self.digest)


class ReturnIt(_Statement):
    """Whoever may approve wants other words."""

    verb: ClassVar[str] = "return-statement"
    done: ClassVar[str] = "Sent back."

    statement: Name
    because: Text = ""

    def command(self) -> Command:
        return ReturnStatement(self.statement, self.because)


class PublishIt(_Statement):
    """Put the approved words of that digest on the status page."""

    verb: ClassVar[str] = "publish-statement"
    done: ClassVar[str] = "Published: the status page shows it."

    statement: Name
    digest: Name

    def command(self) -> Command:
        return PublishStatement(self.statement, self.digest)


class WithdrawIt(_Statement):
    """Take a statement's words off the page, or give up one that is not there yet, with the reason."""

    verb: ClassVar[str] = "withdraw-statement"
    done: ClassVar[str] = "Withdrawn."

    statement: Name
    because: Text = ""

    def command(self) -> Command:
        return WithdrawStatement(self.statement, self.because)
