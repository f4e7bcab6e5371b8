"""Somebody who listens to the console's stream: the app itself, driven as a server drives it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx

from tests.web.fakes import Place

PATIENCE = 10.0


@dataclass
class Listener:
    """What came over one line so far."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    said: str = ""
    ended: bool = False
    stuck: bool = False
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def events(self) -> list[dict[str, str]]:
        """Every event that was told, comments left out."""
        blocks = (dict(line.split(": ", 1) for line in block.split("\r\n")) for block in self._blocks())
        return [block for block in blocks if "event" in block]

    def _blocks(self) -> list[str]:
        return [block for block in self.said.split("\r\n\r\n") if block and not block.startswith(":")]

    async def until(self, met) -> None:
        """Wait until that holds of what came."""
        async with asyncio.timeout(PATIENCE), self.news:
            await self.news.wait_for(lambda: met(self))

    async def told(self, many: int) -> list[dict[str, str]]:
        """So many events, as soon as they came."""
        await self.until(lambda heard: len(heard.events) >= many)
        return self.events


@contextlib.asynccontextmanager
async def listening(home: Place, client: httpx.AsyncClient, last: str = "", **asked: str) -> AsyncIterator[Listener]:
    """A line that stays open for the block."""
    heard, gone = Listener(), asyncio.Event()
    given = dict(client.headers) | {"host": "127.0.0.1:8080"} | ({"last-event-id": last} if last else {})
    if cookie := "; ".join(f"{name}={value}" for name, value in client.cookies.items()):
        given["cookie"] = cookie
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/stream", "raw_path": b"/stream", "root_path": "",
        "query_string": urlencode(asked).encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    asks = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict:
        if asks:
            return asks.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        if heard.stuck:
            await gone.wait()
        async with heard.news:
            if message["type"] == "http.response.start":
                heard.status = message["status"]
                heard.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                heard.said += message.get("body", b"").decode()
            heard.news.notify_all()

    async def run() -> None:
        try:
            await home.app(scope, receive, send)
        finally:
            async with heard.news:
                heard.ended = True
                heard.news.notify_all()

    task = asyncio.create_task(run())
    try:
        await heard.until(lambda so_far: so_far.ended or "live" in so_far.said or so_far.status >= 400)
        yield heard
    finally:
        gone.set()
        with contextlib.suppress(Exception):
            await task
