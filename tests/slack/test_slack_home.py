"""The Home tab: what waits with its clock, who is on call, what was promised, and quiet where nothing is."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.blockkit.validate import validate_view
from bot.domain.errors import Unavailable
from bot.domain.five_whys import AddWhy
from bot.domain.followup import AddFollowUp, FinishFollowUp
from bot.domain.lifecycle import Close, Resolve
from bot.domain.paging import Acknowledge
from bot.slack import standing
from bot.slack.handlers.typed import open_situations
from bot.slack.views import home
from tests.slack.bench import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def tab(bench: Bench, key: str) -> str:
    """What a person sees who opens the tab now."""
    person = await bench.person(key)
    await person.open_home()
    await bench.slack.delivery.settle()
    await bench.settle()
    view = await person.home()
    assert view is not None
    assert validate_view({name: view[name] for name in ("type", "blocks")}) == []
    return str(view["blocks"])


def published(bench: Bench) -> list[dict[str, Any]]:
    return [one["sent"] for one in bench.calls("views.publish")]


class SilentPeople:
    """A directory whose database does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable("the directory", "no answer within 1.5 s")


async def promised(bench: Bench, owner: str, text: str, days: int, *, close: bool = True) -> str:
    """An incident that is over, and what its owner promised in it."""
    name = (await bench.declared()).id
    who = await bench.who(owner)
    await bench.say(AddFollowUp(text, who.id, bench.clock.now().date() + timedelta(days=days)), "ana", name)
    await bench.say(Resolve("over", "seen"), "ana", name)
    if close:
        await bench.say(Close(), "ana", name)
    return name


async def test_a_quiet_day_is_pleasant(bench: Bench):
    """Nothing open: it says so calmly, tells who is on call, and offers to declare."""
    seen = await tab(bench, "cleo")
    assert "Nothing waits for you." in seen
    assert "You are in no open incident." in seen
    assert "You promised nothing that is still open." in seen
    assert "*Doctor-visits model*: <@U0ANA> now, then <@U0BEN>" in seen
    assert "declare.open" in seen


async def test_each_thing_that_waits_has_its_clock_and_its_button(bench: Bench):
    """The page first, then the proposal with its end, the update with its time; the buttons lead there."""
    await bench.declared()
    assert "waits for you since <!date^" in await tab(bench, "ana")
    await bench.say(Acknowledge(), "ana")
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ana"))
    seen = await tab(bench, "ana")
    due = (await bench.incident()).update_due
    assert due is not None
    assert f"next update due <!date^{int(due.timestamp())}^" in seen
    assert "Review & approve" not in seen
    ends = (await bench.incident()).mitigations["M1"].expires_at
    seen = await tab(bench, "ben")
    assert f"M1 rollback on visits-router, until <!date^{int(ends.timestamp())}^" in seen
    assert "Review & approve" in seen
    bench.clock.forward(61 * 60)
    assert "⚠ update overdue since" in await tab(bench, "ana")


async def test_promises_of_closed_incidents_stand_there_overdue_first(bench: Bench):
    """Open, resolved or closed: the owner's own, in order of their dates, until they are kept."""
    late = await promised(bench, "ben", "alert on lag", 1)
    soon = await promised(bench, "ben", "test the reader", 5, close=False)
    await promised(bench, "dev", "tell the consumers", 2)
    bench.clock.forward(3 * 24 * 3600)
    seen = await tab(bench, "ben")
    assert seen.index("alert on lag") < seen.index("test the reader")
    assert "tell the consumers" not in seen
    assert seen.count("overdue") == 1
    assert late in seen
    assert soon in seen
    await bench.say(FinishFollowUp("U1"), "ben", late)
    assert "alert on lag" not in await tab(bench, "ben")


