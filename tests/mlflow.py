"""A real MLflow tracking server, and what a training pipeline enters into it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.parts import binary, free_port, running


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server of its own, slow to start: once for all tests that ask it."""
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
