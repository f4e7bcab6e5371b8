"""The two ways in: a socket that is watched and rebuilt when it goes deaf, and signed HTTP requests."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.slack.settings import SlackSettings

_log = logging.getLogger(__name__)
WINDOW = 300
"""Seconds a signed request may be old (Slack, verifying requests)."""
LARGEST = 2 * 2**20
FIRST_WAIT = 5.0
CROWDED_FOR = 60.0
"""Seconds until it is tried again where Slack has as many connections of this app as it takes (ten)."""
SAY_AGAIN_AFTER = 300.0  # seconds: how often the log repeats that Slack is away
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def signed(secret: str, timestamp: str, body: bytes, signature: str, now: datetime) -> bool:
    """Whether Slack signed this body within the last five minutes; false for any junk, never an error."""
    if not secret or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):  # noqa: PLR2004
        return False
    if abs(now.timestamp() - int(timestamp)) > WINDOW:
        return False
    base = b"v0:" + timestamp.encode() + b":" + body
    expected = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


class HttpApp:
    """An ASGI application that takes what Slack posts; mount it at `/slack/events`."""

    def __init__(self, app: AsyncApp, secret: str, clock: Clock) -> None:
        self._app, self._secret, self._clock = app, secret, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: 401 unless Slack signed it, 413 where it is too large."""
        if scope["type"] != "http":
            return
        if scope["method"] != "POST":
            await _answer(send, 405, "POST only")
            return
        body = await _body(receive)
        if body is None:
            await _answer(send, 413, "too large")
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope.get("headers", [])}
        stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not signed(self._secret, stamp, body, signature, self._clock.now()):
            await _answer(send, 401, "not signed by Slack")
            return
        query = scope.get("query_string", b"").decode("latin-1")
        try:
            asked = AsyncBoltRequest(body=body.decode("utf-8", "replace"), query=query, headers=dict(headers))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            await _answer(send, 400, "not a payload of Slack")
            return
        answer = await self._app.async_dispatch(asked)
        kind = (answer.headers.get("content-type") or ["text/plain;charset=utf-8"])[0]
        await _answer(send, answer.status, answer.body or "", str(kind))


