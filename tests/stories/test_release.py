"""The main walk: a bad release, found by its slice, bypassed, rolled back by two people, proved by the data."""

from pathlib import Path

from bot.domain.approval import ApproveMitigation
from bot.domain.finding import Cause
from bot.domain.lifecycle import Resolve
from bot.domain.measures import lag
from bot.domain.mitigation import State
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.engine.values import Found
from bot.web.health import Numbers
from tests.world import World


async def test_a_bad_release_is_found_rolled_back_and_proved(tmp_path: Path) -> None:
    """From healthy traffic to a verified rollback: onset from the data, one page, two people, one change."""
    async with World.open(tmp_path) as world:
        world.instrument.found = [
            Found("v2 was trained with label rate 0.00 in the slice, v1 with 0.43", (("training_data", 4.0),)),
        ]
        await world.healthy()
        assert await world.house.desk.log.open_ids() == []
        began = world.clock.now()
        await world.broken()
        incident = await world.incident()
        assert incident.slice == "health=poor"
        assert abs((incident.onset - began).total_seconds()) <= 2
        assert incident.detected > incident.onset
        assert world.phone.pages == [("ana", "page:INC-1:0")]
        assert incident.cause == Cause.TRAINING_DATA
        assert incident.run is not None
        assert incident.run.book.name == "bad-release"

        await world.say(Acknowledge(), "ana")
        await world.propose("rollback-v1", "ana")
        incident = await world.incident()
        digest = incident.mitigations["M1"].digest
        assert incident.mitigations["M1"].held
        assert "second person" in await world.refuses(ApproveMitigation("M1", digest), "ana") or "only" in (
            await world.refuses(ApproveMitigation("M1", digest), "ana")
        )
        await world.say(ApproveMitigation("M1", digest), "ben")
        assert world.router.weights == {"v1": 100, "v2": 0}
        assert len(world.router.applied) == 1
        assert (await world.incident()).mitigations["M1"].state is State.APPLIED

        await world.healthy(30)
        incident = await world.incident()
        assert incident.mitigations["M1"].state is State.VERIFIED
        assert incident.phase is Phase.MITIGATED
        await world.say(Resolve("v2 was rolled back"), "ana")
        assert (await world.incident()).phase is Phase.RESOLVED
        heads = await world.house.desk.log.verify()
        assert set(heads) == {"INC-1"}
        assert any("verified" in line for line in await world.lines())


async def test_a_breach_that_comes_back_pages_again(tmp_path: Path) -> None:
    """Mitigated is not over: when the data break again, on call is paged anew, until somebody takes it once more."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        await world.say(Acknowledge(), "ana")
        first = (await world.incident()).acknowledged
        await world.healthy(60)
        assert (await world.incident()).phase is Phase.MITIGATED
        assert world.phone.pages == [("ana", "page:INC-1:0")]
        await world.broken()
        back = await world.incident()
        assert (back.phase, back.unclaimed, back.mitigated) == (Phase.DECLARED, True, None)
        assert world.phone.pages[1:] == [("ana", "page:INC-1:0:b1")]
        again = await world.say(Acknowledge(), "ben")
        assert (again.phase, again.acknowledged, again.acknowledged_by) == (
            Phase.ACKNOWLEDGED,
            first,
            (await world.who("ben")).id,
        )
        await world.round(seconds=3600)
        assert len(world.phone.pages) == 2


async def test_ten_quiet_polls_append_nothing_and_show_nothing(tmp_path: Path) -> None:
    """Healthy polls write no entry and send no message."""
    async with World.open(tmp_path) as world:
        await world.healthy(10)
        assert await world.house.desk.summaries() == []
        assert world.board.shown == []
        assert world.phone.pages == []


async def test_the_bots_own_lag_is_told(tmp_path: Path) -> None:
    """How old the sample was, how long the poll, the verdict and the first page took: with the incident, and exported."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        incident = await world.incident()
        assert set(lag(incident)) == {"scrape", "poll", "judge", "post"}
        assert all(0 <= seconds < 5 for seconds in lag(incident).values())
        numbers = Numbers(world.house.desk, world.house.watch)
        for _ in range(2):  # each incident counts once
            text = (await numbers.text()).decode()
            assert 'tocsin_detection_lag_seconds_count{stage="judge"} 1.0' in text
            assert 'tocsin_detection_lag_seconds_count{stage="post"} 1.0' in text
