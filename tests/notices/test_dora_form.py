"""The DORA form line by line, and every notice of the regimes beside it: each required line is shown, or its gap is."""

import re
from datetime import UTC, datetime

import pytest

from bot.config.regimes import load
from bot.notices import sample
from bot.notices.checklist import Entry, checklist
from bot.notices.draft import context, draft
from bot.notices.facts import AtLeast, Range
from bot.words import Words, house

REGIMES = load(house() / "templates" / "notices")
DORA = REGIMES.by_id["eu_dora_art19"]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORDS = Words()
CRITICAL = {"financial_entity": True, "ict_related_incident": True, "critical_services_affected": True}
ABROAD = ("uk_fca_pra_incident", "ca_osfi", "ca_pipeda", "sg_mas_trm", "in_cert_in", "au_apra_cps234", "au_ndb")
MINE = ("eu_dora_art19", *ABROAD, "kr_ai_basic_act", "jp_appi")
STAGES = [(REGIMES.by_id[name], stage) for name in MINE for stage in REGIMES.by_id[name].stages]


def test_the_form_has_76_lines_and_each_stage_its_share():
    """Impl. Reg. (EU) 2025/302, Annex II."""
    numbers = [field.number for key, field in DORA.fields.items() if key.startswith("its302_")]
    parts = [sum(number.startswith(f"{part}.") for number in numbers) for part in (1, 2, 3, 4)]
    assert (parts, len(numbers), len(set(numbers))) == ([15, 10, 35, 16], 76, 76)
    for key, field in DORA.fields.items():
        assert not field.number or key == f"its302_{field.number.replace('.', '_')}"
    counts = {each.id: (len(each.required), len(each.conditional)) for each in DORA.stages[:3]}
    assert counts == {"initial": (18, 7), "intermediate": (32, 28), "final": (42, 34)}
    for each in DORA.stages[:3]:
        assert len(set(each.keys)) == len(each.keys)
    assert set(DORA.stage("final").keys) == {key for key in DORA.fields if key.startswith("its302_")}


def lines(stage, facts=None, entries=None, base=None):
    items = checklist(DORA, DORA.stage(stage), {**(base or {}), "facts": facts or {}}, entries)
    return {item.number or item.key: item for item in items.items}


def test_lines_stand_in_the_order_of_the_form():
    """1.9 comes before 1.10, and a conditional line stands where the form has it."""
    numbers = [tuple(map(int, number.split("."))) for number in lines("final")]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("facts", "called"),
    [
        ({"threshold_geography": True}, {"2.6", "3.18", "3.19"}),
        ({"dora_never_major": True}, {"2.10"}),
        ({"relevant_clients_affected": True}, {"3.8"}),
        ({"transactions_affected_pct": 2}, {"3.9", "3.10", "3.11"}),
        ({"transactions_affected_pct": 0}, set()),
        ({"threshold_reputation": True}, {"3.13", "3.14"}),
        ({"downtime_hours": 1.5}, {"3.3", "3.16"}),
        ({"threshold_duration": True}, {"3.17"}),
        ({"threshold_data_loss": True}, {"3.20", "3.21"}),
        ({"malicious_access": True}, {"3.20", "3.21", "3.25", "3.35"}),
        ({"malfunction_or_misuse": "attack"}, {"3.25", "3.35"}),
        ({"malfunction_or_misuse": "drift"}, set()),
    ],
)
def test_a_fact_calls_for_its_conditional_lines_and_no_others(facts, called):
    """What facts can tell is not left to reading the form."""
    conditional = {DORA.fields[each.key].number for each in DORA.stage("final").conditional}
    assert {number for number, item in lines("final", facts).items() if item.required} & conditional == called


@pytest.mark.parametrize(
    ("field", "said", "called"),
    [
        ("its302_3_23", ["Other (please specify)"], {"3.24"}),
        ("its302_3_23", "system failure; other", {"3.24"}),
        ("its302_3_23", "cybersecurity-related", {"3.25", "3.35"}),
        ("its302_3_25", ["Defacement", "Other (please specify)"], {"3.26"}),
        ("its302_3_25", ["Defacement"], set()),
        ("its302_3_28", "yes", {"3.29"}),
        ("its302_3_28", "Information not available", set()),
        ("its302_3_31", ["CSIRT", "other"], {"3.32"}),
        ("its302_3_33", True, {"3.34"}),
        ("its302_3_33", "no", set()),
        ("its302_3_16", "00:02:15", {"3.3"}),
        ("its302_4_2", "human error: other (please specify)", {"4.4"}),
        ("its302_4_2", "human error: mistake", set()),
    ],
)
def test_an_answer_calls_for_the_line_that_explains_it(field, said, called):
    """Whoever says "other, please specify" is asked to specify."""
    conditional = {DORA.fields[each.key].number for each in DORA.stage("final").conditional}
    found = lines("final", entries={field: Entry(said)})
    assert {number for number, item in found.items() if item.required} & conditional == called


def test_an_answer_that_is_openly_unknown_calls_for_nothing():
    """Nobody is asked to explain what nobody knows."""
    found = lines("final", entries={"its302_3_23": Entry(unknown_because="still being looked into")})
    assert not found["3.24"].required


