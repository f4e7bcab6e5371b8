"""The practice workspace itself: rooms, messages, reactions and who may see what; methods and people act upon it."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.localslack import installed, scopes
from bot.localslack.delivery import Delivery
from bot.localslack.limits import Strictness
from bot.localslack.memory import Memory
from bot.localslack.people import APP_ID, BOT_ID, BOT_USER, Group, Member, Room
from bot.localslack.traffic import Faults, Traffic

EVENTS = frozenset({
    "message.channels", "message.groups", "app_mention", "reaction_added", "reaction_removed", "app_home_opened",
    "member_joined_channel", "channel_archive", "group_archive", "channel_rename",
})  # fmt: skip


class SlackError(Exception):
    """What the Web API answers instead of `ok`: the code, and anything beside it."""

    def __init__(self, code: str, **beside: Any) -> None:
        super().__init__(code)
        self.code, self.beside = code, beside


@dataclass(frozen=True, slots=True)
class Settings:
    """Names and keys of the workspace; all made up, none opens anything elsewhere."""

    team: str = "T0TOCSIN"
    domain: str = "tocsin-demo"
    bot_token: str = "xoxb-local"  # noqa: S105 - opens this practice server alone
    app_token: str = "xapp-local"  # noqa: S105
    bot_name: str = "tocsin"
    scopes: tuple[str, ...] = scopes.EVERYTHING
    events: frozenset[str] = EVENTS
    groups: Mapping[str, Group] = field(default_factory=dict)  # by id


class Workspace:
    """State and rules. Watchers are told the kind of each change; the page reads the rest for itself."""

    def __init__(self, *, people: Iterable[Member], rooms: Iterable[Room], folder: Path | None, settings: Settings,
                 delivery: Delivery, traffic: Traffic, now: Callable[[], float]) -> None:  # fmt: skip
        self.settings, self.delivery, self.traffic, self.now = settings, delivery, traffic, now
        self.faults, self.strict = Faults(), Strictness(now)
        self.memory = Memory(folder, now)
        bot = Member(BOT_USER, settings.bot_name, "Tocsin", is_bot=True)
        self.people = {one.id: one for one in (*people, bot)}
        for name, kept in self.memory.all("person"):
            if name in self.people:
                self.people[name] = replace(self.people[name], **kept)
        self.rooms = {one.id: one for one in rooms}
        self.rooms |= {name: Room(**body) for name, body in self.memory.all("room")}  # made, joined or archived since
        self.ephemerals: list[dict[str, Any]] = []  # lost on reload, as Slack's are
        self.response_urls: dict[str, dict[str, Any]] = {}
        self.hint = str(self.memory.get("hint", "now") or "")
        self.shortcuts: list[dict[str, str]] = self.memory.get("menu", "shortcuts") or []
        self.without_blocks: frozenset[str] = frozenset()  # kinds of blocks this workspace does not have yet
        self.commands: list[dict[str, str]] = []
        self.url = ""
        self.watchers: list[Callable[[str], None]] = []
        if (kept := self.memory.get("app", "manifest")) is not None:
            self.install(kept)

    def changed(self, what: str) -> None:
        """Tell the open pages."""
        for watcher in list(self.watchers):
            watcher(what)

    @staticmethod
    def new_id(prefix: str) -> str:
        """An id nobody used before, also across restarts."""
        return prefix + secrets.token_hex(5).upper()

    # -- rooms --

    def room(self, name: str) -> Room:
        """By id, by name with or without `#`, or by a person's id (their direct conversation)."""
        if name in self.rooms:
            return self.rooms[name]
        if name in self.people and name != BOT_USER:
            return self.open_dm(name)
        for one in self.rooms.values():
            if not one.dm_with and one.name == name.removeprefix("#"):
                return one
        raise SlackError("channel_not_found")

    def room_of_bot(self, name: str) -> Room:
        """A room the bot is in; a private one it is not in does not exist for it."""
        room = self.room(name)
        if not room.bot:
            raise SlackError("channel_not_found" if room.private else "not_in_channel")
        return room

    def open_dm(self, user: str) -> Room:
        """The conversation between the bot and a person."""
        person = self.people.get(user)
        if person is None:
            raise SlackError("user_not_found")
        if person.deleted:
            raise SlackError("user_disabled")
        name = "D" + user.removeprefix("U")
        if name not in self.rooms:
            self.keep_room(Room(name, f"dm-{person.name}", private=True, members=(user,), dm_with=user))
        return self.rooms[name]

    def keep_room(self, room: Room) -> None:
        """Store a room that is new or different."""
        self.rooms[room.id] = room
        self.memory.keep("room", room.id, room.kept())
        self.changed("rooms")

    def set_person(self, user: str, **changes: bool) -> None:
        """Somebody turns do not disturb on or off, or walks away and comes back."""
        one = self.people[user] = replace(self.people[user], **changes)  # type: ignore[arg-type]
        self.memory.keep("person", user, {"dnd": one.dnd, "away": one.away})
        self.changed("rooms")

    def tell(self, room: Room, subtype: str, user: str, text: str, **more: Any) -> None:
        """A line of Slack's own in a room, such as that the topic was changed; apps are told as of any message."""
        message = {"type": "message", "subtype": subtype, "user": user, "ts": self.memory.stamp(), "text": text, **more}
        self.memory.put_message(room.id, message)
        self.event(self.message_event(room, message), room)
        self.changed("messages")

    # -- messages --

    def message(self, channel: str, ts: str) -> dict[str, Any]:
        """A message that stands in a room."""
        found = self.memory.messages.get(channel, {}).get(ts)
        if found is None:
            raise SlackError("message_not_found")
        return found

    def post(self, room: Room, user: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """Store a message and tell app and pages. `content`: text, blocks, thread_ts, metadata, files, ..."""
        root = content.get("thread_ts")
        if root:
            parent = self.memory.messages.get(room.id, {}).get(str(root))
            if parent is None:
                raise SlackError("thread_not_found")
            content = {**content, "thread_ts": parent.get("thread_ts") or parent["ts"]}
        message: dict[str, Any] = {"type": "message", "user": user, "ts": self.memory.stamp(),
                                   "team": self.team_of(user)}  # fmt: skip
        if user == BOT_USER:
            message |= {"bot_id": BOT_ID, "app_id": APP_ID}
        message |= {name: value for name, value in content.items() if value not in (None, "", [])}
        message.setdefault("text", "")
        self.fill_block_ids(message.get("blocks"))
        self.memory.put_message(room.id, message)
        self.event(self.message_event(room, message), room)
        if f"<@{BOT_USER}>" in message["text"] and user != BOT_USER:
            self.event({**self.message_event(room, message), "type": "app_mention"}, room)
        self.changed("messages")
        return message

    def message_event(self, room: Room, message: Mapping[str, Any]) -> dict[str, Any]:
        """The inner event of a message, as `message.channels` carries it."""
        inner = {**message, "channel": room.id, "channel_type": room.kind, "event_ts": message["ts"]}
        team = self.team_of(str(message.get("user")))
        return inner | ({"user_team": team, "source_team": team} if room.shared_with else {})

    def team_of(self, user: str) -> str:
        """The workspace somebody belongs to."""
        one = self.people.get(user)
        return (one.team if one else "") or self.settings.team

    def edit(self, room: Room, ts: str, content: Mapping[str, Any], *, by: str) -> dict[str, Any]:
        """Replace text and blocks of a message."""
        before = self.message(room.id, ts)
        after = {**before, **{name: value for name, value in content.items() if value is not None}}
        after["edited"] = {"user": by, "ts": f"{self.now():.6f}"}
        self.fill_block_ids(after.get("blocks"))
        self.memory.put_message(room.id, after)
        self.event({"type": "message", "subtype": "message_changed", "hidden": True, "message": after,
                    "previous_message": before, "channel": room.id, "channel_type": room.kind,
                    "ts": self.memory.stamp(), "event_ts": after["edited"]["ts"]}, room)  # fmt: skip
        self.changed("messages")
        return after

    def delete(self, room: Room, ts: str) -> None:
        """Take a message away; where a thread hangs on it a tombstone stays."""
        before = self.message(room.id, ts)
        if self.replies(room.id, ts):
            kept = {name: before[name] for name in ("type", "user", "ts", "team")}
            gone = {
                **kept,
                "subtype": "tombstone",
                "hidden": True,
                "text": "This message was deleted.",
                "thread_ts": ts,
            }
            self.memory.put_message(room.id, gone)
        else:
            self.memory.drop_message(room.id, ts)
        self.event({"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": ts,
                    "previous_message": before, "channel": room.id, "channel_type": room.kind,
                    "ts": self.memory.stamp(), "event_ts": f"{self.now():.6f}"}, room)  # fmt: skip
        self.changed("messages")

    def whisper(self, room: Room, user: str, content: Mapping[str, Any]) -> str:
        """A message only one person sees, until they reload."""
        ts = self.memory.stamp()
        blocks = content.get("blocks")
        self.fill_block_ids(blocks)
        note = {"type": "message", "ts": ts, "user": BOT_USER, "bot_id": BOT_ID, "channel": room.id, "for": user,
                "text": content.get("text") or "", "is_ephemeral": True}  # fmt: skip
        note |= {name: content[name] for name in ("blocks", "thread_ts") if content.get(name)}
        self.ephemerals = [*self.ephemerals[-199:], note]
        self.changed("messages")
        return ts

    def replies(self, channel: str, root: str) -> list[dict[str, Any]]:
        """The messages below a thread's parent, oldest first."""
        kept = self.memory.messages.get(channel, {})
        return [one for one in kept.values() if one.get("thread_ts") == root and one["ts"] != root]

    def shown(self, channel: str, message: Mapping[str, Any], *, metadata: bool = False) -> dict[str, Any]:
        """A message as history answers it: thread figures added, metadata only when asked for."""
        out = {name: value for name, value in message.items() if metadata or name != "metadata"}
        below = self.replies(channel, message["ts"])
        if below:
            out |= {"thread_ts": message["ts"], "reply_count": len(below), "latest_reply": below[-1]["ts"],
                    "reply_users": sorted({one["user"] for one in below}),
                    "reply_users_count": len({one["user"] for one in below})}  # fmt: skip
        return out

    def react(self, room: Room, ts: str, user: str, name: str, *, add: bool) -> None:
        """Put a reaction on a message or take it off."""
        message = {**self.message(room.id, ts)}
        counts = {one["name"]: list(one["users"]) for one in message.get("reactions", [])}
        users = counts.setdefault(name, [])
        if add and user in users:
            raise SlackError("already_reacted")
        if not add and user not in users:
            raise SlackError("no_reaction")
        users.append(user) if add else users.remove(user)
        message["reactions"] = [{"name": n, "users": u, "count": len(u)} for n, u in counts.items() if u]
        self.memory.put_message(room.id, message)
        self.event({"type": "reaction_added" if add else "reaction_removed", "user": user, "reaction": name,
                    "item_user": message["user"], "item": {"type": "message", "channel": room.id, "ts": ts},
                    "event_ts": f"{self.now():.6f}"}, room)  # fmt: skip
        self.changed("messages")

    def fill_block_ids(self, blocks: Any) -> None:
        """Give each block without an id one, as Slack does."""
        for block in blocks if isinstance(blocks, list) else []:
            block.setdefault("block_id", secrets.token_urlsafe(4))
            self.fill_block_ids(block.get("child_blocks"))

    # -- events --

    def event(self, inner: dict[str, Any], room: Room | None = None) -> None:
        """Send an event to the app, if it subscribed to its kind and is in the room."""
        kind = str(inner["type"])
        if kind == "message":
            kind = {"im": "message.im", "group": "message.groups"}.get(
                str(inner.get("channel_type")), "message.channels"
            )
        unheard = scopes.lacking(self.settings.scopes, [scopes.EVENTS[kind]] if kind in scopes.EVENTS else [])
        if kind not in self.settings.events or unheard or (room is not None and not room.bot):
            return
        team = self.settings.team
        self.delivery.emit({
            "token": "local", "team_id": team, "api_app_id": APP_ID, "event": inner, "type": "event_callback",
            "event_id": self.new_id("Ev"), "event_time": int(self.now()),
            "is_ext_shared_channel": bool(room and room.shared_with),
            "authorizations": [{"enterprise_id": None, "team_id": team, "user_id": BOT_USER, "is_bot": True,
                                "is_enterprise_install": False}],
        })  # fmt: skip

    def install(self, manifest: Mapping[str, Any]) -> None:
        """Let the app be what its manifest says, from now on and after a restart. Raises ValueError for no manifest."""
        app = installed.read(manifest)
        self.settings = replace(self.settings, scopes=app.scopes, events=app.events)
        self.commands = app.commands
        self.memory.keep("app", "manifest", manifest)
        self.set_shortcuts(app.shortcuts)

    def set_shortcuts(self, shortcuts: list[dict[str, str]]) -> None:
        """What the page offers in menus: each with callback_id, label and type (message or global)."""
        self.shortcuts = shortcuts
        self.memory.keep("menu", "shortcuts", shortcuts)
        self.changed("hint")

    def set_hint(self, text: str) -> None:
        """What the page suggests to try next."""
        self.hint = text
        self.memory.keep("hint", "now", text)
        self.changed("hint")
