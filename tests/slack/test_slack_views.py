"""Every view against the validator, with words that are long, hostile, empty or invisible."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.blockkit.validate import validate_message, validate_view
from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.duty import Answer, AnswerDuties, Duty
from bot.domain.execution import ReportOutcome
from bot.domain.five_whys import AddWhy
from bot.domain.hold import ReportHold
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Resolve, Update
from bot.domain.mitigation import Outcome, ProposeMitigation, State
from bot.domain.notice import RequestNotice
from bot.domain.paging import Receipt, ReportPage
from bot.domain.policy import Policy
from bot.domain.room import OpenRoom, ReportRoom, ReportRoomArchived
from bot.domain.signing import FreezeNotice
from bot.engine.situation import Situation
from bot.slack.views import (
    approve,
    card,
    home,
    legal,
    notice,
    propose,
    reason,
    update,
)
from bot.slack.views._words import TOO_LONG, lasted
from bot.slack.wanted import wanted
from tests.kit import ANA, BEN, NOON, Story, declared, held, plan
from tests.slack.payloads import payloads
from tests.slack.situations import SETTINGS, busy, seen

ODD = ["<!channel>", "<@U0BEN>", "<https://evil.example|console>", "@here", "&lt;", "*b* _i_ `c`", "\u202eabc", "\u200b",
       "👩‍👩‍👧‍👦" * 50, "e\u0301" * 400, "\n\n\n", "x" * 5000, "<" * 3500, "&" * 3500, "\x00", "INC-1 {who}"]  # fmt: skip
hostile = st.one_of(st.sampled_from(ODD), st.text(max_size=60), st.text(min_size=200, max_size=400))


def formatted(node: Any) -> list[str]:
    """Every text Slack would interpret; plain text and rich text are shown as they are."""
    if isinstance(node, list):
        return [text for one in node for text in formatted(one)]
    if not isinstance(node, dict):
        return []
    own = [str(node["text"])] if node.get("type") == "mrkdwn" else []
    return own + [text for one in node.values() for text in formatted(one)]


def check(situation: Situation) -> str:
    """All surfaces and dialogs hold; everything that would be sent, as text."""
    sent = []
    for payload in payloads(situation):
        body = payload.body
        faults = validate_message(body["blocks"], body["text"]) if payload.kind == "message" else validate_view(body)
        assert faults == [], payload.name
        sent += [*formatted(body), body.get("text", "")]
    return "\n".join(sent)


@pytest.mark.parametrize("words", ODD)
def test_each_known_trick_is_harmless(words: str):
    """The tricks known by name, each through every view."""
    sent = check(seen(busy(words), words))
    assert not re.search(r"<!(channel|here|everyone)|@(here|channel|everyone)", sent)
    assert "<https://evil" not in sent


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile)
def test_no_words_break_a_view_or_ping_anybody(words: str):
    """Whatever alerts, names and notes say: Slack would take every view, and nobody is mentioned by it."""
    sent = check(seen(busy(words), words))
    assert not re.search(r"<!(channel|here|everyone)", sent)
    assert "<https://evil" not in sent
    assert set(re.findall(r"<(https?://[^|>]+)", sent)) <= {"https://tocsin.example/incidents/INC-1"}


def test_every_state_of_a_mitigation_has_its_words_and_buttons():
    """From proposal to settlement: the message changes, and offers only what can be done."""
    story = busy("plain words")
    digest = story.incident.mitigations["M1"].digest
    seen_words = set()

    def request(told: Story) -> str:
        message = next(s for s in wanted(seen(told), SETTINGS) if s.name == "request:M1").message
        check(seen(told))
        seen_words.add(message.text)
        return str(message.blocks)

    assert "approve.open" in request(story)
    story = story.when(ReportHold("M1", held("rows"))).when(ApproveMitigation("M1", digest), BEN)
    assert "approve.open" not in request(story)
    story = story.when(ClaimMitigation("M1", "7", (BEN,)))
    request(story)
    unknown = story.when(ReportOutcome("M1", Outcome.UNKNOWN, "no answer"))
    assert "settle.open" in request(unknown)
    applied = story.when(ReportOutcome("M1", Outcome.APPLIED, "done"))
    assert "undo.open" in request(applied)
    assert len(seen_words) == 5


def test_a_resolved_incident_shows_measures_and_learning():
    """The card offers what comes next, the summary says how fast it was, the live step is gone."""
    story = busy("plain").after(minutes=30).when(Resolve("rolled back", "all is well"), ANA)
    found = {surface.name: surface for surface in wanted(seen(story), SETTINGS)}
    assert "Time to acknowledge" in str(found["summary"].message.blocks)
    assert "reopen.open" in str(found["card"].message.blocks)
    assert "step.do" not in str(found["step:3"].message.blocks)
    assert not found["step:3"].fresh
    check(seen(story))


def test_an_empty_situation_is_shown_too():
    """Just declared, nobody known, no service, no console."""
    story = declared(sli=None, slo="", slice="", service="", because="")
    bare = Situation(story.incident, story.entries, story.now)
    check(bare)
    message = card.render(bare)
    assert "no findings yet" in str(message.blocks)
    assert "https://" not in str(message.blocks)


def test_the_card_stays_small_and_the_chart_is_no_news():
    """At most twelve blocks; a moving chart does not change what counts as shown."""
    situation = seen(busy("y" * 3000), "y" * 3000)
    message = card.render(situation)
    assert message.rich is not None
    assert len(message.rich) <= 12
    later = replace(situation, charts=(replace(situation.charts[0], bars=situation.charts[0].bars[:20]),))
    assert card.render(later).shown == message.shown
    assert card.render(later).rich != message.rich


def test_a_restricted_incident_tells_nothing():
    """No title, no reason, no channel; only the people it names, by direct message."""
    story = declared(title="Secret canary", because="canary", restricted=True)
    story = story.when(ReportPage("p", ANA.id, "slack", Receipt.ACCEPTED))
    surfaces = wanted(seen(story), SETTINGS)
    assert [surface.person for surface in surfaces] == ["U0ANA"]
    assert "canary" not in str(surfaces[0].message.blocks) + surfaces[0].message.text
    assert "canary" not in str(update.page(seen(story)).blocks)
    assert home.waiting([seen(story)], BEN, Policy()) == []


def test_offers_that_would_not_help_are_warned_of():
    """The diagnosis' warning stands first, and the fitting offer is the one chosen."""
    view = propose.render(seen(busy("words")))
    assert view["blocks"][0]["type"] == "alert"
    select = next(b for b in view["blocks"] if b.get("block_id") == "offer")["element"]
    assert select["initial_option"]["value"] == "a"


