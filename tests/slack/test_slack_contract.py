"""Whatever alerts and people say: what leaves for Slack is well-formed, harmless, and marked where it is cut."""

from __future__ import annotations

import itertools
import os

import pytest

from bot.blockkit.text import untrusted
from bot.blockkit.validate import validate_message, validate_view
from bot.slack import verbs
from bot.slack.message import said
from bot.slack.views import info
from tests.slack.hostile import counted, faults, live, silent_cuts, texts
from tests.slack.payloads import SPECIMENS, Payload, makers, payloads
from tests.slack.situations import situations

SLICE = 400 if os.environ.get("CI") == "true" else 60
NAMES = [name for name, _ in situations()]


def refused(payload: Payload) -> list[str]:
    """What Slack would refuse of it."""
    body = payload.body
    found = validate_message(body["blocks"], body["text"]) if payload.kind == "message" else validate_view(body)
    return [str(one) for one in found]


def test_every_view_has_a_specimen():
    """A view that is added without one fails here: what is not collected is not checked."""
    assert makers() == set(SPECIMENS)


def test_every_situation_is_shown_as_slack_takes_it():
    """Each kind of situation through each view, in plain words: no fault, no live mention, nothing foreign."""
    for name, situation in situations():
        for payload in payloads(situation, name):
            assert not refused(payload), payload.name
            assert not faults(payload.kind, payload.body), payload.name


def attack(count: int, seed: int) -> int:
    """Each text through every view in which everything happened, and through one other situation in turn."""
    others = itertools.cycle(range(1, len(NAMES)))
    checked = 0
    for text in texts(count, seed):
        made = situations(text)
        turn = next(others)
        for number, (name, situation) in enumerate(made):
            if number not in (0, turn):
                if number > turn:
                    break
                continue
            for payload in payloads(situation, name):
                checked += 1
                assert not refused(payload), (payload.name, text[:200])
                assert not faults(payload.kind, payload.body), (payload.name, text[:200])
    return checked


def test_no_hostile_text_pings_links_or_breaks():
    """Mentions, links, markup, control and bidi characters, 50 kB: taken by Slack, and words alone."""
    assert attack(SLICE, seed=4) > SLICE * 50


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(20))
def test_ten_thousand_hostile_texts(seed: int):
    """Five hundred for each of twenty seeds: each through more than a hundred payloads."""
    assert attack(500, seed=1_000 + seed) > 50_000


@pytest.mark.long
@pytest.mark.parametrize("many", [60, 400])
def test_nothing_is_cut_silently(many: int):
    """360 and 2,400 characters in every field: whatever is shortened says so, or goes on in the next piece."""
    wrong = []
    for name, situation in situations(counted(many)):
        for payload in payloads(situation, name):
            assert not refused(payload), payload.name
            if "room.render" in payload.name:
                continue  # a channel's name is a name of its own, and the title stands above it
            wrong += [f"{payload.name}: {one}" for one in silent_cuts(payload.body, many)]
    assert wrong == []


@pytest.mark.parametrize("many", [25, 120, 1_500, 8_000])
def test_a_label_of_fifty_kilobytes_is_not_cut_silently(many: int):
    """The same for 150 characters to 48 kB, in the incident in which everything happened."""
    name, situation = next(situations(counted(many)))
    for payload in payloads(situation, name):
        assert not refused(payload), payload.name
        if "room.render" not in payload.name:
            assert silent_cuts(payload.body, many) == [], payload.name


def test_words_for_one_person_are_escaped_once():
    """In a channel and in a dialog alike: a refusal that speaks of `<` shows it, and help shows its placeholders."""
    words = untrusted("2 < 3 & so on", 100)
    for blocks in (said(words), info.told("x", words)["blocks"]):
        assert blocks[0]["text"]["text"] == "2 &lt; 3 &amp; so on"
    assert "find &lt;text&gt;" in verbs.HELP_THREAD


@pytest.mark.parametrize(("text", "harmful"), [
    ("<!channel>", True), ("<!here|x>", True), ("<@U0EVIL>", True), ("<@U0BEN>", False), ("<!subteam^S1>", True),
    ("<https://evil.example|x>", True), ("<https://tocsin.example/incidents/INC-1|x>", False), ("a > b", True),
    ("<https://tocsin.example@evil.example/|x>", True), ("<http://tocsin.example/|x>", True), ("@here", True),
    ("<!date^1^{ago}|x>", False), ("<!date^1^{ago}^https://evil.example|x>", True), ("&lt;!channel&gt;", False),
    ("<javascript:alert(1)|x>", True), ("<#C1>", True), ("broken <", True), ("plain words", False),
])  # fmt: skip
def test_the_reader_of_what_leaves_knows_live_from_dead(text: str, harmful: bool):
    """The check itself: it finds what Slack would bring to life, and leaves alone what we write."""
    assert bool(live(text)) is harmful


