"""MLflow's action in front of a registry that remembers; tests/shelves/test_real_mlflow.py asks MLflow itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.service import Target
from tests.actions.fake_mlflow import FakeMLflow
from tests.actions.fakes import ROLLBACK, Scene, make
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS, "model": "visits"}
ABSENT = frozenset({"400", "404"})  # what MLflow says where an alias does not exist: then there is nothing to roll back


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = FakeMLflow()
    action = make("mlflow", httpx.ASGITransport(fake.app), url="http://mlflow", model="visits")
    asks = {"rollback": ROLLBACK, "rollback to 3": (Means.ROLLBACK, {"to": "3"})}
    state, changes = lambda: dict(fake.aliases), lambda: fake.moved
    yield Scene(action, Target("registry", "mlflow"), asks, Means.TRAFFIC, state, changes, fake.someone_changes_it)
    await action.close()


async def test_a_version_that_is_not_registered_is_refused_by_name() -> None:
    """Nothing is asked of the alias."""
    async with scene() as made:
        with pytest.raises(Refused, match="9"):
            await made.action.plan(made.target, Means.ROLLBACK, {"to": "9"})
        assert made.changes() == 0
