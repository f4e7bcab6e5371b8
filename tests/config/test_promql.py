"""Which PromQL means one raw counter and which the server must answer (prometheus.io, "Querying basics", "Functions")."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.config import promql
from bot.domain.errors import Invalid
from bot.slo.measure import Expression
from bot.slo.selector import Selector

JOB = Selector.parse('hits_total{job="till"}')


@pytest.mark.parametrize(
    "text",
    [
        'hits_total{job="till"}',
        ' hits_total { job = "till" , } ',
        "hits_total{job='till'}",
        "hits_total{job=`till`}",
        'sum(hits_total{job="till"})',
        'SUM(hits_total{job="till"})',
        'rate(hits_total{job="till"}[5m])',
        'irate(hits_total{job="till"}[1h30m])',
        'increase(hits_total{job="till"}[{{.window}}])',
        'sum(rate(hits_total{job="till"}[{{ .window }}]))',
        'sum(rate(hits_total{job="till"}[{{- .window -}}]))',
        'sum(rate(hits_total{job="till"}[$window]))',
        'sum by (code, path) (rate(hits_total{job="till"}[5m]))',
        'sum without (pod) (rate(hits_total{job="till"}[5m]))',
        'sum(rate(hits_total{job="till"}[5m])) by (code)',
        'sum(rate(hits_total{job="till"}[5m])) without ()',
        'sum(sum by (code) (rate(hits_total{job="till"}[5m])))',
        '((sum((rate((hits_total{job="till"})[5m])))))',
        '# what is asked\nsum(  # all of it\n  rate(hits_total{job="till"}[5m])\n)  # done',
    ],
)
def test_one_raw_counter_in_whatever_dress(text):
    """Rates, windows, sums, their labels before or after, parentheses and comments do not change what is counted."""
    assert promql.parse(text).events == JOB


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("sum(rate(a[{{.window}}])) - sum(rate(b[{{.window}}]))", "sum(rate(a[$window])) - sum(rate(b[$window]))"),
        ("(sum(rate(a[5m])) - sum(rate(b[5m])))", "(sum(rate(a[5m])) - sum(rate(b[5m])))"),
        ("avg(rate(a[5m]))", "avg(rate(a[5m]))"),
        ("sum(rate(a[5m])) * 2", "sum(rate(a[5m])) * 2"),
        ("sum(rate(a[5m] offset 1m))", "sum(rate(a[5m] offset 1m))"),
        ("rate(sum(a)[5m:1m])", "rate(sum(a)[5m:1m])"),
        ("histogram_count(rate(lag_seconds[{{.window}}]))", "histogram_count(rate(lag_seconds[$window]))"),
        ("histogram_fraction(0, 0.2, sum(rate(l[5m])))", "histogram_fraction(0, 0.2, sum(rate(l[5m])))"),
        ("1 - histogram_share(.2, sum by (vmrange) (rate(l[5m])))",) * 2,
        ("sum(rate(a[5m])) or vector(0)", "sum(rate(a[5m])) or vector(0)"),
        ("rate(a[5m]) / on (pod) group_left (team) owner", "rate(a[5m]) / on (pod) group_left (team) owner"),
        ("sum(rate(a[5m])) # a\n > bool 1", "sum(rate(a[5m])) \n > bool 1"),
    ],
)
def test_everything_else_is_the_servers(text, kept):
    """A difference, an offset, a native histogram: the text is kept, the window's template as `$window`."""
    phrase = promql.parse(text)
    assert phrase.counter is None
    assert phrase.events == Expression(kept)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("sum(increase(a[{{.window}}])) - sum(increase(b[{{.window}}]))",
         "(sum(increase(a[$window])) - sum(increase(b[$window]))) / $seconds"),
        ("sum(increase(a[5m])) - sum(increase(b[5m]))", "(sum(increase(a[5m])) - sum(increase(b[5m]))) / 300"),
        ("sum_over_time((count(s < 0.7))[{{.window}}:]) OR on() vector(0)",
         "(sum_over_time((count(s < 0.7))[$window:]) OR on() vector(0)) / $seconds"),
        ("sum_over_time(s[1h:1m]) # hourly", "(sum_over_time(s[1h:1m])) / 3600"),
    ],
)  # fmt: skip
def test_counts_over_a_window_become_rates(text, rate):
    """`increase` is `rate` times the seconds of its window (prometheus.io, "Functions"): divided, it is a rate again."""
    assert promql.parse(text).rate == Expression(rate)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("a", "sum(rate(a[$window]))"),
        ('sum(a{x="y"})', 'sum(rate(a{x="y"}[$window]))'),
        ("sum(rate(a[5m]))", "sum(rate(a[5m]))"),
    ],
)
def test_a_counter_as_a_rate(text, rate):
    """Where the other side of a ratio can only be a rate, a raw counter is rated over the same window."""
    assert promql.parse(text).rate == Expression(rate)


