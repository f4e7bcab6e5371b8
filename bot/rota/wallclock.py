"""Wall-clock time and instants: what a clock in a zone reads, and when it first reads a given time.

A time the clocks leap over is the instant right after the leap; a time they read twice is the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def reading(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of a zone read at an instant."""
    return at.astimezone(zone).replace(tzinfo=None)


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks of a zone first read this time, or a later one. A time with an offset is that instant."""
    if wall.tzinfo is not None:
        return wall.astimezone(UTC)
    there = wall.replace(tzinfo=zone)
    early, late = _offset(there), _offset(there.replace(fold=1))
    if early < late:  # leapt over: `early` holds before the leap, `late` after it
        whole = wall.replace(microsecond=0)
        return _leap(_utc(whole - late), _utc(whole - early), zone)
    return _utc(wall - early)


@dataclass(frozen=True, slots=True)
class Change:
    """The clocks of a zone are put forward or back at `at`, from one offset to UTC to another."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def by(self) -> timedelta:
        """How far they are put forward; negative is back."""
        return self.after - self.before

    @property
    def odd(self) -> tuple[datetime, datetime]:
        """The readings between these two, the last not included, are left out (forward) or come twice (back)."""
        plain = self.at.replace(tzinfo=None)
        one, other = plain + self.before, plain + self.after
        return min(one, other), max(one, other)


def changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Change]:
    """The clock changes at or after `start` and before `end`, in order."""
    for year in range(start.astimezone(UTC).year, end.astimezone(UTC).year + 1):
        for change in _of_year(zone.key, year):
            if start <= change.at < end:
                yield change


@lru_cache(maxsize=512)
def _of_year(key: str, year: int) -> tuple[Change, ...]:
    zone, found = ZoneInfo(key), list[Change]()
    at, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    offset = _offset(at.astimezone(zone))
    while at < last:
        then = _offset((at + _DAY).astimezone(zone))
        if then != offset:
            found.append(Change(_leap(at, at + _DAY, zone), offset, then))
        at, offset = at + _DAY, then
    return tuple(found)


def _leap(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first second after `low`, up to `high`, of another offset than at `low`."""
    before = _offset(low.astimezone(zone))
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if _offset(middle.astimezone(zone)) == before:
            low = middle
        else:
            high = middle
    return high


def _utc(plain: datetime) -> datetime:
    return plain.replace(tzinfo=UTC)


def _offset(there: datetime) -> timedelta:
    return there.utcoffset() or timedelta(0)