def test_the_check_for_cuts_finds_one():
    """A text that ends early without a mark is found; one with a mark, or that goes on, is not."""

    def body(*pieces: str) -> dict[str, object]:
        return {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": one}} for one in pieces]}

    text = counted(40)
    assert silent_cuts(body(text), 40) == []
    assert silent_cuts(body(text[:90]), 40)
    assert silent_cuts(body(text[:90] + "…"), 40) == []
    assert silent_cuts(body(text[:53], text[54:]), 40) == []
    assert silent_cuts(body(text[:53], text[60:]), 40)


SEVERAL = ("update.apart", "whispered", "home.queue", "reminder.render", "reminder.replaced", "oncall.", "cover.")
"""These speak of several incidents, or of none."""


@pytest.mark.long
@pytest.mark.parametrize("words", ["Recall is down", "*b* <!channel> `c`", " ", "w" * 3_000])
def test_a_notification_says_what_is_wrong_and_where_in_plain_words(words: str):
    """Severity and id first, something after them, short, and no markup of ours: phones show it as it is."""
    told = set()
    for name, situation in situations(words):
        for payload in payloads(situation, name):
            text = payload.body.get("text", "")
            if payload.kind != "message" or any(each in payload.name for each in SEVERAL):
                continue
            start = f"{situation.incident.severity} {situation.incident.id}"
            rest = text.removeprefix("Page: ").removeprefix("Update on ")
            assert rest.startswith(start), payload.name
            assert len(rest) > len(start) + 5, payload.name
            assert len(text) <= 1_000, payload.name
            assert not set(text) & set("<>\n"), (payload.name, text)
            told.add(text)
    assert len(told) > 20


def test_lists_that_are_longer_than_shown_say_so():
    """Findings, pages, promises, duties, notices, offers, runbooks: what is left out is counted."""
    situation = dict(situations())["too many of everything"]
    seen = {one.name.partition(": ")[2]: str(one.body["blocks"]) for one in payloads(situation, "many")}
    said = {
        "finding.render 0": "… and 122 before", "card.render 0": "22 more before", "home.render 2": "… and 13 more",
        "legal.overview 0": "… and 25 more duties", "propose.render 0": "100 of 130", "step_modal.render 0": "100 of 130",
        "whys.render 0": "99 of 130", "followup.render 0": "99 of 130",
        "duties.render 0": "more answered below “Read all reasons”, or on the console", "request.render 0": "… and 30 more",
    }  # fmt: skip
    assert {name: words for name, words in said.items() if words not in seen[name]} == {}


@pytest.mark.long
def test_what_is_shortened_leads_to_the_whole():
    """A message or dialog that shortens words of an incident links to its page on the console."""
    for name, situation in situations(counted(600)):
        for payload in payloads(situation, name):
            if situation.web_url and "…" in str(payload.body["blocks"]) and not payload.name.endswith("in words"):
                where = payload.name.removeprefix(f"{name}: ").partition(" ")[0]
                if where not in NO_PAGE:
                    assert f"<{situation.web_url}/incidents/" in str(payload.body["blocks"]), payload.name


NO_PAGE = {
    "update.apart": "it is about no incident, so there is no page of one",
    "declare.render": "there is no incident yet, and its own words can be edited there",
    "info.render": "it tells one sentence of the bot's own",
    "info.told": "it tells one sentence of the bot's own",
    "whispered": "a refusal for one person",
    "choose.render": "the message it speaks of is where the whole stands",
    "reminder.render": "each line has the button that opens it",
    "home.queue": "each line has the button that opens it",
    "home.render": "each line has the button that opens it",
    "oncall.mine": "it speaks of no incident",
    "oncall.of_rota": "it speaks of no incident",
    "oncall.of_service": "it speaks of no incident",
    "oncall.render": "it speaks of no incident",
    "cover.render": "it speaks of no incident",
    "cover.request": "it speaks of no incident",
    "cover.told": "it speaks of no incident",
}  # fmt: skip
