"""Fifty models in production: one configuration, one poll that stays cheap, one view of budgets, owners and users."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bot.domain.service import Service
from bot.sources.prometheus import Prometheus
from tests.edge import Watch
from tests.world import World, objective, shipped

MODELS = [f"model-{number:02}" for number in range(50)]
SLOS = tuple(
    objective(f"{name}-answers", f'model="{name}"', service=name, display=f"Good answers of {name}", target=0.9)
    for name in MODELS
)
OWNERS = ("fraud", "search", "pricing")


def services() -> dict[str, Service]:
    """Each model with its owner and who uses it; the second is fed by the first."""
    made = {
        name: replace(
            shipped().services["visits"], name=name, title=name.title(), owner=OWNERS[place % 3], slos=(f"{name}-answers",),
            consumers=("monthly-report",) if place == 0 else (), depends_on=("model-00",) if place == 1 else (),
            targets=(), offers=(), evidence={},
        )
        for place, name in enumerate(MODELS)
    }  # fmt: skip
    return made | {"visits": shipped().services["visits"]}


@dataclass
class Monitoring:
    """A Prometheus that scraped all fifty, and counts what it is asked."""

    clock: Watch
    totals: dict[str, list[int]] = field(default_factory=lambda: {name: [0, 0] for name in MODELS})
    asked: list[str] = field(default_factory=list)

    def serve(self, broken: str = "", idle: str = "") -> None:
        for name, held in self.totals.items():
            if name != idle:
                held[0] += 10 if name == broken else 19
                held[1] += 20

    def answer(self, head: str) -> bytes:
        query = parse_qs(urlsplit(head.split()[1]).query)["query"][0]
        self.asked.append(query)
        place = 0 if query.startswith("good_total") else 1
        now = self.clock.now().timestamp()
        result = [
            {"metric": {"__name__": query.split("{")[0], "model": name}, "values": [[now, str(held[place])]]}
            for name, held in self.totals.items()
        ]
        body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
        return f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Prometheus]:
        import asyncio

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(self.answer((await reader.readuntil(b"\r\n\r\n")).decode()))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield Prometheus(Prometheus.Settings(url=url), clock=self.clock)
        server.close()


async def test_fifty_models_are_one_poll_and_one_view(tmp_path: Path) -> None:
    """Two metrics are two queries however many models; the poor one is found, the unused one is told from the good."""
    world = World(tmp_path)
    monitoring = Monitoring(world.clock)
    async with monitoring.open() as source:
        world.counters = source
        await world.start(slos=SLOS, services=services())
        try:
            await days(world, monitoring, 30)
            monitoring.asked.clear()
            await days(world, monitoring, 10)
            assert Counter(query.split("{")[0] for query in monitoring.asked) == {"good_total": 10, "all_total": 10}
            await days(world, monitoring, 20, broken="model-07")

            # one incident, of the model that is poor, with its owner's people
            (only,) = await world.house.desk.summaries()
            assert (only.service, only.title) == ("model-07", "Good answers of model-07 below its objective")
            watch, now = world.house.watch, world.clock.now()
            states = {name: verdict.state for name, verdict in watch.verdicts.items()}
            assert states.pop("model-07-answers") == "breached"
            assert states.pop("model-41-answers") == "no_data", "a model that nobody asks is not a good one"
            assert set(states.values()) == {"met"}

            # one view of all budgets
            budgets = {name: watch.standing(name, now).budget for name in watch.slos}
            assert len(budgets) == 50
            assert min(budgets, key=lambda name: budgets[name].remaining) == "model-07-answers"
            assert budgets["model-41-answers"].events == 0

            # who owns it and who must know before it is switched off
            catalogue = world.house.desk.catalogue.services
            assert catalogue["model-00"].consumers == ("monthly-report",)
            assert [name for name, each in catalogue.items() if "model-00" in each.depends_on] == ["model-01"]
            assert Counter(catalogue[name].owner for name in MODELS) == {"fraud": 17, "search": 17, "pricing": 16}
        finally:
            await world.stop()


async def days(world: World, monitoring: Monitoring, rounds: int, broken: str = "") -> None:
    for _ in range(rounds):
        monitoring.serve(broken, idle="model-41")
        await world.round()
