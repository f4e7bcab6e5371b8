"""What a durable engine promises, on every engine alike."""

import asyncio
from datetime import timedelta

import pytest

from tests.durable.conftest import InMemory, OnDbos

Bench = InMemory | OnDbos


async def test_one_key_is_performed_once(running: Bench) -> None:
    """Twenty requests at once, one while it runs and one after it ended are one performance."""
    going = asyncio.Event()
    running.hands.during["page:INC-1:0"] = going.wait
    await asyncio.gather(*(running.engine.start("page:INC-1:0") for _ in range(20)))
    await asyncio.wait_for(running.hands.first.wait(), 5)
    await running.engine.start("page:INC-1:0")
    going.set()
    await running.settle(performed=1)
    await running.engine.start("page:INC-1:0")
    await running.settle()
    assert running.hands.performed == ["page:INC-1:0"]


async def test_another_attempt_is_performed_under_the_bare_key(running: Bench) -> None:
    """A second attempt runs, once, and is told the same key; other keys run beside it."""
    await running.engine.start("page:INC-1:0")
    await running.engine.start("page:INC-1:0", attempt=2)
    await running.engine.start("page:INC-1:0", attempt=2)
    await running.engine.start("execute:INC-1:M1#2")
    await running.settle(performed=3)
    assert sorted(running.hands.performed) == ["execute:INC-1:M1#2", "page:INC-1:0", "page:INC-1:0"]


async def test_a_failing_performance_ends_its_attempt(running: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """An error is logged with the key and goes no further: the same attempt is over, the next one runs."""

    async def fail() -> None:
        raise OSError("the target is on fire")

    running.hands.during["page:INC-1:0"] = fail
    await running.engine.start("page:INC-1:0")
    await running.settle(performed=1)
    await running.engine.start("page:INC-1:0")
    await running.settle()
    assert running.hands.performed == ["page:INC-1:0"]
    assert any("page:INC-1:0" in record.getMessage() for record in caplog.records)
    del running.hands.during["page:INC-1:0"]
    await running.engine.start("page:INC-1:0", attempt=2)
    await running.settle(performed=2)
    assert len(running.hands.performed) == 2
    assert await running.engine.dead_letters() == []


async def test_performing_may_start_more_work(running: Bench) -> None:
    """What is done under one key may start another and set a wake-up, without waiting for either."""

    async def more() -> None:
        await running.engine.start("second")
        await running.engine.wake_at("INC-1", running.now(), running.now())

    running.hands.during["first"] = more
    await running.engine.start("first")
    await running.settle(0.1, performed=2, woken=1)
    assert running.hands.performed == ["first", "second"]
    assert running.hands.woken == ["INC-1"]


async def test_a_wake_up_comes_once_for_each_due_time(running: Bench) -> None:
    """The same due time asked for three times is one wake-up; another one, or another incident, is its own."""
    now = running.now()
    soon, later = now + timedelta(seconds=1), now + timedelta(hours=1)
    for _ in range(3):
        await running.engine.wake_at("INC-1", soon, now)
    await running.engine.wake_at("INC-1", soon + timedelta(microseconds=1), now)
    await running.engine.wake_at("INC-2", soon, now)
    await running.engine.wake_at("INC-3", later, now)
    assert running.hands.woken == []
    await running.settle(1.1, woken=3)
    await running.engine.wake_at("INC-1", soon, now)
    await running.settle(0.1)
    assert sorted(running.hands.woken) == ["INC-1", "INC-1", "INC-2"]


async def test_a_failing_wake_up_does_no_harm(running: Bench) -> None:
    """A wake-up that ends with an error is over; the next one comes."""

    async def fail() -> None:
        raise ValueError("no such incident")

    running.hands.during["INC-1"] = fail
    now = running.now()
    await running.engine.wake_at("INC-1", now, now)
    await running.settle(0.1, woken=1)
    await running.engine.wake_at("INC-1", now + timedelta(milliseconds=5), now)
    await running.settle(0.1, woken=2)
    assert running.hands.woken == ["INC-1", "INC-1"]


async def test_what_ended_is_forgotten_when_pruned(running: Bench) -> None:
    """Pruning counts what ended before a time, leaves the rest, and only then may a key run again."""
    await running.engine.start("one")
    await running.engine.start("two")
    await running.settle(performed=2)
    ahead = running.now() + timedelta(hours=2)
    await running.engine.wake_at("INC-1", ahead, running.now())
    assert await running.engine.prune(running.now() - timedelta(hours=1)) == 0
    await running.engine.start("one")
    await running.settle()
    assert running.hands.performed.count("one") == 1
    assert await running.engine.prune(running.now() + timedelta(hours=1)) == 2
    await running.engine.start("one")
    await running.settle(performed=3)
    assert running.hands.performed.count("one") == 2


async def test_closing_lets_work_end(bench: Bench) -> None:
    """Work that runs when the engine is closed is finished, not cut."""
    ended = []

    async def slow() -> None:
        await asyncio.sleep(0.3)
        ended.append("slow")

    bench.hands.during["slow"] = slow
    await bench.open()
    await bench.engine.start("slow")
    await asyncio.wait_for(bench.hands.first.wait(), 5)
    await bench.close()
    assert ended == ["slow"]


async def test_a_restart_takes_up_what_was_interrupted(bench: Bench) -> None:
    """A process killed while performing a key: the next one performs it without being asked, and then it is over."""
    assert await bench.run_and_die("execute:INC-1:M1", first=True) == ["execute:INC-1:M1"]
    assert await bench.take_up("execute:INC-1:M1") == (["execute:INC-1:M1"], [])
    await bench.open()
    await bench.engine.start("execute:INC-1:M1")
    await bench.settle(0.1)
    await bench.close()
    assert bench.hands.performed == []


@pytest.mark.long
async def test_work_that_kills_the_process_is_given_up(bench: Bench) -> None:
    """A key that took the process down three times is not tried a fourth time: it is a dead letter."""
    for time in range(3):
        assert await bench.run_and_die("poison", first=time == 0) == ["poison"]
    assert await bench.give_up("poison") == ([], ["poison"])