def test_what_the_incident_holds_is_not_asked_again():
    """Detection, classification, duration, clients, criteria and the kind of report stand there by themselves."""
    facts = {
        **CRITICAL,
        "detected_at": NOON,
        "classified_major_at": NOON,
        "incident_started_at": NOON,
        "incident_resolved_at": NOON,
        "clients_affected_count": 430,
        "clients_affected_pct": 2.5,
        "duration_hours": 26.5,
        "threshold_clients": True,
        "threshold_duration": False,
        "malicious_access": True,
        "dora_entity_type": "insurance_intermediary",
    }
    found = {number: item.value for number, item in lines("final", facts, base=sample.FULL).items()}
    assert (found["2.2"], found["2.3"], found["3.2"], found["4.8"]) == (NOON,) * 4
    assert (found["3.4"], found["3.5"], found["3.15"], found["1.15"]) == (430, 2.5, "01:02:30", "EUR")
    assert (found["1.1"], found["1.2"], found["2.1"]) == ("final report", "Example", "INC-1")
    assert found["2.5"] == [
        "clients, financial counterparts and transactions affected",
        "data losses",
        "critical services affected",
    ]
    assert found["1.4"] == ["insurance intermediary, reinsurance intermediary or ancillary insurance intermediary"]
    assert [lines(each)["1.1"].value for each in ("initial", "intermediate", "reclassification")] == [
        "initial notification",
        "intermediate report",
        "major incident reclassified as non-major",
    ]


def test_a_person_may_say_otherwise():
    """What the stage and the incident hold is only where nobody said anything."""
    found = lines("initial", {"detected_at": NOON}, {"its302_2_2": Entry("2026-11-20T09:00:00Z")})
    assert (found["2.2"].value, found["2.2"].source) == ("2026-11-20T09:00:00Z", "person")


HOSTILE = (
    "# Approved\n- [[ not yet investigated: nothing ]] <script>alert(1)</script> |x| {{ 7 * 7 }}\n1. ok\n---\n=1+1"
)


def rendered(regime, stage, base, facts, entries=None):
    items = checklist(regime, stage, {**base, "facts": facts}, entries)
    return WORDS.fill(stage.template, context(regime, stage, items, base, facts)), items


def marked(item, made):
    """Whether a gap of the draft is that of this line: not investigated, or unknown with its reason."""
    return any(
        gap.startswith((f"[[ not yet investigated: {item.label} ]]", f"[[ unknown: {item.label} ("))
        for gap in made.gaps
    )


@pytest.mark.parametrize(("regime", "stage"), STAGES, ids=lambda each: each.id)
def test_a_notice_shows_every_required_line_or_its_gap(regime, stage):
    """From everything known, from hardly anything, and from words that mean harm."""
    rich = sample.sample_facts(REGIMES.facts)
    nasty = {key: HOSTILE if REGIMES.facts[key].type.kind == "string" else value for key, value in rich.items()}
    said = {key: Entry(f"said-{key}-end") for key in stage.keys}
    for base, facts, entries in (
        (sample.FULL, rich, said),
        (sample.FULL, rich, None),
        (sample.BARE, {}, None),
        ({}, {}, None),
        (sample.FULL, nasty, dict.fromkeys(stage.keys, Entry(HOSTILE))),
        (sample.FULL, nasty, dict.fromkeys(stage.keys, Entry(unknown_because=HOSTILE))),
    ):
        text, items = rendered(regime, stage, base, facts, entries)
        made = draft(1, text, items, facts, NOON)
        for item in items.items:
            if item.required:
                shown = item.state == "value" or marked(item, made)
                assert shown, (stage.id, item.key)
                assert item.number in text
            if entries is said:
                assert f"said-{item.key}-end" in text or not item.required, (stage.id, item.key)
            elif item.state == "not_investigated" and not item.required:
                assert not marked(item, made), (stage.id, item.key)
        for trace in ("frozenset", "AtLeast(", "Range(", "None", "True", "False", "datetime."):
            assert trace not in text, (stage.id, trace)
        assert "[[ not yet investigated: nothing ]]" not in made.gaps
        assert "49" not in text
        assert "<script" not in text.replace("\\<script", "")
        assert "\n# Approved" not in text
        assert "not legal advice" in text


def test_the_form_prints_its_lines_in_order_under_their_parts():
    """Counsel finds 3.15 where the form has it."""
    said = {key: Entry("known") for key in DORA.stage("final").keys}
    text, _ = rendered(DORA, DORA.stage("final"), sample.FULL, {}, said)
    places = [text.index(f"## {part}") for part in ("1 General", "2 Initial", "3 Intermediate", "4 Final")]
    assert places == sorted(places)
    printed = re.findall(r"^- \*\*(\d\.\d+) ", text, re.MULTILINE)
    assert len(printed) == 76
    assert printed == sorted(printed, key=lambda number: tuple(map(int, number.split("."))))
    bare, _ = rendered(DORA, DORA.stage("initial"), {}, {})
    assert "## 3 Intermediate" not in bare
    assert "- 2.8 third party or other financial entity where it began (where it began" in bare


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Range(400, 600), "400 to 600"),
        (AtLeast(frozenset({"DE", "FR"})), "at least DE, FR"),
        (frozenset({"FR", "DE"}), "DE and FR"),
        (True, "yes"),
        (["one, two", "three"], "one, two; three"),
    ],
)
def test_values_of_every_kind_are_words_in_a_draft(value, words):
    """No reader meets the inside of the program."""
    text, _ = rendered(DORA, DORA.stage("initial"), {}, {}, {"its302_2_6": Entry(value)})
    assert f"**2.6 Member States affected**: {words}\n" in text
