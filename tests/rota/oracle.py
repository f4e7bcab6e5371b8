"""Who is on call, found without arithmetic: somebody looks at the clock on the wall every quarter of an hour of a year.

It knows one thing only, what the clock of a zone reads at an instant. A hand-off is due when the clock first reads its
time or a later one, so it counts by the furthest the hands have ever been; a restriction holds while the clock reads so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from bot.rota.rota import Layer, Override, Rota, Shift

QUARTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1)
BEFORE = timedelta(days=5)
WEEK = 7 * 24 * 60
MINUTES = {"hours": 60, "days": 24 * 60, "weeks": WEEK}
Minutes = np.ndarray


@dataclass(frozen=True)
class Readings:
    """What the clocks of a zone read (minutes since 1970), and the furthest they had read by then."""

    now: Minutes
    furthest: Minutes


def minutes(wall: datetime) -> int:
    """A time on the wall as a number."""
    return round((wall - EPOCH) / timedelta(minutes=1))


def instants(year: int) -> list[datetime]:
    """Every quarter of an hour of a year, and some days before: whoever looks at a clock must have looked before."""
    first, last = datetime(year, 1, 1, tzinfo=UTC) - BEFORE, datetime(year + 1, 1, 1, tzinfo=UTC)
    return [first + QUARTER * n for n in range((last - first) // QUARTER)]


@cache
def readings(zone: str, year: int) -> Readings:
    """What the clocks of a zone read all through a year."""
    there = ZoneInfo(zone)
    now = np.array([minutes(at.astimezone(there).replace(tzinfo=None)) for at in instants(year)], dtype=np.int64)
    return Readings(now, np.maximum.accumulate(now))


class Names:
    """Each person as one bit."""

    def __init__(self) -> None:
        self.bits: dict[str, int] = {"": 0}

    def bit(self, name: str) -> int:
        return self.bits.setdefault(name, 1 << (len(self.bits) - 1))

    def named(self, bits: int) -> set[str]:
        return {name for name, bit in self.bits.items() if bit and bits & bit}


@dataclass
class Seat:
    """Somebody's place: who sits there, and everybody who ever did, at each instant."""

    who: np.ndarray
    ever: np.ndarray


def on_call(rota: Rota, year: int, names: Names, covers: Sequence[Override] = ()) -> np.ndarray:
    """The bits of those on call in each quarter of an hour of the year."""
    size = len(instants(year))
    wide = max((len(turn) for layer in rota.layers for turn in layer.turns), default=1)
    seats = [Seat(np.zeros(size, np.int64), np.zeros(size, np.int64)) for _ in range(max(wide, 1))]
    for layer in rota.layers:
        _seated(layer, readings(layer.zone or rota.zone, year), seats, names)
    clock = readings(rota.zone, year).furthest
    for override in (*rota.overrides, *covers):
        then = (clock >= minutes(override.start)) & (clock < minutes(override.end))
        _replaced(override, then, seats, names)
    return np.bitwise_or.reduce([seat.who for seat in seats])[BEFORE // QUARTER :]


def _seated(layer: Layer, clock: Readings, seats: list[Seat], names: Names) -> None:
    applies = clock.furthest >= minutes(layer.start)
    if layer.end is not None:
        applies &= clock.furthest < minutes(layer.end)
    if layer.only:
        applies &= np.logical_or.reduce([_within(clock.now, only) for only in layer.only])
    turn = (clock.furthest - minutes(layer.start)) // (layer.every.amount * MINUTES[layer.every.unit])
    for number, seat in enumerate(seats):
        people = [names.bit(each[number]) if number < len(each) else 0 for each in layer.turns]
        who = np.array(people, np.int64)[turn % len(people)]
        seat.who = np.where(applies, who, seat.who)
        seat.ever = np.where(applies, who, seat.ever)


def _within(now: Minutes, only: object) -> np.ndarray:
    def reads(day: int, clock: object) -> int:
        return day * 24 * 60 + clock.hour * 60 + clock.minute  # type: ignore[attr-defined]

    since, until = reads(only.since_day, only.since), reads(only.until_day, only.until)  # type: ignore[attr-defined]
    week = (now + 3 * 24 * 60) % WEEK  # 1970 began on a Thursday
    return (week >= since) & (week < until) if since < until else (week >= since) | (week < until)


def _replaced(override: Override, then: np.ndarray, seats: list[Seat], names: Names) -> None:
    who = names.bit(override.person)
    if override.instead_of:
        for seat in seats:
            here = then & ((seat.ever & names.bit(override.instead_of)) != 0)
            seat.who = np.where(here, who, seat.who)
            seat.ever = np.where(here, seat.ever | who, seat.ever)
        return
    everybody = np.bitwise_or.reduce([seat.ever for seat in seats]) | who
    for number, seat in enumerate(seats):
        seat.who = np.where(then, 0 if number else who, seat.who)
        seat.ever = np.where(then, 0 if number else everybody, seat.ever)


def painted(shifts: Iterable[Shift], year: int, names: Names) -> np.ndarray:
    """The shifts laid on the same quarters of an hour. Raises where one ends in between, or lies on another of its own."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    found = np.zeros((datetime(year + 1, 1, 1, tzinfo=UTC) - first) // QUARTER, np.int64)
    for shift in shifts:
        (begin, odd), (end, odder) = divmod(shift.start - first, QUARTER), divmod(shift.end - first, QUARTER)
        if odd or odder or not 0 <= begin < end <= len(found):
            raise AssertionError(f"{shift} is no stretch of this year")
        bit = names.bit(shift.person)
        if (found[begin:end] & bit).any():
            raise AssertionError(f"{shift.person} is on call twice at {shift.start}")
        found[begin:end] |= bit
    return found
