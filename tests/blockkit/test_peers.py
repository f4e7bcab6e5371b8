"""Our verdicts beside those of slackblocks 3 and slack_sdk's models, on payloads at and around every limit.

Contract: what two libraries that others wrote take and refuse. Where they differ from us it is listed, with the reason.
"""

from __future__ import annotations

import copy
import importlib
import os
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block as SdkBlock
from slack_sdk.models.views import View as SdkView

from bot.blockkit import blocks as b
from bot.blockkit import limits
from bot.blockkit.validate import validate_message, validate_view
from tests.slack.payloads import payloads
from tests.slack.situations import situations

if os.environ.get("CI") == "true":
    sb: Any = importlib.import_module("slackblocks")  # the run promised to have it
else:
    sb = pytest.importorskip("slackblocks", reason="slackblocks is not installed (group ci)")

Made = Callable[[int], Any]


def x(length: int) -> str:
    return "x" * length


def options(many: int) -> list[dict[str, Any]]:
    return [b.option(f"o{n}", f"v{n}") for n in range(many)]


def theirs(many: int) -> list[Any]:
    return [sb.Option(text=sb.PlainText(f"o{n}"), value=f"v{n}") for n in range(many)]


def button(**more: Any) -> Any:
    return sb.Button(**({"text": "x", "action_id": "a"} | more))


def acting(*elements: Any) -> Any:
    return sb.ActionsBlock(list(elements))


def chart(points: int = 2, series: int = 1, title: str = "t", label: str = "c", name: str = "s") -> Any:
    labels = [f"{n}"[:1] + label if label != "c" else str(n) for n in range(points)]
    lines = [sb.DataSeries(name if series == 1 else f"s{n}", [sb.DataPoint(c, 1.0) for c in labels])
             for n in range(series)]  # fmt: skip
    return sb.DataVisualizationBlock(title, sb.LineChart(lines, sb.AxisConfig(labels)))


def ours(points: int = 2, series: int = 1, title: str = "t", name: str = "s") -> Any:
    labels = [str(n) for n in range(points)]
    return b.chart(title, labels, {name if series == 1 else f"s{n}": [1.0] * points for n in range(series)})


def told(title: int = 1, text: int = 1, yes: int = 1) -> Any:
    return b.confirm(x(title), x(text), yes=x(yes))


def asked(title: int = 1, text: int = 1, yes: int = 1) -> Any:
    return sb.ConfirmationDialogue(title=sb.PlainText(x(title)), text=sb.PlainText(x(text)),
                                   confirm=sb.PlainText(x(yes)), deny=sb.PlainText("n"))  # fmt: skip


