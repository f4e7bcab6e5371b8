"""Shows one situation: posts, changes or leaves alone each of its messages, the most important first."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.clock import Clock
from bot.domain.errors import NotFound, RateLimited, Refused, Unavailable
from bot.engine.ports import Mirror
from bot.engine.situation import Situation
from bot.engine.values import Posted
from bot.slack import elsewhere, likeness
from bot.slack.client import Client
from bot.slack.duplicates import Duplicates
from bot.slack.lanes import POST, UPDATE
from bot.slack.meaning import SlackRefused
from bot.slack.message import Surface
from bot.slack.news import news, patience
from bot.slack.pacing import PATIENCE, Pacer, Place
from bot.slack.poster import GONE, LATE, POSTED, SENDING, Poster
from bot.slack.refusals import Refusals
from bot.slack.rooms import ARCHIVED
from bot.slack.settings import SlackSettings
from bot.slack.wanted import CARD, ROOM, paged, wanted

_log = logging.getLogger(__name__)
T = TypeVar("T")


class NewerError(Exception):
    """A newer situation came while this one waited for its turn."""


@dataclass(slots=True)
class Work:
    """What is to be shown of one incident: the newest situation nobody showed yet."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    latest: Situation | None = None
    seq: int = 0  # of the newest that was shown
    due: datetime | None = None  # when what Slack refused may be tried again; None where nothing was
    closed: datetime | None = None  # since when the incident is known to be closed
    behind: datetime | None = None  # since when something is not shown; None where all is
    error: str = ""  # why, where that is known
    place: Place | None = None  # in the queue for a turn
    stale: dict[str, datetime] = field(default_factory=dict)  # surface → since when it says what is over
    told: str | None = None  # the news the card last showed, where that is known

    def supersede(self, situation: Situation) -> None:
        """A newer situation is to be shown: what waits for a turn with an older one waits no more."""
        self.latest = situation
        if self.place is not None:
            self.place.withdraw(NewerError())


