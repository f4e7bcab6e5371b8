import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Invalid
from bot.slo.selector import Matcher, Selector


def test_reads_every_operator():
    """A selector with all four operators is read as written and printed in one canonical form."""
    selector = Selector.parse(""" http_total { a = "b", c=~'x|y' , d!="z",e!~"q.*", } """)
    assert selector.matchers == (
        Matcher("a", "=", "b"), Matcher("c", "=~", "x|y"), Matcher("d", "!=", "z"), Matcher("e", "!~", "q.*"),
    )  # fmt: skip
    assert str(selector) == 'http_total{a="b",c=~"x|y",d!="z",e!~"q.*"}'
    assert Selector.parse("up") == Selector.parse("up{}") == Selector("up")


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        ({"a": "b", "c": "x"}, True),
        ({"a": "b", "c": "xy"}, False),  # patterns match the whole value
        ({"a": "b", "c": "y", "d": "z"}, False),
        ({"c": "x"}, False),
    ],
)
def test_matches_as_promql_does(labels, meant):
    """Matching follows PromQL: whole values, absent labels are empty."""
    assert Selector.parse('m{a="b",c=~"x|y",d!="z"}').matches(labels) is meant


def test_absent_label_is_empty():
    """A label that is not there equals the empty value and differs from any other."""
    assert Selector.parse('m{a=""}').matches({})
    assert Selector.parse('m{a!="x"}').matches(frozenset())
    assert not Selector.parse('m{a=~".+"}').matches({})


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "metric name"),
        ('{a="b"}', 1, "metric name"),
        ("sum(rate(x[5m]))", 4, "left over"),
        ("x[5m]", 2, "left over"),
        ("x{a}", 4, "operator"),
        ("x{a=b}", 5, "not quoted"),
        ('x{a="b}', 5, "never closed"),
        ('x{a="b" c="d"}', 9, "comma"),
        ('x{a=~"("}', 6, "no regular expression"),
        (r'x{a="\d"}', 7, "escape"),
        ('x{a="b"', 8, "comma"),
        ('x{a="b",,}', 9, "label name"),
    ],
)
def test_says_which_column(text, column, words):
    """Whatever is no selector is refused with the column of the first wrong letter."""
    with pytest.raises(Invalid) as caught:
        Selector.parse(text)
    (problem,) = caught.value.problems
    assert problem.column == column
    assert words in f"{problem.what} {problem.expected}"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",))))
def test_printing_and_reading_agree(value):
    """Any value survives being printed and read again."""
    selector = Selector("m", (Matcher("a", "=", value), Matcher("b", "!=", value)))
    assert Selector.parse(str(selector)) == selector


def test_without_a_label():
    """A selector can be asked without one of its labels."""
    assert Selector.parse('m{a="b",c="d"}').without("a") == Selector.parse('m{c="d"}')
