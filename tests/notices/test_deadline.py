"""Every way of counting reproduces the dated examples of the laws, and never counts the outer date as the target."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.regimes import load
from bot.notices.applicability import answer
from bot.notices.counting import METHODS, UNITS_OF, Calendar, Period
from bot.notices.deadline import Policy, deadlines
from bot.notices.expression import Not, Or
from bot.notices.regime import Deadline, InForce, Regime, Stage
from bot.words import house

REGIMES = load(house() / "templates" / "notices")
ROWS = list(csv.DictReader((Path(__file__).parent / "vectors.csv").open(encoding="utf-8")))
FACT_OF = {"aware": "aware_at", "classified": "classified_major_at"}
COUNTRY = {"America/New_York": "US", "Europe/Berlin": "DE", "Europe/Paris": "FR"}


def hours(amount):
    return Deadline("elapsed_hours", amount, "hours")


def days(amount):
    return Deadline("calendar_days_strict", amount, "days")


TRUE = Not(Or(()))
# the periods of regimes that are not on the shelf yet; where a regime file exists, the file is what is tested
PERIODS = {
    "eu_ai_act_art26_5.inform_provider": Deadline(text="immediately", target_hours=24, target_basis="draft guidance"),
    "eu_ai_act_art55_gpai_cop.initial_report_cybersecurity_breach": days(5),
    "eu_ai_act_art55_gpai_cop.intermediate_report": Deadline("calendar_days_strict", 4, "weeks"),
    "eu_ai_act_art55_gpai_cop.final_report": days(60),
    "uk_gdpr_art33.ico_notification": hours(72),
    "eu_nis2_art23.early_warning": hours(24),
    "eu_nis2_art23.incident_notification": hours(72),
    "eu_nis2_art23.final_report": Deadline("eu_months_1182", 1, "months"),
    "eu_cra_art14.vulnerability_early_warning": hours(24),
    "eu_cra_art14.vulnerability_final_report": Deadline("eu_days_1182", 14, "days"),
    "eu_cra_art14.severe_incident_final_report": Deadline("eu_months_1182", 1, "months"),
    "us_sec_8k_105.item_1_05": Deadline("sec_business_days", 4, "business_days"),
    "us_sec_8k_105.amendment_8k_a": Deadline("sec_business_days", 4, "business_days"),
    "us_nydfs_500_17.notice_cybersecurity_incident": hours(72),
    "us_nydfs_500_17.extortion_explanation": days(30),
    "us_bank_36h.notify_regulator": hours(36),
    "us_hipaa_breach.individuals": days(60),
    "us_hipaa_breach.hhs_under_500": Deadline("days_after_year_end", 60, "days"),
    "us_ftc_safeguards.ftc_notification": days(30),
    "us_ca_civ_1798_82.individuals": days(30),
    "us_ca_civ_1798_82.attorney_general": days(15),
    "us_tx_521_053.individuals": days(60),
    "us_ca_sb53.oes_critical_safety_incident": days(15),
    "us_ca_sb53.imminent_risk_authority": hours(24),
    "us_ny_raise.dfs_office": hours(72),
    "us_co_sb26_189.post_adverse_outcome_disclosure": days(30),
    "us_ecoa_reg_b.adverse_action_notice": days(30),
}


def stage_of(row):
    """The stage and the words in brackets: `initial@legal[entity=bank,ms=FR]`."""
    name, options = re.fullmatch(r"([a-z0-9_]+)(?:@[a-z0-9_]+)?(?:\[(.*)\])?", row["stage"]).groups()
    words = dict(pair.split("=") for pair in options.split(",")) if options else {}
    if row["regime"] in REGIMES.by_id:
        return REGIMES.by_id[row["regime"]].stage(name), words
    return Stage(name, name, "hard", "start", PERIODS[f"{row['regime']}.{name}"]), words


def starts_of(row, stage):
    text = row["clock_start_iso"]
    if "=" not in text:
        return datetime.fromisoformat(text)
    named = dict(pair.split("=", 1) for pair in text.split(";"))
    moments = {FACT_OF.get(name, name): datetime.fromisoformat(value) for name, value in named.items()}
    if "controller_informed" in moments:
        moments[stage.clock_start] = moments["controller_informed"]  # EDPB 9/2022: told is aware
    return moments


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["expected_deadline_iso"][0] == "2"], ids=lambda row: row["id"]
)
def test_a_dated_example_comes_out_to_the_second(row):
    """The strict, outer or single date is the one the example names, in the deciding zone's offset."""
    stage, words = stage_of(row)
    policy = Policy(entity_types=frozenset({words["entity"]} if "entity" in words else ()))
    start = starts_of(row, stage)
    start = {stage.deadline.limits[0].start: start} if stage.deadline.limits and isinstance(start, datetime) else start
    dates = deadlines(stage, start, row["tz"], words.get("ms") or COUNTRY.get(row["tz"], ""), policy)
    due = dates.outer if "@outer" in row["stage"] else dates.strict
    assert due.isoformat() == row["expected_deadline_iso"], row["why"]
    assert dates.because.endswith(".")


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
    stage, _ = stage_of({"regime": "eu_dora_art19", "stage": "initial"})
    aware = datetime(2026, 11, 18, 9, tzinfo=UTC)
    on_time = deadlines(stage, {"aware_at": aware, "classified_major_at": aware + timedelta(hours=24)}, "UTC", "FR")
    after = aware + timedelta(hours=24, minutes=1)
    late = deadlines(stage, {"aware_at": aware, "classified_major_at": after}, "UTC", "FR")
    assert on_time.strict == aware + timedelta(hours=24)
    assert late.strict == aware + timedelta(hours=28, minutes=1)


def test_a_clock_that_has_not_started_has_no_date_and_says_which_fact_is_missing():
    """Nothing is guessed: no awareness, no deadline."""
    stage = REGIMES.by_id["eu_gdpr_art33"].stage("sa_notification")
    dates = deadlines(stage, {}, "Europe/Berlin")
    assert (dates.strict, dates.outer) == (None, None)
    assert "aware_at" in dates.because
    none = deadlines(stage_of({"regime": "eu_dora_art19", "stage": "initial"})[0], {}, "Europe/Paris")
    assert none.strict is None
    assert "classified_major_at, aware_at" in none.because


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


ZONES = st.sampled_from(
    [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")]
)


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(1_704_067_200, 1_956_441_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    amount=st.integers(1, 90),
    zone=ZONES,
    method=st.sampled_from(sorted(METHODS)),
)
def test_the_strict_date_is_never_after_the_outer_one_and_both_lie_ahead(start, amount, zone, method):
    """For every method: start <= strict <= outer."""
    stage = Stage("s", "s", "hard", "start", Deadline(method, amount, UNITS_OF[method][0]))
    dates = deadlines(stage, start, zone.key, "DE")
    assert start <= dates.strict <= dates.outer
