"""The pieces a view is built from: small functions that return Slack's blocks as plain dictionaries.

Nothing is cut or escaped here: words from outside go through `untrusted` (mrkdwn) or `clean` (plain_text) first, and
`bot.blockkit.validate` says whether the result may be sent.
"""

from collections.abc import Mapping, Sequence
from datetime import date as date_of_day
from typing import Any, Literal

from bot.blockkit.text import clean, date, escape, link, shorten, untrusted

__all__ = [
    "Block", "Element", "Option", "Text", "View", "actions", "alert", "bullets", "button", "chart", "checkboxes",
    "clean", "confirm", "container", "context", "date", "datepicker", "datetimepicker", "divider", "escape",
    "external_select", "fields", "header", "home", "image", "image_element", "input_block", "link", "markdown", "modal",
    "mrkdwn", "option", "overflow", "plain", "plain_text_input", "preformatted", "quote", "radio_buttons",
    "rich_section", "rich_text", "run", "section", "shorten", "static_select", "table", "untrusted", "users_select",
]  # fmt: skip

Block = dict[str, Any]
Element = dict[str, Any]
Option = dict[str, Any]
Text = dict[str, Any]
View = dict[str, Any]
Style = Literal["primary", "danger"]


def _with(base: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """The base and those optional fields that were given."""
    return base | {name: value for name, value in optional.items() if value is not None}


def plain(text: str) -> Text:
    """A plain_text object: no formatting, no links, nothing to escape."""
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str, *, verbatim: bool | None = None) -> Text:
    """A mrkdwn object; `verbatim` leaves bare URLs and names in it unlinked."""
    return _with({"type": "mrkdwn", "text": text}, verbatim=verbatim)


def header(text: str, *, block_id: str | None = None) -> Block:
    """A headline, at most 150 characters."""
    return _with({"type": "header", "text": plain(text)}, block_id=block_id)


def section(text: str | Text | None = None, *, fields: Sequence[str | Text] | None = None,
            accessory: Element | None = None, block_id: str | None = None) -> Block:  # fmt: skip
    """A paragraph of mrkdwn, up to ten short fields in two columns, or both; `accessory` stands at its right."""
    return _with(
        {"type": "section"},
        text=mrkdwn(text) if isinstance(text, str) else text,
        fields=None if fields is None else [mrkdwn(one) if isinstance(one, str) else one for one in fields],
        accessory=accessory,
        block_id=block_id,
    )


def fields(pairs: Mapping[str, str], *, block_id: str | None = None) -> Block:
    """A section of labelled values: each pair is one field, the label in bold above its value."""
    return section(fields=[f"*{label}*\n{value}" for label, value in pairs.items()], block_id=block_id)


def context(*elements: str | Element, block_id: str | None = None) -> Block:
    """A line of small print: mrkdwn words and image elements, at most ten."""
    return _with(
        {"type": "context", "elements": [mrkdwn(one) if isinstance(one, str) else one for one in elements]},
        block_id=block_id,
    )


def divider(*, block_id: str | None = None) -> Block:
    """A thin line."""
    return _with({"type": "divider"}, block_id=block_id)


def actions(*elements: Element, block_id: str | None = None) -> Block:
    """A row of buttons, selects and menus, at most 25."""
    return _with({"type": "actions", "elements": list(elements)}, block_id=block_id)


def image(url: str, alt: str, *, title: str | None = None, block_id: str | None = None) -> Block:
    """A picture by its address; `alt` says what it shows to those who cannot see it."""
    return _with(
        {"type": "image", "image_url": url, "alt_text": alt}, title=plain(title) if title else None, block_id=block_id
    )


def image_element(url: str, alt: str) -> Element:
    """A small picture for a context line or beside a section."""
    return {"type": "image", "image_url": url, "alt_text": alt}


def markdown(text: str, *, block_id: str | None = None) -> Block:
    """Standard Markdown (messages only, 12,000 characters per message in all)."""
    return _with({"type": "markdown", "text": text}, block_id=block_id)


def alert(text: str, *, level: Literal["default", "info", "warning", "error", "success"] = "warning",
          block_id: str | None = None) -> Block:  # fmt: skip
    """A coloured warning (modals only)."""
    return _with({"type": "alert", "text": mrkdwn(text), "level": level}, block_id=block_id)


