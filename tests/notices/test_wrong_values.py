"""Numbers that public pages get wrong: none of them comes out of the shelf."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.config.regimes import load
from bot.notices.applicability import answer, stages
from bot.notices.counting import METHODS, Calendar, Period
from bot.notices.deadline import deadlines, starts
from bot.notices.derive import derived
from bot.words import house

SHELF = load(house() / "templates" / "notices")
ART73 = "eu_ai_act_art73"
BERLIN, PARIS = "Europe/Berlin", "Europe/Paris"
HIGH_RISK = {
    "eu_nexus": True,
    "ai_system": True,
    "high_risk_ai_system": "annex_iii",
    "malfunction_or_misuse": "drift",
    "sector_equivalent_reporting": False,
    "medical_device": False,
    "deaths": 0,
    "widespread_infringement": False,
    "critical_infrastructure_disruption": "none",
}


def berlin(*at):
    return datetime(*at, tzinfo=ZoneInfo(BERLIN))


def strict(regime, stage, start, tz=BERLIN, country="DE"):
    return deadlines(SHELF.by_id[regime].stage(stage), start, tz, country).strict


def owed(facts):
    return {each.stage.id for each in stages(SHELF.by_id[ART73], facts) if each.answer == "yes"}


@pytest.mark.parametrize(
    ("aware", "target"),
    [
        (berlin(2028, 2, 3, 9), date(2028, 2, 5)),  # Thursday: Saturday
        (berlin(2028, 2, 4, 9), date(2028, 2, 6)),  # Friday: Sunday
        (berlin(2028, 4, 12, 11), date(2028, 4, 14)),  # Wednesday before Easter: Good Friday
    ],
)
def test_article_73_gives_two_days_and_not_two_working_days(aware, target):
    """What the alarm aims at is calendar day 2; that the period may be argued longer is for counsel."""
    dates = deadlines(SHELF.by_id[ART73].stage("report_widespread_or_critical_infra"), aware, BERLIN, "DE")
    assert dates.strict.date() == target
    assert dates.outer > dates.strict


def test_a_death_has_ten_days_and_a_widespread_infringement_two():
    """Not the other way round."""
    aware = berlin(2028, 3, 7, 9)
    assert owed(HIGH_RISK | {"deaths": 1}) >= {"report_death"}
    assert "report_widespread_or_critical_infra" not in owed(HIGH_RISK | {"deaths": 1})
    assert strict(ART73, "report_death", aware).date() == date(2028, 3, 17)
    assert owed(HIGH_RISK | {"widespread_infringement": True}) >= {"report_widespread_or_critical_infra"}
    assert "report_death" not in owed(HIGH_RISK | {"widespread_infringement": True})
    assert strict(ART73, "report_widespread_or_critical_infra", aware).date() == date(2028, 3, 9)


def test_fundamental_rights_have_fifteen_days_and_not_ten():
    """The general clock; only a widespread infringement is faster."""
    facts = HIGH_RISK | {"fundamental_rights_infringement": True}
    assert "initial_or_full_report_general" in owed(facts)
    assert not owed(facts) & {"report_death", "report_widespread_or_critical_infra"}
    assert strict(ART73, "initial_or_full_report_general", berlin(2028, 3, 7, 9)).date() == date(2028, 3, 22)


def test_high_risk_systems_are_not_in_the_law_since_august_2026():
    """Reg. (EU) 2026/1744 moved it; on 2 August 2026, and a year later, there is no duty under Article 73."""
    facts = HIGH_RISK | {"fundamental_rights_infringement": True}
    for aware, expected in (
        (berlin(2026, 8, 2, 9), "no"),
        (berlin(2027, 8, 2, 9), "no"),
        (berlin(2027, 12, 1, 23), "no"),
        (berlin(2027, 12, 2, 0), "yes"),
    ):
        asked = facts | {"aware_at": aware.astimezone(UTC)}
        assert answer(SHELF.by_id[ART73], asked, today=date(2030, 1, 1), tz=BERLIN).answer == expected, aware


def test_the_article_is_73_and_not_62():
    """The number it had in the proposal is cited nowhere."""
    regime = SHELF.by_id[ART73]
    assert "Art. 73" in regime.cited
    assert "62" not in " ".join(each.provision for each in regime.citations)


MAJOR = {
    "financial_entity": True,
    "ict_related_incident": True,
    "critical_services_affected": True,
    "malicious_access": False,
    "threshold_clients": False,
    "threshold_reputation": False,
    "threshold_duration": False,
    "threshold_geography": False,
    "threshold_data_loss": False,
    "threshold_economic": False,
}


@pytest.mark.parametrize("one", [key for key in MAJOR if key.startswith("threshold_")])
def test_one_threshold_of_dora_alone_makes_no_major_incident(one):
    """Two do, and so does an attack that got in."""
    dora, today = SHELF.by_id["eu_dora_art19"], date(2026, 11, 20)
    other = "threshold_clients" if one != "threshold_clients" else "threshold_economic"
    assert answer(dora, MAJOR | {one: True}, today=today).answer == "no"
    assert answer(dora, MAJOR | {one: True, other: True}, today=today).answer == "yes"
    assert answer(dora, MAJOR | {"malicious_access": True}, today=today).answer == "yes"


@pytest.mark.parametrize(("clients", "met"), [(5_001, False), (100_000, False), (100_001, True)])
def test_dora_counts_a_hundred_thousand_clients_and_not_five_thousand(clients, met):
    """Below a tenth of them all, that is."""
    facts = {
        "clients_affected_count": clients,
        "clients_affected_pct": 1.0,
        "counterparts_affected_pct": 0.0,
        "transactions_affected_pct": 0.0,
        "relevant_clients_affected": False,
    }
    assert derived(facts, SHELF.facts)["threshold_clients"] is met


def test_doras_intermediate_report_counts_from_the_filing_of_the_initial_one():
    """Not 72 hours from the classification."""
    dora = SHELF.by_id["eu_dora_art19"]
    classified = datetime(2026, 11, 18, 10, tzinfo=UTC)
    filed = classified + timedelta(hours=3)
    facts = {"aware_at": classified, "classified_major_at": classified}
    assert deadlines(dora.stage("intermediate"), starts(dora, facts), PARIS, "FR").strict is None
    moments = starts(dora, facts, {"initial": filed})
    entity = {"dora_entity_type": "credit_institution"}
    assert deadlines(dora.stage("intermediate"), moments, PARIS, "FR", facts=entity).strict == filed + timedelta(
        hours=72
    )


def test_doras_final_report_counts_from_the_latest_intermediate_one():
    """Not a month from the initial one."""
    dora = SHELF.by_id["eu_dora_art19"]
    initial, intermediate = datetime(2026, 11, 18, 10, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert deadlines(dora.stage("final"), starts(dora, {}, {"initial": initial}), PARIS, "FR").strict is None
    moments = starts(dora, {}, {"initial": initial, "intermediate": intermediate})
    assert deadlines(dora.stage("final"), moments, PARIS, "FR").strict.date() == date(2026, 12, 23)


@pytest.mark.parametrize("day", [date(2026, 11, 16), date(2026, 12, 21), date(2027, 6, 28)])
def test_fourteen_business_days_are_not_336_hours(day):
    """Vermont's preliminary notice: weekends and holidays lie between."""
    zone = ZoneInfo("America/New_York")
    start = datetime(day.year, day.month, day.day, 9, tzinfo=zone)
    business = METHODS["business_days"](Period(start, 14, "business_days", zone, Calendar("US-VT")))
    assert business - start > timedelta(hours=336 + 4 * 24 - 1)
    assert (
        sum(Calendar("US-VT").working(day + timedelta(days=n)) for n in range(1, 1 + (business.date() - day).days))
        == 14
    )


def test_circia_is_not_asked_unless_somebody_turns_it_on():
    """Sources do not agree that its final rule is in force, so it is off as shipped."""
    assert SHELF.by_id["us_circia"].enabled is False


def test_colorados_law_begins_in_2027_and_not_in_june_2026():
    """SB 24-205 was repealed before it began; SB 26-189 applies from 1 January 2027."""
    regime = SHELF.by_id["us_co_sb26_189"]
    assert regime.in_force.since == date(2027, 1, 1)
    assert not [name for name in SHELF.by_id if "24_205" in name]
