"""After the change: taken back when it was wrong, proved by the data when it was right."""

from pathlib import Path

from bot.domain.approval import DeclineMitigation
from bot.domain.mitigation import State
from bot.domain.undo import UndoMitigation
from tests.engine.test_carry import V2, m1, proposed
from tests.world import World

# -- undo ------------------------------------------------------------------------------------------------------------


async def applied(world: World) -> None:
    await proposed(world)
    await world.approve("M1")


async def test_undo_puts_the_former_state_back_once(tmp_path: Path) -> None:
    """A second click changes nothing; what is undone frees the target."""
    async with World.open(tmp_path) as world:
        await applied(world)
        for _ in range(2):
            await world.say(UndoMitigation("M1", "worse"), "ben")
        await world.restart()
        await world.round(seconds=60)
        assert world.router.weights == V2
        assert len(world.router.effects) == 2
        assert (await m1(world)).state is State.UNDONE
        assert await world.house.desk.log.holder("target:router/visits-router") is None


async def test_an_undo_the_target_refused_can_be_asked_again(tmp_path: Path) -> None:
    """It stays applied, is said to have failed, and the next asking is carried out."""
    async with World.open(tmp_path) as world:
        await applied(world)
        world.router.fault = "refuse"
        await world.say(UndoMitigation("M1", "worse"), "ben")
        assert (await m1(world)).state is State.APPLIED
        world.router.fault = ""
        await world.say(UndoMitigation("M1", "again"), "ben")
        assert (await m1(world)).state is State.UNDONE
        assert world.router.weights == V2


async def test_an_undo_whose_answer_was_lost_is_settled_by_asking(tmp_path: Path) -> None:
    """After the effect it is undone; before it, a person must look."""
    async with World.open(tmp_path) as world:
        await applied(world)
        world.router.fault = "lost_after"
        await world.say(UndoMitigation("M1", "worse"), "ben")
        assert (await m1(world)).state is State.UNDONE
    (tmp_path / "b").mkdir()
    async with World.open(tmp_path / "b") as world:
        await applied(world)
        world.router.fault = "lost_before"
        await world.say(UndoMitigation("M1", "worse"), "ben")
        assert (await m1(world)).state is State.UNKNOWN


async def test_an_undo_waits_for_a_target_that_is_silent(tmp_path: Path) -> None:
    """Nothing was asked of it yet: it is tried again, not given up as unknown."""
    async with World.open(tmp_path) as world:
        await applied(world)
        world.router.fault = "silent"
        await world.say(UndoMitigation("M1", "worse"), "ben")
        assert (await m1(world)).state is State.UNDOING
        world.router.fault = ""
        await world.round(seconds=6)
        assert (await m1(world)).state is State.UNDONE


# -- proof -----------------------------------------------------------------------------------------------------------


async def breached_and_rolled_back(world: World) -> None:
    await world.healthy(15)
    await world.broken()
    await world.propose("rollback-v1", "ana")
    await world.approve("M1")


async def test_verification_needs_data_after_the_change(tmp_path: Path) -> None:
    """Neither the approval nor silence proves anything; the soak of good data does."""
    async with World.open(tmp_path) as world:
        await breached_and_rolled_back(world)
        world.counters.down = "time-out"
        for _ in range(5):
            await world.round(seconds=5)
        assert (await m1(world)).state is State.APPLIED
        world.counters.down = ""
        await world.healthy(5)
        assert (await m1(world)).state is State.APPLIED
        await world.healthy(15)
        mitigation = await m1(world)
        assert mitigation.state is State.VERIFIED
        assert mitigation.verified_at > mitigation.applied_at


async def test_what_does_not_help_in_time_is_said_and_late_help_counts(tmp_path: Path) -> None:
    """Ten minutes of bad data after the change: not helping, once; good data later verify it."""
    async with World.open(tmp_path) as world:
        await breached_and_rolled_back(world)
        for _ in range(22):
            world.traffic("poor", good=0, bad=300)
            await world.round(seconds=29)
        assert (await m1(world)).state is State.NOT_HELPING
        said = [line for line in await world.lines() if "does not seem to help" in line]
        assert len(said) == 1
        await world.healthy(60)
        assert (await m1(world)).state is State.VERIFIED


async def test_declining_leaves_production_alone(tmp_path: Path) -> None:
    """The approver's no is final, with its reason."""
    async with World.open(tmp_path) as world:
        await proposed(world)
        await world.say(DeclineMitigation("M1", "not before the nightly batch"), "ben")
        await world.round(seconds=60)
        assert world.router.effects == []
        assert any("not before the nightly batch" in line for line in await world.lines())


async def test_a_target_that_left_the_catalogue_is_named(tmp_path: Path) -> None:
    """The approved change cannot be carried out any more; the log says why, nothing else stops."""
    async with World.open(tmp_path) as world:
        await proposed(world)
        world.house.desk.changes.actions = {}
        await world.approve("M1")
        (trouble,) = (await world.incident()).troubles.values()
        assert "no target called 'visits-router'" in trouble.because
