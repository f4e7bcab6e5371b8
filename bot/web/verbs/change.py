"""Asked of production: propose, approve exactly what was read, act alone, hold and go ahead, undo, settle a doubt."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.execution import ReportOutcome, UndoMitigation
from bot.domain.glass import ReviewGlass
from bot.domain.hold import OverrideHold, PlaceHold, ReleaseHold, SkipHold
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.mitigation import Outcome
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, Name, Text, Word


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
    """Approve exactly the plan of that digest; a wide change takes a fresh one-time code too."""

    verb: ClassVar[str] = "approve"
    done: ClassVar[str] = "Approved: once enough people have, it is carried out as soon as the evidence is held."

    mitigation: Name
    digest: Name
    code: Word = ""

    def command(self) -> Command:
        return ApproveMitigation(self.mitigation, self.digest, self.code)


class Alone(Change):
    """Break the glass: carry out exactly that plan on your word alone. People are paged, and somebody reviews it."""

    verb: ClassVar[str] = "alone"
    done: ClassVar[str] = "You act alone: those who must hear of it are paged, and somebody else reviews it."

    mitigation: Name
    digest: Name
    because: Text = ""
    code: Word = ""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.changes.break_glass(
            incident, self.mitigation, self.digest, self.because, who, code=self.code, inbound=inbound
        )


class Review(Change):
    """Say whether it was right that one person acted alone, and what you found."""

    verb: ClassVar[str] = "review"
    done: ClassVar[str] = "Reviewed."

    mitigation: Name
    justified: bool
    words: Text = ""

    def command(self) -> Command:
        return ReviewGlass(self.mitigation, self.justified, self.words)


class GoAhead(Change):
    """People are at risk: carry it out without waiting for the evidence to be held."""

    verb: ClassVar[str] = "go-ahead"
    done: ClassVar[str] = "It does not wait for the evidence any more."

    mitigation: Name
    because: Text = ""

    def command(self) -> Command:
        return SkipHold(self.mitigation, self.because)


class Hold(Change):
    """Counsel: alter nothing that matters until I release it."""

    verb: ClassVar[str] = "hold"
    done: ClassVar[str] = "Held: changes of class 2 and 3 wait."
    about: ClassVar[str] = ""

    because: Text = ""

    def command(self) -> Command:
        return PlaceHold(self.because)


class Release(Change):
    """Counsel: what is needed is safe, go on."""

    verb: ClassVar[str] = "release"
    done: ClassVar[str] = "Released: what was approved goes on."
    about: ClassVar[str] = ""

    because: Text = ""

    def command(self) -> Command:
        return ReleaseHold(self.because)


class Override(Change):
    """Let one change, or its undoing, go ahead in spite of counsel's hold."""

    verb: ClassVar[str] = "override"
    done: ClassVar[str] = "It goes ahead in spite of counsel's hold."

    mitigation: Name
    because: Text = ""

    def command(self) -> Command:
        return OverrideHold(self.mitigation, self.because)


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
