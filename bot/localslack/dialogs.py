"""Modals and Home tabs: who has what open, which trigger may still open one, and what was typed into it."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from bot.blockkit.limits import VIEW_STACK
from bot.blockkit.validate import validate_view
from bot.localslack.people import APP_ID, BOT_ID
from bot.localslack.workspace import SlackError, Workspace

TRIGGER_SECONDS = 3.0  # Slack, handling user interaction: a trigger id expires three seconds after the click

_KEPT = ("title", "submit", "close", "blocks", "private_metadata", "callback_id", "external_id", "clear_on_close",
         "notify_on_close")  # fmt: skip


@dataclass(slots=True)
class Dialogs:
    """The open views of everybody. A person's stack is at most three deep."""

    workspace: Workspace
    stacks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, dict[str, str]] = field(default_factory=dict)  # view id → block id → words
    _triggers: dict[str, tuple[str, float, str]] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Home tabs outlive a restart; modals do not, as in Slack's client."""
        self.homes = dict(self.workspace.memory.all("home"))

    # -- triggers --

    def trigger(self, user: str, *, view: str = "") -> str:
        """A key that opens one view for this person within three seconds."""
        name = self.workspace.new_id("trigger.")
        self._triggers[name] = (user, self.workspace.now() + TRIGGER_SECONDS, view)
        return name

    def _spend(self, trigger: str) -> tuple[str, str]:
        if trigger in self._used:
            raise SlackError("exchanged_trigger_id")
        if trigger not in self._triggers:
            raise SlackError("invalid_trigger_id")
        user, until, view = self._triggers[trigger]
        if self.workspace.now() > until:
            raise SlackError("expired_trigger_id")
        del self._triggers[trigger]
        self._used.add(trigger)
        return user, view

    # -- what the app does --

    def open(self, trigger: str, view: Any) -> dict[str, Any]:
        """views.open: a first modal; over an open one it is pushed, as Slack does."""
        self._check(view, "modal")
        user, _ = self._spend(trigger)
        return self._stack_up(user, view)

    def push(self, trigger: str, view: Any) -> dict[str, Any]:
        """views.push: only from a click inside a modal."""
        self._check(view, "modal")
        user, source = self._spend(trigger)
        if not source or not self.stacks.get(user):
            raise SlackError("not_found")
        return self._stack_up(user, view)

    def update(self, view: Any, *, view_id: str = "", external_id: str = "", known: str = "") -> dict[str, Any]:
        """views.update: by id or external id; `known` is the hash the app believes in."""
        self._check(view, None)
        _, before = self.find(view_id, external_id)
        if view["type"] != before["type"]:
            raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] view type cannot change"]})
        if known and known != before["hash"]:
            raise SlackError("hash_conflict", view=before)
        self._write(before, view)
        self.workspace.changed("views")
        return before

    def publish(self, user: str, view: Any, *, known: str = "") -> dict[str, Any]:
        """views.publish: a person's Home tab."""
        if user not in self.workspace.people:
            raise SlackError("user_not_found")
        self._check(view, "home")
        before = self.homes.get(user)
        if known and before is not None and known != before["hash"]:
            raise SlackError("hash_conflict", view=before)
        made = before or self._blank("home")
        self._write(made, view)
        self.homes[user] = made
        self.workspace.memory.keep("home", user, made)
        self.workspace.changed("views")
        return made

    # -- what people do --

    def find(self, view_id: str, external_id: str = "") -> tuple[str, dict[str, Any]]:
        """Who sees a view, and the view."""
        for user, stack in self.stacks.items():
            for view in stack:
                if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                    return user, view
        for user, home in self.homes.items():
            if home["id"] == view_id or (external_id and home["external_id"] == external_id):
                return user, home
        raise SlackError("not_found")

    def close(self, user: str, view: dict[str, Any], *, everything: bool = False) -> None:
        """Take the view (or the whole stack) from the screen."""
        stack = self.stacks.get(user, [])
        if everything or view not in stack:
            stack.clear()
        else:
            stack.remove(view)
        self.errors.pop(view["id"], None)
        self.workspace.changed("views")

    def answered(self, user: str, view: dict[str, Any], answer: dict[str, Any]) -> None:
        """Do what the acknowledgement of a submit asks: errors, update, push, clear; without one the view closes."""
        action = answer.get("response_action")
        self.errors.pop(view["id"], None)
        if action == "errors":
            self.errors[view["id"]] = {str(k): str(v) for k, v in dict(answer.get("errors") or {}).items()}
        elif action == "update":
            self._check(answer.get("view"), "modal")
            self._write(view, answer["view"])
        elif action == "push":
            self._check(answer.get("view"), "modal")
            self._stack_up(user, answer["view"])
        else:
            self.close(user, view, everything=action == "clear")
        self.workspace.changed("views")

    # -- within --

    def _check(self, view: Any, kind: str | None) -> None:
        faults = validate_view(view)
        if not faults and kind is not None and view["type"] != kind:
            messages = [f"[ERROR] must be a {kind} [json-pointer:/view/type]"]
            raise SlackError("invalid_arguments", response_metadata={"messages": messages})
        if faults:
            messages = [f"[ERROR] {one.message} [json-pointer:/view{one.pointer}]" for one in faults]
            too_large = any(one.constraint.get("type") == "max_bytes" for one in faults)
            code = "view_too_large" if too_large else "invalid_arguments"
            raise SlackError(code, response_metadata={"messages": messages})

    def _blank(self, kind: str) -> dict[str, Any]:
        workspace = self.workspace
        team = workspace.settings.team
        name = workspace.new_id("V")
        return {"id": name, "type": kind, "team_id": team, "root_view_id": name, "previous_view_id": None,
                "app_id": APP_ID, "app_installed_team_id": team, "bot_id": BOT_ID, "hash": ""}  # fmt: skip

    def _write(self, made: dict[str, Any], view: dict[str, Any]) -> None:
        """Put the app's words into the view; what was typed into inputs that remain is kept."""
        kept = dict.fromkeys(_KEPT) | {"private_metadata": "", "callback_id": "", "external_id": ""}
        kept |= {"clear_on_close": False, "notify_on_close": False, "blocks": []}
        made.update(kept | {name: view[name] for name in _KEPT if view.get(name) is not None})
        made["blocks"] = json.loads(json.dumps(made["blocks"]))
        self.workspace.fill_block_ids(made["blocks"])
        before = made.get("state", {}).get("values", {})
        fresh = initial_values(made["blocks"])
        for block_id, inputs in fresh.items():
            for action_id in inputs:
                typed = before.get(block_id, {}).get(action_id)
                if typed is not None and typed["type"] == inputs[action_id]["type"]:
                    inputs[action_id] = typed
        made["state"] = {"values": fresh}
        stamp = self.workspace.memory.stamp()
        made["hash"] = f"{stamp}.{hashlib.sha256(json.dumps(made['blocks']).encode()).hexdigest()[:8]}"

    def _stack_up(self, user: str, view: dict[str, Any]) -> dict[str, Any]:
        stack = self.stacks.setdefault(user, [])
        if len(stack) >= VIEW_STACK:
            raise SlackError("push_limit_reached")
        external = view.get("external_id")
        if external and any(one["external_id"] == external for others in self.stacks.values() for one in others):
            raise SlackError("duplicate_external_id")
        made = self._blank("modal")
        self._write(made, view)
        if stack:
            made |= {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]}
        stack.append(made)
        self.workspace.changed("views")
        return made


