"""The house dies between the ring of a phone and the note that it rang: nobody is told twice whose channel knows keys."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from bot.domain.errors import Unavailable
from bot.domain.lifecycle import Declare
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.engine.begun import Message
from bot.engine.calling import Sent, Summons
from tests.edge import Phone
from tests.world import World


class Held(Phone):
    """A phone that can be held between its ring and its answer, before or after it rang."""

    def __init__(self) -> None:
        super().__init__()
        self.hold, self.asked = "", asyncio.Event()

    async def page(self, summons: Summons) -> Sent:
        if self.hold == "before":
            self.asked.set()
            await asyncio.Event().wait()
        sent = await super().page(summons)
        if self.hold:
            self.asked.set()
            await asyncio.Event().wait()
        return sent

    @property
    def rang(self) -> list[tuple[str, set[str]]]:
        """Each message by its key, with the incidents it is about."""
        return [(each.key, {one.incident.id for one in each.situations}) for each in self.said]


async def passes(world: World, seconds: float) -> None:
    """Time passes, and everything is looked at; no source is polled."""
    world.clock.forward(seconds=seconds)
    await world.house.reconciler.everything()
    await world.settle()


@contextlib.asynccontextmanager
async def killed(folder: Path, hold: str) -> AsyncIterator[tuple[World, Held]]:
    """Ana was paged for one incident; two more were to reach her as one message, over which the house died."""
    async with World.open(folder) as world:
        world.pagers["phone"] = world.phone = phone = Held()
        world.house.reconciler.hands.pagers["phone"] = phone
        await world.declare("scores look wrong", "max")
        by, now = (await world.who("max")).person, world.clock.now()
        for title in ("answers are slow", "answers are odd"):
            declare = Declare(title, Severity.SEV3, "visits", "a call", now, now)
            await world.house.desk.handler.open(declare, by=by)
        await world.settle()
        assert [key for key, _about in phone.rang] == ["page:INC-1:0"]
        phone.hold = hold
        world.clock.forward(seconds=21)
        settling = asyncio.create_task(world.settle())
        await asyncio.wait_for(phone.asked.wait(), 10)
        settling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await settling
        phone.hold = ""
        await world.memory.crash()
        yield world, phone


async def test_what_rang_as_one_message_goes_again_as_that_one(tmp_path: Path) -> None:
    """Under the same key, with the same incidents and no others: a channel that knows keys drops it, and all is noted."""
    async with killed(tmp_path, "after") as (world, phone):
        rang = phone.rang[1]
        await world.restart()
        await world.settle()
        assert phone.rang[1:] == [rang, rang]
        for name in ("INC-2", "INC-3"):
            (page,) = (await world.incident(name)).pages.values()
            assert page.reached
        for _ in range(10):
            await passes(world, 5)
        assert len(phone.rang) == 3, "and never again"


async def test_what_was_given_up_goes_again_as_that_one(tmp_path: Path) -> None:
    """It was under way in three crashes: the log says so, and the next try is the same message under the same key."""
    async with killed(tmp_path, "after") as (world, phone):
        rang = phone.rang[1]
        for work in world.journal.work.values():
            if work.kind == "do" and work.state == "running":
                work.state, work.ended_at = "given up", world.clock.now()
        max_, now = await world.who("max"), world.clock.now()
        await world.house.desk.handler.open(
            Declare("all is late", Severity.SEV1, "visits", "a call", now, now), by=max_.person
        )
        await world.restart()
        await world.settle()
        await world.house.reconciler.take_up_dead_letters()
        for _ in range(5):
            await passes(world, 6)
        others = [each for each in phone.rang[2:] if each != rang]
        assert phone.rang[2:].count(rang) == 1
        assert [about for _key, about in others] == [{"INC-4"}]
        for name in ("INC-2", "INC-3"):
            incident = await world.incident(name)
            (page,) = incident.pages.values()
            assert (page.reached, incident.troubles[page.key].count) == (True, 1)


async def test_what_never_rang_rings_after_the_start(tmp_path: Path) -> None:
    """The note that it was begun is no note that it rang."""
    async with killed(tmp_path, "before") as (world, phone):
        await world.restart()
        await world.settle()
        ((key, about),) = phone.rang[1:]
        assert about == {"INC-2", "INC-3"}
        assert key in {"page:INC-2:0", "page:INC-3:0"}


async def test_what_is_over_by_then_is_left_out_and_what_is_new_waits(tmp_path: Path) -> None:
    """Under a key that may be known nothing new is said: it would be dropped with the rest."""
    async with killed(tmp_path, "after") as (world, phone):
        key, _about = phone.rang[1]
        named = key.split(":")[1]
        (other,) = {"INC-2", "INC-3"} - {named}
        desk, max_ = world.house.desk, await world.who("max")
        await desk.submit(named, Acknowledge(), await world.who("ana"))
        now = world.clock.now()
        await desk.handler.open(Declare("all is late", Severity.SEV3, "visits", "a call", now, now), by=max_.person)
        await world.restart()
        await world.settle()
        assert (key, {other}) in phone.rang[2:], "still under the key it may be known by"
        for _ in range(5):
            await passes(world, 5)
        assert [about for _key, about in phone.rang[2:]].count({"INC-4"}) == 1
        assert len(phone.rang) == 4


async def test_a_memory_that_fails_holds_up_no_page(tmp_path: Path) -> None:
    """Where nobody can write down or say what was begun, people are paged all the same."""

    class Broken:
        async def keep(self, message: Message) -> None:
            raise Unavailable("the database", "gone")

        async def of(self, key: str) -> Message | None:
            raise KeyError("a row of another version")

    async with World.open(tmp_path) as world:
        world.house.reconciler.hands.paging.begun.port = Broken()
        await world.declare("scores look wrong", "max")
        assert world.phone.pages == [("ana", "page:INC-1:0")]
        assert (await world.incident()).pages["page:INC-1:0"].reached
