"""What an app's manifest says of it: what it may do, what it hears, and what it puts into Slack's menus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Installed:
    """An app as its manifest describes it."""

    scopes: tuple[str, ...]
    events: frozenset[str]
    shortcuts: list[dict[str, str]]  # callback_id, label, type
    commands: list[dict[str, str]]  # command, words, hint


def read(manifest: Mapping[str, Any]) -> Installed:
    """The app of a manifest. Raises ValueError where it is none."""
    try:
        features, settings = manifest["features"], manifest["settings"]
        shortcuts = [
            {"callback_id": str(one["callback_id"]), "label": str(one["name"]), "type": str(one["type"])}
            for one in features.get("shortcuts", ())
        ]
        commands = [
            {"command": str(one["command"]), "words": str(one["description"]), "hint": str(one.get("usage_hint") or "")}
            for one in features.get("slash_commands", ())
        ]
        scopes = tuple(map(str, manifest["oauth_config"]["scopes"]["bot"]))
        events = frozenset(map(str, settings["event_subscriptions"]["bot_events"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no manifest of an app: {type(error).__name__} {error}") from None
    return Installed(scopes, events, shortcuts, commands)
