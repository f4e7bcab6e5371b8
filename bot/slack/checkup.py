"""Looks at the connection to Slack from every side, and says of each whether it is well and what to do about it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blockkit.validate import validate_message, validate_view
from bot.clock import Clock
from bot.domain.errors import NotFound, TocsinError, Unavailable
from bot.engine.values import Profile
from bot.slack.client import Client
from bot.slack.features import CORE_SCOPES, OPTIONAL_SCOPES, wanted_by
from bot.slack.meaning import SlackRefused
from bot.slack.specimen import Sample, samples
from bot.slack.standing import judged

OK, NOTE, BAD = "ok", "note", "BAD"
PATIENCE = 30.0
"""Seconds for one look; each asks many times at most."""
SKEW, FAR = 5.0, 60.0
"""Seconds between our clock and Slack's: worth knowing, and not well (Slack's signatures hold for five minutes)."""
AT_ONCE = 4
PRINT = "`tocsin slack manifest` prints it"


@dataclass(frozen=True, slots=True)
class Look:
    """One look: well, worth knowing, or not well, and why."""

    mark: str
    what: str
    said: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What the configuration says of Slack."""

    api_url: str
    bot_token: str
    app_token: str = ""
    mode: str = "socket"
    team: str = ""
    channels: Mapping[str, str] = field(default_factory=dict)  # what a channel is for → its name or id
    legal: str = ""
    people: Sequence[Profile] = ()
    on_call: frozenset[str] = frozenset()  # keys of people