def test_lengths_are_said_in_words():
    """Two largest units; unknown is a dash, never a zero."""
    said = [lasted(timedelta(seconds=s)) for s in (5, 252, 7500, 273600, -5)]
    assert said == ["5 s", "4 min 12 s", "2 h 5 min", "3 d 4 h", "-5 s"]
    assert lasted(None) == "–"


LONG = "w" * 3_000
BOUND = [
    {"diff": (LONG,)}, {"diff": ("line",) * 900}, {"blast_radius": LONG}, {"undo": LONG}, {"before": {"a": LONG}},
    {"after": {"a": LONG}}, {"params": {"a": LONG}}, {"undo_params": {"a": LONG}}, {"warnings": ("w", LONG)},
    {"target": LONG}, {"target_uid": LONG}, {"token": LONG}, {"blast_radius": "<" * 600},
]  # fmt: skip


def proposed(**changes: object) -> Situation:
    """A situation with one proposed change."""
    return seen(declared().when(ProposeMitigation(plan(**changes), "because"), ANA))


@pytest.mark.parametrize("changes", BOUND, ids=lambda one: next(iter(one)))
def test_what_is_not_shown_whole_is_not_approved_in_slack(changes: dict[str, object]):
    """Any field the digest covers that was cut: no button, the reason, and the way to the console."""
    situation = proposed(**changes)
    mitigation = situation.incident.mitigations["M1"]
    view = approve.render(situation, mitigation)
    assert validate_view(view) == []
    assert not approve.whole(mitigation)
    assert "submit" not in view
    assert "private_metadata" not in view
    assert TOO_LONG in str(view["blocks"][0])
    assert "<https://tocsin.example/incidents/INC-1|" in str(view["blocks"][0])


