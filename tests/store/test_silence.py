"""What holds when the database does not answer, or answers too late to be heard (law 3)."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from bot.domain.errors import Conflict, Unavailable
from bot.domain.incident import Incident
from bot.domain.lifecycle import UpdatePosted
from bot.store import Store
from bot.store.database import Database
from tests.kit import NOON
from tests.store.conftest import HandClock, declared, migrated, opened

ROOT = Path(__file__).parents[2]


async def test_a_locked_file_is_reported_in_time(tmp_path: Path, clock: HandClock) -> None:
    """While another process holds SQLite's write lock an append says so within 1.5 s and leaves no trace; reads go on."""
    async with await Store.open(f"{tmp_path}/tocsin.db", clock) as store:
        incident = await opened(store)
        blocker = sqlite3.connect(tmp_path / "tocsin.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(Unavailable, match="the database"):
            await store.log.append(incident, [UpdatePosted("x")], by="p", at=NOON, cause="", inbound="Ev1")
        assert time.monotonic() - began < 2.5
        assert (await store.log.load("INC-1")).seq == 1
        blocker.execute("ROLLBACK")
        blocker.close()
        assert not await store.log.seen("Ev1")
        after = await store.log.append(incident, [UpdatePosted("x")], by="p", at=NOON, cause="", inbound="Ev1")
        assert after.seq == 2


@pytest.mark.real
async def test_a_silent_server_is_reported_in_time(postgres, clock: HandClock) -> None:
    """While PostgreSQL makes an append wait, the caller hears so within 1.5 s; afterwards all is as before."""
    with postgres.database(postgres.template(migrated)) as url:
        async with await Store.open(url, clock) as store:
            incident = await opened(store)
            with psycopg.connect(url) as blocker:
                blocker.execute("LOCK TABLE entries IN ACCESS EXCLUSIVE MODE")
                began = time.monotonic()
                for call in (store.log.load("INC-1"), store.log.append(incident, [UpdatePosted("x")], by="p", at=NOON, cause="")):  # fmt: skip
                    with pytest.raises(Unavailable, match=r"no answer within 1\.5 s"):
                        await call
                assert time.monotonic() - began < 4.5
            assert (await store.log.append(incident, [UpdatePosted("x")], by="p", at=NOON, cause="")).seq == 2


@asynccontextmanager
async def wire(url: str, *, cut_at: bytes, deliver: bool) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A wire to the server that is cut when the client says `cut_at`, after or before that reaches the server."""
    host, port = "127.0.0.1", make_url(url).port
    cuts: list[bytes] = []
    open_ends: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(host, port)
        open_ends.update((writer, forth))

        async def answers() -> None:
            while data := await back.read(65536):
                if not cuts or writer not in mute:
                    writer.write(data)

        answering = asyncio.create_task(answers())
        while data := await reader.read(65536):
            if cut_at in data and not cuts:
                cuts.append(data)
                mute.add(writer)
                if deliver:
                    forth.write(data)
                    await asyncio.sleep(0.2)  # the server has done it by now
                break
            forth.write(data)
        writer.close()
        forth.close()
        answering.cancel()

    mute: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield url.replace(f":{port}/", f":{server.sockets[0].getsockname()[1]}/"), cuts
    finally:
        server.close()
        for end in open_ends:
            end.close()


@pytest.mark.real
@pytest.mark.parametrize("deliver", [True, False], ids=["the answer is lost", "the commit is lost"])
async def test_a_commit_in_doubt_is_looked_up(postgres, clock: HandClock, deliver: bool) -> None:
    """The connection breaks at COMMIT: what was written counts as written, what was not is reported, and a retry is safe."""
    with postgres.database(postgres.template(migrated)) as direct:
        async with (
            await Store.open(direct, clock) as sure,
            wire(direct, cut_at=b"COMMIT", deliver=deliver) as (url, cuts),
            await Store.open(url, clock, migrate=False) as store,
        ):
            begun = store.log.append(Incident("INC-1"), [declared()], by="p", at=NOON, cause="", inbound="Ev1")
            if deliver:
                assert (await begun).seq == 1
            else:
                with pytest.raises(Unavailable):
                    await begun
            assert len(cuts) == 1
            assert await sure.log.seen("Ev1") is deliver
            assert (await store.log.load("INC-1")).exists is deliver
            await sure.log.verify()


CRASHING = """
import asyncio, os, signal, sys
from bot.clock import SystemClock
from bot.domain.incident import Incident
from bot.domain.lifecycle import UpdatePosted
from bot.store import Store
from bot.store import log
from tests.store.conftest import declared
from tests.kit import NOON

async def main(url):
    store = await Store.open(url, SystemClock())
    incident = await store.log.append(Incident("INC-1"), [declared()], by="p", at=NOON, cause="", inbound="Ev1")
    print("committed", flush=True)
    one = store.log._prepare(incident, [UpdatePosted("half")], by="p", at=NOON, cause="")[0][0]

    async def half(connection):
        await log._remember(connection, "Ev2", "INC-1", NOON)
        await log._write(connection, one)
        os.kill(os.getpid(), signal.SIGKILL)

    await store.database.write(half)

asyncio.run(main(sys.argv[1]))
"""


async def test_a_crash_inside_a_transaction_loses_nothing(url: str, clock: HandClock) -> None:
    """Killed with a transaction open: what was committed is there, what was not never was, and work goes on."""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", CRASHING, url], capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == "committed\n"
    async with await Store.open(url, clock) as store:
        assert (await store.log.load("INC-1")).seq == 1
        assert (await store.log.seen("Ev1"), await store.log.seen("Ev2")) == (True, False)
        await store.log.verify()
        incident = await store.log.load("INC-1")
        assert (await store.log.append(incident, [UpdatePosted("x")], by="p", at=NOON, cause="")).seq == 2


async def test_a_caller_that_goes_away_leaves_the_database_usable(url: str, clock: HandClock) -> None:
    """Appends cancelled at any moment are recorded wholly or not at all, and the next one works."""
    async with await Store.open(url, clock) as store:
        await opened(store)
        for turn in range(12):
            incident = await store.log.load("INC-1")
            doing = asyncio.create_task(
                store.log.append(incident, [UpdatePosted(f"{turn}")], by="p", at=NOON, cause="")
            )
            await asyncio.sleep(turn / 2000)
            doing.cancel()
            await asyncio.wait({doing})
        for _ in range(20):
            incident = await store.log.load("INC-1")
            try:
                last = await store.log.append(incident, [UpdatePosted("last")], by="p", at=NOON, cause="")
            except (Unavailable, Conflict):  # what was cancelled may still be ending
                await asyncio.sleep(0.05)
            else:
                break
        assert last.seq == len(await store.log.entries("INC-1"))
        await store.log.verify()


async def test_erased_words_are_not_left_in_the_files(tmp_path: Path, clock: HandClock) -> None:
    """After an erasure neither the database file nor its journal holds the words."""
    async with await Store.open(f"{tmp_path}/tocsin.db", clock) as store:
        await opened(store, title="Persephone Quillfeather")
        await store.erasure.erase(person="p_ana")
        left = [path.name for path in list(tmp_path.iterdir()) if b"Quillfeather" in path.read_bytes()]  # noqa: ASYNC240
    assert left == []


async def test_a_database_closes_while_work_is_stuck(tmp_path: Path) -> None:
    """Closing does not wait for ever for what never answers."""
    answers = threading.Event()

    async def stuck(_connection: object) -> None:
        answers.wait(30)

    async with Database.open(f"{tmp_path}/tocsin.db") as database:
        with pytest.raises(Unavailable):
            await database.read(stuck, within=0.05)
        began = time.monotonic()
    assert not answers.is_set()
    assert time.monotonic() - began < 10
    answers.set()
