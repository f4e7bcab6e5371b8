"""A thousand rotas, each through a year with its clock changes, against somebody who looks at the clock on the wall."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bot.rota.rota import Layer, Only, Override, Rota, Shift, Turn, Unit
from bot.rota.shifts import on_call, shifts
from bot.rota.turns import length, zone_of
from bot.rota.wallclock import changes, instant, reading
from tests.rota import oracle
from tests.rota.made import YEARS, Made, made, plain

ALL = 1000
SOME = 100
HOUR = timedelta(hours=1)
Shifts = Callable[[Rota, datetime, datetime, tuple[Override, ...]], list[Shift]]


def bounds(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Compared:
    """Who is on call in each quarter of an hour: as the clock on the wall says, and as the shifts do."""

    case: Made
    names: oracle.Names
    seen: np.ndarray
    painted: np.ndarray

    @classmethod
    def of(cls, case: Made, found: Shifts = shifts) -> "Compared":
        """Raises AssertionError where the shifts are none of this year, or lie on one another."""
        names = oracle.Names()
        told = found(case.rota, *bounds(case.year), case.covers)
        seen = oracle.on_call(case.rota, case.year, names, case.covers)
        return cls(case, names, seen, oracle.painted(told, case.year, names))

    def at(self, number: int) -> datetime:
        return bounds(self.case.year)[0] + oracle.QUARTER * number

    @property
    def wrong(self) -> str:
        """The first quarter of an hour in which they disagree; "" where there is none."""
        differ = np.flatnonzero(self.seen != self.painted)
        if not len(differ):
            return ""
        first = int(differ[0])
        seen, told = self.names.named(self.seen[first]), self.names.named(self.painted[first])
        return f"{self.at(first)}: {seen} by the clock, {told} by the shifts"


def held_against_the_clock(seed: int) -> None:
    both = Compared.of(made(seed))
    case = both.case
    assert both.wrong == "", case
    for number in Random(seed).sample(range(len(both.seen)), 20):
        at = both.at(number)
        assert set(on_call(case.rota, at, case.covers)) == both.names.named(both.seen[number]), (at, case)


@pytest.mark.parametrize("seed", range(SOME))
def test_at_every_instant_those_are_on_call_whom_the_clock_says(seed):
    """Shifts are an exact partition: nobody too many, nobody missing, nobody twice, and `on_call` says the same."""
    held_against_the_clock(seed)


@pytest.mark.nightly
def test_a_thousand_rotas_go_by_the_clock():
    """The same for all thousand."""
    for seed in range(ALL):
        held_against_the_clock(seed)


def plainly(seed: int) -> None:
    case = plain(seed)
    (layer,), zone = case.rota.layers, ZoneInfo(case.rota.zone)
    start, end = bounds(case.year)
    every, told = length(layer.every), shifts(case.rota, start, end)
    assert (told[0].start, told[-1].end) == (start, end)
    assert all(one.end == other.start for one, other in pairwise(told)), "somebody is always on call"
    numbers = [int(shift.person.removeprefix("turn-")) for shift in told]
    assert all(one < other for one, other in pairwise(numbers)), "each turn is had once, in its order"
    leaps = {change.at: change for change in changes(zone, start, end) if change.by > timedelta(0)}
    for number, shift in list(zip(numbers, told, strict=True))[1:]:
        wall = layer.start + number * every
        leap = leaps.get(shift.start)
        left_out = leap is not None and leap.odd[0] <= wall < leap.odd[1]
        assert left_out or reading(shift.start, zone) == wall, (wall, shift)
    for missing in set(range(numbers[0], numbers[-1])).difference(numbers):
        wall = layer.start + missing * every
        assert any(leap.odd[0] <= wall < wall + every <= leap.odd[1] for leap in leaps.values()), (wall, "is missing")


@pytest.mark.parametrize("seed", range(SOME))
def test_without_restrictions_each_hand_off_happens_once_and_there_is_no_gap(seed):
    """Each at the wall time its file says; where the clocks leap over it, the moment they have leapt."""
    plainly(seed)


@pytest.mark.nightly
def test_a_thousand_rotas_hand_off_once():
    """The same for all thousand."""
    for seed in range(ALL):
        plainly(seed)


@pytest.mark.parametrize(("zone", "year"), YEARS)
def test_a_daily_hand_off_in_the_hour_of_the_change_happens_on_every_day_of_the_year(zone, year):
    """At half past two: as many shifts begin as the year has days."""
    turns = tuple((f"day-{n}",) for n in range(400))
    rota = Rota("daily", zone, (Layer("daily", turns, datetime(year, 1, 1, 2, 30), Turn(1, Unit.DAYS)),))
    there, new_year = ZoneInfo(zone), datetime(year + 1, 1, 1)
    found = shifts(rota, instant(datetime(year, 1, 1), there), instant(new_year, there))
    assert len(found) == (new_year - datetime(year, 1, 1)).days


@pytest.mark.parametrize("seed", range(0, SOME, 5))
def test_a_stretch_cut_in_two_is_the_same_stretch(seed):
    """Whoever asks for a month at a time is told the same as whoever asks for the year."""
    case, names = made(seed), oracle.Names()
    start, end = bounds(case.year)
    edges = [start, *(datetime(case.year, month, 1, seed % 24, tzinfo=UTC) for month in range(2, 13)), end]
    parts = [each for one, other in pairwise(edges) for each in shifts(case.rota, one, other, case.covers)]
    whole = shifts(case.rota, start, end, case.covers)
    assert (oracle.painted(parts, case.year, names) == oracle.painted(whole, case.year, names)).all()


# -- the clock can tell: bugs that somebody might make -----------------------------------------------------------------


def by_elapsed_time(rota, start, end, covers):
    """Turns and restrictions counted in UTC from a fixed offset."""
    return shifts(replace(rota, zone="Etc/GMT-1", layers=tuple(replace(one, zone="") for one in rota.layers)),
                  start, end, covers)  # fmt: skip


def second_of_two(rota, start, end, covers):
    """A hand-off in the hour that comes twice happens the second time."""
    back = [change for change in changes(zone_of(rota.layers[0], rota), start, end) if change.by < timedelta(0)]

    def late(at: datetime) -> datetime:
        return next((at - change.by for change in back if change.at + change.by < at < change.at), at)

    return [replace(one, start=late(one.start), end=late(one.end)) for one in shifts(rota, start, end, covers)]


def later_than_the_leap(rota, start, end, covers):
    """What is left out happens some time after the clocks have leapt."""
    leaps = {change.at for change in changes(ZoneInfo(rota.zone), start, end) if change.by > timedelta(0)}

    def late(at: datetime) -> datetime:
        return at + oracle.QUARTER if at in leaps else at

    return [replace(one, start=late(one.start), end=late(one.end)) for one in shifts(rota, start, end, covers)]


def earlier_layer_first(rota, start, end, covers):
    return shifts(replace(rota, layers=rota.layers[::-1]), start, end, covers)


def earlier_cover_first(rota, start, end, covers):
    return shifts(replace(rota, overrides=rota.overrides[::-1]), start, end, covers[::-1])


def whoever_it_is_for(rota, start, end, covers):
    everybody = tuple(replace(one, instead_of="") for one in rota.overrides)
    return shifts(replace(rota, overrides=everybody), start, end, covers)


def same_day(rota, start, end, covers):
    """A restriction over midnight ends before it begins."""

    def cut(only: Only) -> bool:
        return only.since_day == only.until_day

    layers = tuple(replace(one, only=tuple(filter(cut, one.only))) for one in rota.layers)
    return shifts(replace(rota, layers=layers), start, end, covers)


def endless(rota, start, end, covers):
    return shifts(replace(rota, layers=tuple(replace(one, end=None) for one in rota.layers)), start, end, covers)


def first_alone(rota, start, end, covers):
    """Of several on call together only the first is."""
    layers = tuple(replace(one, turns=tuple(turn[:1] for turn in one.turns)) for one in rota.layers)
    return shifts(replace(rota, layers=layers), start, end, covers)


def once_more(rota, start, end, covers):
    """One shift told twice."""
    found = shifts(rota, start, end, covers)
    return [*found, *found[3:4]]


PLANTED = (by_elapsed_time, second_of_two, later_than_the_leap, earlier_layer_first, earlier_cover_first,
           whoever_it_is_for, same_day, endless, first_alone, once_more)  # fmt: skip


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_the_clock_on_the_wall_catches_what_somebody_might_get_wrong(bug):
    """The comparison can fail: within some tens of rotas each planted bug is found."""

    def caught(seed: int) -> bool:
        try:
            return bool(Compared.of(made(seed), bug).wrong)
        except AssertionError:
            return True

    assert any(caught(seed) for seed in range(SOME))
