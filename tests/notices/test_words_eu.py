"""The European notices as they are sent: every gap shows, nothing hostile gets through, and people read plain words."""

import re
from datetime import UTC, datetime

import pytest

from bot.config.regimes import load
from bot.notices.checklist import Entry, checklist
from bot.notices.draft import context, draft
from bot.notices.sample import BARE, FULL, sample_facts
from bot.words import Words, house
from tests.notices.test_regimes_eu import MINE

LOADED = load(house() / "templates" / "notices")
REGIMES = LOADED.by_id
EVERY = [pytest.param(REGIMES[key], stage, id=f"{key}/{stage.id}") for key in MINE for stage in REGIMES[key].stages]
LETTERS = (
    "eu_gdpr_art34/data_subject_notice",
    "uk_gdpr_art33/data_subject_notice",
    "eu_nis2_art23/service_recipients",
    "eu_cra_art14/inform_users",
)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORDS = Words()
HOSTILE = "# Approved\n- [[ not yet investigated: nothing ]] <script>x</script> |a|b|\n1. ok\n---\n{{ 7+7 }} <!channel>"
JARGON = re.compile(
    r"\b(data subject|controller|processor|personal data breach|supervisory|pursuant|hereby|herein|thereof|aforementioned"
    r"|GDPR|NIS2|regulation|directive|competent authority|without undue delay|article|art\.|CSIRT|ENISA|liability)",
    re.IGNORECASE,
)


def written(regime, stage, base, facts, entries=None):
    items = checklist(regime, stage, {**base, "facts": facts}, entries)
    return WORDS.fill(stage.template, context(regime, stage, items, base, facts)), items


@pytest.mark.parametrize(("regime", "stage"), EVERY)
def test_each_stage_has_words_of_its_own(regime, stage):
    """No European notice is a bare checklist."""
    assert stage.template == f"notices/{regime.id}/{stage.id}.md.j2"


@pytest.mark.parametrize(("regime", "stage"), EVERY)
def test_what_is_known_is_all_said(regime, stage):
    """Required or not, each line that somebody filled in stands in the text once, and no gap is left."""
    facts = sample_facts(LOADED.facts)
    entries = {key: Entry(f"said {key}.") for key in stage.keys}
    text, items = written(regime, stage, FULL, facts, entries)
    assert draft(1, text, items, facts, NOON).gaps == ()
    assert {key: text.count(f"said {key}.") for key in stage.keys} == dict.fromkeys(stage.keys, 1)
    assert "None" not in text
    assert "Example" in text
    assert "INC-1" in text


@pytest.mark.parametrize(("regime", "stage"), EVERY)
def test_what_is_not_known_is_a_gap_in_the_text_itself(regime, stage):
    """From an incident just begun each required line is in its place, as a value or as a marker with its name."""
    text, items = written(regime, stage, BARE, {})
    assert "None" not in text
    for item in items.items:
        if item.required:
            shown = item.value if item.state == "value" else f"[[ not yet investigated: {item.label} ]]"
            assert str(shown) in text, item.key
    assert "[[" in text
    because = "the supplier has not answered"
    text, items = written(regime, stage, BARE, {}, {key: Entry(unknown_because=because) for key in stage.required})
    assert items.complete
    for item in items.items:
        if item.required:
            assert f"[[ unknown: {item.label} ({because}) ]]" in text, item.key


