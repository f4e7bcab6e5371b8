"""A registry that behaves like MLflow's; tests/real/test_mlflow_conformance.py holds it to the real one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


@dataclass
class FakeMLflow:
    """A registry with versions and aliases: a missing alias is a 400, an alias moves without asking from where."""

    versions: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {str(n): {"version": str(n), "run_id": f"r{n}", "status": "READY"} for n in (1, 2, 3)}
    )
    aliases: dict[str, str] = field(default_factory=lambda: {"champion": "2", "previous": "1"})
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    moved: int = 0

    @property
    def app(self) -> Starlette:
        base = "/api/2.0/mlflow"
        return Starlette(
            routes=[
                Route(f"{base}/registered-models/alias", self._alias),
                Route(f"{base}/registered-models/alias", self._move, methods=["POST"]),
                Route(f"{base}/model-versions/get", self._version),
                Route(f"{base}/model-versions/search", self._search),
                Route(f"{base}/runs/get", self._run),
            ]
        )

    def someone_changes_it(self) -> None:
        self.aliases["champion"] = "3"

    async def _alias(self, request: Request) -> JSONResponse:
        version = self.aliases.get(request.query_params["alias"])
        if version is None or request.query_params["name"] != "visits":
            return JSONResponse({"error_code": "INVALID_PARAMETER_VALUE", "message": "alias not found"}, 400)
        return JSONResponse({"model_version": self.versions[version]})

    async def _move(self, request: Request) -> JSONResponse:
        body = await request.json()
        if body["version"] not in self.versions:
            return JSONResponse({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such version"}, 404)
        self.aliases[body["alias"]] = body["version"]
        self.moved += 1
        return JSONResponse({})

    async def _version(self, request: Request) -> JSONResponse:
        version = self.versions.get(request.query_params["version"])
        if version is None:
            return JSONResponse({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such version"}, 404)
        return JSONResponse({"model_version": version})

    async def _search(self, request: Request) -> JSONResponse:
        return JSONResponse({"model_versions": list(self.versions.values())})

    async def _run(self, request: Request) -> JSONResponse:
        run = self.runs.get(request.query_params["run_id"])
        return JSONResponse({"run": run}) if run else JSONResponse({"message": "no such run"}, 404)
