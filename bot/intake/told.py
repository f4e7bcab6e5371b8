"""What one message tells of one alert, and the episode that makes of it: its service, its severity, its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain.alert import Alert
from bot.intake.cleaning import FUTURE
from bot.intake.sender import Sender

UNTITLED = "An alert"
UNKNOWN = 3
"""The severity of a word nobody mapped, and the worst an alert may have for a service its sender may not speak for."""


@dataclass(frozen=True, slots=True)
class Told:
    """One alert in one message. `starts` is None where such senders do not say since when; `over` that it ended.

    Without a title it has no words at all, and says only that it is over.
    """

    fingerprint: str
    starts: datetime | None
    over: bool
    ends: datetime | None
    title: str
    severity: str = ""
    service: str = ""
    text: str = ""
    url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    within: bool = False
    """Whether `starts` is merely a moment at which it fired."""
    ahead: bool = False
    """Whether it was told to start so far ahead that nobody believes it: it counts from when it was first heard of."""

    @property
    def open(self) -> bool:
        """Whether what is known of it decides which episode is meant."""
        return self.starts is None or self.within


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that could be read: its JSON, what its headers and address said beside it, and when it came."""

    document: Any
    now: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""
    """What the address says after the sender's name."""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reading:
    """What could be taken from a message, and one sentence for each alert that could not."""

    told: list[Told] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    quiet: str = ""
    """Why there is rightly nothing to keep: a test, an acknowledgement."""
    truncated: bool = False
    """The sender left alerts out of the message: they must be asked for."""


@dataclass(frozen=True, slots=True)
class Named:
    """A service and a severity; `unbound` says that the sender named a service that is not its own."""

    service: str
    severity: int
    unbound: bool = False


def named(sender: Sender, service: str, severity: str) -> Named:
    """The service and severity these words stand for, as far as this sender may say so.

    One that was bound to some services and names another speaks of none, and at most of a SEV3. One that may speak of
    all and names a service nobody catalogued keeps its severity: a gap in the catalogue is no reason to sleep.
    """
    grade = sender.severities.get(severity.lower(), UNKNOWN) if severity else UNKNOWN
    if not service:
        return Named(sender.default_service, grade)
    if service in sender.services:
        return Named(service, grade)
    return Named("", max(grade, UNKNOWN) if sender.bound else grade, unbound=True)


def placed(sender: Sender, told: Told, newest: Alert | None, now: datetime) -> tuple[Alert, bool] | None:
    """The episode this belongs to, and whether its service was not its sender's to name; None where there is none.

    Where the sender does not say since when, `newest` (the latest episode known) decides: while that fires, it is
    meant; after it ended, a new one begins. What ends without having begun is nothing.
    """
    starts = _start(told, newest, now)
    if starts is None:
        return None
    ends = max(_ended(told.ends, now), starts) if told.over else None
    if not told.title and newest is not None:  # a bare "it is over": the words stay those it began with
        return replace(newest, ends=ends), False
    who = named(sender, told.service, told.severity)
    alert = Alert(
        sender.name, told.fingerprint, starts, ends,
        told.title or UNTITLED, who.service, who.severity, told.text, told.url, told.labels,
    )  # fmt: skip
    return alert, who.unbound


def _start(told: Told, newest: Alert | None, now: datetime) -> datetime | None:
    if told.starts is None:
        if newest is not None and newest.ends is None:
            return newest.starts
        return None if told.over else now
    if told.within and newest is not None and (newest.ends is None or told.starts <= newest.ends):
        return newest.starts
    return told.starts


def believed(starts: datetime | None, now: datetime) -> tuple[datetime | None, bool]:
    """That start, and whether it lies too far ahead: then there is none, for a mistake in a time loses no alert."""
    ahead = starts is not None and starts > now + FUTURE
    return (None if ahead else starts), ahead


def _ended(ends: datetime | None, now: datetime) -> datetime:
    """When it was over: an end from next year would swallow all that begins until then."""
    return now if ends is None or ends > now + FUTURE else ends


def first(*words: str) -> str:
    """The first of them that says anything."""
    return next((each for each in words if each), "")
