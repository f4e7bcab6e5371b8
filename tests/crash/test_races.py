"""Fifty people press at once on two replicas: one change is made, and each person is counted once.

Real here: the store on SQLite and PostgreSQL, each replica with connections and caches of its own. Whoever is told that
many are writing clicks again, under the same inbound id, as a person does.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.errors import Conflict, Refused, Unavailable
from bot.domain.guard import ActionClass
from bot.domain.mitigation import State
from bot.domain.policy import Role
from bot.engine.values import Profile
from bot.wiring import House
from tests.world import World, shipped

PRESSES, CLAIMS = 50, 10
ROUNDS = 50 if os.environ.get("CI") == "true" else 4
APPROVERS = tuple(Profile("", f"a{number}", f"Approver {number}", frozenset({Role.APPROVER})) for number in range(7))


@asynccontextmanager
async def pair(folder: Path, database: str, quorum: int) -> AsyncIterator[tuple[World, House]]:
    """Two replicas under one policy that asks for so many approvers and counts nothing else."""
    policy = replace(
        shipped().policy, quorum={ActionClass.TRAFFIC: quorum}, cool_down=timedelta(), changes_per_hour=1_000_000
    )
    given: dict[str, Any] = {"policy": policy, "people": (*shipped().people, *APPROVERS), "regimes": (), "runbooks": {}}
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World.open(folder, database, **given))
        yield world, await stack.enter_async_context(world.another(**given))


async def press(house: House, incident: str, digest: str, key: str, inbound: str) -> str:
    """Approve as a person does who clicks until they are answered; the refusal, or ""."""
    who = await house.desk.people.by_key(key)
    while True:
        try:
            await house.desk.submit(incident, ApproveMitigation("M1", digest), who, inbound=inbound)
        except Refused as refused:
            return refused.because
        except (Conflict, Unavailable):
            await asyncio.sleep(0)
        else:
            return ""


async def one_round(world: World, other: House, number: int, quorum: int) -> None:
    """One change: approved by fifty presses of seven people, claimed ten times, on both replicas."""
    world.router.weights, world.router.effects = {"v1": 0, "v2": 100}, []
    name = (await world.declare(f"round {number}", "ana")).id
    await world.propose("rollback-v1", "ana", name)
    digest = (await world.incident(name)).mitigations["M1"].digest
    houses = (world.house, other)
    presses = [
        press(houses[turn % 2], name, digest, f"a{turn % len(APPROVERS)}", f"{name}/{turn % 40}")
        for turn in range(PRESSES)  # the last ten are redeliveries of the first
    ]
    answers = await asyncio.gather(*presses)
    approved = (await world.incident(name)).mitigations["M1"]
    assert approved.state is State.APPROVED, (answers, approved)
    assert len(approved.approvals) == len(set(approved.approvers)) == quorum
    assert set(answers) <= {"", "M1 is approved; there is nothing to approve"}
    for house in houses:
        seen = await house.desk.log.load(name)
        assert seen.mitigations["M1"].approvers == approved.approvers
    stale = await world.incident(name)
    carriers = [houses[turn % 2].reconciler.hands.carrier for turn in range(CLAIMS)]
    done = await asyncio.gather(*(each.execute(stale, "M1") for each in carriers), return_exceptions=True)
    strange = [each for each in done if not isinstance(each, Refused | Conflict | Unavailable | None)]
    assert strange == []
    assert done.count(None) == 1, done
    assert world.router.effects == [approved.key(name)]
    entries = Counter(type(each.event).__name__ for each in await other.desk.log.entries(name))
    assert (entries["MitigationApproved"], entries["MitigationClaimed"], entries["OutcomeReported"]) == (quorum, 1, 1)
    assert await other.desk.log.holder("target:router/visits-router") is None


async def rounds(folder: Path, database: str, quorum: int, many: int) -> None:
    async with pair(folder, database, quorum) as (world, other):
        for number in range(many):
            await one_round(world, other, number, quorum)
        assert len(await other.store.log.verify()) == many


@pytest.mark.parametrize("quorum", [1, 2, 3])
async def test_fifty_approvals_and_ten_claims_at_once(tmp_path: Path, database: str, quorum: int) -> None:
    """With a quorum of one, two and three: so many distinct people stand in the log, one claim, one effect."""
    await rounds(tmp_path, database, quorum, max(2, ROUNDS // 3 + 1))


@pytest.mark.nightly
@pytest.mark.parametrize("quorum", [1, 2, 3])
async def test_a_thousand_rounds(tmp_path: Path, database: str, quorum: int) -> None:
    """The same, a thousand rounds on each database."""
    await rounds(tmp_path, database, quorum, 334)


async def test_one_person_pressing_fifty_times_is_one(tmp_path: Path, database: str) -> None:
    """On both replicas, under fifty ids, with a quorum of two: counted once, nothing happens, until a second comes."""
    async with pair(tmp_path, database, 2) as (world, other):
        name = (await world.declare("alone", "ana")).id
        await world.propose("rollback-v1", "ana", name)
        digest = (await world.incident(name)).mitigations["M1"].digest
        houses = (world.house, other)
        presses = [press(houses[turn % 2], name, digest, "a1", f"c{turn}") for turn in range(PRESSES)]
        assert set(await asyncio.gather(*presses)) == {""}
        await world.settle()
        alone = (await world.incident(name)).mitigations["M1"]
        assert (len(alone.approvals), alone.state, world.router.effects) == (1, State.PROPOSED, [])
        assert await press(other, name, digest, "a2", "c50") == ""
        world.house.reconciler.note(name)
        await world.settle()
        assert world.router.effects == [alone.key(name)]