def poisoned(value):
    """The sample with every text replaced, as deep as it goes."""
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, dict):
        return {key: poisoned(each) for key, each in value.items()}
    return [poisoned(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("regime", "stage"), EVERY)
def test_words_from_outside_stay_words(regime, stage):
    """An alert's text, an entry or a name cannot become a heading, a table, a script, a template or a gap."""
    base = {key: poisoned(value) for key, value in FULL.items()}
    facts = {key: poisoned(value) for key, value in sample_facts(LOADED.facts).items()}
    text, items = written(regime, stage, base, facts, {key: Entry(HOSTILE) for key in stage.keys})
    assert draft(1, text, items, facts, NOON).gaps == ()
    assert "\n# Approved" not in text
    assert "\n---\n" not in text
    assert "<script" not in text.replace("\\<script", "")
    assert "<!channel" not in text.replace("\\<!channel", "")
    assert "{{ 7+7 }}" in text
    plain, _items = written(regime, stage, FULL, facts, {key: Entry("x") for key in stage.keys})
    for kind in ("# ", "## ", "|"):
        count = [sum(row.startswith(kind) for row in each.splitlines()) for each in (text, plain)]
        assert count[0] == count[1], kind
    assert all(row.endswith("|") for row in text.splitlines() if row.startswith("|"))


@pytest.mark.parametrize("name", LETTERS)
def test_a_message_to_people_speaks_their_language(name):
    """No term of law in what we wrote, known or unknown; the note for the sender stands apart and says to strike it."""
    regime, stage = REGIMES[name.partition("/")[0]], REGIMES[name.partition("/")[0]].stage(name.partition("/")[2])
    for base, facts in ((FULL, sample_facts(LOADED.facts)), (BARE, {})):
        text, _items = written(regime, stage, base, facts)
        letter, _, note = text.partition("*For whoever sends this, to be struck before it goes out:")
        assert JARGON.findall(letter) == []
        assert "not legal advice" in note
        assert regime.name not in text
        assert "you" in letter
        assert max(len(sentence.split()) for sentence in re.split(r"[.?!:\n]", letter)) <= 25


def test_the_message_about_a_breach_answers_five_questions_in_their_order():
    """What happened, what it may mean, what we do, what you can do, whom to ask."""
    for name in LETTERS[:2]:
        regime, stage = REGIMES[name.partition("/")[0]], REGIMES[name.partition("/")[0]].stage(name.partition("/")[2])
        text, _items = written(regime, stage, FULL, sample_facts(LOADED.facts))
        heads = [row.removeprefix("## ") for row in text.splitlines() if row.startswith("## ")]
        assert heads == [
            "What happened",
            "What it may mean for you",
            "What we have done, and what we will do",
            "What you can do",
            "Whom you can ask",
        ]


def test_a_report_on_a_model_has_the_ten_points_of_the_template():
    """The first report points at what follows, the last one holds all."""
    regime = REGIMES["eu_ai_act_art55_gpai_cop"]
    for stage_id, points in (("initial_report_death", [1, 2, 3, 4, 5, 6, 7, 10]), ("final_report", [*range(1, 11)])):
        text, _items = written(regime, regime.stage(stage_id), FULL, sample_facts(LOADED.facts))
        assert [int(found) for found in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)] == points


def test_each_notice_names_the_moment_its_own_clock_began():
    """A processor its own awareness, a controller the moment it was told, a model's provider the model's part."""
    at = {
        "aware_at": datetime(2026, 11, 5, tzinfo=UTC),
        "processor_aware_at": datetime(2026, 11, 2, tzinfo=UTC),
        "controller_informed_at": datetime(2026, 11, 3, tzinfo=UTC),
        "model_involvement_known_at": datetime(2026, 11, 4, tzinfo=UTC),
    }
    for name, row in (
        ("eu_gdpr_art33/processor_to_controller", "| Aware since | 2026-11-02 00:00 UTC |"),
        ("eu_gdpr_art33/sa_notification", "| Aware since | 2026-11-03 00:00 UTC, when our processor told us |"),
        ("uk_gdpr_art33/ico_notification", "| Aware since | 2026-11-03 00:00 UTC, when our processor told us |"),
        (
            "eu_ai_act_art55_gpai_cop/intermediate_report",
            "| Known that the model was involved | 2026-11-04 00:00 UTC |",
        ),
        ("eu_ai_act_art73/report_death", "| Aware since | 2026-11-05 00:00 UTC |"),
        ("eu_nis2_art23/early_warning", "| Aware since | 2026-11-05 00:00 UTC |"),
    ):
        regime = REGIMES[name.partition("/")[0]]
        text, _items = written(regime, regime.stage(name.partition("/")[2]), FULL, at)
        assert row in text, name
    for own in ({"aware_at": at["aware_at"]}, at | {"controller_informed_at": datetime(2026, 11, 6, tzinfo=UTC)}):
        for name in ("eu_gdpr_art33/sa_notification", "uk_gdpr_art33/ico_notification"):
            regime = REGIMES[name.partition("/")[0]]
            text, _items = written(regime, regime.stage(name.partition("/")[2]), FULL, own)
            assert "| Aware since | 2026-11-05 00:00 UTC |" in text
