"""Reminders, the update rhythm and quiet in Slack: one live message per person, true until all of it is settled."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.errors import Unavailable
from bot.domain.followup import AddFollowUp
from bot.domain.lifecycle import ChangeSeverity, Close, Resolve, Update
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.domain.roles import Assign, Part
from bot.domain.todo import RemindOwed, todo
from bot.engine.errands import Errands, everybody
from bot.localslack.traffic import KINDS
from bot.slack.client import Client
from bot.slack.meaning import SlackRefused
from tests.slack.bench import BOOK, Bench

UPDATE = "Post update"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def owed(bench: Bench) -> list[tuple[str, RemindOwed]]:
    """Every reminder that is due now."""
    desk, now = bench.desk, bench.clock.now()
    people, found = await everybody(desk), []
    for name in dict.fromkeys((*await desk.log.open_ids(), *await desk.log.promised())):
        incident = await desk.log.load(name)
        on_call = await desk.on_call(incident.service)
        found += [(name, one) for one in todo(incident, desk.handler.policy, None, on_call, people)
                  if isinstance(one, RemindOwed) and one.due <= now]  # fmt: skip
    return found


async def look(bench: Bench, minutes: float = 0) -> None:
    """Time passes, and the engine does what it does at a look: of all that is owed, the reminders."""
    bench.clock.forward(minutes * 60)
    errands = Errands(bench.desk, bench.room.chat)
    for name, one in await owed(bench):
        await errands.run(await bench.incident(name), one)
    await bench.settle()


def told(bench: Bench, key: str) -> list[dict[str, Any]]:
    """The reminders in a person's direct conversation, oldest first."""
    kept = bench.slack.workspace.memory.messages.get(f"D0{key.upper()}", {}).values()
    return sorted((m for m in kept if "remind:" in str(m.get("metadata"))), key=lambda m: float(m["ts"]))


def words(message: dict[str, Any]) -> str:
    return message["text"] + str(message["blocks"])


async def taken(bench: Bench, title: str = "Recall is down", by: str = "ana", **more: Any) -> str:
    name = (await bench.declared(title, **more)).id
    await bench.say(Acknowledge(), by, name)
    return name


# -- one message -----------------------------------------------------------------------------------------------------


async def test_a_reminder_names_all_that_waits_and_follows_each_to_its_end(bench: Bench):
    """Two incidents in one message; one is settled: its line has no button, the other's stays; then nothing is left."""
    await taken(bench)
    await taken(bench, "Latency is up")
    await look(bench, 61)
    (message,) = told(bench, "ana")
    assert message["text"] == "2 things wait for you: INC-1, INC-2"
    assert words(message).count(UPDATE) == 2
    await bench.say(Update("we roll back"), "ana", "INC-2")
    (message,) = told(bench, "ana")
    assert "settled: SEV2 INC-2" in words(message)
    assert words(message).count(UPDATE) == 1
    await bench.say(Update("we roll back"), "ben", "INC-1")
    (message,) = told(bench, "ana")
    assert message["text"] == "Nothing waits for you any more: INC-1, INC-2"
    assert "action_id" not in str(message["blocks"])
    changes = len(bench.calls("chat.update"))
    await bench.show("INC-1")
    await bench.show("INC-2")
    assert len(bench.calls("chat.update")) == changes


async def test_only_the_newest_reminder_has_buttons(bench: Bench):
    """What still waits when the next one comes stands there; the former one points down and is changed no more."""
    await taken(bench, severity=Severity.SEV1)
    await look(bench, 31)
    await bench.desk.start_runbook("INC-1", BOOK.name, await bench.who("ana"))
    await bench.settle()
    await look(bench, 16)
    old, new = told(bench, "ana")
    assert "action_id" not in str(old["blocks"])
    assert "newer reminder" in words(old)
    assert new["text"] == "2 things wait for you: INC-1"
    assert "Continue runbook" in words(new)
    assert UPDATE in words(new)
    ended = words(old)
    await bench.say(Resolve("over", "seen"), "ana")
    assert words(told(bench, "ana")[0]) == ended
    assert "Nothing waits" in words(told(bench, "ana")[1])


