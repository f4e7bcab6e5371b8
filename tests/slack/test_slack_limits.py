"""Slack's limits and the moments between two clicks, each shown by name; those shown elsewhere are listed here.

| limit | shown by |
|---|---|
| blocks, characters, menus, titles, metadata of every view | test_slack_sizes |
| 3,000 characters with emoji and combining characters | test_slack_views: test_long_words_in_any_script_fit_a_dialog |
| two acknowledge, two approve in the same instant | here |
| a guest approves; the requester approves their own | here |
| the digest changed between open and submit | here; of a notice: test_slack_room |
| three dialogs on one another | here |
| a trigger that expires, a slow record | here; test_slack_doors: test_an_answer_that_comes_too_late_is_not_called_unrecorded |
| a response_url used up | here |
| a search while the record is silent | here |
| the hash of a view | here; of a Home tab: test_slack_home: test_a_tab_another_replica_published_is_published_over |
| an update storm, 1 message a second and channel | test_slack_load, test_slack_pacing |
| a duplicate envelope, retries 1 to 3 | test_slack_room: test_the_same_envelope_twice_has_one_effect; test_slack_replays |
| a message deleted by a person | test_slack_elsewhere: test_a_message_deleted_by_a_person_comes_back_once |
| a channel archived | test_slack_elsewhere: test_an_archived_channel_in_the_middle_moves_card_and_open_questions |
| a war room archived by hand | test_slack_room_war: test_a_person_archives_it_by_hand |
| unknown_method for each call | test_slack_without |
| `<!channel>` and `*` in alert texts | test_slack_contract: test_no_hostile_text_pings_links_or_breaks |
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import Unavailable
from bot.domain.five_whys import AddWhy
from bot.domain.mitigation import State
from bot.slack import standing
from bot.slack.payload import CLICK, Door
from tests.slack.bench import TEAM, Bench

AGAIN = "Slack did not open the dialog; nothing was changed. Please press again."


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


# -- two at once -----------------------------------------------------------------------------------------------------


class Together:
    """A log whose first readers go two by two: both have read `times` times before either goes on to write."""

    def __init__(self, inner: Any, times: int) -> None:
        self._inner, self._left, self._both = inner, 2 * times, asyncio.Barrier(2)

    async def load(self, name: str) -> Any:
        known = await self._inner.load(name)
        if self._left:
            self._left -= 1
            await self._both.wait()
        return known

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def proposed(bench: Bench, by: str = "ana") -> str:
    """A rollback waits for approval; the ts of the card."""
    await bench.declared()
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who(by))
    await bench.settle()
    (card,) = bench.posts("card")
    return str(card["ts"])


async def kinds(bench: Bench) -> Counter[str]:
    return Counter(type(one.event).__name__ for one in await bench.desk.log.entries("INC-1"))


async def test_two_approve_in_the_same_instant(bench: Bench):
    """Both read the same plan and send before either is recorded: one approval; the other reads that there is one."""
    ts = await proposed(bench)
    both = [await bench.person(key) for key in ("ben", "dev")]
    for one in both:
        await one.click("approve.open", in_thread_of=ts)
        await one.wait_for_view("approve")
    bench.desk.handler.log = Together(bench.log, 1)  # each reads the plan before either approves
    told = await asyncio.gather(*(one.submit({}) for one in both))
    bench.desk.handler.log = bench.log
    assert all(one["acked"] for one in told)
    await bench.settle()
    mitigation = (await bench.incident()).mitigations["M1"]
    assert mitigation.state is State.APPROVED
    assert (await kinds(bench))["MitigationApproved"] == 1
    left = [str(await one.views()) for one in both]
    assert sorted("M1 is approved; there is nothing to approve" in one for one in left) == [False, True]
    assert "[]" in left
    first = "ben" if left[0] == "[]" else "dev"
    assert [one.person for one in mitigation.approvals] == [(await bench.who(first)).id]


async def test_two_acknowledge_in_the_same_instant(bench: Bench):
    """Both saw that nobody has it: one does, and the other is told who was first."""
    await bench.declared()
    (card,) = bench.posts("card")
    both = {key: await bench.person(key) for key in ("ana", "ben")}
    known = bench.log.at_hand("INC-1")
    assert known is not None
    assert known.unclaimed  # what both are let in by
    told = await asyncio.gather(*(one.click("ack", ts=card["ts"]) for one in both.values()))
    assert all(one["acked"] for one in told)
    await bench.settle()
    first = await bench.desk.people.by_id((await bench.incident()).acknowledged_by)
    assert (await kinds(bench))["Acknowledged"] == 1
    (other,) = set(both) - {first.key}
    assert bench.whispers(other) == [f"{first.name} acknowledged INC-1 already."]
    assert bench.whispers(first.key) == []


# -- who may approve what --------------------------------------------------------------------------------------------


async def test_a_guest_approves_nothing(bench: Bench):
    """An approver of the directory whom Slack calls a guest since the dialog opened: refused in it, nothing recorded."""
    ts = await proposed(bench)
    ben = await bench.person("ben")
    await ben.click("approve.open", in_thread_of=ts)
    await ben.wait_for_view("approve")
    people = bench.slack.workspace.people
    people["U0BEN"] = replace(people["U0BEN"], is_restricted=True)
    bench.clock.forward(15 * 60 + 1)
    before = await kinds(bench)
    await ben.submit({})
    assert standing.GUEST in str(await ben.views())
    await ben.close_view()
    await ben.click("approve.open", in_thread_of=ts)
    await bench.settle()
    assert bench.whispers("ben") == [standing.GUEST]
    assert await ben.views() == []
    assert await kinds(bench) == before
    assert (await bench.incident()).mitigations["M1"].approvals == ()


async def test_nobody_approves_their_own(bench: Bench):
    """Ben may approve, but he proposed it: refused with the reason, and Dev then approves the same plan."""
    ts = await proposed(bench, by="ben")
    ben, dev = await bench.person("ben"), await bench.person("dev")
    await ben.click("approve.open", in_thread_of=ts)
    await ben.submit({})
    assert "You proposed M1; a second person must approve it" in str(await ben.views())
    assert (await bench.incident()).mitigations["M1"].approvals == ()
    await dev.click("approve.open", in_thread_of=ts)
    await dev.submit({})
    (given,) = (await bench.incident()).mitigations["M1"].approvals
    assert given.person == (await bench.who("dev")).id


async def test_a_dialog_of_another_plan_approves_nothing(bench: Bench):
    """The digest is another one than what was read: refused with what to do; opened anew it is approved."""
    ts = await proposed(bench)
    ben = await bench.person("ben")
    await ben.click("approve.open", in_thread_of=ts)
    view = await ben.wait_for_view("approve")
    digest = (await bench.incident()).mitigations["M1"].digest
    _, shown = bench.slack.dialogs.find(view["id"])
    assert digest in shown["private_metadata"]
    shown["private_metadata"] = shown["private_metadata"].replace(digest, "0" * len(digest))
    await ben.submit({})
    assert "The plan of M1 changed since you opened it; read it again" in str(await ben.views())
    assert (await bench.incident()).mitigations["M1"].state is State.PROPOSED
    await ben.close_view()
    await ben.click("approve.open", in_thread_of=ts)
    await ben.submit({})
    assert [one.digest for one in (await bench.incident()).mitigations["M1"].approvals] == [digest]


# -- dialogs ---------------------------------------------------------------------------------------------------------


async def test_three_dialogs_on_one_another_are_no_dead_click(bench: Bench):
    """Slack stacks no fourth: what was asked for takes the place of the one that was clicked in."""
    await bench.declared()
    ana = await bench.person("ana")
    for _ in range(3):
        await ana.click("more", value="legal.open INC-1")
    third = (await ana.views())[-1]["id"]
    assert (await ana.click_in_view("impact.open"))["acked"]
    await bench.settle()
    views = await ana.views()
    assert [one["callback_id"] for one in views] == ["legal", "legal", "impact"]
    assert views[-1]["id"] == third
    assert {one["outcome"] for one in bench.calls("views.push")} == {"push_limit_reached"}
    await ana.submit({"events": "7", "people": "", "money": "0", "unknowns": "people: no ids"})
    assert (await bench.incident()).impact.events == 7


async def test_a_refusal_over_three_dialogs_is_told(bench: Bench):
    """No room for a sentence above them: it comes by direct message, and what was typed below stays."""
    await bench.declared()
    ana = await bench.person("ana")
    for _ in range(3):
        await ana.click("more", value="legal.open INC-1")
    bench.log.silent = True
    assert (await ana.click_in_view("impact.open"))["acked"]
    bench.log.silent = False
    await bench.settle()
    assert [one["callback_id"] for one in await ana.views()] == ["legal"] * 3
    (told,) = bench.slack.workspace.memory.messages["D0ANA"].values()
    assert told["text"].startswith("Not recorded")


class SlowLog:
    """A log whose next answer comes when Slack's three seconds are over."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._times = bench, 1

    async def load(self, name: str) -> Any:
        if self._times:
            self._times -= 1
            self._bench.clock.forward(4)
        return await self._bench.log.load(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bench.log, name)


