"""What would have paged: a past of 28 days is looked at in the background, kept, and told honestly where it cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from bot.domain.errors import Unavailable
from bot.engine.hindsight import BACK, FRESH, LATELY, Hindsight, Told
from bot.slo.batch import Batch
from bot.slo.grid import to_ms
from bot.slo.spec import Query
from tests.engine.past import METRIC
from tests.slo.kit import slo
from tests.web.fakes import FakeClock

NOW = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
API = replace(slo(), source="main")


class Kept:
    """Checkpoints in memory."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, object]] = {}

    async def save(
        self, documents: Mapping[str, Mapping[str, object]], at: datetime, *, drop: Collection[str] = ()
    ) -> None:
        self.held |= {name: dict(each) for name, each in documents.items()}

    async def load(self, names: Collection[str]) -> dict[str, dict[str, object]]:
        return {name: self.held[name] for name in names if name in self.held}


@dataclass
class Remembering:
    """A source with a past: ten events a second, all of which fail for an hour on each of these days ago."""

    failed: tuple[int, ...] = ()
    asked: int = 0
    gate: asyncio.Event | None = None
    fault: Exception | None = None
    silent: bool = False
    looked: list[timedelta] = field(default_factory=list)

    async def read(self, queries: object, at: datetime) -> Mapping[Query, object]:
        return {}

    async def recall(
        self, queries: Collection[Query], start: datetime, end: datetime, step: timedelta
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        self.asked += 1
        self.looked.append(end - start)
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        times = np.arange(to_ms(start) + 1_000, to_ms(end) + 1, 60_000, dtype=np.int64)
        bad_now = np.zeros(len(times), dtype=bool)
        for days in self.failed:
            begun = to_ms(end - timedelta(days=days))
            bad_now |= (times > begun) & (times <= begun + 3_600_000)
        bad, good = np.cumsum(600.0 * bad_now), np.cumsum(600.0 * ~bad_now)
        names = [{METRIC: "requests_total", "code": "200"}, {METRIC: "requests_total", "code": "500"}]
        series = np.repeat(np.array([0, 1], dtype=np.int64), len(times))
        if not self.silent:
            yield end, Batch(names, series, np.concatenate((times, times)), np.concatenate((good, bad)))


@dataclass
class Forgetful:
    """A source of the present alone."""

    async def read(self, queries: object, at: datetime) -> Mapping[Query, object]:
        return {}


def made(source: object, kept: Kept | None = None) -> Hindsight:
    return Hindsight({"api": API}, {"main": source}, kept or Kept(), FakeClock(NOW))  # type: ignore[dict-item]


async def looked(hindsight: Hindsight) -> Told:
    assert hindsight.begin("api")
    await hindsight.settled(60)
    return (await hindsight.last(["api"]))["api"]


async def test_what_would_have_paged_is_counted() -> None:
    """An outage of an hour three days ago and one of twenty days ago: one page in a week, two in four."""
    told = await looked(made(source := Remembering((3, 20))))
    assert (told.within("page", LATELY), told.within("page", BACK), told.pages) == (1, 2, 2)
    first = next(each for each in told.found if each.urgency == "page")
    assert abs(first.at - (NOW - timedelta(days=20))) < timedelta(minutes=5)
    assert first.onset is not None
    assert (told.start, told.end, told.because) == (NOW - BACK, NOW, "")
    assert source.looked[0] >= BACK


async def test_a_calm_past_is_told_as_calm() -> None:
    """Nothing would have paged, and it says how long nothing could be said at its beginning."""
    told = await looked(made(Remembering()))
    assert (told.pages, told.tickets, told.found) == (0, 0, ())
    assert told.unknown < timedelta(hours=1)


async def test_why_it_cannot_be_told() -> None:
    """A source without a past, one that is silent, one that is gone, a fault: each is a sentence and no zero."""
    for source, words in (
        (Forgetful(), "its source 'main' remembers nothing of the past"),
        (Remembering(fault=Unavailable("main", "no answer in 5 s")), "could not be read: main: no answer in 5 s"),
        (Remembering(fault=KeyError("x")), "a fault of Tocsin's own"),
    ):
        assert words in (await looked(made(source))).because
    gone = Hindsight({"api": API}, {}, Kept(), FakeClock(NOW))
    assert "there is no source 'main'" in (await looked(gone)).because


async def test_one_look_at_a_time_and_none_twice() -> None:
    """While one is under way another of the same is not begun; of two objectives the second waits its turn."""
    source = Remembering(gate=asyncio.Event())
    hindsight = Hindsight({"api": API, "web": replace(API, name="web")}, {"main": source}, Kept(), FakeClock(NOW))  # type: ignore[dict-item]
    assert hindsight.begin("api")
    assert not hindsight.begin("api")
    assert hindsight.begin("web")
    assert not hindsight.begin("nothing")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (source.asked, hindsight.looking("api"), hindsight.looking("web")) == (1, True, True)
    source.gate.set()
    await hindsight.settled(60)
    assert (source.asked, hindsight.looking("api"), hindsight.looking("web")) == (2, False, False)


async def test_it_is_kept_with_its_time() -> None:
    """Another process reads the same; after half a day it is time to look again."""
    kept = Kept()
    told = await looked(made(Remembering((3,)), kept))
    later = made(Forgetful(), kept)
    assert (await later.last(["api", "other"])) == {"api": told}
    assert not later.stale(told)
    later.clock.forward(seconds=FRESH.total_seconds() + 1)
    assert later.stale(told)
    assert later.stale(None)


async def test_closing_ends_what_is_under_way() -> None:
    """Nothing is left running, and nothing half is kept."""
    hindsight = made(Remembering(gate=asyncio.Event()))
    hindsight.begin("api")
    await asyncio.sleep(0)
    await hindsight.close()
    assert not hindsight.looking("api")
    assert await hindsight.last(["api"]) == {}
