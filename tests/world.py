"""The real house wired to fakes at the network's edge; time moves only when a test moves it.

async with World.open(tmp_path) as world:
    world.traffic(good=100, bad=0)
    await world.round()
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot import wiring
from bot.config.load import Installation, load
from bot.domain.errors import Refused, Unavailable
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.domain.timeline import plain, timeline
from bot.durable.memory import Journal, Memory
from bot.engine.ports import Collected, Found, Observation, Profile, Question, Seen
from bot.engine.situation import Situation
from bot.slo.spec import Point, Selector
from tests.kit import NOON

FOLDER = Path(__file__).parent / "house"


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = NOON) -> None:
        self.at = start
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        """A short pause between two tries passes by itself; a long one waits until the test moves the clock."""
        if seconds <= 3:
            self.forward(seconds=seconds)
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((self.at + timedelta(seconds=seconds), future))
        await future

    def forward(self, *, seconds: float = 0, minutes: float = 0) -> None:
        self.at += timedelta(seconds=seconds, minutes=minutes)
        for due, future in self._waiting:
            if due <= self.at and not future.done():
                future.set_result(None)
        self._waiting = [(due, future) for due, future in self._waiting if not future.done()]


@dataclass
class Counters:
    """A monitoring source of cumulative counters; it can be down, or fall silent."""

    clock: Watch
    totals: dict[str, dict[str, int]] = field(default_factory=dict)  # slice → {good, total}
    down: str = ""
    asked: int = 0

    def add(self, which: str, good: int, bad: int) -> None:
        held = self.totals.setdefault(which, {"good": 0, "total": 0})
        held["good"] += good
        held["total"] += good + bad

    async def read(self, selectors: Collection[Selector], at: datetime) -> Mapping[Selector, Sequence[Point]]:
        self.asked += 1
        if self.down:
            raise Unavailable("metrics", self.down)
        found: dict[Selector, list[Point]] = {selector: [] for selector in selectors}
        for selector, points in found.items():
            for which, held in self.totals.items():
                labels = frozenset({("health", which)})
                kind = "good" if selector.metric == "good_total" else "total"
                if selector.matches(dict(labels)):
                    points.append(Point(labels, float(held[kind]), at))
        return found

    async def close(self) -> None:
        return


@dataclass
class Router:
    """A traffic router that keeps a revision and the keys it applied, and can fail in every way a router can."""

    clock: Watch
    keyed: bool = True
    weights: dict[str, int] = field(default_factory=lambda: {"v1": 0, "v2": 100})
    bypass: dict[str, str] = field(default_factory=dict)
    revision: int = 1
    applied: dict[str, dict[str, Any]] = field(default_factory=dict)
    fault: str = ""  # refuse, lost_before, lost_after, silent

    def _wanted(self, means: Means, params: Mapping[str, Any]) -> dict[str, Any]:
        if means is Means.BYPASS:
            return {"bypass": {**self.bypass, str(params["slice"]): str(params["to"])}}
        return {"weights": {name: 100 if name == params["to"] else 0 for name in self.weights}}

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        wanted = self._wanted(means, params)
        (part,) = wanted
        now: dict[str, Any] = dict(getattr(self, part))
        return Plan(
            means=means,
            action="router",
            target=target.name,
            target_uid=f"router/{target.name}",
            token=str(self.revision),
            params=dict(params),
            before={part: now},
            after=wanted,
            diff=tuple(f"{part} {k}: {now.get(k)} → {v}" for k, v in wanted[part].items() if now.get(k) != v),
            blast_radius="the slice" if means is Means.BYPASS else "all traffic",
            klass=ActionClass.SMALL if means is Means.BYPASS else ActionClass.TRAFFIC,
            undo="put the former state back",
            undo_params={part: now},
        )

    async def token(self, plan: Plan) -> str:
        if self.fault == "silent":
            raise Unavailable("router", "no answer")
        return str(self.revision)

    async def execute(self, plan: Plan, key: str) -> None:
        if key in self.applied:
            return
        if self.fault == "refuse":
            raise Refused("the router refuses")
        if self.fault in ("lost_before", "silent"):
            raise Unavailable("router", "time-out")
        self._take(plan.after, key)
        if self.fault == "lost_after":
            raise Unavailable("router", "time-out")

    def _take(self, state: Mapping[str, Any], key: str) -> None:
        for part, value in state.items():
            setattr(self, part, dict(value))
        self.revision += 1
        self.applied[key] = dict(state)

    async def observe(self, plan: Plan, key: str) -> Observation:
        if self.fault == "silent":
            raise Unavailable("router", "no answer")
        if key in self.applied:
            return Observation(Seen.APPLIED, f"revision {self.revision} shows it")
        return Observation(Seen.NOT_APPLIED, f"revision {self.revision} does not show it")

    async def undo(self, plan: Plan, key: str) -> None:
        if key not in self.applied:
            self._take(plan.undo_params, key)

    async def undone(self, plan: Plan, key: str) -> Observation:
        seen = Seen.APPLIED if key in self.applied else Seen.NOT_APPLIED
        return Observation(seen, f"revision {self.revision}")

    async def close(self) -> None:
        return


@dataclass
class Instrument:
    """Evidence that says what the test wrote down, or breaks."""

    found: list[Found] = field(default_factory=list)
    broken: str = ""
    asked: int = 0

    async def collect(self, question: Question) -> Collected:
        self.asked += 1
        if self.broken:
            raise Unavailable("instrument", self.broken)
        rows = json.dumps({"slice": question.slice}).encode()
        return Collected(tuple(self.found), (("rows.json", "application/json", rows),))

    async def report(self, question: Question) -> tuple[str, str, bytes]:
        return "drift.json", "application/json", b"{}"

    async def close(self) -> None:
        return


@dataclass
class Phone:
    """A pager that remembers whom it reached."""

    pages: list[tuple[str, str]] = field(default_factory=list)
    dead: str = ""

    async def page(self, person: Profile, situation: Situation, key: str) -> str:
        if self.dead:
            raise Unavailable("phone", self.dead)
        self.pages.append((person.key, key))
        return "phone"

    async def close(self) -> None:
        return


@dataclass
class Board:
    """A chat that remembers what it was shown: one entry per showing."""

    shown: list[tuple[str, int]] = field(default_factory=list)

    async def show(self, situation: Situation) -> None:
        self.shown.append((situation.incident.id, situation.incident.seq))


class World:
    """One world and one house in it; `restart` kills the house and opens another on the same state."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder, self.database = folder, database
        self.clock = Watch()
        self.counters = Counters(self.clock)
        self.router = Router(self.clock)
        self.instrument = Instrument()
        self.phone, self.board = Phone(), Board()
        self.journal = Journal()
        self.house: wiring.House
        self.memory: Memory
        self._stack = contextlib.AsyncExitStack()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, folder: Path, database: str = "", **changes: Any) -> AsyncIterator[World]:
        world = cls(folder, database)
        await world.start(**changes)
        try:
            yield world
        finally:
            await world.stop()

    def installation(self, **changes: Any) -> Installation:
        given = load(FOLDER / "tocsin.yaml", environ={}, models=wiring.models)
        url = self.database or f"sqlite+aiosqlite:///{self.folder / 'tocsin.db'}"
        return replace(given, database_url=url, state=self.folder, **changes)

    async def start(self, **changes: Any) -> None:
        doors = wiring.Outside(
            sources={"metrics": self.counters},
            actions={"visits-router": self.router},
            instruments={"visits": {"drift": self.instrument}},
            reporters={"visits": self.instrument},
        )
        self.memory = Memory(self.clock, self.journal)
        self.house = await self._stack.enter_async_context(
            wiring.opened(
                self.installation(**changes),
                clock=self.clock,
                durable=self.memory,
                doors=doors,
                chat=self.board,
                pagers={"phone": self.phone},
            )
        )
        await self.house.watch.restore()
        await self.memory.open(self.house.reconciler.perform, self.house.reconciler.wake)
        await self.house.reconciler.everything()

    async def stop(self) -> None:
        await self.house.reconciler.close()
        await self.memory.close()
        await self._stack.aclose()
        self._stack = contextlib.AsyncExitStack()

    async def restart(self, **changes: Any) -> None:
        """Kill the house (nothing is written down in passing) and open another on the same state."""
        await self.stop()
        await self.start(**changes)

    # -- what happens ------------------------------------------------------------------------------------------------

    def traffic(self, which: str = "poor", *, good: int, bad: int) -> None:
        """Let requests happen since the last look."""
        self.counters.add(which, good, bad)

    async def round(self, *, seconds: float = 1) -> None:
        """Let time pass, poll once, and do everything that is due."""
        self.clock.forward(seconds=seconds)
        await self.house.watch.tick()
        for incident in await self.house.desk.open_incidents():
            self.house.reconciler.note(incident.id)
        await self.settle()

    async def settle(self) -> None:
        """Do what is owed until nothing is."""
        for _ in range(20):
            await self.memory.advance(self.clock.now())
            await self.house.reconciler.settle()
            await self.memory.idle()
            await self.house.reconciler.shown()
            if not self.house.reconciler.busy:
                return
        raise AssertionError("it never comes to rest")

    async def healthy(self, rounds: int = 20) -> None:
        for _ in range(rounds):
            self.traffic("poor", good=8, bad=2)
            self.traffic("good", good=80, bad=20)
            await self.round()

    async def broken(self, rounds: int = 12) -> None:
        for _ in range(rounds):
            self.traffic("poor", good=0, bad=10)
            self.traffic("good", good=80, bad=20)
            await self.round()

    # -- what people do ----------------------------------------------------------------------------------------------

    async def who(self, key: str) -> Profile:
        found = await self.house.desk.people.by_key(key)
        assert found is not None, key
        return found

    async def say(self, command: Command, by: str, incident: str = "INC-1", inbound: str = "") -> Incident:
        after = await self.house.desk.submit(incident, command, await self.who(by), inbound=inbound)
        await self.settle()
        return after

    async def refuses(self, command: Command, by: str, incident: str = "INC-1") -> str:
        try:
            await self.say(command, by, incident)
        except Refused as refused:
            return refused.because
        raise AssertionError("not refused")

    async def propose(self, offer: str, by: str, incident: str = "INC-1") -> Incident:
        after = await self.house.desk.propose(incident, offer, "", await self.who(by))
        await self.settle()
        return after

    # -- what is there -----------------------------------------------------------------------------------------------

    async def incident(self, name: str = "INC-1") -> Incident:
        return await self.house.desk.log.load(name)

    async def lines(self, name: str = "INC-1") -> list[str]:
        situation = await self.house.desk.situation(name)
        return [plain(line.sentence, situation.name) for line in timeline(situation.entries)]
