"""Telling those who must be told, in words that somebody with the right to do so approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.duty import READERS
from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says

if TYPE_CHECKING:
    from bot.domain.incident import Incident


# -- notices ---------------------------------------------------------------------------------------------------------


class Standing(StrEnum):
    """Where a notice stands. Stale: a later fact changed the words, so the approval is void."""

    DRAFTING = "drafting"
    FROZEN = "waiting for approval"
    APPROVED = "approved"
    STALE = "stale"
    CHANGES = "changes requested"
    FILED = "filed"

    @property
    def said(self) -> str:
        """As it reads behind "N1 is"."""
        return "sent back for changes" if self is Standing.CHANGES else str(self)


@dataclass(frozen=True, slots=True)
class Version:
    """Words as they were frozen: text, digest, what was missing, and as of when."""

    number: int
    text: str
    digest: str
    gaps: tuple[str, ...]
    as_of: datetime
    asked_by: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice: what kind it is (`template`, such as `stakeholders/update`), its frozen versions and its decision."""

    id: str
    template: str
    regime: str
    stage: str
    standing: Standing
    requested_by: str
    versions: tuple[Version, ...] = ()
    approved_by: str = ""
    approved_at: datetime | None = None
    note: str = ""

    @property
    def latest(self) -> Version | None:
        """The newest frozen version."""
        return self.versions[-1] if self.versions else None


def notice_of(incident: Incident, name: str) -> Notice:
    """The notice of that id. Raises Refused naming those there are."""
    found = incident.notices.get(name)
    if found is None:
        raise Refused(f"{incident.id} has no notice {name}; there is {', '.join(incident.notices) or 'none'}")
    return found


def _with(incident: Incident, notice: Notice) -> Incident:
    return replace(incident, notices={**incident.notices, notice.id: notice})


@dataclass(frozen=True, slots=True)
class RequestNotice(Command):
    """Begin a notice from a template; one of each kind."""

    template: str
    regime: str = ""
    stage: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, READERS, "request a notice")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        if any(known.template == self.template for known in incident.notices.values()):
            return
        yield NoticeRequested(f"N{len(incident.notices) + 1}", self.template, self.regime, self.stage)


@dataclass(frozen=True, slots=True)
class NoticeRequested(Event):
    """A notice is being drafted from the log."""

    id: str
    template: str
    regime: str
    stage: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return _with(incident, Notice(self.id, self.template, self.regime, self.stage, Standing.DRAFTING, entry.by))

    def says(self, by: str) -> Sentence:
        return says("{who} requested the notice {id} ({template})", who=Who(by), id=self.id, template=self.template)


@dataclass(frozen=True, slots=True)
class FreezeNotice(Command):
    """Ask for approval: the words, their facts and "as of" are frozen as the next version."""

    id: str
    text: str
    digest: str
    gaps: tuple[str, ...]
    as_of: datetime

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, READERS, "ask for approval of a notice")
        notice = notice_of(incident, self.id)
        if notice.standing is Standing.FILED:
            raise Refused(f"{self.id} was filed; a new stage needs a new notice")
        latest = notice.latest
        if (
            latest is not None
            and latest.digest == self.digest
            and notice.standing in (Standing.FROZEN, Standing.APPROVED)
        ):
            return
        number = latest.number + 1 if latest else 1
        yield NoticeFrozen(self.id, number, self.text, self.digest, self.gaps, self.as_of)


@dataclass(frozen=True, slots=True)
class NoticeFrozen(Event):
    """A version of the words waits for approval."""

    id: str
    number: int
    text: Words
    digest: str
    gaps: tuple[Words, ...]
    as_of: datetime

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        version = Version(self.number, self.text, self.digest, self.gaps, self.as_of, entry.by)
        return _with(
            incident,
            replace(
                was,
                standing=Standing.FROZEN,
                versions=(*was.versions, version),
                approved_by="",
                approved_at=None,
                note="",
            ),
        )

    def says(self, by: str) -> Sentence:
        return says(
            "{who} asked for approval of {id} version {number} ({gaps} gaps), digest {digest}",
            who=Who(by),
            id=self.id,
            number=self.number,
            gaps=len(self.gaps),
            digest=self.digest[:12],
        )


