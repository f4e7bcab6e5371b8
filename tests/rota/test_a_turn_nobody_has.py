"""A rotation may have turns that are nobody's: the layer does not apply in them, and what lies below shows."""

from datetime import UTC, datetime, timedelta

from bot.rota.rota import Layer, Rota, Turn, Unit
from bot.rota.shifts import on_call, shifts

START = datetime(2026, 1, 5, 9)
DAILY = Turn(1, Unit.DAYS)


def test_the_layer_below_is_on_call_meanwhile():
    """An instant and the shifts say the same, turn by turn."""
    rota = Rota(
        "r",
        "UTC",
        (Layer("base", (("ben",),), START, Turn()), Layer("top", (("ana",), (), ("cleo", "dan")), START, DAILY)),
    )
    assert [(each.person, each.start.day) for each in shifts(rota, *between(0, 4))] == [
        ("ana", 5), ("ben", 6), ("cleo", 7), ("dan", 7), ("ana", 8),
    ]  # fmt: skip
    assert [on_call(rota, day(number)) for number in range(4)] == [("ana",), ("ben",), ("cleo", "dan"), ("ana",)]


def test_without_a_layer_below_nobody_is():
    """It is a gap, and no shift of nobody's."""
    rota = Rota("r", "UTC", (Layer("only", (("ana",), ()), START, DAILY),))
    assert on_call(rota, day(1)) == ()
    assert [(each.person, each.start.day, each.end.day) for each in shifts(rota, *between(0, 4))] == [
        ("ana", 5, 6), ("ana", 7, 8),
    ]  # fmt: skip


def day(number):
    return START.replace(tzinfo=UTC) + timedelta(days=number)


def between(first, last):
    return day(first), day(last)
