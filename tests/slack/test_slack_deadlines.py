"""Legal clocks in Slack: each share of their time is told in counsel's channel, to whoever answers too, until settled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.duty import Answer, AnswerDuties, AssignDuty, DecideDuty, Due, Duty
from bot.domain.filing import FileNotice
from bot.domain.paging import Acknowledge
from bot.domain.signing import ApproveNotice
from tests.slack.bench import Bench
from tests.slack.reminding import look, told, words

LEGAL = "C0LEGAL"
HOURS = 72


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        made.drafts.templates["gdpr/first"] = "GDPR: Notification"
        yield made


def gdpr(started: datetime, hours: float = HOURS, *, answer: Answer = Answer.YES) -> Duty:
    strict = started + timedelta(hours=hours)
    due = Due(
        "first", "Notification to the authority", answer, "aware_at", started, strict, strict + timedelta(hours=1)
    )
    return Duty("gdpr", "GDPR Art. 33", answer, "personal data", "first", strict, due.outer, dues=(due,))


async def running(bench: Bench, **more: Any) -> datetime:
    """An incident with one clock that began now; when it began. Cleo answers for it, Dev is her deputy."""
    await bench.declared(**more)
    await bench.say(Acknowledge(), "ana")
    started = bench.clock.now().replace(microsecond=0)
    await bench.desk.submit("INC-1", AnswerDuties((gdpr(started),), "b1"))
    await bench.say(AssignDuty("gdpr", (await bench.who("cleo")).id, (await bench.who("dev")).id), "ana")
    return started


def loud(bench: Bench) -> list[dict[str, Any]]:
    """The messages of clocks in the legal channel, oldest first."""
    kept = bench.slack.workspace.memory.messages.get(LEGAL, {}).values()
    found = [
        m for m in kept if str((m.get("metadata") or {}).get("event_payload", {}).get("surface")).startswith("clock:")
    ]
    return sorted(found, key=lambda m: float(m["ts"]))


async def hours(bench: Bench, many: float) -> None:
    """So much time passes, and the house looks."""
    await look(bench, many * 60)
    await bench.show()


def line(bench: Bench, key: str) -> str:
    return words(told(bench, key)[-1]) if told(bench, key) else ""


async def test_each_share_is_told_once_to_the_channel_and_to_both_who_answer(bench: Bench):
    """50, 75, 90 % and overdue: a message of its own each, the former ones point down; two people hear each time."""
    await running(bench)
    await hours(bench, 35)
    assert loud(bench) == []
    for many, expected in ((1.5, "50 % of the time is gone"), (18, "75 % of the time is gone"),
                           (11, "90 % of the time is gone"), (8, "*Overdue*")):  # fmt: skip
        before = len(loud(bench))
        await hours(bench, many)
        assert len(loud(bench)) == before + 1
        newest = words(loud(bench)[-1])
        assert expected in newest
        assert "GDPR Art. 33: Notification to the authority" in newest
        assert "<@U0CLEO> answers for it, deputy <@U0DEV>" in newest
        assert "duty.begin" in newest
        for key in ("cleo", "dev"):
            assert "Notification to the authority" in line(bench, key)
        await bench.show()
        assert len(loud(bench)) == before + 1
    assert all("a newer message follows" in words(each) for each in loud(bench)[:-1])
    assert all("action_id" not in str(each["blocks"]) for each in loud(bench)[:-1])
    assert len(told(bench, "cleo")) == len(told(bench, "dev")) == 4
    assert "was due" in line(bench, "cleo")
    assert not told(bench, "ben")


async def test_a_bot_that_was_down_over_two_shares_tells_the_latest_alone(bench: Bench):
    """Three quarters gone when it comes back: one message, in the channel and to each person."""
    await running(bench)
    bench.clock.forward(56 * 3600)
    await bench.restart()
    bench.drafts.templates["gdpr/first"] = "GDPR: Notification"
    await hours(bench, 0)
    (message,) = loud(bench)
    assert "75 % of the time is gone" in words(message)
    assert len(told(bench, "cleo")) == 1
    assert "is due" in line(bench, "cleo")


async def test_filed_in_between_it_is_settled_and_never_told_again(bench: Bench):
    """What stands says when it was filed, has no button, and no later share is posted; the direct message ends too."""
    await running(bench)
    await hours(bench, 37)
    cleo, dev = await bench.who("cleo"), await bench.who("dev")
    await bench.desk.request_notice("INC-1", "gdpr/first", cleo)
    await bench.settle()
    assert "N1 is being drafted" in words(loud(bench)[0])
    await bench.desk.ask_approval("INC-1", "N1", cleo)
    digest = (await bench.incident()).notices["N1"].latest.digest
    await bench.desk.submit("INC-1", ApproveNotice("N1", digest), dev)
    await bench.settle()
    assert "N1 is approved" in words(loud(bench)[0])
    await bench.say(FileNotice("N1", "the portal", "R-1"), "cleo")
    (message,) = loud(bench)
    assert "filed <!date^" in words(message)
    assert "action_id" not in str(message["blocks"])
    assert "Nothing waits for you any more" in line(bench, "cleo")
    await hours(bench, 40)
    assert len(loud(bench)) == 1
    assert len(told(bench, "cleo")) == 1


async def test_a_date_that_moves_earlier_is_told_by_its_own_shares(bench: Bench):
    """The message of the old date says the new one; the new date's latest share comes as a message of its own."""
    started = await running(bench)
    await hours(bench, 37)
    await bench.desk.submit("INC-1", AnswerDuties((gdpr(started, 40),), "b2"))
    await hours(bench, 0)
    old, new = loud(bench)
    assert "the date is <!date^" in words(old)
    assert "action_id" not in str(old["blocks"])
    assert "90 % of the time is gone" in words(new)
    await hours(bench, 4)
    assert "*Overdue*" in words(loud(bench)[-1])
    assert len(loud(bench)) == 3


