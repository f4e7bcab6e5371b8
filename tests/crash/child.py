"""One life of a house: everything is real but the verdict on the SLI, the phone, and where it dies; and its people click.

A person clicks until the click was acknowledged, under the same inbound id each time, as a browser or Slack does; with
`repeat` everybody clicks everything once more. What was acknowledged stands in the diary, which outlives every kill.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot import openings, wiring
from bot.domain.approval import ApproveMitigation
from bot.domain.errors import Conflict, Refused, Unavailable
from bot.domain.execution import ReportOutcome
from bot.domain.mitigation import Mitigation, Outcome, State
from bot.domain.paging import Acknowledge
from bot.domain.policy import ActionClass, Role, Severity
from bot.domain.undo import UndoMitigation
from bot.durable.dbos import Dbos
from bot.engine.values import Profile
from bot.slo.burn import Verdict
from bot.store.tables import claims
from tests.crash.reaper import AFTER, BEFORE, Camera, Door, Reaper
from tests.phone import Phone
from tests.world import shipped

NAME = "INC-1"
DORA = Profile("", "dora", "Dora Lind", frozenset({Role.RESPONDER, Role.APPROVER}))
UNDER_WAY = frozenset({State.PROPOSED, State.APPROVED, State.CLAIMED, State.APPLIED, State.UNDOING})
GLANCE = 0.5
"""What a minute is in here: so often everything is looked at."""


def load() -> None:
    """Load all that a house needs, so that each is forked ready; begins nothing."""
    import importlib

    for name in (
        *wiring.WARM, "dbos", "bot.durable.workflows", "bot.durable.takeover", "bot.store", "bot.store.migrations",
        "bot.actions.router", "bot.actions.haproxy", "bot.config.regimes", "httpcore", "bot.clients.http", "apscheduler.schedulers.asyncio", "httpx",
        "aiosqlite", "psycopg", "sqlalchemy.dialects.sqlite.pysqlite", "sqlalchemy.dialects.postgresql.psycopg",
        "alembic.command", "structlog", "tests.crash.bugs",
    ):  # fmt: skip
        importlib.import_module(name)
    openings.drafting_room(shipped())


class Diary:
    """What outlives a kill: each line is one write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **line: Any) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def acknowledged(self) -> list[str]:
        """The clicks that were answered, in this life or an earlier one."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [told["acknowledged"] for line in lines if "acknowledged" in (told := json.loads(line))]


class Judge:
    """In place of the watch: says whether the SLI is met."""

    def __init__(self, *, met: bool) -> None:
        self._met = met

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        because = "burns 0.0× over 15 s" if self._met else "burns 9.9× over 15 s"
        return {"": Verdict("", "met" if self._met else "breached", because, datetime.now(UTC))}


def installation(order: Mapping[str, Any]) -> Any:
    """The tests' own installation, on this order's database, in a hurry."""
    given = shipped()
    policy = replace(
        given.policy,
        quorum={ActionClass.TRAFFIC: 2},
        verify_after=timedelta(),
        verify_within=timedelta(seconds=0.1),
        soak=timedelta(),
        cool_down=timedelta(),
        changes_per_hour=1_000_000,
        undo_itself=frozenset({ActionClass.TRAFFIC}) if order["scenario"] == "auto" else frozenset(),
    )
    return replace(
        given,
        database_url=order["database"],
        state=Path(order["folder"]),
        policy=policy,
        slos=(),
        poll_every=timedelta(seconds=0.1),
        people=(*given.people, DORA),
        services={"visits": replace(given.services["visits"], evidence={}, runbooks=())},
        runbooks={},  # nothing but the change and its evidence: each life is short
        regimes=(),
    )


def doors(order: Mapping[str, Any], reaper: Reaper, clock: Any) -> openings.Outside:
    """The one target, by its real action, and an instrument."""
    from bot.actions import haproxy, router

    action: Any
    if order["target"] == "router":
        action = router.Router(router.RouterSettings(url=order["address"]), clock=clock)
    else:
        settings = haproxy.BalancerSettings(address=order["address"], backend="visits")
        action = haproxy.Balancer(settings, clock=clock)
    watched: Any = Door(action, reaper)
    camera: Any = Camera(reaper)
    return openings.Outside({}, {"visits-router": watched}, {"visits": {"drift": camera}}, {})


class Life:
    """The house and what its people do with it."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self.order, self.diary = order, Diary(Path(order["diary"]))
        self.reaper = Reaper(order["kill"], self._passed)
        self.house: wiring.House
        self.clicked = set() if order["repeat"] else set(self.diary.acknowledged())
        self._moved = asyncio.Event()

    def _passed(self, point: str) -> None:
        if self.order["trace"]:
            self.diary.write(passed=point)

    # -- the house ---------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Start as `wiring.running` does, be clicked at until all is at rest, and say what stands."""
        from bot.clock import SystemClock
        from tests.crash import bugs

        self.reaper.watch_databases()
        clock = SystemClock()
        phone = Phone(Path(self.order["phone"]))
        engine = Dbos(self.order["work"], takeover_every=0.1)
        async with wiring.opened(
            installation(self.order),
            clock=clock,
            durable=engine,
            doors=doors(self.order, self.reaper, clock),
            pagers={"phone": phone},
        ) as self.house:
            house = self.house
            house.desk.handler.after_commit(self.reaper.committed)
            house.desk.handler.after_commit(lambda _name: self._moved.set())
            house.reconciler.hands.prover.watch = Judge(met=self.order["scenario"] != "auto")
            bugs.plant(self.order["bug"], house)
            await house.watch.restore()
            if self.order["scenario"] == "open":
                await house.durable.open(house.reconciler.perform, house.reconciler.wake)
                await house.durable.close()
                return
            self.diary.write(found=await self._approvals(), acknowledged_before=self.diary.acknowledged())
            await house.durable.open(house.reconciler.perform, house.reconciler.wake)
            await house.rounds.start()
            self._minutes_pass = asyncio.create_task(self._minutes())
            await self._people()
            os._exit(0)  # as it is: at rest that is an end like any other

    async def _minutes(self) -> None:
        while True:
            await asyncio.sleep(GLANCE)
            await self.house.rounds.look()

    # -- people ------------------------------------------------------------------------------------------------------

    async def _people(self) -> None:
        try:
            await asyncio.wait_for(self._story(), self.order["patience"])
        except TimeoutError:
            self.diary.write(stuck=str(await self._state()))
        self.diary.write(end=await self._facts())

    async def _story(self) -> None:
        desk, order = self.house.desk, self.order
        await self._click("declare", "ana", self._declare)
        await self._click("acknowledge", "ana", lambda who, at: desk.submit(NAME, Acknowledge(), who, inbound=at))
        await self._click(
            "propose", "ana", lambda who, at: desk.changes.propose(NAME, "rollback-v1", "it burns", who, inbound=at)
        )
        for key in ("ben", "dora"):
            await self._click(f"approve {key}", key, self._approve)
        await self._rest()
        if order["settle"] and await self._state() is State.UNKNOWN:
            report = ReportOutcome("M1", await self._found(stands=order["settle"] == "stands"), "as I saw it")
            name = f"settle {order['life']}"
            await self._click(name, "ben", lambda who, at: desk.submit(NAME, report, who, inbound=at))
            await self._rest()
        if order["scenario"] == "undo" and await self._state() is State.VERIFIED:
            undo = UndoMitigation("M1", "the old one is repaired")
            await self._click("undo", "ben", lambda who, at: desk.submit(NAME, undo, who, inbound=at))
            await self._rest()

    async def _found(self, *, stands: bool) -> Outcome:
        """What a person who looked at the target says of what is in doubt."""
        known = (await self.house.desk.log.load(NAME)).mitigations["M1"]
        if known.undo_in_doubt:
            return Outcome.STANDS if stands else Outcome.TAKEN_BACK
        return Outcome.APPLIED if stands else Outcome.FAILED

    async def _declare(self, who: Profile, at: str) -> Any:
        return await self.house.desk.declare("scores look wrong", Severity.SEV2, "visits", "a call", who, inbound=at)

    async def _approve(self, who: Profile, at: str) -> Any:
        desk = self.house.desk
        if self.order["bug"] == "acknowledges first":
            self.diary.write(acknowledged=at)
        digest = (await self._mitigation()).digest
        return await desk.submit(NAME, ApproveMitigation("M1", digest), who, inbound=at)

    async def _click(self, name: str, key: str, doing: Callable[[Profile, str], Awaitable[Any]]) -> None:
        """Click until it is answered."""
        if name in self.clicked:
            return
        who = await self.house.desk.people.by_key(key)
        assert who is not None, key
        self.reaper.passes(f"click {name}", BEFORE)
        while True:
            try:
                await doing(who, name)
            except (Unavailable, Conflict):
                await asyncio.sleep(0.05)
            except Refused as refused:
                self.diary.write(refused=name, because=refused.because)
                return
            else:
                break
        self.diary.write(acknowledged=name)
        self.reaper.passes(f"click {name}", AFTER)

    async def _rest(self) -> None:
        """Until the change came to rest, whoever is told of a doubt included."""
        while True:
            self._moved.clear()
            incident = await self.house.desk.log.load(NAME)
            mitigation = incident.mitigations["M1"]
            state, auto = mitigation.state, self.order["scenario"] == "auto" and not mitigation.undos
            moving = UNDER_WAY | ({State.NOT_HELPING} if auto else set())
            told = all(call.key(NAME) in incident.pages for call in incident.calls)
            if state not in moving and (state is not State.UNKNOWN or told):
                return
            await asyncio.wait({asyncio.create_task(self._moved.wait())}, timeout=0.1)

    # -- what stands -------------------------------------------------------------------------------------------------

    async def _mitigation(self) -> Mitigation:
        return (await self.house.desk.log.load(NAME)).mitigations["M1"]

    async def _state(self) -> State | None:
        found = (await self.house.desk.log.load(NAME)).mitigations.get("M1")
        return found.state if found else None

    async def _approvals(self) -> list[str]:
        """Who approved, by the log."""
        by_id = {each.id: each.key for each in await self.house.desk.people.everyone()}
        entries = await self.house.desk.log.entries(NAME)
        return [by_id[each.by] for each in entries if type(each.event).__name__ == "MitigationApproved"]

    async def _facts(self) -> dict[str, Any]:
        log, store = self.house.desk.log, self.house.store
        held = await store.database.read(lambda c: c.execute(select(claims.c.key)))
        found = (await log.load(NAME)).mitigations.get("M1")
        return {
            "state": str(found.state) if found else "",
            "detail": found.detail if found else "",
            "undos": found.undos if found else 0,
            "approvals": await self._approvals(),
            "events": [type(each.event).__name__ for each in await log.entries(NAME)],
            "claims": [str(row.key) for row in held],
            "verified": sorted(await store.log.verify()),
        }


def live(order: Mapping[str, Any]) -> None:
    """A whole life."""
    asyncio.run(Life(order).live())