async def test_a_trigger_that_expires_behind_a_slow_record(bench: Bench):
    """A dialog cannot be opened any more: it is said, and the next click opens it; what needs no dialog is recorded."""
    await bench.declared()
    ana = await bench.person("ana")
    bench.desk.handler.log = SlowLog(bench)
    assert (await ana.click("update.open"))["acked"]
    await bench.settle()
    assert [one["outcome"] for one in bench.calls("views.open")] == ["expired_trigger_id"]
    assert bench.whispers("ana") == [AGAIN]
    await ana.click("update.open")
    await ana.wait_for_view("update")
    bench.desk.handler.log = SlowLog(bench)
    await ana.submit({"text": "We roll back"})
    bench.desk.handler.log = SlowLog(bench)
    await ana.click("ack")
    await bench.settle()
    assert await ana.views() == []
    assert (await kinds(bench)) >= Counter(UpdatePosted=1, Acknowledged=1)


async def test_a_trigger_that_expires_in_a_dialog(bench: Bench):
    """Nothing can be put on top of it any more: the dialog that was asked for takes its place."""
    await bench.declared()
    ana = await bench.person("ana")
    await ana.click("more", value="legal.open INC-1")
    await ana.wait_for_view("legal")
    bench.desk.handler.log = SlowLog(bench)
    assert (await ana.click_in_view("impact.open"))["acked"]
    await bench.settle()
    assert [one["callback_id"] for one in await ana.views()] == ["impact"]


