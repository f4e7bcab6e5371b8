"""A database that is silent for a while: nothing owed is lost, nothing is done twice, and what was given up is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.domain.approval import ApproveMitigation
from bot.domain.errors import Unavailable
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import State
from bot.domain.undo import UndoMitigation
from bot.durable.keys import doing
from bot.durable.memory import Work
from tests.world import World


class Silent:
    """A log that refuses its next so many calls of some methods, as a database under a lock does."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.left = inner, 0
        self.methods: tuple[str, ...] = ("load", "append")

    def __getattr__(self, name: str) -> Any:
        if name in self.methods and self.left > 0:
            self.left -= 1
            raise Unavailable("the database", "no answer within 1.5 s")
        return getattr(self._inner, name)


def silence(world: World, calls: int, *methods: str) -> Silent:
    log = Silent(world.house.desk.handler.log)
    log.left, log.methods = calls, methods or log.methods
    world.house.desk.handler.log = log
    return log


async def test_a_page_survives_a_silent_database(tmp_path: Path) -> None:
    """The attempt is not over while neither its outcome nor its trouble could be written down."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken(8)
        assert (await world.incident()).exists
        world.house.desk.handler.log = silence(world, 2)
        await world.house.reconciler.perform("page:INC-1:0")
        assert [who for who, _key in world.phone.pages] == ["ana"]
        assert (await world.incident()).pages


async def test_a_change_is_reported_after_a_silent_database(tmp_path: Path) -> None:
    """The target took the change, the report met silence twice: it is applied once, and said to be."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        await world.propose("rollback-v1", "ana")
        digest = (await world.incident()).mitigations["M1"].digest
        await world.house.desk.submit("INC-1", ApproveMitigation("M1", digest), await world.who("ben"))
        silence(world, 2, "append")
        await world.settle()
        assert (await world.incident()).mitigations["M1"].state is State.APPLIED
        assert len(world.router.applied) == 1


async def test_what_was_given_up_is_said_and_tried_again(tmp_path: Path) -> None:
    """Work that took the process down three times is a dead letter: the log says so, and the next attempt is owed."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        world.instrument.broken = "x"
        await world.broken(8)
        await world.propose("bypass-poor", "ana")
        mitigation = (await world.incident()).mitigations["M1"]
        key, now = "execute:INC-1:M1", world.clock.now()
        world.journal.work[doing(key, 1)] = Work("do", key, now, state="given up", ended_at=now)
        await world.say(ApproveMitigation("M1", mitigation.digest), "ben")
        assert (await world.incident()).mitigations["M1"].state is State.APPROVED
        await world.house.reconciler.take_up_dead_letters()
        await world.house.reconciler.take_up_dead_letters()
        assert any("given up" in line for line in await world.lines())
        assert (await world.incident()).troubles[key].count == 1
        await world.round(seconds=10)
        assert (await world.incident()).mitigations["M1"].state is State.APPLIED


async def test_an_approved_change_is_not_carried_out_in_a_resolved_incident(tmp_path: Path) -> None:
    """It was over meanwhile: the approval lapses and the target is left alone; closed, nothing is undone either."""
    async with World.open(tmp_path) as world:
        await world.healthy()
        await world.broken()
        await world.propose("rollback-v1", "ana")
        world.router.fault = "silent"
        digest = (await world.incident()).mitigations["M1"].digest
        await world.say(ApproveMitigation("M1", digest), "ben")
        await world.say(Resolve("switched off by hand", waive="the model is off"), "ana")
        world.router.fault = ""
        await world.round(seconds=30)
        assert (await world.incident()).mitigations["M1"].state is State.EXPIRED
        assert world.router.applied == {}
        await world.say(Close(), "ana")
        assert "closed" in await world.refuses(UndoMitigation("M1"), "ben")
