"""What Slack sends, read once: who did what where, and under which id it may come again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.errors import Refused
from bot.slack.ids import Ref, read_choice, read_metadata, read_value

CLICK, SUBMIT, CLOSED, OPTIONS, COMMAND, EVENT, SHORTCUT, ON_MESSAGE = (
    "block_actions", "view_submission", "view_closed", "block_suggestion", "command", "event_callback", "shortcut",
    "message_action",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Door:
    """One inbound request; `inbound` is the id under which a repetition is known."""

    family: str
    inbound: str
    team: str = ""
    user: str = ""
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    trigger: str = ""
    response_url: str = ""
    text: str = ""
    view: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    in_view: bool = False


def read(body: Mapping[str, Any]) -> Door:
    """The request behind a payload; never raises, what is missing is empty."""
    if body.get("command"):
        return Door(
            COMMAND, _id(body, _word(body, "user_id")), _word(body, "team_id"), _word(body, "user_id"),
            _word(body, "channel_id"), trigger=_word(body, "trigger_id"), response_url=_word(body, "response_url"),
            text=_word(body, "text"),
        )  # fmt: skip
    family = _word(body, "type")
    if family == EVENT:
        return _event(body)
    user = _part(body, "user")
    message, container, view = _part(body, "message"), _part(body, "container"), _part(body, "view")
    if family == CLOSED:
        inbound = _named(family, _word(view, "id"), _word(view, "hash"))
    elif family == OPTIONS:  # changes nothing; asked anew with each letter
        inbound = _named(family, _word(view, "id"), _word(body, "action_id"), _word(body, "value"), _word(user, "id"))
    else:
        inbound = _id(body, _word(user, "id"))
    ts = _word(container, "message_ts") or _word(body, "message_ts") or _word(message, "ts")
    return Door(
        family, inbound, _word(user, "team_id") or _word(_part(body, "team"), "id"),
        _word(user, "id"), _word(_part(body, "channel"), "id") or _word(container, "channel_id"), ts,
        _word(container, "thread_ts") or _word(message, "thread_ts"), _word(body, "trigger_id"),
        _word(body, "response_url"), _word(body, "value") if family == OPTIONS else "", view,
        in_view=family == CLICK and bool(view),
    )  # fmt: skip


def _event(body: Mapping[str, Any]) -> Door:
    event = _part(body, "event")
    # in a shared channel `user_team` names the person's own workspace
    team = _word(event, "user_team") or _word(event, "team") or _word(body, "team_id")
    name, channel, ts = _word(body, "event_id"), _word(event, "channel"), _word(event, "ts")
    inbound = f"slack:{name}" if name else f"slack:{channel}:{ts}" if channel and ts else ""
    return Door(
        EVENT, inbound, team, _word(event, "user"), channel, ts, _word(event, "thread_ts"),
        text=_word(event, "text"), event=event,
    )  # fmt: skip


def deed(door: Door, body: Mapping[str, Any]) -> tuple[str, Ref]:
    """Which deed, of what. Raises Refused for a button of another version."""
    if door.family == SUBMIT:
        return _word(door.view, "callback_id"), read_metadata(_word(door.view, "private_metadata"))
    if door.family in (SHORTCUT, ON_MESSAGE):
        return _word(body, "callback_id"), Ref()
    pressed = body.get("actions")
    first = pressed[0] if isinstance(pressed, list) and pressed and isinstance(pressed[0], dict) else {}
    chosen = first.get("selected_option")
    if isinstance(chosen, dict):
        if _word(first, "action_id").partition(".")[0] != "more":
            return "", Ref()  # a choice in a form: it counts when the form is sent
        return read_choice(_word(chosen, "value"))
    name = _word(first, "action_id")
    if not name:
        raise Refused("the click named nothing to do")
    return name, read_value(_word(first, "value"))


def _named(*parts: str) -> str:
    return f"slack:{':'.join(parts)}"


def _id(body: Mapping[str, Any], user: str) -> str:
    trigger = _word(body, "trigger_id")
    if trigger:
        return f"slack:{trigger}"
    pressed = body.get("actions")
    stamp = _word(body, "action_ts")
    if not stamp and isinstance(pressed, list) and pressed and isinstance(pressed[0], dict):
        stamp = _word(pressed[0], "action_ts")
    return f"slack:{stamp}:{user}" if stamp else ""


def _word(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}
