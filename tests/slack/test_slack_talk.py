"""What people say in an incident's thread: written down as it arrives, followed, and kept by menu, emoji or mention."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.finding import RecordFinding
from bot.domain.followup import FollowUp
from bot.domain.lifecycle import Close, Resolve
from bot.domain.paging import Acknowledge
from bot.engine.ports import Posted
from bot.engine.talk import Spoken
from bot.localslack import Person
from bot.localslack.people import BOT_USER
from tests.slack.bench import TEAM, Bench

STRANGER = "Tocsin does not know you here. Ask an administrator to add you to the people file."


@pytest.fixture
async def sock(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


@pytest.fixture(params=["socket", "http"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path, transport=request.param) as made:
        yield made


async def settled(bench: Bench) -> None:
    """Events are delivered, answers given, the incident shown."""
    await bench.slack.delivery.settle()
    await bench.settle()
    await bench.slack.delivery.settle()


async def thread(bench: Bench, **more: Any) -> str:
    """A declared incident; the ts of its card."""
    await bench.declared(**more)
    return str(bench.posts("card")[0]["ts"])


async def said(bench: Bench, who: Person, text: str, card: str, room: str = "") -> str:
    """Said in the thread, and written down."""
    ts = await who.say(text, in_thread_of=card, room=room)
    await settled(bench)
    return ts


async def react(bench: Bench, who: Person, name: str, ts: str, *, remove: bool = False) -> None:
    await who.react(name, ts, remove=remove)
    await settled(bench)


async def edit(who: Person, ts: str, text: str) -> None:
    await who._post("edit", {"channel": who.room, "ts": ts, "text": text})


async def delete(who: Person, ts: str) -> None:
    await who._post("delete", {"channel": who.room, "ts": ts})


def event(kind: str, **inner: Any) -> dict[str, Any]:
    """What Slack delivers."""
    name = f"Ev{kind}{inner.get('event_ts', '')}{inner.get('ts', '')}{inner.get('reaction', '')}{inner.get('user', '')}"
    return {"type": "event_callback", "team_id": TEAM, "event_id": name, "event": {"type": kind, **inner}}


async def deliver(bench: Bench, body: dict[str, Any]) -> int:
    """Deliver an event by hand; the status it is answered with."""
    status = (await bench.room.ingress.take(body)).status
    await settled(bench)
    return int(status)


def reaction(
    bench: Bench, ts: str, user: str, at: float, *, off: bool = False, name: str = "pushpin"
) -> dict[str, Any]:
    item = {"type": "message", "channel": "C0INC", "ts": ts}
    return event("reaction_removed" if off else "reaction_added", user=user, reaction=name, item=item,
                 event_ts=f"{at:.6f}")  # fmt: skip


def signs(bench: Bench, ts: str) -> list[str]:
    """Our own reactions on a message."""
    found = bench.slack.workspace.message("C0INC", ts).get("reactions", [])
    return [one["name"] for one in found if BOT_USER in one["users"]]


async def timeline(bench: Bench) -> list[str]:
    situation = await bench.desk.situation("INC-1")
    return [situation.say(line) for line in situation.timeline]


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
    from bot.domain.errors import Unavailable

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


# -- emoji -----------------------------------------------------------------------------------------------------------


async def test_a_pin_puts_a_message_into_the_timeline(bench: Bench):
    """Under the time it was said, with its author and link; our tick says so; a second pin changes nothing."""
    card = await thread(bench)
    ana, ben = await bench.person("ana"), await bench.person("ben")
    ts = await said(bench, ana, "ask @Ben Okafor: <https://x.example/b|board> &amp; more", card)
    bench.clock.forward(300)
    await react(bench, ben, "pushpin", ts)
    (note,) = (await bench.incident()).notes
    assert note.text == "ask @Ben Okafor: board (https://x.example/b) & more"
    assert (note.by, note.said) == ((await bench.who("ana")).id, f"C0INC/{ts}")
    assert abs(note.at.timestamp() - float(ts)) < 0.001
    assert note.link.endswith(f"/archives/C0INC/p{ts.replace('.', '')}?thread_ts={card}&cid=C0INC")
    assert signs(bench, ts) == ["heavy_check_mark"]
    assert "Ana Souza said: ask @Ben Okafor: board (https://x.example/b) & more (kept by Ben Okafor)" in (
        await timeline(bench)
    )
    await react(bench, ana, "pushpin", ts)
    assert len((await bench.incident()).notes) == 1
    assert bench.whispers("ana") == bench.whispers("ben") == []


async def test_taking_the_pin_off_takes_the_note_out_once_nobody_has_one(sock: Bench):
    """Two pins: the first taken off changes nothing, the second one does; the finding of the same message stays."""
    card = await thread(sock)
    ana, ben = await sock.person("ana"), await sock.person("ben")
    ts = await said(sock, ana, "it is the export", card)
    for who, name in ((ana, "pushpin"), (ben, "pushpin"), (ben, "mag")):
        await react(sock, who, name, ts)
    await react(sock, ana, "pushpin", ts, remove=True)
    assert (await sock.incident()).notes[0].gone is None
    await react(sock, ben, "pushpin", ts, remove=True)
    incident = await sock.incident()
    assert incident.notes[0].gone is not None
    assert incident.findings[0].gone is None
    assert "Ben Okafor took back T1" in await timeline(sock)
    await react(sock, ana, "pushpin", ts)
    assert [note.id for note in (await sock.incident()).notes] == ["T1", "T2"]


async def test_a_pin_taken_off_before_it_was_put_on(sock: Bench):
    """Events in the wrong order, and delivered twice: off is off, and the later pin counts."""
    card = await thread(sock)
    ts = await said(sock, await sock.person("ana"), "x", card)
    await deliver(sock, reaction(sock, ts, "U0ANA", 20, off=True))
    await deliver(sock, reaction(sock, ts, "U0ANA", 10))
    assert (await sock.incident()).notes == ()
    for _ in range(2):
        await deliver(sock, reaction(sock, ts, "U0ANA", 30))
    assert len((await sock.incident()).notes) == 1
    for _ in range(2):
        await deliver(sock, reaction(sock, ts, "U0ANA", 40, off=True))
    seq = (await sock.incident()).seq
    assert (await sock.incident()).notes[0].gone is not None
    await deliver(sock, reaction(sock, ts, "U0ANA", 30))
    assert (await sock.incident()).seq == seq


async def test_the_tick_makes_a_follow_up_for_whoever_reacts(bench: Bench):
    """Theirs, due in two weeks, told with a way to change it; taken off it stays promised; another's is the same one."""
    card = await thread(bench)
    ana, ben = await bench.person("ana"), await bench.person("ben")
    ts = await said(bench, ana, "alert on the label rate", card)
    await react(bench, ben, "white_check_mark", ts)
    due = bench.clock.now().date() + timedelta(days=14)
    wanted = FollowUp("U1", "alert on the label rate", (await bench.who("ben")).id, due, "", said=f"C0INC/{ts}")
    assert dict((await bench.incident()).followups) == {"U1": wanted}
    assert bench.whispers("ben") == [f"*U1* of INC-1 is yours until {due}: alert on the label rate"]
    note = next(one for one in bench.slack.workspace.ephemerals if one["for"] == "U0BEN")
    assert note["blocks"][1]["elements"][0]["text"]["text"] == "Change"
    assert note["thread_ts"] == card
    await react(bench, ana, "white_check_mark", ts)
    assert bench.whispers("ana") == ["This message is U1 of INC-1 already."]
    await react(bench, ben, "white_check_mark", ts, remove=True)
    assert dict((await bench.incident()).followups) == {"U1": wanted}


