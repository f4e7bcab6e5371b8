"""Budgeting methods, windows and annotations of OpenSLO (its README: SLO, Objectives)."""

from datetime import datetime, timedelta

import pytest

from bot.config.openslo import gather
from bot.slo.measure import Method
from bot.slo.spec import Calendar, default_tiers
from tests.config.openslo_texts import one, slo
from tests.config.reading import gathered, place, sound, told


@pytest.mark.parametrize(
    ("method", "objective", "means"),
    [
        ("Occurrences", "{target: 0.99}", Method()),
        ("Timeslices", "{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 1m}",
         Method("timeslices", timedelta(minutes=1), 0.95)),
        ("Timeslices", "{target: 0.99, timeSliceTarget: 1, timeSliceWindow: 5}",
         Method("timeslices", timedelta(minutes=5), 1)),
        ("RatioTimeslices", "{target: 0.99, timeSliceWindow: 2h}", Method("ratio_timeslices", timedelta(hours=2))),
    ],
)  # fmt: skip
def test_budgeting_methods(method, objective, means):
    """All three; a slice's window without a unit is minutes (README, "Notes (Objectives)")."""
    assert one(slo([objective], method=method)).method == means


def test_what_an_empty_slice_is_stands_in_an_annotation():
    """OpenSLO has no word for a slice without events; unknown is the default, for no data is not good news."""
    text = slo(["{target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 1m}"], method="Timeslices")
    assert one(text).method.empty == "unknown"
    assert one(text.replace("missing-bad: zero", "empty-slices: bad")).method.empty == "bad"


@pytest.mark.parametrize(
    ("method", "objective", "where", "words"),
    [
        ("Timeslices", "{target: 0.99, timeSliceWindow: 1m}", "{target", "timeSliceTarget is missing"),
        ("Timeslices", "{target: 0.99, timeSliceTarget: 0.9}", "{target", "timeSliceWindow is missing"),
        ("Timeslices", "{target: 0.99, timeSliceWindow: 1m, timeSliceTarget: 0}", "0}", "above 0, at most 1"),
        ("Timeslices", "{target: 0.99, timeSliceWindow: 1m, timeSliceTarget: 95}", "95}", "above 0, at most 1"),
        ("Timeslices", "{target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 0}", "0}", "timeSliceWindow is 0"),
        ("Timeslices", "{target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 9w}", "9w", "shorter than the window"),
        ("RatioTimeslices", "{target: 0.99}", "{target", "timeSliceWindow is missing"),
        ("", "{target: 0.99}", "\n  objectives", "budgetingMethod is missing"),
    ],
)
def test_a_method_that_lacks_something(method, objective, where, words):
    """What a method needs and does not have is told at the objective, what is out of range at its value."""
    text = slo([objective], method=method)
    found = gathered(gather, text)
    assert found.slos == []
    (line,) = [each for each in told(found.problems) if words in each]
    if where[0] != "\n":
        assert line.startswith(f"f0.yaml:{place(text, where)}:")


def test_what_a_method_does_not_use_is_noted():
    """A slice target beside Occurrences changes nothing, and a person may have thought it does."""
    found = sound(gather, slo(["{target: 0.99, timeSliceTarget: 0.9}"]))
    assert [each.what for each in found.notes] == ["timeSliceTarget means nothing with budgetingMethod Occurrences"]


@pytest.mark.parametrize(
    ("duration", "unit", "count", "nominal"),
    [
        ("1d", "day", 1, 1), ("2w", "week", 2, 14), ("1M", "month", 1, 30), ("1Q", "quarter", 1, 91),
        ("1Y", "year", 1, 365),
    ],
)  # fmt: skip
def test_calendar_windows(duration, unit, count, nominal):
    """Periods by the calendar, from a wall-clock time in an IANA zone; isRolling may be left out (README)."""
    calendar = "{startTime: 2026-01-01 12:30:00, timeZone: America/New_York}"
    text = slo(["{target: 0.9}"], window=f"  timeWindow: [{{duration: {duration}, calendar: {calendar}}}]\n",
               more="").replace("missing-bad: zero", 'tiers: "page:1h/5m@9"')  # fmt: skip
    found = one(text)
    assert found.calendar == Calendar(unit, count, datetime(2026, 1, 1, 12, 30), "America/New_York")
    assert found.window == timedelta(days=nominal)


