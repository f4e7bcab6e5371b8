"""chat.*: posting, changing and taking back messages, with Slack's refusals."""

import json
from collections.abc import Iterator
from typing import Any

from bot.blockkit import limits
from bot.blockkit.shapes import Fault, values
from bot.blockkit.validate import validate_message
from bot.localslack.methods.arguments import Call, Method
from bot.localslack.people import BOT_USER, Room
from bot.localslack.workspace import SlackError, Workspace


def content(call: Call, *, update: bool = False) -> dict[str, Any]:
    """Text, blocks and metadata of a message, checked as strictly as Slack checks them."""
    text, blocks = call.text("text"), call.json("blocks", "invalid_blocks_format")
    if blocks is not None and not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if not text and not blocks and not call.json("attachments"):
        raise SlackError("no_text")
    if len(text) > (limits.UPDATE_TEXT if update else limits.MESSAGE_TEXT):
        raise SlackError("msg_too_long")
    faults = [*validate_message(blocks), *unknown_here(call.workspace, blocks)]
    if faults:
        heavy = all(one.code == "msg_blocks_too_long" for one in faults)
        code = "msg_blocks_too_long" if heavy else "invalid_blocks"
        lines = [str(one) for one in faults]
        raise SlackError(code, errors=lines, response_metadata={"messages": lines})
    return {"text": text, "blocks": blocks, "metadata": metadata(call)}


def unknown_here(workspace: Workspace, blocks: Any) -> Iterator[Fault]:
    """What is right in itself and not known in this workspace: kinds of blocks to come, files that are not there."""
    for index, block in enumerate(blocks or []):
        kind = block.get("type") if isinstance(block, dict) else None
        if kind in workspace.without_blocks:
            message = f"unsupported type of block: {kind}"
            yield Fault(f"/blocks/{index}/type", "unsupported_type", message, {"type": "enum", "got": kind})
    for one in values(blocks):
        file = one.get("slack_file")
        name = str(file.get("id") or "") if isinstance(file, dict) else ""
        if name and not (workspace.memory.get("file", name) or {}).get("done"):
            rule: dict[str, object] = {"type": "file", "got": name}
            yield Fault("/blocks", "invalid_slack_file", f"there is no picture {name}", rule)


def metadata(call: Call) -> dict[str, Any] | None:
    """A message's metadata: an event type and a payload, not too large."""
    given = call.json("metadata", "invalid_metadata_format")
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise SlackError("invalid_metadata_schema" if isinstance(given, dict) else "invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(given).encode()) > limits.METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return None if call.workspace.strict.drops_metadata else given


def _may_post(call: Call) -> Room:
    """A room the bot is in; with `chat:write.public` any public one."""
    room = call.workspace.room(call.need("channel"))
    public = not room.private and "chat:write.public" in call.workspace.settings.scopes
    return room if public else call.workspace.room_of_bot(room.id)


def post_message(call: Call) -> dict[str, Any]:
    """chat.postMessage."""
    room = _may_post(call)
    if room.archived:
        raise SlackError("is_archived")
    given = content(call) | {"thread_ts": call.text("thread_ts")}
    if given["thread_ts"] and call.flag("reply_broadcast"):
        given["subtype"] = "thread_broadcast"
    for name in ("unfurl_links", "unfurl_media"):
        if name in call.given:
            given[name] = call.flag(name)
    message = call.workspace.post(room, BOT_USER, given)
    return {"channel": room.id, "ts": message["ts"], "message": message}


def update(call: Call) -> dict[str, Any]:
    """chat.update: the bot's own messages only."""
    room = call.workspace.room_of_bot(call.need("channel"))
    message = call.workspace.message(room.id, call.need("ts"))
    if room.archived:
        raise SlackError("is_inactive")
    if message["user"] != BOT_USER or message.get("subtype") == "tombstone":
        raise SlackError("cant_update_message")
    given = content(call, update=True)
    if given["blocks"] is None and call.text("text"):
        given["blocks"] = []  # text alone replaces the blocks (chat.update, docs)
    after = call.workspace.edit(room, message["ts"], given, by=BOT_USER)
    return {"channel": room.id, "ts": message["ts"], "text": after["text"], "message": after}


def delete(call: Call) -> dict[str, Any]:
    """chat.delete: the bot's own messages only."""
    room = call.workspace.room_of_bot(call.need("channel"))
    message = call.workspace.message(room.id, call.need("ts"))
    if message["user"] != BOT_USER:
        raise SlackError("cant_delete_message")
    call.workspace.delete(room, message["ts"])
    return {"channel": room.id, "ts": message["ts"]}


def post_ephemeral(call: Call) -> dict[str, Any]:
    """chat.postEphemeral: to one member of the room."""
    room = call.workspace.room_of_bot(call.need("channel"))
    user = call.need("user")
    if user not in room.members:
        raise SlackError("user_not_in_channel")
    ts = call.workspace.whisper(room, user, content(call) | {"thread_ts": call.text("thread_ts")})
    return {"message_ts": ts}


def permalink(call: Call) -> dict[str, Any]:
    """chat.getPermalink."""
    room = call.workspace.room_of_bot(call.need("channel"))
    message = call.workspace.message(room.id, call.need("message_ts"))
    return {
        "channel": room.id,
        "permalink": f"{call.workspace.url}/archives/{room.id}/p{message['ts'].replace('.', '')}",
    }


METHODS: dict[str, Method] = {
    "chat.postMessage": post_message, "chat.update": update, "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral, "chat.getPermalink": permalink,
}  # fmt: skip
