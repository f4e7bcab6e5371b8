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
BELIEVED = timedelta(minutes=15)
ASK_AGAIN = timedelta(minutes=1)
"""How long an answer is believed, and how soon it is asked again where there was none."""
GUEST = "Guests cannot act on incidents. Ask a member of the team to do it."
GONE = "Slack says that this account is deactivated."
BOT = "Tocsin obeys people, not other apps."
ELSEWHERE = "You belong to another workspace. Ask a member of the team here to do it."
_NOBODY = frozenset({"user_not_found", "user_not_visible"})


class Standing:
    """What Slack says of people, remembered."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._known: dict[tuple[str, str], tuple[str, datetime]] = {}  # who → why not ("" for welcome), until when
        self._asking: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def refusal(self, team: str, user: str) -> str:
        """Why this person may not act, "" where they may as far as Slack says."""
        who = (team, user)
        because, until = self._known.get(who, ("", None))
        if until is not None and self._clock.now() < until:
            return because
        asking = self._asking.get(who)
        if asking is None:
            asking = self._asking[who] = asyncio.get_running_loop().create_task(self._ask(who))
            asking.add_done_callback(lambda _done: self._asking.pop(who, None))
        try:
            return await asyncio.wait_for(asyncio.shield(asking), PATIENCE)
        except TimeoutError:
            return because

    async def _ask(self, who: tuple[str, str]) -> str:
        """Ask Slack; without an answer what was known before stands a little longer."""
        because, _until = self._known.get(who, ("", None))
        rest = ASK_AGAIN
        try:
            answer = await self._client.call("users.info", user=who[1])
            because, rest = judged(answer.get("user"), who[0]), BELIEVED
        except SlackRefused as refused:
            because, rest = (ELSEWHERE if refused.code in _NOBODY else because), BELIEVED
        except (Unavailable, Refused) as error:
            _log.info("Slack does not say who %s is; the directory does: %s", who[1], error)
        self._known[who] = (because, self._clock.now() + rest)
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
