"""Who waits for an answer goes first, and what stands aside for them does not do so for long."""

import asyncio
from pathlib import Path

from bot.domain.lifecycle import Update
from bot.domain.paging import Acknowledge
from bot.engine.courtesy import Courtesy
from bot.engine.intake import Intake
from bot.engine.reconcile import AT_A_TIME
from tests.engine.test_intake import SERVICES, site
from tests.inbox import alert
from tests.world import World


async def test_where_nobody_waits_nothing_is_put_off() -> None:
    """Work goes on at once, before anything else has its turn."""
    later = asyncio.create_task(asyncio.sleep(0))
    await Courtesy().let_pass()
    assert not later.done()
    await later


async def test_work_stands_aside_until_the_last_was_answered() -> None:
    """Two wait; the work goes on when both were answered."""
    courtesy = Courtesy()
    with courtesy.answering():
        with courtesy.answering():
            work = asyncio.create_task(courtesy.let_pass())
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not work.done()
    await work


async def test_nobody_is_waited_for_for_ever() -> None:
    """An answer that never comes holds work up for a tenth of a second."""
    courtesy = Courtesy()
    with courtesy.answering():
        await asyncio.wait_for(courtesy.let_pass(), 5)


class Counted(Courtesy):
    """How often work stood aside."""

    times = 0

    async def let_pass(self) -> None:
        self.times += 1
        await super().let_pass()


async def test_senders_go_before_incidents_that_wake_nobody(tmp_path: Path) -> None:
    """What is critical is opened and joined at once; what is not lets those pass who still send, each time anew."""
    async with site(tmp_path) as here:
        courtesy = Counted()
        here.intake = Intake(here.inbox, here.handler, SERVICES, here.storm, here.intake.lead, courtesy=courtesy)
        await here.tell(alert("a", severity=1))
        await here.tell(alert("b", severity=1))
        assert courtesy.times == 0
        await here.tell(alert("c", service="mail"))
        await here.tell(alert("d", service="mail"))
        assert courtesy.times == 2
        assert [set(each.alerts) for each in await here.open()] == [
            {"alert/am/a", "alert/am/b"}, {"alert/am/c", "alert/am/d"}]  # fmt: skip


async def test_a_page_stands_aside_for_nobody(tmp_path: Path) -> None:
    """While somebody waits, an incident nobody took is looked at at once, one that somebody has a moment later."""
    async with World.open(tmp_path) as world:
        desk, reconciler = world.house.desk, world.house.reconciler
        looked = []
        look = reconciler.look

        async def seen(name: str) -> None:
            looked.append((name, aside.is_set()))
            await look(name)

        reconciler.look, aside = seen, asyncio.Event()
        let_pass = desk.courtesy.let_pass

        async def noted() -> None:
            aside.set()
            await let_pass()

        with desk.courtesy.answering():
            desk.courtesy.let_pass = noted
            await world.declare("scores look wrong", "max")
            assert looked[0] == ("INC-1", False)
            ben = await world.who("ben")
            await desk.submit("INC-1", Acknowledge(), ben)
            await reconciler.settle()
            looked.clear()
            aside.clear()
            await desk.submit("INC-1", Update("at it"), ben)
            await reconciler.settle()
            assert looked[0] == ("INC-1", True)


async def test_news_does_not_wait_until_everything_was_looked_at(tmp_path: Path) -> None:
    """While three hundred incidents are looked at because the minute is over, one with news comes next; none is left out."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        reconciler, log = world.house.reconciler, world.house.desk.log
        everything = [f"INC-{n}" for n in range(2, 302)]
        looked = []
        look = reconciler.look

        async def open_ids() -> list[str]:
            return everything

        async def seen(name: str) -> None:
            looked.append(name)
            if len(looked) == 10:
                reconciler.note("INC-1")
            await look(name)

        log.open_ids, reconciler.look = open_ids, seen
        await reconciler.everything()
        await reconciler.settle()
        assert looked.index("INC-1") == AT_A_TIME
        assert sorted(looked) == sorted(["INC-1", *everything])
