"""Named cases of rotas, as teams have them: who is on call, hour by hour, told by hand."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bot.rota.escalation import Escalation, Level, everybody, members, rota_of
from bot.rota.rota import Layer, Only, Override, Rota, Shift, Turn, Unit
from bot.rota.shifts import on_call, shifts
from bot.rota.wallclock import instant, reading

BERLIN, TOKYO, NEW_YORK = "Europe/Berlin", "Asia/Tokyo", "America/New_York"
WEEKDAYS = tuple(range(5))
DAILY, WEEKLY = Turn(1, Unit.DAYS), Turn(1, Unit.WEEKS)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def at(text: str, zone: str = BERLIN) -> datetime:
    return wall(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def layer(*people, start="2026-01-05 09:00", every=WEEKLY, **more) -> Layer:
    turns = tuple((each,) if isinstance(each, str) else each for each in people)
    return Layer(more.pop("name", "base"), turns, wall(start), every, **more)


def rota(*layers, zone=BERLIN, overrides=()) -> Rota:
    return Rota("ml", zone, layers, tuple(overrides))


def told(found: list[Shift], zone: str = BERLIN) -> list[tuple[str, str, str]]:
    def there(moment: datetime) -> str:
        return f"{moment.astimezone(ZoneInfo(zone)):%m-%d %H:%M}"

    return [(shift.person, there(shift.start), there(shift.end)) for shift in found]


def test_a_weekly_hand_off_stays_at_nine_on_the_wall():
    """Before and after the clocks go forward it is nine o'clock, which is another hour in UTC."""
    found = shifts(rota(layer("ana", "ben")), at("2026-03-16 09:00"), at("2026-04-06 09:00"))
    assert told(found) == [
        ("ana", "03-16 09:00", "03-23 09:00"),
        ("ben", "03-23 09:00", "03-30 09:00"),
        ("ana", "03-30 09:00", "04-06 09:00"),
    ]
    assert [shift.start.hour for shift in found] == [8, 8, 7]


@pytest.mark.parametrize(
    ("written", "zone", "happens"),
    [
        ("2026-03-29 02:30", BERLIN, "2026-03-29T03:00:00+02:00"),  # left out
        ("2026-03-29 03:00", BERLIN, "2026-03-29T03:00:00+02:00"),
        ("2026-10-25 02:30", BERLIN, "2026-10-25T02:30:00+02:00"),  # comes twice
        ("2026-10-25 03:00", BERLIN, "2026-10-25T03:00:00+01:00"),
        ("2026-10-04 02:15", "Australia/Lord_Howe", "2026-10-04T02:30:00+11:00"),
        ("2026-04-05 01:45", "Australia/Lord_Howe", "2026-04-05T01:45:00+11:00"),
        ("2011-12-30 09:00", "Pacific/Apia", "2011-12-31T00:00:00+14:00"),  # a day left out
        ("2026-04-24 00:30", "Africa/Cairo", "2026-04-24T01:00:00+03:00"),
        ("2026-11-01 01:30", NEW_YORK, "2026-11-01T01:30:00-04:00"),
    ],
)
def test_a_time_that_is_left_out_or_comes_twice_is_one_instant(written, zone, happens):
    """The moment right after what is left out; the first of the two."""
    assert instant(wall(written), ZoneInfo(zone)) == datetime.fromisoformat(happens)


def test_an_instant_is_itself():
    """A cover that was asked for at an instant need not be said on a wall."""
    second = datetime.fromisoformat("2026-10-25T02:30:00+01:00")
    assert instant(second, ZoneInfo(BERLIN)) == second
    assert reading(second, ZoneInfo(BERLIN)) == wall("2026-10-25 02:30")
    cover = Override(second, second + timedelta(minutes=30), "ben", "ana")
    assert on_call(rota(layer("ana")), second - timedelta(seconds=1), [cover]) == ("ana",)
    assert on_call(rota(layer("ana")), second, [cover]) == ("ben",)


def test_two_people_are_on_call_together():
    """A turn of several is theirs alike, in the order of the file."""
    found = rota(layer("ana", ("cleo", "ben")))
    assert on_call(found, at("2026-01-12 09:00")) == ("cleo", "ben")
    assert told(shifts(found, at("2026-01-11 09:00"), at("2026-01-13 09:00"))) == [
        ("ana", "01-11 09:00", "01-12 09:00"),
        ("cleo", "01-12 09:00", "01-13 09:00"),
        ("ben", "01-12 09:00", "01-13 09:00"),
    ]