async def test_a_view_another_hand_changed_is_drawn_as_things_are(bench: Bench):
    """The hash is an older one: not written over blindly, drawn once more with the newest."""
    await bench.declared()
    await bench.say(AddWhy("The labels are gone"), "ana")
    ana = await bench.person("ana")
    await ana.click("more", value="whys.open INC-1")
    view = await ana.wait_for_view("whys")
    _, shown = bench.slack.dialogs.find(view["id"])
    redraw = bench.room.ingress.answers._redraw

    async def late(door: Any, reply: Any) -> None:
        shown["hash"] = "another hand's"  # between the click and the answer to it
        await redraw(door, reply)

    bench.room.ingress.answers._redraw = late
    assert (await ana.click_in_view("whys.ask"))["acked"]
    assert [one["outcome"] for one in bench.calls("views.update")] == ["hash_conflict", "ok"]
    assert [one["callback_id"] for one in await ana.views()] == ["whys"]
    assert shown["hash"] != "another hand's"


# -- a search and an address that ran out ----------------------------------------------------------------------------


class SilentPeople:
    """A directory whose database is silent."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable("the directory", "no answer within 1.5 s")


async def test_a_search_while_the_record_is_silent_offers_nothing_in_time(bench: Bench):
    """Acknowledged with no options; when the record is back the same search finds them."""
    many = {f"model-{n}": replace(bench.desk.catalogue.services["visits"], name=f"model-{n}") for n in range(150)}
    bench.desk.catalogue = replace(bench.desk.catalogue, services=many)
    ana = await bench.person("ana")
    await ana.command("/incident", "declare")
    view = await ana.wait_for_view("declare")
    asked = {"view_id": view["id"], "action_id": "value", "block_id": "service", "query": "model-14"}
    people, bench.desk.people = bench.desk.people, SilentPeople()
    assert await ana._post("options", asked) == {"ok": True, "acked": True, "options": []}
    bench.desk.people = people
    assert "model-14" in json.dumps(await ana._post("options", asked))


async def test_a_response_url_that_is_used_up(bench: Bench):
    """Five answers go by the click's own address, the sixth and any after half an hour by direct message: none is lost."""
    await bench.declared()
    ana = await bench.person("ana")
    await ana.click("update.open")
    await ana.click("update.open")
    addresses = [f"{bench.slack.url}/respond/{key}" for key in bench.slack.workspace.response_urls]
    doors = [Door(CLICK, "", TEAM, "U0ANA", "C0INC", response_url=one) for one in addresses]
    bench.slack.workspace.strict.without = frozenset({"chat.postEphemeral"})
    answers = bench.room.ingress.answers
    for number in range(1, 7):
        await answers.whisper(doors[0], f"answer {number}")
    bench.clock.forward(30 * 60 + 1)
    await answers.whisper(doors[1], "too late")
    assert bench.whispers("ana") == [f"answer {number}" for number in range(1, 6)]
    assert [one["text"] for one in bench.slack.workspace.memory.messages["D0ANA"].values()] == ["answer 6", "too late"]
