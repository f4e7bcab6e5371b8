"""What stands in the log is what is carried out: a plan written down and read back is the plan, to the target too."""

from __future__ import annotations

import pytest

from bot import shelf
from bot.domain.mitigation import MitigationProposed
from bot.engine.values import Seen
from bot.store.codec import Codec
from tests.kit import NOON, at
from tests.shelves.files import scene as scene_of

KEY = "INC-7/M1/0123456789abcdef"


@pytest.mark.parametrize("name", shelf.names("actions"))
async def test_a_plan_read_back_acts_as_the_plan(name: str) -> None:
    """Same digest; executed, observed and undone by the copy that a restart would read."""
    async with scene_of("actions", name) as first:
        asks = [*first.asks]
    for ask in asks:
        async with scene_of("actions", name) as scene:
            before = scene.state()
            plan = await scene.action.plan(scene.target, *scene.asks[ask])
            event = MitigationProposed("M1", plan, plan.digest, at(60), at(60), "it is worse")
            sealed = Codec().seal("INC-7", 1, event, at=NOON, by="ann", cause="click", before="")
            told = sealed.entry.event
            assert isinstance(told, MitigationProposed)
            assert told.plan.digest == plan.digest
            await scene.action.execute(told.plan, KEY)
            assert scene.state() != before
            assert (await scene.action.observe(told.plan, KEY)).seen is Seen.APPLIED
            if told.plan.reversible:
                await scene.action.undo(told.plan, f"{KEY}/undo")
                assert scene.state() == before