async def test_what_still_waits_elsewhere_moves_on_with_the_next_reminder(bench: Bench):
    """INC-2's update is still due when INC-1's step is remembered: both stand in the newest message, and both end there."""
    await taken(bench)
    await taken(bench, "Latency is up")
    await bench.say(Update("all is known", timedelta(hours=9)), "ana", "INC-1")
    await look(bench, 61)
    await bench.desk.start_runbook("INC-1", BOOK.name, await bench.who("ana"))
    await look(bench, 16)
    old, new = told(bench, "ana")
    assert "action_id" not in str(old["blocks"])
    assert new["text"] == "2 things wait for you: INC-1, INC-2"
    await bench.say(Update("it is over"), "ben", "INC-2")
    assert "settled: SEV2 INC-2" in words(told(bench, "ana")[1])
    await bench.restart()
    await bench.say(Resolve("over", "seen"), "ben", "INC-1")
    assert "Nothing waits" in words(told(bench, "ana")[1])
    await look(bench, 30)
    assert len(told(bench, "ana")) == 2


async def test_a_restricted_incident_is_reminded_of_without_its_content(bench: Bench):
    """Neither title nor what waits: where to look. Putting it off works all the same."""
    await taken(bench, "Secret canary", restricted=True)
    await look(bench, 61)
    (message,) = told(bench, "ana")
    assert "canary" not in words(message)
    assert "restricted and waits for you on the console" in words(message)
    await (await bench.person("ana")).click("snooze", room="D0ANA")
    await bench.settle()
    assert "Snoozed" in words(told(bench, "ana")[0])


async def test_whoever_has_no_account_is_named_once_and_others_are_reminded(bench: Bench):
    """The timeline says that there is no way to them; nobody tries again and again."""
    await bench.declared()
    ana = await bench.who("ana")
    await bench.desk.people.enrol([replace(one, slack_user="") if one.key == "ana" else one
                                   for one in await bench.desk.people.everyone()])  # fmt: skip
    await bench.say(Acknowledge(), "ana")
    for _ in range(3):
        await look(bench, 61)
    said = [one.event.says("") for one in await bench.desk.log.entries("INC-1")]
    assert sum("cannot be reminded" in str(one) for one in said) == 1
    assert not (await bench.incident()).reminded[ana.id].reached
    assert told(bench, "ana") == []


# -- quiet -----------------------------------------------------------------------------------------------------------


async def test_a_snoozed_reminder_says_so_and_comes_again(bench: Bench):
    """The button goes, the message says until when; a second click is told; then a new message takes its place."""
    await taken(bench)
    await taken(bench, "Latency is up")
    await look(bench, 61)
    ana = await bench.person("ana")
    (message,) = told(bench, "ana")
    await ana.click("snooze", room="D0ANA")
    await bench.settle()
    (snoozed,) = told(bench, "ana")
    assert "Snoozed: you hear of it again" in words(snoozed)
    assert "snooze" not in str(snoozed["blocks"])
    assert words(snoozed).count(UPDATE) == 2
    await pressed_again(bench, message)
    assert bench.whispers("ana")[-1].startswith("Snoozed already: you hear of it again <!date^")
    await look(bench, 14)
    assert len(told(bench, "ana")) == 1
    await look(bench, 2)
    old, new = told(bench, "ana")
    assert "newer reminder" in words(old)
    assert new["text"] == "2 things wait for you: INC-1, INC-2"
    await pressed_again(bench, message)
    assert bench.whispers("ana")[-1] == "A newer reminder took the place of this one; look below."


async def pressed_again(bench: Bench, message: dict[str, Any]) -> None:
    """The snooze button of a message as it was before it changed (a screen that was not refreshed yet)."""
    (button,) = (one for block in message["blocks"] for one in block.get("elements", ())
                 if isinstance(one, dict) and one.get("action_id") == "snooze")  # fmt: skip
    body = {
        "type": "block_actions", "trigger_id": f"late-{bench.slack.traffic.count}", "team": {"id": "T0TOCSIN"},
        "user": {"id": "U0ANA", "team_id": "T0TOCSIN"}, "channel": {"id": "D0ANA"},
        "container": {"type": "message", "message_ts": message["ts"], "channel_id": "D0ANA"},
        "message": message, "actions": [button | {"type": "button", "action_ts": "1.0"}],
    }  # fmt: skip
    await bench.room.ingress.take(body)
    await bench.settle()


async def test_snoozing_what_was_settled_meanwhile_is_answered(bench: Bench):
    """Nothing is put off, and the person reads why."""
    await taken(bench)
    await look(bench, 61)
    (message,) = told(bench, "ana")
    await bench.say(Update("we roll back"), "ben")
    await pressed_again(bench, message)
    assert bench.whispers("ana") == ["All of it is settled; there is nothing to remind you of."]
    assert (await bench.incident()).reminded[(await bench.who("ana")).id].until is None


