"""Writing a notice together: lines of the form filled in, counsel's own words, remarks, and what is privileged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.duty import READERS
from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.notice import (
    Comment,
    Given,
    Notice,
    Privilege,
    Rewording,
    Standing,
    amended,
    notice_of,
    readable,
    still_open,
)
from bot.domain.turned_away import ApprovalRefused

if TYPE_CHECKING:
    from bot.domain.incident import Incident

MOST = 100_000
"""Characters a notice may have: a book, and no more."""


OF_NOTICES = frozenset(f"bot.domain.{topic}" for topic in ("notice", "signing", "filing", "wording"))
"""Where the events of one notice are; each names it in `id`."""


def meant(event: Event) -> str:
    """The notice an event is about, "" for none."""
    if isinstance(event, ApprovalRefused):
        return event.item
    return str(getattr(event, "id", "")) if type(event).__module__ in OF_NOTICES else ""


def _writable(incident: Incident, name: str, ask: Ask, to: str) -> Notice:
    """The notice, for somebody who may write in it. Raises Refused."""
    ask.policy.require(ask.person, READERS, to)
    return readable(still_open(incident, name), ask)


# -- the lines of the form -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EnterField(Command):
    """Fill in one line: words, or that it is unknown and why; neither takes back what was entered."""

    id: str
    key: str
    value: str = ""
    unknown_because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        notice = _writable(incident, self.id, ask, "fill in a notice")
        value, unknown = self.value.strip(), self.unknown_because.strip()
        if value and unknown:
            raise Refused("a line holds a value, or is unknown with the reason; not both")
        if len(value) + len(unknown) > MOST:
            raise Refused(f"a line holds at most {MOST:,} characters")
        was = notice.given.get(self.key)
        if (was.value, was.unknown_because) != (value, unknown) if was else bool(value or unknown):
            yield FieldEntered(self.id, self.key, value, unknown)


@dataclass(frozen=True, slots=True)
class FieldEntered(Event):
    """A line of the form was filled in, said to be unknown, or emptied again."""

    id: str
    key: str
    value: Words
    unknown_because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        kept = {key: given for key, given in was.given.items() if key != self.key}
        if self.value or self.unknown_because:
            kept[self.key] = Given(self.value, self.unknown_because, entry.by, entry.at)
        return amended(incident, replace(was, given=kept, authors=was.authors | {entry.by}))

    def says(self, by: str) -> Sentence:
        line = self.key.replace("_", " ")
        if self.unknown_because:
            return says("{who} stated in {id} that {line} is unknown: {because}", who=Who(by), id=self.id, line=line,
                        because=self.unknown_because)  # fmt: skip
        words = "{who} filled in {id}: {line}" if self.value else "{who} emptied {line} in {id}"
        return says(words, who=Who(by), id=self.id, line=line)


# -- counsel's own words ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reword(Command):
    """Write the text anew in place; `base` is what the facts alone say now. Empty words go back to what they say.

    `read` says whether the words are still those the writer read, `over` the rewording they held (None: not asked):
    what others wrote and the facts changed meanwhile is never overwritten unseen.
    """

    id: str
    text: str
    base: str
    read: bool = True
    over: str | None = None

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        notice = _writable(incident, self.id, ask, "reword a notice")
        ask.policy.require(ask.person, ask.policy.approve_notice, "reword a notice")
        if len(self.text) > MOST:
            raise Refused(f"a notice holds at most {MOST:,} characters")
        text = "" if self.text.strip() == self.base.strip() else self.text
        base = self.base if text else ""
        was = (notice.rewording.text, notice.rewording.base) if notice.rewording else ("", "")
        if was == (text, base):
            return
        if not self.read or self.over not in (None, was[0]):
            raise Refused(
                f"{self.id}'s words have changed since you opened them; nothing was replaced. Read what they say now, "
                "then keep yours or take theirs"
            )
        yield NoticeReworded(self.id, text, base)


@dataclass(frozen=True, slots=True)
class NoticeReworded(Event):
    """Counsel worded it; with no words it reads again as the facts say it."""

    id: str
    text: Words
    base: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        rewording = Rewording(self.base, self.text, entry.by, entry.at) if self.text else None
        return amended(incident, replace(was, rewording=rewording, authors=was.authors | {entry.by}))

    def says(self, by: str) -> Sentence:
        words = "{who} reworded {id}" if self.text else "{who} took the rewording of {id} back"
        return says(words, who=Who(by), id=self.id)


# -- remarks ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommentNotice(Command):
    """Remark on a notice; `quote` are the words meant."""

    id: str
    text: str
    quote: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        notice = _writable(incident, self.id, ask, "comment on a notice")
        text = self.text.strip()
        if not text:
            raise Refused("say what you want to remark")
        last = notice.comments[-1] if notice.comments else None
        if last is None or (last.by, last.text, last.quote) != (ask.by, text, self.quote.strip()):
            yield NoticeCommented(self.id, f"C{len(notice.comments) + 1}", text, self.quote.strip())


@dataclass(frozen=True, slots=True)
class NoticeCommented(Event):
    """Somebody remarked on a notice."""

    id: str
    comment: str
    text: Words
    quote: Words = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        remark = Comment(self.comment, entry.by, entry.at, self.text, self.quote)
        return amended(incident, replace(was, comments=(*was.comments, remark)))

    def says(self, by: str) -> Sentence:
        return says("{who} commented on {id}", who=Who(by), id=self.id)


@dataclass(frozen=True, slots=True)
class SettleComment(Command):
    """A remark is dealt with."""

    id: str
    comment: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        notice = _writable(incident, self.id, ask, "settle a comment")
        found = next((each for each in notice.comments if each.id == self.comment), None)
        if found is None:
            raise Refused(f"{self.id} has no comment {self.comment}")
        if not found.resolved_by:
            yield CommentSettled(self.id, self.comment)


@dataclass(frozen=True, slots=True)
class CommentSettled(Event):
    """A remark was dealt with."""

    id: str
    comment: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        told = tuple(replace(c, resolved_by=entry.by) if c.id == self.comment else c for c in was.comments)
        return amended(incident, replace(was, comments=told))

    def says(self, by: str) -> Sentence:
        return says("{who} settled {comment} on {id}", who=Who(by), comment=self.comment, id=self.id)


# -- privilege -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClaimPrivilege(Command):
    """Counsel puts a document on the privileged track. A label alone protects nothing: basis and purpose are kept."""

    id: str
    basis: str
    matter: str
    purpose: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require_somebody(ask.person, ask.policy.counsel, "claim privilege")
        notice = notice_of(incident, self.id)
        if notice.standing is Standing.FILED:
            raise Refused(f"{self.id} was filed; what was sent to others is not privileged")
        if not self.basis.strip() or not self.purpose.strip():
            raise Refused("say on what basis and for what purpose it is privileged")
        if notice.privilege is None:
            yield PrivilegeClaimed(self.id, self.basis.strip(), self.matter.strip(), self.purpose.strip())


@dataclass(frozen=True, slots=True)
class PrivilegeClaimed(Event):
    """A document went on the privileged track: counsel alone reads it from now on."""

    id: str
    basis: Words
    matter: Words
    purpose: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        claim = Privilege(entry.by, entry.at, self.basis, self.matter, self.purpose)
        return amended(incident, replace(notice_of(incident, self.id), privilege=claim))

    def says(self, by: str) -> Sentence:
        return says("{who} put {id} on the privileged track", who=Who(by), id=self.id)


@dataclass(frozen=True, slots=True)
class WaivePrivilege(Command):
    """Counsel gives privilege up on purpose, with the reason."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require_somebody(ask.person, ask.policy.counsel, "waive privilege")
        notice = notice_of(incident, self.id)
        if not self.because.strip():
            raise Refused("say why privilege is waived")
        if notice.privilege is not None:
            yield PrivilegeWaived(self.id, self.because.strip())


@dataclass(frozen=True, slots=True)
class PrivilegeWaived(Event):
    """A document is no longer privileged."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amended(incident, replace(notice_of(incident, self.id), privilege=None))

    def says(self, by: str) -> Sentence:
        return says("{who} waived privilege for {id}: {because}", who=Who(by), id=self.id, because=self.because)
