"""War rooms in Slack: a channel per promoted incident, found again after a crash, with the people who matter in it."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from bot.domain.errors import Refused
from bot.engine.situation import Situation
from bot.slack.client import Client
from bot.slack.meaning import SlackRefused
from bot.slack.pacing import Rank
from bot.slack.views._words import brief, title
from bot.slack.views.room import invited, name_of

_log = logging.getLogger(__name__)
ARCHIVED = frozenset({"is_archived", "is_inactive", "channel_not_found"})
"""How Slack says that a channel was put away, or deleted."""
Heard = Callable[[str], Awaitable[Sequence[str]]]
"""Opaque ids of those who spoke in an incident's thread."""
EARLY = 60.0
"""Seconds Slack's clock may be behind ours."""


class Rooms:
    """Opens and archives war rooms. `heard` tells who spoke in the thread; without it only the log says who matters."""

    def __init__(self, client: Client, heard: Heard | None = None) -> None:
        self._client, self.heard = client, heard

    async def open(self, situation: Situation, home: str = "") -> tuple[str, str]:
        """The channel (id, name); asked again after a crash, the one that was made. `home` holds the thread.

        Raises Unavailable, Refused.
        """
        room = situation.incident.room
        name = name_of(situation.incident, room.number if room else 1)
        try:
            answer = await self._client.call("conversations.create", name=name, is_private=await self._private(home))
            channel = str(answer["channel"]["id"])
        except SlackRefused as refused:
            if refused.code != "name_taken":
                raise
            channel = await self._ours(name, room.asked_at if room else situation.now)
        await self._furnish(channel, situation)
        return channel, name

    async def _private(self, home: str) -> bool:
        """Never a wider audience than the thread has: as private as its channel, also where Slack does not say."""
        if not home:
            return True
        try:
            said = (await self._client.call("conversations.info", channel=home)).get("channel") or {}
        except SlackRefused as refused:
            _log.info("whether %s is private is not known, the war room will be: %s", home, refused)
            return True
        return bool(said.get("is_private", True))

    async def _ours(self, name: str, since: datetime) -> str:
        """A channel of that name made by us since: an attempt whose answer was lost. Raises Refused for another's."""
        me = (await self._client.me()).get("user_id")
        async for one in self._client.channels():
            if (one.get("name"), one.get("creator")) == (name, me):
                if float(one.get("created") or 0) < since.timestamp() - EARLY:
                    raise Refused(f"there is an older channel #{name}; rename or archive it, then ask again")
                return str(one["id"])
        raise Refused(f"there is a channel #{name} already, and Tocsin did not make it")

    # -- furniture ---------------------------------------------------------------------------------------------------

    async def _furnish(self, channel: str, situation: Situation) -> None:
        """People first, they are what it is for; what the workspace does not have is left out. Raises Unavailable."""
        heard = await self.heard(situation.incident.id) if self.heard is not None else ()
        await self._invite(channel, [situation.people[one].slack_user for one in invited(situation, heard)])
        incident = situation.incident
        topic = f"{brief(incident)}: {title(incident, 200)}"
        await self._client.optional("conversations.setTopic", channel=channel, topic=topic)
        await self._bookmark(channel, situation)

    async def _invite(self, channel: str, users: Sequence[str]) -> None:
        """All at once; where Slack refuses somebody (a guest, who left), the others one by one."""
        if not users:
            return
        try:
            await self._client.call("conversations.invite", channel=channel, users=",".join(users))
        except SlackRefused as refused:
            _log.info("people are invited one by one: %s", refused)
            for user in users:
                await self._client.optional("conversations.invite", rank=Rank.CHANGE, channel=channel, users=user)

    async def _bookmark(self, channel: str, situation: Situation) -> None:
        """The console and the runbook at the top of the channel, once."""
        if not urlsplit(situation.web_url).hostname:
            return
        said = await self._client.optional("bookmarks.list", channel_id=channel)
        if said is None:
            return
        there = {str(one.get("title")) for one in said.get("bookmarks") or []}
        page = f"{situation.web_url.rstrip('/')}/incidents/{situation.incident.id}"
        links = {"Console": page} | ({"Runbook": f"{page}#runbook"} if situation.incident.run else {})
        for label, link in links.items():
            if label not in there:
                await self._client.optional("bookmarks.add", channel_id=channel, title=label, type="link", link=link)

    # -- the end -----------------------------------------------------------------------------------------------------

    async def archive(self, situation: Situation) -> None:
        """Put it away; harmless where it is. Raises Unavailable, Refused."""
        room = situation.incident.room
        if room is None or not room.channel:
            return
        try:
            await self._client.call("conversations.archive", channel=room.channel)
        except SlackRefused as refused:
            if refused.code != "already_archived" and refused.code not in ARCHIVED:
                raise
