"""One value changed in a JSON text: it parses as wanted, and what is around it stays character by character."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clients import jsontext

NAMES = st.text(max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
LAYOUTS = st.sampled_from(
    [{}, {"indent": 2}, {"indent": "\t"}, {"separators": (" ,", "  : ")}, {"ensure_ascii": False}]
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value inside."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for name, inner in pairs for each in places(inner, (*path, name)))]


@given(DOCUMENTS, LAYOUTS, VALUES, st.data())
def test_replacing_touches_the_value_alone(document: Any, layout: Any, new: Any, data: st.DataObject) -> None:
    """Whatever the layout: the value is found, the text around it stays, and the rest parses as before."""
    text = json.dumps(document, **layout)
    path = data.draw(st.sampled_from(places(document)))
    found = jsontext.span(text, path)
    assert found is not None
    begin, end = found
    old = jsontext.at(text, path)
    assert old == text[begin:end]
    changed = jsontext.replaced(text, path, jsontext.written(new))
    assert changed.startswith(text[:begin])
    assert changed.endswith(text[end:])
    assert json.loads(jsontext.at(changed, path) or "") == new
    assert jsontext.replaced(changed, path, old or "") == text


@given(DOCUMENTS, LAYOUTS, st.text(min_size=7, max_size=8), VALUES)
def test_a_new_member_is_put_last_and_taken_away_without_a_trace(
    document: Any, layout: Any, name: str, value: Any
) -> None:
    """Put in and taken out again, an object that had members is the text it was."""
    text = json.dumps(document, **layout)
    put = jsontext.replaced(text, (name,), jsontext.written(value))
    assert json.loads(put) == document | {name: value}
    gone = jsontext.without(put, (name,))
    assert json.loads(gone) == document
    assert gone == text or not document


@given(DOCUMENTS, LAYOUTS, st.data())
def test_any_member_can_be_taken_away(document: dict[str, Any], layout: Any, data: st.DataObject) -> None:
    """First, last, in between or alone: what is left parses as the others."""
    if not document:
        return
    name = data.draw(st.sampled_from(sorted(document)))
    left = jsontext.without(json.dumps(document, **layout), (name,))
    assert json.loads(left) == {key: value for key, value in document.items() if key != name}


def test_a_member_goes_on_a_line_of_its_own_where_the_others_have_one() -> None:
    """With the first member's indent."""
    assert jsontext.replaced('{\n    "a": 1\n}', ("b",), "2") == '{\n    "a": 1,\n    "b": 2\n}'


def test_of_two_members_of_one_name_the_last_counts() -> None:
    """As with every reader of JSON."""
    assert jsontext.replaced('{"a": 1, "a": 2}', ("a",), "3") == '{"a": 1, "a": 3}'


@pytest.mark.parametrize("path", [("a", "b"), ("x", "y"), ("c", 3)])
def test_where_there_is_no_object_nothing_can_be_put(path: tuple[str | int, ...]) -> None:
    """Into a number, into nothing, past the end of a list."""
    with pytest.raises(KeyError):
        jsontext.replaced('{"a": 1, "c": [1]}', path, "2")
    with pytest.raises(KeyError):
        jsontext.without('{"a": 1, "c": [1]}', path)