def test_the_sun_is_followed():
    """Three offices by their own clocks: somebody always has the day, also while only some have changed theirs."""
    day = tuple(Only(each, time(9), each, time(17)) for each in range(7))
    follow = rota(
        layer("berlin", every=DAILY, start="2026-01-01 00:00"),
        layer("tokyo", every=DAILY, start="2026-01-01 00:00", only=day, zone=TOKYO),
        layer("york", every=DAILY, start="2026-01-01 00:00", only=day, zone=NEW_YORK),
    )
    for month, hour in ((1, 14), (3, 13), (4, 13), (10, 13), (11, 14)):  # UTC, when it is nine in New York
        there = datetime(2026, month, 20, hour, tzinfo=UTC)
        assert on_call(follow, there) == ("york",)
        assert on_call(follow, there - timedelta(minutes=1)) == ("berlin",)
    year = shifts(follow, datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 12, 31, 12, tzinfo=UTC))
    assert all(one.end == other.start for one, other in pairwise(year))
    assert {shift.end - shift.start for shift in year if shift.person == "tokyo"} == {timedelta(hours=8)}


def test_a_restriction_over_midnight_and_one_over_the_week_end():
    """A night belongs to the day it begins on; the week end to whoever has the week."""
    nights = tuple(Only(day, time(22), (day + 1) % 7, time(6)) for day in WEEKDAYS)
    found = rota(
        layer("ana", "ben"),
        layer("nora", name="nights", every=DAILY, only=nights),
        layer("will", "zoe", name="week end", start="2026-01-09 17:00", only=(Only(4, time(17), 0, time(9)),)),
    )
    assert told(shifts(found, at("2026-01-08 12:00"), at("2026-01-12 23:00"))) == [
        ("ana", "01-08 12:00", "01-08 22:00"),
        ("nora", "01-08 22:00", "01-09 06:00"),
        ("ana", "01-09 06:00", "01-09 17:00"),
        ("will", "01-09 17:00", "01-12 09:00"),
        ("ben", "01-12 09:00", "01-12 22:00"),
        ("nora", "01-12 22:00", "01-12 23:00"),
    ]
    assert on_call(found, at("2026-01-17 12:00")) == ("zoe",)


def test_a_restriction_in_the_hour_that_comes_twice_holds_both_times():
    """From two to half past two, twice; where the hour is left out, not at all."""
    found = rota(layer("ana"), layer("nora", name="odd", every=DAILY, only=(Only(6, time(2), 6, time(2, 30)),)))
    autumn = shifts(found, at("2026-10-24 12:00"), at("2026-10-25 12:00"))
    assert [(s.person, s.start.hour, s.start.minute) for s in autumn if s.person == "nora"] == [
        ("nora", 0, 0),
        ("nora", 1, 0),
    ]
    assert {s.person for s in shifts(found, at("2026-03-28 12:00"), at("2026-03-29 12:00"))} == {"ana"}


def test_an_override_over_a_clock_change_is_as_long_as_the_clock_says():
    """A day in which the clocks go forward has 23 hours, and then ana is back at nine."""
    over = Override(wall("2026-03-28 09:00"), wall("2026-03-29 09:00"), "dan", "ana")
    found = shifts(rota(layer("ana"), overrides=[over]), at("2026-03-28 00:00"), at("2026-03-30 00:00"))
    assert told(found) == [
        ("ana", "03-28 00:00", "03-28 09:00"),
        ("dan", "03-28 09:00", "03-29 09:00"),
        ("ana", "03-29 09:00", "03-30 00:00"),
    ]
    assert found[1].end - found[1].start == timedelta(hours=23)
    assert [shift.because for shift in found] == ["base", "override", "base"]


def cover(
    person: str, instead_of: str = "", start: str = "2026-01-06 09:00", end: str = "2026-01-07 09:00"
) -> Override:
    return Override(wall(start), wall(end), person, instead_of)