def container(title: str, blocks: Sequence[Block], *, collapsed: bool = True, block_id: str | None = None) -> Block:
    """Up to ten blocks a reader opens when they want the detail."""
    return _with(
        {"type": "container", "title": plain(title), "child_blocks": list(blocks)},
        is_collapsible=True, default_collapsed=collapsed, block_id=block_id,
    )  # fmt: skip


def table(rows: Sequence[Sequence[str]], *, block_id: str | None = None) -> Block:
    """Rows of plain cells, the first row being the head."""
    cells = [[{"type": "raw_text", "text": cell} for cell in row] for row in rows]
    return _with({"type": "table", "rows": cells}, block_id=block_id)


def chart(title: str, categories: Sequence[str], series: Mapping[str, Sequence[float]], *, x: str | None = None,
          y: str | None = None, block_id: str | None = None) -> Block:  # fmt: skip
    """A line chart: each series has one number per category. Staged rollouts refuse it: have a classic fallback."""
    lines = [
        {"name": name, "data": [{"label": c, "value": v} for c, v in zip(categories, values, strict=True)]}
        for name, values in series.items()
    ]
    axis = _with({"categories": list(categories)}, x_label=x, y_label=y)
    return _with(
        {"type": "data_visualization", "title": title, "chart": {"type": "line", "series": lines, "axis_config": axis}},
        block_id=block_id,
    )


# -- elements --


def confirm(title: str, text: str, *, yes: str = "Yes", no: str = "Cancel", style: Style | None = None) -> Element:
    """A dialog that asks once more before the click counts."""
    return _with({"title": plain(title), "text": plain(text), "confirm": plain(yes), "deny": plain(no)}, style=style)


def button(text: str, action_id: str, *, value: str | None = None, style: Style | None = None, url: str | None = None,
           confirm: Element | None = None, accessibility_label: str | None = None) -> Element:  # fmt: skip
    """A button; with `url` it also opens a page."""
    return _with(
        {"type": "button", "text": plain(text), "action_id": action_id},
        value=value, style=style, url=url, confirm=confirm, accessibility_label=accessibility_label,
    )  # fmt: skip


def option(text: str, value: str, *, description: str | None = None, url: str | None = None) -> Option:
    """One choice of a menu, select, radio or checkbox group."""
    return _with(
        {"text": plain(text), "value": value}, description=plain(description) if description else None, url=url
    )


def overflow(action_id: str, options: Sequence[Option], *, confirm: Element | None = None) -> Element:
    """The three-dot menu, at most five options."""
    return _with({"type": "overflow", "action_id": action_id, "options": list(options)}, confirm=confirm)


def static_select(action_id: str, options: Sequence[Option], *, placeholder: str = "Choose", initial: str | None = None,
                  confirm: Element | None = None) -> Element:  # fmt: skip
    """A drop-down of up to 100 options; `initial` is the value chosen at first."""
    return _with(
        {"type": "static_select", "action_id": action_id, "options": list(options), "placeholder": plain(placeholder)},
        initial_option=_chosen(options, initial), confirm=confirm,
    )  # fmt: skip


def external_select(action_id: str, *, placeholder: str = "Type to search", min_query_length: int = 1) -> Element:
    """A drop-down whose options the bot answers while the person types."""
    return {"type": "external_select", "action_id": action_id, "placeholder": plain(placeholder),
            "min_query_length": min_query_length}  # fmt: skip


def users_select(action_id: str, *, placeholder: str = "Choose a person", initial: str | None = None) -> Element:
    """A drop-down of the people of the workspace."""
    return _with(
        {"type": "users_select", "action_id": action_id, "placeholder": plain(placeholder)}, initial_user=initial
    )


def radio_buttons(action_id: str, options: Sequence[Option], *, initial: str | None = None) -> Element:
    """One choice of at most ten, all visible."""
    return _with(
        {"type": "radio_buttons", "action_id": action_id, "options": list(options)},
        initial_option=_chosen(options, initial),
    )


def checkboxes(action_id: str, options: Sequence[Option], *, initial: Sequence[str] = ()) -> Element:
    """Any of at most ten choices."""
    ticked = [one for one in options if one["value"] in initial]
    return _with(
        {"type": "checkboxes", "action_id": action_id, "options": list(options)}, initial_options=ticked or None
    )