def rests(bench: Bench, key: str, *, now: bool) -> None:
    people = bench.slack.workspace.people
    people[f"U0{key.upper()}"] = replace(people[f"U0{key.upper()}"], dnd=now)


async def test_nobody_is_reminded_while_they_rest(bench: Bench):
    """Slack says until when: it comes once, when that has passed."""
    await taken(bench)
    rests(bench, "ana", now=True)
    await look(bench, 61)
    await look(bench, 7 * 60)
    assert told(bench, "ana") == []
    rests(bench, "ana", now=False)
    await look(bench, 61)
    await look(bench, 61)
    assert len(told(bench, "ana")) == 1


class Without(Client):
    """The client of an app that was installed without a scope."""

    def __init__(self, client: Client, method: str, code: str) -> None:
        self.__dict__.update(client.__dict__)
        self._method, self._code = method, code

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        if method == self._method:
            raise SlackRefused(method, self._code)
        return await super().call(method, **arguments)


@pytest.mark.parametrize("fault", ["missing_scope", "unknown_method", "500", "429", "cut"])
async def test_where_slack_does_not_say_who_rests_nobody_does(bench: Bench, fault: str):
    """Without the optional scope, and while Slack does not answer, everything else goes on."""
    await taken(bench)
    rests(bench, "ana", now=True)
    if fault in KINDS:
        bench.fault("dnd.info", fault)
    else:
        bench.room.chat.client = Without(bench.room.client, "dnd.info", fault)
    await look(bench, 61)
    assert len(told(bench, "ana")) == 1


# -- trouble ---------------------------------------------------------------------------------------------------------


async def test_a_reminder_whose_answer_was_lost_is_one_message_after_a_restart(bench: Bench):
    """Stored, but nobody heard it; the house is killed, and the next one finds the message by its name."""
    await taken(bench)
    bench.clock.forward(61 * 60)
    bench.fault("chat.postMessage", "500_after_storing")
    await look(bench)
    assert len(told(bench, "ana")) == 1
    await bench.restart()
    await look(bench, 5)
    assert len(told(bench, "ana")) == 1
    assert (await bench.incident()).reminded[(await bench.who("ana")).id].marks
    await look(bench, 30)
    assert len(told(bench, "ana")) == 1


class Cut:
    """A chat after whose message the log falls silent: the moment in which a process is killed."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._chat = bench, bench.room.chat

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chat, name)

    async def remind(self, *given: Any) -> str:
        where = await self._chat.remind(*given)
        self._bench.log.silent = True
        return where


async def test_killed_between_the_message_and_its_report_there_is_one_message(bench: Bench):
    """Taken up under the same key: no second message, and both incidents know of the first."""
    await taken(bench)
    await taken(bench, "Latency is up")
    bench.clock.forward(61 * 60)
    (name, one), _other = await owed(bench)
    with pytest.raises(Unavailable):
        await Errands(bench.desk, Cut(bench)).run(await bench.incident(name), one)
    await bench.restart()
    await look(bench, 1)
    await look(bench, 12)
    (message,) = told(bench, "ana")
    assert message["text"] == "2 things wait for you: INC-1, INC-2"
    await bench.say(Update("x"), "ana", "INC-2")
    assert "settled: SEV2 INC-2" in words(told(bench, "ana")[0])


async def test_slack_down_while_a_reminder_is_brought_up_to_date(bench: Bench):
    """The line that is settled loses its button when Slack is back; nothing is posted for it."""
    await taken(bench)
    await look(bench, 61)
    bench.fault("chat.update", "500", times=2)
    await bench.desk.submit("INC-1", Update("we roll back"), await bench.who("ana"))
    for _ in range(3):
        try:
            await bench.settle()
            await bench.show()
        except Unavailable:
            bench.clock.forward(5)
    (message,) = told(bench, "ana")
    assert "Nothing waits" in message["text"]


async def test_two_replicas_send_one_message(bench: Bench):
    """Two incidents fall due at once and each replica takes one: the second leaves it to the first."""
    await taken(bench)
    await taken(bench, "Latency is up")
    bench.clock.forward(61 * 60)
    (first, one), (second, other) = await owed(bench)
    replicas = Errands(bench.desk, bench.room.chat), Errands(bench.desk, bench.room.chat)
    await asyncio.gather(
        replicas[0].run(await bench.incident(first), one), replicas[1].run(await bench.incident(second), other)
    )
    await bench.settle()
    for _ in range(3):
        await look(bench, 11)
    (message,) = told(bench, "ana")
    assert message["text"] == "2 things wait for you: INC-1, INC-2"


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
