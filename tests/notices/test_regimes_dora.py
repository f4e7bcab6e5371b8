"""DORA: who must tell and by when, held to the dated vectors and to the mistakes that are in circulation."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.config.regimes import load
from bot.notices.applicability import answer, stages
from bot.notices.deadline import deadlines, starts
from bot.notices.derive import derived
from bot.notices.expression import CountTrue
from bot.notices.logic import facts_of
from bot.words import house

REGIMES = load(house() / "templates" / "notices")
DORA = REGIMES.by_id["eu_dora_art19"]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2027, 4, 1)
THRESHOLDS = ("clients", "reputation", "duration", "geography", "data_loss", "economic")
NO_THRESHOLD = {f"threshold_{name}": False for name in THRESHOLDS}
CRITICAL = {"financial_entity": True, "ict_related_incident": True, "critical_services_affected": True}
ABROAD = ("uk_fca_pra_incident", "ca_osfi", "ca_pipeda", "sg_mas_trm", "in_cert_in", "au_apra_cps234", "au_ndb")
MINE = ("eu_dora_art19", *ABROAD, "kr_ai_basic_act", "jp_appi")


def dora(**facts):
    return answer(
        DORA, derived({**CRITICAL, **NO_THRESHOLD, "malicious_access": False, **facts}, REGIMES.facts), today=TODAY
    )


# -- who must tell -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", THRESHOLDS)
def test_one_threshold_alone_makes_no_incident_major(name):
    """Del. Reg. (EU) 2024/1772 Art. 8 asks for two; "any single threshold" is a common mistake."""
    assert dora(**{f"threshold_{name}": True}).answer == "no"
    other = "economic" if name == "clients" else "clients"
    both = dora(**{f"threshold_{name}": True, f"threshold_{other}": True})
    assert both.answer == "yes"
    assert {f"threshold_{name}", f"threshold_{other}"} <= set(both.rests_on)


def test_critical_services_and_malicious_access_are_enough_without_any_threshold():
    """Art. 8(1)(a) with Art. 9(5)(b)."""
    assert dora(malicious_access=True).answer == "yes"


def test_without_critical_services_no_number_of_thresholds_counts():
    """The first condition is never set off against the second."""
    every = dict.fromkeys(NO_THRESHOLD, True)
    judged = dora(**every, malicious_access=True, critical_services_affected=False)
    assert (judged.answer, judged.rests_on) == ("no", ("critical_services_affected",))


@pytest.mark.parametrize(
    ("facts", "threshold", "met"),
    [
        ({"clients_affected_count": 5001}, "threshold_clients", None),
        ({"clients_affected_count": 100_000}, "threshold_clients", None),
        ({"clients_affected_count": 100_001}, "threshold_clients", True),
        ({"clients_affected_pct": 10}, "threshold_clients", None),
        ({"clients_affected_pct": 10.1}, "threshold_clients", True),
        ({"counterparts_affected_pct": 30.5}, "threshold_clients", True),
        ({"transactions_affected_pct": 10.5}, "threshold_clients", True),
        ({"duration_hours": 24, "downtime_hours": 2}, "threshold_duration", False),
        ({"duration_hours": 24.1}, "threshold_duration", True),
        ({"downtime_hours": 2.1}, "threshold_duration", True),
        ({"economic_impact_eur": 100_000}, "threshold_economic", False),
        ({"economic_impact_eur": 100_000.01}, "threshold_economic", True),
    ],
)
def test_a_threshold_is_exceeded_not_reached(facts, threshold, met):
    """Art. 9: five thousand clients are no threshold, a hundred thousand is; a share or an hour must be passed."""
    assert derived(facts, REGIMES.facts).get(threshold) is met


def test_five_thousand_clients_and_one_threshold_are_not_two():
    """A wrong figure in circulation: with every other share of clients known to be small the answer is no."""
    few = {
        "clients_affected_count": 5001,
        "clients_affected_pct": 1,
        "counterparts_affected_pct": 0,
        "transactions_affected_pct": 0,
        "relevant_clients_affected": False,
    }
    facts = {key: value for key, value in NO_THRESHOLD.items() if key != "threshold_clients"}
    known = {**CRITICAL, **facts, **few, "malicious_access": False, "threshold_economic": True}
    assert answer(DORA, derived(known, REGIMES.facts), today=TODAY).answer == "no"


def test_one_threshold_met_and_the_rest_unknown_is_unknown_and_asks():
    """Unknown is never silently no; one question could settle it."""
    judged = answer(DORA, {**CRITICAL, "threshold_clients": True}, today=TODAY)
    assert judged.answer == "unknown"
    assert judged.ask
    assert set(judged.ask) <= {"malicious_access", *NO_THRESHOLD}
    assert "2022/2554" in judged.because


def test_an_incident_that_was_never_major_is_a_remark_and_a_stage():
    """What was reported is taken back; nothing else is owed for that reason."""
    owed = {each.stage.id: each.answer for each in stages(DORA, {"dora_never_major": True})}
    assert owed["reclassification"] == "yes"
    assert owed["client_information"] == owed["voluntary_cyber_threat"] == "unknown"
    assert any("never major" in remark for remark in dora(dora_never_major=True).remarks)


def test_every_rule_of_the_regime_rests_on_facts_of_the_list():
    """The count is over the six thresholds, and critical services are not one of them."""
    counts = [term for term in DORA.trigger.terms[3].terms[1:] if isinstance(term.left, CountTrue)]
    assert tuple(facts_of(counts[0].left)) == tuple(NO_THRESHOLD)


# -- by when -------------------------------------------------------------------------------------------------------------

VECTORS = list(csv.DictReader((Path(__file__).parent / "vectors.csv").open(encoding="utf-8")))
MOMENT = {"aware": "aware_at", "classified": "classified_major_at"}


@pytest.mark.parametrize("row", [row for row in VECTORS if row["regime"] in MINE], ids=lambda row: row["id"])
def test_a_dated_example_comes_out_by_the_facts_of_the_entity(row):
    """What kind of entity it is are facts of the incident; nothing else is configured."""
    regime = REGIMES.by_id[row["regime"]]
    name, _, options = re.fullmatch(r"(\w+)@(\w+)(?:\[(.*)\])?", row["stage"]).groups()
    words = dict(pair.split("=") for pair in (options or "").split(",") if pair)
    facts = {"dora_entity_type": words.get("entity"), "nis2_entity": words.get("nis2")}
    facts["uk_payment_service_provider"] = facts["trust_service_provider"] = False
    stage, text = regime.stage(name), row["clock_start_iso"]
    pairs = [pair.split("=", 1) for pair in text.split(";")] if "=" in text else [["", text]]
    first = stage.deadline.limits[0].start if stage.deadline.limits else stage.clock_start
    moments = {MOMENT.get(key, first): datetime.fromisoformat(at) for key, at in pairs}
    submitted = {key[key.index("(") + 1 : -1].split()[-1]: at for key, at in moments.items() if "(" in key}
    known = facts | {key: at for key, at in moments.items() if "(" not in key}
    begun = starts(regime, known, submitted)
    if row["expected_deadline_iso"] == "NOT_APPLICABLE":
        yes = known | {"uk_authorised_firm": True, "uk_operational_incident_threshold_met": True}
        assert answer(regime, yes, today=TODAY, tz=row["tz"]).answer == "no", row["why"]
        return
    dates = deadlines(stage, begun, row["tz"], words.get("ms", "FR"), facts=known)
    assert dates.strict.isoformat() == row["expected_deadline_iso"], row["why"]


def test_every_dora_vector_was_there():
    """V032 to V043 are the dated examples of Del. Reg. (EU) 2025/301."""
    assert [row["id"] for row in VECTORS if row["regime"] == "eu_dora_art19"] == [f"V{n:03}" for n in range(32, 44)]


SATURDAY = datetime(2026, 11, 21, 9, tzinfo=UTC)  # four hours later it is still Saturday, in Paris too


@pytest.mark.parametrize(
    ("facts", "relief"),
    [
        ({"dora_entity_type": "credit_institution"}, False),
        ({"dora_entity_type": "central_counterparty"}, False),
        ({"dora_entity_type": "trading_venue_operator"}, False),
        ({"dora_entity_type": "payment_institution", "nis2_entity": "essential"}, False),
        ({"dora_entity_type": "payment_institution", "nis2_entity": "important"}, False),
        ({"dora_entity_type": "payment_institution", "nis2_entity": "none"}, True),
        ({}, False),
        ({"dora_entity_type": "payment_institution"}, False),
        ({"nis2_entity": "none"}, False),
        (
            {
                "dora_entity_type": "payment_institution",
                "nis2_entity": "none",
                "dora_named_by_authority": True,
            },
            False,
        ),
    ],
)
def test_noon_relief_is_not_for_every_entity_but_for_every_final_report(facts, relief):
    """Art. 5(4) and (5): the first two reports of some have none, the final report of all has it."""
    noon = "2026-11-23T12:00:00+01:00"
    first = {"classified_major_at": SATURDAY, "aware_at": SATURDAY}
    assert (
        deadlines(DORA.stage("initial"), first, "Europe/Paris", "FR", facts=facts).strict.isoformat() == noon
    ) is relief
    second = {"stage_submitted(initial)": SATURDAY - timedelta(hours=70)}
    due = deadlines(DORA.stage("intermediate"), second, "Europe/Paris", "FR", facts=facts).strict.isoformat()
    assert (due == noon) is relief
    third = {"stage_submitted(latest intermediate)": datetime(2026, 10, 21, 9, tzinfo=UTC)}
    assert deadlines(DORA.stage("final"), third, "Europe/Paris", "FR", facts=facts).strict.isoformat() == noon


def test_the_intermediate_report_counts_from_the_initial_one_and_not_from_classification():
    """Seventy-two hours from classification is a common mistake."""
    stage, known = DORA.stage("intermediate"), {"classified_major_at": NOON, "aware_at": NOON}
    nothing = deadlines(stage, starts(DORA, known), "UTC", "FR")
    assert (nothing.strict, "stage_submitted(initial)" in nothing.because) == (None, True)
    sent = NOON + timedelta(hours=3)
    facts = known | {"dora_entity_type": "credit_institution"}
    due = deadlines(stage, starts(DORA, facts, {"initial": sent}), "UTC", "FR", facts=facts)
    assert due.strict == sent + timedelta(hours=72)


def test_the_final_report_counts_from_the_latest_intermediate_one():
    """One month from the initial notification is a common mistake; a later update moves the date."""
    stage = DORA.stage("final")
    assert deadlines(stage, starts(DORA, {}, {"initial": NOON}), "UTC", "FR").strict is None
    sent = {"initial": NOON, "intermediate": datetime(2026, 11, 24, 12, tzinfo=UTC)}
    assert deadlines(stage, starts(DORA, {}, sent), "UTC", "FR").strict.date() == date(2026, 12, 24)
    sent["intermediate"] = datetime(2026, 12, 1, 12, tzinfo=UTC)
    dates = deadlines(stage, starts(DORA, {}, sent), "UTC", "FR")
    assert dates.strict == datetime(2027, 1, 4, 12, tzinfo=UTC)
    assert "noon of the next working day" in dates.because  # 1 January is closed, and a weekend follows
