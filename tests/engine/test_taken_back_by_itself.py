"""What does not help is taken back by itself where the policy says so: with the judgement, and not again and again."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.domain.approval import ApproveMitigation
from bot.domain.guard import ActionClass
from bot.domain.hold import PlaceHold
from bot.domain.mitigation import State
from bot.domain.paging import Acknowledge
from bot.slo.burn import Verdict
from tests.world import World, shipped

BARE = {"regimes": (), "runbooks": {}, "slos": ()}


class Breached:
    """In place of the watch: the SLI is breached, or there are no data."""

    def __init__(self, state: str, at: datetime) -> None:
        self.verdicts = {"": Verdict("", state, "burns 9.9× over 15 s", at)}


@asynccontextmanager
async def standing(folder: Path, state: str = "breached") -> AsyncIterator[World]:
    """A rollback that stands and does not help, a moment before that is said."""
    undo_itself = frozenset({ActionClass.TRAFFIC})
    policy = replace(shipped().policy, undo_itself=undo_itself, verify_within=timedelta(seconds=30))
    async with World.open(folder, policy=policy, **BARE) as world:
        world.house.reconciler.hands.prover.watch = Breached(state, world.clock.now())
        await world.declare("scores look wrong", "ana")
        await world.say(Acknowledge(), "ana")
        await world.propose("rollback-v1", "ana")
        await world.say(ApproveMitigation("M1", (await world.incident()).mitigations["M1"].digest), "ben")
        assert (await world.incident()).mitigations["M1"].state is State.APPLIED
        yield world


async def told(world: World) -> Counter[str]:
    return Counter(type(each.event).__name__ for each in await world.house.desk.log.entries("INC-1"))


async def test_it_is_taken_back_in_the_same_breath(tmp_path: Path) -> None:
    """The judgement and the undo are one commit: no crash falls between them."""
    async with standing(tmp_path) as world:
        await world.round(seconds=31)
        entries = [(type(each.event).__name__, each.at) for each in await world.house.desk.log.entries("INC-1")]
        names = [name for name, _at in entries]
        judged = names.index("MitigationNotHelping")
        assert names[judged + 1] == "UndoAsked"
        assert entries[judged][1] == entries[judged + 1][1]
        assert (await world.incident()).mitigations["M1"].state is State.UNDONE
        assert world.router.weights == {"v1": 0, "v2": 100}


async def test_an_undo_that_the_target_refuses_is_left_to_people(tmp_path: Path) -> None:
    """Asked for by itself once: however often the data are looked at afterwards, it is not asked for again."""
    async with standing(tmp_path) as world:
        world.router.fault = "refuse"
        for _ in range(12):
            await world.round(seconds=31)
        assert (await told(world))["UndoAsked"] == 1
        assert (await told(world))["UndoReported"] == 1
        assert (await world.incident()).mitigations["M1"].state is State.NOT_HELPING
        assert world.router.weights == {"v1": 100, "v2": 0}


async def test_what_may_not_be_taken_back_is_judged_all_the_same(tmp_path: Path) -> None:
    """Counsel holds the incident as it is: that it does not help is said, and it stands."""
    async with standing(tmp_path) as world:
        await world.say(PlaceHold("nothing may be altered"), "cleo")
        for _ in range(3):
            await world.round(seconds=31)
        assert (await told(world))["MitigationNotHelping"] == 1
        assert (await told(world))["UndoAsked"] == 0
        assert (await world.incident()).mitigations["M1"].state is State.NOT_HELPING


async def test_without_data_people_decide(tmp_path: Path) -> None:
    """Nobody knows whether it helps: it is said, and nothing is taken back by itself."""
    async with standing(tmp_path, "unknown") as world:
        await world.round(seconds=31)
        assert (await told(world))["MitigationNotHelping"] == 1
        assert (await told(world))["UndoAsked"] == 0
