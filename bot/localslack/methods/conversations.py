"""conversations.*: rooms, their members and what was said in them, page by page."""

import re
from typing import Any

from bot.localslack.methods.arguments import Call, Method, page
from bot.localslack.people import BOT_USER, Room
from bot.localslack.workspace import SlackError

_NAME = 80  # characters of a channel's name


def _window(call: Call, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those between `oldest` and `latest`; the ends count only with `inclusive`."""
    try:
        low, high = float(call.text("oldest") or 0), float(call.text("latest") or "inf")
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    if call.flag("inclusive"):
        return [one for one in messages if low <= float(one["ts"]) <= high]
    return [one for one in messages if low < float(one["ts"]) < high]


def history(call: Call) -> dict[str, Any]:
    """conversations.history: newest first, replies only where they were broadcast."""
    room = call.workspace.room_of_bot(call.need("channel"))
    kept = call.workspace.memory.messages.get(room.id, {}).values()
    top = [m for m in kept if m.get("thread_ts") in (None, m["ts"]) or m.get("subtype") == "thread_broadcast"]
    chosen = sorted(_window(call, top), key=lambda one: one["ts"], reverse=True)
    with_metadata = call.flag("include_all_metadata")
    shown = [call.workspace.shown(room.id, one, metadata=with_metadata) for one in chosen]
    return page(call, shown, "messages", default=100, most=999) | {"pin_count": 0}


def replies(call: Call) -> dict[str, Any]:
    """conversations.replies: the parent, then its replies, oldest first."""
    room = call.workspace.room_of_bot(call.need("channel"))
    named = call.workspace.memory.messages.get(room.id, {}).get(call.need("ts"))
    if named is None:
        raise SlackError("thread_not_found")
    root = named.get("thread_ts") or named["ts"]
    parent = call.workspace.memory.messages[room.id].get(root)
    below = _window(call, call.workspace.replies(room.id, root))
    with_metadata = call.flag("include_all_metadata")
    both = ([parent] if parent else []) + below
    shown = [call.workspace.shown(room.id, one, metadata=with_metadata) for one in both]
    return page(call, shown, "messages", default=1000, most=1000)


def info(call: Call) -> dict[str, Any]:
    """conversations.info."""
    room = call.workspace.room(call.need("channel"))
    if room.private and not room.bot:
        raise SlackError("channel_not_found")
    return {"channel": room.as_json()}


def listed(call: Call) -> dict[str, Any]:
    """conversations.list by `types`; private rooms only where the bot is a member."""
    kinds = set((call.text("types") or "public_channel").replace(" ", "").split(","))

    def wanted(room: Room) -> bool:
        kind = "im" if room.dm_with else "private_channel" if room.private else "public_channel"
        hidden = (room.private and not room.bot) or (room.archived and call.flag("exclude_archived"))
        return kind in kinds and not hidden

    rooms = [room.as_json() for room in call.workspace.rooms.values() if wanted(room)]
    answer = page(call, rooms, "channels", default=100, most=1000)
    del answer["has_more"]
    return answer


def opened(call: Call) -> dict[str, Any]:
    """conversations.open: the direct conversation with one person."""
    if call.text("channel"):
        return {"channel": call.workspace.room(call.text("channel")).as_json()}
    users = [one for one in call.need("users").split(",") if one]
    if len(users) != 1:
        raise SlackError("method_not_supported_for_channel_type")
    if users[0] == BOT_USER:
        raise SlackError("cannot_dm_bot")
    return {"channel": call.workspace.open_dm(users[0]).as_json()}


def members(call: Call) -> dict[str, Any]:
    """conversations.members."""
    room = call.workspace.room(call.need("channel"))
    if room.private and not room.bot:
        raise SlackError("channel_not_found")
    people = [{"id": one} for one in (*room.members, *((BOT_USER,) if room.bot else ()))]
    answer = page(call, people, "members", default=100, most=1000)
    return {"members": [one["id"] for one in answer["members"]], "response_metadata": answer["response_metadata"]}


def create(call: Call) -> dict[str, Any]:
    """conversations.create: a war room."""
    name = call.need("name")
    if len(name) > _NAME:
        raise SlackError("invalid_name_maxlength")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise SlackError("invalid_name_specials")
    if any(room.name == name for room in call.workspace.rooms.values()):
        raise SlackError("name_taken")
    room = Room(call.workspace.new_id("C"), name, private=call.flag("is_private"), creator=BOT_USER,
                created=int(call.workspace.now()))  # fmt: skip
    call.workspace.keep_room(room)
    return {"channel": room.as_json()}


def invite(call: Call) -> dict[str, Any]:
    """conversations.invite."""
    room = call.workspace.room_of_bot(call.need("channel"))
    users = [one for one in call.need("users").split(",") if one]
    if any(one not in call.workspace.people for one in users):
        raise SlackError("user_not_found")
    fresh = [one for one in users if one not in room.members]
    if not fresh:
        raise SlackError("already_in_channel")
    room.members = (*room.members, *fresh)
    call.workspace.keep_room(room)
    for one in fresh:
        call.workspace.event({"type": "member_joined_channel", "user": one, "channel": room.id,
                              "channel_type": "G" if room.private else "C", "team": call.workspace.settings.team,
                              "inviter": BOT_USER, "event_ts": f"{call.workspace.now():.6f}"}, room)  # fmt: skip
    return {"channel": room.as_json()}


def set_topic(call: Call) -> dict[str, Any]:
    """conversations.setTopic."""
    room = call.workspace.room_of_bot(call.need("channel"))
    room.topic = call.text("topic")[:250]
    call.workspace.keep_room(room)
    return {"channel": room.as_json()}


def archive(call: Call) -> dict[str, Any]:
    """conversations.archive."""
    room = call.workspace.room_of_bot(call.need("channel"))
    if room.archived:
        raise SlackError("already_archived")
    room.archived = True
    call.workspace.keep_room(room)
    call.workspace.event({"type": "channel_archive", "channel": room.id, "user": BOT_USER,
                          "event_ts": f"{call.workspace.now():.6f}"}, room)  # fmt: skip
    return {}


METHODS: dict[str, Method] = {
    "conversations.history": history, "conversations.replies": replies, "conversations.info": info,
    "conversations.list": listed, "conversations.open": opened, "conversations.members": members,
    "conversations.create": create, "conversations.invite": invite, "conversations.setTopic": set_topic,
    "conversations.archive": archive,
}  # fmt: skip
