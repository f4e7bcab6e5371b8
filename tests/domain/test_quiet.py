"""Quiet hours by the clock of a zone, over midnight and over the change of clocks."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.domain.quiet import QuietHours

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT, SIESTA = QuietHours(time(22), time(7)), QuietHours(time(13), time(15))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        (NIGHT, "2026-11-20 20:59", None),
        (NIGHT, "2026-11-20 21:00", "2026-11-21 06:00"),
        (NIGHT, "2026-11-21 05:59", "2026-11-21 06:00"),
        (NIGHT, "2026-11-21 06:00", None),
        (NIGHT, "2026-03-28 23:00", "2026-03-29 05:00"),  # the clocks go forward in that night
        (NIGHT, "2026-10-24 22:00", "2026-10-25 06:00"),  # and back in this one
        (SIESTA, "2026-11-20 11:59", None),
        (SIESTA, "2026-11-20 12:00", "2026-11-20 14:00"),
        (SIESTA, "2026-11-20 14:00", None),
    ],
)
def test_until_when_it_is_quiet(hours: QuietHours, at: str, until: str | None) -> None:
    """Seven o'clock is seven o'clock there, whatever the clocks did in the night."""
    assert hours.ends(utc(at), BERLIN) == (utc(until) if until else None)
