"""A change that was taken back: whoever reads a notice must not believe that it still stands."""

from pathlib import Path

from bot.domain.execution import ReportOutcome
from bot.domain.mitigation import Outcome, State
from bot.domain.notice import Standing
from bot.domain.signing import ApproveNotice
from bot.domain.undo import UndoMitigation
from tests.world import World


async def words(world: World) -> str:
    return (await world.house.desk.situation("INC-1")).drafts["N1"].text


async def rolled_back(world: World) -> None:
    """A rollback is applied, and the stakeholders' update that tells of it is approved."""
    await world.declare("scores look wrong", "max")
    await world.propose("rollback-v1", "ana")
    await world.approve("M1")
    ana = await world.who("ana")
    await world.house.desk.request_notice("INC-1", "stakeholders/update", ana)
    await world.house.desk.ask_approval("INC-1", "N1", ana)
    digest = (await world.incident()).notices["N1"].latest.digest
    await world.say(ApproveNotice("N1", digest), "cleo")
    assert (await world.incident()).notices["N1"].standing is Standing.APPROVED


async def test_a_notice_tells_the_undo_beside_the_change(tmp_path: Path) -> None:
    """Both with their times, the later one below; the approval of the words without it is void."""
    async with World.open(tmp_path) as world:
        await rolled_back(world)
        assert "taken back" not in await words(world)
        await world.round(seconds=600)
        await world.say(UndoMitigation("M1", "worse"), "ben")
        incident = await world.incident()
        change = incident.mitigations["M1"]
        assert (change.state, incident.notices["N1"].standing) == (State.UNDONE, Standing.STALE)
        text = await words(world)
        done = text.index(f"| {change.applied_at:%Y-%m-%d %H:%M} UTC | rollback: ")
        back = f"| {change.undone_at:%Y-%m-%d %H:%M} UTC | that rollback was taken back: put the former state back |"
        assert text.index(back) > done


async def test_a_report_to_an_authority_says_it_of_the_measure(tmp_path: Path) -> None:
    """Under the measures taken, the change stands as taken back, with when."""
    async with World.open(tmp_path) as world:
        await rolled_back(world)
        await world.house.desk.request_notice("INC-1", "eu_gdpr_art33/sa_notification", await world.who("cleo"))
        await world.say(UndoMitigation("M1", "worse"), "ben")
        change = (await world.incident()).mitigations["M1"]
        told = (await world.house.desk.situation("INC-1")).drafts["N2"].text
        assert f"rollback on visits-router (taken back {change.undone_at:%Y-%m-%d %H:%M} UTC)" in told


async def test_an_undo_in_doubt_is_told_by_whoever_looked(tmp_path: Path) -> None:
    """Nobody could tell whether it had been taken back; what a person found is recorded and told in their own word."""
    found = ((Outcome.TAKEN_BACK, State.UNDONE, "was taken back"), (Outcome.STANDS, State.APPLIED, "still stands"))
    for outcome, state, said in found:
        folder = tmp_path / outcome
        folder.mkdir()
        async with World.open(folder) as world:
            await rolled_back(world)
            world.router.fault = "lost_before"
            await world.say(UndoMitigation("M1", "worse"), "ben")
            incident = await world.incident()
            assert incident.mitigations["M1"].state is State.UNKNOWN
            called = [each.because for each in incident.calls]
            assert called == ["nobody can tell whether M1 was taken back; somebody must look at visits-router"] * 2
            await world.say(ReportOutcome("M1", outcome, "looked at the router"), "ben")
            assert (await world.incident()).mitigations["M1"].state is state
            told = [line for line in await world.lines() if "M1" in line]
            assert f"found that M1 {said}: looked at the router" in told[-1]
            assert not any("M1 failed" in line for line in told)
            text = await words(world)
            assert "rollback: " in text
            assert ("taken back" in text) is (state is State.UNDONE)
