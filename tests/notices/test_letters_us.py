"""Letters, forms and filings under US law: nothing that is missing is hidden, and nothing from outside gets in as markup."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from bot.config.regimes import load
from bot.notices.checklist import Entry, checklist
from bot.notices.draft import context, draft
from bot.notices.facts import Range
from bot.notices.sample import BARE, FULL, sample_facts
from bot.words import Words, house

REGIMES = load(house() / "templates" / "notices")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORDS = Words()
EVERY_STAGE = [
    (regime, stage) for name, regime in REGIMES.by_id.items() if name.startswith("us_") for stage in regime.stages
]


def drafted(regime, stage, base, facts, entries=None):
    items = checklist(regime, stage, {**base, "facts": facts}, entries)
    text = WORDS.fill(stage.template, context(regime, stage, items, base, facts))
    return text, items, draft(1, text, items, facts, NOON)


def names(part):
    return part.id


@pytest.mark.parametrize(("regime", "stage"), EVERY_STAGE, ids=names)
def test_a_rich_incident_makes_words_without_a_gap_and_without_a_python_value(regime, stage):
    """Every line a person filled stands in the text; counts, sets, maps and spans are told as people say them."""
    entries = {key: Entry(f"said {key}") for key in stage.keys}
    text, items, made = drafted(regime, stage, FULL, sample_facts(REGIMES.facts), entries)
    assert made.gaps == ()
    assert items.complete
    assert all(f"said {key}" in text for key in stage.required)
    facts = sample_facts(REGIMES.facts) | {"incident_started_at": Range(NOON, NOON + timedelta(hours=2))}
    derived_text, _, _ = drafted(regime, stage, FULL, facts)
    for raw in ("None", "True", "Range(", "frozenset", "datetime", "AtLeast(", "{'", "('"):
        assert raw not in derived_text


@pytest.mark.parametrize(("regime", "stage"), EVERY_STAGE, ids=names)
def test_an_incident_of_one_minute_shows_every_gap_in_its_place(regime, stage):
    """Each required line is marked in the text itself, and an open unknown shows its reason there."""
    text, items, made = drafted(regime, stage, BARE, {})
    for item in items.items:
        if item.required and item.state == "not_investigated":
            assert f"[[ not yet investigated: {item.label} ]]" in text
            assert any(item.label in gap for gap in made.gaps)
    assert "None" not in text
    entries = {key: Entry(unknown_because="the vendor has not answered") for key in stage.required}
    unknown, items, _ = drafted(regime, stage, BARE, {}, entries)
    assert items.complete
    for key in stage.required:
        assert f"[[ unknown: {regime.fields[key].label} (the vendor has not answered) ]]" in unknown


NASTY = "# Approved\n- [[ not yet investigated: nothing ]] <script>x</script> | y |\n---\n{{ 7*7 }} ![x](http://x)"


@pytest.mark.parametrize(("regime", "stage"), EVERY_STAGE, ids=names)
def test_words_from_outside_stay_words(regime, stage):
    """No heading, list, rule, table cell, link, HTML or marker of their own comes into a notice."""
    bad = {key: NASTY if isinstance(value, str) else value for key, value in FULL["incident"].items()}
    base = {**FULL, "incident": bad, "org": dict.fromkeys(FULL["org"], NASTY)}
    entries = {key: Entry(NASTY) for key in stage.keys}
    text, _, made = drafted(regime, stage, base, sample_facts(REGIMES.facts), entries)
    assert made.gaps == ()
    assert not re.search(r"(?m)^(# Approved|- \[\[|---$)", text)
    assert not re.search(r"(?<!\\)<script", text)
    assert not re.search(r"(?<!\\)!\[", text)
    assert "{{ 7" in text.replace("\\", "")
    assert "49" not in text
    clean, _, _ = drafted(regime, stage, FULL, sample_facts(REGIMES.facts), {key: Entry("x") for key in stage.keys})
    assert re.findall(r"(?m)^#+ .*", text) == re.findall(r"(?m)^#+ .*", clean)
    assert len(re.findall(r"(?m)^\|", text)) == len(re.findall(r"(?m)^\|", clean))


def test_californias_letter_has_its_title_and_five_headings_in_order():
    """Cal. Civ. Code 1798.82(d)(1): word for word, and nothing between that is a heading too."""
    regime = REGIMES.by_id["us_ca_civ_1798_82"]
    text, _, _ = drafted(regime, regime.stage("individuals"), BARE, {})
    assert re.findall(r"(?m)^#+ (.*)", text) == [
        "Notice of Data Breach",
        "What Happened",
        "What Information Was Involved",
        "What We Are Doing",
        "What You Can Do",
        "For More Information",
    ]


def test_each_state_is_told_of_its_own_people_only():
    """A report to Texas holds the number of Texas, as the map of residents gives it."""
    for name, stage, state in (
        ("us_tx_521_053", "attorney_general", "TX"),
        ("us_ca_civ_1798_82", "attorney_general", "CA"),
        ("us_ny_gbl_899aa", "state_agencies", "NY"),
    ):
        regime = REGIMES.by_id[name]
        text, _, _ = drafted(regime, regime.stage(stage), FULL, {"residents_by_state": {state: 7311, "NV": 8422}})
        assert "7311" in text
        assert "8422" not in text
