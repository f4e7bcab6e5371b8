"""The US regimes on the shelf: which facts decide, which notices are owed, and by when."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.config.regimes import load
from bot.notices.applicability import answer, stages
from bot.notices.deadline import Policy, deadlines, starts
from bot.notices.derive import derived
from bot.notices.facts import Range
from bot.words import house

REGIMES = load(house() / "templates" / "notices")
TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEW_YORK = "America/New_York"
US = (
    "us_sec_8k_105",
    "us_sec_6k",
    "us_nydfs_500_17",
    "us_bank_36h",
    "us_hipaa_breach",
    "us_ftc_safeguards",
    "us_ca_civ_1798_82",
    "us_ny_gbl_899aa",
    "us_tx_521_053",
    "us_state_breach_generic",
    "us_mrm_sr26_2",
    "us_circia",
)

SEC = {"sec_registrant": "domestic", "cybersecurity_incident_sec": True, "material_to_investors": True}
FOREIGN = {
    "sec_registrant": "foreign_private_issuer",
    "cybersecurity_incident_sec": True,
    "material_information_public_elsewhere": True,
}
BANK = {"us_banking_organization": "occ", "us_bank_notification_incident": True, "bank_service_provider": False}
SERVICE = {"us_banking_organization": "no", "bank_service_provider": True, "covered_service_disruption_hours": 4.0}
CLINIC = {"unsecured_phi": True, "hipaa_role": "covered_entity", "phi_low_probability_of_compromise": False}
LEAK = {"personal_data_breach": True, "unencrypted_personal_information_acquired": True}
YES = {
    "us_sec_8k_105": SEC,
    "us_sec_6k": FOREIGN,
    "us_nydfs_500_17": {"nydfs_covered_entity": True, "nydfs_cybersecurity_incident": True},
    "us_bank_36h": BANK,
    "us_hipaa_breach": CLINIC,
    "us_ftc_safeguards": {"glba_ftc_institution": True, "unencrypted_customer_info_consumers": 500},
    "us_ca_civ_1798_82": LEAK | {"residents_by_state": {"CA": 1}},
    "us_ny_gbl_899aa": LEAK | {"residents_by_state": {"NY": 1}},
    "us_tx_521_053": LEAK | {"residents_by_state": {"TX": 1}},
    "us_state_breach_generic": LEAK | {"residents_by_state": {"VT": 1}},
    "us_mrm_sr26_2": {"us_banking_organization": "frb", "ai_system": True},
}
# for each: the fact that turns the yes into a no, its value, and how the reason names it
NO = [
    ("us_sec_8k_105", "cybersecurity_incident_sec", False, "an unauthorised occurrence"),
    ("us_sec_8k_105", "material_to_investors", False, "material to investors: no"),
    ("us_sec_8k_105", "sec_registrant", "foreign_private_issuer", "registered with the SEC"),
    ("us_sec_6k", "sec_registrant", "domestic", "registered with the SEC: domestic"),
    ("us_sec_6k", "material_information_public_elsewhere", False, "made public elsewhere: no"),
    ("us_nydfs_500_17", "nydfs_cybersecurity_incident", False, "the New York rule wants told: no"),
    ("us_bank_36h", "us_bank_notification_incident", False, "a notification incident of a US bank: no"),
    ("us_hipaa_breach", "phi_low_probability_of_compromise", True, "low probability of compromise: yes"),
    ("us_hipaa_breach", "hipaa_role", "none", "our role under HIPAA: none"),
    ("us_ftc_safeguards", "unencrypted_customer_info_consumers", 499, "acquired: 499"),
    ("us_ca_civ_1798_82", "residents_by_state", {"NV": 9}, "people concerned by US state: NV: 9"),
    ("us_ca_civ_1798_82", "unencrypted_personal_information_acquired", False, "without right to it: no"),
    ("us_ny_gbl_899aa", "personal_data_breach", False, "a breach of the security of personal data: no"),
    ("us_tx_521_053", "residents_by_state", {"CA": 9}, "CA: 9"),
    (
        "us_state_breach_generic",
        "residents_by_state",
        {"CA": 9, "NY": 9, "TX": 9},
        "without a rule of their own here: 0",
    ),
    ("us_mrm_sr26_2", "ai_system", False, "an AI system is involved: no"),
]
# for each: what nobody has answered yet, and the one question that is asked then
UNKNOWN = [
    ("us_sec_8k_105", "material_to_investors", "material_to_investors"),
    ("us_sec_6k", "material_information_public_elsewhere", "material_information_public_elsewhere"),
    ("us_nydfs_500_17", "nydfs_cybersecurity_incident", "nydfs_cybersecurity_incident"),
    ("us_bank_36h", "us_bank_notification_incident", "us_bank_notification_incident"),
    ("us_hipaa_breach", "phi_low_probability_of_compromise", "phi_low_probability_of_compromise"),
    ("us_ftc_safeguards", "unencrypted_customer_info_consumers", "unencrypted_customer_info_consumers"),
    ("us_ca_civ_1798_82", "residents_by_state", "residents_by_state"),
    ("us_ny_gbl_899aa", "personal_data_breach", "personal_data_breach"),
    ("us_tx_521_053", "residents_by_state", "residents_by_state"),
    ("us_state_breach_generic", "residents_by_state", "residents_of_other_us_states"),
    ("us_mrm_sr26_2", "us_banking_organization", "us_banking_organization"),
]


def judged(name, facts, today=TODAY):
    return answer(REGIMES.by_id[name], derived(facts, REGIMES.facts), today=today)


def owed(name, facts):
    return {item.stage.id: item.answer for item in stages(REGIMES.by_id[name], derived(facts, REGIMES.facts))}


def due(name, stage, start, facts=None, tz=NEW_YORK, **more):
    return deadlines(REGIMES.by_id[name].stage(stage), start, tz, facts=facts or {}, **more)


@pytest.mark.parametrize("name", YES)
def test_where_all_is_so_a_duty_exists_and_the_article_is_named(name):
    """A yes rests on the facts that make it, and cites."""
    found = judged(name, YES[name])
    assert found.answer == "yes", found.because
    assert REGIMES.by_id[name].cited in found.because
    assert found.rests_on


@pytest.mark.parametrize(("name", "fact", "value", "says"), NO)
def test_the_fact_that_decides_makes_a_no_and_stands_in_the_reason(name, fact, value, says):
    """Every no says because of what."""
    found = judged(name, YES[name] | {fact: value})
    assert found.answer == "no"
    assert says in found.because


@pytest.mark.parametrize(("name", "fact", "asked"), UNKNOWN)
def test_what_nobody_answered_is_asked_and_never_taken_for_a_no(name, fact, asked):
    """One open fact, one question."""
    found = judged(name, {key: value for key, value in YES[name].items() if key != fact})
    assert (found.answer, found.ask) == ("unknown", (asked,))


def test_a_biased_model_without_anybody_unauthorised_is_no_item_1_05():
    """However material it is: the item is about cybersecurity; the file points to where else to look."""
    facts = SEC | {"cybersecurity_incident_sec": False, "malfunction_or_misuse": "data_error", "ai_system": True}
    found = judged("us_sec_8k_105", facts)
    assert found.because == (
        "No duty, because an unauthorised occurrence on or through our information systems: no"
        " (Form 8-K, Item 1.05, General Instruction B.1)."
    )
    assert "7.01 and 8.01" in REGIMES.by_id["us_sec_8k_105"].notes


@pytest.mark.parametrize("name", [name for name in US if name not in {"us_sec_6k", "us_mrm_sr26_2"}])
def test_a_request_of_law_enforcement_never_takes_a_duty_away(name):
    """It is a remark for counsel: neither the answer nor a date moves."""
    facts = YES.get(name, {"circia_covered_entity": True, "circia_covered_incident": True})
    before, after = judged(name, facts), judged(name, facts | {"law_enforcement_hold_request": True})
    assert (after.answer, after.because) == (before.answer, before.because)
    assert len(after.remarks) == len(before.remarks) + 1
    assert any(remark.startswith("For counsel: ") for remark in after.remarks)
    for stage in REGIMES.by_id[name].stages:
        asked = due(name, stage.id, NOON, {"law_enforcement_hold_request": True})
        assert asked.strict == due(name, stage.id, NOON).strict


def test_a_delay_of_the_attorney_general_is_for_counsel_and_moves_no_date():
    """Item 1.05(c): written, up to 30 days; a person enters what was granted."""
    found = judged("us_sec_8k_105", SEC | {"ag_delay_granted": True})
    assert found.answer == "yes"
    assert any("30 days" in remark for remark in found.remarks)


def test_circia_is_switched_off_and_never_says_yes():
    """No date of a rule is verified; that it is in force since May 2026 is a common wrong value."""
    circia = REGIMES.by_id["us_circia"]
    assert [name for name in US if not REGIMES.by_id[name].enabled] == ["us_circia"]
    assert circia.in_force.since is None
    assert "not verified" in circia.in_force.note
    assert "Switched off" in circia.notes
    facts = {"circia_covered_entity": True, "circia_covered_incident": True}
    for day in (date(2026, 5, 31), TODAY, date(2030, 1, 1)):
        found = judged("us_circia", facts, today=day)
        assert (found.answer, found.would_be) == ("unknown", "yes")
        assert "not established" in found.because
    assert judged("us_circia", facts | {"circia_covered_entity": False}).answer == "no"


@pytest.mark.parametrize(
    ("name", "fact", "since"),
    [
        ("us_sec_8k_105", "materiality_determined_at", date(2023, 12, 18)),
        ("us_ca_civ_1798_82", "breach_discovered_at", date(2026, 1, 1)),
        ("us_ftc_safeguards", "breach_discovered_at", date(2024, 5, 13)),
        ("us_mrm_sr26_2", "aware_at", date(2026, 4, 17)),
    ],
)
def test_what_started_before_the_law_is_outside(name, fact, since):
    """The day the clock starts decides, wherever today is."""
    started = datetime(since.year, since.month, since.day, 12, tzinfo=UTC)
    before = judged(name, YES[name] | {fact: started - timedelta(days=1)})
    assert (before.answer, before.applies_from) == ("no", since)
    assert judged(name, YES[name] | {fact: started}).answer == "yes"


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        ("us_bank_36h", BANK, {"notify_regulator": "yes", "service_provider_to_customer": "no"}),
        ("us_bank_36h", SERVICE, {"notify_regulator": "no", "service_provider_to_customer": "yes"}),
        (
            "us_hipaa_breach",
            CLINIC | {"data_subjects_count": 500, "residents_by_state": {"VT": 500}},
            {
                "individuals": "yes",
                "media_500": "no",
                "hhs_500_plus": "yes",
                "hhs_under_500": "no",
                "business_associate_to_ce": "no",
            },
        ),
        (
            "us_hipaa_breach",
            CLINIC | {"data_subjects_count": Range(400, 600), "residents_by_state": {"VT": 501}},
            {
                "individuals": "yes",
                "media_500": "yes",
                "hhs_500_plus": "unknown",
                "hhs_under_500": "unknown",
                "business_associate_to_ce": "no",
            },
        ),
        (
            "us_hipaa_breach",
            CLINIC | {"hipaa_role": "business_associate", "data_subjects_count": 9, "residents_by_state": {}},
            {
                "individuals": "no",
                "media_500": "no",
                "hhs_500_plus": "no",
                "hhs_under_500": "no",
                "business_associate_to_ce": "yes",
            },
        ),
        ("us_ca_civ_1798_82", {"residents_by_state": {"CA": 500}}, {"individuals": "yes", "attorney_general": "no"}),
        ("us_ca_civ_1798_82", {"residents_by_state": {"CA": 501}}, {"individuals": "yes", "attorney_general": "yes"}),
        ("us_tx_521_053", {"residents_by_state": {"TX": 249}}, {"individuals": "yes", "attorney_general": "no"}),
        ("us_tx_521_053", {"residents_by_state": {"TX": 250}}, {"individuals": "yes", "attorney_general": "yes"}),
        (
            "us_state_breach_generic",
            {"data_subjects_count": 1000},
            {"individuals": "yes", "regulator": "yes", "credit_bureaus": "no"},
        ),
    ],
)
def test_which_notices_are_owed_turns_on_counts_and_roles(name, facts, expected):
    """Each threshold at its edge: 500 or more is not more than 500."""
    assert owed(name, facts) == expected


def test_a_service_provider_that_is_no_bank_owes_its_banks_a_notice():
    """12 CFR 53.4: the rule reaches whoever serves banks, from four hours of disruption."""
    assert judged("us_bank_36h", SERVICE).answer == "yes"
    assert judged("us_bank_36h", SERVICE | {"covered_service_disruption_hours": 3.9}).answer == "no"
    nobody = {"us_banking_organization": "no"}
    assert judged("us_bank_36h", nobody).ask == ("bank_service_provider",)
    assert judged("us_bank_36h", nobody | {"bank_service_provider": False}).answer == "no"


VECTORS = [
    row
    for row in csv.DictReader((Path(__file__).parent / "vectors.csv").open(encoding="utf-8"))
    if "V047" <= row["id"] <= "V062"
]


def test_sixteen_vectors_are_about_these_regimes():
    """None got lost, and each is about a stage that is here."""
    assert len(VECTORS) == 16
    assert all(REGIMES.by_id[row["regime"]].stage(row["stage"].partition("@")[0]) for row in VECTORS)


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["id"])
def test_a_dated_example_comes_out_without_naming_a_country(row):
    """The files carry the calendar themselves: federal holidays for the SEC, none elsewhere."""
    name = row["stage"].partition("@")[0]
    dates = due(row["regime"], name, datetime.fromisoformat(row["clock_start_iso"]), tz=row["tz"])
    assert dates.strict.isoformat() == row["expected_deadline_iso"], row["why"]
    assert dates.outer == dates.strict
    assert "not on file" not in dates.because


def test_a_closure_by_executive_order_moves_the_filing():
    """No book of holidays knows it beforehand: the organisation enters it for US, whatever country it sits in."""
    determined = datetime.fromisoformat("2026-12-21T10:00:00-05:00")
    shut = Policy(closures={"US": frozenset({date(2026, 12, 24), date(2026, 12, 26)})})
    assert due("us_sec_8k_105", "item_1_05", determined).strict.date() == date(2026, 12, 28)
    assert due("us_sec_8k_105", "item_1_05", determined, country="DE", policy=shut).strict.date() == date(2026, 12, 29)


def test_four_business_days_run_from_the_determination_and_not_from_discovery():
    """Without a determination there is no date, and the reason says which fact is missing."""
    regime = REGIMES.by_id["us_sec_8k_105"]
    known = starts(regime, {"detected_at": NOON, "breach_discovered_at": NOON})
    dates = deadlines(regime.stage("item_1_05"), known, NEW_YORK)
    assert dates.strict is None
    assert "materiality_determined_at" in dates.because
    memo = deadlines(regime.stage("materiality_determination"), known, NEW_YORK)
    assert memo.by_law is False
    assert "without unreasonable delay" in memo.because


def test_the_extortion_clocks_start_with_the_payment_alone():
    """The incident's own clock starts neither."""
    regime = REGIMES.by_id["us_nydfs_500_17"]
    known = starts(regime, {"notification_incident_determined_at": NOON})
    for name in ("extortion_payment_notice", "extortion_explanation"):
        assert deadlines(regime.stage(name), known, NEW_YORK).strict is None
    paid = starts(regime, {"extortion_payment_at": NOON})
    assert deadlines(regime.stage("extortion_payment_notice"), paid, NEW_YORK).strict == NOON + timedelta(hours=24)


