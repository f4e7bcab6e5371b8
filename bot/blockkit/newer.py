"""The rules of the blocks Slack added in 2025 and 2026: tables, charts, cards, containers, plans.

Source: docs.slack.dev/reference/block-kit/blocks, npm @slack/types 3.2 for all but the chart. Where one publishes no
number the other's is kept; charts take the smallest number any source names.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from bot.blockkit import limits
from bot.blockkit.elements import BLOCK_ID, BUTTON, FEEDBACK, ICON_BUTTON, IMAGE, RICH_TEXT, plain, typed, words
from bot.blockkit.shapes import (
    Check,
    Fault,
    at_least_one,
    boolean,
    by_type,
    integer,
    listing,
    number,
    one_of,
    shape,
    string,
    url,
    values,
)

# -- tables --

_RAW: Final = typed("raw_text", {"text": string(limits.SECTION_TEXT, min_length=1)})
_NUMBER: Final = typed("raw_number", {"value": number, "text": string(100, min_length=1)})
_CELL: Final = by_type({"raw_text": _RAW, "raw_number": _NUMBER, "rich_text": RICH_TEXT}, "table cell")
_COLUMN: Final = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})


def _table_is_even(value: object, pointer: str) -> Iterator[Fault]:
    """Each row of a data table has as many cells, and all its words have at most 20,000 characters."""
    rows = value.get("rows") if isinstance(value, dict) else None
    rows = [row for row in rows if isinstance(row, list)] if isinstance(rows, list) else []
    wide = {len(row) for row in rows}
    if len(wide) > 1:
        rule: dict[str, object] = {"type": "columns", "expected": len(rows[0]), "got": sorted(wide)}
        yield Fault(f"{pointer}/rows", "failed_constraint", "all rows must have the same number of cells", rule)
    size = sum(len(one["text"]) for one in values(rows) if isinstance(one.get("text"), str))
    if size > limits.DATA_TABLE:
        rule = {"type": "max_length", "expected": limits.DATA_TABLE, "got": size}
        yield Fault(f"{pointer}/rows", "failed_constraint", f"cells hold at most {limits.DATA_TABLE} characters", rule)


# -- charts --

_LABEL: Final = string(limits.CHART_LABEL)
_POINTS: Final = listing(shape({"label": _LABEL, "value": number}), 1, limits.CHART_CATEGORIES, noun="data points")
_SERIES: Final = shape({"name": string(limits.CHART_LABEL, min_length=1), "data": _POINTS})
_AXIS: Final = shape(
    {"categories": listing(_LABEL, 1, limits.CHART_CATEGORIES, noun="categories")},
    {"x_label": string(limits.CHART_TITLE), "y_label": string(limits.CHART_TITLE)},
)


def labels_are_categories(value: object, pointer: str) -> Iterator[Fault]:
    """Every series of a chart names the axis categories, in their order; no two series share a name."""
    if not isinstance(value, dict) or not isinstance(value.get("axis_config"), dict):
        return
    categories = value["axis_config"].get("categories")
    series = value.get("series")
    names: list[object] = []
    for index, line in enumerate(series if isinstance(series, list) else []):
        data = line.get("data") if isinstance(line, dict) else None
        if isinstance(data, list) and [p.get("label") for p in data if isinstance(p, dict)] != categories:
            message = "the labels of a series must be the axis categories"
            yield Fault(f"{pointer}/series/{index}/data", "failed_constraint", message, {"type": "labels"})
        name = line.get("name") if isinstance(line, dict) else None
        if name is not None and name in names:
            rule = {"type": "unique", "got": name}
            yield Fault(f"{pointer}/series/{index}/name", "duplicate_value", f"series {name!r} already exists", rule)
        names.append(name)


_XY: Final = {"series": listing(_SERIES, 1, limits.CHART_SERIES, noun="series"), "axis_config": _AXIS}
_SLICE: Final = shape({"label": string(limits.CHART_LABEL, min_length=1), "value": number})
CHART: Final = by_type({
    **{kind: typed(kind, _XY, {}, labels_are_categories) for kind in ("line", "bar", "area")},
    "pie": typed("pie", {"segments": listing(_SLICE, 1, limits.CHART_SEGMENTS, noun="segments")}),
}, "chart")  # fmt: skip

# -- cards, containers, plans --


def _collapses(value: object, pointer: str) -> Iterator[Fault]:
    """Only what can be collapsed may be so at first; only what cannot be shows a line below its head."""
    folds = isinstance(value, dict) and value.get("is_collapsible") is True
    for name, wrong in (("default_collapsed", not folds), ("has_header_divider", folds)):
        if wrong and isinstance(value, dict) and value.get(name) is True:
            rule: dict[str, object] = {"type": "is_collapsible", "expected": not folds}
            yield Fault(f"{pointer}/{name}", "failed_constraint", f"{name} does not fit is_collapsible", rule)


def _unique_tasks(value: object, pointer: str) -> Iterator[Fault]:
    tasks = value.get("tasks") if isinstance(value, dict) else None
    seen: set[object] = set()
    for index, task in enumerate(tasks if isinstance(tasks, list) else []):
        name = task.get("task_id") if isinstance(task, dict) else None
        if isinstance(name, str) and name in seen:
            rule: dict[str, object] = {"type": "unique", "got": name}
            yield Fault(f"{pointer}/tasks/{index}/task_id", "duplicate_id", f"task {name!r} already exists", rule)
        seen.add(name if isinstance(name, str) else None)


CARD: Final = typed("card", {}, {
    **BLOCK_ID, "hero_image": IMAGE, "icon": IMAGE, "title": words(limits.CARD_TITLE),
    "subtitle": words(limits.CARD_TITLE), "body": words(limits.CARD_BODY),
    "actions": listing(BUTTON, 0, limits.CARD_ACTIONS, noun="buttons"),
}, at_least_one("hero_image", "title", "actions", "body"))  # fmt: skip
_SOURCE: Final = typed("url", {"url": url(limits.URL), "text": string(limits.SECTION_TEXT, min_length=1)})
_TASK: Final = {"task_id": string(limits.BLOCK_ID, min_length=1), "title": string(limits.SECTION_TEXT, min_length=1)}
_TASK_MAY: Final = {"details": RICH_TEXT, "output": RICH_TEXT, "sources": listing(_SOURCE, 0, 100)}
_STATES: Final = ("pending", "in_progress", "complete", "error")

NEWER: Final[dict[str, Check]] = {
    "alert": typed("alert", {"text": words(limits.ALERT)}, {
        **BLOCK_ID, "level": one_of("default", "info", "warning", "error", "success")}),
    "card": CARD,
    "carousel": typed("carousel", {"elements": listing(CARD, 1, limits.CAROUSEL, noun="cards")}, BLOCK_ID),
    "context_actions": typed("context_actions", {"elements": listing(by_type({
        "feedback_buttons": FEEDBACK, "icon_button": ICON_BUTTON}, "element"),
        1, limits.CONTEXT_ACTIONS, noun="elements")}, BLOCK_ID),
    "data_table": typed("data_table", {
        "caption": string(limits.SECTION_TEXT, min_length=1), "rows": listing(
            listing(_CELL, 1, limits.TABLE_COLUMNS, noun="cells"), 2, limits.DATA_TABLE_ROWS, noun="rows")},
        {**BLOCK_ID, "page_size": integer(1, 100), "row_header_column_index": integer(0, limits.TABLE_COLUMNS - 1)},
        _table_is_even),
    "data_visualization": typed("data_visualization", {
        "title": string(limits.CHART_TITLE, min_length=1), "chart": CHART}, BLOCK_ID),
    "plan": typed("plan", {"title": string(limits.SECTION_TEXT, min_length=1)}, {
        **BLOCK_ID, "tasks": listing(shape(_TASK, {
            **_TASK_MAY, "status": one_of(*_STATES), "type": one_of("task_card")}), 0, limits.TASKS, noun="tasks")},
        _unique_tasks),
    "table": typed("table", {"rows": listing(
        listing(_CELL, 1, limits.TABLE_COLUMNS, noun="cells"), 1, limits.TABLE_ROWS, noun="rows")},
        {**BLOCK_ID, "column_settings": listing(_COLUMN, 0, limits.TABLE_COLUMNS)}),
    "task_card": typed("task_card", {**_TASK, "status": one_of(*_STATES[1:])}, {**BLOCK_ID, **_TASK_MAY}),
}  # fmt: skip


def container(inner: Mapping[str, Check]) -> Check:
    """A container of up to ten blocks of these kinds."""
    return typed(
        "container",
        {"child_blocks": listing(by_type(inner, "nested block"), 1, limits.CONTAINER_BLOCKS, noun="blocks")},
        {**BLOCK_ID, "title": plain(limits.CONTAINER_TITLE), "rich_text_title": RICH_TEXT,
         "subtitle": words(limits.CONTAINER_TITLE), "icon": IMAGE, "is_collapsible": boolean,
         "default_collapsed": boolean, "has_header_divider": boolean,
         "width": one_of("narrow", "standard", "wide", "full")},
        at_least_one("title", "rich_text_title"), _collapses,
    )  # fmt: skip