@pytest.mark.parametrize(
    ("overrides", "covers", "who"),
    [
        ((cover("ben", "ana"),), (cover("cleo", "ben"),), ("cleo",)),  # a cover is covered
        ((cover("ben", "ana"),), (cover("cleo", "ana"),), ("cleo",)),  # of two for one person the later counts
        ((cover("ben", "ana"),), (cover("ana", "ben"),), ("ana",)),  # and back
        ((cover("ben", "dan"),), (), ("ana",)),  # nobody is on call by that name
        ((cover("ben"),), (), ("ben",)),
        ((cover("", "ana"),), (), ()),
        ((cover("", "ana"),), (cover("dan", "ana"),), ("dan",)),
        ((cover(""),), (cover("dan"),), ("dan",)),
        ((cover("ben"),), (cover("dan", "ana"),), ("dan",)),  # ben sits in ana's seat too
    ],
)
def test_cover_over_cover(overrides, covers, who):
    """The later one goes first, and whoever was to sit somewhere may still be named."""
    found = rota(layer("ana"), overrides=overrides)
    assert on_call(found, at("2026-01-06 12:00"), covers) == who
    between = shifts(found, at("2026-01-06 09:00"), at("2026-01-07 09:00"), covers)
    assert tuple(shift.person for shift in between) == who
    assert on_call(found, at("2026-01-07 09:00"), covers) == ("ana",)


def test_a_cover_of_one_of_two_leaves_the_other():
    """And whoever already has the other seat is on call once."""
    pair = rota(layer(("ana", "ben")))
    noon = at("2026-01-06 12:00")
    assert on_call(pair, noon, [cover("cleo", "ana")]) == ("cleo", "ben")
    assert on_call(pair, noon, [cover("ben", "ana")]) == ("ben",)
    assert on_call(pair, noon, [cover("cleo")]) == ("cleo",)


def test_an_override_where_nobody_is_on_call_puts_somebody_there():
    """Where it is for everybody; there is nobody's seat to take."""
    empty = rota(layer("ana", only=(Only(0, time(9), 0, time(17)),)))
    tuesday = at("2026-01-06 12:00")
    assert on_call(empty, tuesday) == ()
    assert on_call(empty, tuesday, [cover("dan", "ana")]) == ()
    assert told(shifts(empty, at("2026-01-05 00:00"), at("2026-01-08 00:00"), [cover("dan")])) == [
        ("ana", "01-05 09:00", "01-05 17:00"),
        ("dan", "01-06 09:00", "01-07 09:00"),
    ]


def test_a_layer_begins_and_ends():
    """Before its first turn and from its end on it has nobody; what lies below it shows again."""
    found = rota(
        layer("ana"),
        layer("eve", name="summer", start="2026-02-02 09:00", end=wall("2026-02-04 12:00")),
    )
    assert on_call(found, at("2026-01-05 08:59")) == ()
    assert told(shifts(found, at("2026-01-01 00:00"), at("2026-02-05 00:00"))) == [
        ("ana", "01-05 09:00", "02-02 09:00"),
        ("eve", "02-02 09:00", "02-04 12:00"),
        ("ana", "02-04 12:00", "02-05 00:00"),
    ]


def test_what_one_person_has_without_a_break_is_one_shift():
    """Whether by another layer, another turn or an override."""
    found = rota(
        layer("ana", "ana", "ben"),
        overrides=[cover("ana", "ana"), cover("ana", start="2026-01-19 09:00", end="2026-01-20 09:00")],
    )
    assert told(shifts(found, at("2026-01-05 09:00"), at("2026-01-26 09:00"))) == [
        ("ana", "01-05 09:00", "01-20 09:00"),
        ("ben", "01-20 09:00", "01-26 09:00"),
    ]


def test_shifts_are_cut_off_at_both_ends():
    """What is asked for, and no more; an empty stretch and an empty rota have none."""
    assert told(shifts(rota(layer("ana")), at("2026-05-01 01:00"), at("2026-05-01 02:00"))) == [
        ("ana", "05-01 01:00", "05-01 02:00")
    ]
    assert shifts(rota(layer("ana")), at("2026-05-01 01:00"), at("2026-05-01 01:00")) == []
    assert shifts(rota(), at("2026-05-01 01:00"), at("2026-05-02 01:00")) == []
    assert on_call(rota(), at("2026-05-01 01:00")) == ()


def test_whom_an_escalation_may_lead_to():
    """Everybody on its levels and in its rotas, stand-ins too, each once."""
    found = {"ml": rota(layer("ana", ("ben", "cleo")), overrides=[cover("dan"), cover("", "ana")])}
    climbs = Escalation("night", (Level(("rota:ml",)), Level(("ana", "rota:elsewhere"))), end=("mia", "rota:ml"))
    assert members(found["ml"]) == ("ana", "ben", "cleo", "dan")
    assert everybody(climbs.paged, found) == ("ana", "ben", "cleo", "dan")
    assert climbs.rotas == ("ml", "elsewhere")
    assert (rota_of("rota:ml"), rota_of("ana")) == ("ml", "")
