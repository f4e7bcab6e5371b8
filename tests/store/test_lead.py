"""Who leads: one replica at a time, another as soon as it is gone, nobody while the database does not say."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from bot.store import Store
from bot.store.database import parse
from bot.store.lead import Lead
from tests.parts import badly, nothing_there
from tests.store.conftest import HandClock


@asynccontextmanager
async def replicas(url: str, number: int = 2) -> AsyncIterator[list[Lead]]:
    leads = [Lead(parse(url)) for _ in range(number)]
    try:
        yield leads
    finally:
        for lead in leads:
            await lead.close()


@pytest.fixture
def fresh(postgres):
    with postgres.database() as url:
        yield url


def end_leaders(url: str) -> int:
    """End every session that holds an advisory lock, as a lost network or a restarted server would."""
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
    return len(ended)


async def test_on_sqlite_there_is_only_one(tmp_path) -> None:
    """A file has one process, which the durable engine sees to: it always leads."""
    async with replicas(f"sqlite:///{tmp_path}/tocsin.db") as (lead, _):
        assert await lead.holds()
        assert await lead.holds()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
async def test_one_of_three_leads_until_it_is_gone(fresh: str) -> None:
    """The first that asked keeps it however often anybody asks; closed, the next to ask has it, and only that one."""
    async with replicas(fresh, 3) as (one, two, three):
        for _ in range(3):
            assert [await one.holds(), await two.holds(), await three.holds()] == [True, False, False]
        await one.close()
        assert [await three.holds(), await two.holds(), await one.holds()] == [True, False, False]


@pytest.mark.real
async def test_asked_at_once_still_only_one_leads(fresh: str) -> None:
    """Many questions at the same moment, from each of two replicas, are answered alike for each and differently for both."""
    async with replicas(fresh) as (one, two):
        told = await asyncio.gather(*(lead.holds() for lead in (one, two) * 5))
        assert len(set(told[::2])) == len(set(told[1::2])) == 1
        assert told[0] != told[1]
        assert len(told) - sum(told) == 5
        leader, other = (one, two) if told[0] else (two, one)
        await leader.close()
        assert await other.holds(), "the lock was held once, so one end gives it back"


@pytest.mark.real
async def test_a_leader_that_lost_its_session_leads_no_longer(fresh: str) -> None:
    """It says no before it says yes again: what it would tell meanwhile is the other's to tell."""
    async with replicas(fresh) as (one, two):
        assert await one.holds()
        assert end_leaders(fresh) == 1
        assert await two.holds()
        assert [await one.holds(), await one.holds()] == [False, False]
        await two.close()
        assert await one.holds()


@pytest.mark.real
async def test_a_question_that_was_broken_off_makes_no_second_leader(fresh: str) -> None:
    """The leader's poll is cancelled while it asks, and another took the lead meanwhile: it does not go on as before."""
    async with replicas(fresh) as (one, two):
        assert await one.holds()
        asking = asyncio.create_task(one.holds())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        async with asyncio.timeout(5):
            while not await two.holds():  # noqa: ASYNC110 - another session
                await asyncio.sleep(0.02)
        assert not await one.holds()


@pytest.mark.real
async def test_the_lead_is_given_back_with_the_store(fresh: str) -> None:
    """Who closes the store lets the next one lead."""
    clock = HandClock()
    async with await Store.open(fresh, clock) as first, await Store.open(fresh, clock) as second:
        assert await first.lead.holds()
        assert not await second.lead.holds()
        await first.close()
        assert await second.lead.holds()


@pytest.mark.parametrize("manners", ["hangs", "hangs up", "not http"])
async def test_who_cannot_be_told_does_not_lead(manners: str) -> None:
    """A server that is silent, hangs up or is none: no, within two seconds, and without an exception."""
    async with badly(manners) as port, replicas(f"postgresql://tocsin:sesame@127.0.0.1:{port}/x", 1) as (lead,):
        began = time.monotonic()
        assert not await lead.holds()
        assert time.monotonic() - began < 2.5


async def test_a_server_that_is_not_there_makes_no_leader(caplog: pytest.LogCaptureFixture) -> None:
    """Nor does its password get into the log."""
    async with replicas(f"postgresql://tocsin:sesame@127.0.0.1:{await nothing_there()}/x", 1) as (lead,):
        assert not await lead.holds()
    assert "sesame" not in caplog.text
