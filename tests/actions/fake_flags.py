"""A feature-flag service of the usual kind: ETags, merge patches, idempotency keys, a dry run, two credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def _flag(percent: int) -> dict[str, Any]:
    return {"enabled": True, "rollout": {"percent": percent}}


@dataclass
class FakeFlags:
    """Flags by name. `lag` reads the old state so many times after a change; `tags` False leaves ETags out."""

    flags: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"new-ranking": _flag(100), "new-pricing": _flag(10)}
    )
    revision: int = 7
    applied: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    changed: int = 0
    lag: int = 0
    tags: bool = True
    token: str = ""
    project: str = ""
    _old: dict[str, Any] = field(default_factory=dict)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/flags/{flag}", self._tell),
                Route("/api/flags/{flag}", self._change, methods=["PATCH"]),
                Route("/api/changes/{key:path}", self._known),
            ]
        )

    def state(self) -> dict[str, Any]:
        return {name: {**flag, "rollout": dict(flag["rollout"])} for name, flag in self.flags.items()}

    def someone_changes_it(self) -> None:
        self.revision += 1
        for flag in self.flags.values():
            flag["rollout"] = {"percent": 55}

    async def _tell(self, request: Request) -> JSONResponse:
        if refused := self._refused(request):
            return refused
        flag = self.flags.get(request.path_params["flag"])
        if flag is None:
            return JSONResponse({"message": "no such flag"}, 404)
        if self.lag and self._old:
            self.lag -= 1
            flag = self._old
        return JSONResponse({"revision": self.revision, **flag}, headers=self._tag())

    async def _change(self, request: Request) -> JSONResponse:
        body = await request.json()
        self.asked.append((request.method, str(request.url.path), body))
        if refused := self._refused(request):
            return refused
        key, name = request.headers.get("idempotency-key", ""), request.path_params["flag"]
        if key in self.applied:
            return JSONResponse({"replayed": True})
        flag = self.flags.get(name)
        if flag is None:
            return JSONResponse({"message": "no such flag"}, 404)
        if request.headers.get("if-match", self._etag) != self._etag:
            return JSONResponse({"message": f"it is revision {self.revision} now"}, 412)
        percent = body["rollout"]["percent"]
        if not isinstance(percent, int) or not 0 <= percent <= 100:
            return JSONResponse({"message": "percent is a whole number from 0 to 100"}, 422)
        if request.query_params.get("dry_run") != "1":
            self._old = {**flag, "rollout": dict(flag["rollout"])}
            flag["rollout"] = {"percent": percent}
            self.revision += 1
            self.changed += 1
            self.applied |= {key} if key else set()
        return JSONResponse({"revision": self.revision}, headers=self._tag())

    async def _known(self, request: Request) -> JSONResponse:
        known = request.path_params["key"] in self.applied
        return JSONResponse({"known": known}, 200 if known else 404)

    def _refused(self, request: Request) -> JSONResponse | None:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"message": "who are you?"}, 401)
        if self.project and request.headers.get("x-project-key") != self.project:
            return JSONResponse({"message": f"not with {request.headers.get('x-project-key')}"}, 403)
        return None

    @property
    def _etag(self) -> str:
        return f'"{self.revision}"'

    def _tag(self) -> dict[str, str]:
        return {"etag": self._etag} if self.tags else {}
