"""Hands a browser the new id of its session, whatever page it was that it asked for."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from bot.web.auth import Doorkeeper

FRESH = "fresh_session"
"""Where the door leaves the new cookie, in the request's state."""


class Turnover:
    """Middleware: an answer carries the cookie that the door drew anew for it."""

    def __init__(self, app: Any, *, door: Doorkeeper) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start" and (fresh := state.get(FRESH)):
                headers = MutableHeaders(scope=message)
                given = f"{self.door.cookie}=".encode()
                if not any(name == b"set-cookie" and value.startswith(given) for name, value in headers.raw):
                    answer = Response()
                    self.door.give(answer, fresh)
                    headers.append("set-cookie", answer.headers["set-cookie"])
            await send(message)

        await self.app(scope, receive, say)
