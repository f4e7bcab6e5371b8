"""Slack's rules for texts, buttons, menus, questions and rich text, as data: what each holds, and how long.

Source: Slack's public Block Kit reference (docs.slack.dev/reference/block-kit/block-elements and composition-objects)
and its own types (npm @slack/types 3.2).
"""

from collections.abc import Iterator
from typing import Final

from bot.blockkit import limits
from bot.blockkit.shapes import (
    Check,
    Fault,
    at_least_one,
    boolean,
    by_type,
    exactly_one,
    integer,
    listing,
    one_of,
    shape,
    string,
    url,
)


def typed(name: str, required: dict[str, Check], optional: dict[str, Check] | None = None, *also: Check) -> Check:
    """A shape whose `type` is this name."""
    return shape({"type": one_of(name), **required}, optional, *also)


# -- composition objects --


def plain(limit: int, *, minimum: int = 1) -> Check:
    """A plain_text object."""
    return typed("plain_text", {"text": string(limit, min_length=minimum)}, {"emoji": boolean})


def words(limit: int) -> Check:
    """A plain_text or mrkdwn object."""
    marked = typed("mrkdwn", {"text": string(limit, min_length=1)}, {"verbatim": boolean})
    return by_type({"plain_text": plain(limit), "mrkdwn": marked}, "text")


CONFIRM: Final = shape(
    {"title": plain(limits.CONFIRM_TITLE), "text": words(limits.CONFIRM_TEXT),
     "confirm": plain(limits.CONFIRM_BUTTON), "deny": plain(limits.CONFIRM_BUTTON)},
    {"style": one_of("primary", "danger")},
)  # fmt: skip
_OPTION_MAY: Final = {"description": words(limits.OPTION_DESCRIPTION), "url": url(limits.URL)}
_OPTION_VALUE: Final = string(limits.OPTION_VALUE, min_length=1)
OPTION: Final = shape({"text": plain(limits.OPTION_TEXT), "value": _OPTION_VALUE}, _OPTION_MAY)
CHOICE: Final = shape({"text": words(limits.OPTION_TEXT), "value": _OPTION_VALUE}, _OPTION_MAY)
GROUP: Final = shape({"label": plain(limits.OPTION_TEXT), "options": listing(OPTION, 1, limits.OPTIONS)})


def initial_is_option(value: object, pointer: str) -> Iterator[Fault]:
    """What is chosen at first is one of the options, word for word."""
    if not isinstance(value, dict) or not isinstance(value.get("options"), list):
        return
    chosen = value.get("initial_options") or [value.get("initial_option")]
    for one in chosen if isinstance(chosen, list) else []:
        if one is not None and one not in value["options"]:
            yield Fault(pointer, "failed_constraint", "the initial option must be one of the options",
                        {"type": "initial_option"})  # fmt: skip


def unique_values(value: object, pointer: str) -> Iterator[Fault]:
    """No two options of one menu share a value: the click could not be told apart."""
    options = value.get("options") if isinstance(value, dict) else None
    seen: set[str] = set()
    for index, one in enumerate(options if isinstance(options, list) else []):
        key = one.get("value") if isinstance(one, dict) else None
        if isinstance(key, str) and key in seen:
            yield Fault(f"{pointer}/options/{index}/value", "duplicate_value", f"option value {key!r} already exists",
                        {"type": "unique", "got": key})  # fmt: skip
        elif isinstance(key, str):
            seen.add(key)


# -- elements --

_ACTION: Final = {"action_id": string(limits.ACTION_ID, min_length=1)}
_MAY: Final = {"confirm": CONFIRM, "focus_on_load": boolean}
_SELECT: Final = {**_MAY, "placeholder": plain(limits.PLACEHOLDER)}
_MANY: Final = {**_SELECT, "max_selected_items": integer(1, limits.OPTIONS)}
_OPTIONS: Final = listing(OPTION, 1, limits.OPTIONS, noun="options")
_STATIC: Final = {"options": _OPTIONS, "option_groups": listing(GROUP, 1, limits.OPTION_GROUPS, noun="option groups")}
_CHOICES: Final = listing(CHOICE, 1, limits.CHOICE_OPTIONS, noun="options")
_TYPED: Final = {
    "focus_on_load": boolean, "placeholder": plain(limits.PLACEHOLDER),
    "initial_value": string(limits.INPUT_TEXT), "min_length": integer(0, limits.INPUT_TEXT),
    "max_length": integer(1, limits.INPUT_TEXT),
    "dispatch_action_config": shape({}, {"trigger_actions_on": listing(
        one_of("on_enter_pressed", "on_character_entered"), 1, 2)}),
}  # fmt: skip
ID: Final = string(64, min_length=1)
_IDS: Final = listing(ID, 0, limits.OPTIONS)
_FILTER: Final = shape({}, {
    "include": listing(one_of("im", "mpim", "private", "public"), 1, 4), "exclude_external_shared_channels": boolean,
    "exclude_bot_users": boolean}, at_least_one("include", "exclude_external_shared_channels", "exclude_bot_users"),
)  # fmt: skip

