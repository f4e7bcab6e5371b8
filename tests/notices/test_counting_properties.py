"""What holds of every way of counting, wherever and whenever: found by trying, on all the nights the clocks change."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.notices.counting import METHODS, UNITS_OF, Calendar, Period
from bot.notices.deadline import deadlines
from bot.notices.regime import Deadline, Stage

NAMES = ("UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
         "Atlantic/Azores", "Africa/Cairo", "Pacific/Apia")  # fmt: skip
ZONES = st.sampled_from([ZoneInfo(name) for name in NAMES])
PLACES = st.sampled_from(["DE", "DE-BY", "FR", "ES-CT", "GB-ENG", "US", "SG", ""])
STARTS = st.integers(1_735_689_600, 2_051_222_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))  # 2025-34
DAYS = st.dates(date(2025, 1, 1), date(2034, 12, 31))
ALL = st.sampled_from(sorted(METHODS))
BERLIN, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")

tried = settings(max_examples=120, deadline=None)


def due(method, start, amount, zone=BERLIN, place="DE"):
    period = Period(start, amount, UNITS_OF[method][0], zone, Calendar(place))
    return METHODS[method](period)


def noon(day, zone=BERLIN):
    return datetime.combine(day, time(12), zone)


def working_days(place, first, last):
    """Days after `first` up to `last` that are worked."""
    return sum(Calendar(place).working(first + timedelta(days=step)) for step in range(1, (last - first).days + 1))


def easter(year):
    """Easter Sunday by the anonymous Gregorian rule, as Meeus gives it."""
    a, (b, c) = year % 19, divmod(year, 100)
    (d, e), (i, k) = divmod(b, 4), divmod(c, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    month, day = divmod(h + weekday - 7 * ((a + 11 * h + 22 * weekday) // 451) + 114, 31)
    return date(year, month, day + 1)


@tried
@given(
    start=STARTS, later=st.integers(0, 40 * 86_400), amount=st.integers(1, 120), zone=ZONES, place=PLACES, method=ALL
)
def test_who_learns_later_is_never_due_earlier(start, later, amount, zone, place, method):
    """Every method is monotone in the start."""
    after = start + timedelta(seconds=later)
    assert due(method, start, amount, zone, place) <= due(method, after, amount, zone, place)


@tried
@given(start=STARTS, amount=st.integers(1, 119), zone=ZONES, place=PLACES, method=ALL)
def test_a_longer_period_never_ends_earlier(start, amount, zone, place, method):
    """Every method is monotone in the amount."""
    assert due(method, start, amount, zone, place) <= due(method, start, amount + 1, zone, place)


@tried
@given(start=STARTS, amount=st.integers(1, 90), zone=ZONES, place=PLACES, method=ALL)
def test_the_strict_date_is_never_after_the_outer_one_and_both_lie_ahead(start, amount, zone, place, method):
    """For every method: start <= strict <= outer."""
    stage = Stage("s", "s", "hard", "start", Deadline(method, amount, UNITS_OF[method][0]))
    dates = deadlines(stage, start, zone.key, place)
    assert start <= dates.strict <= dates.outer


# both nights of a year, in zones that move by an hour and by half an hour, north and south
NIGHTS = [
    (BERLIN, date(2027, 3, 28), timedelta(hours=23)),
    (BERLIN, date(2026, 10, 25), timedelta(hours=25)),
    (NEW_YORK, date(2027, 3, 14), timedelta(hours=23)),
    (NEW_YORK, date(2026, 11, 1), timedelta(hours=25)),
    (LORD_HOWE, date(2026, 10, 4), timedelta(hours=23, minutes=30)),
    (LORD_HOWE, date(2027, 4, 4), timedelta(hours=24, minutes=30)),
]


@pytest.mark.parametrize(("zone", "night", "length"), NIGHTS)
@settings(max_examples=40, deadline=None)
@given(before=st.integers(0, 47), amount=st.integers(48, 96), minute=st.integers(0, 59))
def test_hours_run_through_the_night_the_clocks_change(zone, night, length, before, amount, minute):
    """N hours are N times 3600 seconds, also where the day has 23, 23.5, 24.5 or 25 of them; the wall clock moves."""
    start = noon(night, zone) - timedelta(days=1, hours=before - 12, minutes=minute)
    end = due("elapsed_hours", start, amount, zone)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=amount)
    midnights = [datetime.combine(night + timedelta(days=step), time(0), zone) for step in (0, 1)]
    assert midnights[1].astimezone(UTC) - midnights[0].astimezone(UTC) == length, (
        "the night is the one it is meant to be"
    )
    if start < midnights[0] and end > midnights[1]:
        wall = end.replace(tzinfo=None) - start.replace(tzinfo=None)
        assert wall - timedelta(hours=amount) == timedelta(hours=24) - length


@pytest.mark.parametrize(("zone", "night", "length"), NIGHTS)
@settings(max_examples=40, deadline=None)
@given(before=st.integers(0, 20), after=st.integers(1, 20), second=st.integers(0, 86_399))
def test_days_end_at_the_last_second_of_the_local_day_whatever_the_clocks_do(
    zone, night, length, before, after, second
):
    """The wall clock reads 23:59:59 on day N, and the offset is the one of that day."""
    begun = datetime.combine(night - timedelta(days=before), time(0), zone) + timedelta(seconds=second)
    end = due("calendar_days_strict", begun, before + after, zone)
    assert end.date() == night + timedelta(days=after)
    assert end.time() == time(23, 59, 59)
    assert (end.astimezone(UTC) + timedelta(seconds=1)).astimezone(zone).time() == time(0)


@tried
@given(start=STARTS, amount=st.integers(1, 500), zone=ZONES, other=ZONES, place=PLACES)
def test_hours_are_the_same_in_every_zone_and_at_every_place(start, amount, zone, other, place):
    """However the start is written and wherever it is counted, it is one instant."""
    assert due("elapsed_hours", start, amount, zone, place) == due(
        "elapsed_hours", start.astimezone(other), amount, other
    )


@tried
@given(start=STARTS, amount=st.integers(1, 200), zone=ZONES)
def test_the_hour_of_the_event_adds_at_most_an_hour(start, amount, zone):
    """Reg. 1182/71 Art. 3(1): a full hour begins after it, on the local clock."""
    strict, outer = (due(method, start, amount, zone) for method in ("elapsed_hours", "eu_hours_1182"))
    assert timedelta(0) < outer - strict <= timedelta(hours=1)
    begins = (outer.astimezone(UTC) - timedelta(hours=amount)).astimezone(zone)
    local = start.astimezone(zone)
    assume(begins.utcoffset() == local.utcoffset())
    assert (begins.minute, begins.second) == (0, 0)


@tried
@given(day=DAYS, amount=st.integers(1, 800), zone=ZONES)
@example(day=date(2028, 2, 14), amount=15, zone=BERLIN)
@example(day=date(2027, 2, 14), amount=15, zone=BERLIN)
def test_every_day_counts_once_also_the_twenty_ninth_of_february(day, amount, zone):
    """Day N is N days of the calendar after day 0."""
    end = due("calendar_days_strict", noon(day, zone), amount, zone)
    assert end.date().toordinal() - day.toordinal() == amount


@tried
@given(day=DAYS, amount=st.integers(1, 30))
@example(day=date(2028, 1, 31), amount=1)
@example(day=date(2027, 1, 29), amount=1)
@example(day=date(2027, 8, 31), amount=1)
@example(day=date(2027, 12, 31), amount=2)
@example(day=date(2028, 2, 29), amount=12)
def test_a_month_ends_on_the_same_number_or_on_its_last_day(day, amount):
    """Reg. 1182/71 Art. 3(2)(c): 31 January and a month is the last of February, in leap years the 29th."""
    end = due("months_strict", noon(day), amount).date()
    assert (end.year - day.year) * 12 + end.month - day.month == amount
    assert end.day == min(day.day, calendar.monthrange(end.year, end.month)[1])


@tried
@given(day=DAYS, amount=st.integers(1, 24), place=PLACES)
def test_an_extended_month_ends_on_the_first_working_day_at_or_after(day, amount, place):
    """Art. 3(4) and nothing more: every day between is closed."""
    strict, outer = (
        due(method, noon(day), amount, place=place).date() for method in ("months_strict", "eu_months_1182")
    )
    assert Calendar(place).working(outer)
    assert working_days(place, strict - timedelta(days=1), outer) == 1


@tried
@given(day=DAYS, amount=st.integers(2, 40), place=PLACES)
def test_a_period_of_two_days_or_more_holds_two_working_days_and_ends_on_one(day, amount, place):
    """Reg. 1182/71 Art. 3(4) and (5), and no later than both ask for."""
    end = due("eu_days_1182", noon(day), amount, place=place).date()
    assert working_days(place, day, end) >= 2
    assert Calendar(place).working(end)
    earlier = end - timedelta(days=1)
    enough = (
        (earlier - day).days >= amount and Calendar(place).working(earlier) and working_days(place, day, earlier) >= 2
    )
    assert not enough


@pytest.mark.parametrize("year", range(2025, 2041))
def test_easter_is_passed_over_where_it_is_closed(year):
    """A period that ends from Good Friday to Easter Monday ends on the Tuesday in Germany, in New York on the Monday."""
    sunday = easter(year)
    for closed in range(-2, 2):
        start = noon(sunday + timedelta(days=closed - 10))
        assert due("eu_days_1182", start, 10).date() == sunday + timedelta(days=2)
    assert due("eu_days_1182", noon(sunday - timedelta(days=10)), 10, place="US").date() == sunday + timedelta(days=1)


@tried
@given(day=DAYS, amount=st.integers(1, 60), place=PLACES)
def test_working_days_before_and_after_are_each_others_inverse(day, amount, place):
    """From a working day N forward and N back is the same day; and the count between is N."""
    day = Calendar(place).next_working(day)
    ahead = due("business_days", noon(day), amount, place=place).date()
    assert due("business_days", noon(ahead), -amount, place=place).date() == day
    back = due("business_days", noon(day), -amount, place=place).date()
    assert due("business_days", noon(back), amount, place=place).date() == day
    assert working_days(place, day, ahead) == amount


@tried
@given(start=STARTS, amount=st.integers(1, 30))
def test_a_filing_with_the_sec_is_always_due_on_a_business_day(start, amount):
    """At 17:30 in New York; an event on a closed day counts as one on the last business day before it."""
    end = due("sec_business_days", start, amount, NEW_YORK, "US")
    assert Calendar("US").working(end.date())
    assert end.time() == time(17, 30)
    happened = start.astimezone(NEW_YORK).date()
    assert working_days("US", happened, end.date()) == amount


@tried
@given(day=DAYS, amount=st.integers(1, 90), zone=ZONES)
@example(day=date(2027, 12, 31), amount=60, zone=NEW_YORK)
def test_what_counts_from_the_end_of_the_year_forgets_the_day_within_it(day, amount, zone):
    """45 CFR 164.408(c): sixty days after 31 December is 1 March, before a leap day 29 February."""
    end = due("days_after_year_end", noon(day, zone), amount, zone).date()
    assert end == due("days_after_year_end", noon(date(day.year, 1, 1), zone), amount, zone).date()
    assert (end - date(day.year, 12, 31)).days == amount
    sixty = due("days_after_year_end", noon(day, zone), 60, zone).date()
    assert sixty == (date(day.year + 1, 2, 29) if calendar.isleap(day.year + 1) else date(day.year + 1, 3, 1))


def test_the_last_second_of_a_year_and_the_first_of_the_next_are_two_years():
    """Where the day is counted decides which: midnight in New York is five in the morning in London."""
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=NEW_YORK)
    assert due("days_after_year_end", last, 60, NEW_YORK).date() == date(2027, 3, 1)
    assert due("days_after_year_end", last, 60, ZoneInfo("Europe/London")).date() == date(2028, 2, 29)
    assert due("calendar_days_strict", last, 1, NEW_YORK).date() == date(2027, 1, 1)
    assert due("calendar_days_strict", last + timedelta(seconds=1), 1, NEW_YORK).date() == date(2027, 1, 2)
