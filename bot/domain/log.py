"""The log remembers: commands ask, events tell, and a chain of hashes shows that nobody rewrote it afterwards."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

from bot.domain.errors import Tampered

if TYPE_CHECKING:
    from bot.domain.incident import Incident
    from bot.domain.policy import Person, Policy

TOCSIN = "tocsin"
"""Who acts when no person does."""


class FreeText:
    """Marks an event's field as words a person wrote: stored by reference with a salted hash, so they can be erased."""


Words = Annotated[str, FreeText()]
"""Free text or a name inside an event; erasing it leaves the chain whole."""


# -- what is said of an event --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Who:
    """A person in a sentence, by opaque id; each view writes the name its own way."""

    id: str


@dataclass(frozen=True, slots=True)
class When:
    """A time in a sentence; each view writes it in its reader's zone."""

    at: datetime


Slot = str | int | float | Who | When


@dataclass(frozen=True, slots=True)
class Sentence:
    """One timeline line with typed slots: `Sentence("{who} took the page", {"who": Who("p1")})`."""

    words: str
    slots: Mapping[str, Slot] = field(default_factory=dict)

    def pieces(self) -> Iterator[tuple[str | None, Slot]]:
        """Yield the line in order: (None, text) for its own words, (name, value) for each slot."""
        for part in re.split(r"(\{\w+\})", self.words):
            if part.startswith("{") and part.endswith("}"):
                yield part[1:-1], self.slots[part[1:-1]]
            elif part:
                yield None, part


def says(words: str, **slots: Slot) -> Sentence:
    """Write a sentence the short way."""
    return Sentence(words, slots)


# -- what concerns several incidents at once -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Take:
    """Hold `key` among all incidents; refused while another holds it. `because` is what the refused person reads."""

    key: str
    because: str


@dataclass(frozen=True, slots=True)
class Free:
    """Give `key` back; harmless where it is not held."""

    key: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Count that something happened once more; refused where it did `most` times within so many seconds already."""

    key: str
    most: int = 0  # 0: as often as it likes
    within: float = 0.0
    because: str = ""  # `{since}` stands for when it may again


@dataclass(frozen=True, slots=True)
class Untally:
    """Take this incident's latest count of `key` back: it came to nothing."""

    key: str


@dataclass(frozen=True, slots=True)
class Need:
    """Refused unless `key` was counted within so many seconds, in whatever incident."""

    key: str
    within: float
    because: str


Claim = Take | Free | Tally | Untally | Need


# -- asking and telling ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks, when, because of what inbound message, and under which policy."""

    person: Person
    at: datetime
    cause: str
    policy: Policy

    @property
    def by(self) -> str:
        """The asking person's opaque id, or `tocsin`."""
        return self.person.id


class Command(ABC):
    """A request. Deciding is pure: the same incident and the same asking give the same events or the same refusal."""

    @abstractmethod
    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        """Yield what follows, nothing if it changes nothing, or raise Refused with the sentence the person reads."""


class Event(ABC):
    """A fact that happened. Its class name is its name in the log for ever; a new shape takes a new `version`."""

    named: ClassVar[dict[str, type[Event]]] = {}
    version: ClassVar[int] = 1
    quiet: ClassVar[bool] = False  # kept in the log, left out of the timeline people read
    pressing: ClassVar[bool] = False  # done in the world already: its record waits behind nothing else

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Enter the event's name, so that the codec can find it again."""
        super().__init_subclass__(**kwargs)
        Event.named[cls.__name__] = cls

    @property
    def happened_at(self) -> datetime | None:
        """When it was so, where that differs from when it was recorded."""
        return None

    @abstractmethod
    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        """The incident as it stands after this fact."""

    @abstractmethod
    def says(self, by: str) -> Sentence:
        """The fact as one line of the timeline."""

    def claims(self, incident: Incident) -> Iterable[Claim]:
        """What it takes or frees among all incidents; `incident` is as it stood before."""
        return ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: `at` is when it was recorded, `happened_at` when it was so."""

    incident: str
    seq: int
    at: datetime
    happened_at: datetime
    by: str
    cause: str
    event: Event
    before: str = ""  # hash of the entry before
    hash: str = ""


# -- remembering -----------------------------------------------------------------------------------------------------


def fold(incident: Incident, entries: Iterable[Entry]) -> Incident:
    """The incident after `entries`, in order. Raises Tampered where a number is missing."""
    for entry in entries:
        if entry.seq != incident.seq + 1:
            raise Tampered(f"{entry.incident}: entry {entry.seq} follows entry {incident.seq}")
        incident = replace(entry.event.evolve(incident, entry), seq=entry.seq, head=entry.hash)
    return incident


def link(before: str, stored: bytes) -> str:
    """The hash of an entry: SHA-256 over the hash before it and the bytes exactly as stored."""
    return hashlib.sha256(before.encode() + b"\n" + stored).hexdigest()


def verify(incident: str, chain: Iterable[tuple[int, str, str, bytes]]) -> str:
    """Walk (seq, before, hash, stored bytes) in order; give the head. Raises Tampered naming the first bad entry."""
    head = ""
    for number, (seq, before, hashed, stored) in enumerate(chain, start=1):
        if seq != number:
            raise Tampered(f"{incident}: entry {number} is missing (found {seq})")
        if before != head:
            raise Tampered(f"{incident}: entry {seq} does not follow the entry before it")
        if not isinstance(stored, bytes) or link(before, stored) != hashed:
            raise Tampered(f"{incident}: entry {seq} was altered")
        head = hashed
    return head
