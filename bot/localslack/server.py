"""A Slack-compatible workspace of our own, with a page in the browser: the demo, drills and tests talk to it."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.clock import Clock
from bot.localslack.api import Api
from bot.localslack.control import Control
from bot.localslack.delivery import Delivery
from bot.localslack.dialogs import Dialogs
from bot.localslack.hands import Hands
from bot.localslack.hours import OwnClock
from bot.localslack.limits import Limits
from bot.localslack.people import CAST, ROOMS, Group, Member, Room, member, room
from bot.localslack.people import groups as grouped
from bot.localslack.schedule import Schedule
from bot.localslack.scopes import EVERYTHING
from bot.localslack.screen import Screen
from bot.localslack.traffic import Traffic
from bot.localslack.typed import Refusal
from bot.localslack.workspace import EVENTS, Settings, Workspace

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_KINDS = {".js": "text/javascript", ".css": "text/css"}
_ACTS = ("click", "submit", "close", "say", "command", "shortcut", "react", "edit", "delete", "home", "options", "pin",
         "status")  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: http://127.0.0.1:* http://localhost:*; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
}  # fmt: skip


class LocalSlack:
    """The server, for use inside a running loop: `async with LocalSlack(...) as slack: slack.url`.

    `slack.api_url` is what slack_sdk takes as base_url. `port=0` takes a free one. `state` is the folder that survives
    a restart; without it everything is forgotten. It binds to 127.0.0.1 only. `scopes` is what the app's manifest asks
    for; a call beyond them answers `missing_scope`. Without a `clock` the workspace keeps its own, which
    `/control/clock` moves ahead.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        people: Iterable[Member | Mapping[str, Any]] = CAST,
        channels: Iterable[Room | Mapping[str, Any]] = ROOMS,
        state: Path | None = None,
        signing_secret: str = "local-signing-secret",  # noqa: S107 - opens this practice server alone
        bot_token: str = "xoxb-local",  # noqa: S107
        app_token: str = "xapp-local",  # noqa: S107
        request_url: str | None = None,
        groups: Mapping[str, Sequence[str] | Group] | None = None,
        scopes: Sequence[str] = EVERYTHING,
        events: frozenset[str] | None = None,
        clock: Clock | None = None,
        ack_within: float = 3.0,
        retry_after: Sequence[float] = (1.0, 60.0, 300.0),
        limits: Limits | None = None,
        without: frozenset[str] = frozenset(),
        drops_metadata: bool = False,
        delay: float = 0.0,
    ) -> None:
        own = OwnClock() if clock is None else None
        ticking = clock or own or OwnClock()

        def now() -> float:
            return ticking.now().timestamp()

        def signs_at() -> float:
            """Beside a clock of its own the app's stands still, and would take a signature of tomorrow for forged."""
            return now() - (own.ahead.total_seconds() if own else 0.0)

        settings = Settings(
            bot_token=bot_token, app_token=app_token, groups=grouped(groups or {}), scopes=tuple(scopes),
            events=EVENTS if events is None else events,
        )  # fmt: skip
        self.signing_secret, self.bot_token, self.app_token = signing_secret, bot_token, app_token
        self.traffic = Traffic(now)
        self.delivery = Delivery(
            request_url=request_url, signing_secret=signing_secret, traffic=self.traffic, now=now,
            ack_within=ack_within, retry_after=retry_after, signs_at=signs_at,
        )  # fmt: skip
        self.workspace = Workspace(
            people=[member(one) for one in people], rooms=[room(one) for one in channels], folder=state,
            settings=settings, delivery=self.delivery, traffic=self.traffic, now=now,
        )  # fmt: skip
        strict = self.workspace.strict
        strict.limits, strict.without, strict.drops_metadata = limits, without, drops_metadata
        strict.delay, strict.sleep = delay, ticking.sleep
        self.own_clock = own
        if own is not None:
            own.ahead = timedelta(seconds=float(self.workspace.memory.get("clock", "ahead") or 0))
        self.dialogs = Dialogs(self.workspace)
        self.schedule = Schedule(self.workspace)
        self.hands = Hands(self.workspace, self.dialogs)
        self._port = port
        self._runner: web.AppRunner | None = None
        self._streams: set[asyncio.Queue[str | None]] = set()

    @property
    def url(self) -> str:
        """The address of page and server, without a slash at the end."""
        return self.workspace.url

    @property
    def api_url(self) -> str:
        """The `base_url` of slack_sdk; it must end in `/api/`."""
        return f"{self.workspace.url}/api/"

    @property
    def request_url(self) -> str | None:
        """Where events and interactions go by signed HTTP; None means Socket Mode."""
        return self.delivery.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.delivery.request_url = url

    async def start(self) -> None:
        """Listen."""
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.workspace.url = f"http://127.0.0.1:{port}"
        self.workspace.watchers.append(self._announce)
        self.traffic.watchers.append(lambda _entry: self._announce("traffic"))
        self.schedule.start()

    def forward(self, seconds: float) -> float:
        """Move the workspace's own clock ahead; how far it is ahead now. Raises ValueError where it has none."""
        if self.own_clock is None:
            raise ValueError("this workspace was started with a clock from outside; move that one")
        if not 0 <= seconds <= 10 * 366 * 24 * 3600:
            raise ValueError("forward: seconds from 0 to ten years; time does not run back")
        self.own_clock.ahead += timedelta(seconds=seconds)
        ahead = self.own_clock.ahead.total_seconds()
        self.workspace.memory.keep("clock", "ahead", ahead)
        self.delivery.alarm.moved()
        self.workspace.changed("clock")
        return ahead

    async def stop(self) -> None:
        """End sockets, retries and pages; what was said stays in the state folder."""
        for queue in self._streams:
            queue.put_nowait(None)
        await self.schedule.stop()
        await self.delivery.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self.workspace.memory.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:  # fmt: skip
        await self.stop()

    # -- routes --

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[_neighbours_only], client_max_size=50 * 2**20)
        app.on_response_prepare.append(self._dated)
        api, screen = Api(self.workspace, self.dialogs), Screen(self.workspace, self.dialogs)
        control = Control(self.workspace, self.dialogs, self.forward)
        app.add_routes([
            web.post("/api/{method}", api.call), web.get("/api/{method}", api.call),
            web.post("/respond/{key}", api.respond), web.get("/socket", self.delivery.socket),
            web.get("/people/{user}/views", screen.views), web.get("/people/{user}/screen", screen.screen),
            web.get("/people/{user}/messages", screen.messages), web.post("/people/{user}/{act}", self._act),
            web.post("/control/fault", control.fault), web.delete("/control/fault", control.clear),
            web.get("/control/traffic", control.traffic), web.get("/control/state", control.state),
            web.post("/control/hint", control.hint), web.post("/control/shortcuts", control.shortcuts),
            web.post("/control/sockets", control.sockets), *self.workspace.strict.routes(),
            web.post("/control/clock", control.clock), web.post("/control/groups", control.groups),
            web.post("/control/manifest", control.manifest),
            web.post("/upload/{file}", screen.upload), web.get("/files/{file}", screen.file),
            web.get("/stream", self._stream), web.get("/", _page), web.get("/page/{name}", _file),
            web.get("/archives/{channel}/{message}", screen.permalink),
        ])  # fmt: skip
        return app

    async def _act(self, request: web.Request) -> web.StreamResponse:
        """One of the things hands do, for a person."""
        acts = {name: getattr(self.hands, name) for name in _ACTS}
        act = acts.get(request.match_info["act"])
        try:
            body = await request.json() if request.can_read_body else {}
        except ValueError:
            body = None
        if act is None or not isinstance(body, dict):
            because = f"there is {', '.join(acts)}" if act is None else "the body must be a JSON object"
            return web.json_response({"ok": False, "error": because}, status=404 if act is None else 400)
        try:
            return web.json_response(await act(request.match_info["user"], body))
        except Refusal as refusal:
            answer = {"ok": False, "error": refusal.because, **refusal.beside}
            return web.json_response(answer, status=refusal.status)

    async def _dated(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Answers carry the workspace's own time, as those of a far server do."""
        at = datetime.fromtimestamp(self.workspace.now(), UTC)
        response.headers["Date"] = format_datetime(at, usegmt=True)

    # -- live --

    def _announce(self, what: str) -> None:
        for queue in self._streams:
            queue.put_nowait(what)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the kind of each change; the page reads the rest for itself."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._streams.add(queue)
        try:
            await response.write(b"retry: 1000\n\n")
            while (what := await queue.get()) is not None:
                await response.write(f"data: {json.dumps(what)}\n\n".encode())
        except ConnectionError:
            pass
        finally:
            self._streams.discard(queue)
        return response


@web.middleware
async def _neighbours_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only this machine by its own name, and no other site's scripts: anyone could click as anyone otherwise."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.host
    if host not in _LOOPBACK or foreign:
        return web.json_response({"ok": False, "error": "loopback only"}, status=403)
    return await handler(request)


async def _page(_request: web.Request) -> web.StreamResponse:
    return _packaged("index.html", "text/html")


async def _file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    kind = _KINDS.get(f".{name.rpartition('.')[2]}")
    if kind is None or name not in {one.name for one in resources.files("bot.localslack").joinpath("page").iterdir()}:
        raise web.HTTPNotFound
    return _packaged(name, kind)


def _packaged(name: str, kind: str) -> web.Response:
    text = resources.files("bot.localslack").joinpath("page", name).read_text("utf-8")
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=_HEADERS)
