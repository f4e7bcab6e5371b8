"""What the inbox of alerts promises, on every database alike."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.domain.alert import Alert, join
from bot.domain.errors import Refused, Unavailable
from bot.engine.intake_ports import cursor
from bot.store import Store
from bot.store.alerts import Alerts
from bot.store.database import Database
from tests.kit import NOON
from tests.store.conftest import HandClock


def alert(name: str = "a", starts: float = 0, ends: float | None = None, **how) -> Alert:
    how.setdefault("title", "Latency is high")
    over = None if ends is None else NOON + timedelta(seconds=ends)
    return Alert("prod", name, NOON + timedelta(seconds=starts), over, **how)


async def all_of(store: Store) -> dict[tuple[str, float], Alert]:
    """Every episode the inbox knows."""
    return {
        (each.alert.fingerprint, each.alert.starts.timestamp()): each.alert
        for each in await store.alerts.since(0, 100_000)
    }


async def test_an_episode_comes_back_as_it_was_told(store: Store) -> None:
    """Whatever its words hold, NUL and half a surrogate pair included, and to the microsecond."""
    odd = alert(
        "ü/2 \u2028",
        0.123456,
        title="Latenz \x00 \ud800 zu hoch",
        text="a\nb",
        url="https://x.example/?a=1&b=2",
        service="loans",
        severity=1,
        labels={"z": "1", "a": "\u202e", "": "="},
    )
    assert await store.alerts.accept([odd]) == 1
    (kept,) = await store.alerts.since(0)
    assert kept.alert == odd
    assert (kept.seq, kept.at) == (1, NOON)
    assert await store.alerts.newest([odd.key]) == {odd.key: odd}


async def test_a_name_no_database_takes_is_kept_under_one_it_does(store: Store) -> None:
    """NUL in a fingerprint is replaced, and the alert is found by the key it was sent under."""
    odd = alert("a\x00b")
    await store.alerts.accept([odd, odd])
    found = await store.alerts.newest([odd.key])
    assert found == {odd.key: alert("a\ufffdb")}
    assert await store.alerts.accept([odd]) == 0


async def test_only_what_changed_is_news(store: Store, clock: HandClock) -> None:
    """The same once more takes no number; an end does, and stands against a later "it fires"."""
    assert await store.alerts.accept([alert("a"), alert("b")]) == 2
    clock.forward(seconds=5)
    assert await store.alerts.accept([alert("b"), alert("a")]) == 0
    assert [each.seq for each in await store.alerts.since(0)] == [1, 2]
    assert await store.alerts.accept([alert("a", ends=3)]) == 1
    assert await store.alerts.accept([alert("a")]) == 0
    assert [(each.seq, each.alert.fingerprint, each.alert.firing) for each in await store.alerts.since(1)] == [
        (2, "b", True),
        (3, "a", False),
    ]
    assert (await store.alerts.since(2))[0].at == NOON + timedelta(seconds=5)
    assert await store.alerts.since(3) == []


async def test_one_call_counts_an_episode_once(store: Store) -> None:
    """Told three times in one message, changed three times: it is one episode that changed."""
    assert await store.alerts.accept([alert(), alert(ends=1), alert(ends=2)]) == 1
    ((_, kept),) = (await all_of(store)).items()
    assert kept == alert(ends=2)


async def test_an_end_closes_its_own_episode_alone(store: Store) -> None:
    """An end that comes late for an earlier episode leaves the newer one firing."""
    await store.alerts.accept([alert(starts=0), alert(starts=100)])
    await store.alerts.accept([alert(starts=0, ends=50)])
    assert [each.alert.starts for each in await store.alerts.firing()] == [alert(starts=100).starts]
    assert (await store.alerts.newest(["alert/prod/a"]))["alert/prod/a"].firing
    assert await store.alerts.count() == 1


async def test_an_older_episode_that_was_never_ended_is_not_listed(store: Store) -> None:
    """Only the latest episode of an alert fires; whichever of them arrived first."""
    await store.alerts.accept([alert(starts=100, ends=120)])
    await store.alerts.accept([alert(starts=0)])
    assert await store.alerts.firing() == []
    assert await store.alerts.count() == 0


async def test_the_list_and_its_count_are_the_latest_episodes_that_fire(store: Store) -> None:
    """Whatever arrives in whatever order, many at once or alone, told again or changed: the list is what it should be.

    What is no longer an alert's latest episode leaves the list with the commit that knows of a later one.
    """
    rng = random.Random(11)
    known: dict[tuple[str, str, int], Alert] = {}
    for _ in range(60):
        batch = [
            replace(
                alert(f"n{rng.randrange(6)}", begins := rng.randrange(5), rng.choice((None, None, begins + 1))),
                source=rng.choice(("prod", "other")), severity=rng.randint(1, 4),
            )
            for _ in range(rng.randint(1, 6))
        ]  # fmt: skip
        await store.alerts.accept(batch)
        for one in batch:
            key = one.source, one.fingerprint, int(one.starts.timestamp())
            known[key] = join(known[key], one) if key in known else one
        latest: dict[str, Alert] = {}
        for one in sorted(known.values(), key=lambda each: each.starts):
            latest[one.key] = one
        wanted = {one.key: one for one in latest.values() if one.firing}
        assert {each.alert.key: each.alert for each in await store.alerts.firing()} == wanted
        assert await store.alerts.count() == len(wanted)


async def test_what_was_overtaken_does_not_come_back(store: Store, clock: HandClock) -> None:
    """Its later episode ended and was forgotten: the earlier one, which nobody ended, is forgotten with it."""
    await store.alerts.accept([alert(starts=0), alert(starts=100, ends=120)])
    await store.alerts.advance(2)
    clock.forward(days=40)
    await store.alerts.accept([alert(starts=0, severity=1)])  # a late copy in other words
    assert await store.alerts.prune(clock.now() - timedelta(days=30)) == 1
    assert (await store.alerts.firing(), await store.alerts.count()) == ([], 0)
    await store.alerts.advance(3)
    clock.forward(days=40)
    assert await store.alerts.prune(clock.now() - timedelta(days=30)) == 1
    assert await all_of(store) == {}


async def test_the_list_is_by_severity_then_newest_and_pages_lose_nothing(store: Store) -> None:
    """Page by page every one once, in one order, though some begin at the same moment."""
    given = [alert(f"n{n:03}", n // 3, severity=1 + n % 4, service="ab"[n % 2]) for n in range(100)]
    random.Random(7).shuffle(given)
    await store.alerts.accept(given)
    found, after = [], ""
    while page := await store.alerts.firing(limit=7, after=after):
        found += [each.alert for each in page]
        after = cursor(page[-1])
    order = sorted(given, key=lambda one: (one.severity, -one.starts.timestamp(), one.fingerprint))
    assert found == order
    assert await store.alerts.count() == 100
    only = await store.alerts.firing(limit=200, service="a", source="prod")
    assert [each.alert for each in only] == [one for one in order if one.service == "a"]
    assert await store.alerts.firing(source="elsewhere") == []


@pytest.mark.parametrize("junk", ["x", "1.2", "1.x.a/b", "9.9.ab", f"{10**30}.1.a/b"])
async def test_a_cursor_that_is_none_is_refused(store: Store, junk: str) -> None:
    """Whoever made it up is told; the database is never asked nonsense."""
    with pytest.raises(Refused, match="begin with the first page"):
        await store.alerts.firing(after=junk)
    assert await store.alerts.firing(after="1.2.a\x00/\ud800") == []


class Counting:
    """A database that counts the transactions that write."""

    def __init__(self, database: Database) -> None:
        self.database, self.patience, self.commits = database, database.patience, 0

    async def write(self, work, **how):
        self.commits += 1
        return await self.database.write(work, **how)


async def test_who_waits_together_is_committed_together(store: Store, clock: HandClock) -> None:
    """A thousand callers take a handful of transactions, each is told its own count, and none is lost."""
    counting = Counting(store.database)
    box = Alerts(counting, clock)
    told = await asyncio.gather(*(box.accept([alert(f"n{n % 900}")]) for n in range(1000)))
    assert sum(told) == 900
    assert counting.commits <= 3
    assert len(await all_of(store)) == 900
    seqs = [each.seq for each in await store.alerts.since(0, 2000)]
    assert seqs == list(range(1, 901))


async def test_one_who_gives_up_loses_nobody_elses(store: Store) -> None:
    """Callers cancelled while they wait; those beside them are kept and answered."""
    calls = [asyncio.create_task(store.alerts.accept([alert(f"n{n}")])) for n in range(60)]
    await asyncio.sleep(0)
    for call in calls[::3]:
        call.cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    kept = {name for name, _ in await all_of(store)}
    for n, outcome in enumerate(outcomes):
        if n % 3:
            assert outcome == 1
            assert f"n{n}" in kept
        else:
            assert isinstance(outcome, asyncio.CancelledError)
    assert store.alerts.waiting == 0


async def test_a_full_inbox_says_so_and_keeps_what_it_took(store: Store, clock: HandClock) -> None:
    """Beyond the bound nothing is taken; what was is kept, and afterwards there is room again."""
    box = Alerts(store.database, clock, most_waiting=10)
    calls = [asyncio.create_task(box.accept([alert(f"n{n}"), alert(f"m{n}")])) for n in range(9)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    full = [each for each in outcomes if isinstance(each, Unavailable)]
    assert full
    assert all("wait already" in str(each) for each in full)
    assert len(await all_of(store)) == sum(each for each in outcomes if isinstance(each, int))
    assert await box.accept([alert("later")]) == 1
    assert await box.accept([alert(f"big{n}") for n in range(50)]) == 50
    assert box.waiting == 0


async def test_what_one_caller_brings_that_the_database_refuses_fails_alone(store: Store) -> None:
    """A row the database does not take, committed together with honest ones: they are kept, its caller has the error."""
    refuse = (
        "CREATE TRIGGER bad BEFORE INSERT ON alerts WHEN NEW.fingerprint = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
        if store.database.is_sqlite
        else "ALTER TABLE alerts ADD CHECK (fingerprint <> 'bad')"
    )
    await store.database.write(lambda c: c.execute(text(refuse)))
    given = [alert("bad" if n == 2 else f"n{n}") for n in range(5)]
    outcomes = await asyncio.gather(*(store.alerts.accept([one]) for one in given), return_exceptions=True)
    assert isinstance(outcomes.pop(2), IntegrityError)
    assert outcomes == [1] * 4
    assert {name for name, _ in await all_of(store)} == {f"n{n}" for n in (0, 1, 3, 4)}


async def test_a_silent_database_is_told_in_time(tmp_path: Path, clock: HandClock) -> None:
    """Somebody holds SQLite's lock: every caller hears "unavailable", nothing is kept, and afterwards all works."""
    import sqlite3

    async with await Store.open(f"{tmp_path}/tocsin.db", clock) as store:
        await store.alerts.accept([alert("first")])
        other = sqlite3.connect(f"{tmp_path}/tocsin.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        outcomes = await asyncio.gather(
            *(store.alerts.accept([alert(f"n{n}")]) for n in range(20)), return_exceptions=True
        )
        other.execute("ROLLBACK")
        other.close()
        assert all(isinstance(each, Unavailable) for each in outcomes)
        assert {name for name, _ in await all_of(store)} == {"first"}
        assert await store.alerts.accept([alert("after")]) == 1