async def test_counsel_who_decides_that_there_is_no_duty_ends_it(bench: Bench):
    """The reason stands in the message; decided otherwise again, the same message has its buttons back."""
    await running(bench)
    await hours(bench, 37)
    await bench.say(DecideDuty("gdpr", Answer.NO, "test data only"), "cleo")
    (message,) = loud(bench)
    assert "decided that there is no duty: test data only" in words(message)
    await bench.say(DecideDuty("gdpr", Answer.YES, "not only"), "cleo")
    (message,) = loud(bench)
    assert "duty.begin" in words(message)


async def test_what_only_may_be_owed_is_told_as_that(bench: Bench):
    """The clock runs all the same, and the message asks for the decision."""
    started = await running(bench)
    await bench.desk.submit("INC-1", AnswerDuties((gdpr(started, answer=Answer.UNKNOWN),), "b2"))
    await hours(bench, 37)
    assert "Whether it is owed is not settled" in words(loud(bench)[-1])
    assert "if it is owed, which is not settled" in line(bench, "cleo")


async def test_without_a_legal_channel_the_direct_messages_are_all(tmp_path: Path):
    """Nothing of it is posted in any channel; both who answer hear."""
    async with Bench.open(tmp_path, legal_channel="") as bench:
        await running(bench)
        await hours(bench, 37)
        rooms = {room: kept for room, kept in bench.slack.workspace.memory.messages.items() if room.startswith("C")}
        assert "Art. 33" not in str(rooms)
        assert "Notification to the authority" in line(bench, "cleo")
        assert "Notification to the authority" in line(bench, "dev")


async def test_a_restricted_incidents_clock_tells_no_channel_and_no_content(bench: Bench):
    """Whoever answers learns that something waits on the console, not what."""
    await running(bench, title="Secret canary", restricted=True)
    await hours(bench, 37)
    assert loud(bench) == []
    assert "restricted and waits for you on the console" in line(bench, "cleo")
    assert "Art. 33" not in str(bench.slack.workspace.memory.messages)
    assert "canary" not in str(bench.slack.workspace.memory.messages)


async def test_a_clock_whose_date_moves_there_and_back_has_one_message_for_each(bench: Bench):
    """A correction that is taken back posts nothing anew: the first message counts again."""
    started = await running(bench)
    await hours(bench, 37)
    later = replace(gdpr(started, 200))
    await bench.desk.submit("INC-1", AnswerDuties((later,), "b2"))
    await bench.settle()
    assert "the date is" in words(loud(bench)[0])
    await bench.desk.submit("INC-1", AnswerDuties((gdpr(started),), "b3"))
    await bench.settle()
    (message,) = loud(bench)
    assert "50 % of the time is gone" in words(message)
    assert "duty.begin" in words(message)
