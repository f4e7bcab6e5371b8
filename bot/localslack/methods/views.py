"""views.*: modals by trigger, and Home tabs."""

from typing import Any

from bot.localslack.methods.arguments import Call, Method


def opened(call: Call) -> dict[str, Any]:
    """views.open."""
    return {"view": call.dialogs.open(call.need("trigger_id"), call.json("view"))}


def push(call: Call) -> dict[str, Any]:
    """views.push."""
    return {"view": call.dialogs.push(call.need("trigger_id"), call.json("view"))}


def update(call: Call) -> dict[str, Any]:
    """views.update."""
    if not call.text("external_id"):
        call.need("view_id")
    view = call.dialogs.update(
        call.json("view"), view_id=call.text("view_id"), external_id=call.text("external_id"), known=call.text("hash")
    )
    return {"view": view}


def publish(call: Call) -> dict[str, Any]:
    """views.publish."""
    return {"view": call.dialogs.publish(call.need("user_id"), call.json("view"), known=call.text("hash"))}


METHODS: dict[str, Method] = {
    "views.open": opened, "views.push": push, "views.update": update, "views.publish": publish,
}  # fmt: skip
