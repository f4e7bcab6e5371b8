"""What people say about an incident and the signs they put on it, as values that the chat and the store share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Saying:
    """One message of a person (or another app), as its author wrote it last, in the chat's own notation.

    `author` is an opaque id, "" where the directory does not know the account `user`; `incident` is "" until somebody
    says which one is meant.
    """

    incident: str
    channel: str
    ts: str
    thread_ts: str
    author: str
    user: str
    text: str
    at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def said(self) -> str:
        """The message's key, under which the log knows what was kept of it."""
        return f"{self.channel}/{self.ts}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign a person put on a message (or took off it again), and when: an emoji's name, or `menu:finding`."""

    channel: str
    ts: str
    person: str
    sign: str
    stands: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Spoken:
    """How much was said about an incident, and by how many people."""

    messages: int
    people: int