# -- what inputs hold --

_HELD = {
    "plain_text_input": ("value", "initial_value"), "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"), "number_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"), "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"), "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"), "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "file_input": ("files", "initial_files"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "datepicker": ("selected_date", "initial_date"), "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}  # fmt: skip


def elements(blocks: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every interactive element with its block, containers included."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for block in blocks:
        nested = [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]
        found += [(block, one) for one in nested if isinstance(one, dict) and "action_id" in one]
        found += elements(block.get("child_blocks") or [])
    return found


def initial_values(blocks: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """`state.values` of fresh blocks: each stateful element with its initial choice."""
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for block, element in elements(blocks):
        if element["type"] in _HELD:
            name, initial = _HELD[element["type"]]
            value = element.get(initial, [] if name.endswith("s") and "checkboxes" in element["type"] else None)
            out.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], name: value}
    return out


def held(element: dict[str, Any], value: Any) -> dict[str, Any]:
    """The state of an element after a person gave `value`: plain (text, an option's value, a list) or Slack's object.

    Raises ValueError with a sentence when the value is no option of the element.
    """
    if isinstance(value, dict) and _HELD.get(element["type"], ("",))[0] in value:
        return {"type": element["type"], **value}
    name, _ = _HELD[element["type"]]
    groups = [one for group in element.get("option_groups") or [] for one in group["options"]]
    options = {one["value"]: one for one in [*(element.get("options") or []), *groups]}

    def chosen(one: Any) -> Any:
        key = one.get("value") if isinstance(one, dict) else one
        if element["type"] in {"external_select", "multi_external_select"}:
            return one if isinstance(one, dict) else {"text": {"type": "plain_text", "text": key}, "value": key}
        if key not in options:
            raise ValueError(f"{key!r} is no option of {element['action_id']}; there is {', '.join(options)}")
        return options[key]

    if name == "selected_options":
        return {"type": element["type"], name: [chosen(one) for one in value or []]}
    if name == "selected_option":
        return {"type": element["type"], name: chosen(value) if value not in (None, "") else None}
    if name == "value":
        return {"type": element["type"], name: str(value) if value not in (None, "") else None}
    return {"type": element["type"], name: value}


def missing(view: dict[str, Any]) -> dict[str, str]:
    """What Slack's client refuses before it sends: empty required inputs, texts too short or long; block id → words."""
    wrong: dict[str, str] = {}
    for block, element in elements(view["blocks"]):
        if block["type"] != "input":
            continue
        name = _HELD[element["type"]][0]
        value = view["state"]["values"].get(block["block_id"], {}).get(element["action_id"], {}).get(name)
        if value in (None, "", []):
            if not block.get("optional"):
                wrong[block["block_id"]] = "Please complete this required field."
        elif name == "value":
            low, high = element.get("min_length") or 0, element.get("max_length") or 3000
            if not low <= len(value) <= high:
                wrong[block["block_id"]] = f"Please enter between {low} and {high} characters."
    return wrong
