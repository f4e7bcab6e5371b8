"""What people say in an incident's thread: written down as it arrives, its edits and deletions followed."""

from typing import Any

import pytest

from bot.domain.errors import Unavailable
from bot.domain.paging import Acknowledge
from bot.domain.room import OpenRoom
from bot.engine.errands import Errands
from bot.engine.talk import Spoken
from bot.engine.values import Posted
from tests.slack.bench import Bench
from tests.slack.talking import delete, deliver, edit, event, react, reaction, said, settled, thread, timeline

# -- written down as it arrives --------------------------------------------------------------------------------------


async def test_talk_in_the_thread_is_written_down(bench: Bench):
    """Messages of people in the thread, by author; neither our own nor those beside it; history is never asked for."""
    card = await thread(bench)
    ana, ben = await bench.person("ana"), await bench.person("ben")
    first = await said(bench, ana, "recall is low in Lisbon", card)
    await said(bench, ben, "I look at the export", card)
    await ana.say("lunch?")
    await bench.say(Acknowledge(), "ana")
    await settled(bench)
    kept = await bench.desk.talk.of("INC-1")
    assert [one.text for one in kept] == ["recall is low in Lisbon", "I look at the export"]
    assert [one.author for one in kept] == [(await bench.who("ana")).id, (await bench.who("ben")).id]
    assert (kept[0].ts, kept[0].thread_ts, kept[0].user) == (first, card, "U0ANA")
    assert await bench.desk.talk.spoken("INC-1") == Spoken(2, 2)
    assert bench.calls("conversations.replies") == bench.calls("conversations.history") == []


async def test_people_go_on_below_a_card_that_was_deleted(sock: Bench):
    """The card stands anew; what is said below the old one is still of the incident, and so is what is asked there."""
    old = await thread(sock)
    ana = await sock.person("ana")
    await said(sock, ana, "recall is low in Lisbon", old)
    sock.slack.workspace.delete(sock.slack.workspace.room("C0INC"), old)
    await settled(sock)
    (card,) = sock.posts("card")
    assert card["ts"] != old
    await said(sock, ana, "the export is late", old)
    await said(sock, ana, "@Tocsin ack", old)
    await said(sock, ana, "and so are the labels", card["ts"])
    kept = [one.text for one in await sock.desk.talk.of("INC-1")]
    assert [text for text in kept if "ack" not in text] == [
        "recall is low in Lisbon", "the export is late", "and so are the labels",
    ]  # fmt: skip
    assert (await sock.incident()).acknowledged is not None
    assert sock.whispers("ana") == []


async def test_talk_changes_no_incident(sock: Bench):
    """One row and no entry: nothing is rendered, nothing is sent."""
    card = await thread(sock)
    before, calls = await sock.incident(), len(sock.slack.traffic.entries)
    ana = await sock.person("ana")
    await said(sock, ana, "hm", card)
    assert (await sock.incident()).seq == before.seq
    assert not sock.dirty
    assert [one["what"] for one in list(sock.slack.traffic.entries)[calls:] if one["way"] == "app->slack"] == []


async def test_everything_in_a_war_room_is_talk(sock: Bench):
    """Below its card, below another message, and in the open; mentions there are about its incident."""
    await sock.declared()
    await sock.store.mirror.save(Posted("INC-1", "room", "C0GENERAL", "1.0", "", "posted", 1, sock.clock.now()))
    ana = await sock.person("ana", room="C0GENERAL")
    first = await ana.say("who is here?")
    await ana.say("me", in_thread_of=first)
    await ana.say("<@U0TOCSIN> note failover at noon")
    await ana.say("<@U0TOCSIN> ack")
    await settled(sock)
    assert len(await sock.desk.talk.of("INC-1")) == 4
    incident = await sock.incident()
    assert [note.text for note in incident.notes] == ["failover at noon"]
    assert incident.acknowledged is not None


@pytest.mark.parametrize("subtype", ["channel_join", "channel_topic", "pinned_item", "reminder_add", "huddle_thread"])
async def test_joins_and_topics_are_not_talk(sock: Bench, subtype: str):
    """What the workspace says about itself is left out; a broadcast is there once, a file by its name."""
    card = await thread(sock)
    base = {"channel": "C0INC", "user": "U0ANA", "thread_ts": card}
    assert await deliver(sock, event("message", **base, ts="1.000001", subtype=subtype, text="joined")) == 200
    for kind in (None, "thread_broadcast"):
        body = event("message", **base, ts="1.000002", text="look here", **({"subtype": kind} if kind else {}))
        assert await deliver(sock, body | {"event_id": f"Ev{kind}"}) == 200
    files = [{"title": "recall.png"}]
    await deliver(sock, event("message", **base, ts="1.000003", subtype="file_share", text="", files=files))
    assert [one.text for one in await sock.desk.talk.of("INC-1")] == ["look here", "file: recall.png"]


async def test_another_apps_words_can_be_kept_and_count_for_nobody(sock: Bench):
    """A build server's message in the thread is talk, and no person."""
    card = await thread(sock)
    body = event("message", channel="C0INC", thread_ts=card, ts="1.000001", subtype="bot_message", bot_id="B0CI",
                 text="build 7 failed")  # fmt: skip
    await deliver(sock, body)
    assert [(one.user, one.author) for one in await sock.desk.talk.of("INC-1")] == [("B0CI", "")]
    assert await sock.desk.talk.spoken("INC-1") == Spoken(0, 0)


