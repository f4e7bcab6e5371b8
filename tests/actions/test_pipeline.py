"""Pausing a feature pipeline: what the plan says, and that a new run makes it stale."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from tests.actions.fakes import FakePipeline, Scene, make
from tests.parts import CANARY
from tests.shelves.files import SECONDS

TARGET = Target("features", "pipeline")
SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS}


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = FakePipeline()
    action = make("pipeline", httpx.ASGITransport(fake.app), url="http://pipeline")
    asks: dict[str, tuple[Means, Mapping[str, object]]] = {"pause": (Means.PAUSE, {})}
    state, changes = lambda: fake.paused, lambda: len(fake.applied)
    yield Scene(action, Target("features", "pipeline"), asks, Means.ROLLBACK, state, changes, fake.someone_changes_it)
    await action.close()


@pytest.fixture
def fake() -> FakePipeline:
    return FakePipeline()


@pytest.fixture
async def pipeline(fake: FakePipeline):
    action = make("pipeline", httpx.ASGITransport(fake.app), url="http://pipeline")
    yield action
    await action.close()


async def test_a_pause_in_words(pipeline) -> None:
    """The plan says which run's features are served instead, and that they will age."""
    plan = await pipeline.plan(TARGET, Means.PAUSE, {})
    assert plan.diff == ("running → paused, features come from run-7 instead of run-8",)
    assert plan.blast_radius == "every request that uses the features of visit-features"
    assert plan.klass is ActionClass.SMALL
    assert plan.warnings == ("features grow older for as long as it is paused",)


async def test_a_pause_that_would_not_help_is_warned_of(pipeline, fake: FakePipeline) -> None:
    """Where the newest run is the last good one, pausing changes nothing of what is served."""
    fake.run = "run-7"
    plan = await pipeline.plan(TARGET, Means.PAUSE, {})
    assert any("changes nothing" in warning for warning in plan.warnings)


async def test_resume(pipeline, fake: FakePipeline) -> None:
    """The way back is a plan of its own, or the undo of the pause."""
    pause = await pipeline.plan(TARGET, Means.PAUSE, {})
    await pipeline.execute(pause, "K")
    assert fake.paused
    resume = await pipeline.plan(TARGET, Means.PAUSE, {"resume": True})
    assert resume.diff == ("paused → running: features come from the newest run again (run-8)",)
    await pipeline.execute(resume, "K2")
    assert not fake.paused


async def test_a_new_run_makes_the_plan_stale(pipeline, fake: FakePipeline) -> None:
    """What was approved was to pause that run, not one nobody has seen."""
    plan = await pipeline.plan(TARGET, Means.PAUSE, {})
    fake.run = "run-9"
    assert await pipeline.token(plan) != plan.token
    with pytest.raises(Refused, match="the newest run is run-9"):
        await pipeline.execute(plan, "K")
    assert not fake.paused


async def test_resume_is_yes_or_no(pipeline) -> None:
    """A word where true or false belongs is refused."""
    with pytest.raises(Refused, match="true or false"):
        await pipeline.plan(TARGET, Means.PAUSE, {"resume": "yes"})


async def test_an_undo_is_for_the_run_it_saw(fake: FakePipeline) -> None:
    """A run that ends between the look and the undo is somebody's to look at: refused, and the pause stays."""

    class Overtaken(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/pipeline/resume":
                fake.run = "run-9"
            return await super().handle_async_request(request)

    action = make("pipeline", Overtaken(fake.app), url="http://pipeline")
    plan = await action.plan(TARGET, Means.PAUSE, {})
    await action.execute(plan, "K")
    with pytest.raises(Refused, match="the newest run is run-9"):
        await action.undo(plan, "K/undo")
    assert fake.paused
    await action.close()