def test_californias_fifteen_days_run_from_the_letters():
    """Discovery does not start them."""
    regime = REGIMES.by_id["us_ca_civ_1798_82"]
    stage = regime.stage("attorney_general")
    facts = {"breach_discovered_at": NOON - timedelta(days=20)}
    assert deadlines(stage, starts(regime, facts), "America/Los_Angeles").strict is None
    sent = deadlines(stage, starts(regime, facts, {"individuals": NOON}), "America/Los_Angeles")
    assert sent.strict.date() == date(2026, 12, 5)


@pytest.mark.parametrize(
    ("residents", "days", "says"),
    [
        ({"CO": 1, "DE": 900}, 30, "that of CO"),
        ({"VT": 2, "WI": 5, "DE": 1, "NV": 4}, 45, "that of VT, WI"),
        ({"DE": 1, "NV": 3, "CO": 0}, 60, "that of DE"),
        (None, 30, "while the places are not known"),
    ],
)
def test_of_several_states_the_shortest_number_counts(residents, days, says):
    """What is not known never makes a period longer, and the reason names the state that sets it."""
    dates = due("us_state_breach_generic", "individuals", NOON, {"residents_by_state": residents})
    assert dates.strict.date() == TODAY + timedelta(days=days)
    assert says in dates.because