def plain_text_input(action_id: str, *, multiline: bool = False, initial: str | None = None,
                     placeholder: str | None = None, min_length: int | None = None,
                     max_length: int | None = None) -> Element:  # fmt: skip
    """A text field, at most 3,000 characters."""
    return _with(
        {"type": "plain_text_input", "action_id": action_id, "multiline": multiline},
        initial_value=initial, placeholder=plain(placeholder) if placeholder else None,
        min_length=min_length, max_length=max_length,
    )  # fmt: skip


def datepicker(action_id: str, *, initial: date_of_day | None = None) -> Element:
    """A day of the calendar."""
    return _with({"type": "datepicker", "action_id": action_id}, initial_date=initial.isoformat() if initial else None)


def datetimepicker(action_id: str, *, initial: int | None = None) -> Element:
    """A date and time; `initial` in Unix seconds."""
    return _with({"type": "datetimepicker", "action_id": action_id}, initial_date_time=initial)


def input_block(label: str, element: Element, *, block_id: str, hint: str | None = None, optional: bool = False,
                dispatch_action: bool | None = None) -> Block:  # fmt: skip
    """A question of a modal: label, the element that takes the answer, a hint below."""
    return _with(
        {"type": "input", "block_id": block_id, "label": plain(label), "element": element, "optional": optional},
        hint=plain(hint) if hint else None, dispatch_action=dispatch_action,
    )  # fmt: skip


def _chosen(options: Sequence[Option], value: str | None) -> Option | None:
    return next((one for one in options if one["value"] == value), None) if value is not None else None


# -- rich text --


def run(text: str, *, bold: bool = False, italic: bool = False, strike: bool = False, code: bool = False) -> Element:
    """A run of words in rich text; nothing in it is interpreted, so it needs no escaping."""
    style = {name: True for name, on in (("bold", bold), ("italic", italic), ("strike", strike), ("code", code)) if on}
    return _with({"type": "text", "text": text}, style=style or None)


def rich_section(*runs: str | Element) -> Element:
    """One paragraph of rich text."""
    return {"type": "rich_text_section", "elements": [run(one) if isinstance(one, str) else one for one in runs]}


def bullets(items: Sequence[str | Element], *, ordered: bool = False, indent: int = 0) -> Element:
    """A list at an indent of 0 to 8; deeper answers of the five whys use the next indent."""
    return {
        "type": "rich_text_list", "style": "ordered" if ordered else "bullet", "indent": indent,
        "elements": [rich_section(one) if isinstance(one, str) else one for one in items],
    }  # fmt: skip


def preformatted(text: str) -> Element:
    """Words in a fixed-width box: a diff, a log line, a command."""
    return {"type": "rich_text_preformatted", "elements": [run(text)]}


def quote(text: str) -> Element:
    """Somebody's words, set off."""
    return {"type": "rich_text_quote", "elements": [run(text)]}


def rich_text(*elements: Element, block_id: str | None = None) -> Block:
    """A block of sections, lists, quotes and boxes."""
    return _with({"type": "rich_text", "elements": list(elements)}, block_id=block_id)


# -- views --


def modal(title: str, blocks: Sequence[Block], *, callback_id: str, submit: str | None = None, close: str = "Cancel",
          private_metadata: str | None = None, notify_on_close: bool | None = None, clear_on_close: bool | None = None,
          external_id: str | None = None) -> View:  # fmt: skip
    """A dialog over the conversation; with inputs it needs a `submit` label."""
    return _with(
        {"type": "modal", "title": plain(title), "blocks": list(blocks), "callback_id": callback_id},
        submit=plain(submit) if submit else None, close=plain(close), private_metadata=private_metadata,
        notify_on_close=notify_on_close, clear_on_close=clear_on_close, external_id=external_id,
    )  # fmt: skip


def home(blocks: Sequence[Block], *, callback_id: str | None = None, private_metadata: str | None = None) -> View:
    """What one person sees on the bot's Home tab."""
    return _with({"type": "home", "blocks": list(blocks)}, callback_id=callback_id, private_metadata=private_metadata)
