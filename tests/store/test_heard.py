"""When senders of alerts were last heard: kept beside the alerts, on every database alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import Unavailable
from bot.store import Store
from bot.store.alerts import Alerts
from bot.store.database import Database
from tests.kit import NOON
from tests.store.conftest import HandClock
from tests.store.test_alerts import alert


class Counted:
    """A database that counts what is written, and may be silent."""

    def __init__(self, database: Database, *, silent: bool = False) -> None:
        self._database, self.silent, self.writes = database, silent, 0
        self.patience = database.patience

    async def read(self, ask):
        return await self._database.read(ask)

    async def write(self, work):
        if self.silent:
            raise Unavailable("the database", "no answer within 1.5 s")
        self.writes += 1
        return await self._database.write(work)


async def heard(alerts: Alerts, sender: str = "prod") -> None:
    """One word of the sender's, kept once this returns."""
    alerts.hear(sender)
    await alerts.close()


async def test_when_a_sender_was_heard_outlives_the_process(store: Store, clock: HandClock) -> None:
    """Written with the alerts it sends or without any, at whichever replica; one never heard is not in it."""
    assert await store.alerts.last_heard() == {}
    store.alerts.hear("prod")
    assert await store.alerts.accept([alert()]) == 1  # one transaction
    clock.forward(seconds=40)
    other = Alerts(store.database, clock)
    await heard(other, "grafana")
    assert await Alerts(store.database, clock).last_heard() == {
        "prod": NOON, "grafana": NOON + timedelta(seconds=40),
    }  # fmt: skip
    await heard(other)
    assert (await store.alerts.last_heard())["prod"] == NOON + timedelta(seconds=40)
    assert await store.alerts.applied() == 0
    assert [each.seq for each in await store.alerts.since(0)] == [1]


async def test_an_older_word_takes_nothing_back(store: Store, clock: HandClock) -> None:
    """A replica whose clock is behind does not make a sender look silent."""
    clock.forward(seconds=60)
    await heard(store.alerts)
    clock.forward(seconds=-30)
    await heard(Alerts(store.database, clock))
    assert await store.alerts.last_heard() == {"prod": NOON + timedelta(seconds=60)}


async def test_of_many_words_a_second_one_is_written(store: Store, clock: HandClock) -> None:
    """So that a thousand messages a second cost what one does."""
    wrote = Counted(store.database)
    alerts = Alerts(wrote, clock)
    for _ in range(50):
        await heard(alerts)
    assert wrote.writes == 1
    clock.forward(seconds=1)
    await heard(alerts)
    assert (wrote.writes, await alerts.last_heard()) == (2, {"prod": NOON + timedelta(seconds=1)})


async def test_nobody_waits_for_a_word_to_be_kept(store: Store, clock: HandClock) -> None:
    """While the database is silent it is tried once a word; afterwards the next word, or the next alert, writes it."""
    wrote = Counted(store.database, silent=True)
    alerts = Alerts(wrote, clock)
    await heard(alerts)
    with pytest.raises(Unavailable):
        await alerts.accept([alert()])
    assert await alerts.last_heard() == {}
    wrote.silent = False
    assert await alerts.accept([alert()]) == 1
    assert await alerts.last_heard() == {"prod": NOON}


async def test_what_waits_is_told_by_sender(store: Store) -> None:
    """Of each as many as are not yet kept, and nothing once they are."""
    asked = [store.alerts.accept([alert("a"), alert("b")]), store.alerts.accept([replace(alert("c"), source="og")])]
    tasks = [asyncio.ensure_future(each) for each in asked]
    await asyncio.sleep(0)
    assert store.alerts.waiting_of == {"prod": 2, "og": 1}
    await asyncio.gather(*tasks)
    assert store.alerts.waiting_of == {}
