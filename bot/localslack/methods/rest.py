"""The smaller families: auth, users, reactions, pins, files, groups, sockets, and the offline block check."""

from typing import Any

from bot.blockkit.validate import validate_message, validate_view
from bot.localslack.methods.arguments import Call, Method, page
from bot.localslack.people import APP_ID, BOT_ID, BOT_USER, Member
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


def _person(call: Call, name: str) -> Member:
    found = call.workspace.people.get(name)
    if found is None:
        raise SlackError("user_not_found")
    return found


def users_info(call: Call) -> dict[str, Any]:
    """users.info."""
    return {"user": _person(call, call.need("user")).as_json(call.workspace.settings.team)}


def users_list(call: Call) -> dict[str, Any]:
    """users.list."""
    people = [one.as_json(call.workspace.settings.team) for one in call.workspace.people.values()]
    answer = page(call, people, "members", default=200, most=1000)
    del answer["has_more"]
    return answer


def users_by_email(call: Call) -> dict[str, Any]:
    """users.lookupByEmail."""
    email = call.need("email").lower()
    for one in call.workspace.people.values():
        if one.email.lower() == email and not one.deleted:
            return {"user": one.as_json(call.workspace.settings.team)}
    raise SlackError("users_not_found")


def reactions_add(call: Call) -> dict[str, Any]:
    """reactions.add."""
    room = call.workspace.room_of_bot(call.need("channel"))
    call.workspace.react(room, call.need("timestamp"), BOT_USER, call.need("name").strip(":"), add=True)
    return {}


def pins_add(call: Call) -> dict[str, Any]:
    """pins.add."""
    room = call.workspace.room_of_bot(call.need("channel"))
    message = call.workspace.message(room.id, call.need("timestamp"))
    if message.get("pinned_to"):
        raise SlackError("already_pinned")
    call.workspace.memory.put_message(room.id, {**message, "pinned_to": [room.id]})
    call.workspace.changed("messages")
    return {}


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


def group_users(call: Call) -> dict[str, Any]:
    """usergroups.users.list."""
    users = call.workspace.settings.groups.get(call.need("usergroup"))
    if users is None:
        raise SlackError("no_such_subteam")
    return {"users": list(users)}


def dnd_info(call: Call) -> dict[str, Any]:
    """dnd.info."""
    quiet = _person(call, call.need("user")).dnd
    now = int(call.workspace.now())
    start, end = (now - 3600, now + 8 * 3600) if quiet else (1, 1)
    return {"dnd_enabled": quiet, "next_dnd_start_ts": start, "next_dnd_end_ts": end, "snooze_enabled": False}


METHODS: dict[str, Method] = {
    "api.test": api_test, "auth.test": auth_test, "apps.connections.open": connections_open,
    "users.info": users_info, "users.list": users_list, "users.lookupByEmail": users_by_email,
    "reactions.add": reactions_add, "pins.add": pins_add, "files.getUploadURLExternal": upload_url,
    "files.completeUploadExternal": complete_upload, "blocks.validate": blocks_validate,
    "usergroups.users.list": group_users, "dnd.info": dnd_info,
}  # fmt: skip
