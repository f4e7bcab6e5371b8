"""Reminders and quiet in Slack: one live message per person, true until all of it is settled."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Unavailable
from bot.domain.lifecycle import Resolve, Update
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.engine.errands import Errands
from bot.localslack.traffic import KINDS
from bot.slack.client import Client
from bot.slack.meaning import SlackRefused
from tests.slack.bench import BOOK, Bench
from tests.slack.reminding import look, owed, rests, taken, told, words

UPDATE = "Post update"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


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
