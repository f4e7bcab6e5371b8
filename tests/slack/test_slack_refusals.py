"""What Slack refuses for good: it rests, the others are shown, and nothing of a closed incident is held for ever."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import NotFound, Unavailable
from bot.domain.lifecycle import Close, Resolve, Update
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.slack.meaning import SlackRefused
from bot.slack.refusals import Refusals
from tests.slack.bench import Bench, MovedClock


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def declare(bench: Bench) -> None:
    """Declared, and not yet shown."""
    await bench.desk.declare("Recall is down", Severity.SEV2, "visits", "fell", await bench.who("ana"))
    bench.dirty.clear()


async def test_a_channel_nobody_has_is_looked_for_every_five_minutes(bench: Bench):
    """The workspace is not walked for every message; a channel made meanwhile is found in the end."""
    clock = bench.clock
    client = bench.room.client
    walks = 0
    call = client.call

    async def counted(method: str, **arguments: Any) -> Any:
        nonlocal walks
        walks += method == "conversations.list"
        return await call(method, **arguments)

    client.call = counted
    for _ in range(5):
        with pytest.raises(NotFound, match="war-room"):
            await client.channel_id("#war-room")
    assert walks == 1
    await client.call("conversations.create", name="war-room")
    clock.forward(301)
    assert (await client.channel_id("#war-room")).startswith("C")
    assert walks == 2


async def test_a_refused_message_rests_longer_each_time():
    """Thirty seconds, doubled up to fifteen minutes; shown once, it begins anew."""
    clock = MovedClock()
    refusals = Refusals(clock)
    assert refusals.note("INC-1", "card")
    rests = []
    for _ in range(7):
        rests.append(round((refusals.until("INC-1", "card") - clock.now()).total_seconds()))
        assert refusals.rests("INC-1", "card")
        clock.forward(rests[-1] + 1)
        assert not refusals.rests("INC-1", "card")
        assert not refusals.note("INC-1", "card")
    assert rests == [30, 60, 120, 240, 480, 900, 900]
    assert not refusals.rests("INC-1", "summary")
    refusals.over("INC-1", "card")
    assert refusals.until("INC-1", "card") is None
    assert refusals.note("INC-1", "card")
    refusals.forget("INC-1")
    assert refusals.until("INC-1", "card") is None


async def sent_twice(bench: Bench) -> None:
    """A card whose first post may still land."""
    await declare(bench)
    bench.fault("chat.postMessage", "500")
    with pytest.raises(Unavailable):
        await bench.show()
    bench.clock.forward(61)
    await bench.show()
    assert await bench.room.chat.sweep() == 1


async def test_a_channel_that_may_not_be_read_is_not_searched_again_and_again(bench: Bench):
    """Refused once, it is not asked every few seconds for ever."""
    await sent_twice(bench)
    bench.slack.workspace.rooms["C0INC"].bot = False
    assert await bench.room.chat.sweep() == 0
    before = len(bench.calls("conversations.history"))
    await bench.room.chat.sweep()
    assert len(bench.calls("conversations.history")) == before


async def test_a_search_without_an_answer_ends_in_time_too(bench: Bench):
    """Slack does not answer: looked for until ten minutes are over, and then no more."""
    await sent_twice(bench)
    bench.fault("conversations.history", "500", times=2)
    assert await bench.room.chat.sweep() == 1
    bench.clock.forward(601)
    assert await bench.room.chat.sweep() == 0


async def noticed(bench: Bench) -> None:
    """An incident with a notice for the legal channel, not yet shown."""
    await declare(bench)
    await bench.desk.request_notice("INC-1", "stakeholders/update", await bench.who("dev"))
    bench.dirty.clear()


async def test_a_refused_message_rests_and_the_others_are_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The bot is not in the legal channel: a few tries instead of one every five seconds, one warning, and repair."""
    async with Bench.open(tmp_path, legal_channel="C0GENERAL") as bench:
        bench.slack.workspace.rooms["C0GENERAL"].bot = False
        await noticed(bench)
        with pytest.raises(SlackRefused, match="not_in_channel"):
            await bench.show()
        assert len(bench.posts("card")) == 1
        for _ in range(60):
            bench.clock.forward(5)
            await bench.room.chat.tend()
        tries = [one for one in bench.calls("chat.postMessage") if "C0GENERAL" in str(one["sent"])]
        assert 3 <= len(tries) <= 5
        assert (await bench.store.mirror.of("INC-1"))["notice:N1"].attempt == len(tries)
        told = [one for one in caplog.records if one.name == "bot.slack.mirror" and one.levelname == "WARNING"]
        assert len(told) == 1
        await bench.say(Acknowledge(), "ana")
        assert "U0ANA" in str(bench.posts("card")[0]["blocks"])
        bench.slack.workspace.rooms["C0GENERAL"].bot = True
        bench.clock.forward(901)
        await bench.room.chat.tend()
        assert len(bench.posts("notice:N1", "C0GENERAL")) == 1
        before = bench.asked
        bench.clock.forward(901)
        await bench.room.chat.tend()
        assert bench.asked == before


