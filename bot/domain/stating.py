"""Speaking on the status page: a statement is drafted, frozen, approved by a second person, published, withdrawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.duty import READERS
from bot.domain.errors import NotYours, Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.status import (
    SHOWN,
    UNPUBLISHED,
    Kind,
    State,
    Statement,
    States,
    Step,
    digest,
    shown,
    standing,
    stated,
    statement_of,
)
from bot.domain.status_rules import StatusRules

if TYPE_CHECKING:
    from bot.domain.incident import Incident

TITLE, TEXT = 200, 5_000
SHORTEST = 24
"""So long a run of words must be to be known again as counsel's."""


def _rules(ask: Ask) -> StatusRules:
    if ask.policy.status is None:
        raise Refused("this house has no status page; `status:` in tocsin.yaml makes one")
    return ask.policy.status


def _open(incident: Incident, name: str) -> Statement:
    """The statement, where it is not on the page yet. Raises Refused."""
    found = statement_of(incident, name)
    if found.step not in UNPUBLISHED:
        raise Refused(f"{name} is {found.step}; a new statement says what holds now")
    return found


def _fit_to_show(incident: Incident, each: Statement) -> None:
    """Raise Refused where its words are unfinished, name a restricted incident, or are counsel's alone."""
    words = f"{each.title}\n{each.text}"
    if "[[" in words or "]]" in words:
        raise Refused(f"{each.id} has gaps: fill in, or strike, what stands between [[ and ]]")
    if incident.restricted:
        for name in (incident.id, incident.title, incident.service, incident.slice):
            if name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words, re.IGNORECASE):
                raise Refused(f"{incident.id} is restricted, and {each.id} names something of it: {name}")
    plain = _run(words)
    if any(part in plain for part in _sealed(incident)):
        raise Refused(f"{each.id} holds words that are for counsel alone; they are never published")


def _run(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _sealed(incident: Incident) -> Iterator[str]:
    """Runs of words of every privileged notice, long enough to be nobody else's."""
    for notice in incident.notices.values():
        if notice.privilege is None:
            continue
        texts = [version.text for version in notice.versions]
        texts += [given.value for given in notice.given.values()]
        texts += [notice.rewording.text] if notice.rewording else []
        for line in "\n".join(texts).splitlines():
            if len(run := _run(line)) >= SHORTEST:
                yield run


# -- writing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DraftStatement(Command):
    """Write a statement, or with `id` write it anew; with `corrects` it takes the place of a published one."""

    kind: Kind
    title: str
    text: str
    states: States = ()
    id: str = ""
    corrects: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, READERS, "draft a statement")
        rules = _rules(ask)
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        title, text = " ".join(self.title.split()), self.text.replace("\r\n", "\n").strip()
        states = tuple(sorted(dict(self.states).items()))
        self._worded(title, text)
        self._about(incident, rules, states)
        corrects = self._corrected(incident)
        said = digest(self.kind, title, text, states)
        if any(each.step in UNPUBLISHED and each.said == said for each in incident.statements.values()):
            return
        name = self.id or f"S{len(incident.statements) + 1}"
        yield StatementDrafted(name, self.kind, title, text, states, corrects)

    def _worded(self, title: str, text: str) -> None:
        if not title or not text:
            raise Refused("a statement needs a title and words")
        if len(title) > TITLE or len(text) > TEXT:
            raise Refused(f"a statement's title holds at most {TITLE} characters, its text {TEXT:,}")

    def _about(self, incident: Incident, rules: StatusRules, states: States) -> None:
        for name, _state in states:
            if name not in rules.components:
                raise Refused(f"the status page has no component {name!r}; there is {', '.join(rules.components)}")
        bad = [f"{name} in {state}" for name, state in states if state is not State.OPERATIONAL]
        if self.kind is Kind.RESOLVED and bad:
            raise Refused(f"what is resolved is operational again, and this leaves {', '.join(bad)}")
        if not states and not standing(incident):
            raise Refused("say which components are concerned, and how they are")

    def _corrected(self, incident: Incident) -> str:
        if self.id:
            return _open(incident, self.id).corrects
        if not self.corrects:
            return ""
        wrong = statement_of(incident, self.corrects)
        if wrong.step is not Step.PUBLISHED:
            raise Refused(f"{wrong.id} is {wrong.step}; only what stands on the page is corrected")
        other = [e.id for e in incident.statements.values() if e.corrects == wrong.id and e.step in UNPUBLISHED]
        if other:
            raise Refused(f"{other[0]} corrects {wrong.id} already, and is not published yet; write that one anew")
        return wrong.id


