"""The clockwork: a source slower than the tick costs one sentence, not a warning at every tick."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import structlog

from bot.config.heartbeat import Heartbeat
from bot.durable.keys import doing
from bot.durable.memory import Work
from bot.engine.rounds import Rounds
from tests.world import World


class Slow:
    """A watch whose tick lasts until it is let go."""

    def __init__(self) -> None:
        self.ticks, self.go = 0, asyncio.Event()

    async def tick(self, *, leads: bool) -> None:
        self.ticks += 1
        await self.go.wait()


class Lead:
    async def holds(self) -> bool:
        return True


async def test_ticks_during_a_slow_poll_are_left_out_in_one_sentence() -> None:
    """The poll goes on; what falls due meanwhile is one poll less. Once a poll is in time again, it may be said anew."""
    watch = Slow()
    rounds = Rounds(watch, SimpleNamespace(proving=set()), None, Lead())
    with structlog.testing.capture_logs() as logged:
        first = asyncio.create_task(rounds.poll())
        await asyncio.sleep(0)
        for _ in range(5):
            await rounds.poll()
        assert watch.ticks == 1
        watch.go.set()
        await first
        assert [each["event"] for each in logged] == [
            "a poll takes longer than poll.every; ticks are left out until it ends"
        ]
        await rounds.poll()
        assert watch.ticks == 2
    assert len(logged) == 1


async def test_a_chart_begins_where_there_is_something_to_see(tmp_path: Path) -> None:
    """The onset was set right to weeks ago, long before the data: the course is still drawn, not one bar of it."""
    async with World.open(tmp_path) as world:
        await world.healthy(30)
        await world.broken()
        desk, incident = world.house.desk, await world.incident()
        now = world.clock.now()
        for days in (0, 1, 60):
            drawn = desk._chart(incident.slo, incident.onset - timedelta(days=days), now)
            assert sum(bar.covered for bar in drawn.bars) >= 10, days


async def test_the_watch_over_ourselves_has_jobs_of_its_own(tmp_path: Path) -> None:
    """Beside the rounds, so that a poll that hangs holds up neither the care nor the heartbeat; it ends with them."""
    beat = Heartbeat(url="https://beats.example/x")
    async with World.open(tmp_path, heartbeat=beat) as world:
        rounds = world.house.rounds
        await rounds.start()
        jobs = {
            job.id: job.trigger.interval.total_seconds() for job in rounds._scheduler.get_jobs() if job.id != "prune"
        }
        assert {name: jobs[name] for name in ("vigil", "selfcare", "heartbeat")} == {
            "vigil": 15, "selfcare": 15, "heartbeat": 60,
        }  # fmt: skip
        held = {name: value for name, labels, value in rounds.vitals.samples(["tocsin_slo_events_total"])
                if labels["slo"] == "polls"}  # fmt: skip
        assert held == {"tocsin_slo_events_total": 1}
        await rounds.stop()


async def test_what_was_given_up_waits_for_no_minute(tmp_path: Path) -> None:
    """A page that was under way whenever the house died was not why it did: within seconds it is sent by another try."""
    async with World.open(tmp_path) as world:
        rounds = world.house.rounds
        await rounds.start()
        (job,) = [each for each in rounds._scheduler.get_jobs() if each.id == "letters"]
        assert job.trigger.interval.total_seconds() <= 5
        await world.healthy()
        key, now = "page:INC-1:0", world.clock.now()
        world.journal.work[doing(key, 1)] = Work("do", key, now, state="given up", ended_at=now)
        await world.broken()
        assert (await world.incident()).pages == {}
        await job.func()
        await world.round(seconds=6)
        incident = await world.incident()
        assert (incident.pages[key].reached, incident.troubles[key].count) == (True, 1)


async def test_the_bot_is_a_service_of_the_catalogue(tmp_path: Path) -> None:
    """Administrators are on call for it; where a file describes it, that counts, and they stand in where it names none."""
    async with World.open(tmp_path, admins=("max",)) as world:
        own = world.house.desk.catalogue.services["tocsin"]
        assert (own.title, own.on_call) == ("Tocsin itself", ("max",))
        services = {**world.installation().services, "tocsin": replace(own, title="The bell", on_call=())}
        await world.restart(services=services, admins=("ben",))
        own = world.house.desk.catalogue.services["tocsin"]
        assert (own.title, own.on_call) == ("The bell", ("ben",))
        services["tocsin"] = replace(own, on_call=("ana",))
        await world.restart(services=services, admins=("ben",))
        assert world.house.desk.catalogue.services["tocsin"].on_call == ("ana",)