async def test_a_mistyped_channel_does_not_walk_the_workspace_every_time(tmp_path: Path):
    """Two incidents, many rounds: the list of channels is asked for rarely, the cards are there."""
    async with Bench.open(tmp_path, legal_channel="#legal-typo") as bench:
        await noticed(bench)
        with pytest.raises(NotFound, match="legal-typo"):
            await bench.show()
        before = len(bench.calls("conversations.list"))
        for _ in range(50):
            bench.clock.forward(5)
            await bench.room.chat.tend()
        assert len(bench.calls("conversations.list")) == before
        assert len(bench.posts("card")) == 1


async def test_a_person_who_left_does_not_keep_the_news_from_others(bench: Bench):
    """Restricted, and the first one on call is deactivated in Slack: the second one learns it all the same."""
    people = bench.slack.workspace.people
    people["U0ANA"] = replace(people["U0ANA"], deleted=True)
    await bench.desk.declare("Secret", Severity.SEV2, "visits", "fell", await bench.who("ana"), restricted=True)
    bench.dirty.clear()
    with pytest.raises(SlackRefused, match="user_disabled"):
        await bench.show()
    assert len(bench.posts(f"card:{(await bench.who('ben')).id}", "D0BEN")) == 1
    asked = len(bench.calls("conversations.open"))
    for _ in range(5):
        bench.clock.forward(5)
        await bench.room.chat.tend()
        await bench.show()
    assert len(bench.calls("conversations.open")) == asked


async def test_a_refused_change_of_the_card_does_not_stop_the_thread(bench: Bench):
    """The card stands and cannot be changed: what hangs below it is still posted below it."""
    await bench.declared()
    (card,) = bench.posts("card")
    client = bench.room.client
    update = client.update

    async def refusing(*_given: Any, **_more: Any) -> None:
        raise SlackRefused("chat.update", "restricted_action")

    client.update = refusing
    await bench.desk.submit("INC-1", Acknowledge(), await bench.who("ana"))
    await bench.desk.submit("INC-1", Update("we know"), await bench.who("ana"))
    for _ in range(2):
        with contextlib.suppress(SlackRefused):
            await bench.show()
    updates = [m for m in bench.slack.workspace.memory.messages["C0INC"].values() if "Update on" in m["text"]]
    assert [m["thread_ts"] for m in updates] == [card["ts"]]
    client.update = update
    assert "U0ANA" not in str(bench.posts("card")[0]["blocks"])
    bench.clock.forward(31)
    await bench.room.chat.tend()
    assert "U0ANA" in str(bench.posts("card")[0]["blocks"])


async def test_a_closed_incident_is_forgotten_once_it_is_shown(bench: Bench):
    """A while after its closing nothing of it is held; an open one stays."""
    await bench.declared()
    await bench.say(Resolve("rolled back"), "ana")
    await bench.say(Close(), "ana")
    await bench.declared("Another")
    await bench.room.chat.tend()
    assert set(bench.room.chat._work) == {"INC-1", "INC-2"}
    bench.clock.forward(601)
    await bench.room.chat.tend()
    assert set(bench.room.chat._work) == {"INC-2"}
    await bench.show("INC-1")
    assert len(bench.posts("summary")) == 1


async def test_what_a_closed_incident_cannot_show_is_given_up_after_a_day(tmp_path: Path):
    """Closed, with a notice Slack refuses: tried for a day, and then nothing of it is held."""
    async with Bench.open(tmp_path, legal_channel="C0GENERAL") as bench:
        bench.slack.workspace.rooms["C0GENERAL"].bot = False
        await noticed(bench)
        ana = await bench.who("ana")
        await bench.desk.submit("INC-1", Resolve("rolled back"), ana)
        await bench.desk.submit("INC-1", Close(), ana)
        with pytest.raises(SlackRefused):
            await bench.show()
        bench.clock.forward(3_600)
        await bench.room.chat.tend()
        assert set(bench.room.chat._work) == {"INC-1"}
        bench.clock.forward(86_400)
        await bench.room.chat.tend()
        assert not bench.room.chat._work
        assert bench.room.chat.showing.refusals.until("INC-1", "notice:N1") is None
