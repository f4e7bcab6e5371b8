"""Where a card goes when its channel does not take it, and that a wider audience never sees a restricted one."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.errors import NotFound, Unavailable
from bot.domain.lifecycle import Update
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.engine.situation import Situation
from bot.localslack import ROOMS, Room
from bot.slack.meaning import SlackRefused
from tests.rosters import put_on_call
from tests.slack.bench import Bench

CARE = Room("C0CARE", "care-alerts", members=("U0ANA", "U0BEN"))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench whose service has a channel of its own, beside the home channel."""
    async with Bench.open(tmp_path) as made:
        made.slack.workspace.rooms[CARE.id] = Room(**CARE.kept())
        assert await made.room.client.channel_id("#care-alerts") == CARE.id
        service = replace(made.desk.catalogue.services["visits"], channel="#care-alerts")
        made.desk.catalogue = replace(made.desk.catalogue, services={"visits": service})
        yield made


async def situation(bench: Bench, **declared: Any) -> Situation:
    """An incident, declared and not yet shown."""
    made = await bench.desk.declare(
        "Recall is down", Severity.SEV2, "visits", "fell", await bench.who("ana"), **declared
    )
    bench.dirty.clear()
    return await bench.desk.situation(made.id)


def said(message: dict[str, Any]) -> str:
    return str(message["blocks"])


async def test_a_card_stands_in_its_own_channel(bench: Bench):
    """Where the channel takes it there is no line, and nothing in the home channel."""
    await bench.declared()
    (card,) = bench.posts("card", "C0CARE")
    assert "Shown here" not in said(card)
    assert bench.posts("card") == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"archived": True}, "is archived"),
        ({"bot": False}, "does not have Tocsin in it"),
        ({"bot": False, "private": True}, "cannot be found: it may be archived, or Tocsin is not in it"),
    ],
)
async def test_a_channel_that_takes_nothing_sends_its_card_home(bench: Bench, change: dict[str, bool], line: str):
    """Once, with the reason; the thread follows, nothing is said twice, and changes keep the line."""
    for name, value in change.items():
        setattr(bench.slack.workspace.rooms["C0CARE"], name, value)
    await bench.declared()
    (card,) = bench.posts("card")
    assert f"Shown here because #care-alerts {line}." in said(card)
    await bench.say(Update("we know"), "ana")
    await bench.say(Acknowledge(), "ana")
    (card,) = bench.posts("card")
    assert f"Shown here because #care-alerts {line}." in said(card)
    assert "U0ANA" in said(card)
    (update,) = [m for m in bench.slack.workspace.memory.messages["C0INC"].values() if "Update on" in m["text"]]
    assert update["thread_ts"] == card["ts"]
    assert bench.posts("card", "C0CARE") == []
    before = bench.asked
    await bench.show()
    assert bench.asked == before


async def test_the_next_incident_goes_to_its_own_channel_again(bench: Bench):
    """A card that stands stays where it stands; once the channel works, the next one goes there."""
    bench.slack.workspace.rooms["C0CARE"].archived = True
    await bench.declared()
    bench.slack.workspace.rooms["C0CARE"].archived = False
    bench.clock.forward(301)
    await bench.say(Acknowledge(), "ana")
    await bench.declared("Another")
    assert [one["metadata"]["event_payload"]["incident"] for one in bench.posts("card")] == ["INC-1"]
    assert [one["metadata"]["event_payload"]["incident"] for one in bench.posts("card", "C0CARE")] == ["INC-2"]


async def test_a_restart_keeps_the_card_where_it_is_and_says_so(bench: Bench):
    """What was wrong is not known any more, that it is not in its own channel is."""
    bench.slack.workspace.rooms["C0CARE"].archived = True
    await bench.declared()
    services = bench.desk.catalogue.services
    await bench.restart()
    bench.desk.catalogue = replace(bench.desk.catalogue, services=services)
    await bench.show()
    (card,) = bench.posts("card")
    assert "Shown here because #care-alerts did not take it." in said(card)


