"""The mirror under faults: at least one message always, exactly one in the end, and silence where nothing changed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.domain.lifecycle import Resolve, Update
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.engine.calling import Contact, Summons
from bot.engine.values import Posted
from bot.slack.meaning import SlackRefused
from tests.calling import summons
from tests.slack.bench import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def declare(bench: Bench, title: str = "Recall is down") -> None:
    """Declared, and not yet shown."""
    await bench.desk.declare(title, Severity.SEV2, "visits", "fell", await bench.who("ana"))
    bench.dirty.clear()


async def test_ten_unchanged_showings_send_nothing(bench: Bench):
    """Only the first showing calls Slack, although clock and chart move on."""
    await bench.declared()
    await bench.say(Acknowledge(), "ana")
    before = bench.asked
    assert before >= 3
    for _ in range(10):
        bench.clock.forward(60)
        await bench.show()
    assert bench.asked == before


@pytest.mark.parametrize("kind", ["500_after_storing", "cut_after_storing"])
async def test_a_post_whose_answer_was_lost_is_adopted(bench: Bench, kind: str):
    """Stored, but the answer never came: too early nothing is sent, then it is found by its name and kept."""
    await declare(bench)
    bench.fault("chat.postMessage", kind)
    with pytest.raises(Unavailable):
        await bench.show()
    with pytest.raises(Unavailable):
        await bench.show()
    assert len(bench.posts("card")) == 1
    bench.clock.forward(16)
    await bench.show()
    (card,) = bench.posts("card")
    assert (await bench.store.mirror.of("INC-1"))["card"].ts == card["ts"]
    assert len(bench.calls("chat.postMessage")) == 1


@pytest.mark.parametrize("kind", ["500", "cut"])
async def test_a_post_that_never_arrived_is_sent_again(bench: Bench, kind: str):
    """Looked for and not found, it is sent again after a minute: at least one message."""
    await declare(bench)
    bench.fault("chat.postMessage", kind)
    with pytest.raises(Unavailable):
        await bench.show()
    bench.clock.forward(30)
    with pytest.raises(Unavailable, match="sent again soon"):
        await bench.show()
    bench.clock.forward(31)
    await bench.show()
    (card,) = bench.posts("card")
    assert card["metadata"]["event_payload"]["attempt"] == 2


class ClaimedUnheard:
    """A mirror whose first claim is written down, but whose answer is lost."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._lost = inner, False

    async def claim(self, posted: Any) -> bool:
        claimed = await self._inner.claim(posted)
        if not self._lost:
            self._lost = True
            raise Unavailable("the database", "no answer within 1.5 s")
        return claimed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_a_claim_whose_answer_was_lost_is_posted_at_the_next_showing(bench: Bench):
    """The message certainly was not sent, so nobody looks for it for a minute first."""
    await declare(bench)
    bench.room.chat.showing.mirror = ClaimedUnheard(bench.store.mirror)
    with pytest.raises(Unavailable):
        await bench.show()
    await bench.show()
    assert len(bench.posts("card")) == 1
    assert bench.room.chat.showing.unsent == set()


async def test_tending_repairs_what_could_not_be_shown(bench: Bench):
    """Nobody asks again, and the card appears all the same."""
    await declare(bench)
    bench.fault("chat.postMessage", "500")
    with pytest.raises(Unavailable):
        await bench.show()
    bench.clock.forward(61)
    await bench.room.chat.tend()
    assert len(bench.posts("card")) == 1


async def test_a_restart_between_claim_and_answer_adopts_the_message(bench: Bench):
    """Killed while posting: the next process finds the message by its name instead of posting a second one."""
    await declare(bench)
    bench.fault("chat.postMessage", "500_after_storing")
    with pytest.raises(Unavailable):
        await bench.show()
    await bench.restart()
    bench.clock.forward(20)
    await bench.show()
    assert len(bench.posts("card")) == 1
    assert (await bench.store.mirror.of("INC-1"))["card"].state == "posted"


async def test_a_late_duplicate_is_collapsed_and_no_reply_is_lost(bench: Bench):
    """Landed twice: the oldest stays, the other is deleted; one with answers below it becomes a pointer."""
    await declare(bench)
    bench.fault("chat.postMessage", "500")
    with pytest.raises(Unavailable):
        await bench.show()
    row = (await bench.store.mirror.of("INC-1"))["card"]
    bench.clock.forward(61)
    await bench.show()
    second = (await bench.store.mirror.of("INC-1"))["card"]
    payload = {"incident": "INC-1", "surface": "card", "attempt": 1, "shown": ""}
    late = {"event_type": "tocsin_surface", "event_payload": payload}
    await bench.room.client.post(row.channel, "late", [], metadata=late)
    assert len(bench.posts("card")) == 2
    await bench.room.chat.sweep()
    assert [one["ts"] for one in bench.posts("card")] == [second.ts]
    _channel, ts = await bench.room.client.post(row.channel, "later still", [], metadata=late)
    ana = await bench.person("ana")
    await ana.say("I answered here", in_thread_of=ts)
    await bench.room.chat.sweep()
    assert len(bench.posts("card")) == 1
    assert any(m.get("text") == "I answered here" for m in await ana.messages(in_thread_of=ts))
    bench.clock.forward(700)
    await bench.room.chat.sweep()
    assert await bench.room.chat.sweep() == 0