@dataclass(frozen=True, slots=True)
class StatementDrafted(Event):
    """A statement was written, or written anew; what was approved of it is void."""

    id: str
    kind: Kind
    title: Words
    text: Words
    states: States
    corrects: str = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = incident.statements.get(self.id)
        authors = (was.authors if was else frozenset()) | {entry.by}
        written = Statement(self.id, self.kind, self.title, self.text, self.states, corrects=self.corrects)
        return stated(incident, replace(written, authors=authors))

    def says(self, by: str) -> Sentence:
        words = "{who} drafted {id} for the status page ({kind})"
        if self.corrects:
            words = "{who} drafted {id} for the status page ({kind}), in place of {corrects}"
        return says(words, who=Who(by), id=self.id, kind=self.kind, corrects=self.corrects)


# -- approving -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FreezeStatement(Command):
    """Ask for approval of exactly the words of that digest."""

    id: str
    digest: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, READERS, "ask for approval of a statement")
        _rules(ask)
        each = _open(incident, self.id)
        if each.said != self.digest:
            raise Refused(f"{self.id} reads otherwise now; read it again")
        if each.step is not Step.DRAFT:
            return
        _fit_to_show(incident, each)
        yield StatementFrozen(self.id, self.digest)


@dataclass(frozen=True, slots=True)
class StatementFrozen(Event):
    """A statement waits for approval."""

    id: str
    digest: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = statement_of(incident, self.id)
        return stated(incident, replace(was, step=Step.FROZEN, digest=self.digest, asked_by=entry.by, note=""))

    def says(self, by: str) -> Sentence:
        words = "{who} asked for approval of {id} for the status page, digest {digest}"
        return says(words, who=Who(by), id=self.id, digest=self.digest[:12])


@dataclass(frozen=True, slots=True)
class ApproveStatement(Command):
    """Approve exactly the words of that digest for the status page."""

    id: str
    digest: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        rules = _rules(ask)
        ask.policy.require_somebody(ask.person, rules.approve, "approve a statement", NotYours)
        each = statement_of(incident, self.id)
        if each.digest == self.digest and each.approved_by == ask.by and each.step in {Step.APPROVED, *SHOWN}:
            return
        if each.step is Step.APPROVED:
            raise Refused(f"{self.id} is approved already")
        if each.step is not Step.FROZEN:
            raise Refused(f"{self.id} is {each.step}; there is nothing to approve")
        if each.digest != self.digest or not each.sound:
            raise Refused(f"{self.id} reads otherwise now; read it again")
        if rules.own(each, ask.by):
            raise NotYours(f"you wrote {self.id} or asked for its approval; a second person must approve it")
        _fit_to_show(incident, each)
        yield StatementApproved(self.id, self.digest)


@dataclass(frozen=True, slots=True)
class StatementApproved(Event):
    """Somebody who may approved a statement; it is not on the page yet."""

    id: str
    digest: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = statement_of(incident, self.id)
        return stated(incident, replace(was, step=Step.APPROVED, approved_by=entry.by, approved_at=entry.at))

    def says(self, by: str) -> Sentence:
        words = "{who} approved {id} for the status page, digest {digest}"
        return says(words, who=Who(by), id=self.id, digest=self.digest[:12])


