"""Reminders as they stand: at most one live message per person, true until all it names is settled."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.reminder import Matter, Reminded, told
from bot.engine.ports import Mirror
from bot.engine.situation import Situation
from bot.engine.values import Posted, Profile, Waiting
from bot.slack import likeness
from bot.slack.lanes import UPDATE
from bot.slack.meaning import SlackRefused
from bot.slack.message import Message, Surface
from bot.slack.pacing import Pacer
from bot.slack.poster import GONE, POSTED, Poster
from bot.slack.views import reminder

_log = logging.getLogger(__name__)
SURFACE = "remind:"
OVER = "over"
"""The state of a reminder that is not brought up to date any more: it has no button left."""

Look = Callable[[str], Awaitable[Situation]]
Tell = Callable[[str, Surface], Awaitable[None]]


class Nudges:
    """Sends reminders and keeps them true. A message stands in the mirror under every incident it names.

    `tell` sends a direct message once (incident, surface); `look` gives an incident's situation.
    """

    def __init__(self, mirror: Mirror, poster: Poster, pacer: Pacer, *, tell: Tell, look: Look | None) -> None:
        self._mirror, self._poster, self._pacer = mirror, poster, pacer
        self._tell, self._look = tell, look
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # one change at a time per channel

    async def remind(self, person: Profile, waiting: Sequence[Waiting], key: str) -> str:
        """Tell a person in one message what waits for them; the same key is one message. Raises Unavailable, Refused.

        Their former reminder loses its buttons; what it named and still waits is known to the incidents.
        """
        if not person.slack_user:
            raise Refused(f"{person.name} has no Slack account in people.yaml")
        first, *others = (each.situation.incident.id for each in waiting)
        where = f"direct message to {person.name}"
        name = SURFACE + key
        row = (await self._mirror.of(first)).get(name)
        if row is not None and row.state == OVER:
            return where
        surface = Surface(name, reminder.render(waiting, key), in_thread=False, person=person.slack_user)
        await self._tell(first, surface)
        sent = (await self._mirror.of(first)).get(name)
        if sent is not None:
            for incident in others:
                await self._mirror.save(replace(sent, incident=incident))
            with contextlib.suppress(Unavailable):  # the next showing does it
                await self._true(sent.channel)
        return where

    async def refresh(self, rows: Mapping[str, Posted]) -> None:
        """Make the reminders that name an incident say what is so; `rows` is what stands of it. Raises Unavailable."""
        for channel in {row.channel for name, row in rows.items() if name.startswith(SURFACE) and row.state == POSTED}:
            await self._true(channel)

    async def _true(self, channel: str) -> None:
        """Bring one person's reminders up to date: the newest says what still waits, older ones just end."""
        turn = self._turns.setdefault(channel, asyncio.Lock())
        async with turn:
            standing: dict[str, list[Posted]] = {}
            for row in await self._mirror.standing(channel, SURFACE):
                standing.setdefault(row.surface, []).append(row)
            for name, rows in standing.items():
                rows.sort(key=lambda row, name=name: row.incident != _incident(name))  # type: ignore[misc]
                if name != next(reversed(standing)):
                    await self._change(name, rows, reminder.replaced([row.incident for row in rows]), over=True)
                elif (waiting := await self._named(name, rows)) is not None:
                    message = reminder.render(waiting, name.removeprefix(SURFACE))
                    await self._change(name, rows, message, over=not reminder.waits(waiting))

    async def _named(self, name: str, rows: Iterable[Posted]) -> list[Waiting] | None:
        """What a reminder named, as it stands now; None while its report is not written in every incident."""
        person, key = _person(name), name.removeprefix(SURFACE)
        found = []
        for row in rows:
            if self._look is None:
                return None
            try:
                situation = await self._look(row.incident)
            except NotFound:
                return None
            known = situation.incident.reminded.get(person, Reminded())
            if known.key != key or known.at is None:
                return None
            marks = sorted(known.latest)
            found.append(Waiting(situation, tuple(Matter(person, *told(m), due=known.at, mark=m) for m in marks)))
        return found

    async def _change(self, name: str, rows: Sequence[Posted], message: Message, *, over: bool) -> None:
        row, state = rows[0], OVER if over else POSTED
        if likeness.shown(row.shown) != message.shown:
            await self._pacer.turn(UPDATE, row.channel)
            try:
                changed = await self._poster.change(Surface(name, message, in_thread=False, fresh=False), row)
            except SlackRefused as refused:
                _log.info("a reminder stays as it is: %s", refused)
                changed, state = row, OVER
            state = GONE if changed is None else state
            row = changed or row
        if state != POSTED:
            for each in (row, *rows[1:]):
                await self._mirror.save(replace(each, state=state))


def _incident(surface: str) -> str:
    """The incident a reminder begins with: `remind:remind:INC-1:p_ana:3`."""
    return surface.split(":")[2]


def _person(surface: str) -> str:
    return surface.split(":")[3]
