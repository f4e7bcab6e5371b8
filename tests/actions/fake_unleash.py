"""An Unleash that behaves like 7.5: strategies replaced whole, any rollout taken, the SDKs' view a moment behind."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ADMIN, CLIENT, EDITOR, READER = "*:*.admin", "default:production.client", "user:editor", "user:reader"
_OPERATORS = {"IN", "NOT_IN", "STR_CONTAINS", "STR_STARTS_WITH", "STR_ENDS_WITH", "NUM_EQ", "NUM_GT", "NUM_LT"}
_ASKED = "You don't have the required permissions to perform this operation. To perform this action, you need the "


def strategy(identity: str = "s-1", rollout: str = "100", **more: Any) -> dict[str, Any]:
    """A gradual rollout."""
    parameters = {"groupId": "model-v2", "rollout": rollout, "stickiness": "default"}
    made = {"id": identity, "name": "flexibleRollout", "title": None, "parameters": parameters, "constraints": []}
    return {**made, "variants": [], "segments": [], "sortOrder": 0, "disabled": False, **more}


@dataclass
class FakeUnleash:
    """One flag in two environments. `behind` holds the SDKs' view back until `settle` is called."""

    environments: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "development": {"enabled": False, "strategies": []},
            "production": {"enabled": True, "strategies": [strategy()]},
        }
    )
    name: str = "model-v2"
    archived: bool = False
    protected: set[str] = field(default_factory=set)
    behind: bool = False
    elsewhere: bool = False  # the client token is one of another project
    changed: int = 0
    handed: dict[str, Any] = field(default_factory=dict)
    meddle: list[Any] = field(default_factory=list)  # what others do, one after each of our changes

    def __post_init__(self) -> None:
        self.settle()
        base = "/api/admin/projects/{project}/features"
        at = f"{base}/{{flag}}/environments/{{environment}}"
        self.app = Starlette(
            routes=[
                Route(base, self._create, methods=["POST"]),
                Route(f"{base}/{{flag}}", self._flag),
                Route(f"{base}/{{flag}}", self._archive, methods=["DELETE"]),
                Route(at, self._environment),
                Route(f"{at}/strategies/{{id}}", self._rewrite, methods=["PUT"]),
                Route(f"{at}/{{switch}}", self._switch, methods=["POST"]),
                Route("/api/client/features", self._client),
            ]
        )

    @property
    def production(self) -> dict[str, Any]:
        return self.environments["production"]

    def state(self) -> dict[str, Any]:
        return copy.deepcopy(self.production)

    def settle(self) -> None:
        """Hand the SDKs what holds now."""
        self.handed = self.state()

    def someone_changes_it(self) -> None:
        self.production["strategies"][0]["parameters"]["rollout"] = "55"
        self.production["strategies"][0]["constraints"] = [constraint("region", "de")]
        self.settle()

    def _changes(self) -> None:
        self.changed += 1
        if self.meddle:
            self.meddle.pop(0)()
        if not self.behind:
            self.settle()

    def _refused(self, request: Request, *, write: bool) -> JSONResponse | None:
        """What a request is answered that may not, or that asks for what is not there."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        project, flag = request.path_params["project"], request.path_params.get("flag")
        environment = request.path_params.get("environment")
        if token == CLIENT:
            return JSONResponse({"message": "invalid token: expected a different token type for this endpoint"}, 403)
        if token not in (ADMIN, EDITOR, READER):
            return _error(401, "UnauthorizedError", "You must log in to use Unleash.")
        if write and token == READER:
            return _error(403, "NoAccessError", f'{_ASKED}"UPDATE_FEATURE_ENVIRONMENT" permission.')
        if flag is not None and (flag != self.name or project != "default"):
            return _error(404, "NotFoundError", f'There\'s no feature named "{flag}" in project "{project}".')
        if write and environment in self.protected and token != ADMIN:
            return _error(403, "PermissionError", f'{_ASKED}"SKIP_CHANGE_REQUEST" permission.')
        if environment is not None and environment not in self.environments:
            return _error(404, "NotFoundError", f"Could not find {flag} in {environment}")
        if write and self.archived:
            return _error(400, "ArchivedFeatureError", "Cannot perform this operation on archived features")
        return None

    async def _create(self, request: Request) -> Response:
        if refused := self._refused(request, write=True):
            return refused
        if (await request.json())["name"] == self.name:
            return _error(409, "NameExistsError", "A flag with that name already exists")
        return JSONResponse(await request.json(), 201)

    async def _flag(self, request: Request) -> Response:
        if refused := self._refused(request, write=False):
            return refused
        if self.archived:
            return _error(404, "NotFoundError", f"Could not find active feature with name {self.name}")
        environments = [{"name": name, **copy.deepcopy(each)} for name, each in self.environments.items()]
        return JSONResponse({"name": self.name, "archived": False, "environments": environments})

    async def _environment(self, request: Request) -> Response:
        if refused := self._refused(request, write=False):
            return refused
        environment = request.path_params["environment"]
        return JSONResponse({"name": self.name, "environment": environment, **self.environments[environment]})

    async def _archive(self, request: Request) -> Response:
        if refused := self._refused(request, write=True):
            return refused
        self.archived = True
        return Response(status_code=202)

    async def _switch(self, request: Request) -> Response:
        if request.path_params["switch"] not in ("on", "off"):
            return _error(404, "NotFoundError", "The path you were looking for is not available.")
        if refused := self._refused(request, write=True):
            return refused
        held, on = self.environments[request.path_params["environment"]], request.path_params["switch"] == "on"
        if on and not any(not each["disabled"] for each in held["strategies"]):
            held["strategies"].append(strategy(f"s-{len(held['strategies']) + 1}"))
        if held["enabled"] != on:
            held["enabled"] = on
            self._changes()
        return Response(status_code=200)

    async def _rewrite(self, request: Request) -> Response:
        if refused := self._refused(request, write=True):
            return refused
        held, body = self.environments[request.path_params["environment"]], await request.json()
        found = next((each for each in held["strategies"] if each["id"] == request.path_params["id"]), None)
        for each in body.get("constraints", []):
            if each["operator"] not in _OPERATORS or not each.get("values"):
                return _error(400, "BadDataError", "Request validation failed")
        if found is None:
            return _error(404, "NotFoundError", f"Could not find strategy with id={request.path_params['id']}")
        emptied = {"constraints": [], "variants": []}
        found.update({**emptied, **{name: value for name, value in body.items() if name not in ("id", "featureName")}})
        answer = copy.deepcopy(found)
        self._changes()
        return JSONResponse(answer)

    async def _client(self, request: Request) -> Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") != CLIENT:
            return JSONResponse({"message": "This endpoint requires an API token."}, 401)
        names = ("name", "parameters", "constraints", "variants")
        active = [each for each in self.handed["strategies"] if not each["disabled"]]
        shown = [{name: each[name] for name in names} for each in active]
        feature = {"name": self.name, "enabled": self.handed["enabled"], "strategies": shown}
        return JSONResponse({"version": 2, "features": [] if self.archived or self.elsewhere else [feature]})


def constraint(name: str, *values: str) -> dict[str, Any]:
    """Everybody but these."""
    return {"contextName": name, "operator": "NOT_IN", "values": list(values)}


def _error(status: int, name: str, message: str) -> JSONResponse:
    return JSONResponse({"name": name, "message": message, "details": [{"message": message}]}, status)
