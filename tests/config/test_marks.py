"""Two parsers, one reading: what libyaml takes apart says the same, in the same places, as PyYAML's own."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.marks import OTHERWISE, SWIFT, _read, read_yaml

HOUSE = Path(__file__).parent.parent / "house"
TEXTS = [
    *(path.read_text("utf-8") for path in sorted(HOUSE.rglob("*.yaml"))),
    "a: |\n  x\n\n   y\nb: >-\n  folded\n  text\nc: 'it''s'\nd: \"\\u00e9\\n\"\n",
    "- &one [1, {two: 3.0}]\n- *one\n---\nsecond: 2025-01-01\nyes: ~\n...\n",
    "? a\n: b\n'q': !!str 3\nlong: plain\n  text\nend: .inf\n",
]
SIGNS = [
    *":-?[]{},&*!|>'\"%@`#~ \n0",
    "\r\n",
    "\t",
    "\u2028",
    "\x85",
    "é",
    "😀",
    "\ufeff",
    "- ",
    "  ",
    ": ",
    "---\n",
    "<<: ",
]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A piece of a page as people write it, spoilt in a few places."""
    lines = draw(st.sampled_from(TEXTS)).split("\n")
    first = draw(st.integers(0, len(lines) - 1))
    text = "\n".join(lines[first : first + draw(st.integers(1, 25))])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        if draw(st.booleans()):
            text = text[:at] + draw(st.sampled_from(SIGNS)) + text[at:]
        else:
            text = text[:at] + text[at + draw(st.integers(1, 3)) :]
    return text


@pytest.mark.skipif(SWIFT is None, reason="PyYAML was built without libyaml")
@settings(max_examples=400, deadline=None)
@given(texts())
def test_what_libyaml_takes_both_take_alike(text: str) -> None:
    """Data, places and quotes are the same wherever libyaml finds a text sound; else the other is asked anyway."""
    swift = _read(text, "f.yaml", SWIFT)
    if not swift[1] and not OTHERWISE.search(text):
        assert repr(swift) == repr(_read(text, "f.yaml", yaml.SafeLoader))


@pytest.mark.parametrize("text", ["a: [1, 2\n", "a: 1\na: 2\n", "a: *b\n", "a: !!int x\n", "[" * 3_000, "a:\n\tb: 1\n"])
def test_mistakes_are_told_as_ever(text: str) -> None:
    """What is wrong is worded and placed by the parser written in Python, whichever read it first."""
    assert read_yaml(text, "f.yaml")[1] == _read(text, "f.yaml", yaml.SafeLoader)[1] != []


@pytest.mark.parametrize(
    ("text", "what"), [("a: !!int ''\n", "int"), ("a: !!bool maybe\n", "bool"), ("a: !!timestamp x\n", "timestamp")]
)
def test_a_value_that_is_not_of_its_own_kind_is_a_mistake_with_a_place(text: str, what: str) -> None:
    """PyYAML trips over these; a person reads where and what."""
    (problem,) = read_yaml(text, "f.yaml")[1]
    assert (problem.line, problem.column) == (1, 4)
    assert problem.what.endswith(f"cannot be read: it is no {what}")
