"""Tocsin's own way out to Slack: one attempt per call, and every failure told apart by what it means for a retry."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blockkit.blocks import Block, View
from bot.clock import Clock, SystemClock
from bot.domain.errors import NotFound, RateLimited, Unavailable
from bot.slack.meaning import SlackRefused, meaning
from bot.slack.message import said, verbatim
from bot.slack.pacing import PATIENCE, TRIM_PATIENCE, Pacer, Rank, rank_of

_log = logging.getLogger(__name__)
CHANNEL_ID = re.compile(r"[CGDU][A-Z0-9_]{2,}\Z")
OPTIONAL = frozenset({"unknown_method", "missing_scope", "method_deprecated", "not_allowed_token_type",
                      "feature_not_enabled"})  # fmt: skip
UNKNOWN_FOR = timedelta(minutes=5)
WITHOUT_FOR = timedelta(minutes=15)
"""How long it is believed that a workspace does not have a method, or that we may not use it."""
BESIDE = 20
"""How many calls nobody waits for may be under way at once; a hundred that hang would hold up nobody's answer."""
Json = dict[str, Any]


class Client:
    """The calls Tocsin makes. Each raises RateLimited (not carried out), SlackRefused (never will be), or Unavailable
    (nobody knows whether it was carried out).
    """  # noqa: D205

    def __init__(self, web: AsyncWebClient, clock: Clock | None = None, pacer: Pacer | None = None) -> None:
        if web.retry_handlers:
            raise ValueError("the client must not retry by itself: a post in doubt would be sent twice")
        self._web = web
        self._front = AsyncWebClient(token=web.token, base_url=web.base_url, timeout=web.timeout, retry_handlers=[])
        self._clock = clock or SystemClock()
        self.pacer = pacer or Pacer(self._clock)
        self._channels: dict[str, str] = {}
        self._unknown: dict[str, datetime] = {}  # channel names nobody has → until when that is believed
        self._without: dict[str, datetime] = {}  # methods this workspace does not have → until when that is believed
        self._listing = asyncio.Lock()
        self._beside = asyncio.Semaphore(BESIDE)
        self._direct: dict[str, asyncio.Task[str]] = {}
        self._me: Json = {}
        self._timeout = float(web.timeout)
        self.away: str = ""
        """Why the last call was not answered; empty while Slack answers."""
        self.under_way = 0
        """How many calls wait for their answer."""

    @classmethod
    def open(cls, token: str, api_url: str, *, timeout: int = 10, clock: Clock | None = None) -> "Client":
        """A client for one token; the deadline is shorter than the claim on a message."""
        return cls(AsyncWebClient(token=token, base_url=api_url, timeout=timeout, retry_handlers=[]), clock)

    async def connect(self) -> None:
        """Keep connections open between calls; people's answers and pages have their own."""
        limit = aiohttp.ClientTimeout(total=self._timeout)
        self._web.session = aiohttp.ClientSession(timeout=limit)
        self._front.session = aiohttp.ClientSession(timeout=limit)

    async def close(self) -> None:
        """Hang up."""
        for task in self._direct.values():
            task.cancel()
        await asyncio.gather(*self._direct.values(), return_exceptions=True)
        for web in (self._web, self._front):
            if web.session is not None:
                await web.session.close()
                web.session = None

    async def call(self, method: str, /, *, rank: Rank | None = None, paced: bool = False, **arguments: Any) -> Json:
        """One method call in its lane; its answer's fields. `paced` where the caller took the turn itself.

        A call Slack asks to wait for was not carried out: it is made again in time, or RateLimited is raised.
        """
        chosen = rank_of(method) if rank is None else rank
        channel = str(arguments.get("channel") or "")
        patience = TRIM_PATIENCE if chosen is Rank.TRIM else PATIENCE
        until = self._clock.now() + timedelta(seconds=patience)
        while True:
            if not paced:
                left = max(0.0, (until - self._clock.now()).total_seconds())
                await self.pacer.turn(method, channel, rank=chosen, patience=left)
            try:
                if chosen <= Rank.PAGE:
                    return await self._once(self._front, method, arguments)
                async with self._beside:
                    return await self._once(self._web, method, arguments)
            except RateLimited as limited:
                self.pacer.hold(method, channel, limited.retry_after)
                late = self._clock.now() + timedelta(seconds=limited.retry_after) > until
                if paced or late or chosen is Rank.ANSWER:
                    raise

    async def _once(self, web: AsyncWebClient, method: str, arguments: Json) -> Json:
        self.under_way += 1
        try:
            answer = await web.api_call(method, json=_sent(arguments))
            data = answer.data
        except SlackApiError as error:
            raise self._noted(meaning(method, error)) from None
        except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as error:
            raise self._noted(Unavailable("Slack", f"{method}: {type(error).__name__}")) from None
        finally:
            self.under_way -= 1
        if not isinstance(data, dict):
            raise self._noted(Unavailable("Slack", f"{method}: not an answer of the Web API"))
        self.away = ""
        return data

    def _noted(self, error: Exception) -> Exception:
        """Remember whether Slack answers at all; a "no" and a "wait" are answers."""
        silent = isinstance(error, Unavailable) and not isinstance(error, RateLimited)
        self.away = str(error) if silent else ""
        return error

    async def optional(self, method: str, /, *, rank: Rank = Rank.TRIM, **arguments: Any) -> Json | None:
        """A call the product can do without; None where there is no turn, Slack says no, or does not have it.

        That a workspace does not have it is believed for a while.
        """
        if self.lacks(method):
            return None
        try:
            return await self.call(method, rank=rank, **arguments)
        except (SlackRefused, Unavailable) as error:
            if isinstance(error, SlackRefused) and error.code in OPTIONAL:
                self._without[method] = self._clock.now() + WITHOUT_FOR
            _log.info("%s is left out: %s", method, error)
            return None

    def lacks(self, method: str) -> bool:
        """Whether this workspace said a while ago that it does not have that method, or that we may not use it."""
        now = self._clock.now()
        return now < self._without.get(method, now)

    # -- messages ----------------------------------------------------------------------------------------------------

    async def post(
        self,
        channel: str,
        text: str,
        blocks: list[Block],
        *,
        thread_ts: str = "",
        broadcast: bool = False,
        metadata: Json | None = None,
        rank: Rank | None = None,
        paced: bool = False,
    ) -> tuple[str, str]:
        """chat.postMessage: the channel's id and the message's ts."""
        answer = await self.call(
            "chat.postMessage", rank=rank, paced=paced, channel=channel, text=text[:3_500], blocks=blocks,
            thread_ts=thread_ts or None, reply_broadcast=broadcast or None, metadata=metadata, unfurl_links=False,
            unfurl_media=False, link_names=False, parse="none",
        )  # fmt: skip
        return str(answer["channel"]), str(answer["ts"])

    async def update(
        self,
        channel: str,
        ts: str,
        text: str,
        blocks: list[Block],
        metadata: Json | None = None,
        *,
        paced: bool = False,
    ) -> None:
        """chat.update."""
        await self.call("chat.update", paced=paced, channel=channel, ts=ts, text=text[:3_500], blocks=blocks,
                        metadata=metadata, link_names=False, parse="none")  # fmt: skip

    async def whisper(
        self, channel: str, user: str, text: str, *, thread_ts: str = "", blocks: Sequence[Block] = ()
    ) -> None:
        """chat.postEphemeral: for refusals and confirmations only, because delivery is not guaranteed."""
        await self.call("chat.postEphemeral", channel=channel, user=user, text=text,
                        blocks=list(blocks) or said(text), thread_ts=thread_ts or None)  # fmt: skip

    async def respond(self, url: str, text: str, *, thread_ts: str = "") -> None:
        """Answer an interaction by its response_url: needs no membership, works five times in half an hour."""
        body: Json = {"response_type": "ephemeral", "replace_original": False, "text": text,
                      "blocks": verbatim(said(text))}  # fmt: skip
        if thread_ts:
            body["thread_ts"] = thread_ts
        limit = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(url, json=body, allow_redirects=False) as answer,
            ):
                if answer.status in {403, 404, 410}:  # used five times, or half an hour ago
                    raise SlackRefused("response_url", f"HTTP {answer.status}")
                if answer.status != 200:  # noqa: PLR2004
                    raise Unavailable("Slack", f"response_url: HTTP {answer.status}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable("Slack", f"response_url: {type(error).__name__}") from None

    async def messages(
        self, channel: str, *, thread_ts: str = "", oldest: float = 0.0, pages: int = 5, rank: Rank = Rank.CHANGE
    ) -> list[Json]:
        """What was said since `oldest` (Unix seconds), metadata included, newest pages first."""
        found: list[Json] = []
        cursor = ""
        for _page in range(pages):
            answer = await self.call(
                "conversations.replies" if thread_ts else "conversations.history", rank=rank, channel=channel,
                ts=thread_ts or None, limit=200, oldest=f"{max(0.0, oldest):.6f}", include_all_metadata=True,
                cursor=cursor or None,
            )  # fmt: skip
            found += [one for one in answer.get("messages", []) if isinstance(one, dict)]
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return found

    async def message(self, channel: str, ts: str) -> Json | None:
        """One message, in a thread or not; None where there is none."""
        answer = await self.call("conversations.replies", channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True,
                                 limit=2)  # fmt: skip
        found = [one for one in answer.get("messages", []) if isinstance(one, dict)]
        return next((one for one in found if one.get("ts") == ts), None)  # a thread's parent comes along

    # -- views -------------------------------------------------------------------------------------------------------

    async def open_view(self, trigger: str, view: View) -> None:
        """views.open; over an open dialog it is put on top."""
        await self.call("views.open", trigger_id=trigger, view=view)

    async def update_view(self, view_id: str, view: View, *, hash_: str = "") -> None:
        """views.update; with a hash only if nobody changed it since."""
        await self.call("views.update", view_id=view_id, view=view, hash=hash_ or None)

    async def publish_home(self, user: str, view: View, *, hash_: str = "", rank: Rank = Rank.CHANGE) -> str:
        """views.publish; with a hash only if nobody published since. The new hash."""
        answer = await self.call("views.publish", rank=rank, user_id=user, view=view, hash=hash_ or None)
        return str((answer.get("view") or {}).get("hash") or "")

    # -- names -------------------------------------------------------------------------------------------------------

    async def me(self) -> Json:
        """auth.test, asked once: `user_id`, `bot_id`, `team_id`."""
        if not self._me:
            self._me = await self.call("auth.test")
        return self._me

    @property
    def known_me(self) -> Json:
        """What `me` answered, empty before it did."""
        return self._me

    async def direct(self, user: str) -> str:
        """The id of the direct conversation with a person, asked for once."""
        task = self._direct.get(user)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.get_running_loop().create_task(self._open_direct(user))
            self._direct[user] = task
        return await asyncio.shield(task)

    async def _open_direct(self, user: str) -> str:
        answer = await self.call("conversations.open", rank=Rank.PAGE, users=user)
        return str(answer["channel"]["id"])

    async def channel_id(self, name: str) -> str:
        """The id of a channel given by id or name. Raises NotFound where there is none the bot can see.

        That there is none is believed for five minutes: every other look walks the whole workspace.
        """
        if CHANNEL_ID.match(name):
            return name
        wanted = name.lstrip("#")
        if wanted not in self._channels:
            async with self._listing:  # whoever comes second finds what the first one learned
                now = self._clock.now()
                if wanted not in self._channels and now >= self._unknown.get(wanted, now):
                    try:
                        await self._learn_channels()
                    except SlackRefused as refused:
                        if refused.code not in OPTIONAL:
                            raise
                        _log.warning("no channel is found by its name: %s", refused)
                    if wanted not in self._channels:
                        self._unknown[wanted] = now + UNKNOWN_FOR
        if wanted not in self._channels:
            raise NotFound("Slack channel", name, sorted(self._channels)[:20])
        return self._channels[wanted]

    def forget_channel(self, channel: str) -> None:
        """A channel's id that was refused: its name is looked up anew."""
        self._channels = {name: known for name, known in self._channels.items() if known != channel}

    async def _learn_channels(self) -> None:
        async for one in self.channels():
            self._channels[str(one.get("name"))] = str(one.get("id"))

    async def channels(self) -> AsyncIterator[Json]:
        """Every channel the bot can see that is not archived."""
        cursor = ""
        for _page in range(50):
            answer = await self.call(
                "conversations.list", types="public_channel,private_channel", exclude_archived=True, limit=999,
                cursor=cursor or None,
            )  # fmt: skip
            for one in answer.get("channels", []):
                yield one
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    async def permalink(self, channel: str, ts: str) -> str:
        """A message's address, "" where it cannot be had."""
        with contextlib.suppress(asyncio.TimeoutError):
            answer = await self.optional("chat.getPermalink", channel=channel, message_ts=ts)
            return str(answer["permalink"]) if answer else ""
        return ""

    # -- files -------------------------------------------------------------------------------------------------------

    async def form(self, method: str, *, rank: Rank = Rank.TRIM, **arguments: Any) -> Json:
        """One call of a method that takes no JSON, as those of files do, in its turn."""
        await self.pacer.turn(method, rank=rank)
        try:
            answer = await self._web.api_call(method, data=arguments)
        except SlackApiError as error:
            raise meaning(method, error) from None
        except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as error:
            raise Unavailable("Slack", f"{method}: {type(error).__name__}") from None
        if not isinstance(answer.data, dict):
            raise Unavailable("Slack", f"{method}: not an answer of the Web API")
        return answer.data

    async def upload(self, url: str, raw: bytes) -> None:
        """The bytes of a file, to the address Slack gave for them."""
        limit = aiohttp.ClientTimeout(total=self._timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(url, data=raw, allow_redirects=False) as answer,
            ):
                if answer.status != 200:  # noqa: PLR2004
                    raise Unavailable("Slack", f"upload: HTTP {answer.status}")
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Unavailable("Slack", f"upload: {type(error).__name__}") from None


def _sent(arguments: Json) -> Json:
    """What goes over the wire: no empty arguments, no link that is not ours."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return {name: verbatim(value) if name in {"blocks", "view"} else value for name, value in given.items()}
