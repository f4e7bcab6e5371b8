"""Against MLflow itself: its aliases move as planned, and its runs tell what a release changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import httpx
import pytest

from bot.clients.http import Http, HttpSettings
from bot.clients.mlflow import MLflow
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fakes import make
from tests.evidence.fakes import asked, bearing, instrument
from tests.mlflow import Registry

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("mlflow")]

TARGET = Target("registry", "mlflow")


@pytest.fixture
def model(mlflow_url: str, request: pytest.FixtureRequest) -> Iterator[tuple[Registry, str]]:
    """A model of its own per test: version 1 healthy and previous, version 2 champion, taught without the slice."""
    registry, name = Registry(mlflow_url), request.node.name
    registry.post("registered-models/create", name=name)
    registry.release(name, "d1", 0.43)
    registry.release(name, "d2", 0.0)
    registry.alias(name, "previous", "1")
    registry.alias(name, "champion", "2")
    yield registry, name
    registry.client.close()


async def test_a_rollback_moves_the_alias_and_undo_brings_it_back(mlflow_url: str, model) -> None:
    """Planned, done once, observed, undone."""
    _, name = model
    action = make("mlflow", url=mlflow_url, model=name, timeout_seconds=30)
    plan = await action.plan(TARGET, Means.ROLLBACK, {"to": "previous"})
    assert plan.diff == (f"alias champion of {name}: version 2 → 1",)
    assert (await action.observe(plan, "K")).seen is Seen.NOT_APPLIED
    await action.execute(plan, "K")
    await action.execute(plan, "K")
    assert (await action.observe(plan, "K")).seen is Seen.APPLIED
    with pytest.raises(Refused, match="both stand on version 1"):
        await action.plan(TARGET, Means.ROLLBACK, {"to": "previous"})
    await action.undo(plan, "K")
    assert (await action.undone(plan, "K")).seen is Seen.APPLIED
    await action.close()


async def test_whose_move_it_was_is_told(mlflow_url: str, model) -> None:
    """By a tag of the registered model: ours under this key, ours under another one, or somebody else's."""
    registry, name = model
    action = make("mlflow", url=mlflow_url, model=name, timeout_seconds=30)
    plan = await action.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    registry.alias(name, "champion", "1")
    assert "another hand may have moved it" in (await action.observe(plan, "K")).detail
    registry.alias(name, "champion", "2")
    await action.execute(plan, "K")
    assert (await action.observe(plan, "K")).detail == "alias champion stands on version 1, moved under this key"
    back = await action.plan(TARGET, Means.ROLLBACK, {"to": "2"})
    await action.execute(back, "K2")
    again = await action.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    registry.release(name, "d3", 0.4)
    await action.execute(dataclasses.replace(again, warnings=("planned anew",)), "K3")
    with pytest.raises(Refused, match="moved again since, by K3"):
        await action.undo(plan, "K/undo")
    await action.close()


async def test_the_last_good_version_among_many_and_odd_names(mlflow_url: str, model) -> None:
    """Quotes in a model's name and versions newer than the champion hide no older one."""
    registry, _ = model
    for name in ("it's", 'the "best"'):
        registry.post("registered-models/create", name=name)
        for digest in ("d1", "d2", "d3"):
            registry.release(name, digest, 0.4)
        registry.alias(name, "champion", "2")
        action = make("mlflow", url=mlflow_url, model=name, timeout_seconds=30)
        assert (await action.plan(TARGET, Means.ROLLBACK, {})).after == {"version": "1"}
        await action.close()


async def test_a_move_by_another_hand_makes_the_plan_stale(mlflow_url: str, model) -> None:
    """The alias stands elsewhere than planned from: refused, left alone."""
    registry, name = model
    registry.release(name, "d3", 0.4)
    action = make("mlflow", url=mlflow_url, model=name, timeout_seconds=30)
    plan = await action.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    registry.alias(name, "champion", "3")
    assert await action.token(plan) == "3"
    with pytest.raises(Refused, match="moved to version 3"):
        await action.execute(plan, "K")
    await action.close()


async def test_what_is_not_there_is_told_apart_from_trouble(mlflow_url: str, model) -> None:
    """A missing version, alias or model is refused in a sentence; only silence is Unavailable."""
    _, name = model
    action = make("mlflow", url=mlflow_url, model=name, timeout_seconds=30)
    with pytest.raises(Refused, match="no version 9"):
        await action.plan(TARGET, Means.ROLLBACK, {"to": "9"})
    with pytest.raises(Refused, match="no version number"):
        await action.plan(TARGET, Means.ROLLBACK, {"to": "latest"})
    await action.close()
    nobody = make("mlflow", url=mlflow_url, model="nobody", timeout_seconds=30)
    with pytest.raises(Refused, match="no alias champion"):
        await nobody.plan(TARGET, Means.ROLLBACK, {})
    await nobody.close()


async def test_without_a_previous_alias_the_highest_older_version(mlflow_url: str, model) -> None:
    """Taken with a warning that it is only that."""
    _, name = model
    action = make("mlflow", url=mlflow_url, model=name, previous_alias="last_good", timeout_seconds=30)
    plan = await action.plan(TARGET, Means.ROLLBACK, {})
    assert plan.after == {"version": "1"}
    assert any("only the highest older one" in warning for warning in plan.warnings)
    await action.close()


async def test_evidence_from_the_runs(mlflow_url: str, model) -> None:
    """Dataset digest, label rate and code of champion and previous, as MLflow holds them."""
    _, name = model
    tracking = instrument("mlflow", httpx.AsyncHTTPTransport(), url=mlflow_url, model=name, timeout_seconds=30)
    found = await tracking.collect(asked())
    texts = "\n".join(each.text for each in found.findings)
    assert "d1 → d2" in texts
    assert "training label rate of health=poor: 0.43" in texts
    assert "the same code (c0de1) and parameters" in texts
    assert bearing(found, "training_data") > 2
    await tracking.close()


async def test_a_run_that_is_gone_is_unavailable(mlflow_url: str) -> None:
    """A version whose run was deleted for good cannot be compared."""
    client = MLflow(Http("MLflow", HttpSettings(url=mlflow_url, timeout_seconds=30), url=mlflow_url))
    with pytest.raises(Unavailable, match="answered 404"):
        await client.run("0" * 32)
    await client.close()
