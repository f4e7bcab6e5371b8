"""Budget periods by the calendar, in people's zones, across summer time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slo.budget import budget
from bot.slo.calendar import Calendar
from tests.slo.kit import Service, slo

BERLIN = "Europe/Berlin"
HOUR = timedelta(hours=1)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_month_begins_at_midnight_there():
    """March 2026 in Berlin: from 23:00 UTC (winter) to 22:00 UTC (summer), an hour shorter than 31 days."""
    start, end = Calendar("month", 1, datetime(2026, 1, 1), BERLIN).period(utc(2026, 3, 15, 12))
    assert (start, end) == (utc(2026, 2, 28, 23), utc(2026, 3, 31, 22))
    assert end - start == timedelta(days=31) - HOUR


@pytest.mark.parametrize(
    ("unit", "count", "start", "at", "expected"),
    [
        ("week", 1, (2026, 1, 5), (2026, 10, 28), ((2026, 10, 25, 23), (2026, 11, 1, 23))),
        ("week", 2, (2026, 1, 5), (2026, 10, 24), ((2026, 10, 11, 22), (2026, 10, 25, 23))),  # summer time ends inside
        ("quarter", 1, (2025, 2, 1), (2026, 5, 1), ((2026, 4, 30, 22), (2026, 7, 31, 22))),
        ("year", 1, (2024, 2, 29), (2026, 3, 1), ((2026, 2, 27, 23), (2027, 2, 27, 23))),
        ("month", 1, (2026, 1, 31), (2026, 2, 28), ((2026, 2, 27, 23), (2026, 3, 30, 22))),
        ("day", 1, (2026, 1, 1), (2026, 3, 29), ((2026, 3, 28, 23), (2026, 3, 29, 22))),  # a day of 23 hours
    ],
)
def test_periods(unit, count, start, at, expected):
    """Weeks, quarters from a month of one's own, leap days, months that lack a day, and days with 23 hours."""
    calendar = Calendar(unit, count, datetime(*start), BERLIN)
    assert calendar.period(utc(*at, 12)) == tuple(utc(*each) for each in expected)


@given(
    st.sampled_from(["day", "week", "month", "quarter", "year"]),
    st.integers(1, 5),
    st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)),
    st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]),
)
def test_every_moment_lies_in_one_period(unit, count, start, at, zone):
    """Periods follow one another without a gap, and each holds its own beginning."""
    calendar, moment = Calendar(unit, count, start, zone), at.replace(tzinfo=UTC)
    first, last = calendar.period(moment)
    assert first <= moment < last
    assert calendar.period(first) == (first, last)
    assert calendar.period(last)[0] == last


def test_nonsense_is_refused():
    """A period has a length, and its start is a wall-clock time."""
    with pytest.raises(ValueError, match="at least one"):
        Calendar("day", 0, datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="wall-clock"):
        Calendar("day", 1, utc(2026, 1, 1))


def test_the_budget_of_a_period_begins_with_it():
    """What failed before midnight there is last month's; until the month ends, what it allows is an estimate."""
    march = slo(calendar=Calendar("month", 1, datetime(2026, 1, 1), BERLIN), window=timedelta(days=30))
    service = Service(march, now=utc(2026, 3, 31, 20))
    service.run(2 * HOUR, rate=1, share=0.5, every=60)
    assert budget(march, service.ledger, service.now - timedelta(seconds=1)).bad > 3000
    service.run(HOUR, rate=1, share=0.1, every=60)
    held = budget(march, service.ledger, service.now)
    assert (held.since, held.bad, held.events, held.estimated) == (utc(2026, 3, 31, 22), 360, 3600, True)
    assert held.allowed == pytest.approx(0.001 * 30 * 24 * 3600)