def test_a_plan_that_fits_is_shown_field_by_field_and_approved():
    """Warnings longer than an alert, parameters that say something else than the states: all of it can be read."""
    warnings = tuple(f"warning number {number} of a change that has many" for number in range(9))
    situation = proposed(warnings=warnings, params={"to": "v9"}, undo_params={"back": "v8"}, diff=("d" * 2_000,))
    mitigation = situation.incident.mitigations["M1"]
    view = approve.render(situation, mitigation)
    assert validate_view(view) == []
    assert approve.whole(mitigation)
    assert view["submit"]["text"] == "Approve"
    words = str(view["blocks"])
    for told in ("warning number 8 of a change that has many", "to: v9", "back: v8", "d" * 2_000, "router/visits"):
        assert told in words


@pytest.mark.parametrize(("text", "gaps"), [("word " * 12_500, ()), ("short", ("g" * 300,) * 50)])
def test_a_notice_that_is_not_shown_whole_is_not_approved_in_slack(text: str, gaps: tuple[str, ...]):
    """Words or gaps were left out: read it on the console."""
    story = declared().when(RequestNotice("gdpr/first", "gdpr", "first"), ANA)
    situation = seen(story.when(FreezeNotice("N1", text, "d" * 64, gaps, NOON), ANA))
    found = situation.incident.notices["N1"]
    view = notice.review(situation, found)
    assert validate_view(view) == []
    assert not notice.whole(found.latest)
    assert "submit" not in view
    assert TOO_LONG in str(view["blocks"][0])
    assert "notice.changes.open" in str(view["blocks"])


