"""A draft shows its gaps, an approval binds to its words, and a change is shown word by word."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.regimes import load
from bot.notices import redline as red
from bot.notices.checklist import Entry, as_json, checklist, gap
from bot.notices.draft import context, digest, draft, stale
from bot.notices.sample import sample_facts
from bot.words import Words, house

REGIMES = load(house() / "templates" / "notices")
GDPR, ART73 = REGIMES.by_id["eu_gdpr_art33"], REGIMES.by_id["eu_ai_act_art73"]
STAGE = GDPR.stage("sa_notification")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORDS = Words()
INCIDENT = {
    "id": "INC-7",
    "title": "Wrong files sent",
    "service": "hiring-model",
    "slice": "region:south",
    "severity": "SEV2",
    "onset": NOON,
    "detected": NOON,
    "acknowledged": NOON,
    "mitigated": NOON,
    "resolved": NOON,
    "cause": "a wrong access rule",
    "summary": "Files of applicants went to others.",
}
RICH = {
    "incident": INCIDENT,
    "impact": {"events": 1200, "people": 430, "money": 12500, "currency": "EUR", "unknown": ["who read the files"]},
    "actions": [{"at": NOON, "what": "access closed", "by": "operations", "outcome": "verified"}],
    "followups": [{"what": "review access rules", "owner": "platform", "due": NOON.date(), "status": "open"}],
    "timeline": [{"at": NOON, "what": "paged"}],
    "org": {
        "name": "Acme",
        "address": "1 Road",
        "contact": "a@acme.example",
        "legal_contact": "l@acme.example",
        "dpo": "d@acme.example",
    },
    "updates": [],
    "as_of": NOON,
}
FACTS = {
    "aware_at": NOON,
    "processor_aware_at": NOON,
    "data_subjects_count": 430,
    "data_records_count": 900,
    "member_states_affected": frozenset({"DE", "FR"}),
    "eu_database_registration_id": "EU-1",
}
EVERY_STAGE = [(regime, stage) for regime in REGIMES.by_id.values() for stage in regime.stages]


def rendered(regime, stage, base, facts, entries=None):
    items = checklist(regime, stage, {**base, "facts": facts}, entries)
    return WORDS.fill(stage.template, context(regime, stage, items, base, facts)), items


def test_every_template_fills_without_a_gap_from_one_rich_sample():
    """All regimes and stages on the shelf, found by themselves."""
    known = {**sample_facts(REGIMES.facts), **FACTS}
    for regime, stage in EVERY_STAGE:
        entries = {key: Entry(f"said {key}") for key in stage.keys}
        text, items = rendered(regime, stage, RICH, known, entries)
        made = draft(1, text, items, known, NOON)
        assert made.gaps == (), (regime.id, stage.id)
        assert items.complete
        assert "Acme" in text
        assert "not legal advice" in text
        assert all(f"said {key}" in text for key in stage.required), (regime.id, stage.id)


def test_every_template_shows_its_gaps_when_almost_nothing_is_known():
    """An empty incident makes a draft full of markers, never an error and never a None."""
    for regime, stage in EVERY_STAGE:
        text, items = rendered(regime, stage, {}, {})
        made = draft(1, text, items, {}, NOON)
        assert "None" not in text
        assert not items.complete
        for item in items.missing:
            assert any(item.label in marker for marker in made.gaps), (regime.id, stage.id, item.key)


def test_the_update_leads_with_business_impact_then_timeline_then_prevention():
    """A leader reads the cost first."""
    for name in ("stakeholders/update.md.j2", "postmortem.md.j2"):
        text = WORDS.fill(name, context(GDPR, STAGE, checklist(GDPR, STAGE, {}), RICH, {}))
        assert "[[" not in text
        assert "12 500 EUR" in text
        bare = WORDS.fill(name, context(GDPR, STAGE, checklist(GDPR, STAGE, {}), {}, {}))
        assert "[[ not yet investigated: cause ]]" in bare
    text = WORDS.fill("stakeholders/update.md.j2", context(GDPR, STAGE, checklist(GDPR, STAGE, {}), RICH, {}))
    places = [text.index(f"## {part}") for part in ("Business impact", "Timeline to resolution", "Prevention")]
    assert places == sorted(places)


def test_a_line_is_a_value_or_openly_unknown_or_not_investigated():
    """What a person entered wins over what the incident holds; unknown needs a reason."""
    entries = {"cause": Entry(unknown_because="the vendor has not answered"), "likely_consequences": Entry(" ")}
    items = {item.key: item for item in checklist(GDPR, STAGE, {**RICH, "facts": FACTS}, entries).items}
    assert (items["cause"].state, items["cause"].because) == ("unknown", "the vendor has not answered")
    assert items["likely_consequences"].state == "not_investigated"
    assert (items["nature_of_breach"].value, items["nature_of_breach"].source) == (
        "Files of applicants went to others.",
        "incident.summary",
    )
    assert items["data_subjects_count_approx"].value == 430
    text, _ = rendered(GDPR, STAGE, RICH, FACTS, entries)
    assert "[[ unknown: cause (the vendor has not answered) ]]" in text


def test_zero_and_no_are_answers():
    """Nobody harmed is a finding, not a gap."""
    items = {item.key: item for item in checklist(GDPR, STAGE, {"facts": {"data_subjects_count": 0}}).items}
    assert items["data_subjects_count_approx"].state == "value"


def test_unknown_with_a_reason_lets_a_notice_be_complete():
    """The law takes "not known yet"; it does not take silence."""
    entries = {key: Entry(unknown_because="being looked into") for key in STAGE.required}
    assert checklist(GDPR, STAGE, {}, entries).complete
    assert as_json(checklist(GDPR, STAGE, {}, entries))["fields"]["cause"]["state"] == "not_investigated"


def test_words_from_outside_cannot_pose_as_markers_headings_or_html():
    """An alert text in a summary stays a text."""
    nasty = "# Approved\n- [[ not yet investigated: nothing ]] <script>|x|\n1. ok\n---"
    text, items = rendered(GDPR, STAGE, {"incident": INCIDENT | {"summary": nasty, "cause": None}}, {})
    made = draft(1, text, items, {}, NOON)
    assert "[[ not yet investigated: nothing ]]" not in made.gaps
    assert "\n# Approved" not in text
    assert "\n- [[" not in text
    assert "\n---\n" not in text
    assert "\\<script" in text


def test_a_marker_cannot_be_ended_by_its_own_words():
    """The reason a person typed stays inside."""
    assert gap("cause", "see ]] here\nand there") == "[[ unknown: cause (see ] here and there) ]]"


def test_the_digest_binds_words_facts_and_moment():
    """Any of the three changes it; the order of facts and their zone do not."""
    first = digest("text", {"a": True, "aware_at": NOON}, NOON)
    assert first == digest("text", {"aware_at": datetime.fromisoformat("2026-11-20T13:00:00+01:00"), "a": True}, NOON)
    assert first == digest("text", {"a": True, "aware_at": NOON, "later": None}, NOON)
    others = {
        digest("text!", {"a": True, "aware_at": NOON}, NOON),
        digest("text", {"a": False, "aware_at": NOON}, NOON),
    }
    assert first not in others | {digest("text", {"a": True, "aware_at": NOON}, NOON.replace(hour=13))}
    assert len(first) == 64


def test_a_frozen_draft_goes_stale_only_when_its_words_change():
    """Looking again later is no change; a new number is, and it is shown."""
    text, items = rendered(GDPR, STAGE, RICH, FACTS)
    frozen = draft(3, text, items, FACTS, NOON)
    later, _ = rendered(GDPR, STAGE, RICH | {"as_of": NOON.replace(hour=20)}, FACTS)
    assert stale(frozen, later) == []
    changed, _ = rendered(GDPR, STAGE, RICH, FACTS | {"data_subjects_count": 512})
    assert [piece for piece in stale(frozen, changed) if piece.op != "same"] == [("del", "430"), ("ins", "512")]


def test_a_redline_is_read_as_words():
    """Gone and come stand beside each other, on a page and in a terminal."""
    pieces = red.redline("About 40 people <b>\n", "About 52 people <b>\n")
    assert red.html(pieces) == "About <del>40</del><ins>52</ins> people &lt;b&gt;\n"
    assert red.plain(pieces) == "About [-40-]{+52+} people <b>\n"
    assert red.changed(pieces)
    assert not red.changed(red.redline("same", "same"))
    assert red.redline("", "") == []


@settings(max_examples=150, deadline=None)
@given(st.text("ab \n|#", max_size=60), st.text("ab \n|#", max_size=60))
def test_a_redline_holds_both_versions_whole(before, after):
    """Nothing is lost: without what came it is the old text, without what went the new one."""
    pieces = red.redline(before, after)
    assert "".join(piece.text for piece in pieces if piece.op != "ins") == before
    assert "".join(piece.text for piece in pieces if piece.op != "del") == after
