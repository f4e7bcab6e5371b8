"""The app's manifest, made from the code that uses it: paste it into Slack and the app has what Tocsin needs."""

import json
from typing import Any

import yaml

from bot.slack.features import CORE_SCOPES, EVENTS, OPTIONAL_SCOPES, SHORTCUTS, wanted_by

COMMAND = "/incident"
PATH = "/slack/events"
"""Where requests come in over HTTP."""


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
                {"name": one.label, "type": one.kind, "callback_id": one.callback_id, "description": one.words}
                for one in SHORTCUTS
            ],
            "slash_commands": [{
                "command": COMMAND, "description": "Declare, list, look at and act on incidents",
                "usage_hint": "declare | list | INC-7 | oncall | cover | help", "should_escape": True, **url,
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


class _Indented(yaml.SafeDumper):
    """YAML whose lists stand below their key, as people write it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def as_yaml(manifest: dict[str, Any]) -> str:
    """To paste, with what the optional scopes are for in front of it."""
    mode = "socket" if manifest["settings"]["socket_mode_enabled"] else "http"
    told = [
        f"The Slack app, for mode `{mode}`. At api.slack.com/apps (GovSlack: api.slack-gov.com/apps):",
        '"Create New App", "From a manifest", choose YAML, paste this. Then "Install to Workspace", and put the tokens',
        "where .env.example says.",
    ]
    if mode == "socket":
        told.append(f"For mode `http`: tocsin slack manifest --request-url https://<your address>{PATH}")
    told.append("Optional scopes (bot_optional), each with what is left out where your workspace does not grant it:")
    told += [f"  {scope}: {wanted_by(scope)}" for scope in OPTIONAL_SCOPES]
    head = "".join(f"# {line}\n" for line in told)
    return head + yaml.dump(manifest, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=120)


def as_json(manifest: dict[str, Any]) -> str:
    """The same for Slack's JSON field, or for scripts."""
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
