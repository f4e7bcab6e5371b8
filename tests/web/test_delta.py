"""What a plan changes, read off its states: every field that differs, and none that does not."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.web.delta import deltas
from tests.kit import plan

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text("ab\n", max_size=5)
    | st.sampled_from(["1", "true", "null"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
STATES = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def told(before: dict[str, object], after: dict[str, object]) -> list[tuple[str, str | None, str | None]]:
    return [(each.what, each.before, each.after) for each in deltas(plan(before=before, after=after))]


def test_fields_are_named_by_their_path() -> None:
    """Down to the field; what goes has no after, what comes has no before."""
    assert told({"weights": {"v1": 0, "v2": 100}}, {"weights": {"v1": 100, "v3": 0}}) == [
        ("weights.v1", "0", "100"),
        ("weights.v2", "100", None),
        ("weights.v3", None, "0"),
    ]
    assert told({"pods": [{"image": "a"}, 1]}, {"pods": [{"image": "b"}, 1]}) == [("pods[0].image", "a", "b")]
    assert told({"pods": [1]}, {"pods": [1, 2]}) == [("pods", "[1]", "[1, 2]")]


def test_what_the_plan_does_not_speak_of_stays() -> None:
    """A field that only the state before has is not touched: an action says what it changes."""
    assert told({"paused": True, "switched": "noon"}, {"paused": False}) == [("paused", "true", "false")]
    assert told({"version": "7"}, {"run": "started"}) == [("run", None, "started")]


def test_a_long_text_is_compared_by_the_line() -> None:
    """With the number of each line that goes; what only comes has no before."""
    before, after = "a\nb\nc\nd", "a\nB\nc\nd\ne"
    assert told({"flag": before}, {"flag": after}) == [("flag, line 2", "b", "B"), ("flag, line 5", None, "e")]


def test_a_text_that_repeats_itself_loses_nothing() -> None:
    """Thousands of lines that are all alike: taking out what goes and putting in what comes gives the text after."""
    before, after = "\n".join(["}", "{"] * 1000), "\n".join(["{", "}"] * 1000) + "\nx"
    lines, shift = before.split("\n"), 0
    for what, old, new in told({"flag": before}, {"flag": after}):
        at = int(what.rpartition(" ")[2]) - 1 + shift
        gone, come = (side.split("\n") if side is not None else [] for side in (old, new))
        assert lines[at : at + len(gone)] == gone
        lines[at : at + len(gone)] = come
        shift += len(come) - len(gone)
    assert "\n".join(lines) == after


def test_kinds_that_look_alike_are_told_apart() -> None:
    """1 and true are equal in Python and two things at a target."""
    assert told({"on": 1}, {"on": True}) == [("on", "1", "true")]
    assert told({"on": "1"}, {"on": 1}) == [("on", '"1"', "1")]


@given(STATES, STATES)
def test_it_says_something_exactly_where_something_changes(before: dict[str, object], after: dict[str, object]) -> None:
    """Each field of the state after is named where it is another one before, as JSON, and only there."""
    found = deltas(plan(before=before, after=after))
    named = {each.what[0] for each in found}
    assert named == {name for name in after if name not in before or written(before[name]) != written(after[name])}
    assert all(each.before != each.after for each in found)


def written(value: object) -> str:
    return json.dumps(value, sort_keys=True)
