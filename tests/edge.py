"""The world at the house's edge: a clock, a monitoring source, a router, instruments, a pager and a chat that remember."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.clock import MovedClock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.calling import Sent, Summons
from bot.engine.situation import Situation
from bot.engine.values import Collected, Found, Observation, Profile, Question, Seen, Waiting
from bot.slo.spec import Point, Selector
from tests.kit import NOON


class Watch(MovedClock):
    """A clock that stands at noon until it is moved."""

    def __init__(self, start: datetime = NOON) -> None:
        super().__init__(start)


@dataclass
class Counters:
    """A monitoring source of cumulative counters; it can be down, or fall silent."""

    clock: Watch
    totals: dict[str, dict[str, int]] = field(default_factory=dict)  # slice → {good, total}
    down: str = ""
    broken: Exception | None = None
    asked: int = 0

    def add(self, which: str, good: int, bad: int) -> None:
        held = self.totals.setdefault(which, {"good": 0, "total": 0})
        held["good"] += good
        held["total"] += good + bad

    async def read(self, selectors: Collection[Selector], at: datetime) -> Mapping[Selector, Sequence[Point]]:
        self.asked += 1
        if self.down:
            raise Unavailable("metrics", self.down)
        if self.broken:
            raise self.broken
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
    place: str = "router"
    weights: dict[str, int] = field(default_factory=lambda: {"v1": 0, "v2": 100})
    bypass: dict[str, str] = field(default_factory=dict)
    revision: int = 1
    applied: dict[str, dict[str, Any]] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)  # the key of every change that really took place, in order
    fault: str = ""  # refuse, lost_before, lost_after, silent, hang_before, hang_after
    reached: asyncio.Event = field(default_factory=asyncio.Event)  # somebody asked for a change, and it hangs

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
            target_uid=f"{self.place}/{target.name}",
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

    def keyed_for(self, plan: Plan) -> bool:
        return self.keyed

    async def uid(self, plan: Plan) -> str:
        return f"{self.place}/{plan.target}"

    async def token(self, plan: Plan) -> str:
        if self.fault == "silent":
            raise Unavailable("router", "no answer")
        return str(self.revision)

    async def execute(self, plan: Plan, key: str) -> None:
        await self._change(plan.after, key)

    async def _change(self, state: Mapping[str, Any], key: str) -> None:
        if self.keyed and key in self.applied:
            return
        if self.fault == "refuse":
            raise Refused("the router refuses")
        if self.fault in ("lost_before", "silent"):
            raise Unavailable("router", "time-out")
        if self.fault == "hang_before":
            await self._hang()
        self._take(state, key)
        if self.fault == "lost_after":
            raise Unavailable("router", "time-out")
        if self.fault == "hang_after":
            await self._hang()

    async def _hang(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()

    def _take(self, state: Mapping[str, Any], key: str) -> None:
        for part, value in state.items():
            setattr(self, part, dict(value))
        self.revision += 1
        self.applied[key] = dict(state)
        self.effects.append(key)

    async def observe(self, plan: Plan, key: str) -> Observation:
        if self.fault == "silent":
            raise Unavailable("router", "no answer")
        if key in self.applied:
            return Observation(Seen.APPLIED, f"revision {self.revision} shows it")
        return Observation(Seen.NOT_APPLIED, f"revision {self.revision} does not show it")

    async def undo(self, plan: Plan, key: str) -> None:
        await self._change(plan.undo_params, key)

    async def undone(self, plan: Plan, key: str) -> Observation:
        if self.fault == "silent":
            raise Unavailable("router", "no answer")
        seen = Seen.APPLIED if key in self.applied else Seen.NOT_APPLIED
        return Observation(seen, f"revision {self.revision}")

    async def close(self) -> None:
        return


@dataclass
class Instrument:
    """Evidence that says what the test wrote down, or breaks."""

    found: list[Found] = field(default_factory=list)
    broken: str = ""
    buggy: bool = False
    hangs: bool = False
    asked: int = 0

    async def collect(self, question: Question) -> Collected:
        self.asked += 1
        if self.broken:
            raise Unavailable("instrument", self.broken)
        if self.buggy:
            raise KeyError("rows")
        if self.hangs:
            await asyncio.Event().wait()
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
    said: list[Summons] = field(default_factory=list)
    dead: str = ""
    buggy: bool = False
    tried: int = 0

    def way(self, summons: Summons) -> str:
        return "phone"

    async def page(self, summons: Summons) -> Sent:
        self.tried += 1
        if self.dead:
            raise Unavailable("phone", self.dead)
        if self.buggy:
            raise KeyError("number")
        self.pages.append((summons.person.key, summons.key))
        self.said.append(summons)
        return Sent("phone")

    async def close(self) -> None:
        return


@dataclass
class Board:
    """A chat that remembers what it was shown: one entry per showing. It can be down."""

    shown: list[tuple[str, int]] = field(default_factory=list)
    reminded: list[tuple[str, list[str]]] = field(default_factory=list)
    quiet: dict[str, datetime] = field(default_factory=dict)  # who rests until when
    rooms: dict[str, str] = field(default_factory=dict)
    archived: list[str] = field(default_factory=list)
    down: str = ""
    refuses: str = ""  # rooms, with these words

    async def show(self, situation: Situation) -> None:
        if self.down:
            raise Unavailable("chat", self.down)
        self.shown.append((situation.incident.id, situation.incident.seq))

    async def remind(self, person: Profile, waiting: Sequence[Waiting], key: str) -> str:
        if self.down:
            raise Unavailable("chat", self.down)
        told = [f"{each.situation.incident.id} {matter.reason}" for each in waiting for matter in each.matters]
        self.reminded.append((person.key, told))
        return f"direct message to {person.name}"

    async def resting(self, person: Profile) -> datetime | None:
        return self.quiet.get(person.key)

    async def open_room(self, situation: Situation) -> tuple[str, str]:
        if self.down:
            raise Unavailable("chat", self.down)
        if self.refuses:
            raise Refused(self.refuses)
        name = f"inc-{situation.incident.id.lower()}"
        self.rooms.setdefault(name, f"C{len(self.rooms) + 1}")
        return self.rooms[name], name

    async def archive_room(self, situation: Situation) -> None:
        if self.down:
            raise Unavailable("chat", self.down)
        self.archived.append(situation.incident.id)
