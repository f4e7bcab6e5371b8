"""The clocks of an incident over nights, restarts and replicas: nobody is forgotten, and nobody is told twice."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.domain.errors import Unheard
from bot.domain.followup import AddFollowUp, FinishFollowUp
from bot.domain.lifecycle import ChangeSeverity, Close, Resolve, Update
from bot.domain.paging import Acknowledge
from bot.domain.policy import Role, Severity
from bot.durable.memory import Journal
from bot.engine.calling import Sent, Summons
from bot.engine.values import Profile
from tests.world import Board, Phone, World, shipped

CALM = replace(shipped().policy, step_idle=timedelta(days=30))
DEV = Profile("", "dev", "Dev Rao", frozenset({Role.APPROVER}))


async def taken(world: World, title: str = "Recall is down") -> str:
    incident = await world.declare(title, "ana")
    await world.say(Acknowledge(), "ana", incident.id)
    return incident.id


async def sleep(world: World, minutes: float) -> None:
    """Time passes and nobody polls: only wake-ups that the durable engine kept are done."""
    world.clock.forward(minutes=minutes)
    await world.settle()


async def test_promises_of_a_closed_incident_are_asked_about_each_week(tmp_path: Path) -> None:
    """The morning after the date and each week, over restarts and a kill, once each, by durable wake-ups alone."""
    async with World.open(tmp_path, policy=CALM) as world:
        name = await taken(world)
        ben = await world.who("ben")
        due = world.clock.now().date() + timedelta(days=2)
        await world.say(AddFollowUp("test the reader", ben.id, due), "ana", name)
        await world.say(Resolve("over", "seen"), "ana", name)
        await world.say(Close(), "ana", name)
        assert await world.house.desk.open_incidents() == []
        day = 24 * 60
        await sleep(world, 2 * day)
        assert world.board.reminded == []
        await world.restart(policy=CALM)
        await sleep(world, day)
        assert world.board.reminded == [("ben", [f"{name} followup"])]
        await world.crash(policy=CALM)
        await sleep(world, 6 * day)
        assert len(world.board.reminded) == 1
        await sleep(world, day)
        await world.restart(policy=CALM)
        assert len(world.board.reminded) == 2
        await world.say(FinishFollowUp("U1"), "ben", name)
        await sleep(world, 8 * day)
        assert len(world.board.reminded) == 2


async def test_promises_of_several_closed_incidents_come_in_one_message(tmp_path: Path) -> None:
    """Overdue on the same morning: Ben reads one message, not one each ten minutes."""
    async with World.open(tmp_path, policy=CALM) as world:
        ben, names = await world.who("ben"), []
        for title in ("Recall is down", "Latency is up"):
            name = await taken(world, title)
            await world.say(AddFollowUp("test it", ben.id, world.clock.now().date()), "ana", name)
            await world.say(Resolve("over", "seen"), "ana", name)
            await world.say(Close(), "ana", name)
            names.append(name)
        await sleep(world, 24 * 60)
        await sleep(world, 60)
        assert world.board.reminded == [("ben", [f"{name} followup" for name in names])]


async def test_a_lost_wake_up_of_a_closed_incident_is_made_good_the_next_night(tmp_path: Path) -> None:
    """Nothing looks at a closed incident each minute; the nightly look finds what is promised by the list."""
    async with World.open(tmp_path, policy=CALM) as world:
        name = await taken(world)
        ben = await world.who("ben")
        await world.say(AddFollowUp("test it", ben.id, world.clock.now().date()), "ana", name)
        await world.say(Resolve("over", "seen"), "ana", name)
        await world.say(Close(), "ana", name)
        world.journal = Journal()  # the durable engine's database is lost
        await world.restart(policy=CALM)
        await sleep(world, 2 * 24 * 60)
        assert world.board.reminded == []
        await world.house.rounds.prune()
        await world.settle()
        assert world.board.reminded == [("ben", [f"{name} followup"])]


async def test_the_end_is_an_hour_old_and_the_house_was_away(tmp_path: Path) -> None:
    """Resolved, killed, started again two hours later: the lead is asked to learn, once."""
    async with World.open(tmp_path, policy=CALM) as world:
        name = await taken(world)
        await world.say(Resolve("over", "seen"), "ana", name)
        await world.stop()
        world.clock.forward(minutes=120)
        await world.start(policy=CALM)
        await world.settle()
        await sleep(world, 30)
        await world.restart(policy=CALM)
        await sleep(world, 30)
        assert world.board.reminded == [("ana", [f"{name} learn"])]


async def test_the_views_turn_when_an_update_is_overdue_though_nobody_does_anything(tmp_path: Path) -> None:
    """Nobody leads, so nobody is reminded: the incident is shown again at that very time, by its own wake-up."""
    async with World.open(tmp_path, policy=CALM) as world:
        name = (await world.declare("It is slow", "ana")).id
        await world.say(Update("we look", timedelta(minutes=20)), "ana", name)
        shown = len(world.board.shown)
        await sleep(world, 19.9)
        before = len(world.board.shown)
        await sleep(world, 0.2)
        assert len(world.board.shown) > before >= shown
        assert (await world.house.desk.situation(name)).update_overdue


async def test_a_proposal_goes_round_the_approvers(tmp_path: Path) -> None:
    """Nobody on call rests: told at once; Ben rests: the next one in the same minute; Ben afterwards not at all."""
    people = (*shipped().people, DEV)
    async with World.open(tmp_path, policy=CALM, people=people) as world:
        name = await taken(world)
        world.board.quiet["ben"] = world.clock.now() + timedelta(hours=9)
        await world.propose("rollback-v1", "ana", name)
        await sleep(world, 0)
        assert [who for who, told in world.board.reminded if f"{name} approval" in told] == ["dev"]
        await sleep(world, 16)
        await sleep(world, 10 * 60)
        assert "ben" not in [who for who, _told in world.board.reminded]


# -- pages -----------------------------------------------------------------------------------------------------------


class Chatty(Phone):
    """A pager like Slack's: it delivers, and knows who rests."""

    def __init__(self) -> None:
        super().__init__()
        self.resting: set[str] = set()

    async def page(self, summons: Summons) -> Sent:
        sent = await super().page(summons)
        if summons.person.key in self.resting:
            raise Unheard(f"{summons.person.name} asked not to be disturbed until 07:00 UTC", where=sent.where)
        return sent