async def test_a_promise_of_a_restricted_incident_tells_no_content(bench: Bench):
    """The owner learns that it is there, and where; nothing is done from here."""
    name = (await bench.declared("Secret canary", by="dev", restricted=True)).id
    who = await bench.who("ben")
    await bench.say(AddFollowUp("feed the canary", who.id, bench.clock.now().date()), "dev", name)
    seen = await tab(bench, "ben")
    assert "follow-up of a restricted incident" in seen
    assert "feed the canary" not in seen
    assert "followup.done" not in seen


async def test_a_restricted_incident_stands_there_without_its_content(bench: Bench):
    """On the tab, in the list and in the queue named people read that it is there; only Acknowledge is a button."""
    await bench.declared("Secret canary", by="dev", restricted=True)
    dev = await bench.person("dev")

    async def everywhere() -> str:
        seen = [await tab(bench, "dev"), await tab(bench, "ana")]
        for words in ("list", "approve", "approve M1", "legal"):
            await dev.command("/incident", words)
            await bench.settle()
        seen.append(str([one for one in bench.slack.workspace.ephemerals if one["for"] == "U0DEV"]))
        assert all("canary" not in one for one in seen)
        return "".join(seen)

    seen = await everywhere()
    assert "*SEV2 INC-1* is restricted. <https://tocsin.example/incidents/INC-1|Open in the console>" in seen
    assert "*SEV2 INC-1* is restricted and waits for you since <!date^" in seen  # ana is on call
    await bench.say(Acknowledge(), "dev")
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ben"))
    await bench.desk.request_notice("INC-1", "stakeholders/update", await bench.who("ben"))
    await bench.desk.ask_approval("INC-1", "N1", await bench.who("ben"))
    seen = await everywhere()
    assert "*SEV2 INC-1* is restricted: M1 waits for you on the console." in seen
    assert "*SEV2 INC-1* is restricted: N1 waits for you on the console." in seen
    assert "*SEV2 INC-1* is restricted: something waits for you on the console." in seen  # the next update
    assert all(deed not in seen for deed in ("approve.open", "notice.open", "update.open"))
    await dev.command("/incident", "list")
    assert "restricted" in bench.whispers("dev")[-1]


async def test_much_is_counted_not_cut(bench: Bench):
    """Thirty incidents and thirty promises fit into a hundred blocks, and what is left out is counted."""
    who = await bench.who("ana")
    for number in range(30):
        made = await bench.desk.declare(f"n {number}", 2, "visits", "it fell", who)
        due = bench.clock.now().date() + timedelta(days=number)
        await bench.desk.submit(made.id, AddFollowUp(f"promise {number}", who.id, due), who)
    bench.dirty.clear()
    seen = await tab(bench, "ana")
    assert "… and 18 more on the console" in seen
    assert "… and 18 more on the console, due later" in seen
    view = await (await bench.person("ana")).home()
    assert view is not None
    assert len(view["blocks"]) <= 100


async def test_a_service_without_anybody_on_call_is_marked(bench: Bench):
    """Nobody believes that somebody would be paged."""
    view = home.render([], (await bench.who("ana")).person, bench.desk.catalogue.policy, [home.Shift("Loans")])
    assert "*Loans*: ⚠ nobody is on call" in str(view)


async def test_a_tab_is_published_when_something_changed_and_only_then(bench: Bench):
    """Ten refreshes without news send nothing; news does, with the hash of the one before."""
    await bench.declared()
    await tab(bench, "ana")
    before = len(published(bench))
    for _ in range(10):
        assert await bench.room.ingress.refresh_homes()
    assert len(published(bench)) == before
    await bench.say(Acknowledge(), "ana")
    assert await bench.room.ingress.refresh_homes()
    assert len(published(bench)) == before + 1
    assert published(bench)[-1]["hash"]


async def test_after_an_hour_a_tab_is_left_alone(bench: Bench):
    """Whoever does not look is not published for."""
    await bench.declared()
    await tab(bench, "ana")
    before = len(published(bench))
    bench.clock.forward(3_601)
    await bench.say(Acknowledge(), "ana")
    assert await bench.room.ingress.refresh_homes()
    assert len(published(bench)) == before


