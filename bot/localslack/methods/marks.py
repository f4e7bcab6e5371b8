"""pins.*, bookmarks.* and reactions.*: what is stuck onto messages and channels."""

from typing import Any
from urllib.parse import urlsplit

from bot.localslack.methods.arguments import Call, Method
from bot.localslack.people import BOT_USER, Room
from bot.localslack.workspace import SlackError

BOOKMARKS = 100
"""As many as a channel may have (Slack, bookmarks.add)."""
PINS = 100


def _place(call: Call) -> tuple[Room, dict[str, Any]]:
    room = call.workspace.room_of_bot(call.need("channel"))
    return room, call.workspace.message(room.id, call.need("timestamp"))


# -- reactions --


def reactions_add(call: Call) -> dict[str, Any]:
    """reactions.add."""
    room, message = _place(call)
    if room.archived:
        raise SlackError("is_archived")
    call.workspace.react(room, message["ts"], BOT_USER, call.need("name").strip(":"), add=True)
    return {}


def reactions_remove(call: Call) -> dict[str, Any]:
    """reactions.remove: the bot's own."""
    room, message = _place(call)
    call.workspace.react(room, message["ts"], BOT_USER, call.need("name").strip(":"), add=False)
    return {}


def reactions_get(call: Call) -> dict[str, Any]:
    """reactions.get of a message."""
    room, message = _place(call)
    return {"type": "message", "channel": room.id, "message": call.workspace.shown(room.id, message)}


# -- pins --


def pins_add(call: Call) -> dict[str, Any]:
    """pins.add."""
    room, message = _place(call)
    if room.archived:
        raise SlackError("is_archived")
    if message.get("pinned_to"):
        raise SlackError("already_pinned")
    kept = call.workspace.memory.messages.get(room.id, {}).values()
    if sum(bool(one.get("pinned_to")) for one in kept) >= PINS:
        raise SlackError("too_many_pins")
    pinned = {"by": BOT_USER, "at": int(call.workspace.now())}
    call.workspace.memory.put_message(room.id, {**message, "pinned_to": [room.id], "pinned_info": pinned})
    call.workspace.changed("messages")
    return {}


def pins_remove(call: Call) -> dict[str, Any]:
    """pins.remove."""
    room, message = _place(call)
    if not message.get("pinned_to"):
        raise SlackError("no_pin")
    kept = {name: value for name, value in message.items() if name not in {"pinned_to", "pinned_info"}}
    call.workspace.memory.put_message(room.id, kept)
    call.workspace.changed("messages")
    return {}


def pins_list(call: Call) -> dict[str, Any]:
    """pins.list."""
    room = call.workspace.room_of_bot(call.need("channel"))
    kept = call.workspace.memory.messages.get(room.id, {}).values()
    return {"items": [
        {"type": "message", "channel": room.id, "created": one["pinned_info"]["at"],
         "created_by": one["pinned_info"]["by"], "message": call.workspace.shown(room.id, one)}
        for one in kept if one.get("pinned_to")
    ]}  # fmt: skip


# -- bookmarks --


def of_room(call: Call, room: Room) -> list[dict[str, Any]]:
    """The bookmarks of a room, oldest first."""
    found: list[dict[str, Any]] = call.workspace.memory.get("bookmarks", room.id) or []
    return found


def _bookmarked(call: Call) -> tuple[Room, list[dict[str, Any]]]:
    try:
        room = call.workspace.room_of_bot(call.need("channel_id"))
    except SlackError as error:
        code = {"channel_not_found": "channel_not_found", "not_in_channel": "restricted_action"}.get(error.code)
        raise SlackError(code or error.code) from None
    return room, of_room(call, room)


def _keep(call: Call, room: Room, bookmarks: list[dict[str, Any]]) -> None:
    call.workspace.memory.keep("bookmarks", room.id, bookmarks)
    call.workspace.changed("rooms")


def _link(given: str) -> str:
    if urlsplit(given).scheme not in {"http", "https"}:
        raise SlackError("invalid_link")
    return given


def bookmarks_add(call: Call) -> dict[str, Any]:
    """bookmarks.add: a link above a channel."""
    room, held = _bookmarked(call)
    if call.need("type") != "link":
        raise SlackError("invalid_bookmark_type")
    if len(held) >= BOOKMARKS:
        raise SlackError("too_many_bookmarks")
    now = int(call.workspace.now())
    made = {"id": call.workspace.new_id("Bk"), "channel_id": room.id, "title": call.need("title"), "type": "link",
            "link": _link(call.text("link")), "emoji": call.text("emoji"), "date_created": now,
            "date_updated": now, "last_updated_by_user_id": BOT_USER, "rank": str(len(held)),
            "app_id": None}  # fmt: skip
    _keep(call, room, [*held, made])
    return {"bookmark": made}


def _one(call: Call, held: list[dict[str, Any]]) -> dict[str, Any]:
    found = next((one for one in held if one["id"] == call.need("bookmark_id")), None)
    if found is None:
        raise SlackError("not_found")
    return found


def bookmarks_edit(call: Call) -> dict[str, Any]:
    """bookmarks.edit."""
    room, held = _bookmarked(call)
    found = _one(call, held)
    found |= {name: call.text(name) for name in ("title", "emoji") if name in call.given}
    if "link" in call.given:
        found["link"] = _link(call.text("link"))
    found |= {"date_updated": int(call.workspace.now()), "last_updated_by_user_id": BOT_USER}
    _keep(call, room, held)
    return {"bookmark": found}


def bookmarks_remove(call: Call) -> dict[str, Any]:
    """bookmarks.remove."""
    room, held = _bookmarked(call)
    found = _one(call, held)
    _keep(call, room, [one for one in held if one is not found])
    return {}


def bookmarks_list(call: Call) -> dict[str, Any]:
    """bookmarks.list."""
    return {"bookmarks": _bookmarked(call)[1]}


METHODS: dict[str, Method] = {
    "reactions.add": reactions_add, "reactions.remove": reactions_remove, "reactions.get": reactions_get,
    "pins.add": pins_add, "pins.remove": pins_remove, "pins.list": pins_list,
    "bookmarks.add": bookmarks_add, "bookmarks.edit": bookmarks_edit, "bookmarks.remove": bookmarks_remove,
    "bookmarks.list": bookmarks_list,
}  # fmt: skip
