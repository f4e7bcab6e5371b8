"""Reads Slack's messages as what people said: who, when, in which thread, and in words anybody can read."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.engine.talk import Saying
from bot.slack.verbs import unescape

TALK = frozenset({"", "file_share", "thread_broadcast", "me_message", "bot_message"})
"""Kinds of message that somebody said; joins, topics, pins and the like are not talk."""
_TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
Json = Mapping[str, Any]


def place(said: str) -> tuple[str, str]:
    """Channel and ts of a message's key."""
    channel, _, ts = said.partition("/")
    return channel, ts


def moment(ts: object) -> datetime | None:
    """The time of one of Slack's stamps; None for junk."""
    try:
        return datetime.fromtimestamp(float(str(ts)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def is_talk(message: Json) -> bool:
    """Whether somebody said it."""
    return str(message.get("subtype") or "") in TALK and moment(message.get("ts")) is not None


def is_ours(message: Json, me: Json) -> bool:
    """Whether we posted it."""
    app = message.get("bot_id") or (message.get("bot_profile") or {}).get("id")
    return bool((app and app == me.get("bot_id")) or (message.get("user") and message["user"] == me.get("user_id")))


def speaker(message: Json) -> str:
    """The account that said it: another app's (`B…`) where an app did."""
    return str(message.get("bot_id") or message.get("user") or "")


def read(message: Json, channel: str, incident: str, author: str) -> Saying:
    """The message as it reads now. Its ts must be one (`is_talk`)."""
    ts = str(message["ts"])
    thread_ts = str(message.get("thread_ts") or "")
    return Saying(
        incident, channel, ts, thread_ts, author, speaker(message), words(message),
        datetime.fromtimestamp(float(ts), UTC), edited_at=moment((message.get("edited") or {}).get("ts")),
    )  # fmt: skip


def words(message: Json) -> str:
    """What it says in Slack's notation; where it says nothing, the files it brings."""
    text = str(message.get("text") or "")
    files = [one for one in message.get("files") or [] if isinstance(one, dict)]
    if text.strip() or not files:
        return text
    return ", ".join(f"file: {one.get('title') or one.get('name') or 'without a name'}" for one in files)


def plain(text: str, names: Mapping[str, str]) -> str:
    """Slack's notation as words: mentions by `names` (account → name), links by label and address."""

    def read_token(found: re.Match[str]) -> str:
        kind, value, label = found[1], found[2], found[3] or ""
        match kind:
            case "@":
                return f"@{names.get(value) or label or value}"
            case "#":
                return f"#{label or value}"
            case "!":
                return label or f"@{value.partition('^')[0]}"
            case _:
                address = value.removeprefix("mailto:")
                return address if label in ("", value, address) else f"{label} ({address})"

    return unescape(_TOKEN.sub(read_token, text))


def address(me: Json, channel: str, ts: str, thread_ts: str = "") -> str:
    """A message's permalink, made from the workspace's address; "" while that is not known."""
    base = str(me.get("url") or "")
    if not base.startswith(("https://", "http://")):
        return ""
    found = f"{base.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"
    return f"{found}?thread_ts={thread_ts}&cid={channel}" if thread_ts and thread_ts != ts else found
