"""Reads an iCalendar text: who is on call in which hours, by the recurrence, exceptions and zones of RFC 5545."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.errors import Unavailable
from bot.oncall._asked import MOST
from bot.rota.rota import Shift

WHAT = "the calendar"
EVENTS = 5_000
"""Events of a calendar that are read, a series being one."""
OFTEN = 24
"""How many times a day one event may repeat."""
_MARGIN = timedelta(days=2)  # whatever zone an event is in, it lies within this of the time asked for
_ABSENT = frozenset({"NON-PARTICIPANT"})


def complete(text: str) -> None:
    """It is a calendar from its beginning to its end: a feed cut off would take people off call. Raises Unavailable."""
    if not text.strip():
        raise Unavailable(WHAT, "answered nothing")
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        raise Unavailable(WHAT, "answered something that is no iCalendar")
    if not text.rstrip().upper().endswith("END:VCALENDAR"):
        raise Unavailable(WHAT, "was cut off before its end")


def read(text: str) -> list[Any]:
    """The calendars of a feed. Raises Unavailable where it cannot be read, or holds more than is read."""
    import icalendar

    try:
        found = list(icalendar.Calendar.from_ical(text, multiple=True))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as wrong:
        raise Unavailable(WHAT, f"cannot be read ({type(wrong).__name__})") from None
    events = [event for calendar in found for event in calendar.walk("VEVENT")]
    if len(events) > EVENTS:
        raise Unavailable(WHAT, f"holds more than {EVENTS} events")
    for event in events:
        _modest(event)
    return found


def _modest(event: Any) -> None:
    """No rule repeats by the minute: expanding a year of it would hold us up. Raises Unavailable."""
    rules = event.get("RRULE") or []
    for rule in rules if isinstance(rules, list) else [rules]:
        often = str((rule.get("FREQ") or ["DAILY"])[0]).upper()
        times = 1
        for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            times *= max(1, len(rule.get(name) or ()))
        if often in {"SECONDLY", "MINUTELY"} or times > OFTEN or (often == "HOURLY" and times > 1):
            raise Unavailable(WHAT, f"repeats an event more often than {OFTEN} times a day")


def shifts(
    calendars: list[Any], start: datetime, end: datetime, zone: str, person: str, pattern: re.Pattern[str] | None
) -> Iterator[Shift]:
    """Everybody's hours that touch that time; `zone` is that of times which name none, unless the feed says its own.

    `person` is `attendee`, `summary` or `auto` (attendees where an event has any). Raises Unavailable.
    """
    from recurring_ical_events import of

    count = 0
    for calendar in calendars:
        here = _zone(calendar, zone)
        try:
            found = of(calendar).between(start - _MARGIN, end + _MARGIN)
        except Exception as wrong:  # noqa: BLE001 - whatever the library makes of such an event, it is the feed's fault
            raise Unavailable(WHAT, f"has an event that cannot be read ({type(wrong).__name__})") from None
        count += len(found)
        if count > MOST:
            raise Unavailable(WHAT, f"tells more than {MOST} shifts")
        for event in found:
            if str(event.get("STATUS", "")).upper() == "CANCELLED":
                continue
            since, until = _instant(event["DTSTART"].dt, here), _instant(event["DTEND"].dt, here)
            title = " ".join(str(event.get("SUMMARY", "")).split())
            for one in _people(event, title, person, pattern):
                yield Shift(one, since, until, title[:80])


def _zone(calendar: Any, given: str) -> tzinfo:
    """The zone of floating times and of whole days."""
    own = str(calendar.get("X-WR-TIMEZONE", "") or "")
    for name in filter(None, (own, given)):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            continue
    return UTC


def _instant(told: date | datetime, zone: tzinfo) -> datetime:
    """A day begins at midnight there; a time without a zone is by the clocks there."""
    if not isinstance(told, datetime):
        told = datetime(told.year, told.month, told.day, tzinfo=zone)
    return (told if told.tzinfo is not None else told.replace(tzinfo=zone)).astimezone(UTC)


def _people(event: Any, title: str, person: str, pattern: re.Pattern[str] | None) -> list[str]:
    if person != "summary":
        told = event.get("ATTENDEE") or []
        asked = [mail for each in (told if isinstance(told, list) else [told]) if (mail := _attendee(each))]
        if asked or person == "attendee":
            return list(dict.fromkeys(asked))
    if pattern is not None:
        found = pattern.search(title)
        title = "" if found is None else (found.group(1) if pattern.groups else found.group(0)) or ""
    return [title.strip()] if title.strip() else []


def _attendee(told: Any) -> str:
    """The mail address of an attendee who comes; "" of a room, or of somebody who said no."""
    params: Mapping[str, str] = getattr(told, "params", {})
    if str(params.get("PARTSTAT", "")).upper() == "DECLINED" or str(params.get("ROLE", "")).upper() in _ABSENT:
        return ""
    if str(params.get("CUTYPE", "INDIVIDUAL")).upper() in {"ROOM", "RESOURCE"}:
        return ""
    address = re.sub(r"(?i)^mailto:", "", str(told)).strip()
    return address if "@" in address else str(params.get("CN", "")).strip()