async def test_ice_takes_a_message_out_again(sock: Bench):
    """Note and finding, whoever kept them; our tick goes where nothing is left; kept again it is a new one."""
    card = await thread(sock)
    ana, ben = await sock.person("ana"), await sock.person("ben")
    ts = await said(sock, ana, "never mind", card)
    await react(sock, ana, "pushpin", ts)
    await react(sock, ana, "mag", ts)
    await react(sock, ben, "ice_cube", ts)
    incident = await sock.incident()
    assert incident.notes[0].gone is not None
    assert incident.findings[0].gone is not None
    assert [one["sent"]["name"] for one in sock.calls("reactions.remove")] == ["heavy_check_mark"]
    await react(sock, ben, "ice_cube", ts, remove=True)
    assert (await sock.incident()).seq == incident.seq


async def test_whatever_skin_and_name_the_emoji_has(tmp_path: Path):
    """Configured ones, with skin tones and second names; others mean nothing."""
    emoji = {"timeline": ("thumbsup", "memo"), "finding": (), "followup": ("eyes",), "ignore": ()}
    async with Bench.open(tmp_path, emoji=emoji) as bench:
        card = await thread(bench)
        ana = await bench.person("ana")
        one, two = await said(bench, ana, "one", card), await said(bench, ana, "two", card)
        await react(bench, ana, "+1::skin-tone-2", one)
        await react(bench, ana, "memo", two)
        await react(bench, ana, "mag", two)
        await react(bench, ana, "pushpin", two)
        incident = await bench.incident()
        assert [note.text for note in incident.notes] == ["one", "two"]
        assert incident.findings == ()


