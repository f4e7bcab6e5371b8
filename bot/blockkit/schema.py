"""Slack's rules for each element and block we use, as data: what it must hold, what it may hold, how long.

Source: Slack's public Block Kit reference (docs.slack.dev/reference/block-kit/blocks and /block-elements).
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
    number,
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
_ID: Final = string(64, min_length=1)
_IDS: Final = listing(_ID, 0, limits.OPTIONS)

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
IMAGE: Final = typed(
    "image", {"alt_text": string(limits.IMAGE_ALT)}, {"image_url": url(limits.URL), "slack_file": shape(
        {}, {"id": _ID, "url": url(limits.URL)})}, exactly_one("image_url", "slack_file"),
)  # fmt: skip
SELECTS: Final[dict[str, Check]] = {
    "static_select": typed("static_select", _ACTION, {**_SELECT, **_STATIC, "initial_option": OPTION},
                           exactly_one("options", "option_groups"), initial_is_option, unique_values),
    "multi_static_select": typed("multi_static_select", _ACTION, {
        **_MANY, **_STATIC, "initial_options": listing(OPTION, 1, limits.OPTIONS)},
        exactly_one("options", "option_groups"), initial_is_option, unique_values),
    "external_select": typed("external_select", _ACTION, {
        **_SELECT, "initial_option": OPTION, "min_query_length": integer(0, 100)}),
    "users_select": typed("users_select", _ACTION, {**_SELECT, "initial_user": _ID}),
    "multi_users_select": typed("multi_users_select", _ACTION, {**_MANY, "initial_users": _IDS}),
    "channels_select": typed("channels_select", _ACTION, {
        **_SELECT, "initial_channel": _ID, "response_url_enabled": boolean}),
    "conversations_select": typed("conversations_select", _ACTION, {
        **_SELECT, "initial_conversation": _ID, "default_to_current_conversation": boolean,
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
}  # fmt: skip
INPUTS: Final = by_type({**SELECTS, **TYPING}, "input element")
ACTIONS: Final = by_type({"button": BUTTON, "overflow": OVERFLOW, **SELECTS}, "element")
ACCESSORY: Final = by_type({"button": BUTTON, "overflow": OVERFLOW, "image": IMAGE, **SELECTS}, "accessory")

# -- rich text --

_STYLE: Final = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight"), boolean))
_STYLED: Final = {"style": _STYLE}
RUN: Final = by_type({
    "text": typed("text", {"text": string(limits.MESSAGE_WEIGHT, min_length=1)}, _STYLED),
    "link": typed("link", {"url": url(limits.URL)}, {**_STYLED, "text": string(limits.SECTION_TEXT),
                                                      "unsafe": boolean}),
    "emoji": typed("emoji", {"name": string(100, min_length=1)}, {**_STYLED, "unicode": string(100)}),
    "user": typed("user", {"user_id": _ID}, _STYLED),
    "usergroup": typed("usergroup", {"usergroup_id": _ID}, _STYLED),
    "channel": typed("channel", {"channel_id": _ID}, _STYLED),
    "broadcast": typed("broadcast", {"range": one_of("here", "channel", "everyone")}, _STYLED),
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

# -- blocks --

_BLOCK: Final = {"block_id": string(limits.BLOCK_ID, min_length=1)}
RICH_TEXT: Final = typed("rich_text", {"elements": listing(RICH, 1, 1000)}, _BLOCK)
_CELL: Final = by_type({
    "raw_text": typed("raw_text", {"text": string(limits.SECTION_TEXT)}),
    "raw_number": typed("raw_number", {"value": number}, {"text": string(100)}),
    "rich_text": RICH_TEXT,
}, "table cell")  # fmt: skip
_COLUMN: Final = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})
_LABEL: Final = string(limits.CHART_LABEL)
_POINTS: Final = listing(shape({"label": _LABEL, "value": number}), 1, limits.CHART_CATEGORIES, noun="data points")
_SERIES: Final = shape({"name": string(limits.CHART_LABEL, min_length=1), "data": _POINTS})
_AXIS: Final = shape(
    {"categories": listing(_LABEL, 1, limits.CHART_CATEGORIES, noun="categories")},
    {"x_label": string(limits.CHART_TITLE), "y_label": string(limits.CHART_TITLE)},
)


def labels_are_categories(value: object, pointer: str) -> Iterator[Fault]:
    """Every series of a chart names the axis categories, in their order."""
    if not isinstance(value, dict) or not isinstance(value.get("axis_config"), dict):
        return
    categories = value["axis_config"].get("categories")
    series = value.get("series")
    for index, line in enumerate(series if isinstance(series, list) else []):
        data = line.get("data") if isinstance(line, dict) else None
        if isinstance(data, list) and [p.get("label") for p in data if isinstance(p, dict)] != categories:
            message = "the labels of a series must be the axis categories"
            yield Fault(f"{pointer}/series/{index}/data", "failed_constraint", message, {"type": "labels"})


def _nested(value: object, pointer: str) -> Iterator[Fault]:
    yield from NESTED(value, pointer)


_XY: Final = {"series": listing(_SERIES, 1, limits.CHART_SERIES, noun="series"), "axis_config": _AXIS}
CHART: Final = by_type({kind: typed(kind, _XY, {}, labels_are_categories) for kind in ("line", "bar", "area")}, "chart")
BLOCKS: Final[dict[str, Check]] = {
    "header": typed("header", {"text": plain(limits.HEADER)}, {**_BLOCK, "level": integer(1, 4)}),
    "section": typed("section", {}, {
        **_BLOCK, "text": words(limits.SECTION_TEXT), "accessory": ACCESSORY, "expand": boolean,
        "fields": listing(words(limits.FIELD_TEXT), 1, limits.SECTION_FIELDS, noun="fields"),
    }, at_least_one("text", "fields")),
    "context": typed("context", {"elements": listing(by_type({
        "plain_text": plain(limits.CONTEXT_TEXT), "mrkdwn": words(limits.CONTEXT_TEXT), "image": IMAGE,
    }, "context element"), 1, limits.CONTEXT_ELEMENTS, noun="elements")}, _BLOCK),
    "divider": typed("divider", {}, _BLOCK),
    "actions": typed("actions", {"elements": listing(ACTIONS, 1, limits.ACTIONS_ELEMENTS, noun="elements")}, _BLOCK),
    "image": typed("image", {"alt_text": string(limits.IMAGE_ALT)}, {
        **_BLOCK, "image_url": url(limits.URL), "title": plain(limits.IMAGE_TITLE),
        "slack_file": shape({}, {"id": _ID, "url": url(limits.URL)}),
    }, exactly_one("image_url", "slack_file")),
    "input": typed("input", {"label": plain(limits.LABEL), "element": INPUTS}, {
        **_BLOCK, "hint": plain(limits.HINT), "optional": boolean, "dispatch_action": boolean}),
    "rich_text": RICH_TEXT,
    "markdown": typed("markdown", {"text": string(limits.MARKDOWN, min_length=1)}, _BLOCK),
    "table": typed("table", {"rows": listing(
        listing(_CELL, 1, limits.TABLE_COLUMNS, noun="cells"), 1, limits.TABLE_ROWS, noun="rows")},
        {**_BLOCK, "column_settings": listing(_COLUMN, 0, limits.TABLE_COLUMNS)}),
    "alert": typed("alert", {"text": words(limits.ALERT)}, {
        **_BLOCK, "level": one_of("default", "info", "warning", "error", "success")}),
    "container": typed("container", {"child_blocks": listing(
        _nested, 1, limits.CONTAINER_BLOCKS, noun="blocks")}, {
        **_BLOCK, "title": plain(limits.CONTAINER_TITLE), "rich_text_title": RICH_TEXT,
        "subtitle": words(limits.CONTAINER_TITLE), "icon": IMAGE, "is_collapsible": boolean,
        "default_collapsed": boolean, "has_header_divider": boolean,
        "width": one_of("narrow", "standard", "wide", "full"),
    }, at_least_one("title", "rich_text_title")),
    "data_visualization": typed("data_visualization", {
        "title": string(limits.CHART_TITLE, min_length=1), "chart": CHART}, _BLOCK),
}  # fmt: skip
NESTED: Final = by_type({name: check for name, check in BLOCKS.items() if name != "container"}, "nested block")
BLOCK: Final = by_type(BLOCKS, "block")

# Where a block may stand; what is not listed may stand anywhere.
SURFACES: Final[dict[str, frozenset[str]]] = {
    "alert": frozenset({"modal"}),
    "markdown": frozenset({"message"}),
    "container": frozenset({"message", "home"}),
    "table": frozenset({"message", "home"}),
    "data_visualization": frozenset({"message", "home"}),
}
