"""The regimes of the United Kingdom, Canada, Singapore, India, Australia, Korea and Japan: who must tell, and by when."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.config.regimes import load
from bot.notices.applicability import answer, stages
from bot.notices.deadline import deadlines
from bot.words import house

REGIMES = load(house() / "templates" / "notices")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2027, 4, 1)
YES = {
    "uk_fca_pra_incident": ({"uk_authorised_firm": True}, "uk_operational_incident_threshold_met", True, False),
    "ca_osfi": ({"ca_frfi": True}, "osfi_reportable_characteristic", True, False),
    "ca_pipeda": (
        {"personal_data_breach": True, "countries_affected": frozenset({"CA"})},
        "real_risk_of_significant_harm",
        True,
        False,
    ),
    "sg_mas_trm": ({"mas_regulated": True}, "mas_relevant_incident", True, False),
    "in_cert_in": (
        {"cert_in_annexure_incident": True},
        "countries_affected",
        frozenset({"IN", "US"}),
        frozenset({"US"}),
    ),
    "au_apra_cps234": ({"apra_regulated": True, "apra_control_weakness": False}, "apra_material_incident", True, False),
    "au_ndb": ({"countries_affected": frozenset({"AU"})}, "au_eligible_data_breach", True, False),
    "kr_ai_basic_act": (
        {"countries_affected": frozenset({"KR"}), "kr_high_impact_ai": False, "frontier_model_10e26": False},
        "generative_ai",
        True,
        False,
    ),
    "jp_appi": (
        {"personal_data_breach": True, "countries_affected": frozenset({"JP"})},
        "jp_reportable_type",
        True,
        False,
    ),
}


@pytest.mark.parametrize("name", sorted(YES))
def test_one_fact_decides_and_is_named(name):
    """Yes, no and unknown of each regime, with the fact that decides, and the question that would settle it."""
    regime, (facts, decides, yes, no) = REGIMES.by_id[name], YES[name]
    judged = answer(regime, {**facts, decides: yes}, today=TODAY)
    assert judged.answer == "yes"
    assert decides in judged.rests_on
    refused = answer(regime, {**facts, decides: no}, today=TODAY)
    assert refused.answer == "no"
    assert decides in refused.rests_on
    assert regime.citations[0].instrument in refused.because
    left_open = answer(regime, facts, today=TODAY)
    assert (left_open.answer, left_open.ask) == ("unknown", (decides,))


def test_the_uk_regime_begins_on_18_march_2027():
    """The day of the determination decides, by the clock in London."""
    regime = REGIMES.by_id["uk_fca_pra_incident"]
    facts = {"uk_authorised_firm": True, "uk_operational_incident_threshold_met": True}
    eve = datetime(2027, 3, 17, 23, 30, tzinfo=UTC)
    judged = answer(regime, facts | {"notification_incident_determined_at": eve}, today=TODAY, tz="Europe/London")
    assert (judged.answer, judged.applies_from, judged.would_be) == ("no", date(2027, 3, 18), "yes")
    later = facts | {"notification_incident_determined_at": eve + timedelta(hours=1)}
    assert answer(regime, later, today=TODAY, tz="Europe/London").answer == "yes"


def test_a_control_weakness_is_told_without_an_incident():
    """CPS 234 para. 36 stands on its own."""
    facts = {"apra_regulated": True, "apra_material_incident": False, "apra_control_weakness": True}
    assert answer(REGIMES.by_id["au_apra_cps234"], facts, today=TODAY).answer == "yes"
    owed = {each.stage.id: each.answer for each in stages(REGIMES.by_id["au_apra_cps234"], facts)}
    assert owed == {"apra_notification": "no", "control_weakness": "yes"}


def test_uk_payment_services_keep_four_hours_and_the_final_report_counts_english_working_days():
    """Christmas and Boxing Day, which move to Monday and Tuesday, are not counted."""
    regime = REGIMES.by_id["uk_fca_pra_incident"]
    first, last = regime.stage("initial_report"), regime.stage("final_report")
    assert deadlines(
        first, NOON, "Europe/London", facts={"uk_payment_service_provider": False}
    ).strict == NOON + timedelta(hours=24)
    four = deadlines(first, NOON, "Europe/London", facts={"uk_payment_service_provider": True})
    assert four.strict == NOON + timedelta(hours=4)
    assert "payment service providers" in four.because
    due = deadlines(last, datetime(2027, 11, 29, 9, tzinfo=UTC), "Europe/London").strict
    assert due.date() == date(2028, 1, 13)  # 27 and 28 December and 3 January are bank holidays in England


def test_an_australian_weakness_counts_national_working_days():
    """Ten business days from awareness over Easter and Anzac Day."""
    stage = REGIMES.by_id["au_apra_cps234"].stage("control_weakness")
    due = deadlines(stage, datetime(2027, 3, 24, 9, tzinfo=UTC), "Australia/Sydney", "DE").strict
    assert due.date() == date(2027, 4, 9)  # Good Friday and Easter Monday are not counted, whatever the country asked


def test_japan_gives_sixty_days_where_it_may_have_been_malice():
    """Unknown malice keeps the shorter date."""
    stage = REGIMES.by_id["jp_appi"].stage("final_report")
    for facts, days in (({}, 30), ({"malicious_access": False}, 30), ({"malicious_access": True}, 60)):
        assert deadlines(stage, NOON, "UTC", "JP", facts=facts).strict.date() == NOON.date() + timedelta(days=days)
    first = deadlines(REGIMES.by_id["jp_appi"].stage("preliminary_report"), NOON, "UTC", "JP")
    assert (first.strict, first.by_law) == (NOON + timedelta(hours=72), False)
