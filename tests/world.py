"""The real house wired to fakes at the network's edge; time moves only when a test moves it.

async with World.open(tmp_path) as world:
    world.traffic(good=100, bad=0)
    await world.round()
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from bot import openings, wiring
from bot.config.installation import Installation
from bot.config.load import load
from bot.domain.approval import ApproveMitigation
from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.policy import Severity
from bot.domain.timeline import plain, timeline
from bot.durable.memory import Journal, Memory
from bot.engine.values import Profile
from bot.slo.spec import Selector, Slo
from tests.edge import Board, Counters, Instrument, Phone, Router, Watch

FOLDER = Path(__file__).parent / "house"


@cache
def shipped() -> Installation:
    """The installation of tests/house, read once."""
    return load(FOLDER / "tocsin.yaml", environ={}, models=openings.models)


def objective(name: str, labels: str = "", **changes: Any) -> Slo:
    """An objective like the house's own on other series: `labels` as in `health="poor"`, "" for all traffic."""
    (base,) = shipped().slos
    braces = f"{{{labels}}}" if labels else ""
    indicator = replace(
        base.indicator, part=Selector.parse(f"good_total{braces}"), total=Selector.parse(f"all_total{braces}")
    )
    return replace(base, **{"name": name, "display": "", "slice": None, "indicator": indicator, **changes})


__all__ = ["Board", "Counters", "Instrument", "Phone", "Router", "Watch", "World", "objective", "shipped"]


class World:
    """One world and one house in it; `restart` kills the house and opens another on the same state."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder, self.database = folder, database
        self.clock = Watch()
        self.counters = Counters(self.clock)
        self.router = Router(self.clock)
        self.instrument = Instrument()
        self.instruments = {"drift": self.instrument}
        self.phone, self.board = Phone(), Board()
        self.pagers: dict[str, Phone] = {"phone": self.phone}
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
        given = shipped()
        url = self.database or f"sqlite+aiosqlite:///{self.folder / 'tocsin.db'}"
        return replace(given, database_url=url, state=self.folder, **changes)

    async def start(self, **changes: Any) -> None:
        self.memory = Memory(self.clock, self.journal)
        self.house = await self._stack.enter_async_context(self._opened(self.memory, **changes))
        self.house.store.database.patience = 15.0  # a machine that is busy with other tests is no silent database
        self.engine(self.house)
        await self.house.watch.restore()
        await self.memory.open(self.house.reconciler.perform, self.house.reconciler.wake)
        await self.house.reconciler.everything()

    def _opened(self, durable: Memory, **changes: Any) -> contextlib.AbstractAsyncContextManager[wiring.House]:
        installation = self.installation(**changes)
        doors = openings.Outside(
            sources={"metrics": self.counters},
            actions={"visits-router": self.router},
            instruments={"visits": self.instruments},
            reporters={"visits": self.instrument},
            decisions=openings.decisions(installation),
        )
        return wiring.opened(
            installation,
            clock=self.clock,
            durable=durable,
            doors=doors,
            chat=self.board,
            pagers=self.pagers,
        )

    def engine(self, house: wiring.House) -> None:
        """What a variant of the world changes in the engine before it starts; nothing here."""

    @contextlib.asynccontextmanager
    async def another(self, **changes: Any) -> AsyncIterator[wiring.House]:
        """A second replica on the same database and the same world, which carries nothing out by itself."""
        async with self._opened(Memory(self.clock), **changes) as house:
            yield house

    async def stop(self) -> None:
        await self.house.reconciler.close()
        await self.memory.close()
        await self._stack.aclose()
        self._stack = contextlib.AsyncExitStack()

    async def crash(self, **changes: Any) -> None:
        """Kill the house in the midst of what it does, and open another on the same state."""
        await self.memory.crash()
        await self.restart(**changes)

    async def restart(self, **changes: Any) -> None:
        """Stop the house (nothing is written down in passing) and open another on the same state."""
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

    async def approve(self, name: str, by: str = "ben", incident: str = "INC-1") -> Incident:
        """Approve a mitigation as it was read a moment ago."""
        digest = (await self.incident(incident)).mitigations[name].digest
        await self.say(ApproveMitigation(name, digest), by, incident)
        return await self.incident(incident)

    async def declare(self, title: str, by: str, *, restricted: bool = False, inbound: str = "") -> Incident:
        """Open an incident by hand."""
        who = await self.who(by)
        desk = self.house.desk
        after = await desk.declare(
            title, Severity.SEV2, "visits", "a call", who, restricted=restricted, inbound=inbound
        )
        await self.settle()
        return after

    async def refuses(self, command: Command, by: str, incident: str = "INC-1") -> str:
        try:
            await self.say(command, by, incident)
        except Refused as refused:
            return refused.because
        raise AssertionError("not refused")

    async def propose(self, offer: str, by: str, incident: str = "INC-1") -> Incident:
        after = await self.house.desk.changes.propose(incident, offer, "", await self.who(by))
        await self.settle()
        return after

    # -- what is there -----------------------------------------------------------------------------------------------

    async def incident(self, name: str = "INC-1") -> Incident:
        return await self.house.desk.log.load(name)

    async def lines(self, name: str = "INC-1") -> list[str]:
        situation = await self.house.desk.situation(name)
        return [plain(line.sentence, situation.name) for line in timeline(situation.entries)]
