"""Promises with an owner and a date: kept, moved, and made by hand."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.followup import AddFollowUp
from bot.domain.lifecycle import Resolve
from tests.slack.bench import Bench
from tests.slack.learning import block, button, fill


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def promised(bench: Bench, owner: str = "ben") -> None:
    await bench.declared()
    due = (bench.clock.now() + timedelta(days=7)).date()
    await bench.say(AddFollowUp("Gate every slice", (await bench.who(owner)).id, due), "ana")
    await bench.say(Resolve("over", "seen"), "ana")


async def test_done_and_done_again(bench: Bench):
    """The summary's button ends it once; pressed in an older message it says so; the summary strikes it off."""
    await promised(bench)
    ana, ben = await bench.person("ana"), await bench.person("ben")
    (card,) = bench.posts("card")
    await button(bench, "followup.done", "U1")
    await ana.click("followup.done", in_thread_of=card["ts"])
    await bench.settle()
    assert (await bench.incident()).followups["U1"].done is not None
    assert "✓ U1 Gate every slice" in str(bench.posts("summary")[0]["blocks"])
    assert "followup.done" not in str(bench.posts("summary")[0]["blocks"])
    await ben.click("followup.done")
    await bench.settle()
    assert bench.whispers("ben") == ["U1 is done already."]
    await button(bench, "followup.done", "U9")
    await ben.click("followup.done")
    await bench.settle()
    assert bench.whispers("ben")[-1] == "There is no follow-up U9"


async def test_a_promise_changes_hands_in_the_summary(bench: Bench):
    """Owner and day are chosen, not typed; a day that has passed and a stranger are marked at their questions."""
    await promised(bench)
    ana = await bench.person("ana")
    (card,) = bench.posts("card")
    await ana.click("more.followup", in_thread_of=card["ts"], value="followup.change INC-1/U1")
    view = await ana.wait_for_view("followup.move")
    assert block(view, "due")["element"]["type"] == "datepicker"
    assert block(view, "owner")["element"]["initial_user"] == "U0BEN"
    await ana.submit({"owner": "U0GUS", "due": "2027-01-31"})
    assert "does not know" in (await ana.errors())["owner"]
    await ana.submit({"owner": "U0DEV", "due": "2001-01-01"})
    assert "passed already" in (await ana.errors())["due"]
    await ana.submit({"owner": "U0DEV", "due": "2027-01-31"})
    await bench.settle()
    item = (await bench.incident()).followups["U1"]
    assert (item.owner, item.due.isoformat()) == ((await bench.who("dev")).id, "2027-01-31")
    assert "<@U0DEV> until 2027-01-31" in str(bench.posts("summary")[0]["blocks"])


async def test_counsel_moves_their_own_promise_from_the_home_tab(bench: Bench):
    """The owner may, whatever their role; nobody else's."""
    await promised(bench, "cleo")
    cleo = await bench.person("cleo")
    await cleo.open_home()
    await bench.slack.delivery.settle()
    await bench.settle()
    home = await cleo.home()
    assert home is not None
    body = {"view_id": home["id"], "action_id": "more.followup", "value": "followup.change INC-1/U1"}
    await cleo._post("click", body)
    await cleo.wait_for_view("followup.move")
    await cleo.submit({"owner": "U0CLEO", "due": "2027-01-31"})
    assert (await bench.incident()).followups["U1"].due.isoformat() == "2027-01-31"


async def test_a_promise_made_by_hand(bench: Bench):
    """From the card's button after the end: the day is chosen, fourteen days ahead at first."""
    await bench.declared()
    await bench.say(Resolve("over", "seen"), "ana")
    ana = await bench.person("ana")
    (card,) = bench.posts("card")
    await ana.click("followup.open", ts=card["ts"])
    view = await ana.wait_for_view("followup")
    ahead = (bench.clock.now() + timedelta(days=14)).date().isoformat()
    assert block(view, "due")["element"]["initial_date"] == ahead
    assert await fill(bench, "ana", text="Test the export") == {}
    (item,) = (await bench.incident()).followups.values()
    assert (item.owner, item.due.isoformat()) == ((await bench.who("ana")).id, ahead)
