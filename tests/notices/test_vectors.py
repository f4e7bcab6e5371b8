"""Every dated example of the laws comes out of the regimes on the shelf, to the second, and every other notation is read."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.config.regimes import load
from bot.config.vectors import check
from bot.notices.expression import Not, Or
from bot.notices.regime import Deadline, InForce, Limit, Regime, Stage
from bot.notices.vectors import COLUMNS, RowError, found, read
from bot.words import house

SHELF = load(house() / "templates" / "notices")
CHECKED = check(Path(__file__).parent / "vectors.csv", SHELF.by_id)
START = "2026-11-20T08:00:00+01:00"
RELIEVED = ("credit_institution", "nis2_essential", "nis2_important")
LAW = Regime(
    "law",
    "law",
    "EU",
    "operational",
    (),
    InForce(since=date(2025, 1, 17)),
    Not(Or(())),
    "aware_at",
    (
        Stage("plain", "plain", "hard", "aware_at", Deadline("elapsed_hours", 72, "hours", outer="eu_hours_1182")),
        Stage("soft", "soft", "soft", "aware_at", Deadline(text="immediately", target_hours=24)),
        Stage("silent", "silent", "soft", "aware_at", Deadline(text="promptly")),
        Stage(
            "capped",
            "capped",
            "hard",
            "aware_at",
            Deadline(
                limits=(
                    Limit(4, "hours", "classified_major_at"),
                    Limit(24, "hours", "aware_at", unless_later_than="classified_major_at"),
                ),
                noon_relief=True,
                no_relief_for=RELIEVED,
            ),
        ),
        Stage("after", "after", "hard", "stage_submitted(latest capped)", Deadline("months_strict", 1, "months")),
        Stage("processor", "processor", "hard", "processor_aware_at", Deadline("elapsed_hours", 24, "hours")),
    ),
    SHELF.facts,
    {},
)
TOLD = replace(LAW.stages[0], clock_also=("controller_informed_at",))
BREACH = replace(LAW, id="breach", stages=(TOLD, *LAW.stages[1:]))
REGIMES = {each.id: each for each in (LAW, BREACH)}


def row(stage, start=START, expected="NOT_APPLICABLE", regime="law", tz="Europe/Paris"):
    return dict(zip(COLUMNS, ("X", regime, stage, start, tz, expected), strict=True))


def date_of(stage, start=START, **rest):
    return found(read(row(stage, start, **rest), REGIMES)).date


@pytest.mark.parametrize("checked", CHECKED, ids=lambda checked: checked.id)
def test_a_dated_example_comes_out_of_the_shelf(checked):
    """The date its policy asks for is the expected one, or the regime is not in force as expected."""
    assert checked.problem is None, str(checked.problem)
    assert checked.fits, (checked.vector.expected, checked.found)


def test_all_seventy_three_are_there():
    """None was lost on the way."""
    assert [each.id for each in CHECKED] == [f"V{number:03}" for number in range(1, 74)]


def test_a_policy_chooses_among_the_dates_and_left_out_it_is_the_strict_one():
    """strict, outer, and nothing; legal where a stage has two dates is no answer."""
    at = datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert date_of("plain") == date_of("plain@strict") == date_of("plain[ms=FR]") == at
    assert date_of("plain@outer") == at + timedelta(hours=1)
    with pytest.raises(RowError, match="two dates"):
        date_of("plain@legal")


def test_a_soft_target_is_asked_for_by_its_own_name():
    """Where the law has no number any name stands for our target; where it has one, a name is a slip of the pen."""
    assert date_of("soft@draft_guidance_24h") == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert date_of("soft@strict") == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert date_of("silent@anything") is None
    with pytest.raises(RowError, match="'stric' is none of its dates"):
        date_of("plain@stric")


def test_the_keys_state_who_and_where():
    """The entity and its class under NIS2 decide on relief, the place on holidays (14 July is one in France)."""
    friday = "aware=2026-11-21T08:00:00+01:00;classified=2026-11-21T10:00:00+01:00"
    noon = datetime(2026, 11, 23, 11, tzinfo=UTC)
    assert date_of("capped@legal[entity=payment_institution,nis2=none,ms=FR]", friday) == noon
    assert date_of("capped@legal[nis2=essential]", friday) == datetime(2026, 11, 21, 13, tzinfo=UTC)
    assert date_of("capped@legal[entity=credit_institution]", friday) == datetime(2026, 11, 21, 13, tzinfo=UTC)
    bastille = "aware=2026-07-14T08:00:00+02:00"
    assert date_of("capped[entity=payment_institution,nis2=none,ms=FR]", "aware=2026-07-13T08:00:00+02:00") == datetime(
        2026, 7, 15, 10, tzinfo=UTC
    )
    assert date_of("capped[ms=DE]", bastille) == datetime(2026, 7, 15, 6, tzinfo=UTC)


def test_starts_are_named_by_their_alias_or_by_the_fact_itself():
    """And a bare instant starts the stage's only clock, also where that is an earlier filing."""
    assert date_of("capped", "aware_at=2026-11-18T09:00:00+01:00") == datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert date_of("capped", "2026-11-18T09:00:00+01:00") == datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert date_of("after", "2027-01-31T10:00:00+01:00") == datetime(2027, 2, 28, 22, 59, 59, tzinfo=UTC)
    named = "stage_submitted(latest capped)=2027-01-31T10:00:00+01:00"
    assert date_of("after", named) == datetime(2027, 2, 28, 22, 59, 59, tzinfo=UTC)


