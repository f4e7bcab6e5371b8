"""Letters on decisions about people hold every line the law wants or show its gap, and say nothing they should not."""

import re
from datetime import UTC, datetime

import pytest

from bot.config.regimes import load
from bot.notices.checklist import Entry, checklist
from bot.notices.draft import context, draft
from bot.notices.sample import BARE, FULL, sample_facts
from bot.words import Words, house
from tests.notices.test_regimes_decisions import CASES

REGIMES = load(house() / "templates" / "notices")
WORDS = Words()
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
STAGES = [(REGIMES.by_id[case[0]], stage) for case in CASES for stage in REGIMES.by_id[case[0]].stages]
NAMES = [f"{regime.id}/{stage.id}" for regime, stage in STAGES]
GENERIC = {"us_ct_sb5", "us_il_hb3773", "us_tx_traiga", "us_ca_ccpa_admt"}
TO_PEOPLE = [
    ("us_co_sb26_189", "pre_use_notice"),
    ("us_co_sb26_189", "post_adverse_outcome_disclosure"),
    ("us_nyc_ll144", "candidate_notice"),
    ("us_ecoa_reg_b", "adverse_action_notice"),
    ("us_ecoa_reg_b", "counteroffer_notice"),
    ("us_ecoa_reg_b", "existing_account_notice"),
    ("us_ecoa_reg_b", "corrected_notices_after_model_error"),
    ("us_fcra_adverse_action", "pre_adverse_action_employment"),
    ("us_fcra_adverse_action", "adverse_action_notice"),
    ("us_fcra_adverse_action", "dispute_reinvestigation"),
    ("us_title_vii_eeoc", "candidate_remediation_notice"),
]
HOSTILE = "# Approved\n- [[ not yet investigated: x ]] <script>a()</script> | <!channel> {{ 7*7 }} \x1b[2J\n---\n=1+1"


def written(regime, stage, base, facts, entries=None):
    """The words of a stage as a draft would have them, and its checklist."""
    items = checklist(regime, stage, {**base, "facts": facts}, entries or {})
    return WORDS.fill(stage.template, context(regime, stage, items, base, facts)), items


def everything(stage, text="said"):
    return {key: Entry(f"{text} {key}") for key in stage.keys}


@pytest.mark.parametrize(("regime", "stage"), STAGES, ids=NAMES)
def test_with_everything_known_every_line_is_shown_and_no_gap_is_left(regime, stage):
    """Required and optional alike, each in its own words."""
    text, items = written(regime, stage, FULL, sample_facts(REGIMES.facts), everything(stage))
    assert draft(1, text, items, {}, NOON).gaps == ()
    assert [key for key in stage.keys if f"said {key}" not in text] == []
    assert "not legal advice" in text
    assert "None" not in text


@pytest.mark.parametrize(("regime", "stage"), STAGES, ids=NAMES)
def test_with_hardly_anything_known_every_required_line_is_a_marked_gap(regime, stage):
    """In the text itself, where whoever reads it cannot miss it."""
    text, items = written(regime, stage, BARE, {})
    assert "None" not in text
    assert items.missing
    for item in items.items:
        if item.required and item.state == "not_investigated":
            assert f"[[ not yet investigated: {item.label} ]]" in text, item.key
        elif item.required:
            assert item.state == "value", item.key


@pytest.mark.parametrize(("regime", "stage"), STAGES, ids=NAMES)
def test_words_from_outside_stay_words(regime, stage):
    """Headings, gap markers, script, mentions and template marks in an answer are shown letter by letter."""
    base = {
        **FULL,
        "incident": {**FULL["incident"], **dict.fromkeys(("title", "summary", "cause", "service"), HOSTILE)},
        "org": dict.fromkeys(("name", "address", "contact", "legal_contact", "dpo"), HOSTILE),
        "impact": {**FULL["impact"], "unknown": [HOSTILE]},
        "actions": [{"at": NOON, "what": HOSTILE, "by": HOSTILE, "outcome": HOSTILE}],
    }
    text, items = written(regime, stage, base, sample_facts(REGIMES.facts), everything(stage, HOSTILE))
    assert draft(1, text, items, {}, NOON).gaps == ()
    assert "\n# Approved" not in text
    assert not re.search(r"(?<!\\)<(script|!channel)", text)
    assert "\n---\n" not in text
    assert "49" not in text
    assert "\x1b" not in text