async def test_while_the_record_is_silent_talk_is_left_for_redelivery(bench: Bench):
    """The database does not answer: Slack is not told that we have it, delivers again, and it is there once."""
    card = await thread(bench)
    ana = await bench.person("ana")
    bench.store.database.read, read = _silent, bench.store.database.read
    ts = await ana.say("written in the dark", in_thread_of=card)
    first = await deliver(bench, event("message", channel="C0INC", user="U0ANA", thread_ts=card, ts=ts, text="x"))
    assert first == 503
    bench.store.database.read = read
    bench.clock.forward(120)
    await settled(bench)
    for _ in range(2):
        body = event("message", channel="C0INC", user="U0ANA", thread_ts=card, ts=ts, text="written in the dark")
        assert await deliver(bench, body) == 200
    assert [one.text for one in await bench.desk.talk.of("INC-1")] == ["written in the dark"]


async def _silent(*_given: Any, **_more: Any) -> Any:
    raise Unavailable("the database", "no answer within 1.5 s")


# -- edits and deletions ---------------------------------------------------------------------------------------------


async def test_edits_are_followed_in_store_and_log(bench: Bench):
    """What was kept reads as its author left it; the log keeps both; the same edit delivered again is one."""
    card = await thread(bench)
    ana = await bench.person("ana")
    ts = await said(bench, ana, "recal is low", card)
    await react(bench, ana, "pushpin", ts)
    await react(bench, ana, "mag", ts)
    await edit(ana, ts, "recall is low")
    await settled(bench)
    incident = await bench.incident()
    assert incident.notes[0].text == incident.findings[0].text == "recall is low"
    assert [one.text for one in await bench.desk.talk.of("INC-1")] == ["recall is low"]
    assert "T1, F1 was edited by its author: recall is low" in await timeline(bench)
    seq = incident.seq
    await edit(ana, ts, "recall is low")
    await settled(bench)
    assert (await bench.incident()).seq == seq


async def test_an_edit_before_its_message_and_an_older_one_after_it(sock: Bench):
    """Events in any order: the newest words stand, in the store and in the log."""
    card = await thread(sock)
    base = {"channel": "C0INC", "user": "U0ANA", "thread_ts": card}
    message = {"type": "message", "user": "U0ANA", "ts": "1.000001", "thread_ts": card}

    def edited(text: str, at: str) -> dict[str, Any]:
        now = message | {"text": text, "edited": {"user": "U0ANA", "ts": at}}
        return event("message", channel="C0INC", subtype="message_changed", ts=at, event_ts=at, message=now)

    await deliver(sock, edited("third", "30.0"))
    await deliver(sock, event("message", **base, ts="1.000001", text="first"))
    ana = await sock.who("ana")
    await deliver(sock, reaction(sock, "1.000001", "U0ANA", 40))
    await deliver(sock, edited("second", "20.0"))
    assert [(one.text, one.author) for one in await sock.desk.talk.of("INC-1")] == [("third", ana.id)]
    assert (await sock.incident()).notes[0].text == "third"


async def test_a_links_preview_is_no_edit(sock: Bench):
    """Slack changes a message to show a preview: nothing is written."""
    card = await thread(sock)
    ana = await sock.person("ana")
    ts = await said(sock, ana, "see the board", card)
    await react(sock, ana, "pushpin", ts)
    seq = (await sock.incident()).seq
    shown = sock.slack.workspace.message("C0INC", ts) | {"attachments": [{"title": "Board"}]}
    await deliver(sock, event("message", channel="C0INC", subtype="message_changed", ts="9.1", message=shown))
    assert (await sock.incident()).seq == seq


async def test_a_deleted_message_is_marked_everywhere(bench: Bench):
    """Note and finding count no more and say so; what was promised stays; its words are gone from the store."""
    card = await thread(bench)
    ana = await bench.person("ana")
    ts = await said(bench, ana, "it is the export", card)
    for name in ("pushpin", "mag", "white_check_mark"):
        await react(bench, ana, name, ts)
    await delete(ana, ts)
    await settled(bench)
    incident = await bench.incident()
    assert incident.notes[0].gone is not None
    assert incident.findings[0].gone is not None
    assert incident.followups["U1"].text == "it is the export"
    (kept,) = await bench.desk.talk.of("INC-1")
    assert (kept.text, kept.deleted_at is not None) == ("", True)
    assert any("(deleted by its author" in line for line in await timeline(bench))
    assert "no findings yet" in str(bench.posts("card")[0]["blocks"])


async def test_a_deletion_before_its_message(sock: Bench):
    """The message that comes late does not bring the words back."""
    card = await thread(sock)
    message = {"type": "message", "user": "U0ANA", "ts": "1.000001", "thread_ts": card, "text": "oops"}
    gone = event("message", channel="C0INC", subtype="message_deleted", ts="2.0", deleted_ts="1.000001",
                 event_ts="2.0", previous_message=message)  # fmt: skip
    await deliver(sock, gone)
    await deliver(sock, event("message", channel="C0INC", **{k: v for k, v in message.items() if k != "type"}))
    (kept,) = await sock.desk.talk.of("INC-1")
    assert kept.text == ""
    await deliver(sock, reaction(sock, "1.000001", "U0ANA", 40))
    assert (await sock.incident()).notes == ()


async def test_whoever_spoke_is_in_the_war_room_and_what_is_said_there_is_kept(sock: Bench):
    """Dev is on no list and said something in the thread: invited; the room's talk is the incident's."""
    card = await thread(sock)
    await said(sock, await sock.person("dev"), "the export lost a column", card)
    await sock.say(OpenRoom(), "ana")
    await Errands(sock.desk, sock.room.chat).open_room(await sock.incident())
    await settled(sock)
    room = (await sock.incident()).room
    assert room is not None
    assert "U0DEV" in sock.slack.workspace.rooms[room.channel].members
    dev = await sock.person("dev")
    await dev.say("here I am", room=room.channel)
    await settled(sock)
    assert [one.text for one in await sock.desk.talk.of("INC-1")] == ["the export lost a column", "here I am"]
