"""An end that does not last: what said so is marked, everybody hears, and the next end is a message of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.lifecycle import Reopen, Resolve
from bot.domain.policy import Urgency
from bot.domain.room import OpenRoom, ReportRoom
from bot.domain.sli import Judged, ObserveSli
from bot.domain.urgency import Withdraw
from bot.engine.errands import Errands
from bot.slack.wanted import wanted
from tests.kit import ANA, breached, declared
from tests.slack.bench import Bench
from tests.slack.situations import SETTINGS, seen


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def test_the_thread_hears_that_it_is_not_over_and_each_end_is_told(bench: Bench):
    """Old words are marked as history without buttons, the re-opening is news, and so is the second end."""
    await bench.declared()
    await bench.say(Resolve("first end", "seen"), "ana")
    (first,) = bench.posts("summary")
    await bench.say(Reopen("it <!channel> came back"), "ana")
    (old,) = bench.posts("summary")
    assert old["ts"] == first["ts"]
    assert "was re-opened after this: first end" in old["text"]
    assert "is resolved" not in str(old)
    assert "whys.open" not in str(old["blocks"])
    (again,) = bench.posts("reopened")
    assert again["thread_ts"] == bench.posts("card")[0]["ts"]
    assert again["subtype"] == "thread_broadcast"
    assert "came back" in again["text"]
    assert "<!channel>" not in again["text"]
    bench.clock.forward(60)
    await bench.say(Resolve("second end", "seen"), "ana")
    (second,) = bench.posts("summary:2")
    assert "is resolved: second end" in second["text"]
    assert float(second["ts"]) > float(again["ts"])
    assert "first end" in bench.posts("summary")[0]["text"]
    before = bench.asked
    await bench.show()
    assert bench.asked == before, "shown again, nothing is said twice"


async def test_the_war_room_hears_it_too(bench: Bench):
    """Once there as well, marked and told anew like in the thread."""
    await bench.declared()
    await bench.say(OpenRoom(), "ana")
    await Errands(bench.desk, bench.room.chat).open_room(await bench.incident())
    await bench.settle()
    channel = (await bench.incident()).room.channel
    await bench.say(Resolve("first end", "seen"), "ana")
    await bench.say(Reopen("came back"), "ana")
    (old,) = bench.posts("room:summary:1", channel)
    assert "was re-opened after this" in old["text"]
    assert len(bench.posts("room:reopened:1", channel)) == 1
    await bench.say(Resolve("second end", "seen"), "ana")
    (second,) = bench.posts("room:summary:1:2", channel)
    assert "second end" in second["text"]


async def test_what_came_and_went_while_slack_was_away_is_not_replayed(bench: Bench):
    """Resolved, re-opened and resolved unseen: one summary, the last."""
    await bench.declared()
    for command in (Resolve("first end", "seen"), Reopen("came back"), Resolve("second end", "seen")):
        await bench.desk.submit("INC-1", command, await bench.who("ana"))
    await bench.settle()
    assert bench.posts("summary") == bench.posts("reopened") == []
    (summary,) = bench.posts("summary:2")
    assert "second end" in summary["text"]


def test_a_withdrawn_suspicion_that_is_re_opened_is_marked_as_well():
    """What said that it is over does not stand while it is open."""
    story = declared(urgency=Urgency.NOTICE).when(ObserveSli(breached(judged=Judged.MET)))
    story = story.when(Withdraw("the data no longer bear it out"))
    assert "is resolved" in {s.name: s.message.text for s in wanted(seen(story), SETTINGS)}["summary"]
    story = story.after(minutes=1).when(Reopen("it was real"), ANA)
    told = {one.name: one for one in wanted(seen(story), SETTINGS)}
    assert "was re-opened after this" in told["summary"].message.text
    assert (told["summary"].fresh, told["reopened"].fresh) == (False, True)
    closed = story.after(minutes=1).when(Resolve("now it is", "seen"), ANA)
    assert "summary:2" in {one.name for one in wanted(seen(closed), SETTINGS)}


def test_a_room_opened_later_is_not_told_of_the_past():
    """A re-opening from before the room is none of its news."""
    story = declared().when(Resolve("first end", "seen"), ANA).when(Reopen("came back"), ANA).after(minutes=5)
    story = story.when(OpenRoom(), ANA).when(ReportRoom("C0ROOM", "inc-1"))
    there = {one.name for one in wanted(seen(story), SETTINGS) if one.channel == "C0ROOM"}
    assert there == {"room"}
    over = story.after(minutes=5).when(Resolve("second end", "seen"), ANA)
    there = {one.name for one in wanted(seen(over), SETTINGS) if one.channel == "C0ROOM"}
    assert there == {"room", "room:summary:1:2"}
