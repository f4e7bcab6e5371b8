"""What one replica has at hand is old when another wrote: nothing is decided by it that the log does not bear out."""

from pathlib import Path

import pytest

from bot.domain.errors import Refused
from bot.domain.lifecycle import Close, IncidentResolved, Reopen, Resolve, Update
from bot.domain.paging import Acknowledge, Acknowledged
from tests.engine.test_handle import told
from tests.world import World


async def test_a_refusal_is_not_given_by_what_is_old(tmp_path: Path) -> None:
    """Resolved at the other replica a moment ago: closing is allowed here, although here it looks open."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("scores look wrong", "ana")
        ana = await world.who("ana")
        await other.desk.submit("INC-1", Resolve("gone"), ana)
        desk = world.house.desk
        assert desk.log.at_hand("INC-1").is_open
        assert (await desk.submit("INC-1", Close(), ana, inbound="c1")).phase == "closed"


async def test_nothing_to_do_is_not_believed_of_what_is_old(tmp_path: Path) -> None:
    """Re-opened at the other replica: resolving again is recorded, although here it looks resolved already."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("scores look wrong", "ana")
        ana = await world.who("ana")
        await world.say(Resolve("gone"), "ana")
        await other.desk.submit("INC-1", Reopen("back"), ana)
        desk = world.house.desk
        assert not desk.log.at_hand("INC-1").is_open
        assert (await desk.submit("INC-1", Resolve("gone again"), ana, inbound="c1")).phase == "resolved"
        assert told(await desk.log.entries("INC-1"), IncidentResolved) == 2


async def test_who_took_it_at_the_other_replica_has_it(tmp_path: Path) -> None:
    """Ben acknowledged there; Ana's click here finds that out and changes nothing."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("scores look wrong", "max")
        ana, ben = await world.who("ana"), await world.who("ben")
        await other.desk.submit("INC-1", Acknowledge(), ben)
        desk = world.house.desk
        assert desk.log.at_hand("INC-1").unclaimed
        after = await desk.submit("INC-1", Acknowledge(), ana, inbound="c1")
        assert after.acknowledged_by == ben.id
        assert told(await desk.log.entries("INC-1"), Acknowledged) == 1
        assert await desk.log.seen("c1")


async def test_a_click_refused_at_one_replica_stays_refused_at_the_other(tmp_path: Path) -> None:
    """What is at hand would allow it by now; the click was refused before, and hears the same."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("scores look wrong", "ana")
        ana = await world.who("ana")
        with pytest.raises(Refused, match="resolve it first"):
            await other.desk.submit("INC-1", Close(), ana, inbound="c1")
        await world.say(Resolve("gone"), "ana")
        with pytest.raises(Refused, match="resolve it first"):
            await world.house.desk.submit("INC-1", Close(), ana, inbound="c1")
        assert (await world.incident()).phase == "resolved"


async def test_erased_words_do_not_come_back(tmp_path: Path) -> None:
    """Words erased through the other replica are not carried on by what this one has at hand, in log or list."""
    async with World.open(tmp_path) as world, world.another() as other:
        await world.declare("Persephone saw it", "ana")
        ana, ben = await world.who("ana"), await world.who("ben")
        desk = world.house.desk
        assert [entry.event.title for entry in (await desk.log.entries("INC-1"))[:1]] == ["Persephone saw it"]
        assert await other.store.erasure.erase(person=ana.id)
        assert desk.log.at_hand("INC-1").title == "Persephone saw it"
        after = await desk.submit("INC-1", Update("still at it"), ben, inbound="c1")
        assert after.title == "[erased]"
        assert [one.title for one in await desk.summaries()] == ["[erased]"]
        assert (await desk.log.entries("INC-1"))[0].event.title == "[erased]"
