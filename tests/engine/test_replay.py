"""A replay tells what the watch would have said: the workbook's times, every gap as UNKNOWN, calm passed over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.engine.replay import line
from bot.slo.episode import Phase
from tests.engine.past import LOOKBACK, SCRAPE, Past, after, phases, replayed, within
from tests.slo.kit import T0, seconds, slo

HOUR = 3600.0
WORKBOOK = slo(rule="burn_rate")


def failing(begin: float, until: float, share: float):
    return lambda t: share if begin < t <= until else 0.0


# -- what the workbook says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "wanted"), [(1.0, 51.84), (0.5, 103.68), (0.1, 518.4), (0.05, 1036.8), (0.02, 2592.0)]
)
def test_a_failure_pages_when_the_workbook_says(share, wanted):
    """SRE Workbook ch. 5, 14.4× over 1 h and 5 min at 99.9 %: t = 0.001/e · 14.4 · 1 h, within one step."""
    begin = 7 * HOUR
    turns, held, _ = replayed(Past(8, rate=100, share=failing(begin, 8 * HOUR, share)), WORKBOOK)
    page = next(turn for turn in turns if turn.after is Phase.PAGE)
    assert wanted - 1e-6 <= after(page) - begin <= wanted + SCRAPE
    assert held.pages == 1
    assert abs((page.onset - T0).total_seconds() - begin) <= SCRAPE


def test_one_percent_of_errors_never_pages_and_becomes_a_page_only_by_the_slow_tier():
    """10× stays below 14.4×: the 6 h tier (6×) fires after 0.001/0.01 · 6 · 6 h = 3 h 36 min."""
    begin = 7 * HOUR
    turns, _, _ = replayed(Past(11, rate=100, share=failing(begin, 11 * HOUR, 0.01)), WORKBOOK)
    page = next(turn for turn in turns if turn.after is Phase.PAGE)
    assert 12_960 <= after(page) - begin <= 12_960 + 5 * 60  # windows of 6 h begin at whole five minutes
    assert page.burn["1h"] == pytest.approx(10, abs=0.1)


def test_after_a_total_outage_it_is_over_within_the_short_window():
    """The workbook's alert resets 296 s after the end; recovery on good data needs no more than that."""
    turns, held, _ = replayed(Past(9, rate=100, share=failing(7 * HOUR, 7.5 * HOUR, 1.0)), WORKBOOK)
    over = turns[-1]
    assert (over.before, over.after) == (Phase.RECOVERING, Phase.OK)
    assert after(over) - 7.5 * HOUR <= 296
    assert held.pages == 1


def test_with_evidence_a_total_outage_pages_earlier():
    """Three quarters of the fast tier's spending suffice where the evidence is overwhelming; a notice comes before."""
    begin = 7 * HOUR
    turns, held, _ = replayed(Past(8, share=failing(begin, 8 * HOUR, 1.0)))
    assert phases(turns) == ["OK", "NOTICE", "PAGE"]
    assert after(turns[-1]) - begin <= 0.75 * 51.84 + SCRAPE
    assert (held.notices, held.pages) == (1, 1)


# -- gaps ------------------------------------------------------------------------------------------------------------

CUT, BACK = 4 * HOUR, 5 * HOUR


def gone(past: Past) -> Past:
    return past.without(CUT, BACK)


def not_a_number(past: Past) -> Past:
    return past.changed(lambda all_: [(c, at, np.nan if within((c, at, v), CUT, BACK) else v) for c, at, v in all_])


def part_not_a_number(past: Past) -> Past:
    def change(all_):
        return [(c, at, np.nan if c == "500" and within((c, at, v), CUT, BACK) else v) for c, at, v in all_]

    return past.changed(change)


def infinite(past: Past) -> Past:
    return past.changed(lambda all_: [(c, at, np.inf if within((c, at, v), CUT, BACK) else v) for c, at, v in all_])


def restarted(past: Past) -> Past:
    """The process is away for an hour and comes back counting from zero."""

    def change(all_):
        base = {code: value for code, at, value in all_ if at <= T0 + seconds(BACK)}
        return [(c, at, v - base[c] if at > T0 + seconds(BACK) else v) for c, at, v in all_]

    return past.without(CUT, BACK).changed(change)


def clock_forward(past: Past) -> Past:
    """Whoever stamps the samples jumps an hour ahead: nothing is of now until the replay has caught up."""

    def change(all_):
        return [(c, at + seconds(BACK - CUT) if at > T0 + seconds(CUT) else at, v) for c, at, v in all_]

    return past.changed(change)


