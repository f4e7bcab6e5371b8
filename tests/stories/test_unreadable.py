"""One incident that cannot be read, as a newer program or a roll-back leaves it: everything else goes on, and it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import structlog
from sqlalchemy import delete, insert, select, update

from bot.domain.log import link
from bot.domain.noise import StormRules
from bot.domain.policy import Severity
from bot.engine.heartbeat import keeps_up
from bot.serving import console
from bot.store.tables import entries, incidents
from tests.engine.test_silence import silence
from tests.inbox import alert
from tests.web.fakes import HOME
from tests.world import World, objective, shipped


async def written_by_a_newer_one(world: World, name: str = "INC-1") -> None:
    """Its last entry once more, as a version of it that this program does not know."""

    async def work(connection) -> None:
        query = select(entries).where(entries.c.incident == name).order_by(entries.c.seq.desc()).limit(1)
        row = dict((await connection.execute(query)).mappings().one())
        stored = row["stored"].replace(b'"version":1', b'"version":99')
        stored = stored.replace(f'"seq":{row["seq"]}'.encode(), f'"seq":{row["seq"] + 1}'.encode())
        assert stored != row["stored"]
        after = {"seq": row["seq"] + 1, "before": row["hash"], "hash": link(row["hash"], stored), "stored": stored}
        await connection.execute(insert(entries).values(**row | after))
        await listed(connection, name, after["seq"], after["hash"])

    await world.house.store.database.write(work)


async def mended(world: World, name: str = "INC-1") -> None:
    """What could not be read is gone again."""

    async def work(connection) -> None:
        query = select(entries).where(entries.c.incident == name).order_by(entries.c.seq.desc()).limit(1)
        last = (await connection.execute(query)).one()
        await connection.execute(delete(entries).where(entries.c.incident == name, entries.c.seq == last.seq))
        await listed(connection, name, last.seq - 1, last.before)

    await world.house.store.database.write(work)


async def listed(connection, name: str, seq: int, head: str) -> None:
    """The list says where the log ends, as whoever writes the log writes it in the same transaction."""
    await connection.execute(update(incidents).where(incidents.c.id == name).values(seq=seq, head=head))


@asynccontextmanager
async def one_unreadable(folder: Path) -> AsyncIterator[World]:
    async with World.open(folder, admins=("max",)) as world:
        await world.healthy()
        await world.broken()
        assert (await world.incident()).is_open
        await written_by_a_newer_one(world)
        yield world


async def declared(world: World, title: str) -> str:
    who = await world.who("ben")
    return (await world.house.desk.declare(title, Severity.SEV1, "visits", "a call", who)).id


async def test_the_next_incident_is_paged(tmp_path: Path) -> None:
    """The task that looks goes on after it met the one, and pages for what is declared afterwards."""
    async with one_unreadable(tmp_path) as world:
        reconciler = world.house.reconciler
        running = asyncio.create_task(reconciler.run())
        await reconciler.everything()
        await world.settle()
        name = await declared(world, "Nobody can log in")
        await world.settle()
        await asyncio.sleep(0)
        assert not running.done()
        assert f"page:{name}:0" in [key for _who, key in world.phone.pages]
        assert list(world.house.desk.handler.legible.unread) == ["INC-1"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert reconciler.waits() == timedelta(0)


async def test_what_breaks_in_looking_does_not_end_it(tmp_path: Path) -> None:
    """Whatever a round of looks meets, it is logged and the next one comes; nobody waits for a task that ended."""
    async with World.open(tmp_path) as world:
        reconciler = world.house.reconciler
        running = asyncio.create_task(reconciler.run())
        log = silence(world, 1, "at_hand")
        reconciler.note("INC-1")
        async with asyncio.timeout(20):
            while log.left:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0)
        await declared(world, "Nobody can log in")
        async with asyncio.timeout(20):
            while not world.phone.pages:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0)
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_alerts_are_taken_in_without_it(tmp_path: Path) -> None:
    """Others open incidents; those of the one are put aside, which is an incident, and nothing waits."""
    async with World.open(tmp_path, admins=("max",)) as world:
        house = world.house
        await house.inbox.accept([alert("a", service="visits")])
        await house.intake.round()
        assert (await world.incident()).alerts
        await written_by_a_newer_one(world)
        await house.inbox.accept([alert("a", title="worse", severity=1), alert("b", service="elsewhere")])
        await house.intake.round()
        titles = [each.title for each in await house.desk.open_incidents()]
        assert titles == ["b is broken", "An alert of am could not be taken in"]
        assert await house.inbox.since(await house.inbox.applied(), 1) == []


async def test_a_storm_whose_umbrella_cannot_be_read(tmp_path: Path) -> None:
    """Its card would show nobody what comes below it: each incident stands for itself, and alerts go on."""
    policy = replace(shipped().policy, storm=StormRules(incidents_per_minute=3))
    async with World.open(tmp_path, policy=policy) as world:
        house = world.house
        await house.inbox.accept([alert(f"a{n}", service=f"s{n}", severity=3) for n in range(5)])
        await house.intake.round()
        umbrella = house.intake.storm.umbrella
        assert umbrella
        children = [each for each in await house.desk.open_incidents() if each.umbrella == umbrella]
        assert len(children) == 5
        await written_by_a_newer_one(world, umbrella)
        for start in (5, 10):
            await house.inbox.accept([alert(f"a{n}", service=f"s{n}", severity=3) for n in range(start, start + 5)])
            await house.intake.round()
        alone = [each for each in await house.desk.open_incidents() if not each.umbrella]
        assert len(alone) == 10
        await world.restart(policy=policy)
        await world.house.inbox.accept([alert("last", service="last")])
        await world.house.intake.round()
        assert "last is broken" in [each.title for each in await world.house.desk.open_incidents()]


async def test_a_house_starts_and_everybody_is_answered(tmp_path: Path) -> None:
    """After a restart objectives are watched, the console lists what there is, and clocks, metrics and pages go on."""
    async with one_unreadable(tmp_path) as world:
        await world.restart()
        await world.broken(2)
        name = await declared(world, "Nobody can log in")
        await world.settle()
        assert f"page:{name}:0" in [key for _who, key in world.phone.pages]
        transport = httpx.ASGITransport(console(world.house), client=("127.0.0.1", 4242))
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
            metrics = (await client.get("/metrics")).text
            assert "tocsin_open_incidents 2.0" in metrics
            assert "tocsin_reconcile_waiting_seconds 0.0" in metrics
            assert (await client.get("/readyz")).json()["waits_seconds"] == {"notes": 0, "alerts": 0}
        await world.house.vigil.look()
        assert [each.id for each in await world.house.desk.open_incidents()] == [name]


async def test_another_objective_opens_its_incident(tmp_path: Path) -> None:
    """The one whose incident cannot be read cannot be told anything; the next one is, in the same tick."""
    slos = (objective("recall-poor", 'health="poor"'), objective("recall-good", 'health="good"', service="elsewhere"))
    async with World.open(tmp_path, slos=slos) as world:
        for bad in (*[2] * 20, *[10] * 12):
            world.traffic("poor", good=10 - bad, bad=bad)
            world.traffic("good", good=8, bad=2)
            await world.round()
        assert (await world.incident()).slo == "recall-poor"
        await written_by_a_newer_one(world)
        for _ in range(12):
            world.traffic("poor", good=10, bad=0)
            world.traffic("good", good=0, bad=10)
            await world.round()
        assert (await world.incident("INC-2")).slo == "recall-good"
        assert world.house.watch.polled == world.clock.now()


async def test_an_administrator_is_told_once_and_that_it_is_over(tmp_path: Path) -> None:
    """By the house's own troubles, with the reason; the heartbeat goes on, for everybody else is paged."""
    async with one_unreadable(tmp_path) as world:
        care = world.house.vigil.care
        with structlog.testing.capture_logs() as logged:
            for _ in range(10):
                await world.house.reconciler.everything()
                await world.round(seconds=15)
                await care.look()
        assert [each["incident"] for each in logged if each["event"].startswith("an incident cannot")] == ["INC-1"]
        told = [each for each in world.phone.said if each.house]
        assert [each.headline for each in told] == ["INC-1 cannot be read"]
        assert "version 99" in told[0].text
        assert "records" in care.kinds
        await mended(world)
        for _ in range(10):
            await world.round(seconds=15)
            await care.look()
        assert [each.headline for each in world.phone.said if each.house][1:] == ["INC-1 can be read again"]
        assert care.kinds == ()


