"""Every way of counting reproduces the dated examples of the laws, and never counts the outer date as the target."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.config.regimes import load
from bot.notices.applicability import answer
from bot.notices.counting import METHODS, Calendar, Period
from bot.notices.deadline import Policy, deadlines
from bot.notices.expression import Not, Or
from bot.notices.regime import Deadline, InForce, Limit, Regime, Stage
from bot.words import house

REGIMES = load(house() / "templates" / "notices")
ROWS = list(csv.DictReader((Path(__file__).parent / "vectors.csv").open(encoding="utf-8")))
TRUE = Not(Or(()))
NO_RELIEF = ("credit_institution", "central_counterparty", "trading_venue_operator", "nis2_essential", "nis2_important")
CAPPED = Stage(
    "initial",
    "initial",
    "hard",
    "aware",
    Deadline(
        limits=(Limit(4, "hours", "classified"), Limit(24, "hours", "aware", unless_later_than="classified")),
        noon_relief=True,
        no_relief_for=NO_RELIEF,
    ),
)


def test_a_law_that_does_not_apply_yet_gives_a_reason_and_no_date():
    """V012: on 20 November 2026 no system is high-risk in law."""
    row = next(row for row in ROWS if row["id"] == "V012")
    aware = datetime.fromisoformat(row["clock_start_iso"])
    facts = {
        "eu_nexus": True,
        "ai_system": True,
        "high_risk_ai_system": "annex_iii",
        "deaths": 1,
        "malfunction_or_misuse": "drift",
        "medical_device": False,
        "sector_equivalent_reporting": False,
        "aware_at": aware,
    }
    judged = answer(REGIMES.by_id[row["regime"]], facts, today=date(2029, 1, 1), tz=row["tz"])
    assert (judged.answer, judged.would_be, judged.applies_from) == ("no", "yes", date(2027, 12, 2))
    assert "applies from 2 December 2027" in judged.because
    assert "2026/1744" in judged.because


@pytest.mark.parametrize(("vector", "since"), [("V025", date(2027, 3, 18)), ("V066", date(2027, 1, 1))])
def test_the_day_before_commencement_is_outside(vector, since):
    """The local date of the clock start decides, not the date of the question."""
    row = next(row for row in ROWS if row["id"] == vector)
    started = datetime.fromisoformat(row["clock_start_iso"])
    regime = Regime(row["regime"], "x", "x", "x", (), InForce(since), TRUE, "start", (), {}, {})
    before = answer(regime, {"start": started}, today=since + timedelta(days=90), tz=row["tz"])
    assert (before.answer, before.applies_from) == ("no", since)
    after = answer(regime, {"start": started + timedelta(days=2)}, today=since, tz=row["tz"])
    assert after.answer == "yes"


def test_a_cap_counts_until_it_has_passed_and_not_a_minute_longer():
    """RTS 2025/301 Art. 5(2): classified later than a day after awareness, only four hours from then."""
    aware = datetime(2026, 11, 18, 9, tzinfo=UTC)
    on_time = deadlines(CAPPED, {"aware": aware, "classified": aware + timedelta(hours=24)}, "UTC", "FR")
    late = deadlines(CAPPED, {"aware": aware, "classified": aware + timedelta(hours=24, minutes=1)}, "UTC", "FR")
    assert on_time.strict == aware + timedelta(hours=24)
    assert late.strict == aware + timedelta(hours=28, minutes=1)


def test_a_clock_that_has_not_started_has_no_date_and_says_which_fact_is_missing():
    """Nothing is guessed: no awareness, no deadline."""
    stage = REGIMES.by_id["eu_gdpr_art33"].stage("sa_notification")
    dates = deadlines(stage, {}, "Europe/Berlin")
    assert (dates.strict, dates.outer) == (None, None)
    assert "aware_at" in dates.because
    none = deadlines(CAPPED, {}, "Europe/Paris")
    assert none.strict is None
    assert "classified, aware" in none.because


def test_a_stage_without_a_number_shows_our_target_as_ours():
    """Without due delay has no number; a target of the organisation is shown as no law."""
    stage = REGIMES.by_id["eu_gdpr_art33"].stage("processor_to_controller")
    start = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert deadlines(stage, start, "UTC").strict is None
    own = deadlines(stage, start, "UTC", policy=Policy(target_hours={stage.id: 6}))
    assert own.strict == start + timedelta(hours=6)
    assert own.by_law is False
    assert "our target, not the law" in own.because


def test_a_moment_without_a_zone_is_refused():
    """A legal clock cannot start at nobody's nine o'clock."""
    with pytest.raises(ValueError, match="time zone"):
        deadlines(REGIMES.by_id["eu_gdpr_art33"].stages[0], datetime.fromisoformat("2026-11-20T08:00:00"), "UTC")


def test_unknown_holidays_and_own_closures_are_said_and_used():
    """Without a calendar only weekends count and the reason says so; a closure the organisation enters moves the date."""
    stage = REGIMES.by_id["eu_ai_act_art73"].stage("report_death")
    start = datetime(2028, 4, 6, 8, tzinfo=ZoneInfo("Europe/Berlin"))
    blind = deadlines(stage, start, "Europe/Berlin", "XX")
    assert blind.outer.date() == date(2028, 4, 17)
    assert "not on file" in blind.because
    shut = deadlines(stage, start, "Europe/Berlin", "DE", Policy(closures={"DE": frozenset({date(2028, 4, 18)})}))
    assert shut.outer.date() == date(2028, 4, 19)
    assert shut.strict.date() == date(2028, 4, 16)


def test_a_region_has_its_own_holidays_and_backwards_counting_works():
    """Corpus Christi is closed in Bavaria, not in Berlin; ten working days before are before."""
    zone = ZoneInfo("Europe/Berlin")
    for place, expected in (("DE-BY", date(2028, 6, 16)), ("DE-BE", date(2028, 6, 15))):
        period = Period(datetime(2028, 6, 14, 9, tzinfo=zone), 1, "business_days", zone, Calendar(place))
        assert METHODS["business_days"](period).date() == expected
    back = Period(datetime(2026, 11, 20, 9, tzinfo=UTC), -10, "business_days", ZoneInfo("UTC"), Calendar("US"))
    assert METHODS["business_days"](back).date() == date(2026, 11, 5)  # Veterans Day lies between
