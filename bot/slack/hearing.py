"""Listens to what people say below a card and in a war room: kept as it arrives, edits and deletions followed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.engine.desk import Desk
from bot.engine.talk import Saying
from bot.slack import keeping, saying
from bot.slack.client import Client
from bot.slack.mirror import SlackChat
from bot.slack.payload import Door

Json = Mapping[str, Any]


class Hearing:
    """Takes `message` events. All its methods may raise Unavailable or Conflict: the event must then come again."""

    def __init__(self, desk: Desk, client: Client, chat: SlackChat, clock: Clock) -> None:
        self.desk, self.client, self.chat, self.clock = desk, client, chat, clock

    async def hear(self, door: Door) -> None:
        """One event: something was said, edited or deleted. Of our own messages nothing is written down."""
        event = door.event
        message, before = _part(event, "message"), _part(event, "previous_message")
        kind = event.get("subtype")
        about = {"message_changed": message, "message_deleted": before}.get(str(kind), event)
        if saying.is_ours(about, await self.me()) or saying.is_ours(before, self.client.known_me):
            return
        if kind == "message_deleted" or message.get("subtype") == "tombstone":  # which the parent of a thread becomes
            await self._deleted(door, before, str(event.get("deleted_ts") or message.get("ts") or ""))
        elif kind == "message_changed":
            await self._changed(door, message)
        else:
            await self.write(door.channel, event, door.team)

    async def me(self) -> Json:
        """Who we are. Raises Unavailable where Slack does not say, for whatever reason: our words are not talk."""
        try:
            return await self.client.me()
        except Refused as refused:
            raise Unavailable("Slack", refused.because) from None

    async def write(self, channel: str, message: Json, team: str) -> Saying | None:
        """Write a message down if it is of an incident; as it then reads, None where it is of none."""
        if not saying.is_talk(message) or saying.is_ours(message, self.client.known_me):
            return None
        incident = await self.chat.spoken_of(channel, str(message.get("thread_ts") or ""))
        if not incident:
            return None
        return await self.desk.talk.keep(await self._read(message, channel, incident, team))

    async def _read(self, message: Json, channel: str, incident: str, team: str) -> Saying:
        user = str(message.get("user") or "")
        person = None if message.get("bot_id") else await self.desk.people.by_slack(_team(message) or team, user)
        return saying.read(message, channel, incident, person.id if person else "")

    async def _changed(self, door: Door, message: Json) -> None:
        """Edited; or only shown otherwise (a link's preview), which says nothing new."""
        known = await self.desk.talk.find(door.channel, str(message.get("ts") or ""))
        if known is None:
            known = await self.write(door.channel, message, door.team)
        elif saying.is_talk(message) and message.get("edited"):
            known = await self.desk.talk.keep(await self._read(message, door.channel, known.incident, door.team))
        if known is not None and known.incident and message.get("edited"):
            await keeping.follow(self.desk, self.client, known, inbound=door.inbound)

    async def _deleted(self, door: Door, before: Json, ts: str) -> None:
        """Deleted by its author (or an administrator); perhaps before we heard of it."""
        known = await self.desk.talk.find(door.channel, ts)
        if known is None:
            message = {**before, "ts": ts}
            incident = await self.chat.spoken_of(door.channel, str(message.get("thread_ts") or ""))
            if not incident or not saying.is_talk(message):
                return
            known = await self._read(message, door.channel, incident, door.team)
        when = saying.moment(door.event.get("event_ts")) or self.clock.now()
        gone = await self.desk.talk.keep(replace(known, deleted_at=known.deleted_at or when))
        if gone.incident:
            await keeping.follow(self.desk, self.client, gone, inbound=door.inbound)


def _team(message: Json) -> str:
    """In a shared channel the person's own workspace."""
    return str(message.get("user_team") or message.get("team") or "")


def _part(body: Json, name: str) -> Json:
    value = body.get(name)
    return value if isinstance(value, dict) else {}
