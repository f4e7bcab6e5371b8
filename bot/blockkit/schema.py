"""Slack's rules for each block, and where a block may stand.

Source: Slack's public Block Kit reference (docs.slack.dev/reference/block-kit/blocks), npm @slack/types 3.2.
"""

from typing import Final

from bot.blockkit import limits
from bot.blockkit.elements import ACCESSORY, ACTIONS, BLOCK_ID, FILE, IMAGE, INPUTS, RICH_TEXT, plain, typed, words
from bot.blockkit.newer import NEWER, container
from bot.blockkit.shapes import (
    Check,
    at_least_one,
    boolean,
    by_type,
    exactly_one,
    listing,
    one_of,
    string,
    url,
)

CLASSIC: Final[dict[str, Check]] = {
    "header": typed("header", {"text": plain(limits.HEADER)}, BLOCK_ID),
    "section": typed("section", {}, {
        **BLOCK_ID, "text": words(limits.SECTION_TEXT), "accessory": ACCESSORY, "expand": boolean,
        "fields": listing(words(limits.FIELD_TEXT), 1, limits.SECTION_FIELDS, noun="fields"),
    }, at_least_one("text", "fields")),
    "context": typed("context", {"elements": listing(by_type({
        "plain_text": plain(limits.CONTEXT_TEXT), "mrkdwn": words(limits.CONTEXT_TEXT), "image": IMAGE,
    }, "context element"), 1, limits.CONTEXT_ELEMENTS, noun="elements")}, BLOCK_ID),
    "divider": typed("divider", {}, BLOCK_ID),
    "actions": typed("actions", {"elements": listing(
        ACTIONS, 1, limits.ACTIONS_ELEMENTS, noun="elements")}, BLOCK_ID),
    "image": typed("image", {"alt_text": string(limits.IMAGE_ALT, min_length=1)}, {
        **BLOCK_ID, "image_url": url(limits.URL), "title": plain(limits.IMAGE_TITLE), "slack_file": FILE,
    }, exactly_one("image_url", "slack_file")),
    "input": typed("input", {"label": plain(limits.LABEL), "element": INPUTS}, {
        **BLOCK_ID, "hint": plain(limits.HINT), "optional": boolean, "dispatch_action": boolean}),
    "rich_text": RICH_TEXT,
    "markdown": typed("markdown", {"text": string(limits.MARKDOWN, min_length=1)}, BLOCK_ID),
    "video": typed("video", {
        "video_url": url(limits.URL), "thumbnail_url": url(limits.URL), "alt_text": string(
            limits.IMAGE_ALT, min_length=1), "title": plain(limits.VIDEO_TITLE)}, {
        **BLOCK_ID, "title_url": url(limits.VIDEO_LINK), "author_name": string(limits.VIDEO_NAME),
        "provider_name": string(limits.VIDEO_NAME), "provider_icon_url": url(limits.VIDEO_LINK),
        "description": plain(limits.VIDEO_TITLE)}),
    "file": typed("file", {"source": one_of("remote"), "external_id": string(
        limits.EXTERNAL_ID, min_length=1)}, BLOCK_ID),
}  # fmt: skip
_INSIDE: Final = frozenset({
    "actions", "context", "divider", "file", "header", "image", "input", "rich_text", "section", "table", "video",
})  # fmt: skip
NESTED: Final = {name: check for name, check in {**CLASSIC, **NEWER}.items() if name in _INSIDE}
BLOCKS: Final[dict[str, Check]] = {**CLASSIC, **NEWER, "container": container(NESTED)}
BLOCK: Final = by_type(BLOCKS, "block")

_MESSAGE: Final = frozenset({"message"})
_OPEN: Final = frozenset({"message", "home"})
# Where a block may stand; what is not listed may stand anywhere.
SURFACES: Final[dict[str, frozenset[str]]] = {
    "alert": frozenset({"modal"}), "carousel": _OPEN, "container": _OPEN, "context_actions": _MESSAGE,
    "data_table": _OPEN, "data_visualization": _OPEN, "file": _MESSAGE, "markdown": _MESSAGE, "plan": _MESSAGE,
    "table": _OPEN, "task_card": _MESSAGE,
}  # fmt: skip