# name: (limit, our block, theirs); each is made with 0, 1, limit - 1, limit and limit + 1 letters or items
BLOCKS: dict[str, tuple[int, Made, Made]] = {
    "header": (limits.HEADER, lambda n: b.header(x(n)), lambda n: sb.HeaderBlock(x(n))),
    "section text": (limits.SECTION_TEXT, lambda n: b.section(x(n)), lambda n: sb.SectionBlock(sb.Markdown(x(n)))),
    "section field": (limits.FIELD_TEXT, lambda n: b.section(fields=[x(n)]), lambda n: sb.SectionBlock(fields=[sb.Markdown(x(n))])),
    "section fields": (limits.SECTION_FIELDS, lambda n: b.section("t", fields=["x"] * n or None), lambda n: sb.SectionBlock("t", fields=["x"] * n or None)),
    "context elements": (limits.CONTEXT_ELEMENTS, lambda n: b.context(*["x"] * n), lambda n: sb.ContextBlock([sb.Markdown("x") for _ in range(n)])),
    "actions elements": (limits.ACTIONS_ELEMENTS, lambda n: b.actions(*(b.button("x", f"a{i}") for i in range(n))), lambda n: acting(*(button(action_id=f"a{i}") for i in range(n)))),
    "button text": (limits.BUTTON_TEXT, lambda n: b.actions(b.button(x(n), "a")), lambda n: acting(button(text=x(n)))),
    "button value": (limits.VALUE, lambda n: b.actions(b.button("x", "a", value=x(n))), lambda n: acting(button(value=x(n)))),
    "button url": (limits.URL, lambda n: b.actions(b.button("x", "a", url=f"https://e.x/{x(n - 12)}")), lambda n: acting(button(url=f"https://e.x/{x(n - 12)}"))),
    "action_id": (limits.ACTION_ID, lambda n: b.actions(b.button("x", x(n))), lambda n: acting(button(action_id=x(n)))),
    "block_id": (limits.BLOCK_ID, lambda n: b.divider(block_id=x(n)), lambda n: sb.DividerBlock(block_id=x(n))),
    "confirm title": (limits.CONFIRM_TITLE, lambda n: b.actions(b.button("x", "a", confirm=told(title=n))), lambda n: acting(button(confirm=asked(title=n)))),
    "confirm text": (limits.CONFIRM_TEXT, lambda n: b.actions(b.button("x", "a", confirm=told(text=n))), lambda n: acting(button(confirm=asked(text=n)))),
    "confirm button": (limits.CONFIRM_BUTTON, lambda n: b.actions(b.button("x", "a", confirm=told(yes=n))), lambda n: acting(button(confirm=asked(yes=n)))),
    "select options": (limits.OPTIONS, lambda n: b.actions(b.static_select("a", options(n))), lambda n: acting(sb.StaticSelectMenu(action_id="a", options=theirs(n), placeholder="p"))),
    "overflow options": (limits.OVERFLOW_OPTIONS, lambda n: b.actions(b.overflow("a", options(n))), lambda n: acting(sb.OverflowMenu(action_id="a", options=theirs(n)))),
    "radio options": (limits.CHOICE_OPTIONS, lambda n: b.actions(b.radio_buttons("a", options(n))), lambda n: acting(sb.RadioButtonGroup(action_id="a", options=theirs(n)))),
    "checkboxes options": (limits.CHOICE_OPTIONS, lambda n: b.actions(b.checkboxes("a", options(n))), lambda n: acting(sb.CheckboxGroup(action_id="a", options=theirs(n)))),
    "option text": (limits.OPTION_TEXT, lambda n: b.actions(b.overflow("a", [b.option(x(n), "v")])), lambda n: acting(sb.OverflowMenu(action_id="a", options=[sb.Option(text=sb.PlainText(x(n)), value="v")]))),
    "option value": (limits.OPTION_VALUE, lambda n: b.actions(b.overflow("a", [b.option("t", x(n))])), lambda n: acting(sb.OverflowMenu(action_id="a", options=[sb.Option(text=sb.PlainText("t"), value=x(n))]))),
    "image alt": (limits.IMAGE_ALT, lambda n: b.image("https://e.x/a.png", x(n)), lambda n: sb.ImageBlock(image_url="https://e.x/a.png", alt_text=x(n))),
    "image title": (limits.IMAGE_TITLE, lambda n: b.image("https://e.x/a.png", "a") | {"title": b.plain(x(n))}, lambda n: sb.ImageBlock(image_url="https://e.x/a.png", alt_text="a", title=sb.PlainText(x(n)))),
    "markdown": (limits.MARKDOWN, lambda n: b.markdown(x(n)), lambda n: sb.MarkdownBlock(x(n))),
    "table rows": (limits.TABLE_ROWS, lambda n: b.table([["a"]] * n), lambda n: sb.TableBlock([[sb.RawText("a")]] * n)),
    "table cells": (limits.TABLE_COLUMNS, lambda n: b.table([["a"] * n]), lambda n: sb.TableBlock([[sb.RawText("a")] * n])),
    "rich list indent": (limits.LIST_INDENT, lambda n: b.rich_text(b.bullets(["x"], indent=n)), lambda n: sb.RichTextBlock([sb.RichTextList("bullet", [sb.RichTextSection([sb.RichText("x")])], indent=n)])),
    "container blocks": (limits.CONTAINER_BLOCKS, lambda n: b.container("t", [b.divider()] * n), lambda n: sb.ContainerBlock([sb.DividerBlock() for _ in range(n)], title="t", is_collapsible=True, default_collapsed=True)),
    "container title": (limits.CONTAINER_TITLE, lambda n: b.container(x(n), [b.divider()]), lambda n: sb.ContainerBlock([sb.DividerBlock()], title=x(n))),
    "chart title": (limits.CHART_TITLE, lambda n: ours(title=x(n)), lambda n: chart(title=x(n))),
    "chart series name": (limits.CHART_LABEL, lambda n: ours(name=x(n)), lambda n: chart(name=x(n))),
    "chart points": (limits.CHART_CATEGORIES, lambda n: ours(points=n), lambda n: chart(points=n)),
    "chart series": (limits.CHART_SERIES, lambda n: ours(series=n), lambda n: chart(series=n)),
    "card title": (limits.CARD_TITLE, lambda n: {"type": "card", "title": b.mrkdwn(x(n))}, lambda n: sb.CardBlock(title=x(n))),
    "card body": (limits.CARD_BODY, lambda n: {"type": "card", "body": b.mrkdwn(x(n))}, lambda n: sb.CardBlock(body=x(n))),
    "card buttons": (limits.CARD_ACTIONS, lambda n: {"type": "card", "title": b.mrkdwn("t"), "actions": [b.button("x", f"a{i}") for i in range(n)]}, lambda n: sb.CardBlock(title="t", actions=[button(action_id=f"a{i}") for i in range(n)])),
    "carousel": (limits.CAROUSEL, lambda n: {"type": "carousel", "elements": [{"type": "card", "title": b.mrkdwn("t")}] * n}, lambda n: sb.CarouselBlock([sb.CardBlock(title="t")] * n)),
    "plan tasks": (limits.TASKS, lambda n: {"type": "plan", "title": "t", "tasks": [{"task_id": str(i), "title": "t", "status": "pending"} for i in range(n)]}, lambda n: sb.PlanBlock("t", [sb.TaskCardBlock(str(i), "t", status="pending") for i in range(n)])),
    "data table rows": (limits.DATA_TABLE_ROWS, lambda n: {"type": "data_table", "caption": "c", "rows": [[{"type": "raw_text", "text": "a"}]] * n}, lambda n: sb.DataTableBlock([[sb.RawText("a")]] * n, "c")),
    "video title": (limits.VIDEO_TITLE, lambda n: {"type": "video", "video_url": "https://e.x/v", "thumbnail_url": "https://e.x/t", "alt_text": "a", "title": b.plain(x(n))}, lambda n: sb.VideoBlock("a", "https://e.x/t", x(n), "https://e.x/v")),
}  # fmt: skip
# the same for what only a modal holds
INPUTS: dict[str, tuple[int, Made, Made]] = {
    "label": (limits.LABEL, lambda n: b.input_block(x(n), b.plain_text_input("a"), block_id="i"), lambda n: sb.InputBlock(label=x(n), element=sb.PlainTextInput(action_id="a"))),
    "hint": (limits.HINT, lambda n: b.input_block("l", b.plain_text_input("a"), block_id="i") | {"hint": b.plain(x(n))}, lambda n: sb.InputBlock(label="l", hint=sb.PlainText(x(n)), element=sb.PlainTextInput(action_id="a"))),
    "placeholder": (limits.PLACEHOLDER, lambda n: b.input_block("l", b.plain_text_input("a") | {"placeholder": b.plain(x(n))}, block_id="i"), lambda n: sb.InputBlock(label="l", element=sb.PlainTextInput(action_id="a", placeholder=sb.PlainText(x(n))))),
    "alert": (limits.ALERT, lambda n: b.alert(x(n)), lambda n: sb.AlertBlock(x(n), "warning")),
}  # fmt: skip
# the same for the view itself
VIEWS: dict[str, tuple[int, Made, Made]] = {
    "title": (limits.VIEW_TITLE, lambda n: b.modal(x(n), [b.divider()], callback_id="c"), lambda n: sb.ModalView(title=x(n), blocks=[sb.DividerBlock()], callback_id="c")),
    "submit": (limits.VIEW_BUTTON, lambda n: b.modal("t", [b.divider()], callback_id="c") | {"submit": b.plain(x(n))}, lambda n: sb.ModalView(title="t", blocks=[sb.DividerBlock()], submit=sb.PlainText(x(n)))),
    "metadata": (limits.PRIVATE_METADATA, lambda n: b.modal("t", [b.divider()], callback_id="c", private_metadata=x(n)), lambda n: sb.ModalView(title="t", blocks=[sb.DividerBlock()], private_metadata=x(n))),
    "callback_id": (limits.CALLBACK_ID, lambda n: b.modal("t", [b.divider()], callback_id=x(n)), lambda n: sb.ModalView(title="t", blocks=[sb.DividerBlock()], callback_id=x(n))),
    "blocks": (limits.VIEW_BLOCKS, lambda n: b.home([b.divider()] * n), lambda n: sb.HomeTabView([sb.DividerBlock() for _ in range(n)])),
}  # fmt: skip