@dataclass(frozen=True, slots=True)
class ApproveNotice(Command):
    """Approve exactly the words of that digest."""

    id: str
    digest: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ask.policy.approve_notice, "approve a notice")
        notice = notice_of(incident, self.id)
        latest = notice.latest
        if latest is None:
            raise Refused(f"{self.id} has no version to approve yet")
        if notice.standing is Standing.APPROVED and notice.approved_by == ask.by and latest.digest == self.digest:
            return
        if latest.digest != self.digest:
            raise Refused(f"{self.id} is at version {latest.number} now; read it again")
        if notice.standing is not Standing.FROZEN:
            raise Refused(f"{self.id} is {notice.standing.said}; there is nothing to approve")
        if ask.person.is_bot or latest.asked_by == ask.by:
            raise Refused(f"you asked for approval of {self.id}; a second person must approve it")
        yield NoticeApproved(self.id, latest.number, self.digest)


@dataclass(frozen=True, slots=True)
class NoticeApproved(Event):
    """Counsel approved these words."""

    id: str
    number: int
    digest: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        return _with(incident, replace(was, standing=Standing.APPROVED, approved_by=entry.by, approved_at=entry.at))

    def says(self, by: str) -> Sentence:
        return says(
            "{who} approved {id} version {number}, digest {digest}",
            who=Who(by),
            id=self.id,
            number=self.number,
            digest=self.digest[:12],
        )


@dataclass(frozen=True, slots=True)
class RequestChanges(Command):
    """Counsel wants other words."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ask.policy.approve_notice, "request changes to a notice")
        notice = notice_of(incident, self.id)
        if not self.because.strip():
            raise Refused("say what must change")
        if notice.standing not in (Standing.FROZEN, Standing.APPROVED):
            raise Refused(f"{self.id} is {notice.standing.said}")
        yield ChangesRequested(self.id, self.because.strip())


@dataclass(frozen=True, slots=True)
class ChangesRequested(Event):
    """Counsel wants other words."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        return _with(
            incident, replace(was, standing=Standing.CHANGES, approved_by="", approved_at=None, note=self.because)
        )

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
        if (
            latest is not None
            and latest.digest != self.digest
            and notice.standing in (Standing.FROZEN, Standing.APPROVED)
        ):
            yield NoticeStale(self.id, latest.number)


@dataclass(frozen=True, slots=True)
class NoticeStale(Event):
    """The frozen words no longer say what the log says; an approval of them is void."""

    id: str
    number: int

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        return _with(incident, replace(was, standing=Standing.STALE, approved_by="", approved_at=None))

    def says(self, by: str) -> Sentence:
        return says(
            "{id} version {number} is stale: later facts change its words; ask for approval again",
            id=self.id,
            number=self.number,
        )


@dataclass(frozen=True, slots=True)
class FileNotice(Command):
    """A person sent the approved words; Tocsin never does."""

    id: str
    where: str
    reference: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ask.policy.approve_notice, "record that a notice was filed")
        notice = notice_of(incident, self.id)
        if notice.standing is Standing.FILED:
            return
        if notice.standing is not Standing.APPROVED:
            raise Refused(f"{self.id} is {notice.standing.said}; only approved words are filed")
        if not self.where.strip():
            raise Refused("say where it was filed")
        yield NoticeFiled(self.id, self.where.strip(), self.reference.strip())


@dataclass(frozen=True, slots=True)
class NoticeFiled(Event):
    """A person filed the approved words."""

    id: str
    where: Words
    reference: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return _with(incident, replace(notice_of(incident, self.id), standing=Standing.FILED))

    def says(self, by: str) -> Sentence:
        return says(
            "{who} filed {id} with {where} ({reference})",
            who=Who(by),
            id=self.id,
            where=self.where,
            reference=self.reference or "no reference",
        )