BUTTON: Final = typed(
    "button",
    {"text": plain(limits.BUTTON_TEXT), **_ACTION},
    {"value": string(limits.VALUE), "url": url(limits.URL), "style": one_of("primary", "danger"), "confirm": CONFIRM,
     "accessibility_label": string(limits.ACCESSIBILITY_LABEL)},
)  # fmt: skip
OVERFLOW: Final = typed(
    "overflow", {**_ACTION, "options": listing(OPTION, 1, limits.OVERFLOW_OPTIONS, noun="options")},
    {"confirm": CONFIRM}, unique_values,
)  # fmt: skip
FILE: Final = shape({}, {"id": ID, "url": url(limits.URL)}, exactly_one("id", "url"))
"""A picture kept in Slack: named by its id or its address, never by both."""
IMAGE: Final = typed(
    "image", {"alt_text": string(limits.IMAGE_ALT, min_length=1)}, {"image_url": url(limits.URL), "slack_file": FILE},
    exactly_one("image_url", "slack_file"),
)  # fmt: skip
WORKFLOW: Final = typed(
    "workflow_button",
    {"text": plain(limits.BUTTON_TEXT), "workflow": shape({"trigger": shape({"url": url(limits.URL)}, {
        "customizable_input_parameters": listing(shape({"name": string(255, min_length=1), "value": string(
            limits.VALUE)}), 0, limits.OPTIONS)})})},
    {**_ACTION, "style": one_of("primary", "danger"), "confirm": CONFIRM,
     "accessibility_label": string(limits.ACCESSIBILITY_LABEL)},
)  # fmt: skip
ICON_BUTTON: Final = typed(
    "icon_button", {"icon": string(100, min_length=1), "text": plain(limits.BUTTON_TEXT), **_ACTION},
    {"value": string(limits.VALUE), "confirm": CONFIRM, "accessibility_label": string(limits.ACCESSIBILITY_LABEL),
     "visible_to_user_ids": listing(ID, 0, limits.VISIBLE_TO)},
)  # fmt: skip
_OPINION: Final = shape(
    {"text": plain(limits.BUTTON_TEXT), "value": string(limits.VALUE)},
    {"accessibility_label": string(limits.ACCESSIBILITY_LABEL)},
)
FEEDBACK: Final = typed("feedback_buttons", {"positive_button": _OPINION, "negative_button": _OPINION}, _ACTION)
SELECTS: Final[dict[str, Check]] = {
    "static_select": typed("static_select", _ACTION, {**_SELECT, **_STATIC, "initial_option": OPTION},
                           exactly_one("options", "option_groups"), initial_is_option, unique_values),
    "multi_static_select": typed("multi_static_select", _ACTION, {
        **_MANY, **_STATIC, "initial_options": listing(OPTION, 1, limits.OPTIONS)},
        exactly_one("options", "option_groups"), initial_is_option, unique_values),
    "external_select": typed("external_select", _ACTION, {
        **_SELECT, "initial_option": OPTION, "min_query_length": integer(0, 100)}),
    "users_select": typed("users_select", _ACTION, {**_SELECT, "initial_user": ID}),
    "multi_users_select": typed("multi_users_select", _ACTION, {**_MANY, "initial_users": _IDS}),
    "multi_external_select": typed("multi_external_select", _ACTION, {
        **_MANY, "initial_options": listing(OPTION, 1, limits.OPTIONS), "min_query_length": integer(0, 100)}),
    "multi_channels_select": typed("multi_channels_select", _ACTION, {**_MANY, "initial_channels": _IDS}),
    "multi_conversations_select": typed("multi_conversations_select", _ACTION, {
        **_MANY, "initial_conversations": _IDS, "default_to_current_conversation": boolean, "filter": _FILTER}),
    "channels_select": typed("channels_select", _ACTION, {
        **_SELECT, "initial_channel": ID, "response_url_enabled": boolean}),
    "conversations_select": typed("conversations_select", _ACTION, {
        **_SELECT, "initial_conversation": ID, "default_to_current_conversation": boolean, "filter": _FILTER,
        "response_url_enabled": boolean}),
    "datepicker": typed("datepicker", _ACTION, {**_SELECT, "initial_date": string(10, min_length=10)}),
    "timepicker": typed("timepicker", _ACTION, {
        **_SELECT, "initial_time": string(5, min_length=5), "timezone": string(100)}),
    "datetimepicker": typed("datetimepicker", _ACTION, {**_MAY, "initial_date_time": integer(10**9, 10**10 - 1)}),
    "radio_buttons": typed("radio_buttons", {**_ACTION, "options": _CHOICES}, {**_MAY, "initial_option": CHOICE},
                           initial_is_option, unique_values),
    "checkboxes": typed("checkboxes", {**_ACTION, "options": _CHOICES}, {
        **_MAY, "initial_options": listing(CHOICE, 1, limits.CHOICE_OPTIONS)}, initial_is_option, unique_values),
}  # fmt: skip
TYPING: Final[dict[str, Check]] = {
    "plain_text_input": typed("plain_text_input", _ACTION, {**_TYPED, "multiline": boolean}),
    "email_text_input": typed("email_text_input", _ACTION, _TYPED),
    "url_text_input": typed("url_text_input", _ACTION, _TYPED),
    "number_input": typed("number_input", {**_ACTION, "is_decimal_allowed": boolean}, {
        **_TYPED, "min_value": string(64), "max_value": string(64)}),
    "file_input": typed("file_input", _ACTION, {
        "filetypes": listing(string(20, min_length=1), 0, 100), "max_files": integer(1, limits.FILES)}),
}  # fmt: skip
INPUTS: Final = by_type({**SELECTS, **TYPING}, "input element")
_PRESSED: Final = {"button": BUTTON, "overflow": OVERFLOW, "workflow_button": WORKFLOW, **SELECTS}
ACTIONS: Final = by_type(_PRESSED, "element")
ACCESSORY: Final = by_type({**_PRESSED, "image": IMAGE}, "accessory")