async def test_a_reader_by_cursor_skips_nothing_whoever_writes(url: str, clock: HandClock) -> None:
    """Two processes' worth of writers at once, a reader following by seq: it meets every episode, in order."""
    async with await Store.open(url, clock) as one, await Store.open(url, clock) as two:
        met: list[int] = []
        names: set[str] = set()
        writing = asyncio.gather(
            *(_persist(store, [alert(f"{which}{n}")]) for n in range(150) for which, store in (("a", one), ("b", two)))
        )
        while not writing.done() or len(names) < 300:
            for each in await one.alerts.since(met[-1] if met else 0, 50):
                met.append(each.seq)
                names.add(each.alert.fingerprint)
            await asyncio.sleep(0)
        await writing
        assert met == sorted(met)
        assert met == list(range(1, 301))


async def _persist(store: Store, given: list[Alert]) -> None:
    """As a sender does: once more until it is kept."""
    for attempt in range(50):
        try:
            await store.alerts.accept(given)
        except Unavailable:
            assert attempt < 49
        else:
            return


async def test_what_was_answered_is_there_after_the_process_is_gone(url: str, clock: HandClock) -> None:
    """A second store on the same database, opened while the first never closed, reads what was accepted."""
    store = await Store.open(url, clock)
    await store.alerts.accept([alert("a"), alert("b", ends=1)])
    async with await Store.open(url, clock) as after:
        assert len(await all_of(after)) == 2
        assert await after.alerts.count() == 1
    await store.close()


