"""The Slack room as the house sees it: opened and closed, asked to show and to page, and mounted for HTTP."""

import asyncio
import logging

from bot.clock import Clock
from bot.domain.errors import Conflict, NotFound, Refused, Unavailable
from bot.domain.room import ReportRoomArchived
from bot.engine.desk import Desk
from bot.engine.ports import Mirror, Profile
from bot.engine.situation import Situation
from bot.slack.client import Client
from bot.slack.ingress import Ingress
from bot.slack.mirror import SlackChat
from bot.slack.settings import SlackSettings
from bot.slack.transport import HttpApp, Socket

_log = logging.getLogger(__name__)
TEND_EVERY = 5.0


class SlackRoom:
    """Everything Slack. `chat` shows situations, `page` reaches a person, `http_app` is mounted at /slack/events."""

    def __init__(self, settings: SlackSettings, desk: Desk, mirror: Mirror, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self.client = Client.open(settings.bot_token.get_secret_value(), settings.api_url, clock=clock)
        self.chat = SlackChat(self.client, mirror, settings, clock)
        self.chat.room_gone = self._room_gone
        self.ingress = Ingress(desk, self.client, self.chat, settings, clock)
        self.http_app = HttpApp(self.ingress.app, settings.signing_secret.get_secret_value(), clock)
        self.socket = Socket(self.ingress.app, settings, clock) if settings.mode == "socket" else None
        self._desk, self._changed = desk, False
        self._tending: asyncio.Task[None] | None = None
        desk.handler.after_commit(self._note)

    async def open(self) -> None:
        """Begin; Slack being away is no reason not to start."""
        await self.client.connect()
        try:
            await self.client.me()
        except (Unavailable, Refused) as error:
            _log.warning("Slack does not say who we are yet: %s", error)
        self._tending = asyncio.get_running_loop().create_task(self._tend())
        if self.socket is not None:
            await self.socket.open()

    async def close(self) -> None:
        """Leave; what is in doubt is found again at the next start."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
        if self.socket is not None:
            await self.socket.close()
        await self.ingress.close()
        await self.client.close()

    async def page(self, person: Profile, situation: Situation, key: str) -> str:
        """Send the direct message that pages a person; the words say where it went."""
        return await self.chat.page(person, situation, key)

    async def _room_gone(self, incident: str) -> None:
        await self._desk.submit(incident, ReportRoomArchived())

    def _note(self, _incident: str) -> None:
        self._changed = True

    async def _tend(self) -> None:
        """Every few seconds: repair what could not be shown, collapse duplicates, refresh open Home tabs."""
        while True:
            await self.clock.sleep(TEND_EVERY)
            try:
                if not self.client.known_me:
                    await self.client.me()
                await self.chat.tend()
                if self._changed:
                    self._changed = False
                    self._changed = not await self.ingress.refresh_homes() or self._changed
            except (Unavailable, Refused, NotFound, Conflict) as error:
                _log.info("Slack is tended later: %s", error)
            except Exception:  # noqa: BLE001 - the loop must not die
                _log.exception("tending Slack failed")
