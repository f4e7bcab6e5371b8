"""The smaller families: auth, sockets, files, and the check of blocks."""

from typing import Any

from bot.blockkit.validate import validate_message, validate_view
from bot.localslack.methods.arguments import Call, Method
from bot.localslack.people import APP_ID, BOT_ID, BOT_USER
from bot.localslack.workspace import SlackError


def api_test(call: Call) -> dict[str, Any]:
    """api.test."""
    if call.text("error"):
        raise SlackError(call.text("error"))
    return {"args": {name: value for name, value in call.given.items() if name != "token"}}


def auth_test(call: Call) -> dict[str, Any]:
    """auth.test."""
    settings = call.workspace.settings
    return {"url": f"{call.workspace.url}/", "team": settings.domain, "user": settings.bot_name,
            "team_id": settings.team, "user_id": BOT_USER, "bot_id": BOT_ID, "app_id": APP_ID,
            "is_enterprise_install": False}  # fmt: skip


def connections_open(call: Call) -> dict[str, Any]:
    """apps.connections.open: where to open one socket, once."""
    base = call.workspace.url.replace("http://", "ws://", 1)
    return {"url": f"{base}/socket?ticket={call.workspace.delivery.ticket()}"}


def upload_url(call: Call) -> dict[str, Any]:
    """files.getUploadURLExternal: the first half of an upload."""
    name = call.workspace.new_id("F")
    length = call.number("length", 0, 50_000_000)
    call.workspace.memory.keep("file", name, {"id": name, "name": call.need("filename"), "size": length, "done": False})
    return {"upload_url": f"{call.workspace.url}/upload/{name}", "file_id": name}


def complete_upload(call: Call) -> dict[str, Any]:
    """files.completeUploadExternal: show uploaded files in a room."""
    asked = call.json("files")
    if not isinstance(asked, list) or not asked:
        raise SlackError("invalid_arguments")
    files = []
    for one in asked:
        name = str(one.get("id")) if isinstance(one, dict) else ""
        kept = call.workspace.memory.get("file", name)
        if kept is None or call.workspace.memory.get("bytes", name) is None:
            raise SlackError("file_not_found")
        kept |= {"title": one.get("title") or kept["name"], "done": True,
                 "url_private": f"{call.workspace.url}/files/{name}"}  # fmt: skip
        call.workspace.memory.keep("file", name, kept)
        files.append(kept)
    if call.text("channel_id"):
        room = call.workspace.room_of_bot(call.text("channel_id"))
        call.workspace.post(room, BOT_USER, {"text": call.text("initial_comment"), "files": files, "upload": True,
                                             "thread_ts": call.text("thread_ts")})  # fmt: skip
    return {"files": files}


def blocks_validate(call: Call) -> dict[str, Any]:
    """blocks.validate: exactly one of blocks, message or view."""
    given = [name for name in ("blocks", "message", "view") if call.given.get(name)]
    if len(given) != 1:
        raise SlackError("invalid_arguments")
    body = call.json(given[0])
    if given[0] == "view":
        faults = validate_view(body)
    elif given[0] == "message":
        inner = body if isinstance(body, dict) else {}
        faults = validate_message(inner.get("blocks"), inner.get("text"))
    else:
        faults = validate_message(body)
    if faults:
        raise SlackError(f"invalid_{given[0]}", errors=[one.as_json() for one in faults])
    return {}


METHODS: dict[str, Method] = {
    "api.test": api_test, "auth.test": auth_test, "apps.connections.open": connections_open,
    "files.getUploadURLExternal": upload_url, "files.completeUploadExternal": complete_upload,
    "blocks.validate": blocks_validate,
}  # fmt: skip
