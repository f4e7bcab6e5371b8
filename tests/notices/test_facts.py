"""Answers typed by people become typed facts, or are refused with a sentence that helps."""

from datetime import UTC, date, datetime

import pytest

from bot.notices.facts import AtLeast, FactType, Range, UnreadableError, plain, shown


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("bool", "yes", True),
        ("bool", False, False),
        ("bool", "unknown", None),
        ("int", None, None),
        ("int", 3, 3),
        ("int_or_range", {"low": 1, "high": 4}, Range(1, 4)),
        ("number", 0.5, 0.5),
        ("enum{no,domestic}", False, "no"),
        ("enum{yes,no}", True, "yes"),
        ("set<country>", ["DE", "UK"], frozenset({"DE", "GB"})),
        ("set<country>", {"at_least": ["DE"]}, AtLeast(frozenset({"DE"}))),
        ("set{a,b}", [], frozenset()),
        ("map<state,int>", {"CA": 3}, {"CA": 3}),
        ("list", ["acme"], ("acme",)),
        ("date", "2026-11-20", date(2026, 11, 20)),
        ("timestamp", "2026-11-20T09:00:00+01:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("country", "NO", "NO"),
        ("string", 7, "7"),
    ],
)
def test_an_answer_is_read_by_its_type(kind, raw, value):
    """YAML's habits are forgiven where the meaning is clear."""
    assert FactType.parse(kind).read(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "because"),
    [
        ("set<country>", ["DE", False], "quotes: 'NO'"),
        ("country", False, "quotes: 'NO'"),
        ("map<state,int>", {False: 1}, "quotes: 'NO'"),
        ("country", "Germany", "two capital letters"),
        ("bool", "maybe", "expected yes, no or unknown"),
        ("bool", 1, "expected yes, no or unknown"),
        ("int", True, "whole number"),
        ("int", 1.5, "whole number"),
        ("number", float("nan"), "not-a-number"),
        ("int_or_range", [5, 1], "backwards"),
        ("int_or_range", {"low": 5}, "two ends"),
        ("enum{no,domestic}", "foreign", "none of no, domestic"),
        ("set{a,b}", ["c"], "none of a, b"),
        ("set{a,b}", "a", "expected a list"),
        ("timestamp", "2026-11-20T09:00:00", "no time zone"),
        ("timestamp", "yesterday", "is no time"),
        ("date", datetime(2026, 11, 20, tzinfo=UTC), "without a time"),
        ("date", "20.11.2026", "is no date"),
        ("map<state,int>", {"CA": -1}, "whole number"),
        ("list", "acme", "expected a list"),
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused(kind, raw, because):
    """The sentence says what to write instead."""
    with pytest.raises(ValueError, match=because):
        FactType.parse(kind).read(raw)


@pytest.mark.parametrize(
    "kind", ["boolean", "enum{}", "set<>", "map<state>", "bool_or_range", "set<a,int>", "map<a,b>"]
)
def test_an_unknown_type_is_refused(kind):
    """The fact list has few types, and says which."""
    with pytest.raises(UnreadableError):
        FactType.parse(kind)


@pytest.mark.parametrize(
    "kind", ["bool", "int_or_range", "enum{no,domestic}", "set{a,b}", "set<country>", "map<state,int>", "timestamp"]
)
def test_a_type_prints_as_it_was_written(kind):
    """What the product shows of a type is what a file may hold."""
    assert str(FactType.parse(kind)) == kind


def test_values_become_the_same_json_however_they_were_built():
    """Sets are sorted, times are UTC: equal facts give equal digests."""
    assert plain(frozenset({"b", "a"})) == ["a", "b"]
    assert plain(datetime.fromisoformat("2026-11-20T09:00:00+01:00")) == "2026-11-20T08:00:00Z"
    assert plain({"x": Range(1, 2), "y": AtLeast(frozenset({"DE"})), "z": (date(2026, 1, 2),)}) == {
        "x": {"low": 1, "high": 2},
        "y": {"at_least": ["DE"]},
        "z": ["2026-01-02"],
    }


def test_values_are_shown_as_people_say_them():
    """A reason reads as a sentence, not as code."""
    shown_words = [
        shown(v) for v in (True, None, Range(4, 6), frozenset(), AtLeast(frozenset({"DE"})), {"CA": 2}, ("x",))
    ]
    assert shown(Range(60, float("inf"))) == "at least 60"
    assert plain(Range(60, float("inf"))) == {"low": 60, "high": None}, "JSON has no infinity"
    assert shown_words == ["yes", "unknown", "4 to 6", "none", "at least DE", "CA: 2", "x"]
