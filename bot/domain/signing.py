"""Approving words: frozen with their facts, signed by those who must, void as soon as a later fact changes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.duty import READERS
from bot.domain.errors import NotYours, Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.notice import (
    STANDING_WORDS,
    Notice,
    Signature,
    Standing,
    Version,
    amended,
    notice_of,
    outdated,
    readable,
    still_open,
    visible,
)
from bot.domain.policy import Person, Policy, SignOff

if TYPE_CHECKING:
    from bot.domain.incident import Incident

LEGAL = "legal"
"""The capacity of an approval that names none."""


@dataclass(frozen=True, slots=True)
class FreezeNotice(Command):
    """Ask for approval: the words, their facts and "as of" are frozen as the next version.

    The same words are frozen anew only where no signature is wanted any more and they still wait: the sign-offs
    changed after the last one, and nobody could complete them.
    """

    id: str
    text: str
    digest: str
    gaps: tuple[str, ...]
    as_of: datetime
    facts: str = ""
    rules: str = ""
    form: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, READERS, "ask for approval of a notice")
        notice = readable(still_open(incident, self.id), ask)
        latest = notice.latest
        stands = notice.standing in STANDING_WORDS and not stuck(notice, ask.policy)
        if latest is not None and latest.digest == self.digest and stands:
            return
        number = latest.number + 1 if latest else 1
        yield NoticeFrozen(
            self.id, number, self.text, self.digest, self.gaps, self.as_of, self.facts, self.rules, self.form
        )


@dataclass(frozen=True, slots=True)
class NoticeFrozen(Event):
    """A version of the words waits for approval."""

    id: str
    number: int
    text: Words
    digest: str
    gaps: tuple[Words, ...]
    as_of: datetime
    facts: Words = ""
    rules: str = ""
    form: Words = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        version = Version(
            self.number,
            self.text,
            self.digest,
            self.gaps,
            self.as_of,
            entry.by,
            self.facts,
            asked_at=entry.at,
            rules=self.rules,
            form=self.form,
        )
        frozen = replace(
            was,
            standing=Standing.FROZEN,
            versions=(*was.versions, version),
            approved_by="",
            approved_at=None,
            note="",
        )
        return amended(incident, frozen)

    def says(self, by: str) -> Sentence:
        return says(
            "{who} asked for approval of {id} version {number} ({gaps} gaps), digest {digest}",
            who=Who(by),
            id=self.id,
            number=self.number,
            gaps=len(self.gaps),
            digest=self.digest[:12],
        )


def wanting(notice: Notice, policy: Policy) -> tuple[SignOff, ...]:
    """The signatures the latest version still needs."""
    latest = notice.latest
    given = {each.capacity for each in latest.signatures} if latest else set()
    return tuple(each for each in policy.sign_offs_of(notice.template) if each.capacity not in given)


def stuck(notice: Notice, policy: Policy) -> bool:
    """Whether a version waits for a signature the rules no longer ask for; approval must be asked for again."""
    return notice.standing is Standing.FROZEN and not wanting(notice, policy)


def may_sign(notice: Notice, person: Person, policy: Policy) -> tuple[SignOff, ...]:
    """In which capacities somebody may sign it now: none for whoever wrote, asked for or already signed it."""
    latest = notice.latest
    if latest is None or notice.standing is not Standing.FROZEN or person.is_bot:
        return ()
    if not visible(notice, person, policy):
        return ()
    if person.id in {latest.asked_by, *notice.authors, *(each.by for each in latest.signatures)}:
        return ()
    return tuple(each for each in wanting(notice, policy) if each.badges & person.badges)


@dataclass(frozen=True, slots=True)
class ApproveNotice(Command):
    """Approve exactly the words of that digest, in one capacity: the first this person may sign in if none is named.

    `unfilled` is why today's words cannot be had, "" where they can: what cannot be compared is not approved.
    """

    id: str
    digest: str
    capacity: str = ""
    unfilled: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        notice = notice_of(incident, self.id)
        offs = ask.policy.sign_offs_of(notice.template)
        everyone = frozenset[str]().union(*(each.badges for each in offs))
        ask.policy.require_somebody(ask.person, everyone, "approve a notice", NotYours)
        readable(notice, ask)
        latest = notice.latest
        if latest is None:
            raise Refused(f"{self.id} has no version to approve yet")
        signed = any(each.by == ask.by for each in latest.signatures)
        if signed and latest.digest == self.digest and notice.standing in STANDING_WORDS:
            return
        if latest.digest != self.digest:
            raise Refused(f"{self.id} is at version {latest.number} now; read it again")
        if notice.standing is Standing.STALE:
            raise Refused(outdated(notice))
        if notice.standing is not Standing.FROZEN:
            raise Refused(f"{self.id} is {notice.standing.said}; there is nothing to approve")
        if ask.person.is_bot or latest.asked_by == ask.by:
            raise NotYours(f"you asked for approval of {self.id}; a second person must approve it")
        if ask.by in notice.authors:
            raise NotYours(f"you wrote part of {self.id}; somebody who did not must approve it")
        signing = self._signing(notice, ask)
        if self.unfilled:
            raise Refused(
                f"{self.id} cannot be approved while its words cannot be compared with the facts: {self.unfilled}"
            )
        yield NoticeApproved(self.id, latest.number, self.digest, *signing)

    def _signing(self, notice: Notice, ask: Ask) -> tuple[str, bool]:
        """The capacity it is signed in, and whether that completes it. Raises NotYours."""
        left = wanting(notice, ask.policy)
        if not left:
            raise Refused(f"who must sign {self.id} has changed since it was asked for; ask for approval again")
        mine = [each for each in left if each.badges & ask.person.badges]
        if self.capacity:
            mine = [each for each in mine if each.capacity == self.capacity]
        if not mine:
            words = " and ".join(f"{each.capacity} ({' or '.join(sorted(each.badges))})" for each in left)
            raise NotYours(f"{self.id} still needs: {words}")
        return mine[0].capacity, len(left) == 1


@dataclass(frozen=True, slots=True)
class NoticeApproved(Event):
    """Somebody who may approved these words; `complete` once every signature there must be is given."""

    id: str
    number: int
    digest: str
    capacity: str = LEGAL
    complete: bool = True

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        signature = Signature(entry.by, self.capacity, entry.at)
        versions = tuple(
            replace(each, signatures=(*each.signatures, signature)) if each.number == self.number else each
            for each in was.versions
        )
        now = replace(was, versions=versions)
        if self.complete:
            now = replace(now, standing=Standing.APPROVED, approved_by=entry.by, approved_at=entry.at)
        return amended(incident, now)

    def says(self, by: str) -> Sentence:
        capacity = "" if self.capacity == LEGAL and self.complete else f" as {self.capacity}"
        return says(
            "{who} approved {id} version {number}{capacity}, digest {digest}",
            who=Who(by),
            id=self.id,
            number=self.number,
            capacity=capacity,
            digest=self.digest[:12],
        )


@dataclass(frozen=True, slots=True)
class RequestChanges(Command):
    """Counsel wants other words."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        notice = notice_of(incident, self.id)
        offs = ask.policy.sign_offs_of(notice.template)
        everyone = ask.policy.approve_notice.union(*(each.badges for each in offs))
        ask.policy.require_somebody(ask.person, everyone, "request changes to a notice")
        readable(notice, ask)
        if not self.because.strip():
            raise Refused("say what must change")
        if notice.standing not in STANDING_WORDS:
            raise Refused(f"{self.id} is {notice.standing.said}")
        yield ChangesRequested(self.id, self.because.strip())


@dataclass(frozen=True, slots=True)
class ChangesRequested(Event):
    """Counsel wants other words."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        back = replace(was, standing=Standing.CHANGES, approved_by="", approved_at=None, note=self.because)
        return amended(incident, back)

    def says(self, by: str) -> Sentence:
        return says("{who} requested changes to {id}: {because}", who=Who(by), id=self.id, because=self.because)


@dataclass(frozen=True, slots=True)
class MarkStale(Command):
    """A later fact changed the words (`digest` is of the words as they would be now): the frozen version is void."""

    id: str
    digest: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("staleness is found by comparing the words")
        notice = notice_of(incident, self.id)
        latest = notice.latest
        if latest is not None and latest.digest != self.digest and notice.standing in STANDING_WORDS:
            yield NoticeStale(self.id, latest.number)


@dataclass(frozen=True, slots=True)
class NoticeStale(Event):
    """The frozen words no longer say what the log says; an approval of them is void."""

    id: str
    number: int

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        return amended(incident, replace(was, standing=Standing.STALE, approved_by="", approved_at=None))

    def says(self, by: str) -> Sentence:
        return says(
            "{id} version {number} is stale: later facts change its words; ask for approval again",
            id=self.id,
            number=self.number,
        )
