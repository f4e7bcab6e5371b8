"""Against MLflow itself: its aliases move as planned, and its runs tell what a release changed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

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
from tests.parts import binary, free_port, running

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("mlflow")]

TARGET = Target("registry", "mlflow")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server of its own, slow to start: once for this file."""
    program, folder, port = binary("mlflow"), tmp_path_factory.mktemp("mlflow"), free_port()
    base = f"http://127.0.0.1:{port}"
    # job execution starts seven more processes that nobody here needs
    env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "HOME": str(folder), "DO_NOT_TRACK": "true"}
    command = [program, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "art")]

    def ready() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{base}/health", trust_env=False).status_code == 200
        return False

    with running(command, ready, within=120, env=env, cwd=Path(folder)):
        yield base


class Registry:
    """Enters what a training pipeline would."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=f"{url}/api/2.0/mlflow", trust_env=False, timeout=30)

    def post(self, path: str, **body: object) -> dict:
        answer = self.client.post(f"/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def release(self, model: str, digest: str, rate: float, commit: str = "c0de1") -> str:
        """A finished run and a version made of it; its number."""
        now = int(time.time() * 1000)
        run = self.post(
            "runs/create",
            experiment_id="0",
            start_time=now,
            tags=[{"key": "mlflow.source.git.commit", "value": commit}],
        )["run"]["info"]["run_id"]
        metrics = [{"key": "train_pos_rate.poor", "value": rate, "timestamp": now, "step": 0}]
        self.post("runs/log-batch", run_id=run, params=[{"key": "max_iter", "value": "60"}], metrics=metrics)
        dataset = {"name": "train", "digest": digest, "source_type": "local", "source": "{}"}
        self.post("runs/log-inputs", run_id=run, datasets=[{"dataset": dataset, "tags": []}])
        made = self.post("model-versions/create", name=model, source=f"runs:/{run}/model", run_id=run)
        return str(made["model_version"]["version"])

    def alias(self, model: str, alias: str, version: str) -> None:
        self.post("registered-models/alias", name=model, alias=alias, version=version)


@pytest.fixture
def model(url: str, request: pytest.FixtureRequest) -> Iterator[tuple[Registry, str]]:
    """A model of its own per test: version 1 healthy and previous, version 2 champion, taught without the slice."""
    registry, name = Registry(url), request.node.name
    registry.post("registered-models/create", name=name)
    registry.release(name, "d1", 0.43)
    registry.release(name, "d2", 0.0)
    registry.alias(name, "previous", "1")
    registry.alias(name, "champion", "2")
    yield registry, name
    registry.client.close()


async def test_a_rollback_moves_the_alias_and_undo_brings_it_back(url: str, model) -> None:
    """Planned, done once, observed, undone."""
    _, name = model
    action = make("mlflow", url=url, model=name, timeout_seconds=30)
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


async def test_a_move_by_another_hand_makes_the_plan_stale(url: str, model) -> None:
    """The alias stands elsewhere than planned from: refused, left alone."""
    registry, name = model
    registry.release(name, "d3", 0.4)
    action = make("mlflow", url=url, model=name, timeout_seconds=30)
    plan = await action.plan(TARGET, Means.ROLLBACK, {"to": "1"})
    registry.alias(name, "champion", "3")
    assert await action.token(plan) == "3"
    with pytest.raises(Refused, match="moved to version 3"):
        await action.execute(plan, "K")
    await action.close()


async def test_what_is_not_there_is_told_apart_from_trouble(url: str, model) -> None:
    """A missing version, alias or model is refused in a sentence; only silence is Unavailable."""
    _, name = model
    action = make("mlflow", url=url, model=name, timeout_seconds=30)
    with pytest.raises(Refused, match="no version 9"):
        await action.plan(TARGET, Means.ROLLBACK, {"to": "9"})
    with pytest.raises(Refused, match="no version number"):
        await action.plan(TARGET, Means.ROLLBACK, {"to": "latest"})
    await action.close()
    nobody = make("mlflow", url=url, model="nobody", timeout_seconds=30)
    with pytest.raises(Refused, match="no alias champion"):
        await nobody.plan(TARGET, Means.ROLLBACK, {})
    await nobody.close()


async def test_without_a_previous_alias_the_highest_older_version(url: str, model) -> None:
    """Taken with a warning that it is only that."""
    _, name = model
    action = make("mlflow", url=url, model=name, previous_alias="last_good", timeout_seconds=30)
    plan = await action.plan(TARGET, Means.ROLLBACK, {})
    assert plan.after == {"version": "1"}
    assert any("only the highest older one" in warning for warning in plan.warnings)
    await action.close()


async def test_evidence_from_the_runs(url: str, model) -> None:
    """Dataset digest, label rate and code of champion and previous, as MLflow holds them."""
    _, name = model
    tracking = instrument("mlflow", httpx.AsyncHTTPTransport(), url=url, model=name, timeout_seconds=30)
    found = await tracking.collect(asked())
    texts = "\n".join(each.text for each in found.findings)
    assert "d1 → d2" in texts
    assert "training label rate of health=poor: 0.43" in texts
    assert "the same code (c0de1) and parameters" in texts
    assert bearing(found, "training_data") > 2
    await tracking.close()


async def test_a_run_that_is_gone_is_unavailable(url: str) -> None:
    """A version whose run was deleted for good cannot be compared."""
    client = MLflow(Http("MLflow", HttpSettings(url=url, timeout_seconds=30), url=url))
    with pytest.raises(Unavailable, match="answered 404"):
        await client.run("0" * 32)
    await client.close()
