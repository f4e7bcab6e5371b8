"""Reaching a person through several channels, and a runbook's page step that is live a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.errors import Unheard
from bot.domain.runbook import CompleteStep, Kind, Option, Runbook, StartRunbook, Step
from bot.engine.calling import Sent, Summons
from bot.engine.reach import reach
from tests.calling import summons
from tests.world import World


@dataclass
class Broken:
    """A channel that fails in a way nobody foresaw."""

    tried: list[str] = field(default_factory=list)

    def way(self, summons: Summons) -> str:
        return "nowhere"

    async def page(self, summons: Summons) -> Sent:
        self.tried.append(summons.key)
        raise KeyError(summons.key)

    async def close(self) -> None:
        return


async def test_a_channel_that_breaks_is_told_and_the_next_one_reaches(tmp_path: Path) -> None:
    """Whatever one channel raises, the next is tried; where none is left, the answer says why."""
    async with World.open(tmp_path) as world:
        await world.declare("It is slow", "ana")
        ben, situation = await world.who("ben"), await world.house.desk.situation("INC-1")
        found = await reach({"first": Broken(), "phone": world.phone}, summons(ben, situation, "k"))
        assert (found.channel, found.failures) == ("phone", ("first: KeyError",))
        nobody = await reach({"first": Broken()}, summons(ben, situation, "k"))
        assert (nobody.channel, nobody.failures) == ("", ("first: KeyError",))


class Asleep(Broken):
    """A channel that delivers where the person will not notice."""

    async def page(self, summons: Summons) -> Sent:
        self.tried.append(summons.key)
        raise Unheard("Ben rests until 07:00", where="direct message to Ben")


async def test_a_page_that_will_not_be_noticed_counts_only_where_nothing_else_does(tmp_path: Path) -> None:
    """The next channel is tried, also after it fails; the unheard one is the answer then, with its reason."""
    async with World.open(tmp_path) as world:
        await world.declare("It is slow", "ana")
        ben, situation = await world.who("ben"), await world.house.desk.situation("INC-1")
        found = await reach({"chat": Asleep(), "phone": world.phone}, summons(ben, situation, "k"))
        assert (found.channel, found.failures) == ("phone", ("chat: Ben rests until 07:00",))
        found = await reach({"chat": Asleep(), "first": Broken()}, summons(ben, situation, "k"))
        assert (found.channel, found.where) == ("chat", "direct message to Ben (Ben rests until 07:00)")
        assert found.failures == ("chat: Ben rests until 07:00", "first: KeyError")


async def test_a_page_step_that_is_live_again_pages_again(tmp_path: Path) -> None:
    """Each time the step comes up it has a key of its own: a channel that knows the first does not swallow the second."""
    ask = Step("more", Kind.ASK, "More?", options=(Option("again", "Again", "call"), Option("no", "No", "end")))
    call = Step("call", Kind.PAGE, "Call", params={"person": "ben"}, next="more")
    async with World.open(tmp_path) as world:
        await world.declare("It is slow", "ana")
        await world.say(StartRunbook(Runbook("b", "B", "d", (call, ask))), "ana")
        await world.say(CompleteStep("more", "again"), "ana")
        keys = [key for who, key in world.phone.pages if who == "ben" and "/call/" in key]
        assert len(keys) == len(set(keys)) == 2
