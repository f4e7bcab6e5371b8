"""A house with five thousand objectives is restarted: it judges again at once, counts each event once, tells nothing twice.

The configuration is five thousand files read from the disk, the state is SQLite, and the source answers all series at once,
as Prometheus does; what it answers is a function of time, so that every count is held against the truth.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot import openings, wiring
from bot.config.installation import Installation
from bot.config.load import load
from bot.domain.sli import Judged
from bot.durable.memory import Memory
from bot.heap import growing
from bot.slo.grid import BAD, GOOD
from tests.kit import NOON
from tests.many import Many, folder, name
from tests.world import World

pytestmark = pytest.mark.nightly

COUNT = 5_000
WITHIN = 10.0
"""Seconds of processor, for the clock on the wall says how busy the machine is."""

MINUTE = timedelta(minutes=1)


class Crowd(World):
    """The real house on a folder of thousands of objectives."""

    def __init__(self, place: Path, database: str = "") -> None:
        super().__init__(place, database)
        self.page = folder(place / "house", COUNT)
        self.many = Many(COUNT, NOON - MINUTE)

    def installation(self, **changes: Any) -> Installation:
        """Read from the disk each time, as `tocsin run` does."""
        read = load(self.page, environ={}, models=openings.models)
        url = f"sqlite+aiosqlite:///{self.folder / 'tocsin.db'}"
        return replace(read, database_url=url, state=self.folder, **changes)

    def _opened(self, durable: Memory, **changes: Any) -> contextlib.AbstractAsyncContextManager[wiring.House]:
        doors = openings.Outside(sources={"prometheus": self.many}, actions={}, instruments={}, reporters={})
        return wiring.opened(
            self.installation(**changes),
            clock=self.clock,
            durable=durable,
            doors=doors,
            chat=self.board,
            pagers=self.pagers,
        )

    async def polls(self, count: int) -> None:
        """So many polls in their time, and all that is due after each."""
        for _ in range(count):
            await self.round(seconds=15)

    async def back(self) -> tuple[float, float]:
        """Restart without a last word, and poll: seconds on the clock and of processor until all is judged again."""
        await self.stop()
        begun, used = time.perf_counter(), time.process_time()
        with growing():
            await self.start()
        await self.house.watch.tick()
        return time.perf_counter() - begun, time.process_time() - used

    def wrong(self) -> dict[str, tuple[int, int]]:
        """Where good or bad events counted since the first poll are not those that happened; by how many."""
        ledger, panel = self.house.watch.ledger, self.house.watch.counting.panel
        held = ledger.windows(self.clock.now(), timedelta(days=30))[:, panel.numbers]
        good, bad = held[GOOD].copy(), held[BAD].copy()
        for place, number in enumerate(panel.numbers):
            for _, more_good, more_bad in ledger.grid.gaps.get(int(number), ()):
                good[place] += more_good
                bad[place] += more_bad
        places = [int(name[-5:]) for name in (slo.name for slo in panel.slos)]
        total, failed = (
            now - before
            for now, before in zip(self.many.counted(self.many.scraped(self.clock.now())), self.ground, strict=True)
        )
        off_good, off_bad = good - (total - failed)[places], bad - failed[places]
        return {
            panel.slos[int(at)].name: (int(off_good[at]), int(off_bad[at])) for at in np.flatnonzero(off_good | off_bad)
        }

    @property
    def ground(self) -> tuple[Any, Any]:
        """What stood there when the first sample was seen."""
        return self.many.counted(self.many.start)


@contextlib.asynccontextmanager
async def crowd(place: Path) -> AsyncIterator[Crowd]:
    world = Crowd(place)
    await world.start()
    try:
        yield world
    finally:
        await world.stop()


async def breached(world: Crowd) -> dict[str, str]:
    """The open incidents by the objective they began with."""
    found = {}
    for each in await world.house.desk.summaries():
        incident = await world.incident(each.id)
        assert incident.sli is not None
        found[each.id] = incident.sli.slo
    return found


async def test_a_restart_loses_no_event_counts_none_twice_and_tells_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Down for 45 s, then for ten minutes: five thousand counts are those of the truth, and each outage is one incident."""
    async with crowd(tmp_path) as world:
        now = world.clock.now
        world.many.outages[17] = (now() + 5 * MINUTE, now() + 50 * MINUTE)
        await world.polls(36)
        assert world.wrong() == {}
        assert await breached(world) == {"INC-1": name(17)}
        pages = len(world.phone.pages)

        world.clock.forward(seconds=45)
        taken = [await world.back()]
        assert world.wrong() == {}
        assert world.house.watch.states["no_data"] == 0
        await world.settle()
        assert await breached(world) == {"INC-1": name(17)}

        world.many.outages[4_321] = (now() + MINUTE, now() + 30 * MINUTE)
        world.clock.forward(seconds=600)
        taken.append(await world.back())
        await world.settle()
        assert world.wrong() == {}
        assert world.house.watch.states["no_data"] == 0
        assert await breached(world) == {"INC-1": name(17), "INC-2": name(4_321)}
        await world.polls(8)
        assert world.wrong() == {}
        assert len(await world.house.desk.summaries()) == 2
        assert (await world.incident()).sli.judged is Judged.BREACHED
        assert len({key for _, key in world.phone.pages}) == len(world.phone.pages) >= pages
    with capsys.disabled():
        for words, (wall, used) in zip(("45 s", "10 min"), taken, strict=True):
            said = f"judging again after {wall:.1f} s ({used:.1f} s of processor)"
            sys.stdout.write(f"\n  {COUNT:,} objectives, down for {words}: {said}")
    assert taken[0][1] < WITHIN
