"""Pages a person by a direct message in Slack, with a button to acknowledge.

The message is delivered by the Slack room, which looks for the page's key before it sends anything again; a page in
doubt is sent again. Slack being asleep on a phone is no receipt: name a second pager where a page must wake somebody.
"""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from bot.clock import Clock
from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.engine.ports import Profile
from bot.engine.situation import Situation

Deliver = Callable[[Profile, Situation, str], Awaitable[str]]
"""(person, situation, key) → where it went; the Slack room's `page`."""


class SlackSettings(BaseModel):
    """Nothing to set: the connection is the Slack room's own."""

    model_config = ConfigDict(extra="forbid")


class SlackPager:
    """The pager of the name `slack`."""

    shelf: ClassVar[str] = "pagers"
    Settings = SlackSettings

    def __init__(self, settings: SlackSettings, *, clock: Clock, deliver: Deliver) -> None:
        self.settings, self.clock, self._deliver = settings, clock, deliver

    async def page(self, person: Profile, situation: Situation, key: str) -> str:
        """Reach them; the words say where it went. Raises Unavailable, Refused (they have no account)."""
        if not person.slack_user:
            raise Refused(f"{person.name} has no Slack account in the people file")
        try:
            return await self._deliver(person, situation, key)
        except (Refused, RateLimited, Unavailable):
            raise
        except Exception as error:
            raise Unavailable("Slack", type(error).__name__) from error

    async def close(self) -> None:
        """Nothing is held open here."""
