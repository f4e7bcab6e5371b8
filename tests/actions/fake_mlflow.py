"""A registry that behaves like MLflow's; tests/real/test_mlflow_conformance.py holds it to the real one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_BASE = "/api/2.0/mlflow"
_ALIAS, _SET_TAG = "/registered-models/alias", "/registered-models/set-tag"
_NUMBER, _NAME, _TAG = r"[1-9]\d*", r"[\w-]+", r"[\w.\-:/ ]+"
_BELOW = re.compile(r"version_number < (\d+)")
_FILTER = re.compile(r"""name=(?P<quote>['"])(?P<name>.*?)(?P=quote)(?: AND version_number < \d+)?""")


@dataclass
class FakeMLflow:
    """A registry with versions and aliases: a missing alias is a 400, an alias moves without asking from where.

    With `takes_tags` False nobody may set a tag, with `compares` False versions cannot be searched by their number.
    """

    versions: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {str(n): {"version": str(n), "run_id": f"r{n}", "status": "READY"} for n in (1, 2, 3)}
    )
    aliases: dict[str, str] = field(default_factory=lambda: {"champion": "2", "previous": "1"})
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    moved: int = 0
    takes_tags: bool = True
    compares: bool = True
    model: str = "visits"

    @property
    def app(self) -> Starlette:
        routes = {
            ("GET", _ALIAS): self._alias,
            ("POST", _ALIAS): self._move,
            ("DELETE", _ALIAS): self._remove,
            ("GET", "/registered-models/get"): self._model,
            ("POST", _SET_TAG): self._tag,
            ("GET", "/model-versions/get"): self._version,
            ("GET", "/model-versions/search"): self._search,
            ("GET", "/runs/get"): self._run,
        }
        return Starlette(
            routes=[Route(f"{_BASE}{path}", _local(do), methods=[method]) for (method, path), do in routes.items()]
        )

    def someone_changes_it(self) -> None:
        self.aliases["champion"] = "3"

    async def _alias(self, given: Mapping[str, str]) -> Response:
        if wrong := _lacking(given, "name", "alias") or self._unknown(given["name"]):
            return wrong
        version = self.aliases.get(given["alias"])
        if version is None:
            return _invalid(f"Registered model alias {given['alias']} not found.")
        return JSONResponse({"model_version": self.versions[version]})

    async def _move(self, given: Mapping[str, str]) -> Response:
        if wrong := _lacking(given, "name", "alias", "version"):
            return wrong
        if not re.fullmatch(_NAME, given["alias"]) or re.fullmatch(r"latest|v\d+", given["alias"], re.IGNORECASE):
            return _invalid(f"Invalid alias name: {given['alias']!r}.")
        if not re.fullmatch(_NUMBER, given["version"]):
            return _invalid(f"Parameter 'version' must be an integer, got {given['version']!r}.")
        if given["name"] != self.model or given["version"] not in self.versions:
            return _absent(f"Model Version (name={given['name']}, version={given['version']}) not found")
        self.aliases[given["alias"]] = given["version"]
        self.moved += 1
        return JSONResponse({})

    async def _remove(self, given: Mapping[str, str]) -> Response:
        if wrong := _lacking(given, "name", "alias") or self._unknown(given["name"]):
            return wrong
        self.aliases.pop(given["alias"], None)
        return JSONResponse({})

    async def _model(self, given: Mapping[str, str]) -> Response:
        if wrong := _lacking(given, "name") or self._unknown(given["name"]):
            return wrong
        told: dict[str, Any] = {"name": self.model}
        told["aliases"] = [{"alias": name, "version": version} for name, version in self.aliases.items()]
        if self.tags:  # left out where there are none
            told["tags"] = [{"key": name, "value": value} for name, value in self.tags.items()]
        return JSONResponse({"registered_model": told})

    async def _tag(self, given: Mapping[str, str]) -> Response:
        if not self.takes_tags:
            return _error("PERMISSION_DENIED", "Permission denied", 403)
        if wrong := _lacking(given, "name", "key"):
            return wrong
        if not re.fullmatch(_TAG, given["key"]):
            return _invalid(f"Invalid value {given['key']!r} for parameter 'key' supplied.")
        if wrong := self._unknown(given["name"]):
            return wrong
        self.tags[given["key"]] = given.get("value", "")
        return JSONResponse({})

    async def _version(self, given: Mapping[str, str]) -> Response:
        if wrong := _lacking(given, "name", "version"):
            return wrong
        if not re.fullmatch(_NUMBER, given["version"]):
            return _invalid(f"Parameter 'version' must be an integer, got {given['version']!r}.")
        version = self.versions.get(given["version"]) if given["name"] == self.model else None
        return JSONResponse({"model_version": version}) if version else _absent("Model Version not found")

    async def _search(self, given: Mapping[str, str]) -> Response:
        wanted = _FILTER.fullmatch(given.get("filter", ""))
        below = _BELOW.search(given.get("filter", ""))
        if wanted is None or (below and not self.compares):
            return _invalid("Invalid clause(s) in filter string")
        known = list(self.versions.values()) if wanted["name"] == self.model else []
        found = [each for each in known if below is None or int(each["version"]) < int(below[1])]
        found.sort(key=lambda each: -int(each["version"]))
        found = found[: int(given.get("max_results", "200"))]
        return JSONResponse({"model_versions": found} if found else {})

    async def _run(self, given: Mapping[str, str]) -> Response:
        run = self.runs.get(given.get("run_id", ""))
        return JSONResponse({"run": run}) if run else _absent("Run not found")

    def _unknown(self, model: str) -> Response | None:
        return None if model == self.model else _absent(f"Registered Model with name={model} not found")


def _local(do: Callable[[Mapping[str, str]], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """MLflow 3 answers only to hosts it knows, against DNS rebinding."""

    async def answer(request: Request) -> Response:
        if request.headers["host"].endswith(".example"):
            return PlainTextResponse("Invalid Host header - possible DNS rebinding attack detected", 403)
        return await do(dict(request.query_params) if request.method == "GET" else await request.json())

    return answer


def _lacking(given: Mapping[str, str], *names: str) -> Response | None:
    missing = next((name for name in names if not given.get(name)), None)
    return _invalid(f"Missing value for required parameter '{missing}'.") if missing else None


def _invalid(message: str) -> Response:
    return _error("INVALID_PARAMETER_VALUE", message, 400)


def _absent(message: str) -> Response:
    return _error("RESOURCE_DOES_NOT_EXIST", message, 404)


def _error(code: str, message: str, status: int) -> Response:
    return JSONResponse({"error_code": code, "message": message}, status)