DIFFERENT = {
    ("context elements", 0): "a line with nothing in it",
    ("actions elements", 0): "a row of no buttons: Slack wants at least one",
    ("block_id", 0): "an empty id tells nothing apart",
    ("option value", 0): "the click could not be told apart",
    ("image alt", 0): "whoever cannot see the picture would be told nothing",
    ("markdown", 0): "nothing to show; slack_sdk refuses it too",
    ("table cells", 0): "a row without cells",
    ("chart series", 7): "one source says twelve and another six for lines: we keep to six",
}
"""Where slackblocks takes what we refuse, (what, how many) → why we stay with it."""
NARROWER = {
    ("video title", 200): "the SDK reads `less than 200`, slackblocks at most: nothing of ours has a video",
    ("blocks", 0): "the SDK wants a block in a view; an empty Home tab is what a new person has",
}
"""Where slack_sdk refuses what we take."""
EVERY = {**BLOCKS, **INPUTS, **VIEWS}


def around(limit: int) -> list[int]:
    """Nothing, one, and the limit from below and above."""
    return sorted({0, 1, limit - 1, limit, limit + 1})


def verdict(name: str, size: int) -> bool:
    """Ours."""
    made = EVERY[name][1](size)
    if name in VIEWS:
        return validate_view(made) == []
    if name in INPUTS:
        return validate_view(b.modal("t", [made], callback_id="c", submit="s")) == []
    return validate_message([made]) == []