def test_a_state_without_a_number_gets_none():
    """Nevada says without unreasonable delay: no date is invented, a target of our own is shown as ours."""
    dates = due("us_state_breach_generic", "individuals", NOON, {"residents_by_state": {"NV": 40}})
    assert (dates.strict, dates.by_law) == (None, False)
    assert "without unreasonable delay" in dates.because
    own = Policy(target_hours={"individuals": 240})
    held = due("us_state_breach_generic", "individuals", NOON, {"residents_by_state": {"NV": 40}}, policy=own)
    assert held.strict == NOON + timedelta(hours=240)


def test_vermonts_fourteen_days_are_business_days_and_not_336_hours():
    """Thanksgiving and two weekends lie between; where Vermont is not concerned there is no number."""
    dates = due("us_state_breach_generic", "regulator", NOON, {"residents_by_state": {"VT": 3, "CO": 900}})
    assert dates.strict.isoformat() == "2026-12-11T23:59:59-05:00"
    assert dates.strict != NOON + timedelta(hours=336)
    assert "14 business days" in dates.because
    assert due("us_state_breach_generic", "regulator", NOON, {"residents_by_state": {"CO": 9}}).strict is None


def test_people_in_other_states_are_counted_without_those_that_have_a_rule_of_their_own():
    """While nobody has stated the number, it follows from the residents by state."""

    def count(facts):
        return derived(facts, REGIMES.facts)["residents_of_other_us_states"]

    assert count({"residents_by_state": {"CA": 5, "NY": 5, "TX": 5, "VT": 2, "NV": 1}}) == 3
    assert count({"residents_by_state": {}}) == 0
    assert count({"residents_by_state": {"VT": 2}, "residents_of_other_us_states": 7}) == 7
    assert "residents_of_other_us_states" not in derived({}, REGIMES.facts)


@pytest.mark.parametrize("name", US)
def test_every_file_says_how_sure_it_is_and_what_to_keep(name):
    """Confidence, date, citation, records, penalties and a note; labels are no bare keys."""
    regime = REGIMES.by_id[name]
    assert regime.as_of == TODAY
    assert all((regime.citations, regime.records, regime.penalties, regime.notes, regime.who))
    assert not [key for key, field in regime.fields.items() if "_" in field.label or not field.label]
    used = {key for stage in regime.stages for key in stage.keys}
    assert used == set(regime.fields)
