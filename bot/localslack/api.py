"""The Web API's front door: reads a call, checks its token, strikes with the faults asked for, records the exchange."""

import json
from typing import Any

from aiohttp import web

from bot.localslack.dialogs import Dialogs
from bot.localslack.methods import METHODS
from bot.localslack.methods.arguments import Call
from bot.localslack.traffic import Fault
from bot.localslack.workspace import SlackError, Workspace

_APP_LEVEL = frozenset({"apps.connections.open"})
_OPEN = frozenset({"api.test"})


class Api:
    """Serves `/api/{method}` and the response addresses of interactions."""

    def __init__(self, workspace: Workspace, dialogs: Dialogs) -> None:
        self._workspace, self._dialogs = workspace, dialogs

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One method call."""
        method = request.match_info["method"]
        strict = self._workspace.strict
        await strict.on_the_way()
        begun = self._workspace.now()
        given, token = await _arguments(request)
        fault = self._workspace.faults.take(method) or self._limit(method, given)
        if fault is not None and fault.kind in {"429", "500", "cut", "outage"}:
            self._note(method, given, {}, f"fault {fault.kind}", begun)
            return _struck(request, fault)
        answer = self._answer(method, given, token)
        if fault is not None:  # stored, but the app will not learn it
            self._note(method, given, answer, f"fault {fault.kind}", begun)
            return _struck(request, fault)
        self._note(method, given, answer, "ok" if answer["ok"] else answer["error"], begun)
        headers = {"X-OAuth-Scopes": ",".join(self._workspace.settings.scopes)}
        await strict.on_the_way()
        return web.json_response(answer, headers=headers)

    def _note(self, method: str, given: Any, answer: Any, outcome: str, begun: float) -> None:
        seconds = self._workspace.now() - begun
        self._workspace.traffic.note("app->slack", method, sent=given, answer=answer, outcome=outcome, seconds=seconds)

    def _limit(self, method: str, given: dict[str, Any]) -> Fault | None:
        """Too many calls of a method, or messages in a channel."""
        wait = self._workspace.strict.refuse(method, str(given.get("channel") or ""))
        return Fault(method, "429", 1, wait) if wait else None

    def _answer(self, method: str, given: dict[str, Any], token: str) -> dict[str, Any]:
        settings = self._workspace.settings
        if method not in METHODS or method in self._workspace.strict.without:
            return {"ok": False, "error": "unknown_method", "req_method": method}
        if method not in _OPEN:
            if not token:
                return {"ok": False, "error": "not_authed"}
            if token not in {settings.bot_token, settings.app_token}:
                return {"ok": False, "error": "invalid_auth"}
            if (token == settings.app_token) != (method in _APP_LEVEL):
                return {"ok": False, "error": "not_allowed_token_type"}
        try:
            answer = METHODS[method](Call(self._workspace, self._dialogs, given))
        except SlackError as error:
            return {"ok": False, "error": error.code, **error.beside}
        return {"ok": True, **json.loads(json.dumps(answer))}  # a copy: later changes must not reach into the record

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """A response_url: up to five answers within thirty minutes (Slack, handling user interaction)."""
        key = request.match_info["key"]
        place = self._workspace.response_urls.get(key)
        if place is None or place["left"] <= 0 or self._workspace.now() > place["until"]:
            return web.json_response({"ok": False, "error": "used_url" if place else "invalid_url"}, status=404)
        given, _ = await _arguments(request)
        place["left"] -= 1
        workspace, room = self._workspace, self._workspace.rooms[place["channel"]]
        if given.get("delete_original") or given.get("replace_original"):
            _replace(workspace, room.id, place, given)
        elif given.get("response_type") == "in_channel":
            workspace.post(room, "U0TOCSIN", {name: given.get(name) for name in ("text", "blocks", "thread_ts")})
        else:
            workspace.whisper(room, place["user"], {"thread_ts": place.get("thread_ts"), **given})
        self._workspace.traffic.note("app->slack", "response_url", sent=given, answer={}, outcome="ok")
        return web.json_response({"ok": True})


def _replace(workspace: Workspace, channel: str, place: dict[str, Any], given: dict[str, Any]) -> None:
    """Change or remove the message the interaction came from, ephemeral ones too."""
    ts = place.get("ts", "")
    for note in list(workspace.ephemerals):
        if note["ts"] == ts:
            workspace.ephemerals.remove(note)
            if not given.get("delete_original"):
                workspace.whisper(workspace.rooms[channel], place["user"], given)
            workspace.changed("messages")
            return
    if given.get("delete_original"):
        workspace.delete(workspace.rooms[channel], ts)
    else:
        words = {"text": given.get("text") or "", "blocks": given.get("blocks") or []}
        workspace.edit(workspace.rooms[channel], ts, words, by="U0TOCSIN")


def _struck(request: web.Request, fault: Fault) -> web.StreamResponse:
    """The answer a fault gives."""
    if fault.kind == "429":
        body = {"ok": False, "error": "ratelimited"}
        return web.json_response(body, status=429, headers={"Retry-After": str(fault.retry_after)})
    if fault.kind.startswith("cut"):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    return web.Response(status=503 if fault.kind == "outage" else 500, text="upstream connect error")


async def _arguments(request: web.Request) -> tuple[dict[str, Any], str]:
    """Query, form and JSON arguments together, and the token wherever it was given."""
    given: dict[str, Any] = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            try:
                body = await request.json()
            except ValueError:
                body = None
            given |= body if isinstance(body, dict) else {}
        else:
            form = await request.post()
            given |= {name: value for name, value in form.items() if isinstance(value, str)}
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else ""
    return given, token or str(given.pop("token", ""))