class Checkup:
    """`async for look in Checkup(expected, clock).looks()`; never raises, and changes nothing in the workspace.

    `views` are what the workspace is asked about, the product's own specimens.
    """

    def __init__(self, expected: Expected, clock: Clock, views: Callable[[], Iterable[Sample]] = samples) -> None:
        self._expected, self._clock, self._made = expected, clock, views
        self._web = AsyncWebClient(token=expected.bot_token, base_url=expected.api_url, timeout=10, retry_handlers=[])
        self._client = Client.open(expected.bot_token, expected.api_url, clock=clock)
        self._granted: frozenset[str] = frozenset()
        self._team = ""

    async def looks(self) -> AsyncIterator[Look]:
        """Every look in turn; one that is not well keeps none from being taken, but the first."""
        await self._client.connect()
        try:
            first = await _bounded("workspace", self._who_we_are)
            for look in first:
                yield look
            if not self._team:
                yield Look(NOTE, "the rest", "was not looked at: nothing can be asked without a workspace that answers")
                return
            yield self._scopes()
            yield Look(NOTE, "manifest", f"commands, events and menus cannot be read by an app: compare them; {PRINT}")
            for what, look_at in self._rest():
                for look in await _bounded(what, look_at):
                    yield look
        finally:
            await self._client.close()

    def _rest(self) -> Iterator[tuple[str, Callable[[], Awaitable[list[Look]]]]]:
        """What is looked at once the workspace answers."""
        expected = self._expected
        if expected.mode == "socket":
            yield "socket", self._socket
        for purpose, name in expected.channels.items():
            yield purpose, partial(self._channel, purpose, name)
        if expected.legal:
            yield "legal channel", self._legal
        yield "people", self._people
        yield "views", self._views

    # -- who we are, and what we may do -------------------------------------------------------------------------------

    async def _who_we_are(self) -> list[Look]:
        begun = self._clock.now()
        try:
            answer = await self._web.api_call("auth.test")
        except SlackApiError as error:
            code = str(
                error.response.get("error") if isinstance(error.response.data, dict) else error.response.status_code
            )
            return [Look(BAD, "workspace", _TOKEN.get(code, f"Slack refuses auth.test: {code}"))]
        except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as error:
            return [Look(BAD, "workspace", f"{self._expected.api_url} gives no answer: {type(error).__name__}")]
        took = (self._clock.now() - begun).total_seconds()
        me = answer.data if isinstance(answer.data, dict) else {}
        self._team = str(me.get("team_id") or "")
        headers = {str(name).lower(): str(value) for name, value in dict(answer.headers).items()}
        self._granted = frozenset(one.strip() for one in headers.get("x-oauth-scopes", "").split(",") if one.strip())
        wanted = self._expected.team
        if wanted and self._team != wanted:
            said = f"the token is of workspace {self._team or 'unknown'}, the configuration names {wanted}"
            return [Look(BAD, "workspace", f"{said}: every click would be refused")]
        name = f"{me.get('team') or 'unnamed'} ({self._team})"
        said = f"answers in {took * 1000:.0f} ms; we are @{me.get('user') or me.get('user_id')} in {name}"
        looks = [Look(OK, "workspace", said)]
        if not wanted:
            looks.append(
                Look(NOTE, "team", f"slack.team is not set: set it to {self._team}, so that strangers are refused")
            )
        return [*looks, *_clock(headers.get("date", ""), begun, took)]

    def _scopes(self) -> Look:
        if not self._granted:
            return Look(NOTE, "scopes", "the workspace does not say which were granted")
        lacking = [one for one in CORE_SCOPES if one not in self._granted]
        if lacking:
            told = "; ".join(f"{one} ({wanted_by(one)})" for one in lacking)
            return Look(
                BAD, "scopes", f"not granted: {told}. Bring the app's manifest up to date and install it anew; {PRINT}"
            )
        without = [one for one in OPTIONAL_SCOPES if one not in self._granted]
        left_out = "; ".join(f"{one} ({wanted_by(one)})" for one in without)
        spare = sorted(self._granted - {*CORE_SCOPES, *OPTIONAL_SCOPES})
        more = f"; granted and not needed: {', '.join(spare)}" if spare else ""
        if without:
            return Look(NOTE, "scopes", f"all that is needed; done without: {left_out}{more}")
        return Look(NOTE if spare else OK, "scopes", f"all that is needed and all that is optional{more}")

    async def _socket(self) -> list[Look]:
        """Open one socket with the app token, hear its hello, and close it; Slack sends again what it sent there."""
        web = AsyncWebClient(base_url=self._expected.api_url, timeout=10, retry_handlers=[])
        try:
            url = str((await web.apps_connections_open(app_token=self._expected.app_token))["url"])
            async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
                hello = await socket.receive_json(timeout=10)
        except SlackApiError as error:
            code = str(error.response.get("error"))
            said = f"the app token opens none: {code}. It needs connections:write; Socket Mode must be on in the app"
            return [Look(BAD, "socket", said)]
        except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError, TypeError, ValueError) as error:
            return [Look(BAD, "socket", f"cannot be opened: {type(error).__name__}")]
        if hello.get("type") != "hello":
            reason = hello.get("reason") or "no hello"
            return [
                Look(BAD, "socket", f"sent away: {reason}. An app has ten at most; stop a replica, or use mode http")
            ]
        count = hello.get("num_connections")
        return [Look(OK, "socket", f"opens; it was number {count} of at most 10" if count else "opens")]

    # -- channels ----------------------------------------------------------------------------------------------------

    async def _info(self, name: str) -> dict[str, Any]:
        found = await self._client.call("conversations.info", channel=await self._client.channel_id(name))
        channel: dict[str, Any] = found["channel"]
        return channel

    async def _channel(self, purpose: str, name: str) -> list[Look]:
        if not name:
            return [Look(NOTE, purpose, "none is configured")]
        channel = await self._info(name)
        shown = f"#{channel.get('name') or name}"
        if channel.get("is_archived"):
            return [Look(BAD, purpose, f"{shown} is archived: name another one")]
        if not channel.get("is_member"):
            uninvited = "chat:write.public" in self._granted and not channel.get("is_private")
            said = (
                "cards are posted there all the same, talk in it is not heard" if uninvited else "nothing can be posted"
            )
            return [Look(NOTE if uninvited else BAD, purpose, f"we are not in {shown}: {said}. In it: /invite @Tocsin")]
        kind = "private" if channel.get("is_private") else "public"
        if channel.get("is_ext_shared"):
            return [Look(NOTE, purpose, f"{shown} is shared with another organisation, which reads the cards")]
        return [Look(OK, purpose, f"we are in {shown} ({kind})")]

    async def _legal(self) -> list[Look]:
        """Duties and drafts are for few eyes."""
        looks = await self._channel("legal channel", self._expected.legal)
        channel = await self._info(self._expected.legal)
        if not channel.get("is_private"):
            return [
                Look(
                    BAD,
                    "legal channel",
                    f"#{channel.get('name')} is public: everybody reads the drafts. Make it private",
                )
            ]
        if channel.get("is_ext_shared"):
            return [Look(BAD, "legal channel", f"#{channel.get('name')} is shared with another organisation")]
        return looks

    # -- people ------------------------------------------------------------------------------------------------------

    async def _people(self) -> list[Look]:
        people = [one for one in self._expected.people if one.slack_user]
        gate = asyncio.Semaphore(AT_ONCE)

        async def look(one: Profile) -> Look | None:
            async with gate:
                return await self._person(one)

        wrong = [found for found in await asyncio.gather(*map(look, people)) if found is not None]
        members = len(people) - len(wrong)
        for one in self._expected.people:
            if not one.slack_user and one.key in self._expected.on_call:
                said = "is on call and has no Slack account in people.yaml: no page reaches them here"
                wrong.append(Look(BAD, f"person {one.key}", said))
        without = len(self._expected.people) - len(people)
        more = f"; {without} without a Slack account" if without else ""
        return [*wrong, Look(OK if members or not people else NOTE, "people", f"{members} full members{more}")]

    async def _person(self, one: Profile) -> Look | None:
        what = f"person {one.key}"
        try:
            answer = await self._client.call("users.info", user=one.slack_user)
        except SlackRefused as refused:
            if refused.code == "missing_scope":
                return Look(NOTE, what, "cannot be looked up without the scope users:read")
            return Look(
                BAD, what, f"{one.slack_user} is nobody here ({refused.code}): copy the member id from their profile"
            )
        except Unavailable as error:
            return Look(NOTE, what, f"was not looked up: {error}")
        because = judged(answer.get("user"), one.slack_team or self._team)
        return Look(BAD, what, f"{one.slack_user} may not act: {because}") if because else None

    # -- views -------------------------------------------------------------------------------------------------------

    async def _views(self) -> list[Look]:
        """Every message, dialog and Home tab, by our own rules and, where the workspace has it, by blocks.validate."""
        made = list(self._made())
        looks = [look for one in made for look in _by_our_rules(one)]
        for asked, one in enumerate(made):
            try:
                asked_of: dict[str, Any] = {one.kind: one.payload}
                await self._client.call("blocks.validate", **asked_of)
            except SlackRefused as refused:
                if refused.code == "unknown_method":
                    said = f"{len(made)} by our own rules; the workspace has no blocks.validate"
                    return [*looks, Look(BAD if looks else NOTE, "views", said)]
                looks.append(Look(BAD, one.name, f"Slack would refuse it: {refused}"))
            except Unavailable as error:
                return [*looks, Look(NOTE, "views", f"{asked} of {len(made)} asked, then: {error}")]
        bad = len({look.what for look in looks})
        said = (
            f"{bad} of {len(made)} would be refused" if bad else f"{len(made)}, all taken by Slack and by our own rules"
        )
        return [*looks, Look(BAD if bad else OK, "views", said)]


