"""What goes through the doors: the values that ports take and give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.guard import grouped, named
from bot.domain.policy import Person, Role
from bot.domain.reminder import Matter
from bot.domain.service import Service
from bot.engine.situation import Situation


@dataclass(frozen=True, slots=True)
class Received:
    """What an inbound id led to: the incident it concerned ("" for none), or the words it was refused with."""

    incident: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """One incident as lists show it."""

    id: str
    title: str
    phase: str
    severity: int
    service: str
    slice: str
    restricted: bool
    declared: datetime
    onset: datetime
    detected: datetime
    acknowledged: datetime | None
    mitigated: datetime | None
    resolved: datetime | None
    cause: str
    corrected: str = ""  # the times that people set right, by name
    left_out: str = ""  # why it counts in no average: "merged", "withdrawn", "storm" for a child without a card


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as the organisation knows them; `id` is opaque and the only part the log holds."""

    id: str
    key: str  # the name used in configuration
    name: str
    roles: frozenset[Role]
    slack_team: str = ""
    slack_user: str = ""
    email: str = ""
    groups: frozenset[str] = frozenset()  # by name, as the configuration writes them

    @property
    def person(self) -> Person:
        """What the rules see of them; who is on call is known at the desk."""
        return Person(self.id, self.roles, frozenset({named(self.key), *map(grouped, self.groups)}))


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A piece of evidence kept with an incident: bytes with a name, a media type and the SHA-256 of its content."""

    id: str
    incident: str
    name: str
    media_type: str
    sha256: str
    at: datetime
    content: bytes = b""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry of the log as it lies in the database: the very bytes its hash covers."""

    seq: int
    before: str
    hash: str
    stored: bytes


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text the entries hold only the hash of, with its salt; both are None where it was erased."""

    ref: str
    seq: int
    salt: bytes | None
    text: bytes | None


@dataclass(frozen=True, slots=True)
class Chain:
    """The log of one incident without anything decoded: enough to prove it to somebody who does not run Tocsin."""

    entries: tuple[Stored, ...]
    texts: tuple[StoredText, ...]


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as it stands in the chat: which surface of which incident, where, and a hash of what it shows."""

    incident: str
    surface: str
    channel: str
    ts: str
    shown: str
    state: str  # sending, posted, gone, over (stands, and is not brought up to date any more)
    attempt: int
    at: datetime


class Seen(StrEnum):
    """What a target shows of a key; `moving`: it took it and is on its way there."""

    APPLIED = "applied"
    MOVING = "moving"
    NOT_APPLIED = "not_applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a target shows of one plan and key, in a sentence; not `answered` where it was silent."""

    seen: Seen
    detail: str
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """What evidence is asked for: this incident's service and slice, over this stretch of time."""

    incident: str
    service: Service
    slice: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """One thing an instrument found. `bears` moves hypotheses: (cause, log-odds), positive for, negative against."""

    text: str
    bears: tuple[tuple[str, float], ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """An instrument's answer: findings, and exhibits (name, media type, content) worth keeping."""

    findings: tuple[Found, ...] = ()
    exhibits: tuple[tuple[str, str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one person in one incident."""

    situation: Situation
    matters: tuple[Matter, ...]
