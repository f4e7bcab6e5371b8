"""The house a drill is held in: the user's files and people, a database of its own, and no way to page or to change."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot import openings, wiring
from bot.clock import AheadClock, MovedClock, SystemClock
from bot.config.installation import Installation
from bot.config.model import Slack, Web
from bot.domain.service import Service
from bot.drill.breach import SOURCE, Breach, chosen, simulated
from bot.drill.practice import connected, practising, workspace
from bot.drill.standin import DRILL, ReadsOnly, StandIn
from bot.durable.memory import Memory
from bot.engine.calling import Pager, Sent, Summons
from bot.localslack import LocalSlack
from bot.slo.spec import Slo


@dataclass
class Recorder:
    """A pager that reaches nobody and writes down whom it would have reached."""

    pages: list[tuple[str, str]] = field(default_factory=list)  # whose, about which incident
    practice: Pager | None = None  # the practice workspace, where there is one

    def way(self, summons: Summons) -> str:
        """Nowhere."""
        return f"{DRILL}, nobody was disturbed"

    async def page(self, summons: Summons) -> Sent:
        """Note it; a page asked for again under its key is one."""
        for note in ((summons.person.key, each.incident.id) for each in summons.situations):
            if note not in self.pages:
                self.pages.append(note)
        if self.practice is not None:
            sent = await self.practice.page(summons)
            return Sent(f"{DRILL}, {sent.where} of the practice workspace")
        return Sent(self.way(summons))

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Stage:
    """Everything a drill plays with."""

    installation: Installation  # the user's own
    service: Service
    slo: Slo
    clock: MovedClock | AheadClock
    breach: Breach
    standins: Mapping[str, StandIn]
    recorder: Recorder
    memory: Memory
    house: wiring.House
    slack: LocalSlack | None = None  # where people click for themselves
    looked: datetime | None = None

    async def round(self, seconds: float) -> None:
        """Let so much time pass at once, with the traffic of it; look once, and do everything that is due."""
        self.clock.forward(seconds=seconds)
        await self.look()

    async def look(self) -> None:
        """Look once at what the traffic since the last look says, and do everything that is due."""
        now = self.clock.now()
        self.breach.flow((now - (self.looked or now)).total_seconds())
        self.looked = now
        await self.house.watch.tick()
        for name in await self.house.desk.log.open_ids():
            self.house.reconciler.note(name)
        await self.settle()

    async def settle(self) -> None:
        """Do what is owed until nothing is."""
        reconciler = self.house.reconciler
        while True:
            await self.memory.advance(self.clock.now())
            await reconciler.settle()
            await self.memory.idle()
            await reconciler.shown()
            if not reconciler.busy:
                return


def drilled(
    installation: Installation, service: Service, slo: Slo, folder: Path, slack: LocalSlack | None = None
) -> Installation:
    """The user's installation, marked, with one made-up objective, without its sources, pagers, Slack and database.

    What freezes changes is left out, so that the chain can be walked; the report says that it would hold.
    """
    services = {
        name: replace(
            each, title=f"{DRILL}: {each.title}", channel="", slos=(slo.name,) if name == service.name else ()
        )
        for name, each in installation.services.items()
    }
    organisation = installation.organisation
    return replace(
        installation,
        organisation=organisation.model_copy(update={"name": f"{DRILL}: {organisation.name}"}),
        database_url=f"sqlite+aiosqlite:///{folder / 'drill.db'}",
        state=folder,
        web=Web(),
        slack=connected(slack) if slack is not None else Slack(),
        people=tuple(practising(installation)) if slack is not None else installation.people,
        sources={},
        pagers={},
        policy=replace(installation.policy, freezes=()),
        services=services,
        slos=(simulated(slo),),
        maintenance=(),
    )


@contextlib.asynccontextmanager
async def opened(
    installation: Installation,
    folder: Path,
    *,
    service: str = "",
    slo: str = "",
    offline: bool = False,
    people: bool = False,
) -> AsyncIterator[Stage]:
    """A drill's house; with `people` also a practice workspace in which they click for themselves.

    Raises NotFound, Refused where there is nothing to drill.
    """
    broken, objective = chosen(installation, service, slo)
    clock = AheadClock(SystemClock()) if people else MovedClock(SystemClock().now())
    async with contextlib.AsyncExitStack() as stack:
        slack = await stack.enter_async_context(workspace(installation, clock)) if people else None
        real = openings.Outside({}, {}, {}, {})
        if not offline:
            real = openings.outside(replace(installation, sources={}), SystemClock(), ReadsOnly.of)
            stack.push_async_callback(real.close)
        standins = {
            target.name: StandIn(target.name, real.actions[target.name].plan if not offline else None)
            for each in installation.services.values()
            for target in each.targets
        }
        breach, recorder = Breach(clock, list(standins.values())), Recorder()
        memory = Memory(clock)
        doors = openings.Outside({SOURCE: breach}, standins, real.instruments, real.reporters)
        house = await stack.enter_async_context(
            wiring.opened(
                drilled(installation, broken, objective, folder, slack),
                clock=clock, durable=memory, doors=doors, pagers={DRILL.lower(): recorder},
            )
        )  # fmt: skip
        await house.watch.restore()
        await memory.open(house.reconciler.perform, house.reconciler.wake)
        stack.push_async_callback(memory.close)
        stack.push_async_callback(house.reconciler.close)
        if house.slack is not None:
            stack.push_async_callback(house.slack.close)
            await house.slack.open()
            await house.slack.warm()
            recorder.practice = openings.pager("slack", openings.models("pagers", "slack")(), clock, house.slack)
        yield Stage(installation, broken, objective, clock, breach, standins, recorder, memory, house, slack)
