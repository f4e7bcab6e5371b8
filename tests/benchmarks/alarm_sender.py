"""Sends alerts on time, whether or not earlier ones were answered, and what was not taken once more, as an Alertmanager does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

TRIES = 20
AGAIN = 0.5
LINES = 64


@dataclass(frozen=True, slots=True)
class Post:
    """A request, and when it is due in seconds after the beginning."""

    due: float
    path: str
    body: bytes
    alerts: int = 1


@dataclass
class Sent:
    """What became of them: seconds from due to answered, how many alerts nobody took, when the last was answered."""

    taken: list[float] = field(default_factory=list)
    again: int = 0
    lost: int = 0
    last: float = 0.0
    begun: float = 0.0  # the machine's time


def alert(name: str, title: str, service: str, severity: str) -> dict[str, Any]:
    """One that begins to fire now, in the words of both the webhook and Alertmanager's own API."""
    return {
        "labels": {"alertname": title, "n": name, "severity": severity, "service": service, "cluster": "eu-1"},
        "annotations": {"summary": title},
        "startsAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up&g0.tab=1",
    }  # fmt: skip


def webhook(alerts: Sequence[dict[str, Any]]) -> bytes:
    """As Alertmanager's webhook tells them."""
    firing = [{**each, "status": "firing", "endsAt": "0001-01-01T00:00:00Z"} for each in alerts]
    return json.dumps({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "tocsin",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "alerts": firing,
        "externalURL": "http://alertmanager.example:9093",
    }).encode()  # fmt: skip


class Line(asyncio.Protocol):
    """One kept-alive connection: a request, its answer."""

    def __init__(self) -> None:
        self.held, self.answer = b"", asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    async def ask(self, request: bytes) -> int:
        """The status."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return int(await self.answer)

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, split, body = self.held.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if split and len(body) >= length and not self.answer.done():
            self.held = body[length:]
            self.answer.set_result(int(head.split(b" ", 2)[1]))

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_result(0)


async def send(port: int, token: str, posts: Iterator[Post]) -> Sent:
    """Send them all; a body is asked for when its time has come."""
    loop, found = asyncio.get_running_loop(), Sent(begun=time.time())
    free: asyncio.Queue[Line] = asyncio.Queue()
    for _ in range(LINES):
        free.put_nowait((await loop.create_connection(Line, "127.0.0.1", port))[1])
    begun, open_ones = loop.time(), set[asyncio.Task[None]]()

    async def one(post: Post) -> None:
        head = f"POST {post.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer {token}\r\nContent-Length: {len(post.body)}\r\n\r\n"
        for _try in range(TRIES):
            line = await free.get()
            status = await line.ask(head.encode() + post.body)
            if line.transport.is_closing():
                line = (await loop.create_connection(Line, "127.0.0.1", port))[1]
            free.put_nowait(line)
            if 200 <= status < 300:
                found.last = loop.time() - begun
                found.taken.append(found.last - post.due)
                return
            found.again += 1
            await asyncio.sleep(AGAIN)
        found.lost += post.alerts

    for post in posts:
        await asyncio.sleep(max(0.0, begun + post.due - loop.time()))
        task = asyncio.create_task(one(post))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)
    await asyncio.gather(*open_ones)
    while not free.empty():
        free.get_nowait().transport.close()
    return found
