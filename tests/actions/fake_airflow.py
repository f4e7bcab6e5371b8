"""An Airflow that behaves like 3.3: run ids are keys, pauses stop no run, every attempt to pause stands in the audit log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

DAG, AT = "retrain", "2026-11-20T12:00:00Z"
PEOPLE = {"ann": "ann's password", "rita": "rita's password"}
READERS = {"rita"}
_RUN = re.compile(r"[A-Za-z0-9_.~:+-]+")
_STATES = ("queued", "success", "failed")


@dataclass
class FakeAirflow:
    """One DAG, its runs, and who may do what. Tokens are `<person>#<number>`; `expire` spoils those given so far."""

    paused: bool = False
    stale: bool = False
    version: int = 1
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[int] = field(default_factory=list)
    kinds: list[str] | None = None
    log_hidden: bool = False
    logins: int = 0
    oldest: int = 1
    changed: int = 0
    said: tuple[int, str] = (401, "Token Expired")

    def __post_init__(self) -> None:
        base = "/api/v2/dags/{dag}"
        self.app = Starlette(
            routes=[
                Route("/auth/token", self._login, methods=["POST"]),
                Route("/api/v2/eventLogs", self._log),
                Route(base, self._dag),
                Route(base, self._patch, methods=["PATCH"]),
                Route(f"{base}/details", self._dag),
                Route(f"{base}/dagRuns", self._list),
                Route(f"{base}/dagRuns", self._trigger, methods=["POST"]),
                Route(f"{base}/dagRuns/{{run}}", self._run),
                Route(f"{base}/dagRuns/{{run}}", self._stop, methods=["PATCH"]),
            ]
        )

    def expire(self) -> None:
        """No token given so far is taken any more."""
        self.oldest = self.logins + 1

    def state(self) -> dict[str, Any]:
        return {"paused": self.paused, "runs": {name: run["state"] for name, run in self.runs.items()}}

    def starts(self, name: str, state: str = "running") -> None:
        """A run of somebody else's."""
        self.runs[name] = _run(name, state)

    def someone_changes_it(self) -> None:
        """Resumes, looks, and pauses again on purpose."""
        self.events += [len(self.events) + 101, len(self.events) + 102]
        self.paused = True
        self.version += 1

    def _refused(self, request: Request, *, write: bool = False) -> JSONResponse | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not given:
            return _error(401, "Not authenticated")
        person, _sign, number = given.partition("#")
        if person not in PEOPLE or not number.isdigit():
            return _error(403, "Invalid JWT token")
        if int(number) < self.oldest:
            return _error(*self.said)
        if write and person in READERS:
            return _error(403, "Forbidden")
        dag = request.path_params.get("dag", DAG)
        return None if dag == DAG else _error(404, f"The Dag with ID: `{dag}` was not found")

    async def _login(self, request: Request) -> JSONResponse:
        body = await request.json()
        if PEOPLE.get(body.get("username")) != body.get("password"):
            return _error(401, "Invalid credentials")
        self.logins += 1
        return JSONResponse({"access_token": f"{body['username']}#{self.logins}"}, 201)

    async def _log(self, request: Request) -> JSONResponse:
        if refused := self._refused(request):
            return refused
        if self.log_hidden:
            return _error(403, "Forbidden")
        newest = sorted(self.events, reverse=True)[: int(request.query_params.get("limit", "50"))]
        logs = [{"event_log_id": number, "when": AT, "event": "patch_dag", "dag_id": DAG} for number in newest]
        return JSONResponse({"event_logs": logs, "total_entries": len(self.events)})

    async def _dag(self, request: Request) -> JSONResponse:
        return self._refused(request) or JSONResponse(self._details())

    async def _patch(self, request: Request) -> JSONResponse:
        if refused := self._refused(request, write=True):
            return refused
        body = await request.json()
        self.events.append(max(self.events, default=0) + 1)
        if not isinstance(body.get("is_paused"), bool):
            return JSONResponse({"detail": [{"type": "bool_parsing", "loc": ["body", "is_paused"]}]}, 422)
        if request.query_params.get("update_mask") not in (None, "is_paused"):
            return _error(400, "Only `is_paused` field can be updated through the REST API")
        self.changed += self.paused != body["is_paused"]
        self.paused = body["is_paused"]
        return JSONResponse(self._details())

    async def _list(self, request: Request) -> JSONResponse:
        if refused := self._refused(request):
            return refused
        state = request.query_params.get("state")
        found = [each for each in self.runs.values() if state in (None, each["state"])]
        found = found[: int(request.query_params.get("limit", "50"))]
        return JSONResponse({"dag_runs": found, "total_entries": len(found)})

    async def _trigger(self, request: Request) -> JSONResponse:
        if refused := self._refused(request, write=True):
            return refused
        body = await request.json()
        if "logical_date" not in body or not isinstance(body.get("conf", {}), dict):
            return JSONResponse({"detail": [{"type": "missing", "loc": ["body", "logical_date"]}]}, 422)
        name = str(body["dag_run_id"])
        if not _RUN.fullmatch(name):
            return _error(400, f"The run_id provided '{name}' does not match regex pattern")
        if name in self.runs:
            return JSONResponse({"detail": {"reason": "Unique constraint violation"}}, 409)
        self.runs[name] = _run(name, "queued", conf=body.get("conf", {}))
        self.changed += 1
        return JSONResponse(self.runs[name])

    async def _run(self, request: Request) -> JSONResponse:
        if refused := self._refused(request):
            return refused
        found = self.runs.get(request.path_params["run"])
        return JSONResponse(found) if found else _error(404, "The DagRun was not found")

    async def _stop(self, request: Request) -> JSONResponse:
        if refused := self._refused(request, write=True):
            return refused
        body, found = await request.json(), self.runs.get(request.path_params["run"])
        if body.get("state") not in _STATES:
            return JSONResponse({"detail": [{"type": "enum", "loc": ["body", "state"]}]}, 422)
        if found is None:
            return _error(404, "The DagRun was not found")
        self.changed += found["state"] != body["state"]
        found["state"] = body["state"]
        return JSONResponse(found)

    def _details(self) -> dict[str, Any]:
        """All that Airflow says of a DAG must be there, though little of it matters here."""
        version = {"id": str(UUID(int=self.version)), "version_number": self.version, "dag_id": DAG, "created_at": AT}
        version |= {"dag_display_name": DAG, "bundle_name": "dags", "bundle_version": None, "bundle_url": None}
        told: dict[str, Any] = {
            "dag_id": DAG,
            "dag_display_name": DAG,
            "is_paused": self.paused,
            "is_stale": self.stale,
        }
        told |= {"latest_dag_version": version, "bundle_version": None, "allowed_run_types": self.kinds}
        told |= {"fileloc": "/dags/retrain.py", "file_token": "t", "relative_fileloc": "retrain.py", "owners": ["ann"]}
        told |= {"tags": [], "timetable_partitioned": False, "timetable_periodic": False, "is_backfillable": False}
        told |= {"max_active_tasks": 16, "max_active_runs": 1, "max_consecutive_failed_dag_runs": 0, "concurrency": 16}
        told |= {
            "has_task_concurrency_limits": False,
            "has_import_errors": False,
            "catchup": False,
            "is_favorite": False,
        }
        return told | {"render_template_as_native_obj": False, "params": {}, "active_runs_count": 0}


def _run(name: str, state: str, conf: dict[str, Any] | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "dag_run_id": name,
        "dag_id": DAG,
        "dag_display_name": DAG,
        "state": state,
        "conf": conf or {},
    }
    return told | {"dag_versions": [], "run_after": AT, "run_type": "manual", "logical_date": None, "queued_at": AT}


def _error(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)
