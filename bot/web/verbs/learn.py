"""Asked while looking into it: findings, runbook steps, impact, whys, follow-ups, and times set right."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from bot.domain.correction import CorrectTime
from bot.domain.correction import Moment as Correctable
from bot.domain.finding import RecordFinding
from bot.domain.five_whys import AddWhy as AddWhyCommand
from bot.domain.five_whys import NameRootCause, ReviseWhy, StrikeWhy
from bot.domain.followup import AddFollowUp as AddFollowUpCommand
from bot.domain.followup import ChangeFollowUp
from bot.domain.followup import FinishFollowUp as FinishFollowUpCommand
from bot.domain.impact import AssessImpact
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.policy import Role
from bot.domain.runbook import CompleteStep
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, BlankIsNone, Moment, Name, Text, Word, person

BIGGEST = 10**15
Count = Annotated[Annotated[int, Field(le=BIGGEST)] | None, BlankIsNone]


def _lines(value: Any) -> Any:
    return tuple(line.strip() for line in value.splitlines() if line.strip()) if isinstance(value, str) else value


class Finding(Asking):
    """Write down something found."""

    verb: ClassVar[str] = "finding"
    section: ClassVar[str] = "findings"
    done: ClassVar[str] = "Finding recorded."

    text: Text

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.submit(incident, RecordFinding(self.text, Role.RESPONDER.value), who, inbound=inbound)


class Runbook(Asking):
    """Follow a runbook from its first step."""

    verb: ClassVar[str] = "runbook"
    section: ClassVar[str] = "runbook"
    done: ClassVar[str] = "Runbook started."

    name: Name

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.start_runbook(incident, self.name, who, inbound=inbound)


class StepAnswer(Asking):
    """Answer the live step."""

    verb: ClassVar[str] = "step"
    section: ClassVar[str] = "runbook"
    done: ClassVar[str] = "Step answered."

    step: Name
    answer: Text
    note: Text = ""

    def command(self) -> Command:
        return CompleteStep(self.step, self.answer, self.note)


class ImpactGiven(Asking):
    """State the impact; what is left empty is unknown, and `unknowns` says why, one reason a line."""

    verb: ClassVar[str] = "impact"
    section: ClassVar[str] = "impact"
    done: ClassVar[str] = "Impact recorded."

    events: Count = None
    people: Count = None
    money: Annotated[
        Annotated[Decimal, Field(le=BIGGEST, decimal_places=4, allow_inf_nan=False)] | None, BlankIsNone
    ] = None
    unknowns: Annotated[tuple[Text, ...], BeforeValidator(_lines)] = ()
    note: Text = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        service = desk.service_of(await desk.log.load(incident))
        currency = service.currency if service else "EUR"
        command = AssessImpact(self.events, self.people, self.money, currency, self.unknowns, self.note)
        return await desk.submit(incident, command, who, inbound=inbound)


class AddWhy(Asking):
    """Answer "why?", resting on a finding or assumed."""

    verb: ClassVar[str] = "why"
    section: ClassVar[str] = "whys"
    done: ClassVar[str] = "Why answered."

    text: Text
    parent: Word = ""
    evidence: Word = ""

    def command(self) -> Command:
        return AddWhyCommand(self.text, self.parent, self.evidence)


class Root(Asking):
    """Name a why as a root cause."""

    verb: ClassVar[str] = "root"
    section: ClassVar[str] = "whys"
    done: ClassVar[str] = "Root cause named."
    about: ClassVar[str] = "why"

    why: Name

    def command(self) -> Command:
        return NameRootCause(self.why)


class Revise(Asking):
    """Say a why in other words, or what it rests on; what is left out stays, and an empty `evidence` is assumed."""

    verb: ClassVar[str] = "revise"
    section: ClassVar[str] = "whys"
    done: ClassVar[str] = "Why corrected."
    about: ClassVar[str] = "why"

    why: Name
    text: Text = ""
    evidence: Word | None = None

    def command(self) -> Command:
        return ReviseWhy(self.why, self.text, self.evidence)


class Strike(Asking):
    """Take a why out of the tree with all that hangs on it; the record keeps it."""

    verb: ClassVar[str] = "strike"
    section: ClassVar[str] = "whys"
    done: ClassVar[str] = "Why struck."
    about: ClassVar[str] = "why"

    why: Name
    because: Text = ""

    def command(self) -> Command:
        return StrikeWhy(self.why, self.because)


class AddFollowUp(Asking):
    """Promise a change, with an owner (by key) and a date."""

    verb: ClassVar[str] = "followup"
    section: ClassVar[str] = "followups"
    done: ClassVar[str] = "Follow-up added."

    text: Text
    owner: Name
    due: date
    why: Word = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        command = AddFollowUpCommand(self.text, await person(desk, self.owner), self.due, self.why)
        return await desk.submit(incident, command, who, inbound=inbound)


class FinishFollowUp(Asking):
    """The promise was kept."""

    verb: ClassVar[str] = "finish"
    section: ClassVar[str] = "followups"
    done: ClassVar[str] = "Follow-up finished."
    about: ClassVar[str] = "followup"

    followup: Name

    def command(self) -> Command:
        return FinishFollowUpCommand(self.followup)


class MoveFollowUp(Asking):
    """Give a promise to another owner (by key) or another date; what is left out stays."""

    verb: ClassVar[str] = "move"
    section: ClassVar[str] = "followups"
    done: ClassVar[str] = "Follow-up changed."
    about: ClassVar[str] = "followup"

    followup: Name
    owner: Word = ""
    due: Annotated[date | None, BlankIsNone] = None

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        owner = await person(desk, self.owner) if self.owner else ""
        return await desk.submit(incident, ChangeFollowUp(self.followup, owner, self.due), who, inbound=inbound)


class Correct(Asking):
    """Set a time right; the former belief stays in the log."""

    verb: ClassVar[str] = "correct"
    section: ClassVar[str] = "measures"
    done: ClassVar[str] = "Time corrected."
    moments: ClassVar[tuple[str, ...]] = ("to",)

    moment: Correctable
    to: Moment
    because: Text = ""
    read: Annotated[Moment | None, BlankIsNone] = None
    """When the page was made on which the former time stood: one that was set right since is to be read first."""

    def command(self) -> Command:
        return CorrectTime(self.moment, self.to, self.because, self.read)
