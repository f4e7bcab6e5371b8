"""Carries what people do to the app as Slack would: by one of its sockets or by signed HTTP; events are retried."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bot.localslack.hours import Alarm
from bot.localslack.traffic import Traffic

SOCKETS = 10
"""Connections one app may hold (Slack, Socket Mode)."""
Family = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How the app took a delivery: acknowledged in time or not, and what it sent back with that."""

    acked: bool
    body: dict[str, Any] | None = None
    because: str = ""
    reason: str = ""  # as the next attempt's retry header names it


class Delivery:
    """The way to the app. With a `request_url` everything goes there, signed; else through its open sockets.

    An event that is not acknowledged within `ack_within` seconds is sent again after each of `retry_after` seconds
    (Slack: nearly at once, after a minute, after five minutes), under the same event id. Interactions never are.
    `signs_at` is the time that signatures carry, where that is not the workspace's own.
    """

    def __init__(self, *, request_url: str | None, signing_secret: str, traffic: Traffic, now: Callable[[], float],
                 ack_within: float, retry_after: Sequence[float],
                 signs_at: Callable[[], float] | None = None) -> None:  # fmt: skip
        self.request_url = request_url
        self.alarm = Alarm(now)
        self._signs_at = signs_at or now
        self.ack_within, self.retry_after = ack_within, tuple(retry_after)
        self._secret, self._traffic, self._now = signing_secret, traffic, now
        self._sockets: list[web.WebSocketResponse] = []
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._turn = 0

    # -- sockets --

    def ticket(self) -> str:
        """A single-use key for opening one socket."""
        ticket = secrets.token_hex(12)
        self._tickets.add(ticket)
        return ticket

    @property
    def sockets(self) -> int:
        """How many sockets the app holds open."""
        return len(self._sockets)

    @property
    def reachable(self) -> bool:
        """Whether a click could reach the app at all."""
        return bool(self._sockets or self.request_url)

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.json_response({"ok": False, "error": "link_disabled"}, status=403)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        if len(self._sockets) >= SOCKETS:
            await _goodbye(socket, "too_many_websockets")
            return socket
        self._sockets.append(socket)
        try:
            hello = {"type": "hello", "num_connections": len(self._sockets), "connection_info": {"app_id": "A_TOCSIN"},
                     "debug_info": {"host": "localslack", "approximate_connection_time": 18060}}  # fmt: skip
            await socket.send_json(hello)
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._heard(frame.data)
        finally:
            self._sockets.remove(socket)
        return socket

    def _heard(self, text: str) -> None:
        """An acknowledgement; anything else is noise, as for Slack."""
        try:
            frame = json.loads(text)
        except ValueError:
            return
        future = self._waiting.get(str(frame.get("envelope_id"))) if isinstance(frame, dict) else None
        if future is not None and not future.done():
            payload = frame.get("payload")
            future.set_result(payload if isinstance(payload, dict) else {})

    async def disconnect(self, reason: str) -> int:
        """Tell every socket to go (`refresh_requested`, `warning`, `link_disabled`) and close it."""
        going = list(self._sockets)
        await asyncio.gather(*(_goodbye(socket, reason) for socket in going))
        return len(going)

    # -- one delivery --

    async def send(
        self, family: Family, payload: dict[str, Any], *, attempt: int = 0, reason: str = "timeout"
    ) -> Answer:
        """Deliver once and wait for the acknowledgement; `reason` is why the attempt before failed."""
        begun = self._now()
        if self.request_url:
            answer = await self._post(self.request_url, family, payload, attempt, reason)
        else:
            answer = await self._push(family, payload, attempt, reason)
        what = payload["event"]["type"] if family == "events_api" else payload.get("type", payload.get("command", ""))
        outcome = "acked" if answer.acked else answer.because
        label = f"{family} {what}" + (f" (retry {attempt})" if attempt else "")
        self._traffic.note("slack->app", label, sent=payload, answer=answer.body, outcome=outcome,
                           seconds=self._now() - begun)  # fmt: skip
        return answer

    async def _push(self, family: Family, payload: dict[str, Any], attempt: int, reason: str) -> Answer:
        if not self._sockets:
            return Answer(False, because="no socket open", reason="connection_failed")
        self._turn += 1
        socket = self._sockets[self._turn % len(self._sockets)]
        name = secrets.token_hex(16)
        envelope: dict[str, Any] = {
            "envelope_id": name, "type": family, "payload": payload, "accepts_response_payload": family != "events_api",
        }  # fmt: skip
        if family == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason if attempt else ""}
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[name] = future
        try:
            await socket.send_json(envelope)
            return Answer(True, await asyncio.wait_for(future, self.ack_within))
        except TimeoutError:
            return Answer(False, because=f"no ack within {self.ack_within:g} s", reason="timeout")
        except (ConnectionError, RuntimeError):
            return Answer(False, because="the socket closed", reason="connection_failed")
        finally:
            del self._waiting[name]

    async def _post(self, url: str, family: Family, payload: dict[str, Any], attempt: int, reason: str) -> Answer:
        if family == "events_api":
            kind, raw = "application/json", json.dumps(payload)
        elif family == "interactive":
            kind, raw = "application/x-www-form-urlencoded", urlencode({"payload": json.dumps(payload)})
        else:
            kind, raw = "application/x-www-form-urlencoded", urlencode(payload)
        headers = {"Content-Type": kind, **signature(self._secret, raw, int(self._signs_at()))}
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        if self._http is None:
            self._http = aiohttp.ClientSession()
        limit = aiohttp.ClientTimeout(total=self.ack_within)
        try:
            async with self._http.post(url, data=raw.encode(), headers=headers, timeout=limit) as response:
                text = await response.text()
                if response.status != web.HTTPOk.status_code:
                    stop = response.headers.get("X-Slack-No-Retry") == "1"
                    because = f"HTTP {response.status}" + (" (no retry)" if stop else "")
                    return Answer(False, because=because, reason="http_error")
                return Answer(True, _body(text))
        except TimeoutError:
            return Answer(False, because=f"no ack within {self.ack_within:g} s", reason="http_timeout")
        except aiohttp.ClientError as error:
            return Answer(False, because=type(error).__name__, reason="connection_failed")

    # -- events --

    def emit(self, payload: dict[str, Any]) -> None:
        """Deliver an event in the background, again when it is not acknowledged."""
        self.spawn(self._until_acked(payload))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the conversation; ended with the workspace."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_acked(self, payload: dict[str, Any]) -> None:
        reason = ""
        for attempt, pause in enumerate((0.0, *self.retry_after)):
            if pause:
                await self.alarm.until(self._now() + pause)
            answer = await self.send("events_api", payload, attempt=attempt, reason=reason)
            if answer.acked or answer.because.endswith("(no retry)"):
                return
            reason = answer.reason

    async def settle(self) -> None:
        """Wait until no event is on its way; for tests and drills."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """End retries and sockets."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        going = [socket.close(code=aiohttp.WSCloseCode.GOING_AWAY) for socket in self._sockets]
        await asyncio.gather(*going, return_exceptions=True)  # together: who does not answer is waited for once
        if self._http is not None:
            await self._http.close()


async def _goodbye(socket: web.WebSocketResponse, reason: str) -> None:
    """Tell a socket to go, and close it."""
    with contextlib.suppress(ConnectionError, RuntimeError):
        await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "localslack"}})
        await socket.close()


def signature(secret: str, raw: str, at: int) -> dict[str, str]:
    """Slack's v0 request signature over the raw body (docs: verifying requests from Slack)."""
    digest = hmac.new(secret.encode(), f"v0:{at}:{raw}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={digest}"}


def _body(text: str) -> dict[str, Any]:
    """An acknowledgement's body: JSON, plain words (a reply to a command), or nothing."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return {"text": text}
    return value if isinstance(value, dict) else {"text": text}
