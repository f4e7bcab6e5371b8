"""A notice in Slack from its draft to its filing: lines filled in, remarks, signatures by those who may, and the proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.duty import Answer, AnswerDuties, Duty
from bot.domain.notice import Standing
from bot.domain.policy import NoticeRules, Policy, Role, SignOff
from bot.domain.wording import ClaimPrivilege, CommentNotice
from bot.notices.checklist import Item
from bot.slack.views.notice import marked
from tests.slack.bench import Bench
from tests.slack.reminding import words

LEGAL = "C0LEGAL"
SECRET = "we knew since May"
LINES = (
    Item("nature", "Nature of the breach", True, "not_investigated", help="Kind of incident.", number="1.1"),
    Item("people", "How many people", True, "not_investigated"),
    Item("contact", "Contact", True, "value", "dpo@example.org"),
    Item("more", "What else", False, "not_investigated"),
)
BOTH = Policy(
    notices=NoticeRules(
        sign_offs=(
            ("gdpr/*", (SignOff("legal", frozenset({Role.COUNSEL})), SignOff("technical", frozenset({Role.APPROVER})))),
        )
    )
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path, policy=BOTH) as made:
        made.drafts.templates["gdpr/first"] = "GDPR: Notification to the authority"
        made.drafts.items = LINES
        rooms = made.slack.workspace.rooms
        rooms[LEGAL] = replace(rooms[LEGAL], members=("U0ANA", "U0BEN", "U0CLEO", "U0DEV"))
        await made.declared()
        due = made.clock.now() + timedelta(hours=72)
        duty = Duty("gdpr", "GDPR Art. 33", Answer.YES, "personal data", "first", due)
        await made.desk.submit("INC-1", AnswerDuties((duty,), "b1"))
        await made.settle()
        yield made


async def requested(bench: Bench, by: str = "ana") -> None:
    await bench.desk.request_notice("INC-1", "gdpr/first", await bench.who(by))
    await bench.settle()


async def frozen(bench: Bench, by: str = "ana") -> str:
    """A notice that waits for its signatures; its digest."""
    await requested(bench, by)
    await bench.desk.ask_approval("INC-1", "N1", await bench.who(by))
    await bench.settle()
    return str((await bench.incident()).notices["N1"].latest.digest)


def message(bench: Bench) -> str:
    (found,) = bench.posts("notice:N1", LEGAL)
    return words(found)


async def reads(bench: Bench, key: str) -> dict[str, Any]:
    """The review as somebody sees it."""
    person = await bench.person(key, LEGAL)
    await person.click("notice.open")
    await bench.settle()
    return {name: value for name, value in (await person.views())[-1].items() if value is not None}


async def test_it_is_begun_from_the_duties_in_two_clicks(bench: Bench):
    """The button stands below the duty; the notice due first is chosen already; then the button leads to it."""
    cleo = await bench.person("cleo", LEGAL)
    await cleo.click("duty.begin")
    await cleo.wait_for_view("legal")
    await cleo.submit({})
    await bench.settle()
    assert (await bench.incident()).notices["N1"].template == "gdpr/first"
    (duties,) = bench.posts("duties", LEGAL)
    assert "Review N1" in words(duties)
    assert "Begin the notice" not in words(duties)


async def test_a_template_in_two_languages_is_chosen_in_either(bench: Bench):
    """The form offers both; the one that was begun is not offered again, the other is, and each message names its own."""
    bench.drafts.templates["gdpr/first.de"] = "GDPR: Notification to the authority, in German"
    cleo = await bench.person("cleo", LEGAL)
    await cleo.click("duty.begin")
    await cleo.wait_for_view("legal")
    await cleo.submit({"kind": "gdpr/first.de"})
    await bench.settle()
    notice = (await bench.incident()).notices["N1"]
    assert (notice.template, notice.stage, notice.locale) == ("gdpr/first", "first", "de")
    assert "in German" in message(bench)
    kinds = str([one for one in (await cleo.views())[-1]["blocks"] if one["type"] == "input"])
    assert "gdpr/first'" in kinds
    assert "gdpr/first.de" not in kinds


async def test_its_empty_lines_are_filled_in_one_by_one(bench: Bench):
    """A value, then unknown with the reason; both in the record; neither is asked again, and the message counts down."""
    await requested(bench)
    assert "2 gaps" in message(bench)
    ana = await bench.person("ana", LEGAL)
    await ana.click("notice.fill")
    view = await ana.wait_for_view("notice.fill")
    assert "1.1 Nature of the breach" in str(view)
    assert "line 1 of 2" in str(view)
    await ana.submit({})
    assert "or skip the line" in str(await ana.errors())
    await ana.submit({"value:nature": "loss", "unknown:nature": "no idea"})
    assert "not both" in str(await ana.errors())
    await ana.submit({"value:nature": "patients were not proposed", "unknown:nature": ""})
    view = (await ana.views())[-1]
    assert "✓ Nature of the breach" in str(view)
    assert "How many people" in str(view)
    await ana.submit({"unknown:people": "the log is still being read"})
    assert "Every required line is filled in" in str((await ana.views())[-1])
    given = (await bench.incident()).notices["N1"].given
    assert given["nature"].value == "patients were not proposed"
    assert given["people"].unknown_because == "the log is still being read"
    await bench.settle()
    assert "notice.fill" not in message(bench)


async def test_a_line_may_be_skipped_and_comes_again(bench: Bench):
    """Round and round until each is filled in; nothing is recorded by skipping."""
    await requested(bench)
    ana = await bench.person("ana", LEGAL)
    await ana.click("notice.fill")
    await ana.wait_for_view("notice.fill")
    seen = []
    for _ in range(3):
        seen.append("How many people" in str((await ana.views())[-1]))
        await ana.click_in_view("notice.skip")
        await bench.settle()
    assert seen == [False, True, False]
    assert not (await bench.incident()).notices["N1"].given


async def test_who_must_sign_is_said_and_who_may_not_gets_no_button(bench: Bench):
    """Ana asked for it; Ben signs technically, Cleo legally; each sees the button only while it is theirs to give."""
    await frozen(bench)
    assert "legal (counsel) and technical (approver) must still sign" in message(bench)
    view = await reads(bench, "ana")
    assert "submit" not in view
    assert "a second person must give it" in str(view)
    ben = await bench.person("ben", LEGAL)
    assert (await reads(bench, "ben"))["callback_id"] == "notice.approve"
    await ben.submit({})
    await bench.settle()
    notice = (await bench.incident()).notices["N1"]
    assert [(one.capacity, notice.standing) for one in notice.latest.signatures] == [("technical", Standing.FROZEN)]
    assert "<@U0BEN> as technical" in message(bench)
    assert "legal (counsel) must still sign" in message(bench)
    view = await reads(bench, "ben")
    assert "You signed this version already" in str(view)
    assert "submit" not in view
    await reads(bench, "cleo")
    await (await bench.person("cleo", LEGAL)).submit({})
    await bench.settle()
    assert (await bench.incident()).notices["N1"].standing is Standing.APPROVED
    assert "a person must send it" in message(bench)


async def test_who_could_sign_twice_chooses_the_capacity_and_signs_once(bench: Bench):
    """Dev is counsel and approver: one signature of theirs is one, in the capacity that was chosen."""
    await frozen(bench)
    dev = await bench.person("dev", LEGAL)
    view = await reads(bench, "dev")
    assert "You sign as" in str(view)
    await dev.submit({"capacity": marked("technical")})
    await bench.settle()
    notice = (await bench.incident()).notices["N1"]
    assert [one.capacity for one in notice.latest.signatures] == ["technical"]
    assert "submit" not in await reads(bench, "dev")


async def test_whoever_wrote_a_line_does_not_sign(bench: Bench):
    """Ben filled one in: no button, and the reason."""
    await requested(bench)
    ben = await bench.person("ben", LEGAL)
    await ben.click("notice.fill")
    await ben.wait_for_view("notice.fill")
    await ben.submit({"value:nature": "a loss"})
    await bench.desk.ask_approval("INC-1", "N1", await bench.who("ana"))
    await bench.settle()
    view = await reads(bench, "ben")
    assert "You wrote part of it" in str(view)
    assert "submit" not in view


async def test_remarks_stand_in_the_message_until_they_are_settled(bench: Bench):
    """How many and the latest, with the words it is about; settled in the dialog, which is drawn anew."""
    await requested(bench)
    cleo = await bench.person("cleo", LEGAL)
    await cleo.click("notice.comment.open")
    await cleo.wait_for_view("notice.comment")
    await cleo.submit({"text": "say how many", "quote": "Recall is down"})
    await bench.settle()
    assert "*1 open remark*" in message(bench)
    assert "on “Recall is down”: say how many" in message(bench)
    await cleo.click("notice.open")
    await cleo.wait_for_view("notice.ask")
    await cleo.click_in_view("notice.settle")
    await bench.settle()
    assert "1 remark, all settled" in message(bench)
    assert "notice.settle" not in str((await cleo.views())[-1])


async def test_the_filing_is_recorded_with_time_reference_and_proof(bench: Bench):
    """A person says where and when; a time before the approval or ahead is refused below its field."""
    digest = await frozen(bench)
    for key in ("ben", "cleo"):
        await reads(bench, key)
        await (await bench.person(key, LEGAL)).submit({})
    await bench.settle()
    assert digest == (await bench.incident()).notices["N1"].latest.digest
    cleo = await bench.person("cleo", LEGAL)
    assert (await reads(bench, "cleo"))["callback_id"] == "notice.file"
    now = int(bench.clock.now().timestamp())
    given = {"where": "the portal", "reference": "DE-7", "proof": "mail of the portal"}
    for when, refused in ((now - 86_400, "approved after that"), (now + 86_400, "in the future")):
        await cleo.submit({**given, "when": when})
        assert refused in str(await cleo.errors())
    await cleo.submit({**given, "when": now - now % 60})  # a picker knows minutes alone
    await bench.settle()
    filing = (await bench.incident()).notices["N1"].filing
    assert (filing.where, filing.reference, filing.proof) == ("the portal", "DE-7", "mail of the portal")
    assert "reference DE-7, proof: mail of the portal" in message(bench)
    assert "notice.comment" not in message(bench)
    assert "submit" not in await reads(bench, "cleo")


async def test_whoever_may_not_file_reads_the_approved_words_without_the_form(bench: Bench):
    """Ana is no counsel: she sees them, and no button to record anything."""
    await frozen(bench)
    for key in ("ben", "cleo"):
        await reads(bench, key)
        await (await bench.person(key, LEGAL)).submit({})
    await bench.settle()
    assert (await reads(bench, "ana"))["callback_id"] == "info"


async def test_it_may_be_given_up_with_the_reason(bench: Bench):
    """By counsel; the message says so, and another may be begun."""
    await requested(bench)
    ana, cleo = await bench.person("ana", LEGAL), await bench.person("cleo", LEGAL)
    await reads(bench, "ana")
    await ana.click_in_view("notice.drop.open")
    await bench.settle()
    assert "only counsel may give a notice up" in str((await ana.views())[-1]).lower()
    await reads(bench, "cleo")
    await cleo.click_in_view("notice.drop.open")
    await cleo.wait_for_view("notice.drop")
    await cleo.submit({"reason": "the processor tells them"})
    await bench.settle()
    assert "Given up: the processor tells them" in message(bench)
    assert await cleo.views() == []
    await requested(bench)
    assert set((await bench.incident()).notices) == {"N1", "N2"}


async def test_a_privileged_document_says_nothing_anywhere_in_slack(bench: Bench):
    """Once it is claimed: not its kind, remarks or reason in the message, no words in any dialog, for counsel neither."""
    await requested(bench)
    await bench.say(CommentNotice("N1", SECRET), "cleo")
    assert SECRET in message(bench)
    await bench.say(ClaimPrivilege("N1", "legal advice", "INC-1", SECRET), "cleo")
    told = message(bench)
    assert "A privileged document" in told
    assert not [word for word in (SECRET, "GDPR", "Notification", "notice.fill", "notice.open") if word in told]
    assert "https://tocsin.example/incidents/INC-1/notices/N1" in told
    await bench.settle()  # what was on its way when it was claimed has arrived
    before = len(bench.slack.traffic.entries)
    for key in ("ana", "cleo"):
        person = await bench.person(key, LEGAL)
        await person.click("legal.open")
        await bench.settle()
        await person.click_in_view("notice.open")
        await bench.settle()
        seen = str((await person.views())[-1])
        assert "by counsel alone" in seen
        assert (await person.views())[-1].get("submit") is None
    await bench.show()
    since = list(bench.slack.traffic.entries)[before:]  # Slack may still tell us of what stood there before
    assert not [one for one in since if one["way"] == "app->slack" and SECRET in str(one)]


async def test_a_form_opened_before_it_was_privileged_takes_nothing_any_more(bench: Bench):
    """Whoever has the old dialog on the screen is refused, and nothing is recorded."""
    await requested(bench)
    ana = await bench.person("ana", LEGAL)
    await ana.click("notice.fill")
    await ana.wait_for_view("notice.fill")
    await bench.say(ClaimPrivilege("N1", "legal advice", "INC-1", "to advise"), "cleo")
    await ana.submit({"value:nature": "a loss"})
    assert "by counsel alone" in str(await ana.errors())
    assert not (await bench.incident()).notices["N1"].given


async def test_notices_stand_in_the_legal_channel_alone(bench: Bench):
    """Nothing of them in the incident's own channel but that work is in progress."""
    await frozen(bench)
    kept = str(list(bench.slack.workspace.memory.messages["C0INC"].values()))
    assert "Notification to the authority" not in kept
    assert "notice work in progress" in kept
