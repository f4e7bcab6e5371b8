"""Airflow's REST API v2 (Airflow 3): DAGs, their runs, and the audit log of who paused them.

A run that is there already is a 409, so a run's id is a key. A pause stops no running run. An expired token is a 401, a
spoilt one a 403 "Invalid JWT token".
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from bot.clients.http import Http, HttpSettings, field, segment
from bot.domain.errors import Refused, Unavailable

WHAT = "Airflow"
_API = "/api/v2/dags"
_NOT_ANY_MORE = ("Invalid JWT", "Token Expired")
_UNAUTHORIZED, _FORBIDDEN, _OK, _REDIRECT = 401, 403, 200, 300
MOST_RUNS = 100
"""As many as Airflow lists at once by default."""


class AirflowSettings(HttpSettings):
    """Where Airflow's API server answers, and as whom: with a token, or with a user and password that get one."""

    user: str = ""
    """The user a token is asked for, where no token is given."""

    password: SecretStr | None = None
    """That user's password."""


class Login(httpx.AsyncBaseTransport):
    """Asks `/auth/token` for a token, puts it on every request, and asks anew once where it is refused."""

    def __init__(self, settings: AirflowSettings, transport: httpx.AsyncBaseTransport | None) -> None:
        verify = ssl.create_default_context(cafile=settings.ca) if settings.ca else True
        self._inner = transport or httpx.AsyncHTTPTransport(verify=verify, trust_env=False)
        self._url, self._user = settings.url, settings.user
        self._password = settings.password.get_secret_value() if settings.password else ""
        self._token, self._lock = "", asyncio.Lock()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no error may repeat."""
        return tuple(filter(None, (self._token, self._password)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it with a token; what was refused for the token's sake was not done, so it is sent once more."""
        token = await self._current("")
        answer = await self._inner.handle_async_request(_bearing(request, token))
        if answer.status_code not in (_UNAUTHORIZED, _FORBIDDEN):
            return answer
        content = await answer.aread()
        await answer.aclose()
        if answer.status_code == _FORBIDDEN and not any(each.encode() in content for each in _NOT_ANY_MORE):
            kept = {name: value for name, value in answer.headers.items() if name == "content-type"}
            return httpx.Response(answer.status_code, headers=kept, content=content, request=request)
        return await self._inner.handle_async_request(_bearing(request, await self._current(token)))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _current(self, refused: str) -> str:
        """A token that is not the refused one; of many who ask at once, one logs in."""
        async with self._lock:
            if self._token == refused:
                self._token = await self._login()
            return self._token

    async def _login(self) -> str:
        body = {"username": self._user, "password": self._password}
        asked = httpx.Request("POST", f"{self._url}/auth/token", json=body)
        answer = await self._inner.handle_async_request(asked)
        content = await answer.aread()
        await answer.aclose()
        if not _OK <= answer.status_code < _REDIRECT:
            raise Unavailable(WHAT, f"gave no token for user {self._user} ({answer.status_code})")
        try:
            token = json.loads(content)["access_token"]
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str) or not token:
            raise Unavailable(WHAT, f"gave no token for user {self._user}")
        return token


class _Door(Http):
    """Keeps quiet about the password and the token it was given, too."""

    def __init__(self, settings: AirflowSettings, login: Login) -> None:
        super().__init__(WHAT, settings, url=settings.url, transport=login)
        self._login = login

    def scrub(self, text: str) -> str:
        for secret in self._login.secrets:
            text = text.replace(secret, "[secret]")
        return super().scrub(text)


def door(settings: AirflowSettings, transport: httpx.AsyncBaseTransport | None) -> Http:
    """A door with the given token, or one that logs in."""
    if settings.token is not None or not settings.user:
        return Http(WHAT, settings, url=settings.url, transport=transport)
    return _Door(settings, Login(settings, transport))


class Airflow:
    """One API server."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def close(self) -> None:
        await self._http.close()

    async def dag(self, dag: str) -> dict[str, Any] | None:
        """A DAG with its details, None where there is none. Raises Unavailable."""
        found = await self._http.find(f"{_API}/{segment(dag)}/details")
        if found is None:
            return None
        field(found, "is_paused", bool, WHAT)
        told: dict[str, Any] = found
        return told

    async def pause(self, dag: str, *, paused: bool) -> None:
        """Pause or resume; the same again changes nothing. Raises Refused, Unavailable."""
        await self._http.send("PATCH", f"{_API}/{segment(dag)}", {"is_paused": paused}, {"update_mask": "is_paused"})

    async def switched(self, dag: str) -> list[int] | None:
        """Numbers of the newest two attempts to pause or resume the DAG, the newest first.

        None where the audit log may not be read. Raises Unavailable.
        """
        params = {"dag_id": dag, "event": "patch_dag", "order_by": "-event_log_id", "limit": "2"}
        found = await self._http.find("/api/v2/eventLogs", params, absent=(_FORBIDDEN,))
        if found is None:
            return None
        return [field(each, "event_log_id", int, WHAT) for each in field(found, "event_logs", list, WHAT)]

    async def running(self, dag: str) -> list[str]:
        """Ids of the runs that run now, the newest first, MOST_RUNS at most. Raises Unavailable."""
        params = {"state": "running", "order_by": "-run_after", "limit": str(MOST_RUNS)}
        found = await self._http.get(f"{_API}/{segment(dag)}/dagRuns", params)
        return [field(each, "dag_run_id", str, WHAT) for each in field(found, "dag_runs", list, WHAT)]

    async def run(self, dag: str, run: str) -> dict[str, Any] | None:
        """One run, None where there is none. Raises Unavailable."""
        found = await self._http.find(f"{_API}/{segment(dag)}/dagRuns/{segment(run)}")
        if found is None:
            return None
        field(found, "state", str, WHAT)
        told: dict[str, Any] = found
        return told

    async def trigger(self, dag: str, run: str, conf: Mapping[str, Any]) -> None:
        """Start a run under that id; nothing where it was started before. Raises Refused, Unavailable."""
        body = {"dag_run_id": run, "logical_date": None, "conf": dict(conf)}  # the date must be there, null or not
        try:
            await self._http.send("POST", f"{_API}/{segment(dag)}/dagRuns", body)
        except Refused as refused:
            if f"{WHAT} refused (409)" not in refused.because:
                raise

    async def stop(self, dag: str, run: str) -> None:
        """Set a run to failed, which ends its tasks. Raises Refused, Unavailable."""
        path = f"{_API}/{segment(dag)}/dagRuns/{segment(run)}"
        await self._http.send("PATCH", path, {"state": "failed"}, {"update_mask": "state"})


def _bearing(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token}"
    return request
