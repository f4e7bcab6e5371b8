"""The European clocks: from which moment each notice counts, and the values often seen that are wrong."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.notices.applicability import answer, facts_used, stages
from bot.notices.deadline import deadlines, starts
from tests.notices.test_regimes_eu import (
    BERLIN,
    BREACH,
    DEPLOYER,
    FOLDER,
    LATER,
    MINE,
    NOW,
    OUTSIDE,
    REGIMES,
    RIGHTS,
    owed,
)


def due(regime, stage, country="DE", tz=BERLIN, submitted=None, **moments):
    """The dates of a stage as the product counts them: from the facts, and from what was filed."""
    facts = {key: datetime.fromisoformat(value) for key, value in moments.items()}
    filed = {key: datetime.fromisoformat(value) for key, value in (submitted or {}).items()}
    return deadlines(REGIMES[regime].stage(stage), starts(REGIMES[regime], facts, filed), tz, country, facts=facts)


def test_a_controller_told_by_its_processor_is_aware_then():
    """V022: at the latest then, and not when the processor was; the reason names the moment."""
    told = {"processor_aware_at": "2026-11-20T08:00:00+00:00", "controller_informed_at": "2026-11-21T19:05:00+00:00"}
    for regime, stage in (("eu_gdpr_art33", "sa_notification"), ("uk_gdpr_art33", "ico_notification")):
        dates = due(regime, stage, tz="Europe/Dublin", **told)
        assert dates.strict.isoformat() == "2026-11-24T19:05:00+00:00"
        assert "72 hours from controller_informed_at" in dates.because
        both = due(regime, stage, tz="Europe/Dublin", **told, aware_at="2026-11-22T07:00:00+00:00")
        assert both.strict == dates.strict
        own = due(regime, stage, tz="Europe/Dublin", aware_at="2026-11-22T07:00:00+00:00")
        assert own.strict.isoformat() == "2026-11-25T07:00:00+00:00"
        assert due(regime, stage, processor_aware_at=told["processor_aware_at"]).strict is None


def test_a_controller_that_knew_before_is_bound_from_then_and_counsel_can_set_the_moment():
    """The earlier moment counts, a remark says so, and a moment set for the regime stands over both."""
    early, late = datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 21, 19, tzinfo=UTC)
    facts = BREACH | {"aware_at": early, "controller_informed_at": late}
    regime = REGIMES["eu_gdpr_art33"]
    stage = regime.stage("sa_notification")
    assert any("the earlier moment counts" in remark for remark in answer(regime, facts, today=NOW).remarks)
    assert deadlines(stage, starts(regime, facts), "UTC").strict == early + timedelta(hours=72)
    assert not answer(regime, facts | {"aware_at": late}, today=NOW).remarks
    middle = early + timedelta(hours=40)
    chosen = starts(regime, facts | {"aware_at_by_regime": {"eu_gdpr_art33": middle}})
    assert deadlines(stage, chosen, "UTC").strict == middle + timedelta(hours=72)
    assert {"controller_informed_at", "aware_at", "processor_aware_at"} <= set(facts_used(regime))


def test_a_processor_has_no_number_but_what_its_contracts_give():
    """Without undue delay; the shortest contract is the date."""
    stage = REGIMES["eu_gdpr_art33"].stage("processor_to_controller")
    aware = datetime(2026, 11, 20, 8, tzinfo=UTC)
    none = deadlines(stage, {"processor_aware_at": aware, "aware_at": aware}, "UTC")
    assert none.strict is None
    assert "without undue delay" in none.because
    contracts = {"contracts_with_notice_duty": {"Acme": 48, "Umbrella": 24}}
    agreed = deadlines(stage, {"processor_aware_at": aware}, "UTC", facts=contracts)
    assert agreed.strict == aware + timedelta(hours=24)
    assert "as agreed: the shortest of 2, Umbrella" in agreed.because
    assert "the law also says" not in agreed.because


def test_immediately_is_a_target_of_draft_guidance_and_no_law():
    """V013: twenty-four hours, said to be a draft's reading."""
    dates = due("eu_ai_act_art26_5", "inform_provider", aware_at="2028-03-03T17:00:00+01:00")
    assert (dates.strict.isoformat(), dates.by_law) == ("2028-03-04T17:00:00+01:00", False)
    assert "a draft, not the law" in dates.because


