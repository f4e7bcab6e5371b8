"""Two replicas watch the same data: one speaks, the other stands by, and takes over without a word lost or said twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.domain.sli import Judged
from bot.engine.watch import CHECKPOINT
from bot.wiring import House
from tests.world import World


@asynccontextmanager
async def pair(tmp_path: Path) -> AsyncIterator[tuple[World, House]]:
    """A world with its house, and a replica that stands by."""
    async with World.open(tmp_path) as world, world.another() as second:
        yield world, second


async def rounds(world: World, second: House, number: int, *, good: int, bad: int, leader: bool = True) -> None:
    """So many seconds; both replicas look at the same counters, the world's own first."""
    for _ in range(number):
        world.traffic("poor", good=good, bad=bad)
        if leader:
            await world.round()
        else:
            world.clock.forward(seconds=1)
        await second.watch.tick(leads=not leader)


async def test_who_stands_by_sees_all_and_tells_nobody(tmp_path: Path) -> None:
    """The same verdicts, one incident, one entry each; nothing is written over the leader's checkpoint."""
    async with pair(tmp_path) as (world, second):
        await rounds(world, second, 20, good=8, bad=2)
        before = await world.house.store.checkpoints.load([CHECKPOINT])
        assert before
        for _ in range(6):
            world.clock.forward(seconds=10)
            await second.watch.tick(leads=False)
        assert await second.desk.log.open_ids() == [], "no data is not told either"
        assert await world.house.store.checkpoints.load([CHECKPOINT]) == before
        await rounds(world, second, 12, good=0, bad=10)
        assert await second.desk.log.open_ids() == ["INC-1"]
        assert second.watch.verdicts["recall-poor"].state == world.house.watch.verdicts["recall-poor"].state
        assert world.phone.pages == [("ana", "page:INC-1:0")]


async def test_the_leader_dies_before_it_could_tell(tmp_path: Path) -> None:
    """A breach the second saw while it stood by, and that nobody told, is told by it as soon as it leads."""
    async with pair(tmp_path) as (world, second):
        await rounds(world, second, 20, good=8, bad=2)
        for _ in range(12):
            world.traffic("poor", good=0, bad=10)
            world.clock.forward(seconds=1)
            await second.watch.tick(leads=False)
        assert second.watch.episodes["recall-poor"].open
        assert await second.desk.log.open_ids() == []
        await rounds(world, second, 1, good=0, bad=10, leader=False)
        assert await second.desk.log.open_ids() == ["INC-1"]


async def test_the_leader_dies_after_it_told(tmp_path: Path) -> None:
    """The incident it opened after its last save is taken up: no second one, and its end is told."""
    async with pair(tmp_path) as (world, second):
        await rounds(world, second, 12, good=8, bad=2)
        await rounds(world, second, 12, good=0, bad=10)
        assert await second.desk.log.open_ids() == ["INC-1"]
        saved = await second.store.checkpoints.load([CHECKPOINT])
        assert "recall-poor" not in saved[CHECKPOINT]["episodes"], "the last save is older than the incident"
        entries = len(await second.desk.log.entries("INC-1"))
        await rounds(world, second, 2, good=0, bad=10, leader=False)
        assert len(await second.desk.log.entries("INC-1")) == entries
        await rounds(world, second, 30, good=8, bad=2, leader=False)
        incident = await second.desk.log.load("INC-1")
        assert incident.sli is not None
        assert incident.sli.judged is Judged.MET
        assert incident.mitigated is not None
        assert await second.desk.log.open_ids() == ["INC-1"]


async def test_the_data_recover_while_nobody_leads(tmp_path: Path) -> None:
    """Opened after the last save, over before the next replica leads: it is told all the same."""
    async with pair(tmp_path) as (world, second):
        await rounds(world, second, 12, good=8, bad=2)
        await rounds(world, second, 12, good=0, bad=10)
        for _ in range(30):
            world.traffic("poor", good=8, bad=2)
            world.clock.forward(seconds=1)
            await second.watch.tick(leads=False)
        assert (await second.desk.log.load("INC-1")).mitigated is None
        await rounds(world, second, 12, good=8, bad=2, leader=False)
        incident = await second.desk.log.load("INC-1")
        assert incident.mitigated is not None


async def test_a_restart_takes_up_an_incident_its_checkpoint_does_not_know(tmp_path: Path) -> None:
    """Killed after the incident was opened and before the next save, started again when it is over: its end is told."""
    async with World.open(tmp_path) as world:
        await world.healthy(12)
        await world.broken()
        saved = await world.house.store.checkpoints.load([CHECKPOINT])
        assert "recall-poor" not in saved[CHECKPOINT]["episodes"]
        await world.crash()
        await world.healthy(30)
        assert (await world.incident()).mitigated is not None
