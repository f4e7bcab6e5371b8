"""A named call against a real server: MLflow's REST API described in the catalogue, with no adapter in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fakes import make
from tests.mlflow import Registry

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("mlflow")]

TARGET = Target("registry", "http")
API = "/api/2.0/mlflow/registered-models/alias"


def described(url: str, model: str, **more: object) -> Any:
    """The alias of one model, as the catalogue would have it."""
    move = lambda to: {"path": API, "body": {"name": model, "alias": "champion", "version": to}}  # noqa: E731
    return make(
        "http",
        **{
            "called": "the registry",
            "url": url,
            "timeout_seconds": 30,
            "means": "rollback",
            "params": {"to": {"pattern": r"[1-9]\d*"}},
            "state": {
                "path": API,
                "query": {"name": model, "alias": "champion"},
                "read": {"version": "/model_version/version"},
            },
            "version": "/model_version/version",
            "wanted": {"version": "{to}"},
            "change": move("{to}"),
            "undo": move("{before.version}"),
            "blast_radius": f"all that serves {model}@champion",
            **more,
        },
    )


@pytest.fixture
def model(mlflow_url: str, request: pytest.FixtureRequest) -> Iterator[tuple[Registry, str]]:
    """A model of its own per test: version 2 is champion of three."""
    registry, name = Registry(mlflow_url), request.node.name
    registry.post("registered-models/create", name=name)
    for digest in ("d1", "d2", "d3"):
        registry.release(name, digest, 0.4)
    registry.alias(name, "champion", "2")
    yield registry, name
    registry.client.close()


@pytest.fixture
async def action(mlflow_url: str, model: tuple[Registry, str]) -> AsyncIterator[Any]:
    made = described(mlflow_url, model[1])
    yield made
    await made.close()


async def test_there_and_back(action: Any, model: tuple[Registry, str]) -> None:
    """Planned, done once, read back, undone, and the way back read too."""
    _, name = model
    plan = await action.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    assert plan.diff[0] == "version 2 → 1"
    assert plan.target_uid.endswith(f"{API}?name={name}&alias=champion")
    assert (await action.observe(plan, "K")).seen is Seen.NOT_APPLIED
    for _ in range(2):
        await action.execute(plan, "K")
        assert (await action.observe(plan, "K")).seen is Seen.APPLIED
    for _ in range(2):
        await action.undo(plan, "K/undo")
        assert (await action.undone(plan, "K/undo")).seen is Seen.APPLIED


async def test_what_another_hand_did_is_left_alone(action: Any, model: tuple[Registry, str]) -> None:
    """A stale plan is not carried out; a change that came after is not taken back."""
    registry, name = model
    stale = await action.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    registry.alias(name, "champion", "3")
    assert await action.token(stale) != stale.token
    with pytest.raises(Refused, match="the registry changed since it was planned; nothing was done"):
        await action.execute(stale, "K")
    plan = await action.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    await action.execute(plan, "K2")
    registry.alias(name, "champion", "2")
    with pytest.raises(Refused, match=r"changed again since \(version 2\)"):
        await action.undo(plan, "K2/undo")


async def test_what_the_server_refuses_is_told_in_its_words(mlflow_url: str, action: Any, model) -> None:
    """A version that is not there is refused; a state that cannot be read is no state."""
    plan = await action.plan(TARGET, Means.ROLLBACK, {"to": "99"})
    with pytest.raises(Refused, match=r"the registry refused \(404\): .*version=99\) not found"):
        await action.execute(plan, "K")
    assert (await action.observe(plan, "K")).seen is Seen.NOT_APPLIED
    elsewhere = described(mlflow_url, "nobody-here")
    with pytest.raises(Unavailable, match="answered 404"):
        await elsewhere.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    await elsewhere.close()