def taken(name: str, size: int) -> bool:
    """Whether slackblocks lets it be made and rendered."""
    try:
        made = EVERY[name][2](size)
        if name in INPUTS:
            made = sb.ModalView(title="t", blocks=[made], submit=sb.PlainText("s"))
        return bool(repr(made if name in VIEWS or name in INPUTS else sb.Message(channel="C1", blocks=[made])))
    except sb.InvalidUsageError:
        return False


def refused_by_sdk(block: dict[str, Any]) -> bool:
    """Whether slack_sdk's model of a block or view complains; it does not look into every element."""
    copied = copy.deepcopy(block)
    try:
        read = SdkView(**copied) if block.get("type") in {"modal", "home"} else SdkBlock.parse(copied)
        if read is not None:
            read.validate_json()
    except SlackObjectFormationError:
        return True
    return False


@pytest.mark.parametrize("name", EVERY)
def test_slackblocks_agrees_at_every_limit(name: str):
    """At nothing, one, and around the limit both take it or both refuse it, but for a listed few."""
    sizes = around(EVERY[name][0])
    differ = {(name, size) for size in sizes if verdict(name, size) != taken(name, size)}
    assert differ == {one for one in DIFFERENT if one[0] == name}


@pytest.mark.parametrize("name", EVERY)
def test_what_the_sdk_refuses_we_refuse(name: str):
    """slack_sdk's models see less than we do, and nothing we do not see, but for a listed few."""
    sizes = around(EVERY[name][0])
    missed = {(name, size) for size in sizes if verdict(name, size) and refused_by_sdk(EVERY[name][1](size))}
    assert missed == {one for one in NARROWER if one[0] == name}


def test_the_sdk_refuses_nothing_we_send():
    """Every block and view of every situation, in plain words, is read by slack_sdk's models without complaint."""
    read = 0
    for name, situation in situations():
        for payload in payloads(situation, name):
            for one in payload.body["blocks"] if payload.kind == "message" else [payload.body]:
                assert not refused_by_sdk(one), (payload.name, one)
                read += 1
    assert read > 1_000
