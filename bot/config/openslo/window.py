"""OpenSLO's time window: a rolling length, or periods of a calendar in somebody's time zone."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.config.found import length, yes_or_no
from bot.config.marks import Page, Path, kind_of
from bot.slo.calendar import Calendar, Unit

_PERIOD = re.compile(r"(\d+)([a-zA-Z])")
_UNITS: dict[str, Unit] = {"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}
_MOST = 3660  # days, weeks, … in one period
_WINDOW = ("spec", "timeWindow")
_ONE = "one window: duration, and isRolling: true or a calendar"


def window(page: Page) -> tuple[timedelta, Calendar | None] | None:
    """The length of the window and its calendar; None where neither can be meant (told)."""
    held = page.get(*_WINDOW)
    if not isinstance(held, list) or len(held) != 1 or not isinstance(held[0], dict):
        many = isinstance(held, list) and len(held) > 1
        what = "timeWindow names several windows" if many else "timeWindow is no list of one window"
        page.complain(what, *_WINDOW, *((1,) if many else ()), expected=_ONE)
        return None
    here = (*_WINDOW, 0)
    page.known(here, "duration", "isRolling", "calendar")
    rolling = yes_or_no(page, *here, "isRolling")
    if rolling is None and held[0].get("isRolling") is not None:
        return None
    calendar = held[0].get("calendar") is not None
    if calendar and rolling:
        page.complain(
            "a calendar window does not roll", *here, "isRolling", expected="isRolling: false, or no calendar"
        )
        return None
    if calendar:
        return _calendar(page, here)
    if not rolling:
        page.complain("the window neither rolls nor has a calendar", *here, expected="isRolling: true or a calendar")
        return None
    rolled = length(page, *here, "duration", expected="such as 30d, 4w or 1h; months and years roll as days")
    return (rolled, None) if rolled is not None else None


def _calendar(page: Page, here: Path) -> tuple[timedelta, Calendar] | None:
    if not page.known((*here, "calendar"), "startTime", "timeZone"):
        return None
    period, start, zone = _period(page, (*here, "duration")), _start(page, here), _zone(page, here)
    if period is None or start is None or zone is None:
        return None
    calendar = Calendar(period[1], period[0], start, zone)
    return calendar.nominal, calendar


def _period(page: Page, path: Path) -> tuple[int, Unit] | None:
    text = page.text(*path)
    found = _PERIOD.fullmatch(text.strip())
    if text and (found is None or found[2] not in _UNITS or not 0 < int(found[1]) <= _MOST):
        minutes = found is not None and found[2] == "m"
        what = f"{text!r} is no period of a calendar"
        hint = f" ({text} is minutes; a month is 1M)" if minutes else ""
        page.complain(what + hint, *path, expected="whole days, weeks, months, quarters or years: 1d, 1w, 1M, 1Q, 1Y")
        return None
    return (int(found[1]), _UNITS[found[2]]) if found is not None else None


def _start(page: Page, here: Path) -> datetime | None:
    path = (*here, "calendar", "startTime")
    held = page.get(*path)
    if isinstance(held, str):
        try:
            held = datetime.fromisoformat(held.strip())
        except ValueError:
            held = page.text(*path)
    if isinstance(held, date) and not isinstance(held, datetime):
        held = datetime(held.year, held.month, held.day)  # noqa: DTZ001 - a wall-clock time; its zone stands beside it
    if isinstance(held, datetime) and held.tzinfo is None:
        return held
    what = "startTime has a zone of its own" if isinstance(held, datetime) else f"startTime is {kind_of(held)}"
    page.complain(what, *path, expected="a date and time without a zone, such as 2026-01-01 00:00:00")
    return None


def _zone(page: Page, here: Path) -> str | None:
    path = (*here, "calendar", "timeZone")
    name = page.text(*path)
    if not name:
        return None
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        page.complain(f"there is no time zone {name!r}", *path, expected="an IANA name such as Europe/Berlin")
        return None
    return name