def test_trust_services_have_a_day_for_the_notification():
    """NIS2 Art. 23(4), last sentence: 24 instead of 72 hours."""
    stage = REGIMES["eu_nis2_art23"].stage("incident_notification")
    aware = datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert deadlines(stage, aware, "UTC", facts={"trust_service_provider": False}).strict == aware + timedelta(hours=72)
    trust = deadlines(stage, aware, "UTC", facts={"trust_service_provider": True})
    assert trust.strict == aware + timedelta(hours=24)
    assert "trust services" in trust.because


def test_later_reports_count_from_what_was_filed_or_mended():
    """Not from awareness: NIS2 and CRA from the notification, GPAI from the last report, a vulnerability from its fix."""
    aware = "2027-01-28T15:00:00+01:00"
    assert due("eu_nis2_art23", "final_report", aware_at=aware).strict is None
    filed = {"early_warning": "2027-01-20T09:00:00+01:00", "incident_notification": "2027-01-31T15:00:00+01:00"}
    final = due("eu_nis2_art23", "final_report", country="FR", submitted=filed, aware_at=aware)
    assert (final.strict.date(), final.outer.date()) == (date(2027, 2, 28), date(2027, 3, 1))
    filed = {"severe_incident_notification": "2026-12-31T10:00:00+01:00"}
    assert due("eu_cra_art14", "severe_incident_final_report", submitted=filed).strict.date() == date(2027, 1, 31)
    mended = due(
        "eu_cra_art14", "vulnerability_final_report", corrective_measure_available_at="2026-12-11T12:00:00+01:00"
    )
    assert (mended.strict.date(), mended.outer.date()) == (date(2026, 12, 25), date(2026, 12, 28))
    filed = {"initial_report_death": "2026-11-20T09:00:00+01:00", "intermediate_report": "2026-11-25T17:00:00+01:00"}
    assert due("eu_ai_act_art55_gpai_cop", "intermediate_report", submitted=filed).strict.date() == date(2026, 12, 23)


# -- values that are often seen and are wrong ------------------------------------------------------------------------


def test_two_days_are_not_two_working_days():
    """Aware on a Friday: the target is Sunday; Tuesday is what counsel may argue and no alarm aims at."""
    for regime, stage in (
        ("eu_ai_act_art73", "report_widespread_or_critical_infra"),
        ("eu_mdr_art87", "serious_public_health_threat"),
    ):
        dates = due(regime, stage, aware_at="2028-02-04T09:00:00+01:00")
        assert (dates.strict.date(), dates.outer.date()) == (date(2028, 2, 6), date(2028, 2, 8))
        assert REGIMES[regime].stage(stage).deadline.unit == "days"


def test_death_is_ten_days_and_widespread_is_two_and_never_the_other_way_round():
    """Art. 73(3) and (4), and the same in the law on devices."""
    aware = "2028-01-03T09:00:00+01:00"
    assert due("eu_ai_act_art73", "report_death", aware_at=aware).strict.date() == date(2028, 1, 13)
    two = due("eu_ai_act_art73", "report_widespread_or_critical_infra", aware_at=aware)
    assert two.strict.date() == date(2028, 1, 5)
    death = due("eu_mdr_art87", "death_or_unanticipated_deterioration", aware_at=aware)
    assert death.strict.date() == date(2028, 1, 13)
    widespread = RIGHTS | {"fundamental_rights_infringement": False, "widespread_infringement": True}
    assert owed("eu_ai_act_art73", widespread)["report_widespread_or_critical_infra"] == "yes"
    assert owed("eu_ai_act_art73", widespread)["report_death"] == "no"


