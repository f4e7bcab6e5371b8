"""The app's manifest, made from the code that uses it: paste it into Slack and the app has what Tocsin needs."""

from typing import Any

COMMAND = "/incident"
CORE_SCOPES = (
    "commands", "chat:write", "im:write", "app_mentions:read", "channels:read", "groups:read", "channels:history",
    "groups:history", "reactions:write", "users:read",
)  # fmt: skip
OPTIONAL_SCOPES = ("chat:write.public", "im:history", "dnd:read")
"""Posting where the bot was not invited; looking for a page in doubt before it is sent again; leaving those in peace
who asked not to be disturbed."""
EVENTS = ("app_home_opened", "app_mention", "message.channels", "message.groups")
SHORTCUTS = (
    ("Declare incident", "global", "declare", "Open an incident by hand"),
    ("Declare incident", "message", "declare_message", "Open an incident from this message"),
    ("Record as finding", "message", "finding_message", "Keep this message as evidence"),
    ("Make follow-up", "message", "followup_message", "Promise a change, with an owner and a date"),
)


def build(*, request_url: str = "", name: str = "Tocsin") -> dict[str, Any]:
    """The manifest: with `request_url` (`https://…/slack/events`) for signed HTTP, without it for Socket Mode."""
    url = {"url": request_url} if request_url else {}
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if request_url:
        events["request_url"] = request_url
        interactivity["request_url"] = request_url
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": name,
            "description": "Incident response and on call for teams that run ML models",
            "background_color": "#3b1d1d",
        },
        "features": {
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True,
                         "messages_tab_read_only_enabled": True},
            "bot_user": {"display_name": name, "always_online": True},
            "shortcuts": [
                {"name": label, "type": kind, "callback_id": callback, "description": words}
                for label, kind, callback, words in SHORTCUTS
            ],
            "slash_commands": [{
                "command": COMMAND, "description": "Declare, list, look at and act on incidents",
                "usage_hint": "declare | list | INC-7 | approve | help", "should_escape": True, **url,
            }],
        },
        "oauth_config": {"scopes": {"bot": [*CORE_SCOPES, *OPTIONAL_SCOPES], "bot_optional": list(OPTIONAL_SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not request_url,
            "token_rotation_enabled": False,
        },
    }  # fmt: skip