GAPS = {
    "scrape down or server down": gone,
    "NaN": not_a_number,
    "NaN of the failures alone": part_not_a_number,
    "infinite": infinite,
    "restart": restarted,
    "clock forward": clock_forward,
}


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("failing_before", [False, True], ids=["healthy", "failing"])
def test_a_gap_is_unknown_as_long_as_it_lasts(gap, failing_before):
    """UNKNOWN within the patience, to the end of it; never resolved, no uptime, and all of its time is counted."""
    share = failing(3.5 * HOUR, 9 * HOUR, 0.5) if failing_before else failing(0, 0, 0)
    past = GAPS[gap](Past(7, share=share))
    turns, held, _ = replayed(past)
    frozen = [turn for turn in turns if CUT < after(turn) <= BACK]
    assert [turn.after for turn in frozen] == [Phase.UNKNOWN]
    begin = frozen[0]
    assert after(begin) - CUT <= LOOKBACK.total_seconds() + 2 * SCRAPE
    assert begin.before is (Phase.PAGE if failing_before else Phase.OK)
    assert begin.onset is not None
    ended = next(turn for turn in turns if after(turn) > BACK)
    assert after(ended) - BACK <= 2 * SCRAPE
    assert (ended.before, ended.after) == (Phase.UNKNOWN, Phase.PAGE if failing_before else Phase.OK)
    assert held.unknown == (ended.at - begin.at) + seconds(SCRAPE)
    assert held.no_data == 1
    assert held.pages == int(failing_before)
    assert Phase.OK not in [turn.after for turn in turns if failing_before and after(turn) > 3.6 * HOUR]


def test_one_series_gone_is_a_gap_where_it_is_the_only_one_of_its_part():
    """A series of failures that vanishes is no longer "no failures" where the objective says so."""
    strict = slo(missing_bad="no_data")
    turns, held, _ = replayed(Past(7).without(CUT, BACK, "500"), strict)
    assert phases(turns) == ["OK", "UNKNOWN", "OK"]
    assert "no series matches any more" in turns[1].because
    assert held.unknown >= seconds(BACK - CUT - LOOKBACK.total_seconds() - 2 * SCRAPE)


def test_a_gap_takes_nothing_from_the_budget_and_gives_it_nothing():
    """In UNKNOWN the budget stands still; what was counted meanwhile is booked once there are data again."""
    past = Past(7, share=lambda t: 0.5 if CUT < t <= BACK else 0.0005)
    turns, _, made = replayed(past.without(CUT, BACK))
    course = made.courses[0]
    before = course.remaining(turns[1].at)
    assert turns[1].budget_remaining == before
    assert turns[1].budget_remaining > 0.9
    counts = course.ledger.counts(course.slo, past.end, timedelta(days=30))
    assert counts.gap_bad == pytest.approx(0.5 * 10 * HOUR, rel=0.05)
    assert turns[2].budget_remaining < before


def test_a_counter_that_starts_anew_is_no_gap():
    """A restart between two scrapes counts from zero: no line, and every event after it is there."""

    def change(all_):
        cut = T0 + seconds(CUT)
        base = {code: value for code, at, value in all_ if at <= cut}
        return [(c, at, v - base[c] if at > cut else v) for c, at, v in all_]

    turns, _, made = replayed(Past(6, share=lambda _t: 0.0002).changed(change))
    assert phases(turns) == ["OK"]
    course = made.courses[0]
    assert course.ledger.counts(course.slo, T0 + seconds(6 * HOUR), timedelta(days=1)).total == 6 * HOUR * 10


def test_history_without_a_sample_is_unknown_throughout():
    """Nothing at all: no line, no verdict, all of the time in UNKNOWN, and one incident of no data."""
    turns, held, _ = replayed(Past(24).without(-1, 24 * HOUR))
    assert turns == []
    assert held.unknown == timedelta(hours=24)
    assert held.no_data == 1
    assert held.pages == 0


# -- lines -----------------------------------------------------------------------------------------------------------


def test_a_line_says_all_that_was_asked_for():
    """The keys of one change, plain JSON; times in UTC, every window of every tier, shortest first."""
    turns, held, _ = replayed(Past(8, share=failing(7 * HOUR, 8 * HOUR, 1.0)))
    told = json.loads(json.dumps(line(turns[-1])))
    assert list(told) == ["at", "slo", "slice", "from", "to", "because", "burn", "budget_remaining", "onset"]
    assert told["at"].endswith("Z")
    assert (told["slo"], told["slice"], told["from"], told["to"]) == ("api", "", "NOTICE", "PAGE")
    assert list(told["burn"]) == ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]
    assert told["onset"] == "2026-03-02T16:00:00Z"
    closing = held.as_dict()
    assert "to" not in closing
    assert {"slos", "pages", "tickets", "notices", "unknown_s", "budget_by_day", "start", "end", "step_s"} <= set(
        closing
    )
    json.dumps(closing)


def test_the_budget_is_told_for_every_day_also_where_nothing_changed():
    """A value at the end of each UTC day and at the end of the replay."""
    _, held, _ = replayed(Past(60, share=lambda _t: 0.0002))
    days = held.budget_by_day["api"]
    assert list(days) == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert all(0 < left < 1 for left in days.values())
    assert sorted(days.values(), reverse=True) == list(days.values())


