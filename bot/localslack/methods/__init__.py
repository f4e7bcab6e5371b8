"""The Web API methods of the practice workspace, by name; a name that is not here answers `unknown_method`."""

from bot.localslack.methods import chat, conversations, rest, views
from bot.localslack.methods.arguments import Method

METHODS: dict[str, Method] = {**chat.METHODS, **conversations.METHODS, **views.METHODS, **rest.METHODS}