@pytest.mark.parametrize("start", ["2026-01-01", "'2026-01-01 00:00'", "'2026-01-01T00:00:00'", "2026-01-01 00:00:00"])
def test_a_calendar_may_begin_at_midnight(start):
    """YAML reads a date, a time or a text; each is the same moment on the wall."""
    window = f"  timeWindow: [{{duration: 1M, calendar: {{startTime: {start}, timeZone: UTC}}, isRolling: false}}]\n"
    found = one(slo(["{target: 0.99}"], window=window))
    assert found.calendar is not None
    assert found.calendar.start == datetime(2026, 1, 1)
    assert found.tiers == default_tiers(timedelta(days=30))


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("[{duration: 1M, isRolling: true}]", "'1M' is no length of time (expected such as 30d, 4w or 1h; months"),
        ("[{duration: 4w, isRolling: true}, {duration: 1w, isRolling: true}]", "names several windows"),
        ("[]", "is no list of one window"),
        ("{duration: 4w}", "is no list of one window"),
        ("[{duration: 4w, isRolling: false}]", "neither rolls nor has a calendar"),
        ("[{duration: 4w}]", "neither rolls nor has a calendar"),
        ("[{duration: 4w, isRolling: soon}]", "isRolling is the text 'soon' (expected true or false)"),
        ("[{duration: 1w, isRolling: true, calendar: {startTime: 2026-01-01, timeZone: UTC}}]", "does not roll"),
        ("[{duration: 1w, calendar: {startTime: 2026-01-01, timeZone: Mars/Base}}]", "no time zone 'Mars/Base'"),
        ("[{duration: 1w, calendar: {startTime: 2026-01-01}}]", "timeZone is missing"),
        ("[{duration: 1w, calendar: {startTime: noon, timeZone: UTC}}]", "startTime is the text 'noon'"),
        ("[{duration: 1w, calendar: {startTime: '2026-01-01 00:00Z', timeZone: UTC}}]", "a zone of its own"),
        ("[{duration: 1m, calendar: {startTime: 2026-01-01, timeZone: UTC}}]", "1m is minutes; a month is 1M"),
        ("[{duration: 12h, calendar: {startTime: 2026-01-01, timeZone: UTC}}]", "no period of a calendar"),
        ("[{duration: 0d, calendar: {startTime: 2026-01-01, timeZone: UTC}}]", "no period of a calendar"),
    ],
)
def test_windows_that_cannot_be_meant(window, words):
    """OpenSLO's README: exactly one window, rolling or by the calendar; m is minutes and M months."""
    found = gathered(gather, slo(["{target: 0.99}"], window=f"  timeWindow: {window}\n"))
    assert found.slos == []
    assert any(words in each for each in told(found.problems)), told(found.problems)


@pytest.mark.parametrize(
    ("annotation", "field", "value"),
    [
        ("slice-by: region", "slice_by", "region"),
        ("births: skip", "births", "skip"),
        ("births: count", "births", "count"),
        ("page-rule: burn-rate", "rule", "burn_rate"),
        ("page-rule: evidence", "rule", "evidence"),
    ],
)
def test_annotations(annotation, field, value):
    """What OpenSLO has no words for."""
    text = slo(["{target: 0.99}"]).replace("missing-bad: zero", annotation)
    assert getattr(one(text), field) == value


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("slice-by: 'a b'", "'a b' is no label"),
        ("births: maybe", "births is 'maybe' (expected count or skip)"),
        ("page-rule: never", "page-rule is 'never' (expected evidence or burn-rate)"),
        ("empty-slices: fine", "empty-slices is 'fine' (expected unknown or good or bad)"),
        ("slice_by: region", "unknown key 'tocsin.dev/slice_by'"),
    ],
)
def test_annotations_that_cannot_be_meant(annotation, words):
    """Told at the annotation, with what it may be."""
    found = gathered(gather, slo(["{target: 0.99}"]).replace("missing-bad: zero", annotation))
    assert found.slos == []
    assert any(words in each for each in told(found.problems)), told(found.problems)


def test_only_raw_series_can_be_told_apart():
    """Watching a label's values against one another needs the series themselves, not an answer summed by the server."""
    text = slo(["{target: 0.99}"]).replace("missing-bad: zero", "slice-by: region")
    text = text.replace("query: paid_total", "query: 'sum(rate(a[5m])) - sum(rate(b[5m]))'")
    found = gathered(gather, text)
    assert any("can be told apart only in raw series" in each for each in told(found.problems))
