"""Says, before anything is sent, whether Slack would take a message or view, and names every place it would not."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from bot.blockkit import limits, schema
from bot.blockkit.elements import plain
from bot.blockkit.shapes import Check, Fault, boolean, listing, one_of, shape, string, values

__all__ = ["Fault", "validate_message", "validate_view"]


def validate_message(blocks: object, text: str | None = None) -> list[Fault]:
    """All faults of a message; empty when Slack would take it. `text` is the notification text beside the blocks."""
    faults: list[Fault] = []
    if blocks is not None:
        faults += _blocks(blocks, "/blocks", "message", limits.MESSAGE_BLOCKS)
    if text is not None and len(text) > limits.MESSAGE_TEXT:
        rule = {"type": "max_length", "expected": limits.MESSAGE_TEXT, "got": len(text)}
        faults.append(Fault("/text", "failed_constraint", f"must be at most {limits.MESSAGE_TEXT} characters", rule))
    return faults


def validate_view(view: object) -> list[Fault]:
    """All faults of a modal or Home tab; empty when Slack would take it."""
    if not isinstance(view, dict):
        return [Fault("", "wrong_type", "a view must be an object", {"type": "type", "expected": "an object"})]
    kind = view.get("type")
    if not isinstance(kind, str) or kind not in _VIEWS:
        rule = {"type": "enum", "expected": sorted(_VIEWS), "got": kind}
        return [Fault("/type", "unsupported_type", f"unsupported type of view: {kind!s:.40}", rule)]
    faults = list(_VIEWS[kind](view, ""))
    faults += _blocks(view.get("blocks"), "/blocks", kind, limits.VIEW_BLOCKS)
    asks = any(one.get("type") == "input" for one in _dicts(view.get("blocks")))
    if kind == "modal" and asks and view.get("submit") is None:
        message = "a modal with an input block needs a submit label"
        faults.append(Fault("/submit", "missing_field", message, {"type": "required", "expected": "submit"}))
    size = len(json.dumps(view, ensure_ascii=False, default=str).encode("utf-8", "replace"))
    if size > limits.VIEW_BYTES:
        rule = {"type": "max_bytes", "expected": limits.VIEW_BYTES, "got": size}
        faults.append(Fault("", "failed_constraint", f"view must be at most {limits.VIEW_BYTES} bytes", rule))
    return faults


def _anything(_value: object, _pointer: str) -> Iterator[Fault]:
    yield from ()


_COMMON: dict[str, Check] = {
    "callback_id": string(limits.CALLBACK_ID), "external_id": string(limits.EXTERNAL_ID),
    "private_metadata": string(limits.PRIVATE_METADATA),
}  # fmt: skip
_VIEWS: dict[str, Check] = {
    "modal": shape(
        {"type": one_of("modal"), "title": plain(limits.VIEW_TITLE), "blocks": _anything},
        {**_COMMON, "submit": plain(limits.VIEW_BUTTON), "close": plain(limits.VIEW_BUTTON),
         "clear_on_close": boolean, "notify_on_close": boolean},
    ),
    "home": shape({"type": one_of("home"), "blocks": _anything}, _COMMON),
}  # fmt: skip


def _dicts(blocks: object) -> list[dict[str, Any]]:
    return [one for one in blocks if isinstance(one, dict)] if isinstance(blocks, list) else []


def _blocks(blocks: object, pointer: str, surface: str, most: int) -> list[Fault]:
    """The faults of a list of blocks: each by itself, then the rules between them."""
    faults = list(listing(schema.BLOCK, 0, most, noun="blocks")(blocks, pointer))
    for rule in _BETWEEN:
        faults += rule(blocks, pointer, surface)
    return faults


def _surfaces(blocks: object, pointer: str, surface: str) -> Iterator[Fault]:
    for where, block in _placed(blocks, pointer):
        allowed = schema.SURFACES.get(str(block.get("type")))
        if allowed is not None and surface not in allowed:
            message = f"{block['type']} blocks are not available in a {surface}"
            rule = {"type": "surface", "expected": sorted(allowed), "got": surface}
            yield Fault(f"{where}/type", "unsupported_surface", message, rule)


def _unique_ids(blocks: object, pointer: str, _surface: str) -> Iterator[Fault]:
    """block_id is unique in the whole surface, action_id within its block (Slack, interaction payloads)."""
    seen: set[str] = set()
    for where, block in _placed(blocks, pointer):
        name = block.get("block_id")
        if isinstance(name, str):
            if name in seen:
                message = f"`block_id` {name!r:.80} already exists"
                yield Fault(f"{where}/block_id", "duplicate_id", message, {"type": "unique", "got": name})
            seen.add(name)
        yield from _unique_actions(block, where)


def _unique_actions(block: dict[str, Any], where: str) -> Iterator[Fault]:
    actions: set[str] = set()
    for index, element in enumerate(_dicts(block.get("elements"))):
        name = element.get("action_id")
        if isinstance(name, str) and name in actions:
            message = f"`action_id` {name!r:.80} already exists"
            yield Fault(f"{where}/elements/{index}/action_id", "duplicate_id", message, {"type": "unique", "got": name})
        elif isinstance(name, str):
            actions.add(name)


def _counts(blocks: object, pointer: str, surface: str) -> Iterator[Fault]:
    kinds = [str(block.get("type")) for _, block in _placed(blocks, pointer)]
    for kind, most in (("table", limits.TABLES), ("data_visualization", limits.CHARTS)):
        if kinds.count(kind) > most:
            rule = {"type": "max_items", "expected": most, "got": kinds.count(kind)}
            yield Fault(pointer, "failed_constraint", f"no more than {most} {kind} blocks in a {surface}", rule)


def _one_focus(blocks: object, pointer: str, _surface: str) -> Iterator[Fault]:
    """The cursor starts in one field at most."""
    wanted = [one for one in values(blocks) if one.get("focus_on_load") is True]
    if len(wanted) > 1:
        rule = {"type": "max_items", "expected": 1, "got": len(wanted)}
        yield Fault(pointer, "failed_constraint", "only one element may have focus_on_load", rule)


def _weight(blocks: object, pointer: str, surface: str) -> Iterator[Fault]:
    """`msg_blocks_too_long`: a limit on the whole message although each block is legal."""
    if surface != "message":
        return
    markdown = sum(
        len(b["text"]) for b in _dicts(blocks) if b.get("type") == "markdown" and isinstance(b.get("text"), str)
    )
    if markdown > limits.MARKDOWN:
        rule = {"type": "max_length", "expected": limits.MARKDOWN, "got": markdown}
        yield Fault(pointer, "failed_constraint", f"markdown blocks hold at most {limits.MARKDOWN} characters", rule)
    weight = weigh(blocks)
    if weight > limits.MESSAGE_WEIGHT:
        rule = {"type": "max_message", "expected": limits.MESSAGE_WEIGHT, "got": weight}
        message = f"msg_blocks_too_long: the message weighs {weight} characters, {limits.MESSAGE_WEIGHT} are allowed"
        yield Fault(pointer, "msg_blocks_too_long", message, rule)


def weigh(blocks: object) -> int:
    """The size of a message as Slack seems to count it: its characters plus what each block and element costs."""
    weight = 0
    for node in values(blocks):
        weight += sum(
            len(node[name]) for name in ("text", "alt_text", "title", "label") if isinstance(node.get(name), str)
        )
        if str(node.get("type")) not in {"plain_text", "mrkdwn", "raw_text", "None"}:
            weight += limits.ELEMENT_WEIGHT
    return weight


def _placed(blocks: object, pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every block with its place, those inside containers too."""
    for index, block in enumerate(blocks if isinstance(blocks, list) else []):
        if isinstance(block, dict):
            yield f"{pointer}/{index}", block
            yield from _placed(block.get("child_blocks"), f"{pointer}/{index}/child_blocks")


_BETWEEN: tuple[Callable[[object, str, str], Iterator[Fault]], ...] = (
    _surfaces, _unique_ids, _counts, _one_focus, _weight,
)  # fmt: skip
