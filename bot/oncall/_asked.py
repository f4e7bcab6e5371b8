"""What every schedule that is kept elsewhere is read with: moments, pieces of time, and shifts in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.errors import Unavailable
from bot.rota.rota import Shift

MOST = 20_000
"""Shifts of one schedule in one answer; more are a mistake there, not people on call."""


def moment(told: Any, what: str) -> datetime:
    """An ISO 8601 time with its offset, in UTC. Raises Unavailable."""
    try:
        at = datetime.fromisoformat(str(told))
        known = at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        known = None
    if known is None:
        raise Unavailable(what, f"tells a time that is none: {str(told)[:40]!r}")
    return known


def written(at: datetime) -> str:
    """As these systems read it: whole seconds, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def pieces(start: datetime, end: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
    """The time from `start` to `end` in stretches of at most so many days."""
    while start < end:
        until = min(start + timedelta(days=days), end)
        yield start, until
        start = until


def in_order(shifts: Iterable[Shift], start: datetime, end: datetime, what: str) -> tuple[Shift, ...]:
    """The shifts within that time, earliest first; one person's that touch or overlap are one.

    Raises Unavailable where there are more than anybody could mean.
    """
    open_by: dict[str, Shift] = {}
    found: list[Shift] = []
    cut = (Shift(s.person, max(s.start, start), min(s.end, end), s.because) for s in shifts)
    within = [s for s in cut if s.person and s.start < s.end]
    if len(within) > MOST:
        raise Unavailable(what, f"tells more than {MOST} shifts")
    for each in sorted(within, key=lambda s: (s.start, s.end)):
        last = open_by.get(each.person)
        if last is not None and each.start <= last.end:
            open_by[each.person] = Shift(each.person, last.start, max(last.end, each.end), last.because)
            continue
        if last is not None:
            found.append(last)
        open_by[each.person] = each
    return tuple(sorted([*found, *open_by.values()], key=lambda s: (s.start, s.person)))
