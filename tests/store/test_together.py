"""What holds of writes that wait together in one process: each is its own, though they are committed together."""

import asyncio
import threading
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import text

from bot.domain.errors import Refused, Unavailable
from bot.store.database import Database

HOLDS = text("INSERT INTO holds (incident, because, at) VALUES (:name, 'a lawsuit', '2026-11-20 12:00:00')")


async def names(database: Database) -> list[str]:
    found = await database.read(lambda c: c.execute(text("SELECT incident FROM holds ORDER BY incident")))
    return list(found.scalars())


def put(name: str, *, then: Exception | None = None):
    async def work(connection) -> str:
        await connection.execute(HOLDS, {"name": name})
        if then is not None:
            raise then
        return name

    return work


class Door:
    """Keeps the writer at work, so that others wait together, until it is opened."""

    def __init__(self, database: Database) -> None:
        self._opened, self.reached = threading.Event(), threading.Event()
        self.first = asyncio.create_task(database.write(self._keep, within=None))

    async def _keep(self, _connection) -> None:
        self.reached.set()
        assert self._opened.wait(30)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.reached.wait, 30)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open()
        await self.first

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
async def database(tmp_path: Path):
    async with Database.open(f"{tmp_path}/tocsin.db") as opened:
        yield opened


async def test_one_that_fails_takes_no_other_with_it(database: Database) -> None:
    """Of writes committed together the refused one and the impossible one leave nothing, the others are there."""
    async with Door(database) as door:
        doing = [
            asyncio.create_task(database.write(work, within=30))
            for work in (put("A"), put("B", then=Refused("not so")), put("A"), put("C"))
        ]
        await asyncio.sleep(0)
        door.open()
        first, refused, twice, last = await asyncio.gather(*doing, return_exceptions=True)
    assert (first, last) == ("A", "C")
    assert isinstance(refused, Refused)
    assert "UNIQUE" in str(twice)
    assert await names(database) == ["A", "C"]


async def test_whoever_waits_no_longer_leaves_nothing_behind(database: Database) -> None:
    """A write whose caller was told that nothing is recorded is not recorded, wherever it stood; its neighbours are."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    stays = threading.Event()

    async def slow(connection) -> None:
        await connection.execute(HOLDS, {"name": "slow"})
        loop.call_soon_threadsafe(begun.set)
        assert stays.wait(30)

    async with Door(database) as door:
        before = asyncio.create_task(database.write(put("before"), within=30))
        impatient = asyncio.create_task(database.write(put("impatient"), within=0.2))
        left = asyncio.create_task(database.write(slow, within=30))
        after = asyncio.create_task(database.write(put("after"), within=30))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await impatient
        door.open()
        await begun.wait()  # its part is done, and it is not committed
        left.cancel()
        await asyncio.wait({left})
        stays.set()
        assert await asyncio.gather(before, after) == ["before", "after"]
    assert await names(database) == ["after", "before"]


async def test_work_waits_for_nothing_but_its_statements(database: Database) -> None:
    """Work that would wait for something else inside a transaction is told so, and holds no lock."""

    async def dawdling(connection) -> None:
        await connection.execute(HOLDS, {"name": "dawdling"})
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="may wait for nothing else"):
        await database.write(dawdling)
    assert await database.write(put("next")) == "next"
    assert await names(database) == ["next"]


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    """While a transaction is open everybody reads what was committed before it."""
    await database.write(put("A"))
    async with Door(database):
        assert await names(database) == ["A"]


async def test_what_is_pressing_goes_before_all_that_waits(database: Database) -> None:
    """More waits than one transaction takes, and yet what was done in the world already is recorded in the next one."""
    order: list[str] = []

    def noted(name: str):
        async def work(connection) -> None:
            await put(name)(connection)
            order.append(name)

        return work

    async with Door(database) as door:
        waiting = [asyncio.create_task(database.write(noted(f"w{number:02}"))) for number in range(60)]
        await asyncio.sleep(0.05)  # each of them stands in the queue
        pressing = asyncio.create_task(database.write(noted("paged"), pressing=True))
        await asyncio.sleep(0.05)
        door.open()
        await asyncio.gather(pressing, *waiting)
    assert order[0] == "paged"
    assert sorted(await names(database)) == sorted(["paged", *(f"w{number:02}" for number in range(60))])


async def test_what_is_pressing_waits_for_no_other_work(database: Database) -> None:
    """Its transaction holds nothing but what is pressing too: it is answered while the next work is still at it."""
    go = threading.Event()

    async def long(connection) -> None:
        go.wait(10)
        await put("long")(connection)

    async with Door(database) as door:
        waiting = asyncio.create_task(database.write(long))
        await asyncio.sleep(0.05)
        pressing = [asyncio.create_task(database.write(put(name), pressing=True)) for name in ("one", "two")]
        await asyncio.sleep(0.05)
        door.open()
        assert sorted(await asyncio.gather(*pressing)) == ["one", "two"]
        assert not waiting.done()
        go.set()
        await waiting
