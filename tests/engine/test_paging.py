"""Paging: somebody who can help must know, and every try has a receipt."""

from pathlib import Path

from bot.domain.paging import Acknowledge, Receipt
from tests.world import Phone, World


def about(world: World, incident: str) -> list[str]:
    """Whose phone rang for it, alone or among others."""
    return [each.person.key for each in world.phone.said if any(s.incident.id == incident for s in each.situations)]


async def declared(world: World) -> None:
    await world.declare("scores look wrong", "max")


async def test_a_pager_that_fails_three_times_hands_over_to_the_next_person(tmp_path: Path) -> None:
    """Three tries some seconds apart, each in the log, then Ben at once."""
    async with World.open(tmp_path) as world:
        world.phone.dead = "no carrier"
        await declared(world)
        for _ in range(2):
            await world.round(seconds=5)
        world.phone.dead = ""
        await world.round(seconds=1)
        pages = (await world.incident()).pages
        assert (pages["page:INC-1:0"].receipt, pages["page:INC-1:0"].attempts) == (Receipt.FAILED, 3)
        assert "no carrier" in pages["page:INC-1:0"].detail
        failed = [line for line in await world.lines() if "paging Ana Aydin by phone failed" in line]
        assert len(failed) == 3


async def test_ben_is_paged_when_ana_cannot_be(tmp_path: Path) -> None:
    """The failing channel concerns one person only: the next one is reached within the same look."""
    async with World.open(tmp_path) as world:

        class AnasPhoneIsOff(Phone):
            async def page(self, summons):
                self.dead = "switched off" if summons.person.key == "ana" else ""
                return await super().page(summons)

        world.pagers["phone"] = phone = AnasPhoneIsOff()
        await declared(world)
        for _ in range(2):
            await world.round(seconds=5)
        assert phone.pages == [("ben", "page:INC-1:1")]


async def test_without_any_pager_the_failure_is_shown(tmp_path: Path) -> None:
    """Nobody believes that somebody was paged: the receipt says failed, and why."""
    async with World.open(tmp_path) as world:
        world.pagers.clear()
        world.house.reconciler.hands.pagers.clear()
        await declared(world)
        page = (await world.incident()).pages["page:INC-1:0"]
        assert (page.receipt, page.detail) == (Receipt.FAILED, "no pager is set up")
        for _ in range(5):
            await world.round(seconds=600)
        assert sum("no pager is set up" in line for line in await world.lines()) == 1
        assert list((await world.incident()).pages) == ["page:INC-1:0"]
        world.house.reconciler.hands.pagers["phone"] = world.phone
        await world.round(seconds=600)
        assert world.phone.pages, "set up later, it pages"


async def test_a_second_channel_is_tried_before_anybody_counts_as_unreached(tmp_path: Path) -> None:
    """One broken channel, in whatever way, does not keep the next from being used."""
    async with World.open(tmp_path) as world:
        world.phone.buggy = True
        world.house.reconciler.hands.pagers["mail"] = mail = Phone()
        await declared(world)
        assert mail.pages == [("ana", "page:INC-1:0")]
        assert (await world.incident()).pages["page:INC-1:0"].channel == "mail"


async def test_a_pager_with_a_bug_is_a_pager_that_failed(tmp_path: Path) -> None:
    """It is tried again and escalates like one that is down."""
    async with World.open(tmp_path) as world:
        world.phone.buggy = True
        await declared(world)
        page = (await world.incident()).pages["page:INC-1:0"]
        assert (page.receipt, page.detail) == (Receipt.FAILED, "phone: KeyError")
        world.phone.buggy = False
        await world.round(seconds=5)
        assert world.phone.pages == [("ana", "page:INC-1:0")]


async def test_nobody_is_given_up_while_the_channel_is_down(tmp_path: Path) -> None:
    """A quarter of an hour without any pager: when it works again, people are paged within five minutes."""
    async with World.open(tmp_path) as world:
        world.phone.dead = "down"
        await declared(world)
        for _ in range(30):
            await world.round(seconds=30)
        tried = world.phone.tried
        assert 10 < tried < 30
        world.phone.dead = ""
        await world.round(seconds=301)
        assert world.phone.pages


async def test_a_page_nobody_acknowledges_goes_round_again(tmp_path: Path) -> None:
    """Accepted is not seen: everybody on the list is paged once more every time the list has ended."""
    async with World.open(tmp_path) as world:
        await declared(world)
        for _ in range(6):
            await world.round(seconds=301)
        paged = about(world, "INC-1")
        assert paged[:6] == ["ana", "ben"] * 3
        assert len({each.key for each in world.phone.said}) == len(world.phone.said)
        await world.say(Acknowledge(), "ben")
        await world.round(seconds=3_000)
        assert about(world, "INC-1") == paged


async def test_an_acknowledgement_stops_the_escalation(tmp_path: Path) -> None:
    """Ana took it: Ben sleeps on."""
    async with World.open(tmp_path) as world:
        await declared(world)
        await world.say(Acknowledge(), "ana")
        await world.round(seconds=600)
        assert world.phone.pages == [("ana", "page:INC-1:0")]


async def test_after_five_minutes_the_next_person_is_paged_also_after_a_restart(tmp_path: Path) -> None:
    """The escalation is a reading of the log: it falls due though the house that paged Ana is gone."""
    async with World.open(tmp_path) as world:
        await declared(world)
        await world.round(seconds=240)
        assert len(world.phone.pages) == 1
        await world.crash()
        world.clock.forward(seconds=59)
        await world.settle()
        assert len(world.phone.pages) == 1
        world.clock.forward(seconds=2)
        await world.settle()
        assert world.phone.pages == [("ana", "page:INC-1:0"), ("ben", "page:INC-1:1")]


async def test_what_fell_due_while_the_house_was_down_is_done_at_its_start(tmp_path: Path) -> None:
    """An hour of downtime: the next person is paged as soon as the house stands again."""
    async with World.open(tmp_path) as world:
        await declared(world)
        world.clock.forward(minutes=60)
        await world.restart()
        await world.settle()
        assert world.phone.pages[-1] == ("ben", "page:INC-1:1")


async def test_a_restart_pages_nobody_twice(tmp_path: Path) -> None:
    """The receipt is in the log."""
    async with World.open(tmp_path) as world:
        await declared(world)
        for _ in range(3):
            await world.restart()
            await world.settle()
        assert world.phone.pages == [("ana", "page:INC-1:0")]


async def test_a_page_that_waits_no_longer_is_forgotten(tmp_path: Path) -> None:
    """Paged a moment ago, Ana's next page waits for its time; once somebody acknowledged, nothing is kept of it."""
    async with World.open(tmp_path) as world:
        await declared(world)
        await declared(world)
        waiting = world.house.reconciler.hands.paging._waiting
        ana, ben = (await world.who("ana")).id, (await world.who("ben")).id
        assert list(waiting[ana]) == ["page:INC-2:0"]
        for name in ("INC-1", "INC-2"):
            await world.say(Acknowledge(), "ben", name)
        assert waiting[ana] == waiting.get(ben, {}) == {}
        assert world.phone.pages == [("ana", "page:INC-1:0")]
