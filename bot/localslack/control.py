"""The director's desk: provoke faults, read the traffic, see the state, set the hint, make sockets go."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot.localslack.dialogs import Dialogs
from bot.localslack.people import Group
from bot.localslack.traffic import KINDS, Fault
from bot.localslack.workspace import Workspace


class Control:
    """Serves `/control/...`."""

    def __init__(self, workspace: Workspace, dialogs: Dialogs, forward: Callable[[float], float]) -> None:
        self._workspace, self._dialogs, self._forward = workspace, dialogs, forward

    async def fault(self, request: web.Request) -> web.StreamResponse:
        """Ask for a fault: {method or *, kind, times, retry_after}. An outage also drops the sockets."""
        body = await _body(request)
        try:
            fault = Fault(str(body.get("method") or "*"), str(body.get("kind")), int(body.get("times") or 1),
                          int(body.get("retry_after") or 1))  # fmt: skip
            self._workspace.faults.add(fault)
        except (TypeError, ValueError) as error:
            return web.json_response({"ok": False, "error": str(error), "kinds": list(KINDS)}, status=422)
        if fault.kind == "outage":
            await self._workspace.delivery.disconnect("link_disabled")
        return web.json_response({"ok": True})

    async def clear(self, _request: web.Request) -> web.StreamResponse:
        """Take back every fault that has not struck."""
        self._workspace.faults.waiting.clear()
        return web.json_response({"ok": True})

    async def traffic(self, request: web.Request) -> web.StreamResponse:
        """What went between app and workspace, after entry `after`."""
        after = request.query.get("after", "0")
        since = int(after) if after.isdigit() else 0
        return web.json_response({"entries": [one for one in self._workspace.traffic.entries if one["n"] > since]})

    async def state(self, _request: web.Request) -> web.StreamResponse:
        """Everything: rooms, messages, open views, homes, waiting faults, sockets."""
        workspace = self._workspace
        return web.json_response({
            "now": workspace.now(), "team": workspace.settings.team, "scopes": list(workspace.settings.scopes),
            "groups": {name: one.as_json(workspace.settings.team) | {"users": list(one.users)}
                       for name, one in workspace.settings.groups.items()},
            "bookmarks": dict(workspace.memory.all("bookmarks")), "canvases": dict(workspace.memory.all("canvas")),
            "scheduled": dict(workspace.memory.all("scheduled")), "hint": workspace.hint,
            "sockets": workspace.delivery.sockets,
            "people": {name: one.as_json(workspace.settings.team) for name, one in workspace.people.items()},
            "rooms": {name: one.kept() for name, one in workspace.rooms.items()},
            "messages": {name: list(kept.values()) for name, kept in workspace.memory.messages.items()},
            "ephemerals": workspace.ephemerals, "views": self._dialogs.stacks, "homes": self._dialogs.homes,
            "faults": [{"method": f.method, "kind": f.kind, "times": f.times} for f in workspace.faults.waiting],
        })  # fmt: skip

    async def hint(self, request: web.Request) -> web.StreamResponse:
        """What the page suggests to try next; empty hides the bar."""
        text = str((await _body(request)).get("text") or "")[:500]
        self._workspace.set_hint(text)
        return web.json_response({"ok": True})

    async def shortcuts(self, request: web.Request) -> web.StreamResponse:
        """What the page's menus offer: {shortcuts: [{callback_id, label, type}]}, as in the app's manifest."""
        given = (await _body(request)).get("shortcuts")
        try:
            kept = [{name: str(one[name]) for name in ("callback_id", "label", "type")} for one in given or []]
        except (TypeError, KeyError):
            error = "each shortcut needs callback_id, label and type (message or global)"
            return web.json_response({"ok": False, "error": error}, status=422)
        self._workspace.set_shortcuts(kept)
        return web.json_response({"ok": True})

    async def sockets(self, request: web.Request) -> web.StreamResponse:
        """Send every socket a disconnect with this `reason` and close it."""
        reason = str((await _body(request)).get("reason") or "refresh_requested")
        return web.json_response({"ok": True, "closed": await self._workspace.delivery.disconnect(reason)})

    async def clock(self, request: web.Request) -> web.StreamResponse:
        """Move the workspace's own clock ahead: {forward: seconds}; answers the time it is then."""
        try:
            ahead = self._forward(float((await _body(request)).get("forward") or 0))
        except (TypeError, ValueError) as error:
            return web.json_response({"ok": False, "error": str(error)}, status=422)
        return web.json_response({"ok": True, "now": self._workspace.now(), "ahead": ahead})

    async def manifest(self, request: web.Request) -> web.StreamResponse:
        """Install the app by its manifest: its scopes, events, menus and commands are those from now on."""
        try:
            self._workspace.install(await _body(request))
        except ValueError as error:
            return web.json_response({"ok": False, "error": str(error)}, status=422)
        return web.json_response({"ok": True})

    async def groups(self, request: web.Request) -> web.StreamResponse:
        """Replace the user groups: {groups: [{id, handle, users, name}]}."""
        given = (await _body(request)).get("groups")
        try:
            made = [Group(str(one["id"]), str(one["handle"]), tuple(map(str, one.get("users") or ())),
                          str(one.get("name") or "")) for one in given or []]  # fmt: skip
        except (TypeError, KeyError, AttributeError):
            return web.json_response({"ok": False, "error": "each group needs id and handle"}, status=422)
        workspace = self._workspace
        workspace.settings = replace(workspace.settings, groups={one.id: one for one in made})
        workspace.changed("rooms")
        return web.json_response({"ok": True})


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError:
        body = {}
    return body if isinstance(body, dict) else {}
