"""Quiet hours: in which hours of their own clock people are not woken for what can wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day to another, over midnight where the second comes first; `severities` are those held."""

    since: time
    until: time
    severities: frozenset[int] = frozenset({3, 4})

    def ends(self, at: datetime, zone: tzinfo) -> datetime | None:
        """Until when it is quiet for somebody whose clock is that zone's; None where it is not quiet now."""
        there = at.astimezone(zone)
        clock, over_midnight = there.time(), self.until <= self.since
        if over_midnight and clock >= self.since:
            day = there.date() + timedelta(days=1)
        elif clock < self.until and (over_midnight or clock >= self.since):
            day = there.date()
        else:
            return None
        return datetime.combine(day, self.until, zone).astimezone(UTC)
