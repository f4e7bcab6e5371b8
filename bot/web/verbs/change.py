"""Asked of production: propose a prepared mitigation, approve exactly what was read, decline, undo, settle a doubt."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.execution import ReportOutcome, UndoMitigation
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.mitigation import Outcome
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, Name, Text


class Change(Asking):
    """Base of what is asked of mitigations."""

    section: ClassVar[str] = "mitigations"
    about: ClassVar[str] = "mitigation"


class Propose(Change):
    """Resolve a prepared mitigation into a plan and put it before an approver."""

    verb: ClassVar[str] = "propose"
    done: ClassVar[str] = "Proposed: a second person must read and approve it."
    about: ClassVar[str] = "offer"

    offer: Name
    because: Text = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.changes.propose(incident, self.offer, self.because, who, inbound=inbound)


class Approve(Change):
    """Approve exactly the plan of that digest."""

    verb: ClassVar[str] = "approve"
    done: ClassVar[str] = "Approved: it is carried out as soon as the evidence is held."

    mitigation: Name
    digest: Name

    def command(self) -> Command:
        return ApproveMitigation(self.mitigation, self.digest)


class Decline(Change):
    """Say no, or withdraw one's own proposal."""

    verb: ClassVar[str] = "decline"
    done: ClassVar[str] = "Declined: nothing is changed."

    mitigation: Name
    because: Text = ""

    def command(self) -> Command:
        return DeclineMitigation(self.mitigation, self.because)


class Undo(Change):
    """Put the target back as it was before."""

    verb: ClassVar[str] = "undo"
    done: ClassVar[str] = "Undo asked for."

    mitigation: Name
    because: Text = ""

    def command(self) -> Command:
        return UndoMitigation(self.mitigation, self.because)


class Settle(Change):
    """Say what became of a change whose outcome nobody could prove."""

    verb: ClassVar[str] = "settle"
    done: ClassVar[str] = "Outcome settled."

    mitigation: Name
    outcome: Outcome
    detail: Text = ""

    def command(self) -> Command:
        return ReportOutcome(self.mitigation, self.outcome, self.detail)
