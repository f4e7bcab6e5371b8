"""Slack's limits, off unless asked for: how often a method may be called, what a workspace lacks, what it drops.

What strict workspaces and compatible servers do to an app can be switched on for drills: "429 Too Many Requests" with a
right Retry-After, methods that are not there, and metadata that is not kept.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from aiohttp import web

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls per minute, method and workspace, by tier (Web API rate limits)."""
TIERS: Mapping[str, int] = {
    "conversations.create": 2, "conversations.archive": 2, "conversations.setTopic": 2, "conversations.setPurpose": 2,
    "conversations.rename": 2, "conversations.list": 2, "conversations.canvases.create": 2, "canvases.create": 2,
    "pins.add": 2, "pins.remove": 2, "bookmarks.add": 2, "bookmarks.edit": 2, "bookmarks.list": 2, "users.list": 2,
    "usergroups.list": 2, "usergroups.users.list": 2,
    "chat.update": 3, "chat.delete": 3, "chat.unfurl": 3, "conversations.history": 3, "conversations.replies": 3,
    "conversations.info": 3, "conversations.invite": 3, "conversations.join": 3, "conversations.open": 3,
    "reactions.add": 3, "reactions.remove": 3, "users.lookupByEmail": 3, "dnd.info": 3, "canvases.edit": 3,
    "apps.connections.open": 3,
    "chat.postEphemeral": 4, "views.open": 4, "views.push": 4, "views.update": 4, "views.publish": 4, "users.info": 4,
    "conversations.members": 4, "files.getUploadURLExternal": 4, "files.completeUploadExternal": 4,
}  # fmt: skip
"""Methods that are not here have special limits of their own and are not counted."""
_POST = "chat.postMessage"
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """One message per `post_every` seconds and channel, `burst` of them at once; calls by tier, or all alike."""

    post_every: float = 1.0
    burst: int = 4
    per_minute: int | None = None
    """For every method alike, chat.postMessage too; None goes by the tiers."""

    def __post_init__(self) -> None:
        """Refuse what would let nothing through."""
        if self.post_every < 0 or self.burst < 1 or (self.per_minute is not None and self.per_minute < 1):
            raise ValueError("post_every must not be negative, burst and per_minute must be at least 1")

    def most(self, method: str) -> int | None:
        """How often a method may be called within a minute; None where nobody counts."""
        if self.per_minute is not None:
            return self.per_minute
        return PER_MINUTE[TIERS[method]] if method in TIERS else None


@dataclass(slots=True)
class Strictness:
    """What this workspace is strict about, and what it let through; it may be changed while it runs."""

    now: Callable[[], float]
    limits: Limits | None = None
    without: frozenset[str] = frozenset()
    drops_metadata: bool = False
    delay: float = 0.0
    """Seconds on the way: half of them until a call is heard, half until its answer is."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _calls: dict[str, deque[float]] = field(default_factory=dict)
    _posts: dict[str, tuple[float, float]] = field(default_factory=dict)  # channel → messages left, as of when

    def limit(self, limits: Limits | None) -> None:
        """Other limits from now on, counted anew."""
        self.limits = limits
        self._calls.clear()
        self._posts.clear()

    def refuse(self, method: str, channel: str) -> int:
        """Seconds to wait before this call may be made, 0 where it may be made now; then it is counted."""
        if self.limits is None:
            return 0
        now = self.now()
        most = self.limits.most(method)
        calls = self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - _MINUTE:
            calls.popleft()
        wait = calls[0] + _MINUTE - now if most is not None and len(calls) >= most else 0.0
        left = self._left(channel, now) if method == _POST else 1.0
        if left < 1:
            wait = max(wait, (1 - left) * self.limits.post_every)
        if wait > 0:
            return max(1, math.ceil(wait))
        if most is not None:
            calls.append(now)
        if method == _POST:
            self._posts[channel] = (left - 1, now)
        return 0

    async def on_the_way(self) -> None:
        """Half of the way between app and workspace."""
        if self.delay > 0:
            await self.sleep(self.delay / 2)

    def _left(self, channel: str, now: float) -> float:
        """How many messages a channel takes at once now."""
        limits = self.limits or Limits()
        left, since = self._posts.get(channel, (float(limits.burst), now))
        if limits.post_every == 0:
            return float(limits.burst)
        return min(float(limits.burst), left + (now - since) / limits.post_every)

    # -- the director's desk --

    def routes(self) -> Collection[web.RouteDef]:
        """The addresses at which all this is switched."""
        return (
            web.post("/control/limits", self._set_limits), web.delete("/control/limits", self._no_limits),
            web.post("/control/without", self._set_without), web.post("/control/metadata", self._set_metadata),
            web.post("/control/delay", self._set_delay),
        )  # fmt: skip

    async def _set_limits(self, request: web.Request) -> web.StreamResponse:
        """{post_every, burst, per_minute}, each of them optional: tiers where per_minute is left out."""
        given = await _body(request)
        try:
            self.limit(Limits(**given))
        except (TypeError, ValueError) as error:
            names = ", ".join(one.name for one in fields(Limits))
            return web.json_response({"ok": False, "error": f"{error}; there is {names}"}, status=422)
        return web.json_response({"ok": True})

    async def _no_limits(self, _request: web.Request) -> web.StreamResponse:
        """Everything is let through again."""
        self.limit(None)
        return web.json_response({"ok": True})

    async def _set_without(self, request: web.Request) -> web.StreamResponse:
        """{methods: [...]}: these answer unknown_method from now on, and no others."""
        methods = (await _body(request)).get("methods")
        if not isinstance(methods, list) or not all(isinstance(one, str) for one in methods):
            return web.json_response({"ok": False, "error": "methods must be a list of names"}, status=422)
        self.without = frozenset(methods)
        return web.json_response({"ok": True})

    async def _set_metadata(self, request: web.Request) -> web.StreamResponse:
        """{drops: true or false}: whether messages lose their metadata."""
        self.drops_metadata = (await _body(request)).get("drops") is True
        return web.json_response({"ok": True})

    async def _set_delay(self, request: web.Request) -> web.StreamResponse:
        """{seconds}: how long every call takes on its way, there and back."""
        seconds = (await _body(request)).get("seconds", 0)
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _MINUTE:
            return web.json_response({"ok": False, "error": "seconds must be from 0 to 60"}, status=422)
        self.delay = float(seconds)
        return web.json_response({"ok": True})


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError:
        body = {}
    return body if isinstance(body, dict) else {}