async def test_a_strangers_message_with_our_metadata_is_not_adopted(bench: Bench):
    """Only the bot's own messages count as posted."""
    await declare(bench)
    room = bench.slack.workspace.room("C0INC")
    payload = {"incident": "INC-1", "surface": "card", "attempt": 1, "shown": ""}
    bench.slack.workspace.post(
        room, "U0GUS", {"text": "fake", "metadata": {"event_type": "tocsin_surface", "event_payload": payload}}
    )
    now = bench.clock.now()
    await bench.store.mirror.claim(Posted("INC-1", "card", "C0INC", "", "", "sending", 1, now))
    bench.clock.forward(61)
    await bench.show()
    assert [m["user"] for m in bench.posts("card")].count("U0TOCSIN") == 1


async def test_429_is_waited_out_and_then_posted_once(bench: Bench):
    """Slack asks to wait two seconds: one message, after the wait."""
    await declare(bench)
    bench.fault("chat.postMessage", "429", retry_after=2)
    ahead = bench.clock.ahead
    await bench.show()
    assert len(bench.posts("card")) == 1
    assert (bench.clock.ahead - ahead).total_seconds() >= 1.9


async def test_a_long_429_is_left_for_later(bench: Bench):
    """Two minutes are not waited for in place; the row is free again, and nothing was posted."""
    await declare(bench)
    bench.fault("chat.postMessage", "429", retry_after=120)
    with pytest.raises(RateLimited):
        await bench.show()
    assert bench.posts("card") == []
    assert (await bench.store.mirror.of("INC-1"))["card"].state == "gone"


async def test_a_deleted_card_is_posted_again(bench: Bench):
    """Somebody removed it: the event brings it back, and the next change finds out as well."""
    await bench.declared()
    (card,) = bench.posts("card")
    bench.slack.workspace.delete(bench.slack.workspace.room("C0INC"), card["ts"])
    await bench.slack.delivery.settle()
    await bench.settle()
    (again,) = bench.posts("card")
    assert again["ts"] != card["ts"]
    bench.slack.workspace.settings = replace(bench.slack.workspace.settings, events=frozenset())
    bench.slack.workspace.delete(bench.slack.workspace.room("C0INC"), again["ts"])
    await bench.say(Acknowledge(), "ana")
    (third,) = bench.posts("card")
    assert "U0ANA" in str(third["blocks"])


async def test_newer_blocks_a_workspace_refuses_are_left_out(bench: Bench):
    """A chart that is refused costs one classic retry, and is not tried again."""
    sent = []
    client = bench.room.client
    post = client.post

    async def picky(channel, text, blocks, **more):
        sent.append([one["type"] for one in blocks])
        if "data_visualization" in sent[-1]:
            raise SlackRefused("chat.postMessage", "invalid_blocks")
        return await post(channel, text, blocks, **more)

    client.post = picky
    incident = await bench.desk.declare("x", 2, "visits", "y", await bench.who("ana"))
    situation = await bench.desk.situation(incident.id)
    chart = bench.desk.charts.chart("recall", None, bench.clock.now())
    drawn = replace(situation, incident=replace(situation.incident, slo="recall"), charts=(chart,))
    await bench.room.chat.show(drawn)
    assert "data_visualization" in sent[0]
    assert "data_visualization" not in sent[1]
    assert not bench.room.chat.poster.pictures.takes("chart")


async def test_many_who_ask_at_once_are_answered_with_the_newest(bench: Bench):
    """Twenty showings of two states: one post, at most one change."""
    await declare(bench)
    old = await bench.desk.situation("INC-1")
    await bench.desk.submit("INC-1", Acknowledge(), await bench.who("ana"))
    new = await bench.desk.situation("INC-1")
    await asyncio.gather(*(bench.room.chat.show(one) for one in [old, new] * 10))
    (card,) = bench.posts("card")
    assert "U0ANA" in str(card["blocks"])
    assert len(bench.calls("chat.postMessage")) == 1
    assert len(bench.calls("chat.update")) <= 1


async def test_what_is_about_to_wait_for_its_turn_learns_of_what_is_newer(bench: Bench):
    """A showing has begun and has no place in the queue yet: news that comes then are what it posts, at once."""
    await declare(bench)
    old = await bench.desk.situation("INC-1")
    await bench.desk.submit("INC-1", Acknowledge(), await bench.who("ana"))
    new = await bench.desk.situation("INC-1")
    showing = asyncio.create_task(bench.room.chat.show(old))
    await asyncio.sleep(0)
    assert bench.room.chat.waits("INC-1")
    bench.room.chat.renew(new)
    await showing
    (card,) = bench.posts("card")
    assert "U0ANA" in str(card["blocks"])
    assert len(bench.calls("chat.postMessage")) == 1
    assert bench.calls("chat.update") == []


