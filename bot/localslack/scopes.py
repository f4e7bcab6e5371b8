"""Which scope each method, event and entry point asks of an app, so that a manifest that is too small is noticed.

Source: Slack's public reference of methods, events and scopes (docs.slack.dev/reference).
"""

from collections.abc import Collection, Iterable
from typing import Final

NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "bookmarks.add": ("bookmarks:write",), "bookmarks.edit": ("bookmarks:write",),
    "bookmarks.remove": ("bookmarks:write",), "bookmarks.list": ("bookmarks:read",),
    "canvases.create": ("canvases:write",), "canvases.edit": ("canvases:write",),
    "canvases.delete": ("canvases:write",), "canvases.sections.lookup": ("canvases:read",),
    "conversations.canvases.create": ("canvases:write",),
    "chat.postMessage": ("chat:write",), "chat.update": ("chat:write",), "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",), "chat.scheduleMessage": ("chat:write",),
    "chat.deleteScheduledMessage": ("chat:write",),
    "conversations.join": ("channels:join",), "conversations.open": ("im:write",),
    "dnd.info": ("dnd:read",), "dnd.teamInfo": ("dnd:read",),
    "files.getUploadURLExternal": ("files:write",), "files.completeUploadExternal": ("files:write",),
    "pins.add": ("pins:write",), "pins.remove": ("pins:write",), "pins.list": ("pins:read",),
    "reactions.add": ("reactions:write",), "reactions.remove": ("reactions:write",),
    "reactions.get": ("reactions:read",),
    "usergroups.list": ("usergroups:read",), "usergroups.users.list": ("usergroups:read",),
    "users.info": ("users:read",), "users.list": ("users:read",), "users.getPresence": ("users:read",),
    "users.lookupByEmail": ("users:read.email",),
}  # fmt: skip
"""Methods that always ask for the same; any one of several is enough."""

_BY_KIND: Final[dict[str, tuple[str, ...]]] = {
    "conversations.history": ("{kind}:history",), "conversations.replies": ("{kind}:history",),
    "conversations.info": ("{kind}:read",), "conversations.members": ("{kind}:read",),
    **dict.fromkeys(("conversations.archive", "conversations.unarchive", "conversations.create", "conversations.rename",
                     "conversations.kick", "conversations.leave"), ("{kind}:manage", "{kind}:write")),
    "conversations.invite": ("{kind}:manage", "{kind}:write", "{kind}:write.invites"),
    "conversations.setTopic": ("{kind}:manage", "{kind}:write", "{kind}:write.topic"),
    "conversations.setPurpose": ("{kind}:manage", "{kind}:write", "{kind}:write.topic"),
}  # fmt: skip
_FAMILY: Final = {"channel": "channels", "group": "groups", "im": "im"}
_TYPES: Final = {"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read",
                 "mpim": "mpim:read"}  # fmt: skip

EVENTS: Final[dict[str, tuple[str, ...]]] = {
    "message.channels": ("channels:history",), "message.groups": ("groups:history",), "message.im": ("im:history",),
    "app_mention": ("app_mentions:read",), "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",), "member_joined_channel": ("channels:read", "groups:read"),
    "channel_archive": ("channels:read",), "group_archive": ("groups:read",),
    "channel_rename": ("channels:read",), "pin_added": ("pins:read",),
    "pin_removed": ("pins:read",),
}  # fmt: skip
COMMANDS: Final = "commands"
"""Slash commands and shortcuts."""

EVERYTHING: Final = tuple(sorted(
    {one for needed in (*NEEDS.values(), *EVENTS.values()) for one in needed}
    | {COMMANDS, "channels:read", "groups:read", "im:read", "channels:history", "groups:history", "im:history",
       "channels:manage", "groups:write", "channels:join"}
))  # fmt: skip
"""What the app of a fresh practice workspace may do: all but posting where it was not invited."""


def needed(method: str, kind: str = "channel", types: Iterable[str] = ()) -> list[tuple[str, ...]]:
    """What a call asks for: of each entry one scope must be there. `kind` is the conversation's."""
    if method == "conversations.list":
        return [(_TYPES[one],) for one in types if one in _TYPES]
    if method in _BY_KIND:
        choices = tuple(one.format(kind=_FAMILY[kind]) for one in _BY_KIND[method])
        return [tuple(one for one in choices if kind == "channel" or not one.endswith(":manage"))]
    return [NEEDS[method]] if method in NEEDS else []


def lacking(scopes: Collection[str], wanted: Iterable[tuple[str, ...]]) -> list[str]:
    """The first choice of every entry of which no scope is there."""
    return [one[0] for one in wanted if not any(each in scopes for each in one)]
