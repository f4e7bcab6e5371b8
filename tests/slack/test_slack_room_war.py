"""War rooms: a thread promoted to a channel, with its people and its card, and what happens when anything goes wrong."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.incident import Incident
from bot.domain.lifecycle import Close, Reopen, Resolve, Update
from bot.domain.paging import Acknowledge
from bot.domain.roles import Assign, Part
from bot.domain.room import OpenRoom
from bot.engine.errands import Errands
from bot.slack.views.room import LONGEST, name_of
from tests.slack.bench import Bench
from tests.slack.talking import deliver, event


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def opened(bench: Bench) -> str:
    """Do what is owed: open the room that was asked for; its channel."""
    await Errands(bench.desk, bench.room.chat).open_room(await bench.incident())
    await bench.settle()
    room = (await bench.incident()).room
    assert room is not None
    return room.channel


async def promoted(bench: Bench) -> str:
    """An incident that has a war room; the channel."""
    await bench.declared()
    await bench.say(OpenRoom(), "ana")
    return await opened(bench)


def channels(bench: Bench) -> list[Any]:
    """What was made in the workspace beside its own rooms."""
    return [room for room in bench.slack.workspace.rooms.values() if room.creator]


def told(bench: Bench, number: int = 1) -> str:
    (message,) = bench.posts(f"room:told:{number}")
    return str(message["blocks"])


async def stale(bench: Bench, room: str) -> None:
    """A button that promotes, left behind in an older message."""
    button = {"type": "button", "action_id": "room.open", "value": "INC-1", "text": {"type": "plain_text", "text": "x"}}
    await bench.room.client.post(room, "old", [{"type": "actions", "elements": [button]}])


def worded(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a message without the ids Slack gives them."""
    return [{name: item for name, item in block.items() if name != "block_id"} for block in message["blocks"]]


async def test_promoting_a_thread(bench: Bench):
    """The dialog says name and people before anything is done; then channel, people, topic, pinned card, a new message."""
    await bench.declared()
    await bench.say(Assign(Part.COMMUNICATIONS, (await bench.who("dev")).id), "ana")
    ana = await bench.person("ana")
    await ana.click("more", value="room.open INC-1")
    view = await ana.wait_for_view("room")
    assert "#inc-1-recall-is-down" in str(view["blocks"])
    assert all(f"<@U0{who}>" in str(view["blocks"]) for who in ("ANA", "BEN", "DEV"))
    assert channels(bench) == []
    assert (await ana.submit({}))["acked"]
    assert await ana.views() == []
    channel = await opened(bench)
    (room,) = channels(bench)
    assert (room.id, room.name, room.private) == (channel, "inc-1-recall-is-down", False)
    assert set(room.members) == {"U0ANA", "U0BEN", "U0DEV"}
    assert room.topic == "SEV2 INC-1: Recall is down"
    (card,) = bench.posts("room", channel)
    (home,) = bench.posts("card")
    assert worded(card) == worded(home)
    assert card["pinned_to"] == [channel]
    (link,) = bench.posts("room:told:1")
    assert link["thread_ts"] == home["ts"]
    assert f"<#{channel}>" in str(link["blocks"])
    assert f"war room <#{channel}>" in str(home["blocks"])
    assert "room.open" not in str(home["blocks"])


async def test_what_is_clicked_there_works_as_in_the_thread(bench: Bench):
    """The room's card acts on its incident, and both cards then say so."""
    channel = await promoted(bench)
    ana = await bench.person("ana")
    assert (await ana.click("ack", room=channel))["acked"]
    await bench.settle()
    assert (await bench.incident()).acknowledged is not None
    for card in (*bench.posts("card"), *bench.posts("room", channel)):
        assert "<@U0ANA>" in str(card["blocks"])


async def test_updates_and_the_summary_are_told_in_both(bench: Bench):
    """Each update and the end are one message in the thread and one in the room; older updates stay in the thread."""
    await bench.declared()
    await bench.say(Update("before the room"), "ana")
    await bench.say(OpenRoom(), "ana")
    channel = await opened(bench)
    after = await bench.say(Update("we roll back"), "ana")
    await bench.say(Resolve("rolled back", "seen"), "ana")
    (there,) = bench.posts(f"room:update:{after.seq}", channel)
    assert "we roll back" in str(there["blocks"])
    assert len(bench.posts(f"update:{after.seq}")) == 1
    assert "before the room" not in str(bench.slack.workspace.memory.messages[channel])
    (summary,) = bench.posts("room:summary:1", channel)
    assert "rolled back" in str(summary["blocks"])
    assert not channels(bench)[0].archived  # resolved is not closed: people still talk there


