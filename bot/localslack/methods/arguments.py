"""Reads a method's arguments as Slack does: forms carry JSON inside text, JSON bodies carry it as it is."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.localslack.dialogs import Dialogs
from bot.localslack.workspace import SlackError, Workspace


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the workspace it concerns and its arguments."""

    workspace: Workspace
    dialogs: Dialogs
    given: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A word, empty when absent."""
        value = self.given.get(name)
        return "" if value is None else str(value)

    def need(self, name: str) -> str:
        """A word that must be there."""
        value = self.text(name)
        if not value:
            messages = [f"[ERROR] missing required field: {name}"]
            raise SlackError("invalid_arguments", response_metadata={"messages": messages})
        return value

    def flag(self, name: str) -> bool:
        """True or false in any of Slack's spellings."""
        return self.given.get(name) in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, most: int) -> int:
        """A count within 1 and `most`."""
        try:
            value = int(self.given.get(name) or default)
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments") from None
        if not 1 <= value <= most:
            raise SlackError("invalid_limit")
        return value

    def json(self, name: str, code: str = "invalid_arguments") -> Any:
        """A structure, None when absent; `code` is the error when it is no JSON."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(code) from None


Method = Callable[[Call], dict[str, Any]]


def page(call: Call, items: list[dict[str, Any]], name: str, *, default: int, most: int) -> dict[str, Any]:
    """One page of a list, with the cursor of the next."""
    limit = call.number("limit", default, most)
    start = 0
    if call.text("cursor"):
        try:
            start = int(base64.b64decode(call.text("cursor"), validate=True).decode().removeprefix("next:"))
        except ValueError:
            raise SlackError("invalid_cursor") from None
    more = start + limit < len(items)
    cursor = base64.b64encode(f"next:{start + limit}".encode()).decode() if more else ""
    return {name: items[start : start + limit], "has_more": more, "response_metadata": {"next_cursor": cursor}}