@dataclass(frozen=True, slots=True)
class ReturnStatement(Command):
    """Whoever may approve wants other words, and says which."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require_somebody(ask.person, _rules(ask).approve, "send a statement back")
        each = _open(incident, self.id)
        if not self.because.strip():
            raise Refused("say what should read otherwise")
        if each.step is Step.DRAFT:
            if each.note == self.because.strip():
                return
            raise Refused(f"{self.id} is a draft; approval was not asked for")
        yield StatementReturned(self.id, self.because.strip())


@dataclass(frozen=True, slots=True)
class StatementReturned(Event):
    """A statement is a draft again."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = statement_of(incident, self.id)
        back = replace(was, step=Step.DRAFT, digest="", asked_by="", approved_by="", approved_at=None)
        return stated(incident, replace(back, note=self.because))

    def says(self, by: str) -> Sentence:
        return says("{who} sent {id} for the status page back: {because}", who=Who(by), id=self.id,
                    because=self.because)  # fmt: skip


# -- on the page -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublishStatement(Command):
    """Put the approved words of that digest on the page."""

    id: str
    digest: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require_somebody(ask.person, READERS, "publish a statement")
        _rules(ask)
        each = statement_of(incident, self.id)
        if each.step in SHOWN and each.digest == self.digest:
            return
        if each.step is not Step.APPROVED:
            raise Refused(f"{self.id} is {each.step}; only what was approved is published")
        if each.digest != self.digest or not each.sound:
            raise Refused(f"{self.id} reads otherwise now; read it again")
        if each.corrects and (wrong := statement_of(incident, each.corrects)).step is not Step.PUBLISHED:
            raise Refused(f"{wrong.id} is {wrong.step} since; a new statement says what holds now")
        newer = [e.id for e in shown(incident) if int(e.id[1:]) > int(each.id[1:]) and e.step is not Step.WITHDRAWN]
        if newer and not each.corrects:
            raise Refused(f"{newer[-1]} was published since {self.id} was written; a new statement says what holds now")
        _fit_to_show(incident, each)
        yield StatementPublished(self.id, self.digest)


@dataclass(frozen=True, slots=True)
class StatementPublished(Event):
    """A statement stands on the page; one that it corrects stays readable as corrected."""

    id: str
    digest: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = statement_of(incident, self.id)
        since = entry.at
        if was.corrects:
            wrong = statement_of(incident, was.corrects)
            since = wrong.since or entry.at
            gone = replace(wrong, step=Step.CORRECTED, corrected_by=self.id, ended_at=entry.at)
            incident = stated(incident, gone)
        now = replace(was, step=Step.PUBLISHED, published_by=entry.by, published_at=entry.at, since=since)
        return stated(incident, replace(now, mark=digest_of(entry, self.id)))

    def says(self, by: str) -> Sentence:
        words = "{who} published {id} on the status page, digest {digest}"
        return says(words, who=Who(by), id=self.id, digest=self.digest[:12])


def digest_of(entry: Entry, name: str) -> str:
    """A name of a statement for the public, from the entry's hash: it tells nothing of the incident."""
    told = entry.hash or f"{entry.incident}/{entry.seq}"
    return digest(Kind.INVESTIGATING, told, name, ())[:16]


@dataclass(frozen=True, slots=True)
class WithdrawStatement(Command):
    """Take the words of a published statement off the page, or give up one that is not there yet; with the reason."""

    id: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        rules = _rules(ask)
        each = statement_of(incident, self.id)
        if each.step in {Step.PUBLISHED, Step.CORRECTED}:
            ask.policy.require_somebody(ask.person, rules.approve, "withdraw a published statement")
        else:
            ask.policy.require(ask.person, READERS, "give a statement up")
        if each.step in {Step.WITHDRAWN, Step.DROPPED}:
            return
        if not self.because.strip():
            raise Refused("say why it is withdrawn")
        yield StatementWithdrawn(self.id, self.because.strip())


@dataclass(frozen=True, slots=True)
class StatementWithdrawn(Event):
    """A statement is off the page, or will never be on it."""

    id: str
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        was = statement_of(incident, self.id)
        step = Step.DROPPED if was.step in UNPUBLISHED else Step.WITHDRAWN
        return stated(incident, replace(was, step=step, ended_at=entry.at, note=self.because))

    def says(self, by: str) -> Sentence:
        return says("{who} withdrew {id} from the status page: {because}", who=Who(by), id=self.id,
                    because=self.because)  # fmt: skip
