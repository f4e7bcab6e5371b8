"""What is not known never makes a date later: the strict date is the earliest that may hold, and the fact is asked."""

from datetime import UTC, datetime, timedelta

from bot.config.regimes import load
from bot.notices.applicability import facts_used
from bot.notices.ask import ask, open_questions
from bot.notices.calculator import Given, ruling
from bot.notices.clocks import in_words
from bot.notices.deadline import deadlines
from bot.notices.derive import derived
from bot.words import house

SHELF = load(house() / "templates" / "notices")
DORA, NIS2, GDPR = (SHELF.by_id[name] for name in ("eu_dora_art19", "eu_nis2_art23", "eu_gdpr_art33"))
AWARE = datetime(2026, 11, 20, 20, tzinfo=UTC)
NIGHT = {"classified_major_at": AWARE + timedelta(hours=1), "aware_at": AWARE}  # a Friday; the limit is on Saturday
MAJOR = dict.fromkeys(
    ("financial_entity", "ict_related_incident", "critical_services_affected", "malicious_access"), True
)


def asked(regime, facts):
    """The answer in an incident, and what it asks people."""
    found = ask(regime, derived(facts, SHELF.facts), today=AWARE.date(), tz="Europe/Paris", country="FR")
    return found, {each.fact.key for each in open_questions([found])}


def ruled(regime, facts):
    return ruling(regime, Given(derived(facts, SHELF.facts), AWARE, tz="Europe/Paris", country="FR"))


def test_noon_is_for_counsel_until_the_type_of_entity_is_known():
    """Strict stays at the limit, noon is the outer date, both facts are asked, in an incident and in the calculator."""
    dates = deadlines(DORA.stage("initial"), NIGHT, "Europe/Paris", "FR")
    assert dates.strict.isoformat() == "2026-11-21T02:00:00+01:00"
    assert dates.outer.isoformat() == "2026-11-23T12:00:00+01:00"
    both = {"dora_entity_type", "nis2_entity"}
    assert both <= asked(DORA, MAJOR | NIGHT)[1]
    first = next(each for each in ruled(DORA, MAJOR | NIGHT).notices if each.stage.id == "initial")
    assert {each.fact for each in first.ask} == both
    assert '"type of financial entity"' in first.counted
    assert {*both, "dora_named_by_authority"} <= set(facts_used(DORA))


def test_relief_that_an_authority_may_take_stands_until_it_is_said_that_it_did():
    """It does not wait for an answer; the reason says what is not known."""
    known = {"dora_entity_type": "payment_institution", "nis2_entity": "none"}
    dates = deadlines(DORA.stage("initial"), NIGHT, "Europe/Paris", "FR", facts=known)
    assert dates.strict == dates.outer
    assert (dates.strict.hour, "unless the authority" in dates.because) == (12, True)
    said = deadlines(
        DORA.stage("initial"), NIGHT, "Europe/Paris", "FR", facts=known | {"dora_named_by_authority": False}
    )
    assert (said.strict, "unless the authority" in said.because) == (dates.strict, False)


def test_a_shorter_and_a_longer_number_that_may_hold():
    """Strict takes the least, the outer date the most, and the fact that decides is asked."""
    for name, stage, short, long, key in (
        ("eu_nis2_art23", "incident_notification", 24, 72, "trust_service_provider"),
        ("uk_fca_pra_incident", "initial_report", 4, 24, "uk_payment_service_provider"),
    ):
        regime = SHELF.by_id[name]
        dates = deadlines(regime.stage(stage), AWARE, "UTC")
        assert (dates.strict - AWARE, dates.outer - AWARE) == (timedelta(hours=short), timedelta(hours=long))
        assert (dates.ask, key in facts_used(regime)) == ((key,), True)
        settled = deadlines(regime.stage(stage), AWARE, "UTC", facts={key: False})
        assert settled.strict == settled.outer == AWARE + timedelta(hours=long)
    japan = deadlines(SHELF.by_id["jp_appi"].stage("final_report"), AWARE, "UTC")
    assert (japan.outer - japan.strict).days == 30
    facts = {"nis2_entity": "essential", "significant_service_impact": True, "financial_entity": False}
    assert "trust_service_provider" in asked(NIS2, facts | {"aware_at": AWARE})[1]


def test_a_law_nothing_points_to_has_no_dates_in_the_calculator_either():
    """It is asked about as in an incident, and shows no date; once something speaks for it, it does."""
    mas = next(each for each in SHELF.by_id.values() if "mas_regulated" in facts_used(each))
    dark = ruled(mas, {"detected_at": AWARE - timedelta(days=3), "aware_at": AWARE - timedelta(days=3)})
    assert (dark.said.answer, dark.notices) == ("unknown", ())
    assert ruled(mas, {"mas_regulated": True, "detected_at": AWARE}).notices


def test_a_clock_that_waits_for_a_fact_asks_for_it_by_its_name():
    """The calculator asks as an incident does, and reasons name the fact and the way of counting in words."""
    facts = {"eu_nexus": True, "personal_data_breach": True, "risk_to_individuals": "risk"}
    facts |= {"org_role_gdpr": frozenset({"controller", "processor"})}
    first = next(each for each in ruled(GDPR, facts).notices if each.stage.id == "sa_notification")
    assert ("aware_at" in {each.fact for each in first.ask}, "aware_at" in asked(GDPR, facts)[1]) == (True, True)
    assert "aware_at" not in first.counted
    counted = in_words(GDPR, deadlines(GDPR.stage("sa_notification"), AWARE, "Europe/Paris", "FR").because)
    assert ("1182/71" in counted, "eu_hours" in counted) == (True, False)
    assert "processor_aware_at" not in in_words(GDPR, "The clock has not started: processor_aware_at is not recorded.")
