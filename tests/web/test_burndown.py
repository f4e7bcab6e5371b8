"""The budget over its window as a drawing: it ends where the budget stands, and says in words what it shows."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.engine.situation import Bar, Chart
from bot.slo.budget import Budget
from bot.web.burndown import asked, decline
from tests.kit import NOON

DAY = timedelta(days=1)
SINCE = NOON - 30 * DAY


def course(*bad: int, good: int = 1_000) -> Chart:
    """A bar a day, the last one today's."""
    start = NOON - len(bad) * DAY
    return Chart("recall", 0.9, tuple(Bar(start + n * DAY, good, each, covered=True) for n, each in enumerate(bad)))


def budget(bad: int, allowed: float, *, estimated: bool = False) -> Budget:
    return Budget(30_000, bad, allowed, 30 * DAY, estimated, since=SINCE)


def test_it_ends_where_the_budget_stands() -> None:
    """Also where the budget counts what the bars do not: the last point is what is left."""
    drawn = decline(course(*[0] * 20, 100, *[0] * 9), budget(200, 400.0))
    assert drawn is not None
    assert drawn.rows[-1][1] == 0.5
    assert drawn.said == (
        "Since 2026-10-21 12:00:00 UTC: 50.0 % of the budget is left; the steepest fall, 50.0 points, "
        "ended 2026-11-11 12:00:00 UTC."
    )


def test_an_overspent_budget_falls_below_the_line() -> None:
    """The stretch since it was gone is marked, the scale reaches down, and the sentence says when."""
    drawn = decline(course(*[0] * 10, *[100] * 20), budget(2_000, 1_000.0, estimated=True))
    assert drawn is not None
    assert drawn.spent[0].width > 0
    assert drawn.zero < drawn.bottom
    assert "overspent by 100 %" in drawn.said
    assert "it was gone 2026-11-11 12:00:00 UTC, estimated." in drawn.said


def test_where_there_is_no_course() -> None:
    """Nothing counted, nothing allowed, no window, one bucket: no drawing rather than a wrong one."""
    assert decline(None, budget(0, 1.0)) is None
    assert decline(course(1, 2), budget(3, 0.0)) is None
    assert decline(course(1), budget(1, 10.0)) is None
    assert decline(Chart("x", 0.9, tuple(Bar(NOON, 0, 0, covered=False) for _ in range(3))), budget(0, 1.0)) is None
    assert decline(course(1, 2), Budget(0, 0, 1.0, DAY, estimated=True)) is None


def test_the_whole_window_is_asked_for() -> None:
    """A chart begins a quarter of its stretch early, so that the bars begin where the window does."""
    seen = []
    asked(lambda name, since, until: seen.append((name, since, until)), "recall", budget(0, 1.0), NOON)
    ((name, since, until),) = seen
    assert (name, until) == ("recall", NOON)
    assert since - (until - since) / 4 == SINCE


@given(st.lists(st.integers(0, 10**7), min_size=2, max_size=80), st.floats(0.1, 1e7), st.integers(0, 10**9))
def test_it_stays_inside_of_its_frame(bad: list[int], allowed: float, spent: int) -> None:
    """Whatever was counted, every point lies within the drawing."""
    drawn = decline(course(*bad), budget(spent if any(bad) else 0, allowed))
    if drawn is None:
        return
    for point in [*drawn.line.split(), *drawn.area.split()]:
        across, down = map(float, point.split(","))
        assert drawn.left <= across <= drawn.right
        assert drawn.top - 0.1 <= down <= drawn.bottom + 0.1
    assert len(drawn.rows) <= 12
