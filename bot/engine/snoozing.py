"""Putting a reminder off: what it spoke of comes again in a quarter of an hour, in every incident it named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.incident import Incident
from bot.domain.reminder import PutOff, Reminded, waits
from bot.engine.desk import Desk
from bot.engine.values import Profile

SNOOZE = timedelta(minutes=15)
"""How long a reminder that was put off stays away."""


@dataclass(frozen=True, slots=True)
class Snoozed:
    """What became of it: put off now (`done`), away already until `until`, or nothing that could be (`named`: why)."""

    done: bool = False
    until: datetime | None = None
    named: bool = False
    """Whether the reminder is the last one they had: then all that it named is settled, else a newer one came."""


def pending(incident: Incident, person: str, now: datetime) -> tuple[str, ...]:
    """The marks of what a person was last reminded of here that still waits and is not put off."""
    known, waiting = _left(incident, person)
    return () if not known.key or _away(known, waiting, now) is not None else waiting


def _left(incident: Incident, person: str) -> tuple[Reminded, tuple[str, ...]]:
    """What is known of a person's reminders here, and the marks of the last one that still wait."""
    known = incident.reminded.get(person, Reminded())
    return known, tuple(mark for mark in sorted(known.latest) if waits(incident, person, mark))


def _away(known: Reminded, waiting: tuple[str, ...], now: datetime) -> datetime | None:
    """Until when these marks are put off already; None where they are not."""
    away = waiting and known.until is not None and known.until > now and not known.marks.intersection(waiting)
    return known.until if away else None


async def snooze(desk: Desk, incident: str, who: Profile, *, key: str = "", inbound: str = "") -> Snoozed | None:
    """Put off one's reminder of that `key`, "" being the last one of this incident; None where there was none.

    Raises Refused, Unavailable, Conflict.
    """
    log, now = desk.log, desk.clock.now()
    key = key or (await log.load(incident)).reminded.get(who.id, Reminded()).key
    if not key:
        return None
    again, quiet, named = {}, None, False
    for name in dict.fromkeys((incident, *await log.open_ids(), *await log.promised(who.id))):
        one = await desk.handler.legible.one(name)
        if one is None:
            continue
        known, waiting = _left(one, who.id)
        if known.key != key:
            continue
        named = True
        if (until := _away(known, waiting, now)) is not None:
            quiet = until
        elif waiting:
            again[name] = waiting
    for name, marks in again.items():
        put_off = PutOff(who.id, now + SNOOZE, "they asked", marks)
        await desk.submit(name, put_off, who, inbound=f"{inbound}#{name}" if inbound and name != incident else inbound)
    return Snoozed(done=bool(again), until=now + SNOOZE if again else quiet, named=named)
