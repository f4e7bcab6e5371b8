"""Trying to approve what is not one's own to approve: refused, and one line in the timeline, whichever door it was."""

from pathlib import Path

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.errors import NotYours, Refused
from bot.domain.mitigation import State
from tests.world import World


async def test_the_proposer_and_the_wrong_role_are_remembered_once(tmp_path: Path) -> None:
    """Ben proposed it, counsel has no such role: both are refused, each try stands once, nothing is approved."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        digest = (await world.propose("rollback-v1", "ben")).mitigations["M1"].digest
        for who in ("ben", "cleo", "ben"):
            with pytest.raises(NotYours):
                await world.say(ApproveMitigation("M1", digest), who)
        lines = [line for line in await world.lines() if "tried to approve M1" in line]
        assert [line.partition(" tried")[0] for line in lines] == [
            (await world.who(key)).name for key in ("ben", "cleo")
        ]  # fmt: skip
        assert "you proposed M1; a second person must approve it" in lines[0]
        assert (await world.incident()).mitigations["M1"].state is State.PROPOSED


async def test_a_redelivered_try_is_one_line(tmp_path: Path) -> None:
    """The same click again is refused in the same words and adds nothing."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        digest = (await world.propose("rollback-v1", "ben")).mitigations["M1"].digest
        for _ in range(2):
            with pytest.raises(Refused, match="a second person must approve it"):
                await world.say(ApproveMitigation("M1", digest), "ben", inbound="slack:trigger")
        assert sum("tried to approve" in line for line in await world.lines()) == 1


async def test_other_refusals_are_not_held_against_anybody(tmp_path: Path) -> None:
    """A plan that changed since it was read is nobody's fault: no line."""
    async with World.open(tmp_path) as world:
        await world.declare("scores look wrong", "ana")
        await world.propose("rollback-v1", "ana")
        assert "read it again" in await world.refuses(ApproveMitigation("M1", "old"), "ben")
        assert not any("tried to approve" in line for line in await world.lines())
