"""conversations.*: rooms, their members and what was said in them, page by page."""

import re
from typing import Any

from bot.localslack.methods.arguments import Call, Method, page
from bot.localslack.people import BOT_USER, Room
from bot.localslack.workspace import SlackError

_NAME = 80  # characters of a channel's name
_TOPIC = 250  # characters of a topic or purpose


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
        raise SlackError("method_not_supported_for_channel_type")  # conversations of several are not made here
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


def _named(call: Call) -> str:
    """A name no other channel has, spelt as Slack allows."""
    name = call.need("name")
    if len(name) > _NAME:
        raise SlackError("invalid_name_maxlength")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise SlackError("invalid_name_specials")
    if any(room.name == name for room in call.workspace.rooms.values()):
        raise SlackError("name_taken")
    return name


def _changeable(call: Call) -> Room:
    room = call.workspace.room_of_bot(call.need("channel"))
    if room.dm_with:
        raise SlackError("method_not_supported_for_channel_type")
    if room.archived:
        raise SlackError("is_archived")
    return room


def create(call: Call) -> dict[str, Any]:
    """conversations.create: a war room."""
    room = Room(call.workspace.new_id("C"), _named(call), private=call.flag("is_private"), creator=BOT_USER,
                created=int(call.workspace.now()))  # fmt: skip
    call.workspace.keep_room(room)
    return {"channel": room.as_json()}


def rename(call: Call) -> dict[str, Any]:
    """conversations.rename."""
    room = _changeable(call)
    old, room.name = room.name, _named(call)
    call.workspace.keep_room(room)
    call.workspace.tell(room, "channel_name", BOT_USER, f"renamed the channel from {old} to {room.name}",
                        old_name=old, name=room.name)  # fmt: skip
    call.workspace.event({"type": "channel_rename", "channel": {"id": room.id, "name": room.name},
                          "event_ts": f"{call.workspace.now():.6f}"}, room)  # fmt: skip
    return {"channel": room.as_json()}


def _invitable(call: Call, room: Room, user: str) -> str:
    """Why somebody cannot be invited, "" where they can."""
    one = call.workspace.people.get(user)
    if one is None:
        return "user_not_found"
    if user == BOT_USER:
        return "cant_invite_self"
    if one.deleted:
        return "cant_invite"
    if one.team and one.team not in room.shared_with:
        return "user_team_not_in_channel"
    elsewhere = [r for r in call.workspace.rooms.values() if user in r.members and not r.dm_with and r.id != room.id]
    return "ura_max_channels" if one.is_ultra_restricted and elsewhere else ""


def invite(call: Call) -> dict[str, Any]:
    """conversations.invite: all of them or, without `force`, none."""
    room = _changeable(call)
    users = [one for one in call.need("users").split(",") if one]
    wrong = {one: code for one in users if (code := _invitable(call, room, one))}
    fresh = [one for one in users if one not in room.members and one not in wrong]
    if wrong and not (call.flag("force") and fresh):
        errors = [{"user": one, "ok": False, "error": code} for one, code in wrong.items()]
        raise SlackError(next(iter(wrong.values())), errors=errors)
    if not fresh:
        raise SlackError("already_in_channel")
    room.members = (*room.members, *fresh)
    call.workspace.keep_room(room)
    for one in fresh:
        call.workspace.tell(room, "channel_join", one, f"<@{one}> has joined the channel", inviter=BOT_USER)
        call.workspace.event({"type": "member_joined_channel", "user": one, "channel": room.id,
                              "channel_type": "G" if room.private else "C", "team": call.workspace.team_of(one),
                              "inviter": BOT_USER, "event_ts": f"{call.workspace.now():.6f}"}, room)  # fmt: skip
    return {"channel": room.as_json()}


def kick(call: Call) -> dict[str, Any]:
    """conversations.kick."""
    room, user = _changeable(call), call.need("user")
    if user == BOT_USER:
        raise SlackError("cant_kick_self")
    if user not in room.members:
        raise SlackError("not_in_channel")
    room.members = tuple(one for one in room.members if one != user)
    call.workspace.keep_room(room)
    call.workspace.tell(room, "channel_leave", user, f"<@{user}> has left the channel")
    return {}


def join(call: Call) -> dict[str, Any]:
    """conversations.join: a public channel."""
    room = call.workspace.room(call.need("channel"))
    if room.private:
        raise SlackError("channel_not_found")
    if room.archived:
        raise SlackError("is_archived")
    if room.bot:
        return {"channel": room.as_json(), "warning": "already_in_channel"}
    room.bot = True
    call.workspace.keep_room(room)
    return {"channel": room.as_json()}


def leave(call: Call) -> dict[str, Any]:
    """conversations.leave."""
    room = call.workspace.room(call.need("channel"))
    if not room.bot:
        return {"not_in_channel": True}
    room.bot = False
    call.workspace.keep_room(room)
    return {}


def set_topic(call: Call) -> dict[str, Any]:
    """conversations.setTopic."""
    room, words = _changeable(call), call.text("topic")
    if len(words) > _TOPIC:
        raise SlackError("too_long")
    if words != room.topic:
        room.topic = words
        call.workspace.keep_room(room)
        said = f"set the channel topic: {words}" if words else "cleared the channel topic"
        call.workspace.tell(room, "channel_topic", BOT_USER, said, topic=words)
    return {"channel": room.as_json()}


def set_purpose(call: Call) -> dict[str, Any]:
    """conversations.setPurpose."""
    room, words = _changeable(call), call.text("purpose")
    if len(words) > _TOPIC:
        raise SlackError("too_long")
    room.purpose = words
    call.workspace.keep_room(room)
    return {"channel": room.as_json(), "purpose": words}


def archive(call: Call) -> dict[str, Any]:
    """conversations.archive."""
    room = call.workspace.room_of_bot(call.need("channel"))
    if room.dm_with:
        raise SlackError("method_not_supported_for_channel_type")
    if room.archived:
        raise SlackError("already_archived")
    if room.name == "general":
        raise SlackError("cant_archive_general")
    room.archived = True
    call.workspace.keep_room(room)
    kind = "group_archive" if room.private else "channel_archive"
    call.workspace.event({"type": kind, "channel": room.id, "user": BOT_USER,
                          "event_ts": f"{call.workspace.now():.6f}"}, room)  # fmt: skip
    return {}


def unarchive(call: Call) -> dict[str, Any]:
    """conversations.unarchive."""
    room = call.workspace.room_of_bot(call.need("channel"))
    if not room.archived:
        raise SlackError("not_archived")
    room.archived = False
    call.workspace.keep_room(room)
    return {}


METHODS: dict[str, Method] = {
    "conversations.history": history, "conversations.replies": replies, "conversations.info": info,
    "conversations.list": listed, "conversations.open": opened, "conversations.members": members,
    "conversations.create": create, "conversations.rename": rename, "conversations.invite": invite,
    "conversations.kick": kick, "conversations.join": join, "conversations.leave": leave,
    "conversations.setTopic": set_topic, "conversations.setPurpose": set_purpose, "conversations.archive": archive,
    "conversations.unarchive": unarchive,
}  # fmt: skip