def test_a_controller_that_was_told_is_aware_since_then():
    """Not since its processor was; and what it knew earlier by itself counts."""
    told = "processor_aware=2026-11-20T08:00:00Z;controller_informed=2026-11-21T19:05:00Z"
    assert date_of("plain", told, regime="breach") == datetime(2026, 11, 24, 19, 5, tzinfo=UTC)
    assert date_of("processor", told, regime="breach") == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert date_of("plain", f"{told};aware=2026-11-21T10:00:00Z", regime="breach") == datetime(
        2026, 11, 24, 10, tzinfo=UTC
    )
    alone = read(row("plain", "processor_aware=2026-11-20T08:00:00Z", regime="breach"), REGIMES)
    assert found(alone).date is None
    assert not found(alone).fits(alone), "a clock that has not started is no law that does not apply"


def test_the_day_the_clock_starts_decides_whether_the_law_applies():
    """In the zone of the row: an hour before midnight in Paris is the day before."""
    before = read(row("plain", "2025-01-16T23:30:00+01:00"), REGIMES)
    assert found(before).fits(before)
    assert "applies from 17 January 2025" in found(before).counted
    elsewhere = read(row("plain", "2025-01-16T23:30:00+01:00", tz="Asia/Tokyo"), REGIMES)
    assert not found(elsewhere).fits(elsewhere)
    expected = read(row("plain", "2025-01-16T23:30:00+01:00", "2025-01-19T23:30:00+01:00"), REGIMES)
    assert not found(expected).fits(expected), "a date was expected of a law that does not apply"


@pytest.mark.parametrize(
    ("cell", "value", "words"),
    [
        ("regime", "laws", "there is no regime 'laws'"),
        ("stage", "plane", "law has no stage 'plane'"),
        ("stage", "plain@strict[ms]", "'ms' is no key=value"),
        ("stage", "plain[colour=red]", "'colour=red' is no key=value"),
        ("stage", "plain[ms=France]", "no country or region"),
        ("stage", "plain[annex=IV]", "no annex 'IV'"),
        ("stage", "plain[nis2=vital]", "'vital' is none of none, essential, important"),
        ("stage", "plain@strict]", "is no stage"),
        ("clock_start_iso", "2026-11-20T08:00:00", "no time zone"),
        ("clock_start_iso", "", "is no time"),
        ("clock_start_iso", "awake=2026-11-20T08:00:00Z", "no clock starts on 'awake'"),
        ("clock_start_iso", "deaths=2026-11-20T08:00:00Z", "no clock starts on 'deaths'"),
        ("clock_start_iso", "aware=2026-11-20T08:00:00Z;aware_at=2026-11-20T08:00:00Z", "stated twice"),
        ("tz", "Europe/Pari", "no time zone 'Europe/Pari'"),
        ("tz", "../etc/passwd", "no time zone"),
        ("expected_deadline_iso", "never", "'never' is no time"),
        ("expected_deadline_iso", "2026-11-23T08:00:00", "no time zone"),
    ],
)
def test_a_cell_that_means_nothing_is_named(cell, value, words):
    """The error knows its column."""
    with pytest.raises(RowError, match=words.replace("(", r"\(")) as wrong:
        read(row("plain") | {cell: value}, REGIMES)
    assert wrong.value.column == cell