async def _body(receive: Receive) -> bytes | None:
    """The whole body, None where it is too large."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > LARGEST:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, text: str, kind: str = "text/plain;charset=utf-8") -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]})
    await send({"type": "http.response.body", "body": text.encode()})


TRIPPED = "'str' object has no attribute 'get'"
"""What slack_sdk 3.47 says of such an answer where it logs without a traceback."""


class Briefly(logging.Filter):
    """Makes one sentence of what the library logs with a traceback at each try, and says the same only now and then."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[str, datetime] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """The record in a sentence; false where that sentence was logged a moment ago."""
        if record.levelno < logging.WARNING:
            return True
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, AttributeError) and isinstance(error.__context__, SlackClientError):
            error = error.__context__  # the library trips over an answer that is no JSON, as a proxy's 503 is
        if error is None and TRIPPED in record.getMessage():
            error = SlackClientError("its answer is no JSON")
        if isinstance(error, aiohttp.ClientError | OSError | SlackClientError):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args = f"Slack cannot be reached, it is tried again: {_one_line(error)}", ()
            record.exc_info = record.exc_text = None
        sentence, now = record.getMessage(), self._clock.now()
        last = self._said.get(sentence)
        if last is not None and (now - last).total_seconds() < SAY_AGAIN_AFTER:
            return False
        self._said = {**dict(list(self._said.items())[-20:]), sentence: now}
        return True


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _reason(data: object) -> str:
    """Why Slack sends a socket away, "" where it does not."""
    if not isinstance(data, str) or '"disconnect"' not in data:
        return ""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    wanted = isinstance(told, dict) and told.get("type") == "disconnect"
    return str(told.get("reason") or "") if wanted else ""


class Socket:
    """Socket Mode, watched: closed or silent for too long, a new connection is opened before the old one is left."""

    def __init__(self, app: AsyncApp, settings: SlackSettings, clock: Clock) -> None:
        self._app, self._settings, self._clock = app, settings, clock
        self._handler: AsyncSocketModeHandler | None = None
        self._open: list[tuple[AsyncSocketModeHandler, asyncio.Task[None]]] = []
        self._watch: asyncio.Task[None] | None = None
        self._briefly = Briefly(clock)
        self.heard: datetime = clock.now()
        self.crowded_until: datetime | None = None
        self.rebuilt = 0
        self.up = False
        """Whether a socket was open when it was last looked at."""
        self._looking = asyncio.Lock()

    async def open(self) -> None:
        """Connect, and go on trying in the background where Slack does not answer."""
        self._watch = asyncio.get_running_loop().create_task(self._watching())
        await self._build()

    async def close(self) -> None:
        """Leave."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._leave(keep=None)

    async def connected(self) -> bool:
        """Whether a socket is open and answers pings."""
        return self._handler is not None and await self._handler.client.is_connected()

    async def look(self) -> None:
        """Rebuild the connection where it is closed or deaf; where there were too many, not before a minute is over."""
        async with self._looking:
            if self.crowded_until is None or self._clock.now() >= self.crowded_until:
                await self._look()

    async def _look(self) -> None:
        silent = (self._clock.now() - self.heard).total_seconds()
        connected = self.up = await self.connected()
        if connected and silent < self._settings.deaf_after:
            return
        if connected:  # where it is closed, the library says itself what keeps it from opening
            _log.warning("the socket is rebuilt: nothing heard for %.0f s", silent)
        self.rebuilt += 1
        await self._build()

    async def _watching(self) -> None:
        while True:
            await self._clock.sleep(self._settings.watch_every)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - the loop must not die
                _log.exception("the socket could not be looked at")

    async def _build(self) -> None:
        web = AsyncWebClient(base_url=self._settings.api_url, retry_handlers=[], timeout=10)
        token = self._settings.app_token.get_secret_value()
        logger = logging.getLogger("bot.slack.socket")
        logger.filters[:] = [self._briefly]
        handler = AsyncSocketModeHandler(self._app, token, logger=logger, web_client=web, ping_interval=5)
        handler.client.on_message_listeners.append(lambda message: self._listen(handler, message))
        connecting = asyncio.get_running_loop().create_task(handler.connect_async())  # type: ignore[no-untyped-call]
        self._handler = handler
        self._open.append((handler, connecting))
        self.heard, self.crowded_until = self._clock.now(), None
        await asyncio.wait({connecting}, timeout=FIRST_WAIT)
        self.up = await self.connected()
        await self._leave(keep=handler)

    async def _listen(self, handler: AsyncSocketModeHandler, message: aiohttp.WSMessage) -> None:
        """Something arrived. Told that there are too many of us, the library would knock again at once, for ever."""
        self.heard = self._clock.now()
        if _reason(message.data) == "too_many_websockets" and handler is self._handler:
            handler.client.closed, handler.client.auto_reconnect_enabled = True, False  # the next look opens another
            self.crowded_until = self._clock.now() + timedelta(seconds=CROWDED_FOR)
            _log.warning(
                "Slack has ten connections of this app already, and takes no more; it is tried again in a minute. "
                "Stop a replica, or use mode http."
            )

    async def _leave(self, keep: AsyncSocketModeHandler | None) -> None:
        """Close every connection but one, also those a former leaving did not get to."""
        for handler, connecting in list(self._open):
            if handler is keep:
                continue
            if not connecting.done():
                connecting.cancel()
                await asyncio.gather(connecting, return_exceptions=True)
            with contextlib.suppress(Exception):  # it is left either way
                await asyncio.wait_for(handler.close_async(), 5)  # type: ignore[no-untyped-call]
            self._open.remove((handler, connecting))
