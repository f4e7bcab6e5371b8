"""The record as an auditor looks at it: entry by entry across all incidents, with hashes and without people's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from bot.domain.errors import Refused

MOST = 1_000
"""Entries in one answer."""


@dataclass(frozen=True, slots=True)
class Written:
    """One entry of the record. `cause` is the inbound message it came of; `changed` a time that was set right."""

    incident: str
    seq: int
    at: datetime
    by: str
    name: str
    cause: str
    before: str
    hash: str
    changed: tuple[str, str, str] = ("", "", "")  # which moment, what it was, what it is


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; everything left out is any. `start` belongs to it, `end` does not.

    Entries of restricted incidents are in no answer but that of an administrator (`all_incidents`), or of somebody
    who names the incident and was let in to it.
    """

    by: str = ""
    name: str = ""
    incident: str = ""
    start: datetime | None = None
    end: datetime | None = None
    all_incidents: bool = False


@dataclass(frozen=True, slots=True)
class Pageful:
    """Entries, the newest first. `next` goes on from there, "" at the end; `back_to` is how far was looked."""

    entries: tuple[Written, ...]
    next: str = ""
    back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """Words or files of one incident that were erased at one time, and how many."""

    incident: str
    what: str
    at: datetime
    count: int


class Record(Protocol):
    """The record below the incidents. All of it may raise Unavailable."""

    async def ids(self) -> list[str]:
        """Every incident there ever was, in the order of declaration."""

    async def size(self) -> int:
        """How many entries there are."""

    async def walk(self, incident: str) -> str:
        """Verify one chain and give its head; nothing that is at hand is let go of. Raises Tampered."""

    async def search(self, wanted: Wanted, *, after: str = "", limit: int = 100) -> Pageful:
        """The newest entries of that kind before `after`, looking at a bounded stretch. Raises Refused."""

    async def erased(self, *, all_incidents: bool = False, limit: int = 100) -> Sequence[Erased]:
        """What was erased, the latest first."""


def cursor(entry: Written) -> str:
    """Where an answer that ended with this entry goes on."""
    return f"{entry.at.astimezone(UTC).isoformat()}~{entry.seq}~{entry.incident}"


def place(after: str) -> tuple[datetime, str, int]:
    """(time, incident, number) of a cursor. Raises Refused for one that was never given."""
    parts = after.split("~", 2)
    try:
        at, seq, incident = datetime.fromisoformat(parts[0]), int(parts[1]), parts[2]
    except (ValueError, IndexError):
        raise Refused("that place in the record was never given: search again from its newest entry") from None
    if at.tzinfo is None or not 0 < seq < 2**31:
        raise Refused("that place in the record was never given: search again from its newest entry")
    return at, incident, seq
