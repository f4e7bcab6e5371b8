"""Asked about telling others: facts the law turns on, duties and who answers for them, and notices up to filing."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, ClassVar

from bot.domain.disclosure import DecideDisclosure
from bot.domain.duty import Answer, AssignDuty, DecideDuty, RecordFact
from bot.domain.errors import Refused
from bot.domain.filing import FileNotice
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.notice import DropNotice
from bot.domain.signing import ApproveNotice, RequestChanges
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, BlankIsNone, Name, Text, Word, by_the_clock, person

WALL_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?\Z")
"""A time as a form's field gives it: without a zone."""


class FactGiven(Asking):
    """Answer one question the law asks; `unknown` is an answer too, as a value or by itself.

    With `local` a time without its offset is by the organisation's clocks; `members` are a set's, apart by ";".
    """

    verb: ClassVar[str] = "fact"
    section: ClassVar[str] = "duties"
    done: ClassVar[str] = "Fact recorded: the duties are asked again."
    about: ClassVar[str] = "fact"

    fact: Name
    value: bool | int | float | tuple[Text, ...] | Text | None = None
    because: Text = ""
    unknown: bool = False
    local: bool = False
    members: Text = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        value = None if self.unknown else self.value
        if self.members and value is None and not self.unknown:
            value = tuple(part.strip() for part in self.members.split(";"))
        elif value == "" or not self.model_fields_set & {"value", "unknown"}:
            raise Refused("say what holds, or that it is unknown")
        if self.local and isinstance(value, str) and WALL_CLOCK.match(value):
            at = by_the_clock(datetime.fromisoformat(value), desk.catalogue.timezone, later=False)
            value = at.isoformat()
        return await desk.submit(incident, RecordFact(self.fact, value, self.because), who, inbound=inbound)


class DecideDutyAnswer(Asking):
    """Counsel decides whether a duty applies, with the reason."""

    verb: ClassVar[str] = "decide-duty"
    section: ClassVar[str] = "duties"
    done: ClassVar[str] = "Decision recorded."
    about: ClassVar[str] = "regime"

    regime: Name
    answer: Answer
    because: Text = ""

    def command(self) -> Command:
        return DecideDuty(self.regime, self.answer, self.because)


class AssignDutyTo(Asking):
    """Somebody answers for a regime's clocks, and a deputy for them, both by key; both are reminded."""

    verb: ClassVar[str] = "assign-duty"
    section: ClassVar[str] = "duties"
    done: ClassVar[str] = "Assigned: they are reminded of its clocks."
    about: ClassVar[str] = "regime"

    regime: Name
    owner: Name
    deputy: Word = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        deputy = await person(desk, self.deputy) if self.deputy else ""
        command = AssignDuty(self.regime, await person(desk, self.owner), deputy)
        return await desk.submit(incident, command, who, inbound=inbound)


class Disclose(Asking):
    """Counsel decides whether to tell somebody nobody must be told, with the reason."""

    verb: ClassVar[str] = "decide-disclosure"
    section: ClassVar[str] = "disclosures"
    done: ClassVar[str] = "Decision recorded."

    audience: Name
    tell: bool
    because: Text = ""

    def command(self) -> Command:
        return DecideDisclosure(self.audience, self.tell, self.because)


class NoticeWanted(Asking):
    """Begin a notice from a template, in a language where it is written in several."""

    verb: ClassVar[str] = "notice"
    section: ClassVar[str] = "notices"
    done: ClassVar[str] = "Notice begun."

    template: Name
    locale: Word = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.request_notice(incident, self.template, who, locale=self.locale, inbound=inbound)


class DropIt(Asking):
    """Give a notice up, with the reason."""

    verb: ClassVar[str] = "drop-notice"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Given up: what was written stays in the record."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name
    because: Text = ""

    def command(self) -> Command:
        return DropNotice(self.notice, self.because)


class AskApproval(Asking):
    """Freeze a notice's words as they are now and ask for approval of exactly those."""

    verb: ClassVar[str] = "ask-approval"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Frozen: counsel is asked to approve exactly these words."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.ask_approval(incident, self.notice, who, inbound=inbound)


class ApproveNoticeText(Asking):
    """Approve exactly the words of that digest, in one capacity: the first one may sign in, if none is named."""

    verb: ClassVar[str] = "approve-notice"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Signed."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name
    digest: Name
    capacity: Word = ""

    def command(self) -> Command:
        return ApproveNotice(self.notice, self.digest, self.capacity)


class Changes(Asking):
    """Counsel wants other words."""

    verb: ClassVar[str] = "changes"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Changes requested."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name
    because: Text = ""

    def command(self) -> Command:
        return RequestChanges(self.notice, self.because)


class FileIt(Asking):
    """A person sent the approved words: where, when, the reference received, and what proves it.

    A time without its offset is by the organisation's clocks; without any it was sent just now.
    """

    verb: ClassVar[str] = "file"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Filing recorded."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name
    where: Text
    reference: Text = ""
    when: Annotated[datetime | None, BlankIsNone] = None
    proof: Text = ""
    digest: Word = ""
    """Of the approved words that were sent; other words than those approved now are refused."""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        at = by_the_clock(self.when, desk.catalogue.timezone, later=True) if self.when else None
        command = FileNotice(self.notice, self.where, self.reference, at, self.proof, self.digest)
        return await desk.submit(incident, command, who, inbound=inbound)
