"""Enters the demonstration's versions into an MLflow tracking server and moves its aliases, over plain REST."""

import json
from typing import Any

import httpx

from bot.demo.models import MODEL, RELEASES
from bot.domain.errors import NotFound, Unavailable

CHAMPION, PREVIOUS = "champion", "previous"
_DIGEST_LENGTH = 36  # MLflow refuses longer dataset digests; the full one goes into a tag
_GONE = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}  # a missing alias answers 400 with the second


class Registry:
    """One registered model in MLflow. Every method may be repeated; raises Unavailable when the server fails."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(base_url=f"{url.rstrip('/')}/api/2.0/mlflow", timeout=20, transport=transport)

    async def close(self) -> None:
        await self._client.aclose()

    async def enter(self, records: dict[str, dict[str, Any]], at_ms: int) -> dict[str, str]:
        """Make sure there is a run and a model version for every release; {"v1": "1", ...}, MLflow's own numbers.

        A release already entered with the same training set and code is left alone. Sets the champion alias to v1
        where there is none.
        """
        if await self._ask("GET", "registered-models/get", name=MODEL) is None:
            await self._need("POST", "registered-models/create", name=MODEL)
        numbers = await self.numbers(records)
        experiment = await self._experiment()
        for version in RELEASES:
            if version not in numbers:
                run = await self._run(experiment, version, records[version], at_ms)
                made = await self._need(
                    "POST", "model-versions/create", name=MODEL, source=f"runs:/{run}/model", run_id=run,
                    tags=_pairs({"release": version, **_identity(records[version])}),
                )  # fmt: skip
                numbers[version] = str(made["model_version"]["version"])
        for alias in (CHAMPION, PREVIOUS):
            if await self.alias(alias) is None:
                await self._point(alias, numbers[RELEASES[0]])
        return numbers

    async def numbers(self, records: dict[str, dict[str, Any]]) -> dict[str, str]:
        """MLflow's number of each release that stands in the registry with this lineage; the newest one counts."""
        found = await self._need(
            "GET", "model-versions/search", filter=f"name='{MODEL}'", order_by="version_number DESC", max_results=200
        )
        numbers: dict[str, str] = {}
        for entry in found.get("model_versions", []):
            tags = {tag["key"]: tag["value"] for tag in entry.get("tags", [])}
            release = tags.get("release", "")
            if release in records and _identity(records[release]).items() <= tags.items():
                numbers.setdefault(release, str(entry["version"]))
        return numbers

    async def promote(self, version: str, records: dict[str, dict[str, Any]]) -> None:
        """Make this release the champion; what was champion becomes `previous`. Twice is once."""
        number = (await self.numbers(records)).get(version)
        if number is None:
            raise NotFound("registered release", version)
        before = await self.alias(CHAMPION)
        if before == number:
            return
        if before is not None:
            await self._point(PREVIOUS, before)
        await self._point(CHAMPION, number)

    async def alias(self, name: str) -> str | None:
        """The model version the alias points to, or None."""
        found = await self._ask("GET", "registered-models/alias", name=MODEL, alias=name)
        return None if found is None else str(found["model_version"]["version"])

    async def _point(self, alias: str, number: str) -> None:
        await self._need("POST", "registered-models/alias", name=MODEL, alias=alias, version=number)

    async def _experiment(self) -> str:
        found = await self._ask("GET", "experiments/get-by-name", experiment_name=MODEL)
        if found is not None:
            return str(found["experiment"]["experiment_id"])
        return str((await self._need("POST", "experiments/create", name=MODEL))["experiment_id"])

    async def _run(self, experiment: str, version: str, record: dict[str, Any], at_ms: int) -> str:
        tags = {"mlflow.runName": f"{MODEL}-{version}", "mlflow.source.git.commit": record["code_revision"],
                "release": version, **_identity(record)}  # fmt: skip
        made = await self._need(
            "POST", "runs/create", experiment_id=experiment, start_time=at_ms, run_name=f"{MODEL}-{version}",
            tags=_pairs(tags),
        )  # fmt: skip
        run = str(made["run"]["info"]["run_id"])
        rates = {f"train_pos_rate.{health}": rate for health, rate in record["training_set"]["label_rate"].items()}
        judged = {
            f"{name}.{health}": value
            for health, scores in record["metrics"].items()
            for name, value in scores.items()
            if value is not None
        }
        await self._need(
            "POST", "runs/log-batch", run_id=run, params=_pairs(record["params"]),
            metrics=[{"key": key, "value": float(value), "timestamp": at_ms, "step": 0}
                     for key, value in {**rates, **judged}.items()],
        )  # fmt: skip
        dataset = {
            "name": "randhie-training", "digest": _short(record), "source_type": "local",
            "source": json.dumps({"uri": "statsmodels/datasets/randhie"}),
            "profile": json.dumps({"num_rows": record["training_set"]["rows"],
                                   "label_rate": record["training_set"]["label_rate"]}),
        }  # fmt: skip
        context = [{"key": "mlflow.data.context", "value": "training"}]
        await self._need("POST", "runs/log-inputs", run_id=run, datasets=[{"dataset": dataset, "tags": context}])
        await self._need("POST", "runs/update", run_id=run, status="FINISHED", end_time=at_ms)
        return run

    async def _need(self, method: str, path: str, **asked: Any) -> dict[str, Any]:
        answer = await self._ask(method, path, **asked)
        if answer is None:
            raise Unavailable("MLflow", f"{path} names something it does not know")
        return answer

    async def _ask(self, method: str, path: str, **asked: Any) -> dict[str, Any] | None:
        """The answer, or None where MLflow says that there is no such thing."""
        try:
            if method == "GET":
                response = await self._client.get(f"/{path}", params=asked)
            else:
                response = await self._client.post(f"/{path}", json=asked)
            told = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("MLflow", f"{path}: {type(error).__name__}") from error
        if not isinstance(told, dict):
            raise Unavailable("MLflow", f"{path}: answered something other than an object")
        if response.is_success:
            return told
        if method == "GET" and told.get("error_code") in _GONE:
            return None
        raise Unavailable("MLflow", f"{path}: {response.status_code} {told.get('error_code', '')}")


def _identity(record: dict[str, Any]) -> dict[str, str]:
    """What makes a release the same release: its training set and its code."""
    return {"training_set.digest": record["training_set"]["digest"], "code_revision": record["code_revision"]}


def _short(record: dict[str, Any]) -> str:
    return str(record["training_set"]["digest"]).removeprefix("sha256:")[:_DIGEST_LENGTH]


def _pairs(values: dict[str, Any]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in values.items()]
