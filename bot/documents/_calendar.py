"""Writes a calendar as iCalendar (RFC 5545): times in UTC, so that no zone has to be told, and the same bytes again."""

from __future__ import annotations

from datetime import timedelta

from icalendar import Calendar as Written
from icalendar import Event

from bot.engine.calendar import Calendar

MEDIA_TYPE = "text/calendar; charset=utf-8"
ASK_AGAIN = timedelta(hours=1)


def write(calendar: Calendar) -> bytes:
    """The feed; it asks to be fetched again within the hour (RFC 7986, and as Outlook reads it)."""
    made = Written()
    made.add("prodid", "-//Tocsin//On call//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("name", calendar.name)
    made.add("x-wr-calname", calendar.name)
    made.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT1H")
    for each in calendar.entries:
        event = Event()
        event.add("uid", each.uid)
        event.add("dtstamp", calendar.stamp)
        event.add("dtstart", each.start)
        event.add("dtend", each.end)
        event.add("summary", each.title)
        if each.note:
            event.add("description", each.note)
        event.add("transp", "TRANSPARENT")  # being on call is not being busy
        made.add_component(event)
    found: bytes = made.to_ical()
    return found
