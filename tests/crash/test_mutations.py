"""An approved plan that is not what was approved any more is never carried out, wherever it was altered.

Real here: the store on SQLite, with the chain of hashes linked anew by the forger; HAProxy's action against a balancer
served by the test. Every field of a plan and every rule of the house is altered, those still to come included.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.actions.haproxy import Balancer, BalancerSettings
from bot.domain.approval import ENDED, ApproveMitigation
from bot.domain.claim import ClaimMitigation, MitigationOutdated
from bot.domain.guard import ActionClass, Freeze, TargetRules
from bot.domain.log import link
from bot.domain.mitigation import Plan, ProposeMitigation, State, amend
from bot.domain.policy import Policy
from bot.domain.signoff import NoticeRules, SignOff
from bot.store import Store
from bot.store.codec import canonical
from bot.store.tables import entries, incidents
from tests.crash.target import balancing
from tests.kit import ANA, BEN, Story, declared, plan
from tests.world import World

PLAN = tuple(each.name for each in fields(Plan))
OF_WORDS = ("notices", "people_data", "alerts", "storm", "quiet", "merge_pages", "insist_after", "status")
"""Rules of what is written and read: who signs a notice or words for the status page. They change no production."""
RULES = tuple(each.name for each in fields(Policy) if each.name not in OF_WORDS)
OF_A_TARGET = tuple(each.name for each in fields(TargetRules))


def other(value: Any) -> Any:
    """Something else of the same kind, as JSON or as Python holds it."""
    match value:
        case Enum():
            return next(each for each in type(value) if each is not value)
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case timedelta():
            return value + timedelta(seconds=1)
        case Mapping():
            return {**value, "@eve": other(next(iter(value.values()))) if value else 1}
        case frozenset():
            return value | {"@eve"}
        case tuple() | list():
            return type(value)([*value, "x"])
    raise AssertionError(f"nobody knows another {value!r}")


BARE: Mapping[str, Any] = {"regimes": (), "runbooks": {}, "slos": ()}
"""Nothing but the change: no duties, no runbook, no watch."""


# -- in the stored bytes ---------------------------------------------------------------------------------------------


async def forge(store: Store, incident: str, alter: Callable[[dict[str, Any]], None]) -> None:
    """Alter what the log keeps of the proposal and link the chain anew, as somebody who owns the database can."""

    async def work(connection: Any) -> None:
        rows = await connection.execute(select(entries).where(entries.c.incident == incident).order_by(entries.c.seq))
        before = ""
        for row in rows.all():
            told = json.loads(row.stored)
            if told["name"] == "MitigationProposed":
                alter(told["body"])
            stored = canonical(told)
            hashed = link(before, stored)
            here = (entries.c.incident == incident) & (entries.c.seq == row.seq)
            await connection.execute(update(entries).where(here).values(stored=stored, before=before, hash=hashed))
            before = hashed
        await connection.execute(update(incidents).where(incidents.c.id == incident).values(head=before))

    await store.database.write(work)


@asynccontextmanager
async def approved(folder: Path) -> AsyncIterator[World]:
    """A rollback that is approved, its evidence held, and not claimed yet."""
    async with World.open(folder, **BARE) as world:
        await world.declare("scores look wrong", "ana")
        await world.propose("rollback-v1", "ana")
        await world.round(seconds=21)
        digest = (await world.incident()).mitigations["M1"].digest
        await world.house.desk.submit("INC-1", ApproveMitigation("M1", digest), await world.who("ben"))
        yield world


async def never_executed(world: World) -> str:
    """Round after round until its time is over; what the timeline says of it."""
    for seconds in (0, 30, 300, 600):
        await world.round(seconds=seconds)
    assert world.router.effects == []
    assert (await world.incident()).mitigations["M1"].claimed_at is None
    return "\n".join(await world.lines())


@pytest.mark.parametrize("name", [*PLAN, "digest"])
async def test_altered_in_the_stored_bytes(tmp_path: Path, name: str) -> None:
    """One field of the plan, or its digest, is another in the database, and the chain of hashes verifies: refused."""
    async with approved(tmp_path) as world:

        def alter(body: dict[str, Any]) -> None:
            holder = body["plan"] if name in PLAN else body
            holder[name] = {"means": "traffic", "klass": 1, "share": 0.5}.get(name) or other(holder[name])

        await forge(world.house.store, "INC-1", alter)
        await world.house.store.log.verify()
        if name in PLAN[::2]:  # with what is at hand, and read anew
            await world.restart(**BARE)
        said = await never_executed(world)
        wanted = {"target": "no target called 'visits-routerx'"}
        assert wanted.get(name, "the stored plan of M1 is not the one approved") in said


async def test_altered_together_with_its_digest(tmp_path: Path) -> None:
    """Plan and digest are both another, and fit each other: nobody approved those words."""
    async with approved(tmp_path) as world:
        real = (await world.incident()).mitigations["M1"].plan
        forged = replace(real, params={"to": "v2"})

        def alter(body: dict[str, Any]) -> None:
            body["plan"]["params"], body["digest"] = {"to": "v2"}, forged.digest

        await forge(world.house.store, "INC-1", alter)
        assert "M1 has 0 valid approvals of 1" in await never_executed(world)


async def test_the_words_that_were_approved_are_carried_out(tmp_path: Path) -> None:
    """A forger who alters nothing hinders nobody: what the tests above refuse is the alteration."""
    async with approved(tmp_path) as world:
        await forge(world.house.store, "INC-1", lambda _body: None)
        await world.round()
        assert len(world.router.effects) == 1


# -- in the folded incident, and in the rules ------------------------------------------------------------------------


def ready(policy: Policy) -> Story:
    """Approved under that policy, and out of its hold."""
    story = replace(declared(), policy=policy)
    story = story.when(ProposeMitigation(plan(rules=policy.fingerprint)), ANA)
    digest = story.incident.mitigations["M1"].digest
    return story.when(ApproveMitigation("M1", digest), BEN).after(seconds=21)


@pytest.mark.parametrize("name", PLAN)
def test_altered_in_the_folded_incident(name: str) -> None:
    """Whatever alters the plan in memory: the claim compares it with the digest that was approved."""
    story = ready(Policy())
    held = story.incident.mitigations["M1"].plan
    forged = replace(held, **{name: other(getattr(held, name))})
    assert forged.digest != held.digest
    story = replace(story, incident=amend(story.incident, "M1", plan=forged))
    assert "is not the one approved" in story.refuses(ClaimMitigation("M1", forged.token, (BEN,)))


def altered(name: str) -> Policy:
    """The house's rules with one of them another."""
    given: dict[str, Any] = {
        "freezes": (Freeze("night", "nobody is there", classes=frozenset({ActionClass.SMALL})),),
        "targets": {"another": TargetRules(quorum=2)},
    }
    value = getattr(Policy(), name)
    if isinstance(value, Mapping) and name not in given:
        key = next(iter(value), ActionClass.SMALL)
        value = {**value, key: other(value.get(key, 1))}
    elif name in ("step_up", "undo_itself"):
        value = value | {ActionClass.SMALL}
    else:
        value = other(value)
    return replace(Policy(), **{name: given.get(name, value)})


