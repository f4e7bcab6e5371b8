"""Who leads: both people learn of a hand-over, a second click is answered, and nobody leads who may not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.paging import Acknowledge
from bot.domain.roles import Part
from tests.slack.bench import Bench
from tests.slack.talking import settled, signs


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        await made.declared()
        await made.say(Acknowledge(), "ana")
        yield made


async def leads(bench: Bench) -> str:
    found = await bench.desk.people.by_id((await bench.incident()).parts[Part.COMMANDER])
    assert found is not None
    return found.key


async def say(bench: Bench, key: str, words: str) -> None:
    (card,) = bench.posts("card")
    await (await bench.person(key)).say(f"@Tocsin {words}", in_thread_of=card["ts"])
    await settled(bench)


async def test_taking_the_lead_is_told_to_both(bench: Bench):
    """Who led reads who does now, who took it reads from whom; taken again it is theirs already."""
    await say(bench, "ben", "lead")
    assert await leads(bench) == "ben"
    assert bench.whispers("ana") == ["Ben Okafor leads INC-1 now instead of you."]
    assert bench.whispers("ben") == ["You lead INC-1 now instead of Ana Souza."]
    await say(bench, "ben", "lead")
    assert bench.whispers("ben")[1:] == ["You lead INC-1 already."]
    assert len(bench.whispers("ana")) == 1


async def test_giving_the_lead_is_told_to_who_has_it_now(bench: Bench):
    """Ben gives it to Dev: Dev and Ana learn so, and by whom."""
    await say(bench, "ben", "lead <@U0DEV>")
    assert await leads(bench) == "dev"
    assert bench.whispers("dev") == ["You lead INC-1 now instead of Ana Souza, says Ben Okafor."]
    assert bench.whispers("ana") == ["Dev Rao leads INC-1 now instead of you, says Ben Okafor."]
    assert bench.whispers("ben") == []
    assert signs(bench, bench.calls("reactions.add")[-1]["sent"]["timestamp"]) == ["heavy_check_mark"]


async def test_nobody_leads_who_may_not(bench: Bench):
    """Counsel could not even post an update: refused with what it takes, and Ana goes on leading."""
    await say(bench, "ben", "lead <@U0CLEO>")
    assert await leads(bench) == "ana"
    assert "Cleo Martin cannot be incident commander" in bench.whispers("ben")[0]
    assert bench.whispers("cleo") == []


async def test_where_nobody_can_be_told_the_lead_is_taken_all_the_same(bench: Bench):
    """Slack refuses the word to Ana: the record has it, and Ben has his answer."""
    bench.fault("chat.postEphemeral", "500")
    await say(bench, "ben", "lead")
    assert await leads(bench) == "ben"
    assert bench.whispers("ben") == ["You lead INC-1 now instead of Ana Souza."]