async def test_a_tab_another_replica_published_is_published_over(bench: Bench):
    """The hash tells that somebody was here; what is shown is the newest state, by one more call."""
    await bench.declared()
    await tab(bench, "ana")
    await bench.room.client.publish_home("U0ANA", home.stranger())
    await bench.say(Acknowledge(), "ana")
    before = len(published(bench))
    assert await bench.room.ingress.refresh_homes()
    assert len(published(bench)) == before + 2
    view = await (await bench.person("ana")).home()
    assert "next update due" in str(view)


async def test_a_stranger_reads_whom_to_ask(bench: Bench):
    """Nothing of any incident, and no other tab is disturbed."""
    await bench.declared()
    assert "Ask an administrator" in await tab(bench, "gus")
    assert "Recall" not in await tab(bench, "gus")


async def test_a_guest_reads_why_there_is_nothing_for_them(bench: Bench):
    """The directory knows Ben, Slack calls him a guest: he reads that, and not that nobody knows him."""
    people = bench.slack.workspace.people
    people["U0BEN"] = replace(people["U0BEN"], is_restricted=True)
    seen = await tab(bench, "ben")
    assert standing.GUEST in seen
    assert "does not know you" not in seen


@pytest.mark.parametrize("silent", ["log", "people"])
async def test_a_tab_opened_while_the_record_is_silent_comes_when_it_answers(bench: Bench, silent: str):
    """It says so at once, is published without another look, and once is enough."""
    await bench.declared()
    assert "waits for you since" in await tab(bench, "ben")  # an older tab stands there already
    people = bench.desk.people
    bench.log.silent = silent == "log"
    if silent == "people":
        bench.desk.people = SilentPeople()
    assert home.SILENT in await tab(bench, "ana")
    assert home.SILENT in await tab(bench, "ben")
    many = len(published(bench))
    for _ in range(3):
        await bench.room._refresh()
    assert len(published(bench)) == many  # nothing new to say
    bench.log.silent, bench.desk.people = False, people
    await bench.room._refresh()
    for key in ("ana", "ben"):
        assert "waits for you since" in str(await (await bench.person(key)).home())
    many = len(published(bench))
    await bench.room._refresh()
    assert len(published(bench)) == many


async def test_done_from_the_tab(bench: Bench):
    """A promise is kept with one click; the second click, on a tab that is not fresh yet, is answered."""
    name = await promised(bench, "ben", "alert on lag", 1)
    await tab(bench, "ben")
    body = {
        "type": "block_actions", "team": {"id": "T0TOCSIN"}, "user": {"id": "U0BEN", "team_id": "T0TOCSIN"},
        "view": {"type": "home"}, "actions": [{"action_id": "followup.done", "value": f"{name}/U1", "type": "button"}],
    }  # fmt: skip
    for trigger in ("one", "two"):
        await bench.room.ingress.take(body | {"trigger_id": trigger})
        await bench.settle()
    assert (await bench.incident(name)).followups["U1"].done is not None
    entries = await bench.desk.log.entries(name)
    assert sum(type(one.event).__name__ == "FollowUpFinished" for one in entries) == 1
    (shown,) = bench.calls("views.open")
    assert "U1 is done already." in str(shown["sent"]["view"])


async def test_the_tab_holds_with_everything_at_once(bench: Bench):
    """A busy incident, a promise and a chain of whys: Slack would take the view, for each person."""
    await promised(bench, "ana", "x" * 900, 1)
    await bench.declared("y" * 200)
    await bench.say(AddWhy("w" * 500), "ana", "INC-2")
    for key in ("ana", "ben", "cleo", "dev"):
        await tab(bench, key)
    assert len(await open_situations(bench.desk, [(await bench.who("ana")).id])) == 1
