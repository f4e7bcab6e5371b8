"""Where Slack knocks: every click, form, command and mention becomes one request to the desk, and gets an answer.

A request's id commits together with what it causes, then it is acknowledged; a repetition has no second effect. While
the record is silent a click is answered so in time, and an event is left for Slack to deliver again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.blockkit.blocks import Option
from bot.blockkit.text import untrusted
from bot.clock import Clock
from bot.domain.errors import Conflict, Invalid, NotFound, RateLimited, Refused, TocsinError, Unavailable
from bot.domain.room import ReportRoomArchived
from bot.engine.desk import Desk
from bot.engine.values import Profile
from bot.slack import payload, verbs
from bot.slack.answer import NOT_OPENED, Answers
from bot.slack.audience import shown
from bot.slack.client import Client
from bot.slack.handlers import (
    cover,
    declare,
    duty,
    followup,
    glass,
    group,
    holds,
    impact,
    lead,
    mitigation,
    notice,
    oncall,
    postmortem,
    question,
    quiet,
    record,
    resolve,
    room,
    runbook,
    talk,
    typed,
    whys,
    writing,
)
from bot.slack.hearing import Hearing
from bot.slack.homes import Homes
from bot.slack.ids import Ref
from bot.slack.knock import Handler, Knock, Reply, Tell, Values
from bot.slack.message import sentence
from bot.slack.mirror import SlackChat
from bot.slack.payload import Door
from bot.slack.reactions import TICK, Reactions
from bot.slack.replays import Replays
from bot.slack.settings import SlackSettings
from bot.slack.standing import Standing
from bot.slack.views import home

_log = logging.getLogger(__name__)
DEADLINE = 2.5
"""Seconds until the person is told that it may not have been recorded; Slack gives up after three."""
UNRECORDED = "Not recorded: the record does not answer right now. Please try again."
UNSURE = "It may not have been recorded; look at the thread before you press again."
SENT_AGAIN = "It may not have been recorded. Press again: one form declares one incident, however often it is sent."
BROKEN = "Something went wrong; nothing was recorded. Please try again, or use the console."
PRIVILEGED = (
    "What is said here stays here: nothing of it is written into an incident's timeline. "
    "Say it in the incident's thread if everybody there may read it."
)
STRANGER = home.UNKNOWN
_FEATURES = (lead, runbook, mitigation, glass, holds, whys, notice, impact, record, quiet, declare, room, resolve,
             followup, postmortem, talk, duty, question, writing, cover, group)  # fmt: skip
_OPEN_TO_NAMED = frozenset({"ack", "lead", "snooze"})
_SHORTCUTS = {"declare": "declare.open", "declare_message": "declare.open", "timeline_message": "talk.timeline",
              "finding_message": "talk.finding", "followup_message": "talk.followup"}  # fmt: skip

CLICKS: dict[str, Handler] = {name: one for feature in _FEATURES for name, one in feature.CLICKS.items()}
SUBMITS: dict[str, Handler] = {name: one for feature in _FEATURES for name, one in feature.SUBMITS.items()}


class Ingress:
    """Bolt's app with one middleware that handles everything, because Bolt acknowledges events before listeners run."""

    def __init__(self, desk: Desk, client: Client, chat: SlackChat, settings: SlackSettings, clock: Clock) -> None:
        self.desk, self.client, self.chat, self.settings, self.clock = desk, client, chat, settings, clock
        self.answers = Answers(client)
        self.standing = Standing(client, clock)
        self.replays = Replays(desk, clock)
        self.hearing = Hearing(desk, client, chat, clock)
        self.reactions = Reactions(
            desk, client, self.hearing, settings.emoji, clock, who=self._who, allowed=self._allowed
        )
        self.homes = Homes(desk, client, clock, who=self._who)

        async def authorize(team_id: str | None, enterprise_id: str | None) -> AuthorizeResult:
            return self._authorize(team_id, enterprise_id)

        self.app = AsyncApp(
            name="tocsin", logger=logging.getLogger("bot.slack.bolt"), authorize=authorize, signing_secret="",
            request_verification_enabled=False,  # requests over HTTP are verified before they come here
            ignoring_self_events_enabled=False,  # a deleted message of ours must be noticed
        )  # fmt: skip

        async def take(req: AsyncBoltRequest) -> BoltResponse:
            return await self.take(req.body, signature=next(iter(req.headers.get("x-slack-signature", ())), ""))

        self.app.middleware(take)

    def _authorize(self, team_id: str | None, enterprise_id: str | None) -> AuthorizeResult:
        """What Bolt needs to know of us; no call to Slack stands in the way of a click."""
        me = self.client.known_me
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=self.settings.bot_token.get_secret_value(),
            bot_id=me.get("bot_id"), bot_user_id=me.get("user_id"),
        )  # fmt: skip

    # -- any request -------------------------------------------------------------------------------------------------

    async def take(self, body: Mapping[str, Any], *, signature: str = "") -> BoltResponse:
        """Handle one request; the response is the acknowledgement. `signature` is that of a request over HTTP."""
        door = payload.read(body)
        if door.family == payload.EVENT:
            return await self._event(door)
        if door.family == payload.OPTIONS:
            return BoltResponse(status=200, body={"options": await self._options(door)})
        if door.family not in (payload.CLICK, payload.SUBMIT, payload.COMMAND, payload.SHORTCUT, payload.ON_MESSAGE):
            return BoltResponse(status=200)
        return await self._guarded(door, lambda: self._once(door, body, signature))

    async def _guarded(self, door: Door, work: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        """Whatever happens, the person learns what became of it, in time."""
        try:
            async with asyncio.timeout(DEADLINE):
                with self.desk.courtesy.answering():
                    return await work()
        except RateLimited as error:
            _log.warning("%s was not answered: %s", door.family, error)
            return self.answers.refuse(door, NOT_OPENED)
        except (Unavailable, Conflict) as error:
            _log.warning("%s was not recorded: %s", door.family, error)
            return self.answers.refuse(door, UNRECORDED)
        except TimeoutError:  # the record may have heard it although its answer comes too late
            _log.warning("%s may not have been recorded: out of time", door.family)
            again = door.family == payload.SUBMIT and door.view.get("callback_id") in declare.SUBMITS
            return self.answers.refuse(door, SENT_AGAIN if again else UNSURE, heading="Not sure")
        except (Refused, NotFound, Invalid) as error:
            return self.answers.refuse(door, str(error))
        except Exception:  # noqa: BLE001 - never a dead click
            _log.exception("%s failed", door.family)
            return self.answers.refuse(door, BROKEN)

    async def _once(self, door: Door, body: Mapping[str, Any], signature: str) -> BoltResponse:
        if not signature:
            return await self._handle(door, body)
        if not await self.replays.first(signature):
            _log.warning("a signed request came a second time and was ignored")
            return BoltResponse(status=200)
        try:
            return await self._handle(door, body)
        finally:
            self.answers.later(self.replays.tell(signature))

    async def _handle(self, door: Door, body: Mapping[str, Any]) -> BoltResponse:
        who = await self._who(door)
        if door.family == payload.COMMAND:
            return await self.answers.give(door, await self._command(door, who))
        name, ref = payload.deed(door, body)
        if door.family in (payload.SHORTCUT, payload.ON_MESSAGE):
            name = _SHORTCUTS.get(name, "")
            if name != "declare.open":
                await self._may_leave(door)
                ref = Ref(await self._incident_of(door, who))
        handler = SUBMITS.get(name) if door.family == payload.SUBMIT else _click(name)
        if handler is None:
            if not name or (door.family == payload.SUBMIT and name == "info"):
                return BoltResponse(status=200)
            raise Refused("this button is from another version of Tocsin; use a newer message")
        knock = Knock(
            self.desk, self.client, who, door.inbound, name, ref, Values(door.view), body, "", door.channel, door.ts,
            door.thread_ts, door.user, self.settings.home_channel,
        )  # fmt: skip
        await self._allowed(knock)
        return await self.answers.give(door, await handler(knock))

    async def _incident_of(self, door: Door, who: Profile) -> str:
        """The incident of the message whose menu was used; "" where nobody can tell, or this person may not know."""
        known = await self.desk.talk.find(door.channel, door.ts)
        if known is not None and known.incident:
            incident = await self.desk.log.load(known.incident)
            if await shown(self.desk, incident, (who.id,)):
                return known.incident
        return await self.chat.incident_at(door.channel, door.thread_ts or door.ts)

    async def _options(self, door: Door) -> list[Option]:
        """What a search offers to people the directory knows; nothing to others, or while the record is silent."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self._who(door)
        except (TocsinError, TimeoutError) as error:
            _log.info("a search is answered with nothing: %s", error)
            return []
        return declare.options(self.desk, door.text)

    async def _who(self, door: Door) -> Profile:
        """The person, by workspace and user; never by a name. Raises Refused for strangers and guests."""
        if not door.user or (self.settings.team and door.team != self.settings.team):
            raise Refused(STRANGER)
        found = await self.desk.people.by_slack(door.team, door.user)
        if found is None:
            raise Refused(STRANGER)
        if because := await self.standing.refusal(door.team, door.user):
            raise Refused(because)
        return found

    async def _allowed(self, knock: Knock) -> None:
        """The incident is there; a restricted one shows its content on the console only. Raises Refused."""
        if not knock.ref.incident:
            return
        known = self.desk.log.at_hand(knock.ref.incident)
        if known is not None and not known.restricted:  # which no incident becomes after it was declared
            return
        incident = await self.desk.log.load(knock.ref.incident)
        if not incident.exists:
            raise Refused(f"there is no incident {knock.ref.incident}")
        if not incident.restricted:
            return
        if not await shown(self.desk, incident, (knock.who.id,)):
            raise Refused(f"there is no incident {knock.ref.incident}")
        if knock.deed not in _OPEN_TO_NAMED:
            raise Refused(f"{incident.id} is restricted: its content is shown on the console only")

    async def _may_leave(self, door: Door) -> None:
        """Counsel's words do not flow into a timeline that more people read. Raises Refused."""
        if await self.chat.is_legal(door.channel, door.thread_ts or door.ts):
            raise Refused(PRIVILEGED)

    # -- typed words -------------------------------------------------------------------------------------------------

    async def _command(self, door: Door, who: Profile) -> Reply:
        verb = verbs.slash(door.text)
        if not verb.name and not verb.incident and (here := await self.chat.incident_at(door.channel, "")):
            verb = verbs.slash(f"{here} {door.text}")  # in a war room its incident is meant
        knock = Knock(self.desk, self.client, who, door.inbound, verb.name, Ref(verb.incident), channel=door.channel,
                      user=door.user)  # fmt: skip
        await self._allowed(knock)
        if not verb.incident:
            return await typed.slash(knock, verb)
        if verbs.is_worded(verb):
            await self._may_leave(door)
        return await typed.said(knock, verb) or Tell(f"{verb.incident}: recorded.")

    async def _event(self, door: Door) -> BoltResponse:
        """Mentions and emoji do something, talk is written down; other events only tell us to look again."""
        kind = door.event.get("type")
        if kind == "app_home_opened" and door.event.get("tab") in (None, "home"):
            self.answers.later(self.homes.looked(door))
        elif kind == "message":
            if door.event.get("subtype") == "message_deleted":
                self.answers.later(self._restore(door))
            return await self._durably(door, lambda: self.hearing.hear(door))
        elif kind in ("reaction_added", "reaction_removed"):
            return await self._durably(door, lambda: self._reacted(door))
        elif kind in ("channel_archive", "group_archive"):
            return await self._durably(door, lambda: self._archived(door))
        elif kind == "app_mention" and not door.event.get("bot_id"):
            return await self._mention(door)
        return BoltResponse(status=200)

    async def _durably(self, door: Door, work: Callable[[], Awaitable[None]]) -> BoltResponse:
        """Written down, then acknowledged; left for redelivery where the record (or Slack, asked for it) is silent."""
        try:
            async with asyncio.timeout(DEADLINE):
                await work()
        except (Unavailable, Conflict, TimeoutError) as error:
            _log.warning("%s is left for redelivery: %s", door.event.get("type"), error or "out of time")
            return BoltResponse(status=503)
        except (Refused, NotFound, Invalid) as error:
            _log.info("%s was not taken: %s", door.event.get("type"), error)
        except Exception:  # noqa: BLE001 - delivered again it would fail again
            _log.exception("%s failed", door.event.get("type"))
        return BoltResponse(status=200)

    async def _reacted(self, door: Door) -> None:
        heard = await self.reactions.take(door)
        if heard.counted:
            self.answers.later(self.reactions.acknowledge(heard.door))
        if heard.tell is not None:
            self.answers.later(self.answers.whisper(heard.door, heard.tell.text, heard.tell.blocks))

    async def _archived(self, door: Door) -> None:
        """Somebody put a channel away: where it was a war room, its incident learns it."""
        name = await self.chat.spoken_of(door.channel, "")
        known = (await self.desk.log.load(name)).room if name else None
        if known is not None and known.channel == door.channel:
            await self.desk.submit(name, ReportRoomArchived(), inbound=door.inbound)

    async def _mention(self, door: Door) -> BoltResponse:
        """Recorded, then acknowledged; left for redelivery where the record is silent."""
        try:
            async with asyncio.timeout(DEADLINE):
                reply = await self._said(door)
        except (Unavailable, Conflict, TimeoutError) as error:
            _log.warning("a mention is left for redelivery: %s", error or "out of time")
            return BoltResponse(status=503)
        except (Refused, NotFound, Invalid) as error:
            reply = Tell(untrusted(sentence(str(error)), 2_500))
        except Exception:  # noqa: BLE001 - never a dead mention
            _log.exception("a mention failed")
            reply = Tell(BROKEN)
        if isinstance(reply, Tell):
            self.answers.later(self.answers.whisper(door, reply.text, reply.blocks))
        else:
            self.answers.later(self._tick(door))
        return BoltResponse(status=200)

    async def _said(self, door: Door) -> Reply:
        who = await self._who(door)
        if door.event.get("edited"):
            return Tell("An edited message is not read again. Please say it anew.")
        verb = verbs.mention(door.text, str(self.client.known_me.get("user_id") or ""))
        incident = verb.incident or await self.chat.incident_at(door.channel, door.thread_ts or door.ts)
        if verb.name == "oncall":  # a question about everybody, whatever incident is talked about here
            knock = Knock(self.desk, self.client, who, "", verb.name, Ref(), channel=door.channel, user=door.user)
            return await oncall.told(knock, verb.rest)
        if not incident and verb.name != "help":
            return Tell(f"Which incident? Say it in its thread, or name it. {verbs.HELP_THREAD}")
        knock = Knock(self.desk, self.client, who, door.inbound, verb.name, Ref(incident), body=door.event,
                      channel=door.channel, ts=door.ts, thread_ts=door.thread_ts, user=door.user)  # fmt: skip
        await self._allowed(knock)
        if verbs.is_worded(verb):
            await self._may_leave(door)
        return await typed.said(knock, verb)

    async def _tick(self, door: Door) -> None:
        """What was recorded gets a reaction, not a message."""
        await self.client.optional("reactions.add", channel=door.channel, timestamp=door.ts, name=TICK)

    # -- looking -----------------------------------------------------------------------------------------------------

    async def refresh_homes(self) -> bool:
        """Publish changed Home tabs again; False where somebody's turn must come again."""
        return await self.homes.refresh()

    async def _restore(self, door: Door) -> None:
        """Somebody deleted one of our messages: it is posted again."""
        incident = await self.chat.forget(door.channel, str(door.event.get("deleted_ts") or ""))
        if incident:
            await self.chat.show(await self.desk.situation(incident))

    async def close(self) -> None:
        """End what runs in the background."""
        await self.answers.close()
        await self.standing.close()


def _click(name: str) -> Handler | None:
    """The handler of a deed; `step.do.2` is a `step.do`."""
    found = CLICKS.get(name)
    if found is None:
        stem, _, tail = name.rpartition(".")
        found = CLICKS.get(stem) if tail.isdigit() else None
    return found
