"""The drawing of an SLI: exact about what is known, silent about what is not."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.engine.situation import Bar, Chart
from bot.web.chart import HEIGHT, WIDTH, Mark, draw
from bot.web.phrases import marked, number, own_path, rendered
from bot.words import span
from tests.kit import NOON, at


def chart(*shares: float | None, objective: float = 0.9) -> Chart:
    """Buckets of 15 s with that share of good events; None is no data."""
    bars = [
        Bar(at(15 * n), 0, 0, covered=False)
        if share is None
        else Bar(at(15 * n), int(share * 100), 100 - int(share * 100), covered=True)
        for n, share in enumerate(shares)
    ]
    return Chart("recall", objective, tuple(bars))


def test_no_data_breaks_the_line() -> None:
    """A stretch without data is a gap with a line on either side, never joined and never a zero."""
    drawn = draw(chart(1.0, 0.5, None, 0.95))
    assert drawn is not None
    assert (len(drawn.lines), len(drawn.gaps), len(drawn.below)) == (2, 1, 1)
    assert "1 of 4 buckets without data" in drawn.said


def test_nothing_known() -> None:
    """Only gaps, said in words; a single bucket is no course at all."""
    drawn = draw(chart(None, None))
    assert drawn is not None
    assert drawn.lines == ()
    assert "nothing is known" in drawn.said
    assert draw(chart(1.0)) is None
    assert draw(Chart("recall", 0.9, ())) is None


def test_marks_outside_are_left_out_and_labels_keep_apart() -> None:
    """Marks at one moment stand in rows of their own."""
    marks = [Mark(at(5), f"mark {n}", "seen") for n in range(3)]
    drawn = draw(chart(1.0, 1.0, 1.0), [*marks, Mark(NOON - timedelta(hours=1), "before", "bad")])
    assert drawn is not None
    assert [mark.label for mark in drawn.marks] == ["mark 0", "mark 1", "mark 2"]
    assert len({mark.y for mark in drawn.marks}) == 3


@settings(max_examples=60)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=2, max_size=70), st.floats(0.01, 0.99999))
def test_everything_stays_inside(shares: list[float | None], objective: float) -> None:
    """Whatever the data: every point, box and tick lies in the drawing."""
    drawn = draw(chart(*shares, objective=objective), [Mark(at(9), "detected", "seen")])
    assert drawn is not None
    points = [tuple(map(float, point.split(","))) for line in drawn.lines for point in line.split()]
    points += [(box.x, box.y) for box in (*drawn.below, *drawn.gaps)]
    points += [(box.x + box.width, box.y + box.height) for box in (*drawn.below, *drawn.gaps)]
    points += [(drawn.left, drawn.objective), *((tick.x, tick.y) for tick in (*drawn.across, *drawn.up))]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_phrases() -> None:
    """Durations, counts and addresses as people read them."""
    assert [span(timedelta(seconds=s)) for s in (0, 45, 60, 200, 3600, 7500, 90000)] == [
        "0 s", "45 s", "1 min", "3 min 20 s", "1 h", "2 h 5 min", "1 d 1 h"]  # fmt: skip
    assert span(None) == ""
    assert number(12500) == "12\u202f500"
    assert own_path("/a?b=c#d") == "/a?b=c#d"
    assert {own_path(bad) for bad in ("//x", "https://x", "javascript:x", "", "x", "/\\x", "/a\nb")} == {"/"}


def test_gaps_are_marked_once_and_links_stay_harmless() -> None:
    """A gap with markup in its reason is one mark; a link of another kind leads nowhere."""
    assert str(marked("a [[ unknown: <b> ]] c")) == 'a <mark class="gap">[[ unknown: &lt;b&gt; ]]</mark> c'
    page = str(rendered("[[ not yet investigated: people ]] [x](javascript:alert) ![y](http://e.test/y.png) <b>z</b>"))
    assert page.count('<mark class="gap">') == 1
    assert 'href="javascript' not in page
    assert "<img" not in page
    assert "<b>" not in page


def test_a_huge_table_is_text() -> None:
    """A few thousand letters may ask for hundreds of thousands of cells; what anybody writes by hand is a table."""
    assert str(rendered("a|b\n-|-\n" + "1|2\n" * 400)).count("<td") == 800
    huge = rendered("a|" * 128 + "\n" + "-|" * 128 + "\n" + "a\n" * 510)
    assert "<td" not in huge
    assert len(huge) < 10_000
