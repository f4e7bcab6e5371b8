"""The dialog to resolve where more is open than it has questions for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.phase import Phase
from bot.domain.sli import Attach, Judged, Sli
from bot.slack.views.resolve import REST
from tests.slack.bench import Bench
from tests.slack.learning import block, resolving, told


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def failing(bench: Bench, many: int, words: str = "") -> None:
    """So many objectives failed with it."""
    now = bench.clock.now()
    for number in range(many):
        sli = Sli(f"slo-{number}{words}", Judged.BREACHED, "burns", now, now, 0.1, 0.9, 1, 2.0)
        await bench.desk.submit("INC-1", Attach(sli))
    await bench.settle()


async def test_more_checks_than_questions_share_the_last_one(bench: Bench):
    """Nineteen have one each, six are listed and share one; without it nothing is resolved, with it each has its reason."""
    await bench.declared()
    await failing(bench, 25)
    view = await resolving(bench)
    names = [one["block_id"] for one in view["blocks"] if one["type"] == "input" and "waive" in one["block_id"]]
    assert len(names) == 20
    assert "6 others" in block(view, REST)["label"]["text"]
    assert all(f"slo-{number} is breached" in str(view["blocks"]) for number in range(25))
    ana, own = await bench.person("ana"), dict.fromkeys(names[:-1], "rolled back")
    await ana.submit({"summary": "It is over", **own, REST: "  "})
    assert set(await ana.errors()) == {REST}
    await ana.submit({"summary": "It is over", **own, REST: "one cause for all"})
    await bench.settle()
    assert (await bench.incident()).phase is Phase.RESOLVED
    said = (await told(bench))[-1]
    assert said.count("because rolled back") == 19
    assert said.count("because one cause for all") == 6


async def test_twenty_checks_have_a_question_each(bench: Bench):
    """At the edge nothing is shared."""
    await bench.declared()
    await failing(bench, 20)
    view = await resolving(bench)
    assert len([one for one in view["blocks"] if one["type"] == "input" and "waive-" in one["block_id"]]) == 20
    assert REST not in str(view["blocks"])


async def test_more_checks_than_can_be_read_are_resolved_on_the_console(bench: Bench):
    """No button that could never work: how many there are, and a link."""
    await bench.declared()
    await failing(bench, 40, "-" + "x" * 200)
    (card,) = bench.posts("card")
    ana = await bench.person("ana")
    await ana.click("more", value="resolve.open INC-1", ts=card["ts"])
    view = await ana.wait_for_view("info")
    assert "40 checks are open" in str(view["blocks"])
    assert "https://tocsin.example/incidents/INC-1" in str(view["blocks"])
    assert not view.get("submit")
