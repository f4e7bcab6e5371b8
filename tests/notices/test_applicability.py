"""Each regime on the shelf answers yes, no or unknown with its reason, and asks no more than it must."""

from datetime import UTC, date, datetime

from bot.config.regimes import load
from bot.notices.applicability import answer, facts_used, questions, stages
from bot.words import house

REGIMES = load(house() / "templates" / "notices")
GDPR, ART73 = REGIMES.by_id["eu_gdpr_art33"], REGIMES.by_id["eu_ai_act_art73"]
TODAY = date(2026, 11, 20)
LATER = date(2028, 3, 1)
HIRING = {
    "eu_nexus": True,
    "ai_system": True,
    "high_risk_ai_system": "annex_iii",
    "fundamental_rights_infringement": True,
    "malfunction_or_misuse": "data_error",
}


def test_a_biased_model_is_no_breach_of_security_and_the_no_says_so():
    """The most common right answer is a reasoned no."""
    judged = answer(GDPR, {"personal_data_breach": False}, today=TODAY)
    assert judged.answer == "no"
    assert judged.because == (
        "No duty, because a breach of the security of personal data: no (Reg. (EU) 2016/679, Art. 4(12), 33, 55, 56)."
    )
    assert judged.rests_on == ("personal_data_breach",)
    assert judged.ask == ()


def test_a_breach_with_risk_to_people_is_a_duty():
    """All that it rests on is named, with the article."""
    facts = {"eu_nexus": True, "personal_data_breach": True, "risk_to_individuals": "high"}
    judged = answer(GDPR, facts, today=TODAY)
    assert (judged.answer, judged.rests_on) == ("yes", tuple(facts))
    assert "risk to the rights and freedoms of people: high" in judged.because
    assert "2016/679" in judged.because


def test_nothing_known_is_unknown_and_one_question_is_asked():
    """Unknown is never silently no."""
    judged = answer(GDPR, {}, today=TODAY)
    assert (judged.answer, judged.ask) == ("unknown", ("eu_nexus",))
    assert "turns on: link to the European Union; " in judged.because


def test_the_hiring_model_of_today_has_no_duty_but_would_have():
    """A regime not in force yet answers no with its date, and keeps the answer it would give."""
    judged = answer(ART73, HIRING, today=TODAY)
    assert (judged.answer, judged.would_be, judged.applies_from) == ("no", "yes", date(2027, 12, 2))
    assert "the day in question is 20 November 2026" in judged.because
    assert any("inference" in remark for remark in judged.remarks)


def test_the_same_facts_in_2028_are_a_duty():
    """The moment of awareness decides, wherever today is."""
    assert answer(ART73, HIRING, today=LATER).answer == "yes"
    aware = HIRING | {"aware_at": datetime(2027, 12, 1, 23, 30, tzinfo=UTC)}
    assert answer(ART73, aware, today=LATER).answer == "no"
    assert answer(ART73, aware, today=LATER, tz="Europe/Berlin").answer == "yes"


def test_between_the_two_dates_the_class_of_the_system_decides():
    """Annex III applies from December 2027, Annex I from August 2028; unknown class, unknown answer."""
    unknown = {key: value for key, value in HIRING.items() if key != "high_risk_ai_system"}
    judged = answer(ART73, unknown, today=LATER)
    assert (judged.answer, judged.ask) == ("unknown", ("high_risk_ai_system",))
    annex_i = answer(ART73, HIRING | {"high_risk_ai_system": "annex_i"}, today=LATER)
    assert (annex_i.answer, annex_i.applies_from) == ("no", date(2028, 8, 2))
    assert answer(ART73, unknown, today=date(2029, 1, 1)).ask == ("high_risk_ai_system",)


def test_no_system_no_matter_when():
    """A fact that rules the regime out is the reason, not the calendar."""
    judged = answer(ART73, {"ai_system": False}, today=TODAY)
    assert (judged.answer, judged.rests_on) == ("no", ("ai_system",))


def test_a_medical_device_reports_only_infringements_of_rights():
    """Art. 73(10) narrows the duty, and the no says by which rule."""
    facts = HIRING | {"fundamental_rights_infringement": False, "deaths": 1, "medical_device": True}
    judged = answer(ART73, facts, today=LATER)
    assert judged.answer == "no"
    assert "Art. 73(10)" in judged.because
    assert answer(ART73, facts | {"fundamental_rights_infringement": True}, today=LATER).answer == "yes"
    open_question = answer(ART73, facts | {"medical_device": None, "sector_equivalent_reporting": False}, today=LATER)
    assert (open_question.answer, open_question.ask) == ("unknown", ("medical_device",))


def test_what_only_counsel_can_weigh_is_a_remark_and_changes_nothing():
    """A draft guideline is no law."""
    judged = answer(ART73, HIRING | {"fundamental_rights_scale": "single"}, today=LATER)
    assert judged.answer == "yes"
    assert any(remark.startswith("For counsel: the draft guidance") for remark in judged.remarks)


def test_the_clock_moves_earlier_when_somebody_dies():
    """Fifteen days become ten: another stage is owed."""
    owed = {
        item.stage.id: item.answer
        for item in stages(
            ART73,
            HIRING | {"deaths": 0, "widespread_infringement": False, "critical_infrastructure_disruption": "none"},
        )
    }
    assert owed["initial_or_full_report_general"] == "yes"
    assert owed["report_death"] == "no"
    owed = {item.stage.id: item.answer for item in stages(ART73, HIRING | {"deaths": 1})}
    assert owed["report_death"] == "yes"
    assert owed["initial_or_full_report_general"] == "no"
    unknown = {item.stage.id: item for item in stages(ART73, HIRING)}["report_death"]
    assert (unknown.answer, unknown.ask) == ("unknown", ("deaths",))


def test_over_all_regimes_the_question_that_settles_most_comes_first():
    """One question about Europe may end two inquiries."""
    assert questions((GDPR, ART73), {})[0] == "eu_nexus"
    assert questions((GDPR, ART73), {"eu_nexus": False}) == ()


def test_every_fact_a_regime_can_ask_about_is_on_the_list():
    """A page can show all questions of a regime at once."""
    used = facts_used(ART73)
    assert {"deaths", "medical_device", "fix_would_affect_cause_evaluation", "aware_at"} <= set(used)
    assert all(key in REGIMES.facts for key in used)
