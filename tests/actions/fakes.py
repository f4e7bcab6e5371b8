"""Targets that behave like the real ones and remember what was asked of them, one per file on the actions shelf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
        self.requests: dict[str, Any] = dict.fromkeys(versions, 0)
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
        told = {"revision": self.revision, **self.state(), "backends": [*self.weights, "rules"]}
        return JSONResponse({**told, "requests": self.requests})

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


def make(name: str, /, transport: httpx.AsyncBaseTransport | None = None, **settings: Any) -> Action:
    """The action of that name with these settings."""
    kind = shelf.load("actions", name)
    made: Action = kind(kind.Settings.model_validate(settings), clock=Hands(), transport=transport)
    return made


ROLLBACK = (Means.ROLLBACK, {"to": "previous"})
WEIGHTS = (Means.TRAFFIC, {"weights": {"v1": 90, "v2": 10}})
BYPASS = (Means.BYPASS, {"slice": "health=poor", "to": "rules"})