async def test_it_is_archived_with_the_incident_and_a_new_one_may_be_asked_for(bench: Bench):
    """Closing archives it; re-opened, another room gets another name, its own card, and the first is told as archived."""
    first = await promoted(bench)
    await bench.say(Resolve("over", "seen"), "ana")
    await bench.say(Close(), "ana")
    await Errands(bench.desk, bench.room.chat).archive_room(await bench.incident())
    await bench.settle()
    assert bench.slack.workspace.rooms[first].archived
    assert "was archived" in told(bench)
    await bench.say(Reopen("it is back"), "ana")
    await bench.say(OpenRoom(), "ben")
    second = await opened(bench)
    assert bench.slack.workspace.rooms[second].name == "inc-1-recall-is-down-2"
    assert len(bench.posts("room", second)) == 1
    assert f"<#{second}>" in told(bench, 2)
    assert "was archived" in told(bench, 1)


async def test_two_people_ask_at_once(bench: Bench):
    """One room; the second click in the stale dialog changes nothing, and the dialog opened later says where it is."""
    await bench.declared()
    ana, ben = await bench.person("ana"), await bench.person("ben")
    await ana.click("more", value="room.open INC-1")
    await ben.click("more", value="room.open INC-1")
    await ana.submit({})
    await ben.submit({})
    await opened(bench)
    assert len(channels(bench)) == 1
    await stale(bench, "C0INC")
    await ben.click("room.open")
    assert "The war room is open: #inc-1-recall-is-down" in str(await ben.views())
    await bench.settle()
    assert len(bench.posts("room:told:1")) == 1


async def test_who_may_not(bench: Bench):
    """Counsel reads the reason in the dialog, a guest is refused, a closed incident says to re-open it."""
    await bench.declared()
    cleo, ana = await bench.person("cleo", "C0INC"), await bench.person("ana")
    await stale(bench, "C0LEGAL")
    await cleo.click("room.open", room="C0LEGAL")
    await cleo.submit({})
    assert "may open a war room" in str(await cleo.views())
    await bench.say(Resolve("over", "seen"), "ana")
    await stale(bench, "C0INC")
    await ana.click("room.open")
    assert "re-open it to open a war room" in str(await ana.views())
    assert (await bench.incident()).room is None


async def test_a_restricted_incident_gets_none(bench: Bench):
    """The rule says why, and no channel is made."""
    await bench.declared("Secret canary", restricted=True)
    with pytest.raises(Refused, match="restricted"):
        await bench.say(OpenRoom(), "ana")
    assert channels(bench) == []


async def test_the_room_is_as_private_as_the_thread(bench: Bench):
    """Where the incident's channel is private, or Slack does not say, the room is private: never a wider audience."""
    bench.slack.workspace.rooms["C0INC"].private = True
    channel = await promoted(bench)
    assert bench.slack.workspace.rooms[channel].private


@pytest.mark.parametrize("kind", ["500_after_storing", "cut_after_storing"])
async def test_a_channel_whose_answer_was_lost_is_found_again(bench: Bench, kind: str):
    """Made, and nobody told us: the next attempt adopts it, after a restart too, and there is one."""
    await bench.declared()
    await bench.say(OpenRoom(), "ana")
    bench.fault("conversations.create", kind)
    with pytest.raises(Unavailable):
        await opened(bench)
    await bench.restart()
    channel = await opened(bench)
    assert [room.id for room in channels(bench)] == [channel]
    assert "U0BEN" in channels(bench)[0].members
    assert len(bench.posts("room", channel)) == 1


async def test_slack_goes_away_while_people_are_invited(bench: Bench):
    """The channel stands and nobody is in it yet: it is not reported until they are."""
    await bench.declared()
    await bench.say(OpenRoom(), "ana")
    bench.fault("conversations.invite", "outage")
    with pytest.raises(Unavailable):
        await opened(bench)
    assert not (await bench.incident()).room.stands
    channel = await opened(bench)
    assert "U0ANA" in bench.slack.workspace.rooms[channel].members


async def test_a_name_somebody_else_took(bench: Bench):
    """A person's channel of that name is left alone: said once in the thread, and asked again another name is tried."""
    from bot.localslack.people import Room

    bench.slack.workspace.keep_room(Room("C0THEIRS", "inc-1-recall-is-down", creator="U0BEN"))
    await bench.declared()
    await bench.say(OpenRoom(), "ana")
    await opened(bench)
    assert "Tocsin did not make it" in told(bench)
    await bench.show()
    assert len(bench.posts("room:told:1")) == 1
    assert "room.open" in str(bench.posts("card")[0]["blocks"])
    await bench.say(OpenRoom(), "ana")
    channel = await opened(bench)
    assert bench.slack.workspace.rooms[channel].name == "inc-1-recall-is-down-2"


