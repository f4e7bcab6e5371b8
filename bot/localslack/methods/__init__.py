"""The Web API methods of the practice workspace, by name; a name that is not here answers `unknown_method`."""

from typing import Any

from bot.localslack import scopes
from bot.localslack.methods import canvases, chat, conversations, directory, later, marks, rest, views
from bot.localslack.methods.arguments import Call, Method
from bot.localslack.workspace import SlackError

_FAMILIES = (chat, later, conversations, views, directory, marks, canvases, rest)


def _scoped(name: str, method: Method) -> Method:
    """The method behind the scopes it asks for."""

    def asked(call: Call) -> dict[str, Any]:
        provided = call.workspace.settings.scopes
        lacking = scopes.lacking(provided, scopes.needed(name, _kind(name, call), _types(call)))
        if lacking:
            raise SlackError("missing_scope", needed=",".join(lacking), provided=",".join(provided))
        return method(call)

    return asked


def _kind(name: str, call: Call) -> str:
    """The kind of the conversation a call concerns; of a public channel where it concerns none that is there."""
    if name == "conversations.create":
        return "group" if call.flag("is_private") else "channel"
    room = call.workspace.rooms.get(call.text("channel"))
    return room.kind if room else "channel"


def _types(call: Call) -> list[str]:
    return (call.text("types") or "public_channel").replace(" ", "").split(",")


METHODS: dict[str, Method] = {
    name: _scoped(name, method) for family in _FAMILIES for name, method in family.METHODS.items()
}
