"""What every schedule kept elsewhere promises: exactly who is on call in the time asked for, in order, in UTC."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from bot import shelf
from bot.rota.rota import Shift
from tests.kit import NOON
from tests.oncall.fakes import HOUR, PLAN
from tests.shelves.files import scene as scene_of

pytestmark = pytest.mark.parametrize("name", shelf.names("oncall"))


def plain(shifts: list[Shift]) -> list[tuple[str, object, object]]:
    return [(shift.person, shift.start, shift.end) for shift in shifts]


async def test_the_whole_plan_is_told_in_order(name: str) -> None:
    """Everybody by mail address, each shift once and whole, the gap left out, two at once both there."""
    async with scene_of("oncall", name) as scene:
        found = await scene.schedule.shifts(NOON - 24 * HOUR, NOON + 72 * HOUR)
    assert plain(found) == list(PLAN)
    assert all(shift.start.tzinfo is UTC and shift.end.tzinfo is UTC for shift in found)


async def test_shifts_are_cut_to_the_time_that_is_asked_for(name: str) -> None:
    """A minute's answer is a minute long, whatever days the provider thinks in."""
    async with scene_of("oncall", name) as scene:
        found = await scene.schedule.shifts(NOON, NOON + timedelta(minutes=1))
        late = await scene.schedule.shifts(NOON + 13 * HOUR, NOON + 15 * HOUR)
    assert plain(found) == [("ana@visits.example", NOON, NOON + timedelta(minutes=1))]
    assert plain(late) == [
        ("ana@visits.example", NOON + 13 * HOUR, NOON + 14 * HOUR),
        ("cleo@visits.example", NOON + 13 * HOUR, NOON + 15 * HOUR),
    ]


async def test_the_end_of_a_shift_is_not_in_it(name: str) -> None:
    """At the hand-off the next one is on call, and the former one no more."""
    async with scene_of("oncall", name) as scene:
        found = await scene.schedule.shifts(NOON + 2 * HOUR, NOON + 3 * HOUR)
    assert [shift.person for shift in found] == ["ben@visits.example"]


async def test_a_gap_is_an_empty_answer(name: str) -> None:
    """Nobody is on call there, and that is known."""
    async with scene_of("oncall", name) as scene:
        assert list(await scene.schedule.shifts(NOON + 8 * HOUR, NOON + 10 * HOUR)) == []
