"""What it costs to know how thousands of objectives stand: our pass, slo-generator, a query per window, the server's floor.

All ask one real Prometheus in one run, taking turns right after a scrape. The question is that of good and bad events in
four windows (5 min, 30 min, 1 h, 6 h) of every objective; our pass answers for eight. What takes minutes is asked for some of the
objectives and scaled by their number, which is said.
"""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from bot.clock import SystemClock
from bot.engine.counting import Counting
from bot.heap import settled
from bot.slo.spec import Indicator, Selector, Slo
from bot.sources.prometheus import Prometheus
from tests.benchmarks.exporter import CODES, metric, name
from tests.benchmarks.peers import SloGenerator, pooled, queries
from tests.benchmarks.server import Cost, Served, serving

PAST = 6 * 3600 + 600.0
EVERY = timedelta(seconds=15)
AFTERMATH = 0.5
"""Seconds after an answer in which the server still clears away what it made, which is part of what the answer cost."""

GROWTH = (500, 5_000, 20_000, 50_000)  # series

Say = Callable[[str], None]


def objectives(size: int) -> list[Slo]:
    """One objective for each four series of this counter."""
    return [
        Slo(
            name(number),
            "api",
            Indicator(
                "bad",
                Selector.parse(f'{metric(size)}{{slo="{name(number)}",code=~"5.."}}'),
                Selector.parse(f'{metric(size)}{{slo="{name(number)}"}}'),
                "zero",
            ),
            0.999,
            timedelta(days=30),
            source="prometheus",
        )
        for number in range(size // len(CODES))
    ]


@dataclass
class Ours:
    """The product's pass over a real Prometheus."""

    server: Served
    size: int
    counting: Counting = field(init=False)

    def __post_init__(self) -> None:
        self.source = Prometheus(Prometheus.Settings(url=self.server.url, timeout_seconds=60), clock=SystemClock())
        self.counting = Counting.of(objectives(self.size), {"prometheus": self.source}, EVERY)

    async def once(self) -> Cost:
        """Poll, count, and judge every window of every objective."""
        at, before, begun, used = datetime.now(UTC), self.server.cpu(), time.perf_counter(), time.process_time()
        await self.counting.poll(at)
        self.counting.panel.rule(at)
        wall, used = time.perf_counter() - begun, time.process_time() - used
        await asyncio.sleep(AFTERMATH)
        return Cost(wall, used, self.server.cpu() - before)

    def told(self, at: datetime) -> int:
        """Of how many objectives the last poll said something."""
        return int((~self.counting.ledger.silent(at)[self.counting.panel.numbers]).sum())


def floor(server: Served, size: int, session: requests.Session) -> Cost:
    """What it costs the server to look at each of the series once and to say one number."""
    before, begun, used = server.cpu(), time.perf_counter(), time.process_time()
    answer = session.get(f"{server.url}/api/v1/query", params={"query": f"count({metric(size)})"})
    answer.raise_for_status()
    answer.json()
    wall, used = time.perf_counter() - begun, time.process_time() - used
    time.sleep(AFTERMATH)
    return Cost(wall, used, server.cpu() - before)


def measure(slos: int, subset: int, rounds: int, say: Say) -> None:
    """Measure all of it, say the table, then what it costs as the series grow."""
    size = slos * len(CODES)
    say(f"{slos:,} objectives, {size:,} series, one Prometheus, scraped every 15 s; {rounds} rounds, medians")
    with serving([size], PAST, say) as server:
        asyncio.run(_compared(server, size, subset, rounds, say))
    say(f"cost from {GROWTH[0]:,} to {GROWTH[-1]:,} series, taking turns; {rounds} rounds, medians")
    with serving(GROWTH, 0, say) as server:
        asyncio.run(_growth(server, rounds, say))


async def _compared(server: Served, size: int, subset: int, rounds: int, say: Say) -> None:
    session = requests.Session()
    session.trust_env = False
    ours, slos = Ours(server, size), size // len(CODES)
    with tempfile.TemporaryDirectory(prefix="tocsin-slo-generator-") as name:
        peer = SloGenerator(Path(name), server, size)
        refused = await asyncio.to_thread(peer.install)
        await asyncio.to_thread(server.scraped)
        with settled():
            first = await ours.once()
        say(f"  first poll, with the past of 6 h caught up: {_cost(first)}; peak {_peak():.0f} MiB")
        found: dict[str, list[Cost]] = {}
        loads = []
        with settled():
            for turn in range(rounds + 1):
                await asyncio.to_thread(server.scraped)
                taken = {} if turn % 2 else {"floor": floor(server, size, session)}  # whoever is second finds all warm
                taken["ours"] = await ours.once()
                if turn % 2:
                    taken["floor"] = floor(server, size, session)
                asked = list(queries(size, range(turn * 7, turn * 7 + subset // 2)))
                for client in ("httpx", "aiohttp"):
                    cost = await asyncio.to_thread(pooled, client, server, asked)
                    taken[client] = cost.times(slos * 8 / len(asked))
                if not refused and turn <= max(2, rounds // 2):
                    start, whole = [await asyncio.to_thread(peer.run, count) for count in (1, subset + 1)]
                    taken["slo-generator"] = whole.less(start).times(slos / subset)
                loads.append(os.getloadavg()[0])
                for who, cost in taken.items() if turn else ():  # the first warms every cache
                    found.setdefault(who, []).append(cost)
        say(f"  told by our last pass: {ours.told(datetime.now(UTC)):,} of {slos:,} objectives, 8 windows each")
    await ours.source.close()
    _table({who: Cost.median(costs) for who, costs in found.items()}, refused, subset, slos, say)
    say(f"  load of the machine ({os.cpu_count()} cores): {min(loads):.1f} to {max(loads):.1f}")


def _table(found: dict[str, Cost], refused: str, subset: int, slos: int, say: Say) -> None:
    mine, least = found["ours"], found["floor"]
    rows = {
        "ours": "our pass: poll and rule",
        "floor": "count() over the series",
        "aiohttp": f"aiohttp, pool of 20, {slos * 8:,} queries ({subset * 4:,} measured)",
        "httpx": f"httpx, pool of 20, {slos * 8:,} queries ({subset * 4:,} measured)",
        "slo-generator": f"slo-generator 2.6.0, {slos * 8:,} queries ({subset} objectives measured)",
    }
    say(f"  {'':<66} {'wall s':>8} {'client':>8} {'server':>8} {'CPU s':>8} {'wall x':>8} {'CPU x':>7}")
    for who, words in rows.items():
        if who in found:
            cost = found[who]
            times = f"{cost.wall / mine.wall:8.1f} {cost.cpu / mine.cpu:7.1f}"
            say(f"  {words:<66} {cost.wall:8.3f} {cost.client:8.3f} {cost.server:8.3f} {cost.cpu:8.3f} {times}")
    if refused:
        say(f"  slo-generator is not here: {refused}")
    held = [
        ("within 0.5 s", mine.wall <= 0.5),
        ("at most 3 x the floor's processor", mine.cpu <= 3 * least.cpu),
        ("30 x faster than a query per window", min(found[who].wall for who in ("httpx", "aiohttp")) >= 30 * mine.wall),
    ]
    if not refused:
        held.append(("100 x faster than slo-generator", found["slo-generator"].wall >= 100 * mine.wall))
    for words, holds in held:
        say(f"  {'holds' if holds else 'MISSED':<7} {words}")
    say(f"  our processor is {mine.cpu / least.cpu:.2f} x the floor's")


async def _growth(server: Served, rounds: int, say: Say) -> None:
    session = requests.Session()
    session.trust_env = False
    passes = [Ours(server, size) for size in GROWTH]
    await asyncio.to_thread(server.scraped)
    for each in passes:
        for desk in each.counting.desks.values():
            desk.asked_past = datetime.now(UTC)  # there is none here
        await each.once()
    found: dict[int, list[tuple[Cost, Cost]]] = {size: [] for size in GROWTH}
    with settled():
        for turn in range(rounds + 1):
            await asyncio.to_thread(server.scraped)
            first = turn % len(passes)  # or the server would clear away what it made in the same one's turn each time
            for each in (*passes[first:], *passes[:first]):
                taken = await each.once(), floor(server, each.size, session)
                if turn:
                    found[each.size].append(taken)
    for each in passes:
        await each.source.close()
    say(f"  {'series':>8} {'wall s':>8} {'client':>8} {'server':>8} {'CPU s':>8} {'us a series':>12} {'x floor':>8}")
    first = None
    for size, costs in found.items():
        mine, least = Cost.median([cost for cost, _ in costs]), Cost.median([cost for _, cost in costs])
        each = mine.cpu / size * 1e6
        first = first or each
        grows = "" if each <= first else "   more than linear"
        say(
            f"  {size:>8,} {mine.wall:8.3f} {mine.client:8.3f} {mine.server:8.3f} {mine.cpu:8.3f} {each:12.2f}"
            f" {mine.cpu / least.cpu:8.2f}{grows}"
        )


def _cost(cost: Cost) -> str:
    return f"{cost.wall:.1f} s, {cost.client:.1f} s of our processor, {cost.server:.1f} s of the server's"


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
