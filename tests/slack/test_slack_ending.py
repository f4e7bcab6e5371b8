"""What is still open when it is to be over: each check with its own reason, each change that stays a promise."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.approval import DeclineMitigation
from bot.domain.checks import resolve_checks
from bot.domain.errors import Refused
from bot.domain.phase import Phase
from bot.slack.views.resolve import question
from tests.slack.bench import Bench
from tests.slack.learning import button, fill, resolving, staying, told


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def test_each_open_check_takes_its_own_reason(bench: Bench):
    """Two proposals wait: one reason is not enough, and each stands in the timeline and in the summary."""
    await bench.declared()
    for offer in ("rollback-v1", "bypass-poor"):
        await bench.desk.changes.propose("INC-1", offer, "", await bench.who("ana"))
    await bench.settle()
    await resolving(bench)
    first, second = [question(check) for check in resolve_checks(await bench.incident()) if check.open]
    ana = await bench.person("ana")
    with pytest.raises(Refused, match=second):  # Slack itself asks for the other
        await ana.submit({"summary": "It is over", first: "withdrawn"})
    await ana.submit({"summary": "It is over", first: "withdrawn", second: "  "})
    assert await ana.errors() == {second: "Say why it is over all the same."}
    await ana.submit({"summary": "It is over", first: "withdrawn", second: "not needed any more"})
    await bench.settle()
    assert (await bench.incident()).phase is Phase.RESOLVED
    (summary,) = bench.posts("summary")
    for words in (str(summary["blocks"]), (await told(bench))[-1]):
        assert "M1 is still under way (proposed), because withdrawn" in words
        assert "M2 is still under way (proposed), because not needed any more" in words


async def test_a_check_that_changed_brings_the_dialog_back(bench: Bench):
    """A proposal came after the dialog was opened: the new list is shown, and what was typed is still there."""
    await bench.declared()
    await resolving(bench)
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ben"))
    ana = await bench.person("ana")
    await ana.submit({"summary": "It is over, the labels are back"})
    (view,) = await ana.views()
    assert "Something changed meanwhile" in str(view["blocks"])
    assert "✗ M1 is still under way (proposed)" in str(view["blocks"])
    assert view["state"]["values"]["summary"]["value"]["value"] == "It is over, the labels are back"
    assert (await bench.incident()).is_open
    (check,) = [check for check in resolve_checks(await bench.incident()) if check.open]
    await ana.submit({question(check): "withdrawn"})
    assert (await bench.incident()).phase is Phase.RESOLVED


async def test_a_check_that_was_met_meanwhile_needs_no_reason(bench: Bench):
    """The other way round: the proposal was declined, the dialog says so and asks no more."""
    await bench.declared()
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ana"))
    await bench.settle()
    await resolving(bench)
    (check,) = [check for check in resolve_checks(await bench.incident()) if check.open]
    await bench.say(DeclineMitigation("M1", "no"), "ben")
    ana = await bench.person("ana")
    await ana.submit({"summary": "It is over", question(check): "it waits for nobody"})
    (view,) = await ana.views()
    assert "waive-" not in str(view["blocks"])
    await ana.submit({})
    await bench.settle()
    assert "waived" not in (await told(bench))[-1]


async def test_what_stays_in_place_becomes_a_promise(bench: Bench):
    """The tick is set; the lead has fourteen days, and the summary lists it with its button."""
    await bench.declared()
    await staying(bench)
    view = await resolving(bench)
    assert "M1 (rollback on visits-router) stays in place" in str(view["blocks"])
    await fill(bench, "ana", summary="v1 is back")
    (item,) = (await bench.incident()).followups.values()
    assert item.owner == (await bench.who("ana")).id
    assert item.due == (bench.clock.now() + timedelta(days=14)).date()
    assert "M1 (rollback on visits-router) permanent, or undo it" in item.text
    assert item.text in str(bench.posts("summary")[0]["blocks"])


async def test_the_tick_taken_away_makes_none(bench: Bench):
    """Nobody is promised anything they did not want."""
    await bench.declared()
    await staying(bench)
    await resolving(bench)
    await fill(bench, "ana", summary="v1 is back", permanent=[])
    assert (await bench.incident()).phase is Phase.RESOLVED
    assert (await bench.incident()).followups == {}


async def test_resolving_twice_and_by_whom(bench: Bench):
    """The second dialog that is sent changes nothing; one opened later says that it is over; counsel may not."""
    await bench.declared()
    cleo = await bench.person("cleo", "C0LEGAL")
    await button(bench, "resolve.open", room="C0LEGAL")
    await cleo.click("resolve.open", room="C0LEGAL")
    await cleo.submit({"summary": "over"})
    assert "may resolve an incident" in str(await cleo.errors())
    await resolving(bench)
    await resolving(bench, "ben")
    await fill(bench, "ana", summary="over")
    assert await fill(bench, "ben", summary="over, says ben") == {}
    assert sum("resolved it" in line for line in await told(bench)) == 1
    await button(bench, "resolve.open")
    ana = await bench.person("ana")
    await ana.click("resolve.open")
    assert "INC-1 is resolved already." in str(await ana.views())
