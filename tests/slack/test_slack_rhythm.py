"""Who is asked to approve, when everybody hears again, and what is left to learn: each on its clock, in Slack."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.followup import AddFollowUp
from bot.domain.lifecycle import ChangeSeverity, Close, Resolve, Update
from bot.domain.policy import Severity
from bot.domain.roles import Assign, Part
from tests.slack.bench import Bench
from tests.slack.reminding import look, rests, taken, told, words

UPDATE = "Post update"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


# -- approvals -------------------------------------------------------------------------------------------------------


async def proposed(bench: Bench) -> None:
    await taken(bench)
    await bench.desk.changes.propose("INC-1", "rollback-v1", "v2 is wrong", await bench.who("ana"))
    await bench.settle()
    await look(bench)


async def test_approvers_on_call_are_asked_at_once_and_both_messages_end_together(bench: Bench):
    """A direct message to Ben who is on call, to Dev five minutes later; the request says who was asked."""
    await proposed(bench)
    (asked,) = told(bench, "ben")
    assert "M1 (rollback on visits-router) waits for your approval until" in words(asked)
    assert told(bench, "dev") == []
    (request,) = bench.posts("request:M1")
    assert "Asked: <@U0BEN>" in words(request)
    await look(bench, 5)
    (request,) = bench.posts("request:M1")
    assert "Asked: <@U0BEN>, <@U0DEV>" in words(request)
    dev = await bench.person("dev")
    await dev.click("approve.open", room="D0DEV")
    await dev.wait_for_view("approve")
    await dev.submit({})
    await bench.settle()
    assert (await bench.incident()).mitigations["M1"].approvals
    for message in (*told(bench, "ben"), *told(bench, "dev"), *bench.posts("request:M1")):
        assert "approve.open" not in str(message["blocks"])
    assert "settled: SEV2 INC-1" in words(told(bench, "ben")[0])


async def test_an_approver_who_rests_is_passed_over_at_once(bench: Bench):
    """Ben rests: Dev is asked in the same minute, and Ben not once it is decided."""
    rests(bench, "ben", now=True)
    await proposed(bench)
    await look(bench)
    assert told(bench, "ben") == []
    assert len(told(bench, "dev")) == 1
    digest = (await bench.incident()).mitigations["M1"].digest
    await bench.say(ApproveMitigation("M1", digest), "dev")
    rests(bench, "ben", now=False)
    await look(bench, 9 * 60)
    assert told(bench, "ben") == []


async def test_a_proposal_does_not_wait_for_ten_minutes_of_peace(bench: Bench):
    """Reminded of an update a minute ago, Ben is asked for the approval all the same, in a message with both."""
    await taken(bench, by="ben")
    await look(bench, 61)
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ana"))
    await bench.settle()
    await look(bench, 1)
    _old, new = told(bench, "ben")
    assert "Review & approve" in words(new)
    assert UPDATE in words(new)
    await bench.say(DeclineMitigation("M1", "not yet"), "ben")
    assert "settled" in words(told(bench, "ben")[1])


# -- the rhythm ------------------------------------------------------------------------------------------------------


async def test_an_update_says_when_everybody_hears_again(bench: Bench):
    """The rhythm of the severity is chosen; a quarter of an hour is kept, shown and promised on the card."""
    await taken(bench)
    ana = await bench.person("ana")
    await ana.click("update.open")
    view = await ana.wait_for_view("update")
    asked = {one["block_id"]: one["element"] for one in view["blocks"] if one["type"] == "input"}
    assert asked["next"]["initial_option"]["text"]["text"] == "In 1 h"
    assert asked["broadcast"]["initial_options"]
    await ana.submit({"text": "we roll back", "next": "15m"})
    await bench.settle()
    incident = await bench.incident()
    due = incident.update_due
    assert due is not None
    assert timedelta(minutes=14) < due - bench.clock.now() <= timedelta(minutes=15)
    (update,) = bench.posts(f"update:{incident.seq}")
    assert f"next update <!date^{int(due.timestamp())}^" in words(update)
    (card,) = bench.posts("card")
    assert f"*Next update*\\n<!date^{int(due.timestamp())}^" in words(card)


async def test_tomorrow_is_the_persons_own_and_never_promises_nothing(bench: Bench):
    """Nine o'clock where Ana is, as Slack says; in UTC where Slack does not; no further update: no reminder."""
    await taken(bench)
    ana = await bench.person("ana")

    async def sent(choice: str) -> datetime | None:
        await ana.click("update.open")
        await ana.wait_for_view("update")
        await ana.submit({"text": f"it goes on, {choice}", "next": choice})
        await bench.settle()
        return (await bench.incident()).update_due

    for zone, fault in (("Europe/Berlin", ""), ("UTC", "500")):
        if fault:
            bench.fault("users.info", fault)
        due = await sent("tomorrow")
        assert due is not None
        there = due.astimezone(ZoneInfo(zone))
        now = bench.clock.now().astimezone(ZoneInfo(zone))
        assert there.date() == now.date() + timedelta(days=1)
        # the clock of the bench goes on between the question and the record
        assert abs(timedelta(hours=there.hour, minutes=there.minute, seconds=there.second) - timedelta(hours=9)) < timedelta(seconds=30)  # fmt: skip
    assert await sent("never") is None
    await look(bench, 61)
    assert told(bench, "ana") == []