def test_what_has_words_of_its_own_and_what_is_a_checklist():
    """Four regimes are checklists; every other stage is written for its reader."""
    generic = {regime.id for regime, stage in STAGES if stage.template == "notices/_checklist.md.j2"}
    assert generic == GENERIC
    assert all(
        stage.template.startswith(f"notices/{regime.id}/") for regime, stage in STAGES if regime.id not in GENERIC
    )


@pytest.mark.parametrize(("regime", "stage"), TO_PEOPLE, ids=[f"{regime}/{stage}" for regime, stage in TO_PEOPLE])
def test_a_letter_to_a_person_is_plain_names_a_human_and_neither_admits_nor_sells(regime, stage):
    """Short sentences, somebody to ask; no clause of law, no word of fault, no praise in what the person reads."""
    found = REGIMES.by_id[regime]
    text, _ = written(found, found.stage(stage), FULL, sample_facts(REGIMES.facts), everything(found.stage(stage)))
    letter, _, review = text.partition("\n*For whoever reviews this")
    assert "to be struck before it goes out" in review
    assert "## Talk to a person" in letter
    assert "a@example.com" in letter or "said contact" in letter
    for word in (
        "U.S.C.",
        "CFR",
        "C.R.S.",
        "pursuant",
        "hereby",
        "liabil",
        "negligen",
        "violat",
        "unlawful",
        "our fault",
    ):
        assert word not in letter, word
    for word in ("valued", "excited", "committed to", "world-class", "proud"):
        assert word not in letter, word
    sentences = re.split(r"[.:?]\s|\n", letter.replace("U.S. ", "US "))
    assert max(len(sentence.split()) for sentence in sentences) <= 32
    assert "INC-1" in letter


def test_a_letter_that_mends_wrong_reasons_takes_the_place_of_the_first_and_takes_no_right_away():
    """The person learns what was wrong, what is right, and that asking costs them nothing."""
    found = REGIMES.by_id["us_ecoa_reg_b"]
    stage = found.stage("corrected_notices_after_model_error")
    text, _ = written(found, stage, FULL, {}, everything(stage))
    for words in ("takes the place of what we said then", "true reasons", "looked at again", "keep every right"):
        assert words in text


def test_a_candidate_is_told_that_time_goes_on_running_and_who_else_can_help():
    """No letter lulls anybody past the last day for a charge."""
    found = REGIMES.by_id["us_title_vii_eeoc"]
    text, _ = written(found, found.stage("candidate_remediation_notice"), FULL, {})
    assert "does not stop that time from running" in text
    assert "Equal Employment Opportunity Commission" in text


def test_the_severity_of_an_incident_is_never_taken_for_the_severity_of_a_harm():
    """SEV2 is how urgent it was; the OECD's criterion 10 is judged by a person. 29 criteria, seven mandatory."""
    found = REGIMES.by_id["voluntary_oecd_common_reporting"]
    stage = found.stage("oecd_record")
    text, items = written(found, stage, FULL, {})
    assert "SEV2" not in text
    assert "[[ not yet investigated: severity of the harm ]]" in text
    numbers = {item.number: item.required for item in items.items}
    assert sorted(map(int, numbers)) == list(range(1, 30))
    assert sorted(int(number) for number, required in numbers.items() if required) == [1, 2, 3, 4, 7, 10, 11]
    assert [line.split("|")[1].strip(" *\\") for line in text.splitlines() if re.match(r"\| \d", line)] == [
        str(number) for number in range(1, 30)
    ]
    assert "| 21 | training data that played a part | left open |" in text