async def test_an_attempt_that_was_begun_is_not_lost(tmp_path: Path) -> None:
    """It ends only when its outcome stands in the log, so it waits until the incident can be read."""
    async with World.open(tmp_path) as world:
        await declared(world, "Nobody can log in")
        await written_by_a_newer_one(world)
        doing = asyncio.create_task(world.house.reconciler.perform("page:INC-1:0"))
        async with asyncio.timeout(20):
            while not world.house.desk.handler.legible.unread:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0)
        await mended(world)
        async with asyncio.timeout(20):
            while not doing.done():
                world.clock.forward(seconds=30)
                await asyncio.sleep(0)
        assert [key for _who, key in world.phone.pages] == ["page:INC-1:0"]


async def test_the_heartbeat_falls_silent_while_nothing_is_acted_on(tmp_path: Path) -> None:
    """What is noted and not looked at, a look that does not end, and a task that is gone: each after a minute."""
    async with World.open(tmp_path) as world:
        reconciler = world.house.reconciler

        async def there() -> bool:
            async def waits() -> timedelta:
                return reconciler.waits()

            return (await keeps_up(waits, "{}")()).there

        await declared(world, "Nobody can log in")
        world.clock.forward(seconds=60)
        assert await there()
        world.clock.forward(seconds=1)
        assert not await there()
        await world.settle()
        assert await there()

        stuck = asyncio.Event()
        look, reconciler.look = reconciler.look, lambda _name: stuck.wait()
        reconciler.note("INC-1")
        looking = asyncio.create_task(reconciler.settle())
        await asyncio.sleep(0)
        assert await there()
        world.clock.forward(seconds=61)
        assert not await there()
        stuck.set()
        await looking
        assert await there()
        reconciler.look = look

        running = asyncio.create_task(reconciler.run())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        world.clock.forward(seconds=61)
        assert not await there()
