"""Telling those who must be told: what a notice is, where it stands, and how it begins or is given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.duty import READERS
from bot.domain.errors import NotYours, Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.policy import Person, Policy

if TYPE_CHECKING:
    from bot.domain.incident import Incident


class Standing(StrEnum):
    """Where a notice stands. Stale: a later fact changed the words, so the approval is void."""

    DRAFTING = "drafting"
    FROZEN = "waiting for approval"
    APPROVED = "approved"
    STALE = "stale"
    CHANGES = "changes requested"
    FILED = "filed"
    DROPPED = "given up"

    @property
    def said(self) -> str:
        """As it reads behind "N1 is"."""
        return "sent back for changes" if self is Standing.CHANGES else str(self)


OVER = frozenset({Standing.FILED, Standing.DROPPED})
"""Nothing more happens to it; what comes later needs a new notice."""
STANDING_WORDS = frozenset({Standing.FROZEN, Standing.APPROVED})
"""Its frozen words are what counts."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One approval of a version: by whom, in which capacity and when."""

    by: str
    capacity: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """Words as they were frozen: text, digest, what was missing, and as of when.

    `facts` is the canonical JSON of the facts they rest on, `rules` the version of the law's data they were drawn from,
    `form` the lines of the form as JSON.
    """

    number: int
    text: str
    digest: str
    gaps: tuple[str, ...]
    as_of: datetime
    asked_by: str
    facts: str = ""
    signatures: tuple[Signature, ...] = ()
    asked_at: datetime | None = None
    rules: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What a person entered for one line of the form: words, or that it is unknown and why."""

    value: str
    unknown_because: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rewording:
    """Counsel's own words: `base` is what the facts said when they were written, `text` what counsel made of it.

    What the facts say later is merged into it word by word, so the derived parts of a reworded draft stay live.
    """

    base: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """A remark on a notice; `quote` are the words it is about."""

    id: str
    by: str
    at: datetime
    text: str
    quote: str = ""
    resolved_by: str = ""


@dataclass(frozen=True, slots=True)
class Privilege:
    """Counsel's claim that a document is privileged: on what basis, in which matter, for what purpose."""

    by: str
    at: datetime
    basis: str
    matter: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Filing:
    """A person sent it: where, when, under which reference, and what proves it."""

    where: str
    reference: str
    proof: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice: what kind it is (`template`, such as `stakeholders/update`), its frozen versions and its decision.

    `authors` entered or worded some of it and approve none of it.
    """

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
    locale: str = ""
    given: Mapping[str, Given] = field(default_factory=dict)
    rewording: Rewording | None = None
    comments: tuple[Comment, ...] = ()
    authors: frozenset[str] = frozenset()
    privilege: Privilege | None = None
    filing: Filing | None = None

    @property
    def latest(self) -> Version | None:
        """The newest frozen version."""
        return self.versions[-1] if self.versions else None

    @property
    def over(self) -> bool:
        """Whether it was filed or given up."""
        return self.standing in OVER


def outdated(notice: Notice) -> str:
    """Why its last version counts no more: the facts moved on."""
    number = notice.latest.number if notice.latest else 0
    return (
        f"{notice.id} version {number} is stale: later facts changed its words, so its approval is void; "
        "read what changed and ask for approval again"
    )


def notice_of(incident: Incident, name: str) -> Notice:
    """The notice of that id. Raises Refused naming those there are."""
    found = incident.notices.get(name)
    if found is None:
        raise Refused(f"{incident.id} has no notice {name}; there is {', '.join(incident.notices) or 'none'}")
    return found


def still_open(incident: Incident, name: str) -> Notice:
    """The notice, where something may still be done to it. Raises Refused."""
    notice = notice_of(incident, name)
    if notice.over:
        raise Refused(f"{name} is {notice.standing}; what comes later needs a new notice")
    return notice


def visible(notice: Notice, person: Person, policy: Policy) -> bool:
    """A privileged document is read by counsel alone; every other by whoever reads the incident."""
    return notice.privilege is None or bool(person.badges & policy.counsel)


def readable(notice: Notice, ask: Ask) -> Notice:
    """The notice, for somebody who may read it: nobody decides on words that are kept from them. Raises NotYours."""
    if not visible(notice, ask.person, ask.policy):
        raise NotYours(f"{notice.id} is privileged: it is for counsel alone")
    return notice


def amended(incident: Incident, notice: Notice) -> Incident:
    """The incident with that notice in place of the one of its id."""
    return replace(incident, notices={**incident.notices, notice.id: notice})


# -- beginning and giving up -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequestNotice(Command):
    """Begin a notice from a template; one of each kind at a time, the next once that was filed or given up."""

    template: str
    regime: str = ""
    stage: str = ""
    locale: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, READERS, "request a notice")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        alike = [known for known in incident.notices.values() if known.template == self.template]
        if any(known.locale == self.locale and not known.over for known in alike):
            return
        yield NoticeRequested(f"N{len(incident.notices) + 1}", self.template, self.regime, self.stage, self.locale)


@dataclass(frozen=True, slots=True)
class NoticeRequested(Event):
    """A notice is being drafted from the log."""

    id: str
    template: str
    regime: str
    stage: str
    locale: str = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        begun = Notice(self.id, self.template, self.regime, self.stage, Standing.DRAFTING, entry.by, locale=self.locale)
        return amended(incident, begun)

    def says(self, by: str) -> Sentence:
        what = f"{self.template}, {self.locale}" if self.locale else self.template
        return says("{who} requested the notice {id} ({template})", who=Who(by), id=self.id, template=what)


@dataclass(frozen=True, slots=True)
class DropNotice(Command):
    """Give a notice up, with the reason; what was written of it stays in the log."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ask.policy.approve_notice, "give a notice up")
        notice = readable(notice_of(incident, self.id), ask)
        if notice.standing is Standing.DROPPED:
            return
        if notice.standing is Standing.FILED:
            raise Refused(f"{self.id} was filed; what was sent cannot be given up")
        if not self.because.strip():
            raise Refused("say why the notice is given up")
        yield NoticeDropped(self.id, self.because.strip())


@dataclass(frozen=True, slots=True)
class NoticeDropped(Event):
    """A notice was given up."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = notice_of(incident, self.id)
        gone = replace(was, standing=Standing.DROPPED, note=self.because, approved_by="", approved_at=None)
        return amended(incident, gone)

    def says(self, by: str) -> Sentence:
        return says("{who} gave {id} up: {because}", who=Who(by), id=self.id, because=self.because)