_TOKEN = {
    "invalid_auth": "Slack does not know the bot token: copy it again from the app's page, OAuth & Permissions",
    "not_authed": "there is no bot token: put it where slack.bot_token points",
    "account_inactive": "the app was removed from the workspace: install it again, and take its new bot token",
    "token_revoked": "the bot token was revoked: install the app again, and take its new one",
    "token_expired": "the bot token has run out: switch token rotation off in the app, and take its new one",
    "not_allowed_token_type": "that is not a bot token: it begins with xoxb-",
}


async def _bounded(what: str, look: Callable[[], Awaitable[list[Look]]]) -> list[Look]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await look()
    except TimeoutError:
        return [Look(BAD, what, f"no answer within {PATIENCE:g} s")]
    except NotFound as missing:
        return [Look(BAD, what, f"{missing}. A private channel is seen from inside alone: in it, /invite @Tocsin")]
    except SlackRefused as refused:
        return [Look(BAD, what, str(refused))]
    except TocsinError as error:
        return [Look(BAD, what, str(error))]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return [Look(BAD, what, f"the answer is not one of Slack: {type(error).__name__}")]


def _clock(date: str, begun: datetime, took: float) -> list[Look]:
    """Slack's Date header against our clock; it has whole seconds, and half the way was spent when it was written."""
    try:
        there = parsedate_to_datetime(date).astimezone(UTC)
    except (TypeError, ValueError):
        return [Look(NOTE, "clock", "Slack does not tell the time")]
    off = begun.timestamp() + took / 2 - (there.timestamp() + 0.5)
    if abs(off) <= SKEW:
        return [Look(OK, "clock", "agrees with Slack's")]
    way = "ahead of" if off > 0 else "behind"
    said = f"ours is {abs(off):.0f} s {way} Slack's"
    if abs(off) <= FAR:
        return [Look(NOTE, "clock", f"{said}: let NTP set it")]
    return [Look(BAD, "clock", f"{said}: let NTP set it; five minutes off, every request over HTTP is refused")]


def _by_our_rules(one: Sample) -> Iterator[Look]:
    payload = one.payload
    faults = validate_view(payload) if one.kind == "view" else validate_message(payload["blocks"], payload["text"])
    for fault in faults:
        yield Look(BAD, one.name, f"breaks our own rules: {fault}")
