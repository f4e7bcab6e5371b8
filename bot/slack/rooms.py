"""War rooms in Slack: a channel per promoted incident, found again after a crash, with the people who matter in it."""

import re

from bot.domain.errors import Refused
from bot.engine.situation import Situation
from bot.slack.client import Client, SlackRefused
from bot.slack.pacing import Rank
from bot.slack.views._words import brief, title
from bot.slack.views.home import named

LONGEST = 80
"""Letters of a channel's name (Slack)."""


def name_of(situation: Situation) -> str:
    """The channel's name: `inc-142-fraud-scores-drifting`; a second room of an incident says so."""
    incident = situation.incident
    words = re.sub(r"[^a-z0-9]+", "-", f"{incident.id} {incident.title}".lower()).strip("-")
    number = incident.room.number if incident.room else 1
    again = f"-{number}" if number > 1 else ""
    return words[: LONGEST - len(again)].rstrip("-") + again


class Rooms:
    """Opens and archives war rooms."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def open(self, situation: Situation) -> tuple[str, str]:
        """The channel (id, name); asked again after a crash, the one that was made. Raises Unavailable, Refused."""
        name = name_of(situation)
        try:
            answer = await self._client.call("conversations.create", name=name)
            channel = str(answer["channel"]["id"])
        except SlackRefused as refused:
            if refused.code != "name_taken":
                raise
            channel = await self._ours(name)
        await self._furnish(channel, situation)
        return channel, name

    async def _ours(self, name: str) -> str:
        """A channel of that name, if we made it: an attempt whose answer was lost. Raises Refused for another's."""
        me = (await self._client.me()).get("user_id")
        async for one in self._client.channels():
            if (one.get("name"), one.get("creator")) == (name, me):
                return str(one["id"])
        raise Refused(f"there is a channel #{name} already, and Tocsin did not make it")

    async def _furnish(self, channel: str, situation: Situation) -> None:
        """Who matters is invited and the topic says what it is; none of it is worth failing for."""
        users = [
            situation.people[one].slack_user
            for one in sorted(named(situation.incident) | set(situation.on_call[:1]))
            if one in situation.people and situation.people[one].slack_user
        ]
        incident = situation.incident
        topic = f"{brief(incident)}: {title(incident, 200)}"
        await self._client.optional("conversations.setTopic", channel=channel, topic=topic)
        for user in users:
            await self._client.optional("conversations.invite", rank=Rank.CHANGE, channel=channel, users=user)

    async def archive(self, situation: Situation) -> None:
        """Put it away; harmless where it is. Raises Unavailable, Refused."""
        room = situation.incident.room
        if room is None or not room.channel:
            return
        try:
            await self._client.call("conversations.archive", channel=room.channel)
        except SlackRefused as refused:
            if refused.code not in {"already_archived", "channel_not_found"}:
                raise