async def test_strangers_react_in_vain_and_are_told_once(sock: Bench):
    """A guest's emoji keeps nothing; they are told why the first time, and not again after a restart."""
    card = await thread(sock)
    room = sock.slack.workspace.rooms["C0INC"]
    room.members = (*room.members, "U0GUS")
    ts = await said(sock, await sock.person("ana"), "x", card)
    for at, name in ((10, "pushpin"), (20, "mag"), (30, "white_check_mark")):
        await deliver(sock, reaction(sock, ts, "U0GUS", at, name=name))
    await sock.restart()
    await deliver(sock, reaction(sock, ts, "U0GUS", 40))
    incident = await sock.incident()
    assert (incident.notes, incident.findings, dict(incident.followups)) == ((), (), {})
    assert sock.whispers("gus") == [STRANGER]
    assert signs(sock, ts) == []


async def test_our_own_reactions_and_messages_mean_nothing(sock: Bench):
    """Neither our tick, nor an emoji on the card, nor one on a message beside the thread keeps anything."""
    card = await thread(sock)
    ana = await sock.person("ana")
    ts = await said(sock, ana, "x", card)
    await deliver(sock, reaction(sock, ts, BOT_USER, 10, name="white_check_mark"))
    await react(sock, ana, "pushpin", card)
    beside = await ana.say("lunch?")
    await react(sock, ana, "pushpin", beside)
    await react(sock, ana, "mag", beside)
    await react(sock, ana, "heavy_check_mark", ts)
    incident = await sock.incident()
    assert (incident.notes, incident.findings, dict(incident.followups)) == ((), (), {})
    assert sock.whispers("ana") == []
    asked = [one["sent"]["ts"] for one in sock.calls("conversations.replies")]
    assert sorted(asked) == sorted({card, beside})  # each once, however many emoji


async def test_who_may_not_promise_is_told_why(sock: Bench):
    """Counsel adds to the timeline, and promises no change."""
    card = await thread(sock)
    ts = await said(sock, await sock.person("ana"), "x", card)
    cleo = await sock.person("cleo")
    await react(sock, cleo, "pushpin", ts)
    await react(sock, cleo, "white_check_mark", ts)
    assert len((await sock.incident()).notes) == 1
    assert not (await sock.incident()).followups
    assert sock.whispers("cleo") == [
        "Only admin or approver or manager or responder may add a follow-up; your roles: counsel"
    ]