def test_an_infringement_of_rights_has_fifteen_days_and_not_ten():
    """Only a widespread one is faster."""
    regime = REGIMES["eu_ai_act_art73"]
    aware = datetime(2028, 1, 4, 14, tzinfo=UTC)
    dated = [
        deadlines(each.stage, aware, BERLIN, "DE").strict
        for each in stages(regime, RIGHTS)
        if each.answer == "yes" and each.stage.deadline.amount
    ]
    assert [at.date() for at in dated] == [date(2028, 1, 19)]


@pytest.mark.parametrize("regime", ["eu_ai_act_art73", "eu_ai_act_art26_5", "eu_ai_act_art20"])
def test_no_high_risk_duty_of_the_act_exists_in_august_2026(regime):
    """Annex III from 2 December 2027, Annex I from 2 August 2028; the answer it would give is kept."""
    facts = RIGHTS | OUTSIDE | DEPLOYER | {"nonconformity_found": True}
    facts |= {"org_role_ai_act": frozenset({"provider", "deployer"})}
    for day in (date(2026, 8, 2), NOW, date(2027, 12, 1)):
        judged = answer(REGIMES[regime], facts, today=day)
        assert (judged.answer, judged.would_be, judged.applies_from) == ("no", "yes", date(2027, 12, 2)), day
        assert "2026/1744" in judged.because
    assert answer(REGIMES[regime], facts, today=date(2027, 12, 2)).answer == "yes"
    device = facts | {"high_risk_ai_system": "annex_i"}
    assert answer(REGIMES[regime], device, today=date(2028, 8, 1)).applies_from == date(2028, 8, 2)
    assert answer(REGIMES[regime], device, today=date(2028, 8, 2)).answer == "yes"


def test_a_system_from_before_the_law_is_pointed_out_by_its_own_date():
    """What is early enough for Annex III is not the same day as for Annex I."""
    old = RIGHTS | OUTSIDE | {"significant_design_change_after_application_date": False}
    between = {"placed_on_market_date": date(2028, 1, 15)}
    said = "on the market before the law applied"
    annex_i = answer(REGIMES["eu_ai_act_art73"], old | between | {"high_risk_ai_system": "annex_i"}, today=LATER)
    assert any(said in remark for remark in annex_i.remarks)
    assert not any(said in remark for remark in answer(REGIMES["eu_ai_act_art73"], old | between, today=LATER).remarks)


def test_no_file_cites_the_number_the_article_had_in_the_drafts():
    """The serious incident is Art. 73; 62 was its number before the law was passed."""
    for folder in (each for each in MINE if each.startswith("eu_ai_act")):
        for path in sorted((FOLDER / folder).iterdir()):
            assert "Art. 62" not in path.read_text(encoding="utf-8"), path.name
    assert "Art. 73" in REGIMES["eu_ai_act_art73"].cited


def test_seventy_two_hours_are_not_ninety_six_and_wait_for_no_monday():
    """The proposal of 96 hours is no law; hours run on over Christmas, and the later date is one hour at most."""
    aware = "2026-12-24T18:10:00+01:00"
    dates = due("eu_gdpr_art33", "sa_notification", aware_at=aware)
    assert dates.strict - datetime.fromisoformat(aware) == timedelta(hours=72)
    assert timedelta() < dates.outer - dates.strict < timedelta(hours=1)
    assert "proposal" in REGIMES["eu_gdpr_art33"].in_force.note


def test_the_notification_of_an_incident_counts_from_awareness_and_not_from_the_warning():
    """72 hours from the same moment as the 24."""
    aware = "2026-11-20T17:45:00+01:00"
    filed = {"early_warning": "2026-11-21T12:00:00+01:00"}
    dates = due("eu_nis2_art23", "incident_notification", submitted=filed, aware_at=aware)
    assert dates.outer.isoformat() == "2026-11-23T17:45:00+01:00"
