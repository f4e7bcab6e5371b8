"""The private legal channel: what stands there follows what counsel decided, and what is over is not offered."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.duty import Answer, AnswerDuties, DecideDuty, Duty
from bot.domain.notice import RequestNotice
from bot.domain.signing import FreezeNotice, RequestChanges
from bot.slack.wanted import wanted
from tests.kit import ANA, CLEO, NOON, declared
from tests.slack.bench import Bench
from tests.slack.situations import SETTINGS, seen

LEGAL = "C0LEGAL"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


def duty(bench: Bench, answer: Answer = Answer.YES) -> Duty:
    due = bench.clock.now() + timedelta(hours=72) if answer is Answer.YES else None
    return Duty("gdpr", "GDPR Art. 33", answer, "personal data", "first", due)


async def answered(bench: Bench, answer: Answer, basis: str) -> dict[str, Any]:
    """The message of the duties once the regimes have answered."""
    await bench.desk.submit("INC-1", AnswerDuties((duty(bench, answer),), basis))
    await bench.settle()
    return bench.posts("duties", LEGAL)[0] if bench.posts("duties", LEGAL) else {}


async def test_a_duty_that_counsel_denied_does_not_stand_as_one(bench: Bench):
    """The same message says that there is none, and why, without a date; and nothing is posted anew for it."""
    await bench.declared()
    first = await answered(bench, Answer.YES, "b1")
    assert "1 duty to tell" in first["text"]
    assert "\nby " in first["blocks"][1]["text"]["text"]
    await bench.say(DecideDuty("gdpr", Answer.NO, "no personal data after all"), "cleo")
    (message,) = bench.posts("duties", LEGAL)
    assert message["ts"] == first["ts"]
    assert "no duty to tell" in message["text"]
    assert "no personal data after all" in str(message["blocks"])
    assert not [one for one in message["blocks"] if "\nby " in str((one.get("text") or {}).get("text"))]
    await bench.say(DecideDuty("gdpr", Answer.YES, "there were some"), "cleo")
    assert "1 duty to tell" in bench.posts("duties", LEGAL)[0]["text"]


async def test_duties_that_never_applied_are_no_news(bench: Bench):
    """Every regime answers no: nothing is posted; once one may apply the message is there."""
    await bench.declared()
    assert await answered(bench, Answer.NO, "b1") == {}
    assert "1 not known yet" in (await answered(bench, Answer.UNKNOWN, "b2"))["text"]


async def test_once_changes_are_asked_for_no_dialog_offers_the_approval(bench: Bench):
    """The review below goes with the question what must change, and the message reads as a sentence."""
    await bench.declared()
    dev, cleo = await bench.who("dev"), await bench.person("cleo", LEGAL)
    await bench.desk.request_notice("INC-1", "stakeholders/update", dev)
    await bench.desk.ask_approval("INC-1", "N1", dev)
    await bench.settle()
    await cleo.click("notice.open", room=LEGAL)
    await cleo.wait_for_view("notice.approve")
    await cleo.click_in_view("notice.changes.open")
    await cleo.wait_for_view("notice.changes")
    await cleo.submit({"reason": "say it plainer"})
    await bench.settle()
    assert await cleo.views() == []
    (message,) = bench.posts("notice:N1", LEGAL)
    assert "is sent back for changes. Review it." in message["text"]
    assert "say it plainer" in str(message["blocks"])
    await cleo.click("notice.open", room=LEGAL)
    assert (await cleo.wait_for_view("notice"))["callback_id"] == "notice.ask"


def test_what_was_sent_back_says_so_when_it_is_approved_or_sent_back_again():
    """A second click reads as a sentence."""
    story = declared().when(RequestNotice("gdpr/first", "gdpr", "first"), ANA)
    story = story.when(FreezeNotice("N1", "words", "d" * 64, (), NOON), ANA)
    story = story.when(RequestChanges("N1", "say it plainer"), CLEO)
    assert story.refuses(RequestChanges("N1", "again"), CLEO) == "N1 is sent back for changes"


async def test_a_mention_is_refused_in_a_sentence(bench: Bench):
    """It begins with a capital, as what a click is told does."""
    await bench.declared()
    cleo = await bench.person("cleo")
    await cleo.say("@Tocsin resolve it is over", in_thread_of=bench.posts("card")[0]["ts"])
    await bench.slack.delivery.settle()
    await bench.settle()
    (told,) = bench.whispers("cleo")
    assert told[0].isupper()


def test_a_message_that_stands_is_kept_true_though_no_duty_is_left():
    """It is wanted where it stands, and not posted anew."""
    no = Duty("gdpr", "GDPR", Answer.NO, "not personal")
    found = {one.name: one for one in wanted(seen(declared().when(AnswerDuties((no,), "b"))), SETTINGS)}
    assert not found["duties"].fresh
    assert "duties" not in {one.name for one in wanted(seen(declared()), SETTINGS)}
