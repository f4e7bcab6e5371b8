"""A time as people type it, by their own clock: `09:00`, `tomorrow 9:00`, `fri 17:00`, `2026-12-01 09:00`."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.errors import Refused
from bot.rota.wallclock import instant, reading

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(?i)(?:(today|tomorrow|[a-z]{3,9})\s+)?(\d{1,2})[:.](\d\d)\Z")
_WITH_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)?)?\Z")
EXAMPLES = "such as 17:00, tomorrow 9:00, fri 17:00, 2026-12-01 09:00 or 2026-12-01T09:00+01:00"
YEARS = range(2000, 2100)


def typed(words: str, now: datetime, zone: ZoneInfo) -> datetime:
    """That time (UTC): with an offset as it is, else by the clocks of `zone`. Raises Refused.

    A time of day without a day is the next one to come; a day without a time is its beginning.
    """
    text = " ".join(words.split()).strip("`")
    if text.casefold() == "now":
        return now
    try:
        wall = _wall(text, reading(now, zone))
    except ValueError:
        wall = None
    if wall is None or wall.year not in YEARS:
        raise Refused(f"“{text[:60]}” is no time; write one {EXAMPLES}")
    return instant(wall, zone).astimezone(UTC)


def _wall(text: str, here: datetime) -> datetime | None:
    """What the clocks read then, or an instant where an offset is named. Raises ValueError."""
    if _WITH_DAY.match(text):
        return datetime.fromisoformat(text.replace(" ", "T"))
    found = _CLOCK.match(text)
    return _next(found[1] or "", time(int(found[2]), int(found[3])), here) if found else None


def _next(day: str, at: time, here: datetime) -> datetime:
    """When the clocks next read so. Raises ValueError for a day that is none."""
    today, named = here.date(), day.casefold()
    if not named:
        wall = datetime.combine(today, at)
        return wall if wall >= here.replace(second=0, microsecond=0) else wall + timedelta(days=1)
    return datetime.combine(_day(named, today), at)


def _day(named: str, today: date) -> date:
    if named in ("today", "tomorrow"):
        return today + timedelta(days=named == "tomorrow")
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    number = next((n for n, one in enumerate(full) if one.startswith(named) and named[:3] in DAYS), None)
    if number is None:
        raise ValueError(named)
    return today + timedelta(days=(number - today.weekday()) % 7)
