"""Schedules that are kept elsewhere, as they were last told: a provider that is silent leaves nobody off call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.domain.errors import RateLimited, TocsinError, Unavailable
from bot.engine.ports import Checkpoints
from bot.engine.roster_ports import Schedule
from bot.rota.rota import Shift
from bot.telemetry import log as logger

EVERY = timedelta(minutes=5)
BACK, AHEAD = timedelta(days=31), timedelta(days=93)
"""How much of a schedule is known: a month of the past for calendars, three of what comes for a long silence."""
WITHIN = 60.0
"""Seconds one provider may take; the others do not wait for it."""
SAVED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Told:
    """The last answer of a provider: `at` is when it was given, `start` and `end` what it was asked for."""

    shifts: tuple[Shift, ...]
    start: datetime
    end: datetime
    at: datetime


@dataclass(slots=True)
class _Door:
    schedule: Schedule
    told: Told | None = None
    trouble: str = ""
    since: datetime | None = None  # of the trouble
    next: datetime | None = None
    saved: datetime | None = None


@dataclass
class Schedules:
    """Every schedule kept elsewhere, by the name of its rota."""

    doors: Mapping[str, Schedule]
    checkpoints: Checkpoints | None
    clock: Clock
    _held: dict[str, _Door] = field(init=False)

    def __post_init__(self) -> None:
        self._held = {name: _Door(schedule) for name, schedule in self.doors.items()}

    def told(self, name: str) -> Told | None:
        """What is known of it; None where it never answered."""
        held = self._held.get(name)
        return held.told if held else None

    def trouble(self, name: str) -> tuple[str, datetime | None]:
        """Why its provider does not answer, and since when; ("", None) where it does."""
        held = self._held.get(name)
        return (held.trouble, held.since) if held else ("", None)

    async def restore(self) -> None:
        """Take up what was known before the restart. Never raises: then the providers are asked."""
        if self.checkpoints is None or not self._held:
            return
        try:
            found = await self.checkpoints.load([_name(each) for each in self._held])
        except TocsinError as error:
            logger().warning("what schedules said before the start is not known", because=str(error))
            return
        for name, held in self._held.items():
            document = found.get(_name(name))
            if document is None:
                continue
            try:
                held.told = _read(document)
                held.saved = held.told.at
            except (KeyError, TypeError, ValueError):
                logger().warning("what a schedule said before the start cannot be read", rota=name)

    async def refresh(self) -> bool:
        """Ask every provider whose time has come, all at once; whether anything is known anew. Never raises."""
        now = self.clock.now()
        due = [name for name, held in self._held.items() if held.next is None or held.next <= now]
        return any(await asyncio.gather(*(self._ask(name, now) for name in due)))

    async def _ask(self, name: str, now: datetime) -> bool:
        held = self._held[name]
        held.next = now + EVERY
        start, end = now - BACK, now + AHEAD
        try:
            async with asyncio.timeout(WITHIN):
                found: Sequence[Shift] = await held.schedule.shifts(start, end)
        except RateLimited as busy:
            held.next = now + max(EVERY, timedelta(seconds=busy.retry_after))
            self._failed(name, held, str(busy), now)
        except TimeoutError:
            self._failed(name, held, f"did not answer within {WITHIN:g} s", now)
        except TocsinError as error:
            self._failed(name, held, str(error), now)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one provider, its last answer stands
            logger().error("a schedule broke", rota=name, error=repr(error))
            self._failed(name, held, type(error).__name__, now)
        else:
            before, held.told = held.told, Told(tuple(found), start, end, now)
            if held.trouble:
                logger().info("a schedule answers again", rota=name)
            held.trouble, held.since = "", None
            changed = before is None or before.shifts != held.told.shifts
            if changed or held.saved is None or held.saved + SAVED_EVERY <= now:
                await self._save(name, held, now)
            return changed
        return False

    def _failed(self, name: str, held: _Door, because: str, now: datetime) -> None:
        if held.trouble != because:
            logger().warning("a schedule does not answer; what it said last stands", rota=name, because=because)
        held.trouble, held.since = because, held.since or now

    async def _save(self, name: str, held: _Door, now: datetime) -> None:
        if self.checkpoints is None or held.told is None:
            return
        try:
            await self.checkpoints.save({_name(name): _written(held.told)}, now)
        except Unavailable as error:
            logger().warning("what a schedule says could not be written down", rota=name, because=str(error))
        else:
            held.saved = now


def _name(rota: str) -> str:
    return f"oncall:{rota}"


def _written(told: Told) -> dict[str, object]:
    return {
        "at": told.at.isoformat(),
        "start": told.start.isoformat(),
        "end": told.end.isoformat(),
        "shifts": [[s.person, s.start.isoformat(), s.end.isoformat(), s.because] for s in told.shifts],
    }


def _read(document: Mapping[str, object]) -> Told:
    rows = document["shifts"]
    if not isinstance(rows, list):
        raise TypeError("no shifts")
    shifts = tuple(Shift(str(who), _moment(start), _moment(end), str(why)) for who, start, end, why in rows)
    return Told(shifts, _moment(document["start"]), _moment(document["end"]), _moment(document["at"]))


def _moment(told: object) -> datetime:
    return datetime.fromisoformat(str(told)).astimezone(UTC)