# -- rich text --

_STYLE: Final = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight"), boolean))
_STYLED: Final = {"style": _STYLE}
RUN: Final = by_type({
    "text": typed("text", {"text": string(limits.MESSAGE_WEIGHT, min_length=1)}, _STYLED),
    "link": typed("link", {"url": url(limits.URL)}, {**_STYLED, "text": string(limits.SECTION_TEXT),
                                                      "unsafe": boolean}),
    "emoji": typed("emoji", {"name": string(100, min_length=1)}, {**_STYLED, "unicode": string(100),
                                                                      "url": url(limits.URL)}),
    "user": typed("user", {"user_id": ID}, _STYLED),
    "usergroup": typed("usergroup", {"usergroup_id": ID}, _STYLED),
    "channel": typed("channel", {"channel_id": ID}, _STYLED),
    "broadcast": typed("broadcast", {"range": one_of("here", "channel", "everyone")}, _STYLED),
    "team": typed("team", {"team_id": ID}, _STYLED),
    "color": typed("color", {"value": string(20, min_length=1)}, _STYLED),
    "date": typed("date", {"timestamp": integer(0, 10**11), "format": string(200, min_length=1)},
                  {"url": url(limits.URL), "fallback": string(200)}),
}, "rich text run")  # fmt: skip
_RUNS: Final = listing(RUN, 0, 1000)
_SECTION: Final = typed("rich_text_section", {"elements": _RUNS})
_BORDER: Final = {"border": integer(0, 1)}
RICH: Final = by_type({
    "rich_text_section": _SECTION,
    "rich_text_list": typed("rich_text_list", {
        "style": one_of("bullet", "ordered"), "elements": listing(_SECTION, 1, 1000)},
        {**_BORDER, "indent": integer(0, limits.LIST_INDENT), "offset": integer(0, 10_000)}),
    "rich_text_preformatted": typed("rich_text_preformatted", {"elements": _RUNS},
                                    {**_BORDER, "language": string(100)}),
    "rich_text_quote": typed("rich_text_quote", {"elements": _RUNS}, _BORDER),
}, "rich text element")  # fmt: skip
BLOCK_ID: Final = {"block_id": string(limits.BLOCK_ID, min_length=1)}
RICH_TEXT: Final = typed("rich_text", {"elements": listing(RICH, 1, 1000)}, BLOCK_ID)
