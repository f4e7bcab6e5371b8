"""Whether somebody the directory names is still a full member of the workspace, so that no guest acts on an incident.

The directory is the authority: whoever it does not name is refused without asking. Slack's answer can only narrow that:
a guest, a deactivated account, a bot or somebody of another workspace is refused although the directory names them.
It is asked once and believed for a while, no acknowledgement waits for it longer than half a second, and where it does
not come the directory's word stands.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.slack.client import Client, SlackRefused

_log = logging.getLogger(__name__)
PATIENCE = 0.5
"""Seconds a click waits for Slack's word."""
BELIEVED, RENEWED = timedelta(minutes=15), timedelta(minutes=10)
"""How long an answer is believed, and from when on it is asked for anew while it still is."""
ASK_AGAIN = timedelta(minutes=1)
"""How soon it is asked again where there was no answer."""
GUEST = "Guests cannot act on incidents. Ask a member of the team to do it."
GONE = "Slack says that this account is deactivated."
BOT = "Tocsin obeys people, not other apps."
ELSEWHERE = "You belong to another workspace. Ask a member of the team here to do it."
_NOBODY = frozenset({"user_not_found", "user_not_visible"})


class Standing:
    """What Slack says of people, remembered."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        # who → why not ("" for welcome), from when on to ask anew, until when it is believed
        self._known: dict[tuple[str, str], tuple[str, datetime, datetime]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def refusal(self, team: str, user: str) -> str:
        """Why this person may not act, "" where they may as far as Slack says."""
        who = (team, user)
        now = self._clock.now()
        because, anew, until = self._known.get(who, ("", now, now))
        if now >= anew:
            self._begin(who)
        if now < until:
            return because
        try:
            return await asyncio.wait_for(asyncio.shield(self._begin(who)), PATIENCE)
        except TimeoutError:
            return because

    def _begin(self, who: tuple[str, str]) -> "asyncio.Task[str]":
        asking = self._asking.get(who)
        if asking is None:
            asking = self._asking[who] = asyncio.get_running_loop().create_task(self._ask(who))
            asking.add_done_callback(lambda _done: self._asking.pop(who, None))
        return asking

    async def _ask(self, who: tuple[str, str]) -> str:
        """Ask Slack; without an answer what was known before stands a little longer."""
        because = self._known[who][0] if who in self._known else ""
        renewed = rest = ASK_AGAIN
        try:
            answer = await self._client.call("users.info", user=who[1])
            because, renewed, rest = judged(answer.get("user"), who[0]), RENEWED, BELIEVED
        except SlackRefused as refused:
            because, renewed, rest = (ELSEWHERE if refused.code in _NOBODY else because), RENEWED, BELIEVED
        except (Unavailable, Refused) as error:
            _log.info("Slack does not say who %s is; the directory does: %s", who[1], error)
        now = self._clock.now()
        self._known[who] = (because, now + renewed, now + rest)
        return because

    async def close(self) -> None:
        """Ask no more."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)


def judged(user: Any, team: str) -> str:
    """What users.info means for somebody who acts as a member of `team`."""
    if not isinstance(user, dict):
        return ""
    if user.get("deleted"):
        return GONE
    if user.get("is_bot"):
        return BOT
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return GUEST
    home = user.get("team_id")
    # in a Grid organisation people keep the id of the workspace that made their account
    elsewhere = isinstance(home, str) and home not in ("", team) and not user.get("enterprise_user")
    return ELSEWHERE if user.get("is_stranger") or elsewhere else ""
