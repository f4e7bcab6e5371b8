"""The guard-rails of a change of production: when nothing moves, what a target allows, and how much at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, time, timedelta
from enum import Enum, IntEnum, StrEnum
from typing import Any
from zoneinfo import ZoneInfo


class ActionClass(IntEnum):
    """How much a mitigation can hurt: 0 reads, 1 is reversible and small, 2 moves production traffic, 3 is wide."""

    READ = 0
    SMALL = 1
    TRAFFIC = 2
    WIDE = 3

    @property
    def said(self) -> str:
        """What such a change does, in words."""
        return ("only reads", "small, can be taken back", "moves production traffic", "wide or destructive")[self.value]


class Means(StrEnum):
    """The kinds of change."""

    ROLLBACK = "rollback"
    TRAFFIC = "traffic"
    BYPASS = "bypass"
    PAUSE = "pause"
    RETRAIN = "retrain"
    RESTART = "restart"

    @property
    def needs_hold(self) -> bool:
        """Bypass and pause take nothing away that an investigation could miss; the others wait for the evidence."""
        return self not in (Means.BYPASS, Means.PAUSE)


ON_CALL = "on-call"
"""The badge of those on call for the incident's service at the moment they act."""

MOVING = frozenset({ActionClass.TRAFFIC, ActionClass.WIDE})


def named(key: str) -> str:
    """The badge of one person, by their key in the configuration: `@ben`."""
    return f"@{key}"


def grouped(group: str) -> str:
    """The badge of everybody in a group: `group:platform`."""
    return f"group:{group}"


@dataclass(frozen=True, slots=True)
class Weekly:
    """A stretch of every week by the wall clocks of `zone`: from a weekday (0 is Monday) and time to another."""

    start_day: int
    start: time
    end_day: int
    end: time
    zone: str = "UTC"

    def until(self, at: datetime) -> datetime | None:
        """When the stretch that holds `at` ends; None where none does. Its first moment is in, its end is not.

        It begins when the wall clocks first show its start, or pass over it, and ends when they last show its end.
        """
        zone = ZoneInfo(self.zone)
        here = at.astimezone(zone)
        for back in range(9):  # it may have begun a week ago, and the clocks may have gone over midnight since
            day = here.date() - timedelta(days=back - 1)
            if day.weekday() != self.start_day:
                continue
            length = (self.end_day - self.start_day) % 7
            if length == 0 and self.end <= self.start:
                length = 7
            begins = _shown(datetime.combine(day, self.start), zone, last=False)
            ends = _shown(datetime.combine(day + timedelta(days=length), self.end), zone, last=True)
            if begins <= at < ends:
                return ends.astimezone(at.tzinfo)
        return None


def _shown(wall: datetime, zone: ZoneInfo, *, last: bool) -> datetime:
    """The moment (UTC) at which the wall clocks of a zone show that: the first or last one where it comes twice.

    Where clocks put forward pass over it, the moment they do.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    early, late = second, first  # the change lies between: PEP 495 reads a time in the gap by the hours on either side
    after = late.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        early, late = (early, middle) if middle.astimezone(zone).utcoffset() == after else (middle, late)
    return late


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing of these classes moves on these targets (every target where none is named)."""

    name: str
    because: str
    start: datetime | None = None
    end: datetime | None = None
    weekly: Weekly | None = None
    targets: frozenset[str] = frozenset()
    classes: frozenset[ActionClass] = MOVING

    def until(self, at: datetime) -> datetime | None:
        """Until when it holds at that moment; None where it does not."""
        if self.weekly is not None:
            return self.weekly.until(at)
        if self.start is not None and self.end is not None and self.start <= at < self.end:
            return self.end
        return None

    def covers(self, target: str, klass: ActionClass) -> bool:
        """Whether it is about changes of this class on this target."""
        return klass in self.classes and (not self.targets or target in self.targets)


@dataclass(frozen=True, slots=True)
class TargetRules:
    """What holds for one target in place of the house's rules; None leaves the house's rule standing."""

    allow: frozenset[Means] | None = None  # the kinds of change it may see at all
    propose: frozenset[str] | None = None
    approve: frozenset[str] | None = None
    quorum: int | None = None
    widest: float | None = None  # share of production, 0 to 1
    cool_down: timedelta | None = None
    automatic: frozenset[Means] = field(default_factory=frozenset)  # pre-approved where small and proved
    undo_itself: bool | None = None


def fingerprint(rules: object) -> str:
    """A short digest of rules: equal rules have the same one, in whatever order their sets are told."""
    told = json.dumps(_plain(rules), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(held) for key, held in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(_plain(each)) for each in value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str | int | float | bool | None):
        return value
    return str(value)  # dates and times, as ISO 8601
