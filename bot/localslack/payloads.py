"""The exact shapes in which Slack tells an app what a person did."""

from typing import Any

from bot.localslack.people import APP_ID, Room
from bot.localslack.workspace import Workspace


def _common(workspace: Workspace, kind: str, user: str) -> dict[str, Any]:
    person = workspace.people[user]
    team = workspace.team_of(user)
    return {
        "type": kind, "token": "local", "api_app_id": APP_ID, "enterprise": None, "is_enterprise_install": False,
        "team": {"id": team, "domain": workspace.settings.domain},
        "user": {"id": user, "username": person.name, "name": person.name, "team_id": team},
    }  # fmt: skip


def place(room: Room) -> dict[str, str]:
    """A room as payloads name it; private ones by their kind only."""
    return {"id": room.id, "name": "directmessage" if room.dm_with else "privategroup" if room.private else room.name}


def click_on_message(workspace: Workspace, user: str, room: Room, message: dict[str, Any], action: dict[str, Any], *,
                     trigger: str, response_url: str) -> dict[str, Any]:  # fmt: skip
    """block_actions of a button, menu or select in a message."""
    ephemeral = bool(message.get("is_ephemeral"))
    container = {"type": "message", "message_ts": message["ts"], "channel_id": room.id, "is_ephemeral": ephemeral}
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    payload = _common(workspace, "block_actions", user) | {
        "container": container, "trigger_id": trigger, "channel": place(room), "response_url": response_url,
        "state": {"values": {}}, "actions": [action],
    }  # fmt: skip
    if not ephemeral:
        payload["message"] = workspace.shown(room.id, message, metadata=True)
    return payload


def click_in_view(workspace: Workspace, user: str, view: dict[str, Any], action: dict[str, Any], *,
                  trigger: str) -> dict[str, Any]:  # fmt: skip
    """block_actions of an element in a modal or on the Home tab."""
    return _common(workspace, "block_actions", user) | {
        "container": {"type": "view", "view_id": view["id"]}, "trigger_id": trigger, "view": view,
        "actions": [action],
    }  # fmt: skip


def submit(workspace: Workspace, user: str, view: dict[str, Any], *, trigger: str) -> dict[str, Any]:
    """view_submission."""
    return _common(workspace, "view_submission", user) | {"trigger_id": trigger, "view": view, "response_urls": []}


def closed(workspace: Workspace, user: str, view: dict[str, Any], *, everything: bool) -> dict[str, Any]:
    """view_closed, for views that asked for it."""
    return _common(workspace, "view_closed", user) | {"view": view, "is_cleared": everything}


def shortcut(workspace: Workspace, user: str, callback_id: str, *, trigger: str) -> dict[str, Any]:
    """A global shortcut."""
    return _common(workspace, "shortcut", user) | {
        "callback_id": callback_id, "trigger_id": trigger, "action_ts": f"{workspace.now():.6f}",
    }  # fmt: skip


def message_shortcut(workspace: Workspace, user: str, callback_id: str, room: Room, message: dict[str, Any], *,
                     trigger: str, response_url: str) -> dict[str, Any]:  # fmt: skip
    """A shortcut from a message's menu."""
    return _common(workspace, "message_action", user) | {
        "callback_id": callback_id, "trigger_id": trigger, "action_ts": f"{workspace.now():.6f}",
        "response_url": response_url, "message_ts": message["ts"], "channel": place(room),
        "message": workspace.shown(room.id, message),
    }  # fmt: skip


def suggestion(workspace: Workspace, user: str, holder: dict[str, Any], block: dict[str, Any],
               element: dict[str, Any], query: str) -> dict[str, Any]:  # fmt: skip
    """block_suggestion: the options of an external select while a person types."""
    return _common(workspace, "block_suggestion", user) | {
        "action_id": element["action_id"], "block_id": block["block_id"], "value": query, **holder,
    }  # fmt: skip


def command(workspace: Workspace, user: str, room: Room, name: str, text: str, *, trigger: str,
            response_url: str) -> dict[str, Any]:  # fmt: skip
    """A slash command: flat fields, not JSON, on the wire of HTTP."""
    settings = workspace.settings
    spot = place(room)
    return {
        "token": "local", "team_id": workspace.team_of(user), "team_domain": settings.domain, "channel_id": spot["id"],
        "channel_name": spot["name"], "user_id": user, "user_name": workspace.people[user].name, "command": name,
        "text": text, "api_app_id": APP_ID, "is_enterprise_install": "false", "response_url": response_url,
        "trigger_id": trigger,
    }  # fmt: skip
