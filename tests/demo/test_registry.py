"""The versions stand in MLflow once, with their lineage, and the aliases follow the releases."""

import json
from typing import Any

import httpx
import pytest

from bot.demo import models
from bot.demo.registry import Registry
from bot.domain.errors import NotFound, Unavailable

pytestmark = pytest.mark.xdist_group("demo")


class FakeMLflow:
    """The part of MLflow's REST interface used here: remembers runs, versions and aliases; errors as the real one."""

    def __init__(self) -> None:
        self.experiments: dict[str, str] = {}
        self.models: set[str] = set()
        self.runs: dict[str, dict[str, Any]] = {}
        self.versions: list[dict[str, Any]] = []
        self.aliases: dict[str, str] = {}
        self.down = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            return httpx.Response(503, text="<html>busy</html>")
        path = request.url.path.removeprefix("/api/2.0/mlflow/")
        asked = dict(request.url.params) if request.method == "GET" else json.loads(request.content)
        answer = getattr(self, f"{request.method}_{path}".replace("/", "_").replace("-", "_").lower())(asked)
        if isinstance(answer, str):
            status = 400 if answer == "INVALID_PARAMETER_VALUE" else 404
            return httpx.Response(status, json={"error_code": answer, "message": ""})
        return httpx.Response(200, json=answer)

    def get_registered_models_get(self, asked: dict[str, Any]) -> Any:
        return {"registered_model": {}} if asked["name"] in self.models else "RESOURCE_DOES_NOT_EXIST"

    def post_registered_models_create(self, asked: dict[str, Any]) -> Any:
        assert asked["name"] not in self.models
        self.models.add(asked["name"])
        return {}

    def get_registered_models_alias(self, asked: dict[str, Any]) -> Any:
        number = self.aliases.get(asked["alias"])
        return {"model_version": {"version": number}} if number else "INVALID_PARAMETER_VALUE"

    def post_registered_models_alias(self, asked: dict[str, Any]) -> Any:
        assert asked["version"] in {entry["version"] for entry in self.versions}
        self.aliases[asked["alias"]] = asked["version"]
        return {}

    def get_experiments_get_by_name(self, asked: dict[str, Any]) -> Any:
        found = self.experiments.get(asked["experiment_name"])
        return {"experiment": {"experiment_id": found}} if found else "RESOURCE_DOES_NOT_EXIST"

    def post_experiments_create(self, asked: dict[str, Any]) -> Any:
        self.experiments[asked["name"]] = "7"
        return {"experiment_id": "7"}

    def post_runs_create(self, asked: dict[str, Any]) -> Any:
        run = f"run{len(self.runs) + 1}"
        self.runs[run] = {"asked": asked, "status": "RUNNING"}
        return {"run": {"info": {"run_id": run}}}

    def post_runs_log_batch(self, asked: dict[str, Any]) -> Any:
        self.runs[asked["run_id"]]["metrics"] = {metric["key"]: metric["value"] for metric in asked["metrics"]}
        return {}

    def post_runs_log_inputs(self, asked: dict[str, Any]) -> Any:
        (entry,) = asked["datasets"]
        if len(entry["dataset"]["digest"]) > 36:
            return "INVALID_PARAMETER_VALUE"
        self.runs[asked["run_id"]]["digest"] = entry["dataset"]["digest"]
        return {}

    def post_runs_update(self, asked: dict[str, Any]) -> Any:
        self.runs[asked["run_id"]]["status"] = asked["status"]
        return {}

    def post_model_versions_create(self, asked: dict[str, Any]) -> Any:
        self.versions.append({"version": str(len(self.versions) + 1), "tags": asked["tags"], "run_id": asked["run_id"]})
        return {"model_version": self.versions[-1]}

    def get_model_versions_search(self, asked: dict[str, Any]) -> Any:
        assert asked["order_by"] == "version_number DESC"
        return {"model_versions": self.versions[::-1]} if self.versions else {}


@pytest.fixture
def mlflow() -> FakeMLflow:
    return FakeMLflow()


def open_registry(mlflow: FakeMLflow) -> Registry:
    return Registry("http://mlflow/", transport=httpx.MockTransport(mlflow))


async def test_entering_twice_is_entering_once(mlflow: FakeMLflow, trained: models.Models) -> None:
    """Two runs, two versions, both aliases on v1; a second start finds them."""
    registry = open_registry(mlflow)
    numbers = await registry.enter(trained.records, 1)
    assert numbers == {"v1": "1", "v2": "2"} == await registry.enter(trained.records, 2)
    assert mlflow.aliases == {"champion": "1", "previous": "1"}
    assert [run["status"] for run in mlflow.runs.values()] == ["FINISHED", "FINISHED"]
    await registry.close()


async def test_the_lineage_in_mlflow_tells_the_releases_apart(mlflow: FakeMLflow, trained: models.Models) -> None:
    """Other dataset digest, and a label rate of 0 in the slice of v2's training set."""
    registry = open_registry(mlflow)
    await registry.enter(trained.records, 1)
    first, second = mlflow.runs.values()
    assert first["digest"] != second["digest"]
    assert first["metrics"]["train_pos_rate.poor"] > 0.4
    assert second["metrics"]["train_pos_rate.poor"] == 0
    assert "recall.poor" not in second["metrics"]
    await registry.close()


async def test_a_release_moves_the_aliases_once(mlflow: FakeMLflow, trained: models.Models) -> None:
    """The champion becomes previous; promoting the champion again keeps `previous` where it is."""
    registry = open_registry(mlflow)
    await registry.enter(trained.records, 1)
    for _ in range(2):
        await registry.promote("v2", trained.records)
        assert mlflow.aliases == {"champion": "2", "previous": "1"}
    with pytest.raises(NotFound, match="v9"):
        await registry.promote("v9", trained.records)
    await registry.close()


async def test_a_failing_server_is_unavailable(mlflow: FakeMLflow, trained: models.Models) -> None:
    """Junk with 503 is told as such, naming what was asked."""
    mlflow.down = True
    registry = open_registry(mlflow)
    with pytest.raises(Unavailable, match="registered-models/get"):
        await registry.enter(trained.records, 1)
    await registry.close()