class Showing:
    """Compares what a situation wants to say with what stands in Slack."""

    def __init__(self, client: Client, mirror: Mirror, settings: SlackSettings, clock: Clock) -> None:
        self.client, self.mirror, self.settings, self.clock = client, mirror, settings, clock
        self.pacer: Pacer = client.pacer
        self.poster = Poster(client, mirror, settings, clock)
        self.duplicates = Duplicates(self.poster, mirror, clock)
        self.refusals = Refusals(clock)
        self.unsent: set[tuple[str, str, int]] = set()  # claimed as far as we know, and certainly never sent
        self.also: Callable[[Mapping[str, Posted]], Awaitable[None]] | None = None
        """Keeps true what else stands of an incident."""
        self.room_gone: Callable[[str], Awaitable[None]] | None = None  # a war room was archived by hand
        self._because: dict[str, str] = {}  # incident → what is wrong with its card's own channel

    def forget(self, incident: str) -> None:
        """Nothing of this incident is shown any more."""
        self.refusals.forget(incident)
        self._because.pop(incident, None)
        self.unsent = {key for key in self.unsent if key[0] != incident}

    async def sync(self, situation: Situation, work: Work) -> None:
        """Make the messages say what the situation says.

        Raises Unavailable where Slack does not answer, and what Slack refused once the others are shown.
        """
        name = situation.incident.id
        rows = await self.mirror.of(name)
        standing = {key for key, row in rows.items() if row.state == POSTED}
        trouble: Exception | None = None
        resting: list[datetime] = []
        work.due = None
        surfaces = await self._surfaces(situation, rows, work)
        # what somebody must notice comes before what is only brought up to date: Slack lets us change 45 a minute
        card, seen = rows[CARD] if CARD in standing else None, 0
        surfaces.sort(key=lambda each: each.name in standing)
        while seen < len(surfaces):
            surface, seen = surfaces[seen], seen + 1
            row = rows.get(surface.name)
            shown = row if row is not None and row.state == POSTED else None
            if surface.in_thread and card is None and shown is None:
                continue
            if not self.refusals.rests(name, surface.name):
                try:
                    shown = await self._settle(situation, surface, row, card, work)
                    self.refusals.over(name, surface.name)
                except (SlackRefused, NotFound) as refused:
                    if await self._room_lost(name, surface, refused):
                        continue
                    shown = await self._refused(situation, surface, card, refused)
                    trouble = trouble or refused
            until = self.refusals.until(name, surface.name)
            resting += [until] if until else []
            if surface.name == CARD:
                card = shown
                surfaces += self._for_people(situation, surface) if card is None else []
        if self.also is not None:
            await self.also(rows)
        work.due = min(resting, default=None)
        if trouble is not None:
            raise trouble

    async def _surfaces(self, situation: Situation, rows: Mapping[str, Posted], work: Work) -> list[Surface]:
        """What is wanted, and what stands from before and must not go stale: pages, cards with people."""
        card = rows.get(CARD)
        found = [await self._placed(situation, one, card) for one in wanted(situation, self.settings)]
        keys = [name.removeprefix("page:") for name, row in rows.items() if name.startswith("page:") and row.ts]
        found += [replace(paged(situation, key), fresh=False) for key in keys]
        if card is not None and card.state == POSTED and found and found[0].name == CARD:
            direct = elsewhere.to_people(situation, found[0], fresh=False)
            found += [one for one in direct if one.name in rows]
        found += elsewhere.left_behind(situation, rows, found)
        now = self.clock.now()
        stale = {
            one.name for one in found
            if likeness.shown(rows[one.name].shown if one.name in rows else "") != one.message.shown
        }  # fmt: skip
        work.stale = {key: work.stale.get(key, now) for key in stale}
        return found

    async def _placed(self, situation: Situation, surface: Surface, card: Posted | None) -> Surface:
        """A card that stands in another channel than its own says why."""
        names = elsewhere.places(situation, self.settings)
        if surface.name != CARD or card is None or card.state != POSTED or len(names) < 2:  # noqa: PLR2004
            return surface
        own, home = [await self._known(name) for name in names]
        if card.channel == own or card.channel != home:
            return surface
        return elsewhere.explained(surface, names[0], self._because.get(situation.incident.id, ""))

    def _for_people(self, situation: Situation, card: Surface) -> list[Surface]:
        """No channel took the card: the people on call are told each."""
        because, names = self._because.get(situation.incident.id), elsewhere.places(situation, self.settings)
        if because is None:
            return []
        told = elsewhere.explained(card, names[0], because) if names else card
        return elsewhere.to_people(situation, told, fresh=True)

    async def _known(self, name: str) -> str:
        with contextlib.suppress(NotFound):
            return await self.client.channel_id(name)
        return ""

    async def _refused(
        self, situation: Situation, surface: Surface, card: Posted | None, refused: Refused | NotFound
    ) -> Posted | None:
        """It rests now; the row that stands all the same. Raises Unavailable where the card itself is gone."""
        if getattr(refused, "code", "") == "thread_not_found" and card is not None:
            await self.mirror.save(replace(card, state=GONE))
            raise Unavailable("Slack", "the card was deleted; it is posted again") from refused
        if surface.in_thread and card is not None and getattr(refused, "code", "") in elsewhere.LEFT:
            await self._left(card)
            raise Unavailable("Slack", "the card cannot be reached any more; it is posted again") from refused
        first = self.refusals.note(situation.incident.id, surface.name)
        _log.log(logging.WARNING if first else logging.INFO, "%s: %s could not be shown, it is tried again now and "
                 "then: %s", situation.incident.id, surface.name, refused)  # fmt: skip
        row = (await self.mirror.of(situation.incident.id)).get(surface.name)
        return row if row is not None and row.state == POSTED else None

    async def _room_lost(self, incident: str, surface: Surface, refused: Refused | NotFound) -> bool:
        """Whether a person archived the war room: the log learns it, and nothing is shown there any more."""
        if not (surface.name.startswith(ROOM) and surface.channel and getattr(refused, "code", "") in ARCHIVED):
            return False
        _log.info("%s: its war room was archived in Slack", incident)
        if self.room_gone is not None:
            await self.room_gone(incident)
        return True

    # -- one surface -------------------------------------------------------------------------------------------------

    async def _settle(
        self, situation: Situation, surface: Surface, row: Posted | None, card: Posted | None, work: Work
    ) -> Posted | None:
        """One surface: post it, change it, or leave it alone; its row, or None where it need not stand."""
        thread_ts = card.ts if card is not None and surface.in_thread else ""
        if row is not None and surface.moves and row.channel != surface.channel:
            row = replace(row, state=GONE)  # it belongs elsewhere now, and stays as it was where it is
        if row is not None and row.state == SENDING and not surface.name.startswith("page:"):
            first = row
            if (row.incident, row.surface, row.attempt) in self.unsent:
                return await self._post(situation, surface, first, card, work)
            row = await self.poster.resolve(row, thread_ts=thread_ts)
            if row is None:
                return await self._post(situation, surface, first, card, work)
        if row is None or row.state != POSTED:
            return await self._post(situation, surface, row, card, work) if surface.fresh else None
        if thread_ts and card is not None and row.channel != card.channel:  # the card had to move
            moved = replace(row, state=GONE)
            return await self._post(situation, surface, moved, card, work) if surface.follows else row
        if likeness.marks(row.shown) and self.clock.now() - row.at < LATE:
            self.duplicates.watch(row, thread_ts)
        if likeness.shown(row.shown) == surface.message.shown:
            self._told(situation, surface, work)
            return row
        return await self._change(situation, surface, row, card, work)

    async def _change(
        self, situation: Situation, surface: Surface, row: Posted, card: Posted | None, work: Work
    ) -> Posted | None:
        async def change() -> Posted | None:
            try:
                return await self.poster.change(surface, row)
            except SlackRefused as refused:
                if surface.name != CARD or refused.code not in elsewhere.LEFT:
                    raise
                _log.warning("%s: the card's channel cannot be used any more: %s", row.incident, refused)
                await self._left(row)
                return None

        changed = await self._in_turn(UPDATE, row.channel, situation, surface, work, change)
        if changed is None and surface.fresh:
            return await self._post(situation, surface, replace(row, state=GONE), card, work)
        self._told(situation, surface, work)
        return changed

    async def _left(self, card: Posted) -> None:
        """The card stands where nobody can change it."""
        await self.mirror.save(replace(card, state=GONE))

    async def _post(
        self, situation: Situation, surface: Surface, before: Posted | None, card: Posted | None, work: Work
    ) -> Posted:
        """Post it where it belongs; a card goes to the home channel where its own one does not take it."""
        attempts = itertools.count(before.attempt + 1 if before is not None else 1)
        if surface.name != CARD:
            channel = await self._channel(surface, card)
            return await self._post_in(channel, situation, surface, before, card, work, attempts)
        name = situation.incident.id
        first: SlackRefused | NotFound | None = None
        tried: set[str] = set()
        names = elsewhere.places(situation, self.settings)
        for place in names:
            channel, chosen = "", surface
            if first is not None:
                chosen = elsewhere.explained(surface, names[0], elsewhere.why(first))
            try:
                channel = await self.client.channel_id(place)
                if channel in tried:
                    continue
                tried.add(channel)
                done = await self._post_in(channel, situation, chosen, before, card, work, attempts)
            except (SlackRefused, NotFound) as refused:
                if not elsewhere.why(refused):
                    raise
                if getattr(refused, "code", "") == "channel_not_found":
                    self.client.forget_channel(channel)  # its name may stand for another one by now
                first = first or refused
            else:
                self._because.pop(name, None)
                if first is not None:
                    self._because[name] = elsewhere.why(first)
                    _log.warning("%s: shown in %s instead of its own channel: %s", name, place, first)
                return done
        self._because[name] = elsewhere.why(first) if first is not None else ""
        raise first or NotFound("Slack channel", f"for {situation.incident.service or name}")

    async def _post_in(
        self, channel: str, situation: Situation, surface: Surface, before: Posted | None, card: Posted | None,
        work: Work, attempts: Iterator[int],
    ) -> Posted:  # fmt: skip
        thread_ts = card.ts if card is not None and surface.in_thread else ""
        earlier = likeness.marks(before.shown) if before is not None else frozenset()
        note = likeness.noted("", earlier | {likeness.mark(surface.message.text)})

        async def post() -> Posted:
            now, attempt = self.clock.now(), next(attempts)
            row = Posted(situation.incident.id, surface.name, channel, "", note, SENDING, attempt, now)
            try:
                claimed = await self.mirror.claim(row)
            except Unavailable:  # the row may stand although nobody answered; the message was not sent, that is known
                self.unsent.add((row.incident, row.surface, attempt))
                self.pacer.give_back(POST, channel, opens=surface.name == CARD)
                raise
            if not claimed:
                self.pacer.give_back(POST, channel, opens=surface.name == CARD)
                raise Unavailable("Slack", f"{surface.name} of {row.incident} is being posted already")
            self.unsent.discard((row.incident, row.surface, attempt - 1))
            if earlier:
                self.duplicates.watch(row, thread_ts)
            done = await self.poster.post(surface, row, thread_ts=thread_ts, earlier=earlier)
            self._told(situation, surface, work)
            if surface.pinned:
                await self.client.optional("pins.add", channel=done.channel, timestamp=done.ts)
            return done

        return await self._in_turn(POST, channel, situation, surface, work, post)

    async def _in_turn(
        self, method: str, channel: str, situation: Situation, surface: Surface, work: Work,
        send: Callable[[], Awaitable[T]],
    ) -> T:  # fmt: skip
        """Send when it is the surface's turn, again where Slack said "wait"; what became old meanwhile is not sent."""
        told, opens = (work.told, method == POST) if surface.name == CARD else (None, False)
        due = work.stale.get(surface.name, self.clock.now()) + patience(situation, surface, told)
        until = self.clock.now() + timedelta(seconds=2 * PATIENCE)
        while True:
            if work.latest is not situation:
                raise NewerError
            place = work.place = self.pacer.queue(method, channel, due=due, opens=opens)
            try:
                await self.pacer.wait_for(place)
            finally:
                work.place = None
            if work.latest is not situation:
                self.pacer.give_back(method, channel, opens=opens)
                raise NewerError
            try:
                return await send()
            except RateLimited as limited:
                if self.clock.now() + timedelta(seconds=limited.retry_after) > until:
                    raise

    def _told(self, situation: Situation, surface: Surface, work: Work) -> None:
        work.stale.pop(surface.name, None)
        if surface.name == CARD:
            work.told = news(situation)

    async def _channel(self, surface: Surface, card: Posted | None) -> str:
        """Where a surface goes that is not the card: to a person, to its own channel, or below the card."""
        if surface.person:
            return await self.client.direct(surface.person)
        if surface.channel:
            return await self.client.channel_id(surface.channel)
        assert card is not None  # noqa: S101 - nothing is posted below a card that is not there
        return card.channel