def test_objectives_do_not_touch_one_another():
    """Told together they say what each says alone, in order of time."""
    past = Past(9, share=failing(7 * HOUR, 7.5 * HOUR, 0.5))
    loose = replace(slo(0.95), name="loose")
    alone = [turn for each in (slo(), loose) for turn in replayed(past, each)[0]]
    together, held, _ = replayed(past, slo(), loose)
    assert sorted(map(str, alone)) == sorted(map(str, together))
    assert [turn.at for turn in together] == sorted(turn.at for turn in together)
    assert held.slos == 2


# -- calm passed over ------------------------------------------------------------------------------------------------


def told(past: Past, *slos, **how):
    turns, held, made = replayed(past, *slos, **how)
    return [line(turn) for turn in turns], held, made


@st.composite
def histories(draw) -> Past:
    """Services busy and quiet, with outages, gaps, restarts, values that are none and odd scrape intervals."""
    hours = draw(st.sampled_from([3.0, 8.0]))
    outages = draw(
        st.lists(
            st.tuples(st.floats(0, 1), st.sampled_from([60, 300, 1500]), st.sampled_from([1.0, 0.3, 0.02, 0.005])),
            max_size=2,
        )
    )
    usual = draw(st.sampled_from([0.0, 0.0003, 0.0009, 0.002]))

    def share(t: float) -> float:
        found = [part for where, length, part in outages if where * hours * HOUR < t <= where * hours * HOUR + length]
        return max([usual, *found])

    scrape = draw(st.sampled_from([5.0, 15.0, 20.0, 30.0]))
    past = Past(hours, rate=draw(st.sampled_from([0.01, 0.5, 10.0, 200.0])), share=share, scrape=scrape)
    for where, length in draw(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([40, 100, 400, 3000])), max_size=2)):
        past = past.without(where * hours * HOUR, where * hours * HOUR + length, *draw(st.sampled_from([(), ("500",)])))
    if draw(st.booleans()):
        spoilt = draw(st.integers(0, int(hours * HOUR / scrape)))
        past = past.changed(
            lambda all_: [(c, at, np.nan if at == T0 + seconds(spoilt * scrape) else v) for c, at, v in all_]
        )
    if draw(st.booleans()):
        begin, until = sorted(draw(st.tuples(st.floats(0, 1), st.floats(0, 1))))
        past = past.changed(lambda all_: [*all_, *_another(all_, begin * hours * HOUR, until * hours * HOUR)])
    if draw(st.booleans()):
        cut = T0 + seconds(draw(st.floats(0.1, 0.9)) * hours * HOUR)
        past = past.changed(lambda all_: [(c, at, v - _before(all_, c, cut) if at > cut else v) for c, at, v in all_])
    return past


def _another(samples, begin: float, until: float) -> list:
    """Another kind of failure, a few of them, counted by a series that comes and goes."""
    return [("503", at, float(int((at - T0).total_seconds() / 600))) for code, at, value in samples
            if code == "200" and within((code, at, value), begin, until)]  # fmt: skip


def _before(samples, code, cut) -> float:
    found = [value for held, at, value in samples if held == code and at <= cut]
    return found[-1] if found and np.isfinite(found[-1]) else 0.0


def passing_over_calm_changes_nothing(past: Past, stretch: float, step: float) -> None:
    slow, slow_held, one = told(past, step=seconds(step), hurried=False, stretch=stretch)
    quick, quick_held, other = told(past, step=seconds(step), stretch=stretch)
    assert quick == slow
    assert quick_held == slow_held
    left, right = one.courses[0], other.courses[0]
    assert list(left.ledger.grid.ends) == list(right.ledger.grid.ends)
    assert np.array_equal(np.array(left.ledger.grid.rows), np.array(right.ledger.grid.rows))
    assert np.array_equal(left.ledger.lines.value, right.ledger.lines.value, equal_nan=True)
    assert np.allclose(left.panel.slow.logs, right.panel.slow.logs, atol=1e-6)
    assert np.allclose(left.panel.fast.logs, right.panel.fast.logs, atol=1e-6)
    assert left.episode == right.episode


ANY = {"past": histories(), "stretch": st.sampled_from([1.0, 6.0]), "step": st.sampled_from([10.0, 15.0, 30.0])}


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(**ANY)
def test_passing_over_calm_changes_nothing(past, stretch, step):
    """Poll by poll, or calm at once: the same lines, the same counts to the last row, the same evidence."""
    passing_over_calm_changes_nothing(past, stretch, step)


@pytest.mark.nightly
@settings(max_examples=300, deadline=None)
@given(**ANY)
def test_passing_over_calm_changes_nothing_at_length(past, stretch, step):
    """The same over many more histories."""
    passing_over_calm_changes_nothing(past, stretch, step)


def test_the_same_history_gives_the_same_lines_however_it_is_cut():
    """The stretches a server answers in leave no trace."""
    past = Past(9, share=failing(7 * HOUR, 7.5 * HOUR, 0.3)).without(CUT, BACK)
    assert told(past, stretch=0.5)[0] == told(past, stretch=6)[0] == told(past, stretch=24)[0]