async def test_how_far_incidents_know_only_grows(store: Store) -> None:
    """It begins at 0; a smaller number changes nothing."""
    assert await store.alerts.applied() == 0
    await store.alerts.advance(7)
    await store.alerts.advance(3)
    assert await store.alerts.applied() == 7


async def test_pruning_forgets_what_is_over_and_known_and_nothing_else(store: Store, clock: HandClock) -> None:
    """Not what fires however old, not what ended lately, not what incidents were not told of; numbers never return."""
    await store.alerts.accept([alert("old", ends=1), alert("fires"), alert("overtaken", 0), alert("overtaken", 5)])
    await store.alerts.advance(4)
    clock.forward(days=40)
    await store.alerts.accept([alert("late", ends=2)])
    await store.alerts.accept([alert("unknown", starts=40 * 86400, ends=40 * 86400 + 1)])
    before = clock.now() - timedelta(days=30)
    assert await store.alerts.prune(before) == 2
    assert {name for name, _ in await all_of(store)} == {"fires", "overtaken", "late", "unknown"}
    assert (await store.alerts.newest(["alert/prod/overtaken"]))["alert/prod/overtaken"].starts == alert("x", 5).starts
    clock.forward(days=40)
    assert await store.alerts.prune(clock.now()) == 0  # incidents were not told yet
    await store.alerts.advance(6)
    assert await store.alerts.prune(clock.now()) == 2
    assert await store.alerts.count() == 2
    await store.alerts.accept([alert("next")])
    assert (await store.alerts.since(6))[0].seq == 7