@pytest.mark.parametrize("letter", ["👍🏿", "語", "é", "<", "x"])
def test_long_words_in_any_script_fit_a_dialog(letter: str):
    """A letter may take four bytes and a view 250 kB: what does not fit is read on the console, never refused by Slack."""
    story = declared().when(RequestNotice("gdpr/first", "gdpr", "first"), ANA)
    long = letter * (60_000 // len(letter))
    situation = seen(story.when(FreezeNotice("N1", long, "d" * 64, (long[:3_000],) * 9, NOON), ANA))
    view = notice.review(situation, situation.incident.notices["N1"])
    assert validate_view(view) == []
    assert "submit" not in view
    assert TOO_LONG in str(view["blocks"][0])


def test_every_gap_of_a_notice_stands_in_the_dialog():
    """Thirty long gaps and long words still fit, and can be approved."""
    gaps = tuple(f"gap {number} {'g' * 250}" for number in range(30))
    story = declared().when(RequestNotice("gdpr/first", "gdpr", "first"), ANA)
    situation = seen(story.when(FreezeNotice("N1", "word " * 9_000, "d" * 64, gaps, NOON), ANA))
    view = notice.review(situation, situation.incident.notices["N1"])
    assert validate_view(view) == []
    assert view["submit"]["text"] == "Approve"
    assert all(gap in "".join(formatted(view)) for gap in gaps)


def test_an_undo_shows_the_way_back_and_what_speaks_against_it():
    """Not the change once more; verified, it says that the harm may come back."""
    made = plan(undo="weights go back to v2", diff=("weights go to v1",))
    situation = seen(declared().when(ProposeMitigation(made, "x"), ANA))
    mitigation = replace(situation.incident.mitigations["M1"], state=State.APPLIED)
    shown = str(reason.render("undo", situation, mitigation))
    assert mitigation.plan.undo in shown
    assert mitigation.plan.diff[0] not in shown
    assert "The data say that it helps" not in shown
    verified = replace(mitigation, state=State.VERIFIED)
    assert "The data say that it helps" in str(reason.render("undo", situation, verified))
    assert mitigation.plan.diff[0] in str(reason.render("decline", situation, mitigation))


def test_kinds_of_notices_can_be_told_apart_and_those_of_no_duty_are_left_out():
    """Many stages of one regime share a long name: the stage stands first. A regime that answers no has none to offer."""
    long = "Regulation (EU) 2016/679 on the protection of natural persons, Article 33"
    kinds = {
        "stakeholders/update": "Stakeholder update: business impact",
        "gdpr/first": f"{long}: Notice to the authority",
        "gdpr/later": f"{long}: Further information in phases",
        "act/report": "AI Act: Report of a serious incident",
    }
    no = Duty("act", "AI Act", Answer.NO, "not of high risk")
    situation = replace(seen(declared().when(AnswerDuties((no,), "b"))), notice_kinds=kinds)
    (asked,) = [block for block in legal.overview(situation)["blocks"] if block["type"] == "input"]
    shown = {one["value"]: one for one in asked["element"]["options"]}
    assert set(shown) == {"stakeholders/update", "gdpr/first", "gdpr/later"}
    assert shown["gdpr/first"]["text"]["text"] == "Notice to the authority"
    assert shown["gdpr/later"]["text"]["text"] == "Further information in phases"
    assert shown["gdpr/first"]["description"]["text"].startswith("Regulation (EU) 2016/679")
    assert shown["stakeholders/update"]["text"]["text"] == "Stakeholder update"


def test_the_card_counts_as_people_do():
    """One why is one, and where no clock runs none is counted."""
    story = declared().when(RequestNotice("gdpr/first", "gdpr", "first"), ANA).when(AddWhy("labels were lost"), ANA)
    text = str(card.render(seen(story)).blocks)
    assert "1 why " in text
    assert "notice work in progress" in text
    assert "clock" not in text


def test_the_war_room_is_told_and_furnished():
    """In the thread where it is; there the card, later updates and the end; refused or archived, that is said."""
    story = declared().when(OpenRoom(), ANA)
    assert [one.name for one in wanted(seen(story), SETTINGS) if one.name.startswith("room")] == []
    refused = story.when(ReportRoom("", because="<!channel> missing_scope"))
    (message,) = [one.message for one in wanted(seen(refused), SETTINGS) if one.name == "room:told:1"]
    assert "missing_scope" in message.text
    assert "<!channel>" not in message.text
    story = story.when(ReportRoom("C0ROOM", "inc-1")).when(Update("later"), ANA).when(Resolve("over", "x"), ANA)
    there = {one.name: one for one in wanted(seen(story), SETTINGS) if one.channel == "C0ROOM"}
    assert set(there) == {"room", "room:update:4", "room:summary:1"}
    assert (there["room"].pinned, there["room"].moves) == (True, True)
    gone = story.when(ReportRoomArchived())
    assert [one for one in wanted(seen(gone), SETTINGS) if one.channel == "C0ROOM"] == []
    check(seen(gone))


def test_the_card_asks_for_the_impact_only_where_a_duty_may_hang_on_it():
    """A button of its own while some regime did not answer no and nobody stated the impact; else below the menu."""
    yes = Duty("gdpr", "GDPR", Answer.UNKNOWN, "how many?")
    no = Duty("act", "AI Act", Answer.NO, "not of high risk")
    assert "impact.open" not in str(card.render(seen(declared())).blocks)
    assert "impact.open" not in str(card.render(seen(declared().when(AnswerDuties((no,), "b")))).blocks)
    asked = declared().when(AnswerDuties((yes, no), "b"))
    assert "Assess impact" in str(card.render(seen(asked)).blocks)
    known = asked.when(AssessImpact(12, 3, None, "EUR", ("money: unknown",), ""), ANA)
    assert "impact.open" not in str(card.render(seen(known)).blocks)
    assert "events 12, people 3, money not known" in str(legal.overview(seen(known))["blocks"])
