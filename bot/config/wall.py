"""Wall-clock times as people write them in rotas: moments, hours and weekdays, without an offset.

YAML reads some of them as something else: 9:00 without quotes is the number 540, counted in sixties. Those are refused,
because nobody can tell what was meant.
"""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.config.marks import Page, kind_of

MOMENT = "a wall-clock time such as 2026-01-05 09:00"
CLOCK = 'a time in quotes, such as "09:00"'
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
YEARS = range(1980, 2200)

_MOMENT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?")
_OFFSET = re.compile(r"[\d ](?:Z|[+-]\d{2}:?\d{0,2})$")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_DAY_END = timedelta(days=1)


def zone(page: Page, *path: str | int, required: bool = True) -> str:
    """The time zone at `path`; complains where there is none of that name, and "" then."""
    name = page.text(*path) if required or page.get(*path) is not None else ""
    if not name:
        return ""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        page.complain(f"there is no time zone {name!r}", *path, expected="an IANA name such as Europe/Berlin")
        return ""
    return name


def moment(page: Page, *path: str | int) -> datetime | None:
    """The day and time at `path`, without an offset; None where that is complained about."""
    value = page.get(*path)
    if isinstance(value, str):
        value = _parsed(page, value, *path)
        if value is None:
            return None
    if not isinstance(value, datetime):
        what = "is missing" if value is None else "is a day without a time" if isinstance(value, date) else "is no time"
        page.complain(f"{path[-1]} {what}", *path, expected=MOMENT)
        return None
    if value.tzinfo is not None:
        page.complain(f"{path[-1]} has an offset, and a rota goes by the clocks of its zone", *path, expected=MOMENT)
        return None
    if value.year not in YEARS:
        page.complain(f"{value.date()} is no day anybody plans for", *path, expected=MOMENT)
        return None
    return value.replace(microsecond=0)


def clock(page: Page, *path: str | int, end: bool = False) -> time | None:
    """The time of day at `path`; at an end 24:00 is the next day's 00:00. None where that is complained about."""
    value = page.get(*path)
    if isinstance(value, str) and (end or not value.strip().startswith("24")):
        return of_day(page, value, *path)
    if isinstance(value, str):
        page.complain("no day begins at 24:00", *path, expected='"00:00" of the next day')
        return None
    page.complain(f"{path[-1]} {_odd(value)}", *path, expected=CLOCK)
    return None


def of_day(page: Page, text: str, *path: str | int) -> time | None:
    """The time of day that `text`, which stands at `path`, says."""
    found = _CLOCK.fullmatch(text.strip())
    if found is not None:
        hour, minute = int(found[1]), int(found[2])
        if timedelta(hours=hour, minutes=minute) <= _DAY_END and minute < 60:  # noqa: PLR2004 - minutes of an hour
            return time(hour % 24, minute)
    page.complain(f"{text.strip()!r} is no time of day", *path, expected=CLOCK)
    return None


def of_week(page: Page, *path: str | int) -> tuple[int, time] | None:
    """The weekday and time at `path`, as in `fri 17:00`; None where that is complained about."""
    value = page.get(*path)
    expected = "a weekday and a time, such as fri 17:00"
    if not isinstance(value, str):
        page.complain(f"{path[-1]} {_odd(value)}", *path, expected=expected)
        return None
    day, _, rest = value.strip().partition(" ")
    number = _day(day)
    if number is None or not _CLOCK.fullmatch(rest.strip()):
        page.complain(f"{value.strip()!r} is no time of the week", *path, expected=expected)
        return None
    at = of_day(page, rest, *path)
    if at is None:
        return None
    return (number + 1) % 7 if rest.strip().startswith("24") else number, at


def weekdays(page: Page, *path: str | int) -> tuple[int, ...]:
    """The days at `path`, as in `mon-fri`, `sat, sun` or a list; empty where that is complained about."""
    value = page.get(*path)
    parts = value.split(",") if isinstance(value, str) else value
    expected = "weekdays, such as mon-fri or [sat, sun]"
    if not isinstance(parts, list) or not parts:
        page.complain(f"{path[-1]} is {kind_of(value)}", *path, expected=expected)
        return ()
    found: list[int] = []
    for part in parts:
        first, dash, last = str(part).partition("-") if isinstance(part, str) else ("", "", "")
        since, until = _day(first), _day(last) if dash else _day(first)
        if since is None or until is None:
            page.complain(f"{part!r} is no weekday", *path, expected=expected)
            return ()
        found += [day % 7 for day in range(since, until + 1 if until >= since else until + 8)]
    return tuple(dict.fromkeys(found))


def _parsed(page: Page, text: str, *path: str | int) -> datetime | None:
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        if _OFFSET.search(text.strip()) and ":" in text:
            what = f"{text.strip()!r} has an offset, and a rota goes by the clocks of its zone"
        else:
            what = f"{text.strip()!r} is no time"
        page.complain(what, *path, expected=MOMENT)
        return None
    try:
        return datetime(*(int(part) for part in found.groups(default="0")))  # type: ignore[arg-type]  # noqa: DTZ001 - wall
    except ValueError as wrong:
        page.complain(f"{text.strip()!r} is no time: {wrong}", *path, expected=MOMENT)
        return None


def _day(text: str) -> int | None:
    name = text.strip().lower()
    if name in DAYS:
        return DAYS.index(name)
    return WHOLE.index(name) if name in WHOLE else None


def _odd(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"was read as the number {value}: without quotes YAML takes a time for one"
    return "is missing" if value is None else f"is {kind_of(value)}"
