"""A thousand rotas, each through a year with its clock changes, against somebody who looks at the clock on the wall."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bot.rota.rota import Layer, Only, Override, Rota, Shift, Turn, Unit
from bot.rota.shifts import on_call, shifts
from bot.rota.turns import hand_offs, length, zone_of
from bot.rota.wallclock import changes, instant, reading
from tests.rota import oracle
from tests.rota.made import YEARS, Made, made, plain

ALL = 1000
SOME = 100
HOUR = timedelta(hours=1)
Shifts = Callable[[Rota, datetime, datetime, tuple[Override, ...]], list[Shift]]


def bounds(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def wrong(case: Made, found: Shifts = shifts) -> str:
    """The first quarter of an hour in which the shifts and the clock on the wall disagree; "" where there is none."""
    names = oracle.Names()
    told = found(case.rota, *bounds(case.year), case.covers)
    seen = oracle.on_call(case.rota, case.year, names, case.covers)
    painted = oracle.painted(told, case.year, names)
    at = np.flatnonzero(seen != painted)
    if not len(at):
        return ""
    first = bounds(case.year)[0] + oracle.QUARTER * int(at[0])
    return f"{first}: {names.named(seen[at[0]])} by the clock, {names.named(painted[at[0]])} by the shifts"


def held_against_the_clock(seed: int) -> None:
    case = made(seed)
    assert wrong(case) == "", case
    names, random = oracle.Names(), Random(seed)
    seen = oracle.on_call(case.rota, case.year, names, case.covers)
    for number in random.sample(range(len(seen)), 20):
        at = bounds(case.year)[0] + oracle.QUARTER * number
        assert set(on_call(case.rota, at, case.covers)) == names.named(seen[number]), (at, case)


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
    (layer,), zone = case.rota.layers, zone_of(case.rota.layers[0], case.rota)
    start, end = bounds(case.year)
    told = list(hand_offs(layer, start, end, zone))
    instants = [at for _, at in told]
    assert all(one < other for one, other in itertools.pairwise(instants)), "a hand-off happened twice"
    every = length(layer.every)
    for wall, at in told:
        leapt = any(change.at == at and wall < change.odd[1] for change in changes(zone, at, at + timedelta(seconds=1)))
        assert (reading(at, zone) == wall) is not leapt, (wall, at)
        assert (wall - layer.start) % every == timedelta(0)
    walls = {wall for wall, _ in told}
    first, number = reading(start, zone) + timedelta(days=2), 0
    while (wall := layer.start + number * every) < reading(end, zone) - timedelta(days=2):
        leapt_together = instant(wall, zone) == instant(wall + every, zone)
        assert wall < first or wall in walls or leapt_together, f"the hand-off of {wall} never happened"
        number += 1
    covered = oracle.painted(shifts(case.rota, start, end), case.year, oracle.Names())
    assert (covered != 0).all(), "somebody is always on call"


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
    """At half past two: as many hand-offs as the year has days, and no two of them at once."""
    layer = Layer("daily", (("ana",), ("ben",)), datetime(year - 1, 12, 1, 2, 30), Turn(1, Unit.DAYS))
    there, new_years = ZoneInfo(zone), (datetime(year, 1, 1), datetime(year + 1, 1, 1))
    found = list(hand_offs(layer, instant(new_years[0], there), instant(new_years[1], there), there))
    assert len(found) == (new_years[1] - new_years[0]).days


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


def an_hour_after_the_leap(rota, start, end, covers):
    """What is leapt over happens as much later as the leap is long."""
    zone = zone_of(rota.layers[0], rota)
    leaps = {change.at: change for change in changes(zone, start, end) if change.by > timedelta(0)}
    walls = {at for layer in rota.layers for wall, at in hand_offs(layer, start, end, zone) if at in leaps}

    def late(at: datetime) -> datetime:
        return at + oracle.QUARTER if at in walls else at

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


PLANTED = (by_elapsed_time, second_of_two, an_hour_after_the_leap, earlier_layer_first, earlier_cover_first,
           whoever_it_is_for, same_day, endless, first_alone, once_more)  # fmt: skip


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_the_clock_on_the_wall_catches_what_somebody_might_get_wrong(bug):
    """The comparison can fail: within some tens of rotas each planted bug is found."""

    def caught(seed: int) -> bool:
        try:
            return bool(wrong(made(seed), bug))
        except AssertionError:
            return True

    assert any(caught(seed) for seed in range(SOME))