async def test_two_replicas_post_one_card(bench: Bench):
    """The claim goes to one of them; the other leaves it alone."""
    from bot.slack.mirror import SlackChat

    await declare(bench)
    other = SlackChat(bench.room.client, bench.store.mirror, bench.room.settings, bench.clock)
    situation = await bench.desk.situation("INC-1")
    await asyncio.gather(bench.room.chat.show(situation), other.show(situation), return_exceptions=True)
    assert len(bench.posts("card")) == 1


async def test_updates_and_the_summary_are_new_messages_in_the_thread(bench: Bench):
    """An update is broadcast, the summary hangs below the card; both once."""
    await bench.declared()
    await bench.say(Update("we <!channel> know & act"), "ana")
    await bench.say(Resolve("rolled back"), "ana")
    (card,) = bench.posts("card")
    updates = [m for m in bench.slack.workspace.memory.messages["C0INC"].values() if "Update on" in m["text"]]
    assert [m["thread_ts"] for m in updates] == [card["ts"]]
    assert updates[0]["subtype"] == "thread_broadcast"
    assert "<!channel>" not in str(updates[0])
    assert "'verbatim': True" in str(updates[0]["blocks"])
    (summary,) = bench.posts("summary")
    assert summary["thread_ts"] == card["ts"]


async def test_a_page_is_one_direct_message_per_key(bench: Bench):
    """Paged twice under one key: one message; a lost answer is looked for at once; it stops asking when acknowledged."""
    await declare(bench)
    situation = await bench.desk.situation("INC-1")
    ana = await bench.who("ana")
    bench.fault("chat.postMessage", "500_after_storing")
    with pytest.raises(Unavailable):
        await bench.room.page(summons(ana, situation, "page:INC-1:0"))
    assert await bench.room.page(summons(ana, situation, "page:INC-1:0")) == "direct message to Ana Souza"
    assert await bench.room.page(summons(ana, situation, "page:INC-1:0")) == "direct message to Ana Souza"
    (page,) = bench.posts("page:page:INC-1:0", "D0ANA")
    assert "You are paged" in str(page["blocks"])
    person = await bench.person("ana")
    await person.click("ack", room="D0ANA")
    await bench.settle()
    (page,) = bench.posts("page:page:INC-1:0", "D0ANA")
    assert "'ack'" not in str(page["blocks"])


async def test_a_page_about_tocsin_itself_says_so_in_slack(bench: Bench):
    """It is no test and asks nobody to acknowledge; a test page says nothing of that."""
    ana = await bench.who("ana")
    told = Summons("house:disk/1/ana", ana, Contact("ana"), "The disk is full", "Since noon <!channel>.", house=True)
    await bench.room.page(told)
    await bench.room.page(Summons("page:test:ana", ana, Contact("ana"), "A test page"))
    (house,) = bench.posts("pages:house:disk/1/ana", "D0ANA")
    (test,) = bench.posts("pages:page:test:ana", "D0ANA")
    assert "About Tocsin itself: there is nothing to acknowledge" in str(house["blocks"])
    assert "<!channel>" not in str(house)
    assert "actions" not in [each["type"] for each in (*house["blocks"], *test["blocks"])]
    assert "Tocsin itself" not in str(test["blocks"])


async def test_a_page_that_never_arrived_is_sent_at_once_again(bench: Bench):
    """In doubt a person is paged again; nobody waits a minute for it."""
    await declare(bench)
    situation = await bench.desk.situation("INC-1")
    bench.fault("chat.postMessage", "500")
    with pytest.raises(Unavailable):
        await bench.room.page(summons(await bench.who("ana"), situation, "k"))
    await bench.room.page(summons(await bench.who("ana"), situation, "k"))
    assert len(bench.posts("page:k", "D0ANA")) == 1
    with pytest.raises(Refused, match="no Slack account"):
        await bench.room.page(summons(replace(await bench.who("ana"), slack_user=""), situation, "k2"))


async def test_the_socket_is_rebuilt_when_it_is_deaf(tmp_path: Path):
    """Ten silent minutes: a new connection before the old one is left, and clicks arrive again."""
    async with Bench.open(tmp_path, deaf_after=600, watch_every=3600) as bench:
        socket = bench.room.socket
        assert socket is not None
        assert await socket.connected()
        await socket.look()
        assert socket.rebuilt == 0
        bench.clock.forward(601)
        await socket.look()
        assert socket.rebuilt == 1
        await bench.declared()
        ana = await bench.person("ana")
        assert (await ana.click("ack", within=5))["acked"]
