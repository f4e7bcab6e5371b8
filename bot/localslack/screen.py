"""What a person sees: their rooms, the messages of one, their modals and Home tab; and the files that were shared."""

import base64
from typing import Any

from aiohttp import web

from bot.localslack.dialogs import Dialogs
from bot.localslack.people import BOT_USER, Room
from bot.localslack.workspace import SlackError, Workspace

PNG = b"\x89PNG\r\n"
_SHOWN = 300  # messages of a room; older ones are in history


class Screen:
    """Serves the reading side of `/people/...` and the files."""

    def __init__(self, workspace: Workspace, dialogs: Dialogs) -> None:
        self._workspace, self._dialogs = workspace, dialogs

    async def views(self, request: web.Request) -> web.StreamResponse:
        """The person's open modals, bottom first, with the errors shown in them; and their Home tab."""
        return web.json_response(self._views(request.match_info["user"]))

    def _views(self, user: str) -> dict[str, Any]:
        stack = self._dialogs.stacks.get(user, [])
        errors = {view["id"]: self._dialogs.errors.get(view["id"], {}) for view in stack}
        return {"views": stack, "errors": errors, "home": self._dialogs.homes.get(user)}

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """All messages of a room (or of `thread_ts` in it), oldest first, as this person sees them."""
        user = request.match_info["user"]
        try:
            room = self._workspace.room(request.query.get("channel", ""))
        except SlackError:
            return web.json_response({"ok": False, "error": "no such room"}, status=404)
        if user not in room.members:
            return web.json_response({"ok": False, "error": f"{user} is not a member of {room.name}"}, status=403)
        seen = self._seen(user, room)
        root = request.query.get("thread_ts")
        if root:
            seen = [one for one in seen if root in (one["ts"], one.get("thread_ts"))]
        return web.json_response({"ok": True, "channel": room.id, "messages": seen})

    def _seen(self, user: str, room: Room) -> list[dict[str, Any]]:
        kept = [
            self._workspace.shown(room.id, one, metadata=True)
            for one in list(self._workspace.memory.messages.get(room.id, {}).values())[-_SHOWN:]
        ]
        whispers = [one for one in self._workspace.ephemerals if one["channel"] == room.id and one["for"] == user]
        return sorted(kept + whispers, key=lambda one: one["ts"])

    async def screen(self, request: web.Request) -> web.StreamResponse:
        """Everything the page draws, in one reading; `channel` is the open room."""
        workspace, user = self._workspace, request.match_info["user"]
        people = {
            name: one.as_json(workspace.settings.team) | {"dnd": one.dnd, "away": one.away}
            for name, one in workspace.people.items()
        }
        person = workspace.people.get(user)
        if person is None or person.is_bot or person.deleted:
            return web.json_response({"ok": False, "people": people, "error": "choose a person"})
        rooms = [one for one in workspace.rooms.values() if user in one.members]
        open_id = request.query.get("channel", "")
        chosen = next((one for one in rooms if one.id == open_id), rooms[0] if rooms else None)
        return web.json_response({
            "ok": True, "me": user, "bot": BOT_USER, "people": people, "hint": workspace.hint,
            "team": workspace.settings.domain, "connected": workspace.delivery.reachable,
            "groups": {name: one.handle for name, one in workspace.settings.groups.items()}, "now": workspace.now(),
            "shortcuts": workspace.shortcuts, "commands": workspace.commands, "scopes": list(workspace.settings.scopes),
            "rooms": [one.as_json() | self._beside(one, user) for one in rooms],
            "channel": chosen.id if chosen else None, "messages": self._seen(user, chosen) if chosen else [],
            **self._views(user),
        })  # fmt: skip

    def _beside(self, room: Room, user: str) -> dict[str, Any]:
        """What the page shows of a room besides its name: news, bookmarks, pins, canvases, members."""
        memory = self._workspace.memory
        pinned = [one["ts"] for one in memory.messages.get(room.id, {}).values() if one.get("pinned_to")]
        canvases = [{"id": one["id"], "title": one["title"], "text": "\n\n".join(p["text"] for p in one["sections"])}
                    for _, one in memory.all("canvas") if one["channel"] == room.id]  # fmt: skip
        return {"latest": self._latest(room, user), "bookmarks": memory.get("bookmarks", room.id) or [],
                "pinned": pinned, "canvases": canvases, "members": list(room.members)}  # fmt: skip

    def _latest(self, room: Room, user: str) -> str:
        """The ts of the newest message by somebody else: what makes a room unread."""
        kept = self._workspace.memory.messages.get(room.id, {})
        return next((ts for ts in reversed(kept) if kept[ts]["user"] != user), "")

    async def permalink(self, request: web.Request) -> web.StreamResponse:
        """A message's permanent address: opens the page there."""
        channel, name = request.match_info["channel"], request.match_info["message"].removeprefix("p")
        if channel not in self._workspace.rooms or not name[:-6].isdigit() or not name.isdigit():
            raise web.HTTPNotFound
        raise web.HTTPFound(f"/#{channel}/{name[:-6]}.{name[-6:]}")

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """The middle of an upload: the bytes, raw or as a form."""
        name = request.match_info["file"]
        if self._workspace.memory.get("file", name) is None:
            raise web.HTTPNotFound
        if request.content_type == "multipart/form-data":
            form = await request.post()
            part = next((one for one in form.values() if isinstance(one, web.FileField)), None)
            raw = part.file.read() if part is not None else b""
        else:
            raw = await request.read()
        self._workspace.memory.keep("bytes", name, base64.b64encode(raw).decode())
        return web.Response(text=f"OK - {len(raw)}")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A shared file: a PNG as a picture, all else as a download."""
        name = request.match_info["file"]
        about, kept = self._workspace.memory.get("file", name), self._workspace.memory.get("bytes", name)
        if kept is None or not about["done"]:
            raise web.HTTPNotFound
        raw = base64.b64decode(kept)
        if raw.startswith(PNG):
            return web.Response(body=raw, content_type="image/png", headers={"X-Content-Type-Options": "nosniff"})
        safe = "".join(one if one.isalnum() or one in "._-" else "_" for one in about["name"])
        headers = {"Content-Disposition": f'attachment; filename="{safe}"', "X-Content-Type-Options": "nosniff"}
        return web.Response(body=raw, content_type="application/octet-stream", headers=headers)