async def test_the_channel_hears_of_the_worst_and_the_thread_of_the_rest(bench: Bench):
    """SEV2 is shown in the channel; unticked, or SEV3 by itself, it stands in the thread alone."""
    await taken(bench)
    ana = await bench.person("ana")
    await bench.say(Update("loud"), "ana")
    await ana.click("update.open")
    await ana.wait_for_view("update")
    await ana.submit({"text": "quiet", "broadcast": []})
    await bench.settle()
    await bench.say(ChangeSeverity(Severity.SEV3, "few people"), "ana")
    await bench.say(Update("small"), "ana")
    sent = {one["sent"]["text"].rpartition(": ")[2]: bool(one["sent"].get("reply_broadcast"))
            for one in bench.calls("chat.postMessage") if "Update on" in str(one["sent"]["text"])}  # fmt: skip
    assert sent == {"loud": True, "quiet": False, "small": False}


async def test_typed_updates_keep_the_rhythm_too(bench: Bench):
    """`update next 30m: …` sets the clock; words that only begin so are words; nonsense is refused with what to say."""
    await taken(bench)
    ana = await bench.person("ana")
    (card,) = bench.posts("card")

    async def said(text: str) -> str:
        await ana.say(f"<@U0TOCSIN> {text}", in_thread_of=card["ts"])
        await bench.slack.delivery.settle()
        await bench.settle()
        events = [one.event for one in await bench.desk.log.entries("INC-1")]
        return next(one.text for one in reversed(events) if hasattr(one, "next_due") and hasattr(one, "text"))

    assert await said("update next 30m: we roll back") == "we roll back"
    due = (await bench.incident()).update_due
    assert due is not None
    assert timedelta(minutes=29) < due - bench.clock.now() <= timedelta(minutes=30)
    assert await said("update next we restart: patience") == "next we restart: patience"
    assert await said("update next 99q: hm") == "next we restart: patience"
    assert "is no length of time: say 30m, 2h, 1d or never" in bench.whispers("ana")[-1]
    assert await said("update next never: it is stable") == "it is stable"
    assert (await bench.incident()).update_due is None


async def test_the_card_turns_once_when_an_update_is_overdue(bench: Bench):
    """Ten looks before and ten after change nothing; the moment itself changes the card once; an update turns it back."""
    await taken(bench)
    bench.clock.forward(50 * 60)
    await bench.show()
    before = len(bench.calls("chat.update"))
    for _ in range(9):
        bench.clock.forward(60)
        await bench.show()
    assert len(bench.calls("chat.update")) == before
    for _ in range(10):
        bench.clock.forward(60)
        await bench.show()
    assert len(bench.calls("chat.update")) == before + 1
    (card,) = bench.posts("card")
    assert re.search(r"⚠ overdue since <!date\^\d+", words(card))
    assert "🟠 SEV2" in words(card)
    await bench.say(Update("we roll back"), "ana")
    (card,) = bench.posts("card")
    assert "🟠" not in words(card)


# -- learning --------------------------------------------------------------------------------------------------------


async def test_an_hour_after_the_end_the_lead_is_asked_to_learn(bench: Bench):
    """With the number of findings and the way to the 5 Whys; to whoever leads."""
    await taken(bench)
    await bench.say(Assign(Part.COMMANDER, (await bench.who("dev")).id), "ana")
    await bench.say(Resolve("rolled back", "seen"), "ana")
    await look(bench, 59)
    assert told(bench, "dev") == []
    await look(bench, 2)
    (message,) = told(bench, "dev")
    assert "5 Whys: 0 findings ready to build on" in words(message)
    assert "whys.open" in words(message)


async def test_a_kept_promise_of_a_closed_incident_ends_its_reminder(bench: Bench):
    """Done from the direct message; the second click on a screen that was not refreshed is answered."""
    await taken(bench)
    ben = await bench.who("ben")
    await bench.say(AddFollowUp("test the reader", ben.id, bench.clock.now().date()), "ana")
    await bench.say(Resolve("rolled back", "seen"), "ana")
    await bench.say(Close(), "ana")
    await look(bench, 2 * 24 * 60)
    (message,) = told(bench, "ben")
    assert "Your follow-up is overdue since" in words(message)
    person = await bench.person("ben")
    await person.click("followup.done", room="D0BEN")
    await bench.settle()
    (message,) = told(bench, "ben")
    assert "Nothing waits" in message["text"]
    assert (await bench.incident()).followups["U1"].done is not None
