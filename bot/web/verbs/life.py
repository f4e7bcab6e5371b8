"""Asked of an incident's life: declare, acknowledge, update, grade, give parts, resolve, close, re-open."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.incident import Incident
from bot.domain.lengths import length
from bot.domain.lifecycle import ChangeSeverity, Close, Reopen, Resolve, Update
from bot.domain.log import Command
from bot.domain.paging import Acknowledge, AskFor
from bot.domain.policy import Severity
from bot.domain.roles import Assign, Part
from bot.domain.room import OpenRoom
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, Grade, Name, Text, Word, person


class Declaring(BaseModel):
    """Open an incident by hand."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    title: Text
    severity: Grade = Severity.SEV3
    service: Word = ""
    because: Text = ""
    restricted: bool = False

    async def ask(self, desk: Desk, who: Profile, inbound: str) -> Incident:
        """Declare it. Raises Refused, NotFound, Unavailable."""
        return await desk.declare(
            self.title, self.severity, self.service, self.because, who, restricted=self.restricted, inbound=inbound
        )


class AcknowledgeIt(Asking):
    """Take the page: you answer for it from now on."""

    verb: ClassVar[str] = "acknowledge"
    done: ClassVar[str] = "Acknowledged: paging stops."

    def command(self) -> Command:
        return Acknowledge()


class UpdateText(Asking):
    """Tell everybody where things stand; `next` is when they hear again (`30m`, `2h`, `never`), "" as the policy says.

    `broadcast` says whether the whole channel hears it or the thread alone; left out, the severity decides.
    """

    verb: ClassVar[str] = "update"
    section: ClassVar[str] = "say"
    done: ClassVar[str] = "Update posted."

    text: Text
    next: Word = ""
    broadcast: bool | None = None

    def command(self) -> Command:
        return Update(self.text, length(self.next) if self.next else None, self.broadcast)


class SetSeverity(Asking):
    """Raise or lower the severity."""

    verb: ClassVar[str] = "severity"
    section: ClassVar[str] = "say"
    done: ClassVar[str] = "Severity set."

    severity: Grade
    because: Text = ""

    def command(self) -> Command:
        return ChangeSeverity(self.severity, self.because)


class AssignPart(Asking):
    """Give a part to a person, by key."""

    verb: ClassVar[str] = "assign"
    section: ClassVar[str] = "who"
    done: ClassVar[str] = "Part assigned."

    part: Part
    person: Name

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        command = Assign(self.part, await person(desk, self.person))
        return await desk.submit(incident, command, who, inbound=inbound)


class PageSomebody(Asking):
    """Page a person by name, by key."""

    verb: ClassVar[str] = "page"
    section: ClassVar[str] = "who"
    done: ClassVar[str] = "Paged: the timeline says whether it arrived."

    person: Name
    because: Text = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        command = AskFor(await person(desk, self.person), self.because)
        return await desk.submit(incident, command, who, inbound=inbound)


class ResolveIt(Asking):
    """Say that it is over; `waive` gives one reason for every check still open, `waivers` one for each by its key."""

    verb: ClassVar[str] = "resolve"
    section: ClassVar[str] = "end"
    done: ClassVar[str] = "Resolved."

    summary: Text
    waive: Text = ""
    waivers: dict[Word, Text] = Field(default={}, max_length=50)

    def command(self) -> Command:
        return Resolve(self.summary, self.waive, tuple(self.waivers.items()))


class RoomWanted(Asking):
    """Promote the thread to a channel of its own."""

    verb: ClassVar[str] = "room"
    section: ClassVar[str] = "who"
    done: ClassVar[str] = "The war room is being opened."

    def command(self) -> Command:
        return OpenRoom()


class ReopenIt(Asking):
    """It came back, or was never over."""

    verb: ClassVar[str] = "reopen"
    section: ClassVar[str] = "end"
    done: ClassVar[str] = "Open again."

    because: Text = ""

    def command(self) -> Command:
        return Reopen(self.because)


class CloseIt(Asking):
    """File it away: learning is done."""

    verb: ClassVar[str] = "close"
    section: ClassVar[str] = "end"
    done: ClassVar[str] = "Closed."

    def command(self) -> Command:
        return Close()
