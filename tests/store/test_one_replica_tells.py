"""Webhooks out from two replicas on one PostgreSQL: one tells, the other takes over, and nothing comes twice."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.incident import Incident
from bot.domain.paging import Acknowledged
from bot.engine.outgoing import Hook, Outgoing
from bot.store import Store
from tests.engine.test_outgoing import Receiver
from tests.store.conftest import HandClock, migrated, opened
from tests.web.fakes import HOME

pytestmark = pytest.mark.real


def telling(store: Store, clock: HandClock, receiver: Receiver) -> Outgoing:
    """A replica's own loop, with its own session and its own memory."""
    return Outgoing(store.log, store.hooks, clock, store.lead, {"ops": (Hook("ops"), receiver)}, HOME)


async def test_two_replicas_tell_once(postgres, clock: HandClock) -> None:
    """Looking at the same time, whoever wrote it; who leads no more leaves the rest to the other, each change once."""
    with postgres.database(postgres.template(migrated)) as url:
        stores = [await Store.open(url, clock) for _ in range(2)]
        receivers = [Receiver(), Receiver()]
        loops = [
            telling(*each, receiver) for each, receiver in zip([(s, clock) for s in stores], receivers, strict=True)
        ]

        async def look(*which: Outgoing) -> list[list[str]]:
            for _ in range(3):
                await asyncio.gather(*(each.look() for each in which))
            return [each.ids for each in receivers]

        try:
            assert await look(*loops) == [[], []]
            incidents = [await opened(store, f"INC-{n}") for n, store in enumerate(stores, 1)]
            told = await look(*loops)
            assert sorted(told) == [[], ["INC-1/1", "INC-2/1"]]
            first = told.index(["INC-1/1", "INC-2/1"])
            leader, other = stores[first], stores[1 - first]

            receivers[first].away = True  # the leader cannot reach it, and then the leader's machine is gone
            await acknowledged(other, incidents[0], clock)
            await look(*loops)
            assert receivers[1 - first].asked == 0
            await leader.close()
            await acknowledged(other, incidents[1], clock)
            told = await look(loops[1 - first])
            assert told[1 - first] == ["INC-1/2", "INC-2/2"]
            assert len({*told[0], *told[1]}) == len(told[0]) + len(told[1]) == 4
        finally:
            for store in stores:
                await store.close()


async def acknowledged(store: Store, incident: Incident, clock: HandClock) -> None:
    """Somebody has it."""
    now = await store.log.load(incident.id)
    await store.log.append(now, [Acknowledged()], by="p_ana", at=clock.now(), cause="test")