def test_a_gauge_is_a_selector_or_an_expression():
    """Samples of one selector are read as they come; a sum or a minimum is the server's to work out."""
    assert promql.parse("(lag)").level == Selector("lag")
    assert promql.parse("sum(lag)").level == Expression("sum(lag)")
    assert promql.parse("min_over_time(lag[2m])").level == Expression("min_over_time(lag[2m])")
    assert promql.parse("lag").weight == Expression("sum(lag)")
    assert promql.parse("sum(rate(a[5m]))").weight == Selector("a")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("time() - last_run", Selector("last_run")),
        ('time( )-(last_run{job="x"})', Selector.parse('last_run{job="x"}')),
        ("(time() - max(last_run))", Expression("max(last_run)")),
        ("time() - last_run - 3", None),
        ("time() - last_run > 3", None),
        ("last_run - time()", None),
        ("time()", None),
    ],
)
def test_freshness(text, moment):
    """`time() - moment` is the age of a moment; nothing else is."""
    assert promql.parse(text).age == moment


def test_a_selector_moved_in_time():
    """The selector and its move are told apart, so that a rate can be taken between them."""
    assert promql.parse('a{x="1 offset 2"} offset 1m').moved == (Selector.parse('a{x="1 offset 2"}'), "offset 1m")
    assert promql.parse("a @ end()").moved == (Selector("a"), "@ end()")
    assert promql.parse("a").moved is None


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "the query is empty"),
        ("  # only a word", 1, "the query is empty"),
        ("sum(rate(a[5m])", 4, "the ( is never closed"),
        ("rate(a[5m", 7, "the [ is never closed"),
        ('a{b="c"', 2, "the { is never closed"),
        ('a{b="c}', 5, "the quote is never closed"),
        ('a{b~"c"}', 4, "no operator after 'b'"),
        ('a{b=~"("}', 6, "no regular expression"),
        ("sum(rate(a[{{ .Window }}]))", 12, "there is no template {{ .Window }} (expected {{.window}})"),
        ("rate(a[{{.window}])", 8, "left over"),
        ("rate(a[$__rate_interval])", 8, "there is no template $__rate_interval"),
        ('a{b="{{.window}}"}', 5, "a template in quotes is not filled"),
        ("rate(a[5 minutes])", 8, "a window such as 5m"),
        ("rate(a[5m:soon])", 11, "'soon' is no step"),
        ("a b", 3, "'b' is left over"),
        ("a +", 4, "the query ends too early"),
        ("sum:trace.hits{*}.as_count()", 10, "'.' is left over"),
        ("SELECT value FROM metrics", 8, "'value' is left over"),
        ("(" * 100 + "a" + ")" * 100, 61, "nested too deeply"),
    ],
)
def test_a_slip_is_told_with_its_column(text, column, words):
    """What is not PromQL is told where it stops being it, when files are read and not by a poll at night."""
    with pytest.raises(Invalid) as error:
        promql.parse(text)
    (problem,) = error.value.problems
    assert words in str(problem)
    assert problem.column == column


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("200ms", 0.2), ("1d", 86_400), ("2w", 1_209_600)]
)
def test_lengths_as_prometheus_writes_them(text, seconds):
    """Milliseconds to years, several units in one (prometheus.io, "Time durations")."""
    assert promql.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "1.5h", "-5m"])
def test_what_is_no_length(text):
    """A number without a unit is none."""
    with pytest.raises(ValueError, match="no length of time"):
        promql.seconds(text)


PIECES = [
    "sum", "rate", "increase", "time()", "by", "without", "offset", "on", "bool", "a", 'b{c="d"}', "{", "}", "(", ")", "[", "]",
    "5m", "{{.window}}", "{{", "}}", "$window", "$", ":", ",", "-", "+", "/", "^", "@", "=~", "!=", "'", '"', "`", "#", "\n", "1",
    "0.5", "1e-3", " ", "\\", "é", "\x00", "_over_time", "or", "atan2",
]  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
def test_junk_is_understood_or_told(text):
    """Whatever stands there, the answer is a phrase or a place in the text; and what is kept can be read again."""
    try:
        phrase = promql.parse(text)
    except Invalid as error:
        slip = error
    else:
        again = promql.parse(phrase.text)
        assert (again.text, again.counter, again.bare) == (phrase.text, phrase.counter, phrase.bare)
        promql.parse(phrase.rate.text)
        return
    assert all(1 <= each.column <= len(text) + 1 and each.what for each in slip.problems)


VALUES = st.text(max_size=5).filter(lambda each: "{{" not in each)
MATCHERS = st.lists(st.tuples(st.sampled_from(["a", "le", "by"]), st.sampled_from(["=", "!="]), VALUES), max_size=3)
SUMS = st.lists(st.sampled_from(["sum(*)", "sum by (x) (*)", "( *\n)", "sum(*) without (y)"]), max_size=4)


@example(":", [("a", "=", "`"), ("a", "=", "`")], [])
@given(st.from_regex(r"[a-z_:][a-z0-9_:]{0,8}", fullmatch=True), MATCHERS, SUMS)
def test_a_selector_is_found_again(metric, matchers, around):
    """Any selector under any pile of sums is the one counter it was."""
    text = f"{metric}{{{','.join(f'{label}{operator}{_quoted(value)}' for label, operator, value in matchers)}}}"
    selector = Selector.parse(text)
    for each in around:
        text = each.replace("*", text)
    assert promql.parse(text).counter == selector


def _quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
