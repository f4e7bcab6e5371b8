"""Between a script and everybody else: so many requests for each token, and no body twice that has not changed."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from bot.clock import Clock

API = "/api/"
MOST_KNOWN = 4096
"""Tokens whose pace is remembered; whoever was not heard for longest begins anew."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many requests a token may make at once, and how many a second for ever."""

    burst: int = 1200
    per_second: float = 40.0


class Paced:
    """Middleware for the API alone: a login in a browser is paced by the person who presses."""

    def __init__(self, app: Any, *, clock: Clock, pace: Pace) -> None:
        self.app, self._clock, self._pace = app, clock, pace
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        wait = self._wait(headers) if headers.get("authorization") else 0.0
        if wait:
            because = "too many requests of this token; everybody else must get their turn"
            refusal = JSONResponse({"because": because}, 429, headers={"Retry-After": str(math.ceil(wait))})
            await refusal(scope, receive, send)
        elif scope["method"] == "GET":
            await self._told_once(scope, receive, send, headers.get("if-none-match", ""))
        else:
            await self.app(scope, receive, send)

    def _wait(self, headers: Headers) -> float:
        """Seconds until this token may ask, 0.0 where it may now; counts the request where it may."""
        whose = f"{headers.get('authorization')}\n{headers.get('x-tocsin-person', '')}"
        name, now = hashlib.sha256(whose.encode("utf-8", "replace")).hexdigest(), self._clock.now()
        left, at = self._left.get(name, (float(self._pace.burst), now))
        left = min(self._pace.burst, left + max((now - at).total_seconds(), 0.0) * self._pace.per_second)
        allowed = left >= 1
        self._left[name] = (left - 1 if allowed else left, now)
        self._left.move_to_end(name)
        while len(self._left) > MOST_KNOWN:
            self._left.popitem(last=False)
        return 0.0 if allowed else max((1 - left) / self._pace.per_second, 0.001)

    async def _told_once(self, scope: Any, receive: Any, send: Any, known: str) -> None:
        """Answers in JSON get an ETag; one the asker has already is a 304. A stream goes through as it comes."""
        start: Any = None
        body = bytearray()

        async def say(message: Any) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("content-type", "")
                if message["status"] == 200 and kind.startswith("application/json"):  # noqa: PLR2004
                    start = message
                    return
            if start is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await _tagged(start, bytes(body), known, send)

        await self.app(scope, receive, say)


async def _tagged(start: Any, body: bytes, known: str, send: Any) -> None:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["ETag"] = tag
    same = {each.strip().removeprefix("W/") for each in known.split(",")} & {tag, "*"}
    if same:
        del headers["content-length"]
        del headers["content-type"]
        start, body = {**start, "status": 304}, b""
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
