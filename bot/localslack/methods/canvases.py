"""canvases.*: documents beside the conversation, kept as Markdown and edited by section."""

import re
from typing import Any

from bot.localslack.methods.arguments import Call, Method
from bot.localslack.workspace import SlackError

LARGEST = 2**20
"""Characters of Markdown in one canvas (1 MiB)."""
_WHERE = frozenset({"insert_after", "insert_before", "insert_at_start", "insert_at_end", "replace", "delete", "rename"})
_BY_SECTION = frozenset({"insert_after", "insert_before", "delete"})


def _markdown(given: Any) -> str:
    if given is None:
        return ""
    if not isinstance(given, dict) or given.get("type") != "markdown" or not isinstance(given.get("markdown"), str):
        raise SlackError("invalid_arguments")
    text: str = given["markdown"]
    if len(text) > LARGEST:
        raise SlackError("content_too_long")
    return text


def _sections(call: Call, text: str) -> list[dict[str, str]]:
    """A canvas is a row of sections: headings and what stands between empty lines."""
    parts = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    return [{"id": call.workspace.new_id("temp:C:"), "text": part.strip("\n")} for part in parts]


def _keep(call: Call, canvas: dict[str, Any]) -> None:
    if sum(len(one["text"]) + 2 for one in canvas["sections"]) > LARGEST:
        raise SlackError("content_too_long")
    call.workspace.memory.keep("canvas", canvas["id"], canvas)
    call.workspace.changed("rooms")


def _canvas(call: Call) -> dict[str, Any]:
    found: dict[str, Any] | None = call.workspace.memory.get("canvas", call.need("canvas_id"))
    if found is None:
        raise SlackError("canvas_not_found")
    return found


def _made(call: Call, title: str, channel: str) -> dict[str, Any]:
    sections = _sections(call, _markdown(call.json("document_content")))
    canvas = {"id": call.workspace.new_id("F"), "title": title, "channel": channel, "sections": sections}
    _keep(call, canvas)
    return {"canvas_id": canvas["id"]}


def create(call: Call) -> dict[str, Any]:
    """canvases.create: one of its own, shown in a channel where `channel_id` names one."""
    room = call.workspace.room_of_bot(call.text("channel_id")) if call.text("channel_id") else None
    return _made(call, call.text("title") or "Untitled", room.id if room else "")


def create_in_channel(call: Call) -> dict[str, Any]:
    """conversations.canvases.create: the one canvas of a channel."""
    room = call.workspace.room_of_bot(call.need("channel_id"))
    key = f"of {room.id}"
    if call.workspace.memory.get("canvas of", key):
        raise SlackError("channel_canvas_already_exists")
    made = _made(call, call.text("title") or room.name, room.id)
    call.workspace.memory.keep("canvas of", key, made["canvas_id"])
    return made


def edit(call: Call) -> dict[str, Any]:
    """canvases.edit: one change at a time, as Slack takes them."""
    canvas = _canvas(call)
    changes = call.json("changes")
    if not isinstance(changes, list) or len(changes) != 1 or not isinstance(changes[0], dict):
        raise SlackError("invalid_arguments")
    change = changes[0]
    what, named = change.get("operation"), str(change.get("section_id") or "")
    if what not in _WHERE:
        raise SlackError("invalid_arguments")
    if what == "rename":
        canvas["title"] = _markdown(change.get("title_content")) or canvas["title"]
    else:
        canvas["sections"] = _edited(call, canvas["sections"], str(what), named, change)
    _keep(call, canvas)
    return {}


def _edited(call: Call, held: list[dict[str, str]], what: str, named: str, change: dict[str, Any]) -> list[Any]:
    fresh = _sections(call, _markdown(change.get("document_content")))
    place = next((at for at, one in enumerate(held) if one["id"] == named), None)
    if place is None and (named or what in _BY_SECTION):
        raise SlackError("canvas_editing_failed")
    if what == "insert_at_start":
        return [*fresh, *held]
    if what == "insert_at_end":
        return [*held, *fresh]
    if place is None:
        return fresh  # replace without a section: the whole canvas
    before, after = held[:place], held[place + 1 :]
    middle = {"insert_after": [held[place], *fresh], "insert_before": [*fresh, held[place]], "replace": fresh}
    return [*before, *middle.get(what, []), *after]


def lookup(call: Call) -> dict[str, Any]:
    """canvases.sections.lookup: the sections that hold a text."""
    criteria = call.json("criteria")
    wanted = str(criteria.get("contains_text") or "") if isinstance(criteria, dict) else ""
    found = [one for one in _canvas(call)["sections"] if wanted.casefold() in one["text"].casefold()]
    return {"sections": [{"id": one["id"]} for one in found]}


def delete(call: Call) -> dict[str, Any]:
    """canvases.delete."""
    canvas = _canvas(call)
    call.workspace.memory.drop("canvas", canvas["id"])
    if call.workspace.memory.get("canvas of", f"of {canvas['channel']}") == canvas["id"]:
        call.workspace.memory.drop("canvas of", f"of {canvas['channel']}")
    call.workspace.changed("rooms")
    return {}


METHODS: dict[str, Method] = {
    "canvases.create": create, "conversations.canvases.create": create_in_channel, "canvases.edit": edit,
    "canvases.sections.lookup": lookup, "canvases.delete": delete,
}  # fmt: skip