async def test_an_old_channel_of_ours_is_not_taken_for_the_new_one(bench: Bench):
    """Made long before anybody asked: its people and words belong to something else."""
    from bot.localslack.people import BOT_USER, Room

    bench.slack.workspace.keep_room(Room("C0OLD", "inc-1-recall-is-down", creator=BOT_USER, created=1_700_000_000))
    await bench.declared()
    await bench.say(OpenRoom(), "ana")
    await opened(bench)
    assert "older channel" in told(bench)


@pytest.mark.parametrize("method", ["conversations.setTopic", "bookmarks.list", "pins.add", "conversations.info"])
async def test_the_rest_goes_on_without_an_optional_call(bench: Bench, method: str, monkeypatch: pytest.MonkeyPatch):
    """A server that lacks it, or has not granted it: the room stands with its people and its card."""
    from bot.localslack.methods import METHODS

    monkeypatch.delitem(METHODS, method, raising=False)
    channel = await promoted(bench)
    assert len(bench.posts("room", channel)) == 1
    assert "U0ANA" in bench.slack.workspace.rooms[channel].members
    assert bench.slack.workspace.rooms[channel].private is (method == "conversations.info")


async def test_somebody_who_cannot_be_invited_keeps_nobody_out(bench: Bench):
    """One account is gone from the workspace: the others are invited one by one."""
    del bench.slack.workspace.people["U0BEN"]
    channel = await promoted(bench)
    assert set(bench.slack.workspace.rooms[channel].members) == {"U0ANA"}


async def test_a_person_archives_it_by_hand(bench: Bench):
    """Noticed at the next change: the log says so, the thread goes on, and the summary is there."""
    channel = await promoted(bench)
    bench.slack.workspace.rooms[channel].archived = True
    await bench.say(Acknowledge(), "ana")
    await bench.say(Update("still at it"), "ana")
    room = (await bench.incident()).room
    assert room.archived is not None
    assert "was archived" in told(bench)
    assert "still at it" in str(bench.slack.workspace.memory.messages["C0INC"])
    assert "still at it" not in str(bench.slack.workspace.memory.messages[channel])
    assert "room.open" in str(bench.posts("card")[0]["blocks"])


@pytest.mark.parametrize("kind", ["channel_archive", "group_archive"])
async def test_a_room_archived_by_hand_is_noticed_at_once(bench: Bench, kind: str):
    """The event is enough, delivered twice it says so once; another channel says nothing."""
    channel = await promoted(bench)
    before = await bench.incident()
    await deliver(bench, event(kind, channel="C0INC", user="U0ANA", event_ts="1.0"))
    assert (await bench.incident()).seq == before.seq
    bench.slack.workspace.rooms[channel].archived = True
    again = event(kind, channel=channel, user="U0ANA", event_ts="2.0")
    for _ in range(2):
        await deliver(bench, again)
    await bench.settle()
    after = await bench.incident()
    assert (after.room.archived is not None, after.seq) == (True, before.seq + 1)
    assert "was archived" in told(bench)
    assert "room.open" in str(bench.posts("card")[0]["blocks"])


async def test_an_archive_that_is_refused_is_left_to_people(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """The timeline and the thread do not claim what did not happen."""
    from bot.localslack.methods import METHODS

    await promoted(bench)
    await bench.say(Resolve("over", "seen"), "ana")
    await bench.say(Close(), "ana")
    monkeypatch.delitem(METHODS, "conversations.archive")
    await Errands(bench.desk, bench.room.chat).archive_room(await bench.incident())
    await bench.settle()
    assert "left to people" in told(bench)
    assert not channels(bench)[0].archived


def test_names_of_channels_can_be_read_in_a_list():
    """Cut between words, in Slack's letters only; a second room says so; a title without letters is the incident's."""
    long = Incident("INC-142", title="Recall for people in poor health fell below its objective, & more")
    assert name_of(long, 1) == "inc-142-recall-for-people-in-poor-health-fell"
    assert name_of(long, 2) == "inc-142-recall-for-people-in-poor-health-2"
    assert name_of(Incident("INC-1", title="Ünïcode <!channel> 健康"), 1) == "inc-1-n-code-channel"
    assert name_of(Incident("INC-1", title="健康"), 1) == "inc-1"
    assert len(name_of(Incident("INC-1", title="x" * 200), 12)) <= LONGEST
