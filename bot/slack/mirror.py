"""The mirror: makes the messages in Slack say what the situation says, and leaves alone what says so already."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.phase import Phase
from bot.engine.ports import Mirror, Posted, Profile, Waiting
from bot.engine.situation import Situation
from bot.slack.client import Client, SlackRefused
from bot.slack.message import Surface
from bot.slack.pacing import UPDATES, Pacer
from bot.slack.poster import GONE, LATE, POSTED, SENDING, Poster
from bot.slack.quiet import quiet_until
from bot.slack.refusals import Refusals
from bot.slack.rooms import ARCHIVED, Rooms
from bot.slack.settings import SlackSettings
from bot.slack.views import reminder
from bot.slack.wanted import CARD, ROOM, page, wanted

_log = logging.getLogger(__name__)
GIVE_UP = timedelta(days=1)
"""How long after its closing an incident's refused messages are still tried."""


class _NewerError(Exception):
    """A newer situation came while this one waited for its turn."""


@dataclass(slots=True)
class _Work:
    """What is to be shown of one incident: the newest situation nobody showed yet."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    latest: Situation | None = None
    seq: int = 0  # of the newest that was shown
    due: datetime | None = None  # when what Slack refused may be tried again; None where nothing was
    closed: datetime | None = None  # since when the incident is known to be closed


@dataclass(frozen=True, slots=True)
class _Watched:
    """A surface that was posted more than once and may have landed more than once."""

    row: Posted
    thread_ts: str
    since: datetime
    until: datetime


class SlackChat:
    """Shows situations in Slack. Any number may ask at once: each incident is shown by one, and the newest wins."""

    def __init__(
        self, client: Client, mirror: Mirror, settings: SlackSettings, clock: Clock, pacer: Pacer | None = None
    ) -> None:
        self.client, self.settings, self.clock = client, settings, clock
        self.pacer = pacer or Pacer(clock)
        self.poster = Poster(client, mirror, self.pacer, settings, clock)
        self.rooms = Rooms(client)
        self._mirror = mirror
        self._work: dict[str, _Work] = {}
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._direct: dict[str, str] = {}
        self._refusals = Refusals(clock)
        self._unsent: set[tuple[str, str, int]] = set()  # claimed as far as we know, and certainly never sent
        self.room_gone: Callable[[str], Awaitable[None]] | None = None  # a war room was archived by hand

    # -- showing -----------------------------------------------------------------------------------------------------

    async def show(self, situation: Situation) -> None:
        """Make the messages say what the situation says; repeating it is harmless.

        Raises Unavailable, and Refused or NotFound where Slack just said no to a message. The others are shown all the
        same; the refused one rests and is tried again by `tend`.
        """
        name = situation.incident.id
        work = self._work.setdefault(name, _Work())
        if situation.incident.seq < work.seq:
            return
        if work.latest is None or _order(situation) >= _order(work.latest):
            work.latest = situation
            work.closed = (work.closed or self.clock.now()) if situation.incident.phase is Phase.CLOSED else None
        async with work.lock:
            while (chosen := work.latest) is not None:
                try:
                    await self._sync(chosen, work)
                except _NewerError:
                    continue
                work.seq = max(work.seq, chosen.incident.seq)
                if work.latest is chosen:
                    if work.due is not None:
                        return
                    work.latest = None

    async def tend(self) -> None:
        """Show again what could not be shown, and collapse what landed twice; asked for every few seconds."""
        now = self.clock.now()
        for name, work in list(self._work.items()):
            if work.lock.locked():
                continue
            left = work.latest
            if work.closed is not None and now - work.closed >= (LATE if left is None else GIVE_UP):
                self._drop(name)
                continue
            if left is None or (work.due is not None and now < work.due):
                continue
            try:
                await self.show(left)
            except (Unavailable, Refused, NotFound) as error:
                _log.info("%s is not shown yet: %s", name, error)
        await self.sweep()

    def _drop(self, incident: str) -> None:
        """A closed incident of which nothing is left to show; not at once, because an older situation may come late."""
        del self._work[incident]
        self._refusals.forget(incident)
        self._unsent = {key for key in self._unsent if key[0] != incident}

    async def sweep(self) -> int:
        """Look for duplicates of everything that was sent again in the last ten minutes; how many were watched."""
        now = self.clock.now()
        for key, watched in list(self._watched.items()):
            try:
                found = await self.poster.copies(watched.row, thread_ts=watched.thread_ts, since=watched.since)
                if len(found) > 1:
                    rows = await self._mirror.of(watched.row.incident)
                    await self.poster.adopt(rows.get(watched.row.surface, watched.row), found)
            except Refused as refused:  # the channel may not be read; asking again would be refused again
                _log.info("duplicates of %s cannot be looked for: %s", key, refused)
                self._watched.pop(key, None)
                continue
            except Unavailable as error:
                _log.info("could not look for duplicates of %s: %s", key, error)
            if now >= watched.until:
                self._watched.pop(key, None)
        return len(self._watched)

    async def forget(self, channel: str, ts: str) -> str:
        """Somebody deleted a message: it is posted again at the next showing. The incident it belonged to, or ""."""
        row = await self._mirror.find(channel, ts)
        if row is None or row.state != POSTED or row.ts != ts:
            return ""
        await self._mirror.save(replace(row, state=GONE))
        return row.incident

    async def incident_at(self, channel: str, ts: str) -> str:
        """The incident a message (the parent of a thread, usually) belongs to, or ""."""
        row = await self._mirror.find(channel, ts) if channel and ts else None
        return row.incident if row is not None else ""

    # -- one situation -----------------------------------------------------------------------------------------------

    async def _sync(self, situation: Situation, work: _Work) -> None:
        name = situation.incident.id
        rows = await self._mirror.of(name)
        standing = {key for key, row in rows.items() if row.state == POSTED}
        card = rows[CARD] if CARD in standing else None
        trouble: Exception | None = None
        resting: list[datetime] = []
        work.due = None
        surfaces = [*wanted(situation, self.settings), *self._pages(situation, rows)]
        # what somebody must notice comes before what is only brought up to date: Slack lets us change 45 a minute
        for surface in sorted(surfaces, key=lambda each: each.name in standing):
            row = rows.get(surface.name)
            shown = row if row is not None and row.state == POSTED else None
            if surface.in_thread and card is None and shown is None:
                continue
            if not self._refusals.rests(name, surface.name):
                try:
                    shown = await self._settle(situation, surface, row, card, work)
                    self._refusals.over(name, surface.name)
                except (SlackRefused, NotFound) as refused:
                    if surface.name.startswith(ROOM) and surface.channel and getattr(refused, "code", "") in ARCHIVED:
                        await self._room_lost(name)
                        continue
                    if getattr(refused, "code", "") == "thread_not_found" and card is not None:
                        await self._mirror.save(replace(card, state=GONE))
                        raise Unavailable("Slack", "the card was deleted; it is posted again") from refused
                    first = self._refusals.note(name, surface.name)
                    _log.log(logging.WARNING if first else logging.INFO, "%s: %s could not be shown, it is tried again "
                             "now and then: %s", name, surface.name, refused)  # fmt: skip
                    trouble = trouble or refused
            until = self._refusals.until(name, surface.name)
            resting += [until] if until else []
            if surface.name == CARD:
                card = shown
        work.due = min(resting, default=None)
        if trouble is not None:
            raise trouble

    async def _room_lost(self, incident: str) -> None:
        """A person archived the war room: the log learns it, and nothing is shown there any more."""
        _log.info("%s: its war room was archived in Slack", incident)
        if self.room_gone is not None:
            await self.room_gone(incident)

    @staticmethod
    def _pages(situation: Situation, rows: dict[str, Posted]) -> list[Surface]:
        """Pages that were sent and stand: their button goes once somebody acknowledged."""
        keys = [name.removeprefix("page:") for name, row in rows.items() if name.startswith("page:") and row.ts]
        return [replace(page(situation, key, ""), fresh=False) for key in keys]

    async def _settle(
        self, situation: Situation, surface: Surface, row: Posted | None, card: Posted | None, work: _Work
    ) -> Posted | None:
        """One surface: post it, change it, or leave it alone; its row, or None where it need not stand."""
        thread_ts = card.ts if card is not None and surface.in_thread else ""
        if row is not None and surface.moves and row.channel != surface.channel:
            row = replace(row, state=GONE)  # it belongs elsewhere now, and stays as it was where it is
        if row is not None and row.state == SENDING and not surface.name.startswith("page:"):
            first = row
            if (row.incident, row.surface, row.attempt) in self._unsent:
                return await self._post(situation, surface, first, card, work)
            row = await self.poster.resolve(row, thread_ts=thread_ts)
            if row is None:
                return await self._post(situation, surface, first, card, work)
        if row is None or row.state != POSTED:
            return await self._post(situation, surface, row, card, work) if surface.fresh else None
        if row.attempt > 1 and self.clock.now() - row.at < LATE:
            self._watch(row, thread_ts, row.at - LATE)
        if row.shown == surface.message.shown:
            return row
        await self._turn(UPDATES, work, situation)
        changed = await self.poster.change(surface, row)
        if changed is None and surface.fresh:
            return await self._post(situation, surface, replace(row, state=GONE), card, work)
        return changed

    async def _post(
        self, situation: Situation, surface: Surface, before: Posted | None, card: Posted | None, work: _Work
    ) -> Posted:
        channel = await self._channel(situation, surface, card)
        thread_ts = card.ts if card is not None and surface.in_thread else ""
        await self._turn(channel, work, situation)
        now = self.clock.now()
        attempt = before.attempt + 1 if before is not None else 1
        row = Posted(situation.incident.id, surface.name, channel, "", "", SENDING, attempt, now)
        try:
            claimed = await self._mirror.claim(row)
        except Unavailable:  # the row may stand although nobody answered; the message was not sent, that much is known
            self._unsent.add((row.incident, row.surface, attempt))
            self.pacer.give_back(channel)
            raise
        if not claimed:
            self.pacer.give_back(channel)
            raise Unavailable("Slack", f"{surface.name} of {row.incident} is being posted already")
        self._unsent.discard((row.incident, row.surface, attempt - 1))
        if before is not None and before.state == SENDING:
            self._watch(row, thread_ts, before.at)
        posted = await self.poster.post(surface, row, thread_ts=thread_ts)
        if surface.pinned:
            await self.client.optional("pins.add", channel=posted.channel, timestamp=posted.ts)
        return posted

    async def _turn(self, lane: str, work: _Work, situation: Situation) -> None:
        """Wait for a turn; what became old meanwhile is not sent."""
        await self.pacer.turn(lane)
        if work.latest is not situation:
            self.pacer.give_back(lane)
            raise _NewerError

    def _watch(self, row: Posted, thread_ts: str, since: datetime) -> None:
        known = self._watched.get((row.incident, row.surface))
        since = min(since, known.since) if known else since
        self._watched[row.incident, row.surface] = _Watched(row, thread_ts, since, row.at + LATE)

    async def _channel(self, situation: Situation, surface: Surface, card: Posted | None) -> str:
        """Where a surface goes: below the card, to a person, to its own channel, or to the service's."""
        if surface.person:
            return await self._direct_to(surface.person)
        if surface.channel:
            return await self.client.channel_id(surface.channel)
        if card is not None and surface.in_thread:
            return card.channel
        named = (situation.service.channel if situation.service else "") or self.settings.home_channel
        if not named:
            raise NotFound("Slack channel", f"for {situation.incident.service or situation.incident.id}")
        return await self.client.channel_id(named)

    async def _direct_to(self, user: str) -> str:
        if user not in self._direct:
            self._direct[user] = await self.client.direct(user)
        return self._direct[user]

    # -- errands -----------------------------------------------------------------------------------------------------

    async def remind(self, person: Profile, waiting: Sequence[Waiting], key: str) -> str:
        """Tell a person in one message what waits for them. Raises Unavailable, Refused."""
        if not person.slack_user:
            raise Refused(f"{person.name} has no Slack account in the people file")
        incident = waiting[0].situation.incident.id
        surface = Surface(f"remind:{key}", reminder.render(waiting), in_thread=False, person=person.slack_user)
        return await self._tell(incident, surface, f"direct message to {person.name}")

    async def resting(self, person: Profile) -> datetime | None:
        """Until when a person asked not to be disturbed; None where Slack does not say."""
        if not person.slack_user:
            return None
        said = await self.client.optional("dnd.info", user=person.slack_user)
        return quiet_until(said or {}, self.clock.now())

    async def open_room(self, situation: Situation) -> tuple[str, str]:
        """The war room's channel (id, name). Raises Unavailable, Refused."""
        card = (await self._mirror.of(situation.incident.id)).get(CARD)
        return await self.rooms.open(situation, card.channel if card is not None else "")

    async def archive_room(self, situation: Situation) -> None:
        """Put the war room away. Raises Unavailable, Refused."""
        await self.rooms.archive(situation)

    # -- paging ------------------------------------------------------------------------------------------------------

    async def page(self, person: Profile, situation: Situation, key: str) -> str:
        """Send a person a direct message that pages them; the words say where it went.

        The same key is one message as far as anybody can tell; in doubt it is sent again. Raises Unavailable, Refused.
        """
        if not person.slack_user:
            raise Refused(f"{person.name} has no Slack account in the people file")
        surface = page(situation, key, person.slack_user)
        return await self._tell(situation.incident.id, surface, f"direct message to {person.name}", urgent=True)

    async def _tell(self, incident: str, surface: Surface, where: str, *, urgent: bool = False) -> str:
        """Send a direct message once, as far as anybody can tell; in doubt again. Raises Unavailable, Refused."""
        row = (await self._mirror.of(incident)).get(surface.name)
        if row is not None and row.state == POSTED:
            return where
        if row is not None and row.state == SENDING and await self.poster.resolve(row, patient=False) is not None:
            return where
        channel = await self._direct_to(surface.person)
        attempt = row.attempt + 1 if row is not None else 1
        fresh = Posted(incident, surface.name, channel, "", "", SENDING, attempt, self.clock.now())
        if not await self._mirror.claim(fresh):
            raise Unavailable("Slack", f"{surface.name} is being sent already")
        if row is not None and row.state == SENDING:
            self._watch(fresh, "", row.at)
        await self.pacer.turn(channel, urgent=urgent)
        await self.poster.post(surface, fresh, urgent=urgent)
        return where


def _order(situation: Situation) -> tuple[int, datetime]:
    return situation.incident.seq, situation.now
