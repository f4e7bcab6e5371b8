"""A house in a process of its own that changes production: clicks one after the other, or a thousand changes at once.

Arguments: what to do (`click`, `fill`, `recover`), how many, the log's URL, the durable engine's, a folder, and the
target's address. Says in a JSON line what it did and when, by the machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot import openings, wiring
from bot.actions.router import Router, RouterSettings
from bot.clock import SystemClock
from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.hold import ReportHold
from bot.domain.mitigation import Means, Plan, State
from bot.domain.paging import Acknowledge
from bot.domain.policy import ActionClass, Severity
from bot.domain.service import Offer, Target
from bot.durable.dbos import Dbos
from bot.engine.values import Observation, Seen
from tests.edge import Board, Phone
from tests.world import shipped

EFFECTS = "effects"


class Switch:
    """A target of its own whose effects are lines of a file, under keys."""

    def __init__(self, name: str, path: Path, done: set[str]) -> None:
        self.name, self.path, self.done = name, path, done

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        return Plan(
            means=means, action="switch", target=target.name, target_uid=f"switch/{self.name}", token="1",
            params=dict(params), before={"on": False}, after={"on": True}, diff=("off → on",), blast_radius="one switch",
            klass=ActionClass.TRAFFIC, undo="off again",
        )  # fmt: skip

    def keyed_for(self, plan: Plan) -> bool:
        return True

    async def uid(self, plan: Plan) -> str:
        return f"switch/{self.name}"

    async def token(self, plan: Plan) -> str:
        return "1"

    async def execute(self, plan: Plan, key: str) -> None:
        if key not in self.done:
            self.done.add(key)
            with self.path.open("a") as file:
                file.write(f"{time.monotonic()} {key}\n")

    async def observe(self, plan: Plan, key: str) -> Observation:
        return Observation(Seen.APPLIED if key in self.done else Seen.NOT_APPLIED, "by its own record")

    async def undo(self, plan: Plan, key: str) -> None:
        raise AssertionError("nobody asked for that")

    async def undone(self, plan: Plan, key: str) -> Observation:
        return Observation(Seen.NOT_APPLIED, "on")

    async def close(self) -> None:
        return


def _say(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


@asynccontextmanager
async def house(many: int, log: str, work: str, folder: Path, address: str) -> AsyncIterator[wiring.House]:
    """The house with one router at that address, or with so many switches where there is none."""
    given, clock = shipped(), SystemClock()
    base = given.services["visits"]
    path = folder / EFFECTS
    actions: dict[str, Any] = {}
    if address:
        actions["visits-router"] = Router(RouterSettings(url=address), clock=clock)
        offers = [Offer(f"to-{to}", to, "rollback", "visits-router", {"to": to}) for to in ("v1", "v2")]
        targets = list(base.targets)
    else:
        done = {line.split()[1] for line in path.read_text().splitlines()} if path.exists() else set()
        actions = {f"s{n}": Switch(f"s{n}", path, done) for n in range(many)}
        offers = [Offer(f"on-{n}", "On", "rollback", f"s{n}", {"on": True}) for n in range(many)]
        targets = [Target(f"s{n}", "router") for n in range(many)]
    policy = replace(given.policy, cool_down=timedelta(), changes_per_hour=10_000_000)
    service = replace(base, evidence={}, runbooks=(), targets=tuple(targets), offers=tuple(offers))
    installation = replace(
        given,
        database_url=log,
        state=folder,
        policy=policy,
        slos=(),
        services={"visits": service},
        runbooks={},
        regimes=(),
    )
    doors = openings.Outside({}, actions, {}, {})
    pagers: Any = {"phone": Phone()}
    board: Any = Board()
    async with wiring.opened(
        installation, clock=clock, doors=doors, durable=Dbos(work, takeover_every=1.0), pagers=pagers, chat=board
    ) as home:
        yield home


async def click(home: wiring.House, many: int) -> None:
    """One change after the other: when the click was made, by whom it was approved once its evidence was held."""
    desk = home.desk
    ana, ben = [await desk.people.by_key(key) for key in ("ana", "ben")]
    assert ana is not None
    moved = asyncio.Event()
    desk.handler.after_commit(lambda _name: moved.set())
    await home.durable.open(home.reconciler.perform, home.reconciler.wake)
    await home.rounds.start()
    clicked, acknowledged = [], []

    async def until(name: str, *, held: bool) -> None:
        while True:
            moved.clear()
            found = (await desk.log.load(name)).mitigations["M1"]
            if found.held is not None if held else found.state is State.APPLIED:
                return
            await asyncio.wait_for(moved.wait(), 30)

    for number in range(many):
        name = (await desk.declare("it burns", Severity.SEV2, "visits", "a call", ana)).id
        await desk.submit(name, Acknowledge(), ana)
        await desk.changes.propose(name, f"to-v{1 + number % 2}", "", ana)
        await until(name, held=True)
        digest = (await desk.log.load(name)).mitigations["M1"].digest
        await asyncio.sleep(0.2)  # let what followed the proposal end: this is about the click
        clicked.append(time.monotonic())
        await desk.submit(name, ApproveMitigation("M1", digest), ben, inbound=f"click-{number}")
        acknowledged.append(time.monotonic())
        await until(name, held=False)
    _say(clicked=clicked, acknowledged=acknowledged)
    os._exit(0)


async def fill(home: wiring.House, many: int) -> None:
    """Approve so many, claim every second one, and die before any is carried out."""
    desk = home.desk
    ana, ben = [await desk.people.by_key(key) for key in ("ana", "ben")]
    assert ana is not None
    assert ben is not None
    for number in range(many):
        name = (await desk.declare("it burns", Severity.SEV2, "visits", "a call", ana)).id
        await desk.submit(name, Acknowledge(), ana)
        await desk.changes.propose(name, f"on-{number}", "", ana)
        await desk.submit(name, ReportHold("M1", ()))
        digest = (await desk.log.load(name)).mitigations["M1"].digest
        await desk.submit(name, ApproveMitigation("M1", digest), ben)
        if number % 2:
            await desk.submit(name, ClaimMitigation("M1", "1", (ben.person,)))
    _say(filled=many)
    os._exit(9)


async def recover(home: wiring.House, many: int, begun: float) -> None:
    """Take them all up; when the first and the last took effect, and was written down."""
    desk = home.desk
    await home.durable.open(home.reconciler.perform, home.reconciler.wake)
    await home.rounds.start()
    opened = time.monotonic()
    while True:
        await asyncio.sleep(0.25)
        states = [each.mitigations["M1"].state for each in await desk.open_incidents()]
        if all(state is State.APPLIED or state is State.NOT_HELPING for state in states):
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = (home.installation.state / EFFECTS).read_text().splitlines()
    effects = sorted(float(line.split()[0]) for line in lines)
    keys = {line.split()[1] for line in lines}
    _say(
        opened=opened - begun, first=effects[0] - begun, last=effects[-1] - begun, told=time.monotonic() - begun,
        effects=len(effects), keys=len(keys), incidents=len(states), wanted=many, peak=peak,
    )  # fmt: skip
    os._exit(0)


async def main(what: str, many: int, log: str, work: str, folder: Path, address: str) -> None:
    begun = time.monotonic()
    async with house(many, log, work, folder, address) as home:
        if what == "click":
            await click(home, many)
        elif what == "fill":
            await fill(home, many)
        else:
            await recover(home, many, begun)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], Path(sys.argv[5]), sys.argv[6]))
