"""Asked about the words of a notice: lines of its form, counsel's own wording, remarks, and what is privileged."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, StringConstraints

from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.wording import MOST, ClaimPrivilege, CommentNotice, EnterField, SettleComment, WaivePrivilege
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.web.verbs._asking import Asking, Name, Text, Word, storable

Whole = Annotated[str, StringConstraints(max_length=2 * MOST, strip_whitespace=False), AfterValidator(storable)]
"""A whole notice; how long it may be is the rule's own sentence."""


class Enter(Asking):
    """Fill in one line: a value, or that it is unknown and why; neither takes back what was entered."""

    verb: ClassVar[str] = "enter-field"
    section: ClassVar[str] = "form"
    done: ClassVar[str] = "Line recorded: the words follow it."
    about: ClassVar[str] = "key"
    of_notice: ClassVar[bool] = True

    notice: Name
    key: Name
    value: Text = ""
    unknown_because: Text = ""

    def command(self) -> Command:
        return EnterField(self.notice, self.key, self.value, self.unknown_because)


class RewordIt(Asking):
    """Counsel's own words: the whole text in place of that of `digest`; empty text goes back to what the facts say."""

    verb: ClassVar[str] = "reword"
    section: ClassVar[str] = "words"
    done: ClassVar[str] = "Your words stand; what the facts say later is merged into them."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name
    text: Whole
    digest: Name
    """Of the words as they would be now (`draft_digest`), as the writer read them."""

    async def ask(self, desk: Desk, incident: str, who: Profile, inbound: str) -> Incident:
        return await desk.reword(incident, self.notice, self.text, self.digest, who, inbound=inbound)


class Remark(Asking):
    """Remark on a notice; `quote` are the words meant."""

    verb: ClassVar[str] = "comment"
    section: ClassVar[str] = "comments"
    done: ClassVar[str] = "Comment recorded."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name
    text: Text
    quote: Text = ""

    def command(self) -> Command:
        return CommentNotice(self.notice, self.text, self.quote)


class SettleRemark(Asking):
    """A comment is dealt with."""

    verb: ClassVar[str] = "settle-comment"
    section: ClassVar[str] = "comments"
    done: ClassVar[str] = "Comment settled."
    about: ClassVar[str] = "comment"
    of_notice: ClassVar[bool] = True

    notice: Name
    comment: Name

    def command(self) -> Command:
        return SettleComment(self.notice, self.comment)


class Privileged(Asking):
    """Counsel puts a document on the privileged track: counsel alone reads it from then on."""

    verb: ClassVar[str] = "claim-privilege"
    section: ClassVar[str] = "privilege"
    done: ClassVar[str] = "Privileged: counsel alone reads it now."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name
    basis: Text
    matter: Word = ""
    purpose: Text

    def command(self) -> Command:
        return ClaimPrivilege(self.notice, self.basis, self.matter, self.purpose)


class Waived(Asking):
    """Counsel gives privilege up on purpose, with the reason."""

    verb: ClassVar[str] = "waive-privilege"
    section: ClassVar[str] = "privilege"
    done: ClassVar[str] = "Privilege waived: whoever reads the incident reads it."
    about: ClassVar[str] = "notice"
    of_notice: ClassVar[bool] = True

    notice: Name
    because: Text = ""

    def command(self) -> Command:
        return WaivePrivilege(self.notice, self.because)
