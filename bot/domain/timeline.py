"""The timeline people read: every fact of the log in the order in which it was so, each as one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.domain.finding import FindingRecorded
from bot.domain.followup import FollowUpAdded
from bot.domain.log import Entry, Event, Sentence, Slot, When, Who
from bot.domain.saying import NoteKept, SayingDeleted, SayingEdited, SayingTakenBack


@dataclass(frozen=True, slots=True)
class Gone:
    """When something stopped to count: taken back by a person, or its message deleted (`by` is "" then)."""

    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One fact: when it was so, when it was recorded, who recorded it, and what it was, as it reads now."""

    seq: int
    at: datetime
    recorded: datetime
    by: str
    name: str
    event: Event
    link: str = ""  # the message it is; never an address that somebody typed
    gone: Gone | None = None  # it does not count any more; the sentence says so too

    @property
    def sentence(self) -> Sentence:
        """The fact in words; made for those that are read, which are few of thousands."""
        return _struck(self.event.says(self.by), self.gone)

    @property
    def kept(self) -> str:
        """Under which name a note or a finding stands (T1, F2); "" for every other line."""
        return self.event.id if isinstance(self.event, NoteKept | FindingRecorded) else ""

    @property
    def late(self) -> bool:
        """True where it was recorded noticeably after it was so (both times are then worth showing)."""
        return (self.recorded - self.at).total_seconds() >= 1.0


@dataclass(slots=True)
class _Now:
    """How what people said reads now, by its name in the incident."""

    texts: dict[str, str] = field(default_factory=dict)
    gone: dict[str, Gone] = field(default_factory=dict)

    def note(self, entry: Entry) -> None:
        match entry.event:
            case SayingEdited(names=names, text=text):
                self.texts |= dict.fromkeys(names, text)
            case SayingTakenBack(names=names):
                self.gone |= dict.fromkeys(names, Gone(entry.at, entry.by))
            case SayingDeleted(names=names):
                self.gone |= dict.fromkeys(names, Gone(entry.at))


_LEFT = frozenset({SayingEdited, SayingTakenBack, SayingDeleted})
_SAID = frozenset({NoteKept, FindingRecorded, FollowUpAdded})


def timeline(entries: Iterable[Entry]) -> list[Line]:
    """The lines in the order (happened, recorded): a later correction of a time stands beside the first belief.

    What people said reads as they left it; what was taken back or deleted says so.
    """
    told = sorted(entries, key=lambda entry: entry.seq)
    now = _Now()
    for entry in told:
        if type(entry.event) in _LEFT:  # asked of each of thousands: what an event is by its bases takes far longer
            now.note(entry)
    lines = [_line(entry, entry.event, now) for entry in told if not entry.event.quiet]
    return sorted(lines, key=lambda line: (line.at, line.seq))


def _line(entry: Entry, event: Event, now: _Now) -> Line:
    link, gone, kind = "", None, type(event).__name__
    if type(event) in _SAID and isinstance(event, NoteKept | FindingRecorded | FollowUpAdded):
        gone = now.gone.get(event.id)
        event = replace(event, text=now.texts.get(event.id, event.text))
        link = event.link if isinstance(event, NoteKept) else ""
    return Line(entry.seq, entry.happened_at, entry.at, entry.by, kind, event, link, gone)


def _struck(sentence: Sentence, gone: Gone | None) -> Sentence:
    if gone is None:
        return sentence
    how = "taken back by {gone_by}" if gone.by else "deleted by its author"
    slots = {**sentence.slots, "gone_by": Who(gone.by), "gone_at": When(gone.at)}
    return Sentence(f"{sentence.words} ({how}, {{gone_at}})", slots)


def plain(sentence: Sentence, name_of: Callable[[str], str], zone: Callable[[datetime], str] | None = None) -> str:
    """The sentence as plain text; `name_of` turns opaque ids into names, `zone` writes times (UTC by default)."""

    def write(value: Slot) -> str:
        match value:
            case Who(id=person):
                return name_of(person)
            case When(at=at):
                return zone(at) if zone else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
            case _:
                return str(value)

    return "".join(write(value) for _name, value in sentence.pieces())
