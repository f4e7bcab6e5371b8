"""What holds for DBOS alone: who may run beside whom, and what is refused in words a person can use."""

import asyncio
from pathlib import Path

import pytest

from bot.domain.errors import Invalid, Unavailable
from bot.durable.dbos import Dbos
from bot.durable.keys import attempt_of, doing
from tests.durable.conftest import Hands, OnDbos


async def test_a_second_engine_on_one_file_is_refused(tmp_path: Path) -> None:
    """Two processes with one executor id would run each other's work: the second is told so, and may come later."""
    url = f"sqlite:///{tmp_path}/durable.db"
    hands = Hands()
    engine = Dbos(url)
    await engine.open(hands.perform, hands.wake)
    bench = OnDbos(url, tmp_path)
    _performed, letters, error = await bench.child("key", "start", "live")
    assert (letters, "another Tocsin works on" in error) == ([], True)
    await engine.close()
    again = Dbos(url)
    await again.open(hands.perform, hands.wake)
    await again.close()


async def test_its_files_are_its_owners_alone(tmp_path: Path) -> None:
    """What is being done, and to what, is nobody else's to read: the file, its journal, its lock."""
    engine, hands = Dbos(f"sqlite:///{tmp_path}/work.db"), Hands()
    await engine.open(hands.perform, hands.wake)
    try:
        files = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.glob("work.db*")}  # noqa: ASYNC240
        assert {"work.db", "work.db-wal", "work.db.lock"} <= set(files)
        assert set(files.values()) == {0o600}
    finally:
        await engine.close()


@pytest.mark.real
async def test_a_living_replica_takes_up_a_dead_ones_work(postgres, tmp_path: Path) -> None:
    """Of two replicas one is killed while performing: the other, which runs all the time, performs it."""
    with postgres.database() as url:
        bench = OnDbos(url, tmp_path)
        await bench.open()
        assert await bench.run_and_die("execute:INC-1:M1", first=True) == ["execute:INC-1:M1"]
        await asyncio.wait_for(bench.hands.first.wait(), 15)
        await bench.settle()
        assert bench.hands.performed == ["execute:INC-1:M1"]
        await bench.close()


@pytest.mark.real
async def test_a_living_replicas_work_is_left_alone(postgres, tmp_path: Path) -> None:
    """While a replica lives its running work is not taken from it."""
    with postgres.database() as url:
        bench = OnDbos(url, tmp_path)
        going = asyncio.Event()
        bench.hands.during["slow"] = going.wait
        await bench.open()
        await bench.engine.start("slow")
        await bench.hands.first.wait()
        performed, _letters, _error = await bench.child("other", "start", "live")
        assert performed == ["other"]
        going.set()
        await bench.settle()
        await bench.close()
        assert bench.hands.performed == ["slow"]


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """A server that refuses is reported without its URL's password."""
    hands = Hands()
    engine = Dbos("postgresql://tocsin:sesame@127.0.0.1:9/none")
    with pytest.raises(Unavailable) as caught:
        await engine.open(hands.perform, hands.wake)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "postgres"])
def test_a_url_that_cannot_serve_is_refused(url: str) -> None:
    """Neither another database nor one in memory is durable; a bare word is a file."""
    if url == "postgres":
        Dbos(url)
        return
    with pytest.raises(Invalid, match="durable engine's URL"):
        Dbos(url)


def test_an_id_gives_its_key_back() -> None:
    """Keys may hold colons and number signs."""
    for key in ("page:INC-1:0", "a#b", "step:INC-1:3:x#2"):
        assert attempt_of(doing(key, 12)) == (key, 12)
    assert attempt_of("wake:INC-1:20261120T120000.000000Z") is None
