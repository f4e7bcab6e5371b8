"""Keeps Home tabs: published when somebody opens theirs, and on change for whoever looked within the last hour."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.blockkit.blocks import View
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.incident import Incident
from bot.engine.desk import Desk
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.slack.client import Client
from bot.slack.handlers import typed
from bot.slack.meaning import SlackRefused
from bot.slack.pacing import Rank
from bot.slack.payload import Door
from bot.slack.turns import Turns
from bot.slack.views import home

_log = logging.getLogger(__name__)
SHOWN_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Tab:
    """Somebody's tab: when they opened it, and how it was published last."""

    who: Profile
    opened: datetime
    view: View | None = None
    hash: str = ""


class Homes:
    """`tabs` holds whoever looked lately, by Slack user, the one whose turn is next first.

    `owed` holds who looked while the record was silent, and when; `who` says who somebody is.
    """

    def __init__(self, desk: Desk, client: Client, clock: Clock, *, who: Callable[[Door], Awaitable[Profile]]) -> None:
        self._desk, self._client, self._clock, self._who = desk, client, clock, who
        self.tabs: dict[str, _Tab] = {}
        self.owed: dict[str, tuple[Door, datetime]] = {}
        self.turns = Turns(desk, clock)

    async def looked(self, door: Door) -> None:
        """Somebody looks at their tab: theirs, or why there is none, or that it comes. Raises Unavailable, Refused."""
        self.owed[door.user] = (door, self._clock.now())
        try:
            await self._greet(door)
        except Unavailable as error:
            _log.info("the Home tab of %s comes later: %s", door.user, error)
            await self._client.publish_home(door.user, home.silent(), rank=Rank.ANSWER)

    async def _greet(self, door: Door) -> None:
        """Raises Unavailable: then it is still owed."""
        try:
            who = await self._who(door)
        except Refused as refused:
            await self._client.publish_home(door.user, home.stranger(refused.because), rank=Rank.ANSWER)
        else:
            await self.opened(door.user, who)
        self.owed.pop(door.user, None)

    async def _catch_up(self) -> bool:
        """Publish what is owed; False where the record is still silent."""
        for user, (door, since) in list(self.owed.items()):
            if self._clock.now() - since > SHOWN_FOR:
                self.owed.pop(user, None)
                continue
            try:
                await self._greet(door)
            except Refused as refused:
                _log.info("the Home tab of %s is not published: %s", user, refused)
                self.owed.pop(user, None)
            except Unavailable as error:
                _log.info("the Home tab of %s comes later: %s", user, error)
                return False
        return True

    async def opened(self, user: str, who: Profile) -> None:
        """Publish for somebody who opened their tab. Raises Unavailable, Refused."""
        before = self.tabs.pop(user, None)
        self.tabs[user] = _Tab(who, self._clock.now(), hash=before.hash if before else "")
        situations = await typed.open_situations(self._desk, (who.id,))
        await self._publish(user, situations, await self._shifts(), rank=Rank.ANSWER)

    async def refresh(self) -> bool:
        """Publish again where something changed; False where somebody's turn must come again.

        Whoever Slack refuses is dropped until they open the tab again. Where Slack does not answer, the one it failed
        at goes to the end and the rest is left for the next time.
        """
        if not await self._catch_up():
            return False
        now = self._clock.now()
        self.tabs = {user: tab for user, tab in self.tabs.items() if now - tab.opened <= SHOWN_FOR}
        if not self.tabs:
            return True
        try:
            situations = await typed.open_situations(self._desk, {tab.who.id for tab in self.tabs.values()})
            shifts = await self._shifts()
        except Unavailable as error:
            _log.info("Home tabs are refreshed later: %s", error)
            return False
        for user in list(self.tabs):
            try:
                await self._publish(user, situations, shifts)
            except Refused as refused:
                _log.info("the Home tab of %s is not refreshed any more: %s", user, refused)
                self.tabs.pop(user, None)
            except Unavailable as error:
                _log.info("Home tabs are refreshed later: %s", error)
                if user in self.tabs:
                    self.tabs[user] = self.tabs.pop(user)
                return False
        return True

    async def _publish(
        self,
        user: str,
        situations: Sequence[Situation],
        shifts: Sequence[home.Shift],
        rank: Rank = Rank.CHANGE,
    ) -> None:
        tab = self.tabs.get(user)
        if tab is None:
            return
        who = tab.who
        seen = [one for one in situations if home.may_see(one.incident, who.id, one.on_call)]
        policy, today = self._desk.catalogue.policy, self._clock.now().date()
        own = await self.turns.of(who)
        view = home.render(seen, who.person, policy, shifts, await self._promised(who), today, own)
        if view == tab.view:
            return
        try:
            known = await self._client.publish_home(user, view, hash_=tab.hash, rank=rank)
        except SlackRefused as refused:
            if refused.code != "hash_conflict":
                raise
            known = await self._client.publish_home(user, view, rank=rank)  # another replica was here; this is as new
        if user in self.tabs:
            self.tabs[user] = replace(self.tabs[user], view=view, hash=known)

    async def _promised(self, who: Profile) -> list[Incident]:
        """Where they promised something, in closed incidents too."""
        return await self._desk.handler.legible.all(await self._desk.log.promised(who.id))

    async def _shifts(self) -> list[home.Shift]:
        """Who is on call for what, first one first."""
        people = {one.id: one for one in await self._desk.people.everyone()}
        found = []
        for name, service in sorted(self._desk.catalogue.services.items()):
            on_call = [people[one] for one in await self._desk.on_call(name) if one in people]
            shown = tuple((one.id, one.slack_user, one.name) for one in on_call)
            found.append(home.Shift(service.title or name, shown))
        return found
