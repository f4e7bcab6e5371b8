"""What people said that belongs in the timeline: kept once per message, and following its edits and its deletion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.finding import Finding
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import ANYBODY, RESPONDERS
from bot.domain.policy import Role

if TYPE_CHECKING:
    from bot.domain.incident import Incident

NOTE, FINDING = "note", "finding"


@dataclass(frozen=True, slots=True)
class Note:
    """One message kept in the timeline. `said` names the message, `by` who said it ("" where nobody is known)."""

    id: str
    text: str
    said: str
    by: str
    at: datetime
    link: str = ""
    gone: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeepNote(Command):
    """Put a message into the timeline under the time it was said. The same message is one note."""

    text: str
    said: str
    by: str
    at: datetime
    link: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ANYBODY, "add to the timeline")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        if not self.text.strip():
            raise Refused("a message without words cannot be added to the timeline")
        if any(note.said == self.said and note.gone is None for note in incident.notes):
            return
        name = f"T{len(incident.notes) + 1}"
        yield NoteKept(name, self.text.strip(), self.said, self.by, min(self.at, ask.at), self.link)


@dataclass(frozen=True, slots=True)
class NoteKept(Event):
    """A message was put into the timeline."""

    id: str
    text: Words
    said: str
    author: str
    said_at: datetime
    link: Words

    @property
    def happened_at(self) -> datetime | None:
        return self.said_at

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        note = Note(self.id, self.text, self.said, self.author, self.said_at, self.link)
        return replace(incident, notes=(*incident.notes, note))

    def says(self, by: str) -> Sentence:
        who = Who(self.author) if self.author else "somebody"
        if self.author == by:
            return says("{id}, {who} said: {text}", id=self.id, who=who, text=self.text)
        return says("{id}, {who} said: {text} (kept by {by})", id=self.id, who=who, text=self.text, by=Who(by))


@dataclass(frozen=True, slots=True)
class TakeBack(Command):
    """Take a message out of the timeline, or its finding back: whoever kept it changed their mind.

    `what` names what to take back (NOTE, FINDING), "" both. The log keeps them; what rests on a finding that was taken
    back says so. A promised follow-up is not taken back so.
    """

    said: str
    what: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ANYBODY, "take something out of the timeline")
        if names := _kept(incident, self.said, self.what):
            yield SayingTakenBack(self.said, names)


@dataclass(frozen=True, slots=True)
class TakeOut(Command):
    """Take one note (T1) or one finding of a person (F2) back by its name, whatever it was kept from.

    For whoever works on the incident, and for its author. The log keeps it; what rests on it says so. What an
    instrument measured is not taken back, it is measured again.
    """

    name: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        named = {note.id: note for note in incident.notes} | {one.id: one for one in incident.findings}
        found = named.get(self.name)
        if found is None or found.by != ask.by:
            ask.policy.require(ask.person, RESPONDERS, "take back what somebody else said")
        if found is None:
            known = ", ".join(name for name, each in named.items() if each.gone is None)
            raise Refused(f"{incident.id} has no note and no finding {self.name}" + (f", but {known}" if known else ""))
        if isinstance(found, Finding) and found.source != Role.RESPONDER:
            raise Refused(f"{found.id} is what {found.source} measured; write down beside it what you know better")
        if found.gone is not None:
            return
        if not self.because.strip():
            raise Refused(f"say why {found.id} does not hold")
        yield SayingTakenBack(found.said, (found.id,), self.because.strip())


@dataclass(frozen=True, slots=True)
class SayingTakenBack(Event):
    """A message, or what was kept of it, no longer counts."""

    said: str
    names: tuple[str, ...]
    because: Words = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return _gone(incident, self.names, entry.at)

    def says(self, by: str) -> Sentence:
        names = ", ".join(self.names)
        if self.because:
            return says("{who} took back {names}: {because}", who=Who(by), names=names, because=self.because)
        return says("{who} took back {names}", who=Who(by), names=names)


@dataclass(frozen=True, slots=True)
class FollowSaying(Command):
    """The message behind something kept was edited (`text` is how it reads now), or deleted (None)."""

    said: str
    text: str | None

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("edits are followed by the bot, not by hand")
        if self.text is None or not self.text.strip():
            if names := _kept(incident, self.said):
                yield SayingDeleted(self.said, names)
            return
        text = self.text.strip()
        changed = tuple(name for name, was in _texts(incident, self.said) if was != text)
        if changed:
            yield SayingEdited(self.said, changed, text)


@dataclass(frozen=True, slots=True)
class SayingEdited(Event):
    """The author edited the message: what was kept of it reads so too, and the log keeps how it read before."""

    said: str
    names: tuple[str, ...]
    text: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        text = self.text
        return replace(
            incident,
            notes=tuple(replace(n, text=text) if n.said == self.said else n for n in incident.notes),
            findings=tuple(replace(f, text=text) if f.said == self.said else f for f in incident.findings),
            followups={
                name: replace(item, text=text) if item.said == self.said else item
                for name, item in incident.followups.items()
            },
        )

    def says(self, by: str) -> Sentence:
        return says("{names} was edited by its author: {text}", names=", ".join(self.names), text=self.text)


@dataclass(frozen=True, slots=True)
class SayingDeleted(Event):
    """The author deleted the message: what was kept of it is marked so. What was promised stays promised."""

    said: str
    names: tuple[str, ...]

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return _gone(incident, self.names, entry.at)

    def says(self, by: str) -> Sentence:
        return says("the message behind {names} was deleted by its author", names=", ".join(self.names))


def _texts(incident: Incident, said: str) -> list[tuple[str, str]]:
    """(name, words) of everything that was kept from a message and still counts."""
    kept = [(note.id, note.text) for note in incident.notes if note.said == said and note.gone is None]
    kept += [(one.id, one.text) for one in incident.findings if one.said == said and one.gone is None]
    return kept + [(one.id, one.text) for one in incident.followups.values() if one.said == said]


def _kept(incident: Incident, said: str, what: str = "") -> tuple[str, ...]:
    """Notes and findings from a message that still count."""
    if not said:
        return ()
    notes = [note.id for note in incident.notes if (note.said, note.gone) == (said, None)]
    findings = [one.id for one in incident.findings if (one.said, one.gone) == (said, None)]
    return (*(notes if what != FINDING else ()), *(findings if what != NOTE else ()))


def _gone(incident: Incident, names: tuple[str, ...], at: datetime) -> Incident:
    return replace(
        incident,
        notes=tuple(replace(n, gone=n.gone or at) if n.id in names else n for n in incident.notes),
        findings=tuple(replace(f, gone=f.gone or at) if f.id in names else f for f in incident.findings),
    )


def ground(incident: Incident, evidence: str) -> str:
    """What an answer rests on, in words: `F2`, `assumed`, or `assumed: F2 was taken back`."""
    if not evidence:
        return "assumed"
    finding = incident.finding(evidence)
    return f"assumed: {evidence} was taken back" if finding is not None and finding.gone is not None else evidence
