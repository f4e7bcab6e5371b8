"""chat.scheduleMessage and its kin: messages that are said at a time to come."""

from typing import Any

from bot.localslack.methods.arguments import Call, Method, page
from bot.localslack.methods.chat import content
from bot.localslack.workspace import SlackError

FURTHEST = 120 * 24 * 3600
"""Seconds ahead (Slack: 120 days)."""


def schedule(call: Call) -> dict[str, Any]:
    """chat.scheduleMessage; one with metadata is taken and never said, as with Slack."""
    room = call.workspace.room_of_bot(call.need("channel"))
    if room.archived:
        raise SlackError("is_archived")
    try:
        at = int(call.need("post_at"))
    except ValueError:
        raise SlackError("invalid_time") from None
    if at <= call.workspace.now():
        raise SlackError("time_in_past")
    if at - call.workspace.now() > FURTHEST:
        raise SlackError("time_too_far")
    given = content(call) | {"thread_ts": call.text("thread_ts")}
    name = call.workspace.new_id("Q")
    call.workspace.memory.keep("scheduled", name, {"id": name, "channel": room.id, "at": at, "said": given,
                                                   "made": int(call.workspace.now())})  # fmt: skip
    call.workspace.delivery.alarm.moved()
    return {"channel": room.id, "scheduled_message_id": name, "post_at": at, "message": {"text": given["text"]}}


def unschedule(call: Call) -> dict[str, Any]:
    """chat.deleteScheduledMessage."""
    name = call.need("scheduled_message_id")
    kept = call.workspace.memory.get("scheduled", name)
    if kept is None or kept["channel"] != call.workspace.room_of_bot(call.need("channel")).id:
        raise SlackError("invalid_scheduled_message_id")
    call.workspace.memory.drop("scheduled", name)
    return {}


def listed(call: Call) -> dict[str, Any]:
    """chat.scheduledMessages.list."""
    kept = [one for _, one in call.workspace.memory.all("scheduled")
            if call.text("channel") in ("", one["channel"])]  # fmt: skip
    waiting = [{"id": one["id"], "channel_id": one["channel"], "post_at": one["at"], "date_created": one["made"],
                "text": one["said"]["text"]} for one in sorted(kept, key=lambda one: one["at"])]  # fmt: skip
    answer = page(call, waiting, "scheduled_messages", default=100, most=100)
    del answer["has_more"]
    return answer


METHODS: dict[str, Method] = {
    "chat.scheduleMessage": schedule, "chat.deleteScheduledMessage": unschedule, "chat.scheduledMessages.list": listed,
}  # fmt: skip