async def test_an_archived_channel_in_the_middle_moves_card_and_open_questions(bench: Bench):
    """The card is posted at home with the request that waits; what is over stays in the old thread."""
    await bench.declared()
    await bench.say(Update("we know"), "ana")
    await bench.desk.changes.propose("INC-1", "rollback-v1", "it began there", await bench.who("ana"))
    await bench.settle()
    assert len(bench.posts("request:M1", "C0CARE")) == 1
    bench.slack.workspace.rooms["C0CARE"].archived = True
    await bench.say(Acknowledge(), "ana")
    (card,) = bench.posts("card")
    assert "#care-alerts is archived" in said(card)
    (asked,) = bench.posts("request:M1")
    assert asked["thread_ts"] == card["ts"]
    assert not [m for m in bench.slack.workspace.memory.messages["C0INC"].values() if "Update on" in m["text"]]
    digest = (await bench.incident()).mitigations["M1"].digest
    await bench.say(ApproveMitigation("M1", digest), "ben")
    (asked,) = bench.posts("request:M1")
    assert "Approved by" in said(asked)
    await bench.say(Update("rolled back"), "ana")
    (update,) = [m for m in bench.slack.workspace.memory.messages["C0INC"].values() if "Update on" in m["text"]]
    assert update["thread_ts"] == card["ts"]


async def test_the_bot_removed_from_the_channel_finds_out_by_a_reply(bench: Bench):
    """Nothing of the card changed, and the update below it is refused: both go home with the next round."""
    await bench.declared()
    bench.slack.workspace.rooms["C0CARE"].bot = False
    await bench.desk.submit("INC-1", Update("we know"), await bench.who("ana"))
    with pytest.raises(Unavailable, match="posted again"):
        await bench.show()
    await bench.room.chat.tend()
    (card,) = bench.posts("card")
    assert "does not have Tocsin in it" in said(card)
    (update,) = [m for m in bench.slack.workspace.memory.messages["C0INC"].values() if "Update on" in m["text"]]
    assert update["thread_ts"] == card["ts"]


async def test_no_channel_takes_it_and_the_people_on_call_are_told(bench: Bench, caplog: pytest.LogCaptureFixture):
    """Own and home channel refuse: a direct message each, once, kept up to date; a channel that works gets the card."""
    rooms = bench.slack.workspace.rooms
    rooms["C0CARE"].archived = rooms["C0INC"].archived = True
    with pytest.raises(SlackRefused, match="is_archived"):
        await bench.room.chat.show(await situation(bench))
    ana, ben = [(await bench.who(key)).id for key in ("ana", "ben")]
    (mine,) = bench.posts(f"card:{ana}", "D0ANA")
    assert "Shown here because #care-alerts is archived." in said(mine)
    assert "'ack'" in said(mine)
    assert len(bench.posts(f"card:{ben}", "D0BEN")) == 1
    await bench.desk.submit("INC-1", Acknowledge(), await bench.who("ana"))
    for _ in range(3):
        bench.clock.forward(5)
        await bench.room.chat.show(await bench.desk.situation("INC-1"))
    (mine,) = bench.posts(f"card:{ana}", "D0ANA")
    assert "'ack'" not in said(mine)
    assert (
        len([one for one in caplog.records if "could not be shown" in one.message and one.levelname == "WARNING"]) == 1
    )
    rooms["C0INC"].archived = False
    bench.clock.forward(901)
    await bench.room.chat.tend()
    assert len(bench.posts("card")) == 1
    assert len(bench.posts(f"card:{ana}", "D0ANA")) == 1


async def test_a_channel_nobody_has_sends_the_card_home(bench: Bench):
    """A mistyped channel is named in the card; where home is mistyped too, the error says which."""
    lost = await situation(bench)
    lost = replace(lost, service=replace(lost.service, channel="#nowhere"))
    await bench.room.chat.show(lost)
    (card,) = bench.posts("card")
    assert "Shown here because #nowhere cannot be found: it may be archived" in said(card)


async def test_no_channel_at_all_is_named_and_people_are_told(tmp_path: Path):
    """Nothing is configured: an error that says so, and a direct message to whoever is on call."""
    async with Bench.open(tmp_path, home_channel="") as bench:
        lost = await situation(bench)
        with pytest.raises(NotFound, match="for visits"):
            await bench.room.chat.show(replace(lost, service=replace(lost.service, channel="")))
        assert len(bench.posts(f"card:{(await bench.who('ana')).id}", "D0ANA")) == 1