async def test_who_rests_is_paged_another_way_too(tmp_path: Path) -> None:
    """The message is sent (it is the record), the next pager rings as well, and that one is the receipt."""
    async with World.open(tmp_path) as world:
        chatty = Chatty()
        chatty.resting.add("ana")
        world.pagers.clear()
        world.pagers |= {"slack": chatty, "phone": world.phone}
        await world.declare("scores look wrong", "max")
        assert (chatty.pages, world.phone.pages) == ([("ana", "page:INC-1:0")], [("ana", "page:INC-1:0")])
        assert (await world.incident()).pages["page:INC-1:0"].channel == "phone"


async def test_who_rests_and_has_no_other_pager_is_paged_all_the_same(tmp_path: Path) -> None:
    """The only channel counts, its receipt says that they rest, and the next person's turn comes by its clock."""
    async with World.open(tmp_path) as world:
        chatty = Chatty()
        chatty.resting.add("ana")
        world.pagers.clear()
        world.pagers["slack"] = chatty
        await world.declare("scores look wrong", "max")
        page = (await world.incident()).pages["page:INC-1:0"]
        assert (page.channel, page.receipt) == ("slack", "accepted")
        assert "asked not to be disturbed until 07:00 UTC" in page.detail
        await world.round(seconds=299)
        assert len(chatty.pages) == 1
        await world.round(seconds=2)
        assert chatty.pages[1:] == [("ben", "page:INC-1:1")]


async def test_the_worst_incident_waits_two_minutes_for_its_acknowledgement(tmp_path: Path) -> None:
    """Raised to SEV1, the next person is paged two minutes after the first; a SEV2 waits five."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "max")
        await world.round(seconds=125)
        assert [who for who, _key in world.phone.pages] == ["ana"]
        await world.say(ChangeSeverity(Severity.SEV1, "all of Europe"), "ana")
        assert [who for who, _key in world.phone.pages] == ["ana", "ben"]


# -- replicas --------------------------------------------------------------------------------------------------------


class Slow(Board):
    """A chat that lets something happen while a reminder is under way."""

    meanwhile: Any = None

    async def remind(self, person: Profile, waiting: Any, key: str) -> str:
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return await super().remind(person, waiting, key)


async def test_two_replicas_remind_under_one_key(tmp_path: Path) -> None:
    """While one tells of both incidents, the other takes the second: the same key, so the chat sends it once."""
    keys: list[str] = []

    class Keyed(Slow):
        async def remind(self, person: Profile, waiting: Any, key: str) -> str:
            keys.append(key)
            return await super().remind(person, waiting, key)

    async with World.open(tmp_path, policy=CALM) as world:
        first, second = await taken(world), await taken(world, "Latency is up")
        board = Keyed()
        world.house.reconciler.errands.chat = board
        async with world.another(policy=CALM) as other:
            other.reconciler.errands.chat = board

            async def meanwhile() -> None:
                incident = await other.desk.log.load(second)
                await other.reconciler.errands.remind(incident, (await world.who("ana")).id)

            board.meanwhile = meanwhile
            world.clock.forward(minutes=61)
            await world.settle()
            await sleep(world, 30)
        ana = (await world.who("ana")).id
        assert set(keys) == {f"remind:{first}:{ana}:1"}
        assert {name for name in (first, second) if (await world.incident(name)).reminded[ana].key == keys[0]} == {
            first,
            second,
        }
