"""Asked about telling others: facts the law turns on, duties, and notices from request to filing."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.duty import Answer, DecideDuty, RecordFact
from bot.domain.filing import FileNotice
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.signing import ApproveNotice, RequestChanges
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, Name, Text


class FactGiven(Asking):
    """Answer one question the law asks; `unknown` is an answer too."""

    verb: ClassVar[str] = "fact"
    section: ClassVar[str] = "duties"
    done: ClassVar[str] = "Fact recorded: the duties are asked again."
    about: ClassVar[str] = "fact"

    fact: Name
    value: bool | int | float | tuple[Text, ...] | Text | None
    because: Text = ""

    def command(self) -> Command:
        return RecordFact(self.fact, self.value, self.because)


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


class NoticeWanted(Asking):
    """Begin a notice from a template."""

    verb: ClassVar[str] = "notice"
    section: ClassVar[str] = "notices"
    done: ClassVar[str] = "Notice begun."

    template: Name

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.request_notice(incident, self.template, who, inbound=inbound)


class AskApproval(Asking):
    """Freeze a notice's words as they are now and ask for approval of exactly those."""

    verb: ClassVar[str] = "ask-approval"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Frozen: counsel is asked to approve exactly these words."
    about: ClassVar[str] = "notice"

    notice: Name

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.ask_approval(incident, self.notice, who, inbound=inbound)


class ApproveNoticeText(Asking):
    """Approve exactly the words of that digest."""

    verb: ClassVar[str] = "approve-notice"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Approved: a person may now file it."
    about: ClassVar[str] = "notice"

    notice: Name
    digest: Name

    def command(self) -> Command:
        return ApproveNotice(self.notice, self.digest)


class Changes(Asking):
    """Counsel wants other words."""

    verb: ClassVar[str] = "changes"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Changes requested."
    about: ClassVar[str] = "notice"

    notice: Name
    because: Text = ""

    def command(self) -> Command:
        return RequestChanges(self.notice, self.because)


class FileIt(Asking):
    """A person sent the approved words; say where, and the reference received."""

    verb: ClassVar[str] = "file"
    section: ClassVar[str] = "decide"
    done: ClassVar[str] = "Filing recorded."
    about: ClassVar[str] = "notice"

    notice: Name
    where: Text
    reference: Text = ""

    def command(self) -> Command:
        return FileNotice(self.notice, self.where, self.reference)
