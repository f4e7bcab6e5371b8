"""The Slack room as the house sees it: opened and closed, asked to show and to page, and mounted for HTTP."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.blockkit.text import untrusted
from bot.clock import Clock
from bot.domain.errors import Conflict, NotFound, Refused, Unavailable
from bot.domain.room import ReportRoomArchived
from bot.engine.board import rotas_now
from bot.engine.calling import Summons
from bot.engine.desk import Desk
from bot.engine.ports import Mirror
from bot.slack.client import Client
from bot.slack.covers import CoverNotes
from bot.slack.ingress import Ingress
from bot.slack.message import Message, Surface, said
from bot.slack.mirror import NOTES, Behind, SlackChat
from bot.slack.settings import SlackSettings
from bot.slack.transport import HttpApp, Socket

_log = logging.getLogger(__name__)
TEND_EVERY = 5.0
WARM = 40
"""How many people's direct conversations are opened beforehand, the first ones on call."""


@dataclass(frozen=True, slots=True)
class Health:
    """How Slack stands: whether we are connected, and what it does not show as it is."""

    connected: bool
    behind: Behind


class SlackRoom:
    """Everything Slack. `chat` shows situations, `page` reaches a person, `http_app` is mounted at /slack/events."""

    def __init__(self, settings: SlackSettings, desk: Desk, mirror: Mirror, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self.client = Client.open(settings.bot_token.get_secret_value(), settings.api_url, clock=clock)
        self.chat = SlackChat(self.client, mirror, settings, clock, look=desk.situation)
        self.chat.showing.room_gone = self._room_gone
        self.chat.rooms.heard = desk.talk.speakers
        self.ingress = Ingress(desk, self.client, self.chat, settings, clock)
        self.http_app = HttpApp(self.ingress.app, settings.signing_secret.get_secret_value(), clock)
        self.socket = Socket(self.ingress.app, settings, clock) if settings.mode == "socket" else None
        self._desk, self._changed = desk, False
        self._renewing: set[asyncio.Task[None]] = set()
        self._tending: list[asyncio.Task[None]] = []
        desk.handler.after_commit(self._note)
        chat = self.chat
        self.covers = CoverNotes(desk, mirror, chat.poster, chat.pacer, chat.direct, clock, self._news)
        desk.covering.tell = self.covers.hear

    async def open(self) -> None:
        """Begin; Slack being away is no reason not to start."""
        await self.client.connect()
        try:
            await self.client.me()
        except (Unavailable, Refused) as error:
            _log.warning("Slack does not say who we are yet: %s", error)
        loop = asyncio.get_running_loop()
        self._tending = [loop.create_task(self._every(each)) for each in (self._tend, self._refresh)]
        if self.socket is not None:
            await self.socket.open()

    async def warm(self) -> None:
        """Learn where cards go and who may press before anybody is in a hurry; what fails is learned then."""
        catalogue = self._desk.catalogue
        channels = {self.settings.home_channel} | {service.channel for service in catalogue.services.values()}
        for channel in sorted(channels - {""}):
            with contextlib.suppress(Unavailable, Refused, NotFound):
                await self.client.channel_id(channel)
        for each in (await self._soon_on_call())[:WARM]:
            with contextlib.suppress(Unavailable, Refused, NotFound):
                person = await self._desk.people.by_id(each)
                if person is not None and person.slack_user:
                    await self.client.direct(person.slack_user)
                    team = person.slack_team or self.settings.team or str(self.client.known_me.get("team_id") or "")
                    await self.ingress.standing.refusal(team, person.slack_user)

    async def _soon_on_call(self) -> list[str]:
        """Whom pages come to first, who is next by each rota, then the other levels and who stands in (opaque ids)."""
        roster, first, later = self._desk.roster, list[str](), list[str]()
        with contextlib.suppress(Unavailable, NotFound):
            for service in self._desk.catalogue.services:
                rungs = (await roster.ladder(service)).rungs
                first += [one for rung in rungs[:1] for one in rung.people]
                later += [one for rung in rungs[1:] for one in rung.people]
            later += await roster.instead("")
            for rota in await rotas_now(roster, self.clock.now()):
                first += [stint.person for stint in (*rota.now, *rota.next) if stint.person]
        return list(dict.fromkeys([*first, *later]))

    async def close(self) -> None:
        """Leave; what is in doubt is found again at the next start."""
        tasks = [*self._tending, *self._renewing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.covers.close()
        await self.chat.close()
        if self.socket is not None:
            await self.socket.close()
        await self.ingress.close()
        await self.chat.poster.pictures.close()
        await self.client.close()

    async def page(self, summons: Summons) -> str:
        """Send the direct message that pages a person; the words say where it went."""
        return await self.chat.page(summons)

    async def announce(self, text: str) -> None:
        """Post a note for everybody in the home channel; what begins the same is one. Raises Unavailable, Refused."""
        first, _, rest = text.partition("\n")
        words = f"*{untrusted(first, 200)}*\n{untrusted(rest, 11_000)}"
        mark = hashlib.sha256(first.encode()).hexdigest()[:12]  # it names the day; what follows may change meanwhile
        message = Message(untrusted(first, 200), said(words))
        await self.chat.direct.tell(
            NOTES, Surface(f"note:{mark}", message, self.settings.home_channel, in_thread=False)
        )

    def health(self) -> Health:
        """How Slack stands; told elsewhere than in Slack."""
        connected = self.socket is None or self.socket.up
        return Health(connected and not self.client.away, self.chat.behind())

    async def _room_gone(self, incident: str) -> None:
        await self._desk.submit(incident, ReportRoomArchived())

    def _news(self) -> None:
        """What Home tabs show has changed."""
        self._changed = True

    def _note(self, incident: str) -> None:
        """Something was committed: what waits for its turn with older news is given the newer ones at once."""
        self._changed = True
        if self.chat.waits(incident):
            task = asyncio.get_running_loop().create_task(self._renew(incident))
            self._renewing.add(task)
            task.add_done_callback(self._renewing.discard)

    async def _renew(self, incident: str) -> None:
        try:
            await self._desk.courtesy.let_pass()
            self.chat.renew(await self._desk.situation(incident))
        except (Unavailable, NotFound) as error:
            _log.info("%s is shown by the next round: %s", incident, error)

    async def _tend(self) -> None:
        """Repair what could not be shown, collapse duplicates; nobody waits here for what is waiting for its turn."""
        if not self.client.known_me:
            await self.client.me()
        await self.chat.retry()
        await self.chat.duplicates.tend()
        await self.covers.tend()

    async def _refresh(self) -> None:
        """Bring open Home tabs up to date."""
        if self._changed or self.ingress.homes.owed:
            self._changed = False
            self._changed = not await self.ingress.refresh_homes() or self._changed

    async def _every(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it every few seconds, whatever became of it the last time."""
        while True:
            await self.clock.sleep(TEND_EVERY)
            try:
                await work()
            except (Unavailable, Refused, NotFound, Conflict) as error:
                _log.info("Slack is tended later: %s", error)
            except Exception:  # noqa: BLE001 - the loop must not die
                _log.exception("tending Slack failed")