async def test_any_order_of_the_same_messages_ends_the_same(store: Store) -> None:
    """A few permutations through the database; thousands of them through `join` alone are in tests/domain."""
    messages = [alert(f"n{n % 7}", n % 3, None if n % 5 else n % 4 + 3, severity=1 + n % 4) for n in range(60)]
    wanted: dict[tuple[str, float], Alert] = {}
    for one in messages:
        key = one.fingerprint, one.starts.timestamp()
        wanted[key] = join(wanted[key], one) if key in wanted else one
    for seed in range(5):
        mine = [replace(one, source=f"s{seed}") for one in messages]
        mine += random.Random(seed).choices(mine, k=30)
        random.Random(seed).shuffle(mine)
        for at in range(0, len(mine), 7):
            await store.alerts.accept(mine[at : at + 7])
        found = {
            (each.alert.fingerprint, each.alert.starts.timestamp()): replace(each.alert, source="prod")
            for each in await store.alerts.since(0, 10_000)
            if each.alert.source == f"s{seed}"
        }
        assert found == wanted


class Explaining:
    """A database that says how it would answer before it does."""

    def __init__(self, database: Database) -> None:
        self.database, self.steps = database, []

    async def read(self, work, **how):
        async def planned(connection):
            self.connection = connection
            return await work(self)

        return await self.database.read(planned, **how)

    async def execute(self, statement):
        options = {"dialect": self.connection.dialect, "compile_kwargs": {"literal_binds": True}}
        asked = f"EXPLAIN QUERY PLAN {statement.compile(**options)}"
        rows = await self.connection.run_sync(lambda c: c.exec_driver_sql(asked).fetchall())
        self.steps += [row[3] for row in rows]
        return await self.connection.execute(statement)


async def test_a_page_of_the_list_follows_the_index(tmp_path: Path, clock: HandClock) -> None:
    """SQLite's own plan: the index on the order is walked, and nothing is sorted, for the first page and the next.

    Their number is read off the same index alone: no row is looked at, nor whether a later episode is known.
    """
    async with await Store.open(f"{tmp_path}/t.db", clock) as store:
        explaining = Explaining(store.database)
        box = Alerts(explaining, clock)
        for after in ("", "1.2.prod/a"):
            explaining.steps.clear()
            await box.firing(limit=100, after=after)
            assert any("ix_alerts_place" in step for step in explaining.steps)
            assert not [step for step in explaining.steps if "TEMP B-TREE" in step]
        explaining.steps.clear()
        await box.count()
        (step,) = explaining.steps
        assert "USING COVERING INDEX ix_alerts_place" in step
