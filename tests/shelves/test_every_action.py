"""What every action promises, whatever it changes: planning is reading, a key acts once, undo restores."""

from __future__ import annotations

import pytest

from bot import shelf
from bot.domain.errors import Refused, Unavailable
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK, make
from tests.parts import free_port
from tests.shelves.files import scene as scene_of
from tests.shelves.files import settings

KEY = "INC-7/M1/0123456789abcdef"
BACK = f"{KEY}/undo"
NAMES = shelf.names("actions")
pytestmark = pytest.mark.parametrize("name", NAMES)


async def test_planning_changes_nothing(name: str) -> None:
    """A plan only reads; made twice of one state it has one digest, and it says what, how wide and how back."""
    async with scene_of("actions", name) as scene:
        before = scene.state()
        for means, params in scene.asks.values():
            one = await scene.action.plan(scene.target, means, params)
            two = await scene.action.plan(scene.target, means, dict(params))
            assert one.digest == two.digest
            assert all((one.diff, one.blast_radius, one.token, one.target_uid, one.dry_run))
            assert 0 <= one.share <= 1
            assert not one.serves or abs(sum(one.serves.values()) - 1) < 1e-6
            assert (one.action, one.target, one.means) == (scene.target.action, scene.target.name, means)
        assert scene.state() == before
        assert scene.changes() == 0


async def test_a_key_acts_once_and_undo_restores(name: str) -> None:
    """Executed and executed again, one change; taken back and taken back again, the state of before."""
    for ask in await _asks(name):
        async with scene_of("actions", name) as scene:
            before = scene.state()
            plan = await scene.action.plan(scene.target, *scene.asks[ask])
            assert (await scene.action.observe(plan, KEY)).seen is Seen.NOT_APPLIED
            await scene.action.execute(plan, KEY)
            after, changes = scene.state(), scene.changes()
            assert after != before
            await scene.action.execute(plan, KEY)
            assert (scene.state(), scene.changes()) == (after, changes)
            assert (await scene.action.observe(plan, KEY)).seen is Seen.APPLIED
            if not plan.reversible:
                with pytest.raises(Refused, match="no way back"):
                    await scene.action.undo(plan, BACK)
                assert (scene.state(), scene.changes()) == (after, changes)
                continue
            assert (await scene.action.undone(plan, BACK)).seen is Seen.NOT_APPLIED
            await scene.action.undo(plan, BACK)
            assert scene.state() == before
            assert (await scene.action.undone(plan, BACK)).seen is Seen.APPLIED
            changes = scene.changes()
            await scene.action.undo(plan, BACK)
            assert (scene.state(), scene.changes()) == (before, changes)


async def test_the_wanted_state_needs_no_change(name: str) -> None:
    """A plan for what holds already has an empty diff; for rollbacks, `previous` asked twice never rolls forward."""
    async with scene_of("actions", name) as scene:
        for ask in (held for label, held in scene.asks.items() if label not in scene.always):
            plan = await scene.action.plan(scene.target, *ask)
            await scene.action.execute(plan, f"{KEY}{ask}"[:150])
            if ask == ROLLBACK:
                with pytest.raises(Refused):
                    await scene.action.plan(scene.target, *ask)
            else:
                assert (await scene.action.plan(scene.target, *ask)).diff == ()


async def test_the_token_tells_that_the_target_changed(name: str) -> None:
    """A token read again is the plan's own until somebody changes the target; then the plan is refused, not carried out."""
    for ask in await _asks(name):
        async with scene_of("actions", name) as scene:
            plan = await scene.action.plan(scene.target, *scene.asks[ask])
            assert await scene.action.token(plan) == plan.token
            scene.disturb()
            disturbed = scene.state()
            if await scene.action.token(plan) == plan.token or disturbed == plan.after:
                continue
            try:
                await scene.action.execute(plan, KEY)
            except Refused:
                assert scene.state() == disturbed
            else:
                pytest.fail("a stale plan was carried out") if scene.state() != disturbed else None


async def test_the_uid_is_the_plans_own_until_the_settings_lead_elsewhere(name: str) -> None:
    """Read again it is the plan's, before the change and after; settings of another address never give the same."""
    async with scene_of("actions", name) as scene:
        plan = await scene.action.plan(scene.target, *next(iter(scene.asks.values())))
        assert await scene.action.uid(plan) == plan.target_uid
        await scene.action.execute(plan, KEY)
        assert await scene.action.uid(plan) == plan.target_uid
        elsewhere = make(name, **settings("actions", name, free_port()))
        try:
            found = await elsewhere.uid(plan)
        except Unavailable:  # it is told by the target itself, and nobody is there
            found = ""
        finally:
            await elsewhere.close()
        assert found != plan.target_uid


async def test_asked_again_is_safe_only_where_nobody_else_writes_the_record(name: str) -> None:
    """Changed, and then put back by somebody who left no key: what says it is keyed still knows that it was applied."""
    for ask in await _asks(name):
        async with scene_of("actions", name) as scene:
            plan = await scene.action.plan(scene.target, *scene.asks[ask])
            if not scene.action.keyed_for(plan):
                continue
            await scene.action.execute(plan, KEY)
            scene.disturb()
            changes, state = scene.changes(), scene.state()
            assert (await scene.action.observe(plan, KEY)).seen is not Seen.NOT_APPLIED
            await scene.action.execute(plan, KEY)
            assert (scene.changes(), scene.state()) == (changes, state)


async def test_undo_never_takes_back_what_somebody_else_did(name: str) -> None:
    """Changed again since, the state is left as that other person wanted it, and the refusal says so."""
    async with scene_of("actions", name) as scene:
        plan = await scene.action.plan(scene.target, *next(iter(scene.asks.values())))
        await scene.action.execute(plan, KEY)
        scene.disturb()
        disturbed = scene.state()
        if isinstance(disturbed, bool):
            return  # a switch has no third state: undone by another is undone
        with pytest.raises(Refused, match="since"):
            await scene.action.undo(plan, BACK)
        assert scene.state() == disturbed


async def test_what_it_cannot_do_is_refused_with_what_it_can(name: str) -> None:
    """An unknown kind of change is refused in a sentence naming the known ones."""
    async with scene_of("actions", name) as scene:
        with pytest.raises(Refused, match="it can "):
            await scene.action.plan(scene.target, scene.impossible, {})


async def _asks(name: str) -> list[str]:
    async with scene_of("actions", name) as scene:
        return [*scene.asks]