async def test_a_message_from_before_is_fetched_once(sock: Bench):
    """Said while we were away: its emoji brings it; where Slack does not show it, the person is told why."""
    card = await thread(sock)
    ana = await sock.person("ana")
    memory = sock.slack.workspace.memory
    for ts, text in (("1700000000.000100", "said before"), ("1700000000.000200", "also before")):
        memory.put_message("C0INC", {"type": "message", "user": "U0BEN", "ts": ts, "thread_ts": card, "team": TEAM,
                                     "text": text})  # fmt: skip
    await react(sock, ana, "pushpin", "1700000000.000100")
    await react(sock, ana, "mag", "1700000000.000100")
    incident = await sock.incident()
    assert [note.text for note in incident.notes] == [one.text for one in incident.findings] == ["said before"]
    assert incident.notes[0].by == (await sock.who("ben")).id
    assert len(sock.calls("conversations.replies")) == 1
    sock.fault("conversations.replies", "500")
    body = reaction(sock, "1700000000.000200", "U0ANA", 10)
    assert await deliver(sock, body) == 503
    assert await deliver(sock, body) == 200
    assert [note.text for note in (await sock.incident()).notes] == ["said before", "also before"]


async def test_where_slack_does_not_show_the_message_the_person_is_told(sock: Bench):
    """Why nothing was kept, and only once."""
    await thread(sock)
    sock.slack.workspace.rooms["C0INC"].bot = False
    for at in (10, 20):
        await deliver(sock, reaction(sock, "1700000000.000100", "U0ANA", at))
    sock.slack.workspace.rooms["C0INC"].bot = True
    await deliver(sock, reaction(sock, "1700000000.000100", "U0DEV", 30))
    assert (await sock.incident()).notes == ()
    told = [one["sent"]["text"] for one in sock.calls("chat.postEphemeral")]
    assert told == ["Nothing was kept: Slack does not show me that message (not_in_channel)."]


async def test_slack_falling_silent_leaves_no_half_kept_message(sock: Bench):
    """The tick cannot be set and nobody can be told: the note is kept all the same."""
    card = await thread(sock)
    ana = await sock.person("ana")
    ts = await said(sock, ana, "x", card)
    sock.fault("reactions.add", "500", times=2)
    await react(sock, ana, "pushpin", ts)
    assert len((await sock.incident()).notes) == 1
    assert signs(sock, ts) == []
    sock.log.silent = True
    assert await deliver(sock, reaction(sock, ts, "U0BEN", 1e10, name="mag")) == 503
    sock.log.silent = False
    await sock.restart()
    assert await deliver(sock, reaction(sock, ts, "U0BEN", 1e10, name="mag")) == 200
    assert len((await sock.incident()).findings) == 1


async def test_after_the_incident_is_closed_its_story_is_completed(sock: Bench):
    """Notes and findings are added to a closed incident as to an open one."""
    card = await thread(sock)
    ana = await sock.person("ana")
    await sock.say(Resolve("over", "nothing to check"), "ana")
    await sock.say(Close(), "ana")
    ts = await said(sock, ana, "for the record", card)
    await react(sock, ana, "pushpin", ts)
    await react(sock, ana, "mag", ts)
    incident = await sock.incident()
    assert (len(incident.notes), len(incident.findings)) == (1, 1)


async def test_a_finding_that_is_there_already_in_the_same_words(sock: Bench):
    """Recorded by form, then by emoji on a message that says just that: one finding."""
    card = await thread(sock)
    ana = await sock.person("ana")
    await sock.say(RecordFinding("it is the export", "responder"), "ben")
    ts = await said(sock, ana, "it is the export", card)
    await react(sock, ana, "mag", ts)
    assert [one.id for one in (await sock.incident()).findings] == ["F1"]
