"""What the law of decisions on people asks of an incident: mostly no report, said with its reason, and letters owed."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot.config.regimes import load
from bot.notices.applicability import answer, stages
from bot.notices.deadline import deadlines, starts
from bot.notices.derive import derived
from bot.words import house

REGIMES = load(house() / "templates" / "notices")
ROWS = {row["id"]: row for row in csv.DictReader((Path(__file__).parent / "vectors.csv").open(encoding="utf-8"))}
AWARE = datetime(2026, 11, 20, 8, tzinfo=UTC)
LAST_SUMMER = datetime(2026, 8, 20, 8, tzinfo=UTC)
BACK = datetime(2026, 12, 4, 17, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 11, 2, 17, tzinfo=UTC)
LATER = date(2028, 3, 1)
HIRING = {
    "decision_domain": frozenset({"employment"}),
    "ai_system": True,
    "automated_decision": "materially_influences",
    "us_states_of_individuals": frozenset({"CO", "CT", "IL", "TX", "CA", "NY"}),
    "countries_affected": frozenset({"US"}),
    "nyc_candidates": True,
    "protected_groups_affected": frozenset({"women"}),
    "adverse_outcome": True,
    "aware_at": AWARE,
    "tool_use_at": LAST_SUMMER,
}
FRONTIER = {"frontier_model_10e26": True, "frontier_critical_safety_incident": True}
COLORADO = {"automated_decision": "solely", "us_states_of_individuals": frozenset({"CO"}), "co_covered_decision": True}
CALIFORNIA = {
    "automated_decision": "solely",
    "us_states_of_individuals": frozenset({"CA"}),
    "ca_significant_decision": True,
}


def known(facts):
    return derived(facts, REGIMES.facts)


def judged(regime, facts, today=LATER, tz="UTC"):
    return answer(REGIMES.by_id[regime], known(facts), today=today, tz=tz)


def owed(regime, facts):
    """The stages by answer, on these facts and what follows from them."""
    return {each.stage.id: each.answer for each in stages(REGIMES.by_id[regime], known(facts))}


def dates(regime, stage, facts, tz="America/New_York", country="US", submitted=None):
    found, facts = REGIMES.by_id[regime], known(facts)
    return deadlines(found.stage(stage), starts(found, facts, submitted or {}), tz, country, facts=facts)


CASES = [  # regime, facts of a yes, what turns it into a no, what leaves it open, the fact asked for
    ("us_co_sb26_189", {**COLORADO, "adverse_outcome": True}, {"co_covered_decision": False}, "co_covered_decision"),
    ("us_ct_sb5", {**HIRING, "tool_use_at": NEXT_YEAR}, {"tool_use_at": LAST_SUMMER}, "us_states_of_individuals"),
    ("us_nyc_ll144", {**HIRING, "tool_use_at": BACK}, {"tool_use_at": LAST_SUMMER}, "nyc_candidates"),
    ("us_il_hb3773", {**HIRING, "tool_use_at": BACK}, {"tool_use_at": LAST_SUMMER}, "us_states_of_individuals"),
    ("us_tx_traiga", {**HIRING, "ag_notice_at": BACK}, {"ag_notice_at": None}, "us_states_of_individuals"),
    ("us_ca_ccpa_admt", {**CALIFORNIA, "request_received": True}, {"request_received": False}, "ca_significant_decision"),
    ("us_ca_sb53", FRONTIER, {"frontier_model_10e26": False}, "frontier_model_10e26"),
    ("us_ny_raise", FRONTIER, {"frontier_critical_safety_incident": False}, "frontier_critical_safety_incident"),
    ("us_ecoa_reg_b", {"credit_application": True, "adverse_decisions_count": 9}, {"adverse_decisions_count": 0}, "adverse_decisions_count"),
    ("us_fcra_adverse_action", {"consumer_report_used": True, "adverse_outcome": True}, {"consumer_report_used": False}, "consumer_report_used"),
    ("us_title_vii_eeoc", {**HIRING, "litigation_anticipated": True}, {"protected_groups_affected": frozenset()}, "protected_groups_affected"),
    ("contractual_notice", {"contracts_with_notice_duty": {"Acme": 48}}, {"contracts_with_notice_duty": {}, "insurance_policies_with_notice_duty": {}}, "contracts_with_notice_duty"),
    ("voluntary_oecd_common_reporting", {"voluntary_reporting_opted_in": True}, {"voluntary_reporting_opted_in": False}, "voluntary_reporting_opted_in"),
]  # fmt: skip


@pytest.mark.parametrize(("regime", "facts", "turns", "asked"), CASES, ids=[case[0] for case in CASES])
def test_each_regime_answers_yes_no_and_unknown_with_the_fact_that_decides(regime, facts, turns, asked):
    """A yes names what it rests on, one fact turns it into a no, and without one fact only that is asked."""
    yes, no = judged(regime, facts), judged(regime, facts | turns)
    unknown = judged(regime, facts | {asked: None})
    assert (yes.answer, no.answer, unknown.answer) == ("yes", "no", "unknown")
    assert asked in yes.rests_on
    assert unknown.ask[0] == asked
    assert REGIMES.by_id[regime].label(asked) in unknown.because
    turned = {*turns, "use_after_incident", "ag_notice_received"}
    assert set(no.rests_on) & turned
    assert "yes" in owed(regime, facts).values()


SILENT = [case for case in CASES if REGIMES.by_id[case[0]].no_report]


def test_most_of_these_laws_know_no_report_of_an_incident():
    """All but the two on frontier models, and contracts."""
    speak = {case[0] for case in CASES if case not in SILENT}
    assert speak == {"us_ca_sb53", "us_ny_raise", "contractual_notice"}


@pytest.mark.parametrize(("regime", "facts", "turns", "asked"), SILENT, ids=[case[0] for case in SILENT])
def test_that_there_is_no_report_is_said_whichever_way_the_answer_goes(regime, facts, turns, asked):
    """Nobody reads a yes as a report to an authority, nor has to guess why there is a no; the notes say it again."""
    found = REGIMES.by_id[regime]
    assert judged(regime, facts | turns).because.startswith(
        f"No duty to report the incident, because {found.no_report} ["
    )
    assert judged(regime, facts | {asked: None}).because.startswith(
        f"No duty to report the incident, because {found.no_report}; whether "
    )
    said = judged(regime, facts).because
    assert said.startswith("By choice, not by duty" if found.voluntary else "A duty exists, though none to report the")
    assert any(
        word in found.notes for word in ("No duty to report", "No federal duty to report", "Nobody has to report")
    )


def test_a_biased_hiring_model_found_today_owes_no_report_anywhere():
    """20 November 2026: where no tool goes back into use and nobody wrote, every law of hiring says no, or preserve."""
    said = {
        regime: judged(regime, HIRING, today=AWARE.date())
        for regime in ("us_nyc_ll144", "us_il_hb3773", "us_ct_sb5", "us_tx_traiga", "us_ca_ccpa_admt", "us_ecoa_reg_b")
    }
    assert {each.answer for each in said.values()} == {"no"}
    assert all("No duty to report the incident" in each.because for each in said.values())
    assert "makes the posted summary stale" in said["us_nyc_ll144"].remarks[0]
    title_vii = judged("us_title_vii_eeoc", HIRING | {"litigation_anticipated": True}, today=AWARE.date())
    assert "no federal law makes an employer report bias" in title_vii.because


def test_before_anything_is_known_a_law_that_only_speaks_of_use_asks_nothing():
    """An incident sends no tool into use: the no needs no question."""
    for regime in ("us_nyc_ll144", "us_il_hb3773", "us_ct_sb5"):
        said = judged(regime, {"aware_at": AWARE})
        assert (said.answer, said.ask, said.rests_on) == ("no", (), ("use_after_incident",))


def test_a_notice_before_use_is_no_notice_of_the_incident_and_dated_only_for_the_way_back():
    """The tool in use since August owes nothing anew; back on 4 December, candidates hear ten working days before."""
    assert set(owed("us_nyc_ll144", HIRING).values()) == {"no"}
    back = HIRING | {"tool_use_at": BACK}
    assert set(owed("us_nyc_ll144", back).values()) == {"yes"}
    notice = dates("us_nyc_ll144", "candidate_notice", back)
    assert notice.strict.isoformat() == "2026-11-19T23:59:59-05:00"  # Thanksgiving lies between
    assert dates("us_nyc_ll144", "bias_audit_summary", back).strict is None
    for regime, stage in (("us_co_sb26_189", "pre_use_notice"), ("us_ca_ccpa_admt", "pre_use_notice")):
        assert owed(regime, HIRING)[stage] == "no"
        assert dates(regime, stage, back).strict is None


def test_colorado_in_june_2026_and_its_report_to_the_attorney_general_are_gone():
    """SB 24-205 never took effect: no date of June 2026, no ninety days, no attorney general among those told."""
    facts = {**COLORADO, "adverse_outcome": True}
    for day in (date(2026, 6, 30), date(2026, 7, 1), date(2026, 11, 20), date(2026, 12, 31)):
        said = judged(
            "us_co_sb26_189",
            facts | {"adverse_decision_at": datetime(day.year, day.month, day.day, 18, tzinfo=UTC)},
            tz="America/Denver",
        )
        assert (said.answer, said.would_be, said.applies_from) == ("no", "yes", date(2027, 1, 1))
        assert any("repealed before it took effect" in remark for remark in said.remarks)
    colorado = REGIMES.by_id["us_co_sb26_189"]
    assert not any("attorney" in who.lower() for stage in colorado.stages for who in stage.recipients)
    assert {stage.deadline.amount for stage in colorado.stages} == {0, 30}
    assert "consumer" in colorado.stage("post_adverse_outcome_disclosure").recipients


FACTS = {
    "us_ca_sb53": FRONTIER | {"imminent_risk_of_death_or_injury": True},
    "us_ny_raise": FRONTIER,
    "us_co_sb26_189": {**COLORADO, "adverse_outcome": True},
    "us_ecoa_reg_b": {"credit_application": True, "adverse_decisions_count": 1},
}


@pytest.mark.parametrize("vector", ["V063", "V064", "V065", "V066", "V067", "V068"])
def test_a_dated_example_is_owed_on_its_day_and_no_other(vector):
    """Regime, stage and date together: what is not in force yet has no date, what is has this one to the second."""
    row = ROWS[vector]
    regime, stage = REGIMES.by_id[row["regime"]], row["stage"].partition("@")[0]
    start = datetime.fromisoformat(row["clock_start_iso"])
    facts = FACTS[regime.id] | {regime.stage(stage).clock_start: start}
    said = judged(regime.id, facts, tz=row["tz"])
    if row["expected_deadline_iso"] == "NOT_APPLICABLE":
        assert (said.answer, said.applies_from) == ("no", date(2027, 1, 1))
        assert "applies from 1 January 2027" in said.because
        return
    assert said.answer == "yes"
    assert owed(regime.id, facts)[stage] == "yes"
    due = dates(regime.id, stage, facts, tz=row["tz"])
    assert due.strict.isoformat() == due.outer.isoformat() == row["expected_deadline_iso"]


def test_a_periodic_summary_is_counted_from_the_one_before_and_never_from_an_incident():
    """RAISE: three months from the last summary; an incident gives it no date."""
    facts = FRONTIER | {"developer_revenue_usd": 600_000_000, "notification_incident_determined_at": AWARE}
    assert dates("us_ny_raise", "internal_use_summary", facts).strict is None
    filed = {"internal_use_summary": datetime(2027, 1, 31, 15, tzinfo=UTC)}
    assert dates("us_ny_raise", "internal_use_summary", facts, submitted=filed).strict.date() == date(2027, 4, 30)
    small = judged("us_ny_raise", FRONTIER | {"developer_revenue_usd": 1_000_000})
    assert any("USD 500 million" in remark for remark in small.remarks)


def test_each_notice_to_an_applicant_has_its_own_occasion():
    """Credit: a counteroffer counts from when it was told, an account from the action, wrong reasons are mended soon."""
    plain = {"credit_application": True, "adverse_decisions_count": 4, "existing_account_action": False}
    plain |= {"adverse_reasons_wrong": False}
    assert [stage for stage, said in owed("us_ecoa_reg_b", plain).items() if said == "yes"] == ["adverse_action_notice"]
    told = plain | {"counteroffer_at": datetime(2026, 12, 2, 17, tzinfo=UTC), "adverse_reasons_wrong": True}
    assert owed("us_ecoa_reg_b", told)["counteroffer_notice"] == "yes"
    assert dates("us_ecoa_reg_b", "counteroffer_notice", told).strict.date() == date(2027, 3, 2)
    corrected = dates("us_ecoa_reg_b", "corrected_notices_after_model_error", told | {"aware_at": AWARE})
    assert (corrected.strict, corrected.by_law) == (None, False)
    assert "as soon as possible" in corrected.because
    account = {"credit_application": False, "existing_account_action": True, "adverse_decisions_count": 4}
    account["decision_domain"] = frozenset({"credit"})
    assert judged("us_ecoa_reg_b", account).answer == "yes"
    assert owed("us_ecoa_reg_b", account)["adverse_action_notice"] == "no"


def test_a_dispute_has_thirty_days_and_forty_five_where_the_person_sent_more():
    """The request starts it, not the incident."""
    facts = {
        "consumer_report_used": True,
        "fcra_dispute": True,
        "request_received_at": datetime(2027, 1, 5, 15, tzinfo=UTC),
    }
    assert dates("us_fcra_adverse_action", "dispute_reinvestigation", facts).strict.date() == date(2027, 2, 4)
    more = dates("us_fcra_adverse_action", "dispute_reinvestigation", facts | {"dispute_supplemented": True})
    assert more.strict.date() == date(2027, 2, 19)
    assert "sent more in the meantime" in more.because
    assert owed("us_fcra_adverse_action", facts | {"adverse_outcome": True})["furnisher_correction"] == "unknown"


def test_a_request_or_a_notice_of_the_attorney_general_starts_its_own_clock():
    """California 45 days from the request, Texas 60 from the notice; in force is judged by that day too."""
    asked = CALIFORNIA | {
        "request_received_at": datetime(2027, 2, 1, 18, tzinfo=UTC),
        "tool_use_at": LAST_SUMMER,
        "aware_at": AWARE,
    }
    assert judged("us_ca_ccpa_admt", asked, today=AWARE.date()).answer == "yes"
    assert dates("us_ca_ccpa_admt", "access_response", asked).strict.date() == date(2027, 3, 18)
    early = judged("us_ca_ccpa_admt", asked | {"request_received_at": AWARE})
    assert (early.answer, early.applies_from) == ("no", date(2027, 1, 1))
    texas = HIRING | {"ag_notice_at": datetime(2026, 11, 25, 18, tzinfo=UTC)}
    assert dates("us_tx_traiga", "cure_response", texas).strict.date() == date(2027, 1, 24)


def test_the_letter_to_candidates_is_a_choice_and_the_hold_is_not():
    """Federal law: preserve once litigation is anticipated; nobody is owed a letter, even where decisions are reopened."""
    facts = HIRING | {"litigation_anticipated": True, "eeoc_charge_received": False, "decisions_to_reverse": 12}
    found = {each.stage.id: each for each in stages(REGIMES.by_id["us_title_vii_eeoc"], known(facts))}
    assert found["legal_hold"].because.startswith("Owed, because litigation is reasonably anticipated: yes")
    assert found["candidate_remediation_notice"].because.startswith("By choice, not owed, because decisions to be")
    assert found["eeoc_position_statement"].answer == "no"
    oecd = stages(REGIMES.by_id["voluntary_oecd_common_reporting"], {})[0]
    assert oecd.because.startswith("By choice, not owed, whenever")


def test_the_shortest_of_several_contracts_counts_and_is_named():
    """Three customers, three terms: the least, by its exact name; a term of nothing is named as prompt."""
    facts = {"contracts_with_notice_duty": {"Acme": 72, "bank_north": 24, "Cargo": 48, "Delta": 0}, "aware_at": AWARE}
    due = dates("contractual_notice", "counterparty_notice", facts, tz="UTC")
    assert due.strict == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert "as agreed: the shortest of 3, bank_north; promptly: Delta" in due.because
    assert "the law" not in due.because
    alone = dates("contractual_notice", "counterparty_notice", facts | {"contracts_with_notice_duty": {"Acme": 72}})
    assert "; as agreed: Acme." in alone.because


def test_a_policy_without_hours_is_told_promptly_and_has_no_date():
    """Zero hours is a duty all the same; an organisation without contracts or policies has none."""
    facts = {"insurance_policies_with_notice_duty": {"EPLI": 0}, "contracts_with_notice_duty": {}, "aware_at": AWARE}
    assert judged("contractual_notice", facts).answer == "yes"
    assert owed("contractual_notice", facts) == {"counterparty_notice": "no", "insurer_notice": "yes"}
    due = dates("contractual_notice", "insurer_notice", facts)
    assert (due.strict, due.outer, due.by_law) == (None, None, False)
    assert "(promptly: EPLI)" in due.because
