"""Counts how webhooks are answered, whatever becomes of them: what is turned away because of us breaks a promise."""

from __future__ import annotations

from typing import Any

from bot.engine.vitals import Vitals

WEBHOOKS = "/alerts/"
"""Where senders of alerts knock."""


class Counted:
    """Middleware: tells the status of every webhook's answer; a fault that reaches it is a 500."""

    def __init__(self, app: Any, *, vitals: Vitals) -> None:
        self.app, self.vitals = app, vitals

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(WEBHOOKS):
            await self.app(scope, receive, send)
            return
        status = 500

        async def say(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, say)
        finally:
            self.vitals.webhook(status)
