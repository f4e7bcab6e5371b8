"""Targets that behave like the real ones and remember what was asked of them, one per file on the actions shelf."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot import shelf
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.ports import Action
from tests.parts import Hands


@dataclass
class Scene:
    """An action in front of its target. `changes` counts what really changed there.

    `always` names the asks that are a change however often they are asked (a restart, a retraining).
    """

    action: Action
    target: Target
    asks: Mapping[str, tuple[Means, Mapping[str, object]]]
    impossible: Means
    state: Callable[[], Any]
    changes: Callable[[], int]
    disturb: Callable[[], None]
    always: frozenset[str] = frozenset()


class FakeRouter:
    """Revisions, keys and dry runs, as the router's contract has them."""

    def __init__(self, versions: tuple[str, ...] = ("v1", "v2")) -> None:
        self.revision = 4
        self.weights = {name: 100 * (name == versions[-1]) for name in versions}
        self.bypass: dict[str, str] = {}
        self.applied: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/state", self._state),
                Route("/apply", self._apply, methods=["POST"]),
                Route("/applied/{key:path}", self._applied),
            ]
        )

    def state(self) -> dict[str, Any]:
        return {"weights": dict(self.weights), "bypass": dict(self.bypass)}

    def someone_changes_it(self) -> None:
        self.revision += 1
        self.weights = dict.fromkeys(self.weights, 0) | {"v1": 50, "v2": 50}
        self.bypass = {"health=poor": "v2"}

    async def _state(self, request: Request) -> JSONResponse:
        self.asked.append("state")
        return JSONResponse({"revision": self.revision, **self.state(), "backends": [*self.weights, "rules"]})

    async def _apply(self, request: Request) -> JSONResponse:
        body, dry = await request.json(), request.query_params.get("dry_run") == "1"
        self.asked.append("dry run" if dry else "apply")
        if not dry and body.get("key") in self.applied:
            return JSONResponse(self.applied[body["key"]])
        if body["expect_revision"] != self.revision:
            return JSONResponse({"reasons": [f"it is revision {self.revision} now"], **self.state()}, 409)
        if sum(body.get("weights", {"": 100}).values()) != 100:
            return JSONResponse({"reasons": ["weights sum to 100"]}, 400)
        if dry:
            return JSONResponse({"dry_run": True})
        before = self.state()
        self.weights |= body.get("weights", {})
        for name, to in body.get("bypass", {}).items():
            self.bypass.pop(name, None)
            if to is not None:
                self.bypass[name] = to
        self.revision += 1
        record = {"revision": self.revision, "at": "2026-11-20T12:00:00+00:00", "before": before, "after": self.state()}
        self.applied[body["key"]] = record
        return JSONResponse(record)

    async def _applied(self, request: Request) -> JSONResponse:
        record = self.applied.get(request.path_params["key"])
        return JSONResponse(record) if record else JSONResponse({"reasons": ["no such key"]}, 404)


class FakePipeline:
    """A feature pipeline that is paused and resumed under keys."""

    def __init__(self) -> None:
        self.run, self.paused = "run-8", False
        self.applied: dict[str, dict[str, Any]] = {}
        self.app = Starlette(
            routes=[
                Route("/pipeline", self._tell),
                Route("/pipeline/applied/{key:path}", self._applied),
                Route("/pipeline/{verb}", self._switch, methods=["POST"]),
            ]
        )

    def someone_changes_it(self) -> None:
        self.run, self.paused = "run-9", not self.paused

    async def _tell(self, request: Request) -> JSONResponse:
        told = {"pipeline": "visit-features", "run_id": self.run, "status": "paused" if self.paused else "running"}
        return JSONResponse({**told, "last_good_run_id": "run-7"})

    async def _switch(self, request: Request) -> JSONResponse:
        body, pause = await request.json(), request.path_params["verb"] == "pause"
        if body["key"] in self.applied:
            return JSONResponse(self.applied[body["key"]])
        if body.get("expect_run_id", self.run) != self.run:
            return JSONResponse({"reasons": [f"the newest run is {self.run}"]}, 409)
        self.paused = pause
        self.applied[body["key"]] = {"key": body["key"], "at": "2026-11-20T12:00:00+00:00"}
        return JSONResponse(self.applied[body["key"]])

    async def _applied(self, request: Request) -> JSONResponse:
        record = self.applied.get(request.path_params["key"])
        return JSONResponse(record) if record else JSONResponse({"reasons": ["no such key"]}, 404)


class FakeHAProxy:
    """The runtime API of one HAProxy, with its habits: silence is success, `add map` twice is two entries."""

    def __init__(self) -> None:
        self.weights = {"v1": 0, "v2": 100}
        self.map: list[tuple[str, str]] = []
        self.changed = 0
        self.lines: list[str] = []

    def state(self) -> dict[str, Any]:
        return {"weights": dict(self.weights), "map": list(self.map)}

    def someone_changes_it(self) -> None:
        self.weights, self.map = {"v1": 50, "v2": 50}, [("health=poor", "v2")]

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = (await reader.readline()).decode().strip()
            self.lines.append(line)
            writer.write("".join(f"{self._answer(part.split())}\n" for part in line.split(";")).encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            yield f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    def _answer(self, words: list[str]) -> str:
        match words:
            case ["show", "servers", "state", "visits"]:
                rows = [f"3 visits {i} {name} 127.0.0.1 2 0 {w} 1" for i, (name, w) in enumerate(self.weights.items())]
                header = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
                return "\n".join(["1", header, *rows, ""])
            case ["show", "servers", "state", _]:
                return "Can't find backend."
            case ["set", "server", place, "weight", weight]:
                name = place.partition("/")[2]
                if name not in self.weights:
                    return "No such server."
                self.changed += self.weights[name] != int(weight)
                self.weights[name] = int(weight)
                return ""
            case ["show", "map", _]:
                return "".join(f"0x55e0 {key} {value}\n" for key, value in self.map)
            case ["add", "map", _, key, value]:
                self.map.append((key, value))
            case ["set", "map", _, key, value] if any(held == key for held, _ in self.map):
                self.map = [(held, value if held == key else old) for held, old in self.map]
            case ["del", "map", _, key] if any(held == key for held, _ in self.map):
                self.map = [(held, old) for held, old in self.map if held != key]
            case _:
                return "Key not found."
        self.changed += 1
        return ""


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


def make(name: str, /, transport: httpx.AsyncBaseTransport | None = None, **settings: Any) -> Action:
    """The action of that name with these settings."""
    kind = shelf.load("actions", name)
    made: Action = kind(kind.Settings.model_validate(settings), clock=Hands(), transport=transport)
    return made


ROLLBACK = (Means.ROLLBACK, {"to": "previous"})
WEIGHTS = (Means.TRAFFIC, {"weights": {"v1": 90, "v2": 10}})
BYPASS = (Means.BYPASS, {"slice": "health=poor", "to": "rules"})