async def test_a_restricted_incident_never_goes_to_a_channel(bench: Bench):
    """Whatever is archived: named people only, and no content."""
    rooms = bench.slack.workspace.rooms
    rooms["C0CARE"].archived = rooms["C0INC"].archived = True
    await bench.room.chat.show(await situation(bench, restricted=True))
    (mine,) = bench.posts(f"card:{(await bench.who('ana')).id}", "D0ANA")
    assert "Recall" not in said(mine) + mine["text"]
    for room in (*ROOMS, CARE):
        assert not bench.slack.workspace.memory.messages.get(room.id)


async def test_the_legal_channel_has_no_substitute(tmp_path: Path):
    """What counsel should see is not shown to everybody because their channel is archived."""
    async with Bench.open(tmp_path) as bench:
        bench.slack.workspace.rooms["C0LEGAL"].archived = True
        await situation(bench)
        await bench.desk.request_notice("INC-1", "stakeholders/update", await bench.who("dev"))
        with pytest.raises((SlackRefused, NotFound)):
            await bench.show()
        assert len(bench.posts("card")) == 1
        everything = [m for kept in bench.slack.workspace.memory.messages.values() for m in kept.values()]
        assert not [m for m in everything if "N1" in m["text"]]


async def test_a_message_deleted_by_a_person_comes_back_once(bench: Bench):
    """The card is posted again in its own channel, with what follows in its thread."""
    await bench.declared()
    (card,) = bench.posts("card", "C0CARE")
    bench.slack.workspace.delete(bench.slack.workspace.room("C0CARE"), card["ts"])
    await bench.slack.delivery.settle()
    await bench.settle()
    await bench.say(Update("we know"), "ana")
    (again,) = bench.posts("card", "C0CARE")
    (update,) = [m for m in bench.slack.workspace.memory.messages["C0CARE"].values() if "Update on" in m["text"]]
    assert update["thread_ts"] == again["ts"] != card["ts"]


# -- after a hand-over -----------------------------------------------------------------------------------------------


def told(bench: Bench, key: str) -> list[dict[str, Any]]:
    """What stands in the direct messages with a person."""
    return list(bench.slack.workspace.memory.messages.get(f"D0{key.upper()}", {}).values())


async def test_whoever_handed_over_is_asked_nothing_any_more(bench: Bench):
    """The restricted card with them loses its button and tells nothing new; back on call it is a card again."""
    await bench.declared("Secret", by="dev", restricted=True)
    (before,) = told(bench, "ben")
    assert "ack" in str(before["blocks"])
    put_on_call(bench.desk, {"visits": ("ana",)})
    await bench.say(Acknowledge(), "ana")
    (after,) = told(bench, "ben")
    assert after["ts"] == before["ts"]
    assert "nothing is asked of you now" in after["text"]
    assert "Acknowledge" not in str(after["blocks"])
    assert "Being worked on" not in str(after["blocks"])
    assert "Being worked on" in str(told(bench, "ana")[0]["blocks"])
    before = bench.asked
    await bench.show()
    assert bench.asked == before
    put_on_call(bench.desk, {"visits": ("ana", "ben")})
    await bench.show()
    assert "Being worked on" in str(told(bench, "ben")[0]["blocks"])


async def test_a_card_with_somebody_who_handed_over_stays_true(bench: Bench):
    """No channel took it, so Ben has it; after the hand-over it still says who has the incident, and is not sent anew."""
    for room in ("C0CARE", "C0INC"):
        bench.slack.workspace.rooms[room].archived = True
    with pytest.raises(SlackRefused):
        await bench.declared()
    assert len(told(bench, "ben")) == 1
    put_on_call(bench.desk, {"visits": ("ana",)})
    bench.clock.forward(301)
    with contextlib.suppress(SlackRefused):  # told by whoever came first: this or the next round
        await bench.say(Acknowledge(), "ana")
    await bench.room.chat.tend()
    for key in ("ana", "ben"):
        (card,) = told(bench, key)
        assert "<@U0ANA>" in said(card)
        assert "Acknowledge" not in said(card)