@pytest.mark.parametrize("name", RULES)
def test_the_rules_are_altered_after_the_approval(name: str) -> None:
    """Every rule counts: with one of them another, neither the claim nor a further approval goes through."""
    story, rules = ready(Policy()), altered(name)
    assert rules.fingerprint != Policy().fingerprint
    claimed = replace(story, policy=rules).when(ClaimMitigation("M1", "7", (BEN,)))
    assert claimed.events == (MitigationOutdated("M1", "7", ENDED),)
    assert claimed.incident.mitigations["M1"].state is State.STALE
    proposed = declared().when(ProposeMitigation(plan()), ANA)
    digest = proposed.incident.mitigations["M1"].digest
    assert replace(proposed, policy=rules).refuses(ApproveMitigation("M1", digest), BEN) == ENDED


def test_rules_of_words_leave_an_approved_change_alone() -> None:
    """Another signature for notices, or other readers of people's data: the approved change is claimed as before."""
    signs = NoticeRules((("stakeholders/*", (SignOff("legal", frozenset({"counsel"})),)),))
    rules = replace(Policy(), notices=signs, people_data=frozenset({"auditor"}))
    claimed = replace(ready(Policy()), policy=rules).when(ClaimMitigation("M1", "7", (BEN,)))
    assert claimed.incident.mitigations["M1"].claimed_at is not None


@pytest.mark.parametrize("name", OF_A_TARGET)
def test_the_rules_of_a_target_are_part_of_the_rules(name: str) -> None:
    """What holds for one target counts like what holds for all."""
    held: dict[str, Any] = {
        "allow": frozenset(), "propose": frozenset({"@ana"}), "approve": frozenset({"@ben"}), "quorum": 2,
        "widest": 0.5, "cool_down": timedelta(0), "automatic": frozenset({"bypass"}), "undo_itself": True,
    }  # fmt: skip
    rules = replace(Policy(), targets={"visits-router": replace(TargetRules(), **{name: held[name]})})
    claimed = replace(ready(Policy()), policy=rules).when(ClaimMitigation("M1", "7", (BEN,)))
    assert claimed.events == (MitigationOutdated("M1", "7", ENDED),)


async def test_the_house_starts_again_under_other_rules(tmp_path: Path) -> None:
    """Approved, then the configuration changed: nothing is done, and the timeline says what to do."""
    async with approved(tmp_path) as world:
        await world.restart(policy=replace(world.house.desk.handler.policy, changes_per_hour=7), **BARE)
        said = await never_executed(world)
        assert "M1 was not carried out: the rules of the house changed since it was proposed; propose it again" in said


# -- at the target ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["v1", "v2"])
@pytest.mark.parametrize("weight", [1, 50, 256])
async def test_the_target_is_altered_after_the_approval(tmp_path: Path, server: str, weight: int) -> None:
    """Another hand moved one server's weight: the plan was of another state, and nothing is asked of the balancer."""
    with balancing() as truth:
        async with World.open(tmp_path, **BARE) as world:
            action = Balancer(BalancerSettings(address=truth.address, backend="visits"), clock=world.clock)
            world.house.desk.changes.actions = {"visits-router": action}
            await world.declare("scores look wrong", "ana")
            await world.propose("rollback-v1", "ana")
            truth.weights[server] = weight
            outdated = (await world.approve("M1")).mitigations["M1"]
            assert outdated.state is State.STALE
            assert truth.asked == []
            assert any("its target changed after the plan was made" in line for line in await world.lines())
