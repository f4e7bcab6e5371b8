"""Reaches one person: a direct message once, as far as anybody can tell; in doubt it is sent again."""

from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.domain.policy import Severity
from bot.engine.ports import Mirror
from bot.engine.values import Posted
from bot.slack import likeness
from bot.slack.client import Client
from bot.slack.duplicates import Duplicates
from bot.slack.lanes import POST
from bot.slack.message import Surface
from bot.slack.news import GRACE
from bot.slack.pacing import Rank
from bot.slack.poster import POSTED, SENDING, Poster


class Direct:
    """Messages that are asked for by key, once: pages, reminders, covers, and what is posted to everybody."""

    def __init__(self, client: Client, mirror: Mirror, poster: Poster, duplicates: Duplicates, clock: Clock) -> None:
        self._client, self._mirror, self._poster = client, mirror, poster
        self._duplicates, self._clock = duplicates, clock

    async def page(self, incident: str, surface: Surface, severity: Severity) -> None:
        """Before everything else that goes out, the worst incident first. Raises Unavailable, Refused."""
        with self._client.pacer.paging():
            await self._tell(incident, surface, Rank.PAGE, severity)

    async def tell(self, incident: str, surface: Surface) -> None:
        """As any other; to a channel where the surface names no person. Raises Unavailable, Refused, NotFound."""
        await self._tell(incident, surface, Rank.POST, Severity.SEV4)

    async def _tell(self, incident: str, surface: Surface, rank: Rank, severity: Severity) -> None:
        row = (await self._mirror.of(incident)).get(surface.name)
        if row is not None and row.state == POSTED:
            return
        if row is not None and row.state == SENDING and await self._poster.resolve(row, patient=False) is not None:
            return
        to_one = bool(surface.person)
        channel = await (self._client.direct(surface.person) if to_one else self._client.channel_id(surface.channel))
        due = self._clock.now() + GRACE[severity]
        await self._client.pacer.turn(POST, channel, rank=rank, due=due, opens=True)
        earlier = likeness.marks(row.shown) if row is not None else frozenset()
        note = likeness.noted("", earlier | {likeness.mark(surface.message.text)})
        attempt = row.attempt + 1 if row is not None else 1
        fresh = Posted(incident, surface.name, channel, "", note, SENDING, attempt, self._clock.now())
        if not await self._mirror.claim(fresh):
            self._client.pacer.give_back(POST, channel, opens=True)
            raise Unavailable("Slack", f"{surface.name} is being sent already")
        if earlier:
            self._duplicates.watch(fresh, "")
        await self._poster.post(surface, fresh, rank=rank, earlier=earlier)
