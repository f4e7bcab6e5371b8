"""One's shifts as a calendar shows them: each with a name that stays the same, a month back and three ahead."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.engine.roster import AROUND, Roster, Stint
from bot.engine.values import Profile

BACK, AHEAD = timedelta(days=30), timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event; `uid` is the same for as long as it is the same shift."""

    uid: str
    start: datetime
    end: datetime
    title: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """What an application subscribes to; `stamp` is the day's: an unchanged calendar is the same bytes."""

    name: str
    entries: tuple[Entry, ...]
    stamp: datetime


async def of_person(roster: Roster, person: Profile, now: datetime) -> Calendar:
    """Everything one person is on call for, covers included."""
    found: list[Entry] = []
    for rota in roster.plans.names:
        title = roster.plans.title(rota)
        found += [_entry(each, f"On call: {title}", now) for each in await _shown(roster, rota, now, person.key)]
    return _calendar(f"On call: {person.name}", found, now)


async def of_rota(roster: Roster, rota: str, now: datetime) -> Calendar:
    """Everybody's shifts by one rota. Raises NotFound."""
    title = roster.plans.title(rota)
    found = [_entry(each, f"{each.name}: {title}", now) for each in await _shown(roster, rota, now)]
    return _calendar(f"On call: {title}", found, now)


async def _shown(roster: Roster, rota: str, now: datetime, key: str = "") -> list[Stint]:
    """Whole shifts that touch the time that is shown: cut at its edge they would be other ones every day."""
    start, end = now - BACK, now + AHEAD
    found = await roster.shifts(rota, start - AROUND, end + AROUND)
    return [each for each in found if each.start < end and start < each.end and key in {"", each.key}]


def _entry(stint: Stint, title: str, now: datetime) -> Entry:
    begun = "" if stint.start <= now - BACK - AROUND else stint.start.isoformat()  # on call for as long as one looks
    name = hashlib.sha256(f"{stint.rota}\n{stint.key}\n{begun}".encode()).hexdigest()[:32]
    note = f"Covers {stint.instead_of}." if stint.instead_of else ""
    return Entry(f"{name}@tocsin", stint.start, stint.end, title, note)


def _calendar(name: str, entries: Iterable[Entry], now: datetime) -> Calendar:
    stamp = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Calendar(name, tuple(sorted(entries, key=lambda each: (each.start, each.uid))), stamp)
