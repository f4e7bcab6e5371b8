"""The European regimes: who must be told on which facts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.config.regimes import load
from bot.notices.applicability import answer, stages
from bot.notices.deadline import deadlines
from bot.words import house

FOLDER = house() / "templates" / "notices"
REGIMES = load(FOLDER).by_id
MINE = (
    "eu_ai_act_art73",
    "eu_ai_act_art26_5",
    "eu_ai_act_art20",
    "eu_ai_act_art55_gpai_cop",
    "eu_gdpr_art33",
    "eu_gdpr_art34",
    "uk_gdpr_art33",
    "eu_nis2_art23",
    "eu_cra_art14",
    "eu_mdr_art87",
)
NOW, LATER = date(2026, 11, 20), date(2028, 9, 1)
BERLIN = "Europe/Berlin"
HIGH_RISK = {"eu_nexus": True, "ai_system": True, "high_risk_ai_system": "annex_iii"}
DEPLOYER = HIGH_RISK | {"org_role_ai_act": frozenset({"deployer"}), "serious_incident_identified": True}
PROVIDER = HIGH_RISK | {"org_role_ai_act": frozenset({"provider"}), "nonconformity_found": True}
NO_HARM = {
    "deaths": 0,
    "serious_harm_health": 0,
    "critical_infrastructure_disruption": "none",
    "malicious_access": False,
    "fundamental_rights_infringement": False,
    "property_or_environment_serious_harm": False,
    "widespread_infringement": False,
}
RIGHTS = HIGH_RISK | NO_HARM | {"fundamental_rights_infringement": True, "malfunction_or_misuse": "data_error"}
OUTSIDE = {"medical_device": False, "sector_equivalent_reporting": False}
MODEL = {"gpai_systemic_risk": True, **NO_HARM}
BREACH = {"eu_nexus": True, "personal_data_breach": True, "risk_to_individuals": "high"}
READABLE = {"data_encrypted_key_safe": False, "high_risk_removed_by_later_measures": False}
UK = {"personal_data_breach": True, "risk_to_individuals": "risk", "countries_affected": frozenset({"GB", "IE"})}
NIS2 = {"nis2_entity": "essential", "significant_service_impact": True, "financial_entity": False}
CRA = {
    "product_with_digital_elements": True,
    "actively_exploited_vulnerability": True,
    "severe_product_incident": False,
}
MDR = {"medical_device": True, "deaths": 0, "serious_harm_health": 1}

JUDGED = [
    ("eu_ai_act_art73", RIGHTS | OUTSIDE, "yes", "fundamental rights infringed: yes"),
    ("eu_ai_act_art73", RIGHTS | OUTSIDE | {"high_risk_ai_system": "no"}, "no", "high-risk class of the system: no"),
    ("eu_ai_act_art73", RIGHTS | OUTSIDE | {"malfunction_or_misuse": None}, "unknown", "what kind of failure it was"),
    ("eu_ai_act_art26_5", DEPLOYER, "yes", "a serious incident was identified: yes"),
    (
        "eu_ai_act_art26_5",
        DEPLOYER | {"org_role_ai_act": frozenset({"provider"})},
        "no",
        "our role under the AI Act: provider",
    ),
    ("eu_ai_act_art26_5", DEPLOYER | {"high_risk_ai_system": "no"}, "no", "high-risk class of the system: no"),
    (
        "eu_ai_act_art26_5",
        DEPLOYER | {"serious_incident_identified": None, "risk_art79": False},
        "unknown",
        "a serious incident was identified",
    ),
    ("eu_ai_act_art20", PROVIDER, "yes", "found not to conform: yes"),
    ("eu_ai_act_art20", PROVIDER | {"nonconformity_found": False, "risk_art79": False}, "no", "conform: no"),
    ("eu_ai_act_art20", PROVIDER | {"nonconformity_found": None, "risk_art79": False}, "unknown", "not to conform"),
    ("eu_ai_act_art55_gpai_cop", MODEL | {"malicious_access": True}, "yes", "malicious intent: yes"),
    ("eu_ai_act_art55_gpai_cop", MODEL, "no", "people who died: 0"),
    ("eu_ai_act_art55_gpai_cop", MODEL | {"gpai_systemic_risk": False, "deaths": 3}, "no", "systemic risk: no"),
    ("eu_ai_act_art55_gpai_cop", {"gpai_systemic_risk": None, "deaths": 3}, "unknown", "has systemic risk"),
    ("eu_gdpr_art33", BREACH, "yes", "risk to the rights and freedoms of people: high"),
    ("eu_gdpr_art33", BREACH | {"risk_to_individuals": "unlikely"}, "no", "freedoms of people: unlikely"),
    ("eu_gdpr_art33", BREACH | {"risk_to_individuals": None}, "unknown", "risk to the rights and freedoms of people"),
    ("eu_gdpr_art34", BREACH | READABLE, "yes", "risk to the rights and freedoms of people: high"),
    ("eu_gdpr_art34", BREACH | READABLE | {"risk_to_individuals": "risk"}, "no", "freedoms of people: risk"),
    ("eu_gdpr_art34", BREACH | READABLE | {"data_encrypted_key_safe": True}, "no", "(Art. 34(3)(a))"),
    ("eu_gdpr_art34", BREACH | READABLE | {"high_risk_removed_by_later_measures": True}, "no", "(Art. 34(3)(b))"),
    ("eu_gdpr_art34", BREACH | READABLE | {"data_encrypted_key_safe": None}, "unknown", "the key is safe"),
    ("uk_gdpr_art33", UK, "yes", "GB, IE"),
    ("uk_gdpr_art33", UK | {"countries_affected": frozenset({"IE"})}, "no", "people or services were affected: IE"),
    ("uk_gdpr_art33", UK | {"countries_affected": None}, "unknown", "people or services were affected"),
    ("eu_nis2_art23", NIS2, "yes", "class of entity under NIS2: essential"),
    ("eu_nis2_art23", NIS2 | {"nis2_entity": "none"}, "no", "class of entity under NIS2: none"),
    ("eu_nis2_art23", NIS2 | {"financial_entity": True}, "no", "DORA takes the place"),
    ("eu_nis2_art23", NIS2 | {"significant_service_impact": None}, "unknown", "significant for the service"),
    ("eu_cra_art14", CRA, "yes", "a vulnerability is actively exploited: yes"),
    ("eu_cra_art14", CRA | {"actively_exploited_vulnerability": False}, "no", "actively exploited: no"),
    ("eu_cra_art14", CRA | {"product_with_digital_elements": None}, "unknown", "product with digital elements"),
    ("eu_mdr_art87", MDR, "yes", "people whose health was seriously harmed: 1"),
    ("eu_mdr_art87", MDR | {"medical_device": False}, "no", "medical device or part of one: no"),
    ("eu_mdr_art87", MDR | {"serious_harm_health": None}, "unknown", "health was seriously harmed"),
]


@pytest.mark.parametrize(("regime", "facts", "expected", "why"), JUDGED)
def test_a_regime_answers_with_the_fact_that_decides(regime, facts, expected, why):
    """Yes, no or not known yet, the deciding fact named; an unknown asks for it and for nothing that is known."""
    judged = answer(REGIMES[regime], facts, today=LATER)
    assert (judged.answer, judged.answer == "unknown") == (expected, bool(judged.ask))
    assert why in judged.because
    assert str(REGIMES[regime].citations[0]) in judged.because
    assert all(facts.get(key) is None for key in judged.ask)


def test_each_regime_was_asked_for_a_yes_a_no_and_an_unknown():
    """No answer of a regime is left unproved."""
    assert {(regime, expected) for regime, _facts, expected, _why in JUDGED} == {
        (regime, expected) for regime in MINE for expected in ("yes", "no", "unknown")
    }


def owed(regime, facts):
    return {each.stage.id: each.answer for each in stages(REGIMES[regime], facts)}


def test_a_report_under_the_ai_act_goes_by_the_gravest_harm():
    """Rights alone: the general report. A death: its own. Infrastructure and a death: both, and not the general one."""
    general, death, two_days = (
        "initial_or_full_report_general",
        "report_death",
        "report_widespread_or_critical_infra",
    )
    found = owed("eu_ai_act_art73", RIGHTS)
    assert (found[general], found[death], found[two_days]) == ("yes", "no", "no")
    found = owed("eu_ai_act_art73", RIGHTS | {"deaths": 1})
    assert (found[general], found[death], found[two_days]) == ("no", "yes", "no")
    both = RIGHTS | {"deaths": 1, "critical_infrastructure_disruption": "serious_and_irreversible"}
    found = owed("eu_ai_act_art73", both)
    assert (found[general], found[death], found[two_days]) == ("no", "yes", "yes")
    assert (
        owed("eu_ai_act_art73", RIGHTS | {"fix_would_affect_cause_evaluation": True})["pre_alteration_notice"] == "yes"
    )
    assert owed("eu_ai_act_art73", RIGHTS)["pre_alteration_notice"] == "unknown"


def test_a_deployer_tells_the_provider_of_an_incident_and_suspends_use_on_a_risk():
    """The two notices of a serious incident, and the one of a risk, are owed for themselves."""
    assert owed("eu_ai_act_art26_5", DEPLOYER | {"risk_art79": False}) == {
        "inform_provider": "yes",
        "inform_importer_distributor_msa": "yes",
        "risk_notice_and_suspend": "no",
    }
    risk = owed("eu_ai_act_art26_5", DEPLOYER | {"serious_incident_identified": False, "risk_art79": True})
    assert risk == {
        "inform_provider": "no",
        "inform_importer_distributor_msa": "no",
        "risk_notice_and_suspend": "yes",
    }


def test_a_provider_tells_the_chain_of_a_fault_and_the_authority_of_a_risk():
    """Art. 20(1) and (2) are two duties."""
    assert owed("eu_ai_act_art20", PROVIDER | {"risk_art79": False}) == {"inform_chain": "yes", "inform_msa": "no"}
    assert owed("eu_ai_act_art20", PROVIDER | {"risk_art79": True}) == {"inform_chain": "yes", "inform_msa": "yes"}


@pytest.mark.parametrize(
    ("harm", "stage", "day"),
    [
        ({"critical_infrastructure_disruption": "serious_and_irreversible"}, "critical_infrastructure", 22),
        ({"malicious_access": True}, "cybersecurity_breach", 25),
        ({"deaths": 2}, "death", 30),
        ({"serious_harm_health": 1}, "other_harm", 35),
        ({"fundamental_rights_infringement": True}, "other_harm", 35),
        ({"property_or_environment_serious_harm": True}, "other_harm", 35),
    ],
)
def test_each_harm_of_a_model_has_its_own_first_report(harm, stage, day):
    """Two, five, ten and fifteen calendar days from the knowledge that the model was involved, weekend or not."""
    found = owed("eu_ai_act_art55_gpai_cop", MODEL | harm | {"incident_resolved": False})
    first = [key for key, said in found.items() if key.startswith("initial") and said == "yes"]
    assert first == [f"initial_report_{stage}"]
    assert (found["intermediate_report"], found["final_report"]) == ("yes", "yes")
    known = datetime(2026, 11, 20, 13, tzinfo=ZoneInfo(BERLIN))
    dates = deadlines(REGIMES["eu_ai_act_art55_gpai_cop"].stage(first[0]), known, BERLIN, "DE")
    assert dates.strict == dates.outer
    assert dates.strict.date() == date(2026, 11, 1) + timedelta(days=day - 1)


def test_several_harms_of_a_model_owe_several_reports_and_the_earliest_counts():
    """A death after weights were stolen: five days come first; nobody has said whether infrastructure failed."""
    facts = MODEL | {"malicious_access": True, "deaths": 1, "critical_infrastructure_disruption": None}
    regime = REGIMES["eu_ai_act_art55_gpai_cop"]
    found = owed(regime.id, facts)
    assert found["initial_report_critical_infrastructure"] == "unknown"
    assert found["initial_report_other_harm"] == "no"
    known = datetime(2026, 11, 20, 13, tzinfo=UTC)
    due = {key: deadlines(regime.stage(key), known, BERLIN).strict for key, said in found.items() if said == "yes"}
    first = min((at, key) for key, at in due.items() if at)
    assert first[1] == "initial_report_cybersecurity_breach"
    assert owed(regime.id, facts | {"incident_resolved": True})["intermediate_report"] == "no"


def test_a_controller_tells_the_authority_and_a_processor_its_controllers():
    """Who is both does both; while the role is not known it is asked."""
    roles = {
        "controller": ("yes", "no"),
        "joint_controller": ("yes", "no"),
        "processor": ("no", "yes"),
    }
    for role, (authority, controllers) in roles.items():
        found = owed("eu_gdpr_art33", BREACH | {"org_role_gdpr": frozenset({role})})
        assert (found["sa_notification"], found["processor_to_controller"]) == (authority, controllers), role
    both = owed("eu_gdpr_art33", BREACH | {"org_role_gdpr": frozenset({"controller", "processor"})})
    assert set(both.values()) == {"yes"}
    asked = {each.stage.id: each.ask for each in stages(REGIMES["eu_gdpr_art33"], BREACH)}
    assert asked["sa_notification"] == asked["processor_to_controller"] == ("org_role_gdpr",)


def test_a_processor_is_reminded_that_risk_is_not_its_question():
    """No duty towards the authority, and a remark that the controllers are told all the same."""
    facts = BREACH | {"risk_to_individuals": "unlikely", "org_role_gdpr": frozenset({"processor"})}
    judged = answer(REGIMES["eu_gdpr_art33"], facts, today=NOW)
    assert judged.answer == "no"
    assert any("whatever the risk (Art. 33(2))" in remark for remark in judged.remarks)


def test_people_in_the_kingdom_are_told_only_of_a_high_risk():
    """The Commissioner hears of any risk."""
    assert owed("uk_gdpr_art33", UK) == {"ico_notification": "yes", "data_subject_notice": "no"}
    assert owed("uk_gdpr_art33", UK | {"risk_to_individuals": "high"})["data_subject_notice"] == "yes"


def test_out_of_proportion_is_for_counsel_and_ends_no_duty():
    """Art. 34(3)(c) changes the way, not the duty."""
    judged = answer(
        REGIMES["eu_gdpr_art34"], BREACH | READABLE | {"individual_notice_disproportionate": True}, today=NOW
    )
    assert judged.answer == "yes"
    assert any("a public announcement" in remark for remark in judged.remarks)


def test_the_stages_of_nis2_follow_what_is_asked_and_what_goes_on():
    """Warning, notification, final report and users always; the others when asked, or while it lasts."""
    always = {"early_warning", "incident_notification", "final_report", "service_recipients"}
    found = owed("eu_nis2_art23", NIS2 | {"report_requested": False, "incident_resolved": True})
    assert {key for key, said in found.items() if said == "yes"} == always
    found = owed("eu_nis2_art23", NIS2 | {"report_requested": True, "incident_resolved": False})
    assert set(found.values()) == {"yes"}


def test_a_vulnerability_and_a_severe_incident_have_three_notices_each():
    """Users are told of either."""
    found = owed("eu_cra_art14", CRA)
    assert {key for key, said in found.items() if said == "yes"} == {
        "vulnerability_early_warning",
        "vulnerability_notification",
        "vulnerability_final_report",
        "inform_users",
    }
    incident = CRA | {"actively_exploited_vulnerability": False, "severe_product_incident": True}
    assert {key for key, said in owed("eu_cra_art14", incident).items() if said == "no"} == {
        "vulnerability_early_warning",
        "vulnerability_notification",
        "vulnerability_final_report",
    }


@pytest.mark.parametrize(
    ("more", "stage"),
    [
        ({}, "other_serious_incident"),
        ({"deaths": 1}, "death_or_unanticipated_deterioration"),
        ({"unanticipated_deterioration": True}, "death_or_unanticipated_deterioration"),
        ({"public_health_threat": True}, "serious_public_health_threat"),
    ],
)
def test_a_device_is_reported_by_what_came_of_it(more, stage):
    """Fifteen days, ten for a death or the unexpected, two for a threat to many."""
    facts = MDR | {"public_health_threat": False, "unanticipated_deterioration": False} | more
    assert [key for key, said in owed("eu_mdr_art87", facts).items() if said == "yes"] == [stage]
    assert set(owed("eu_mdr_art87", MDR).values()) == {"unknown"}


def test_each_regime_of_europe_says_when_it_was_looked_at_and_what_is_not_sure():
    """Dated, cited, graded, with its records, its penalties and its doubts."""
    for key in MINE:
        regime = REGIMES[key]
        assert regime.as_of == NOW, key
        assert all((regime.citations, regime.records, regime.penalties, regime.notes, regime.who)), key
        assert regime.confidence == ("B" if key == "uk_gdpr_art33" else "A"), key
        assert all(stage.recipients and stage.name != stage.id.replace("_", " ") for stage in regime.stages), key
    assert "draft" in REGIMES["eu_ai_act_art73"].notes
    assert "national" in REGIMES["eu_nis2_art23"].notes.lower()
