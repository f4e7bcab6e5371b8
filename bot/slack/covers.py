"""Tells people of covers by direct message, whichever door was used, and keeps what stands there true.

Nobody who asks or takes waits for Slack: what cannot be told now is told later. Who was to hear of a request when the
bot stopped hears of it after the start.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.engine.covering import Agreed
from bot.engine.desk import Desk
from bot.engine.ports import Mirror
from bot.engine.roster_ports import Cover, Stand
from bot.engine.values import Posted, Profile
from bot.slack import likeness
from bot.slack.direct import Direct
from bot.slack.lanes import UPDATE
from bot.slack.message import Surface
from bot.slack.pacing import Pacer
from bot.slack.poster import POSTED, Poster
from bot.slack.views import cover as view

_log = logging.getLogger(__name__)
ASK, TOLD = "cover-ask:", "cover-told:"
GIVE_UP = timedelta(days=1)
"""What could not be told for so long is no news any more."""

State = tuple[str, str, datetime, bool]


@dataclass(frozen=True, slots=True)
class _Owed:
    """One person is to hear of a cover; the same `mark` is the same message."""

    agreed: Agreed
    person: str
    since: datetime
    mark: str


class CoverNotes:
    """`hear` is handed to the desk's covering; `tend` is called every few seconds. `changed` is called on news."""

    def __init__(
        self, desk: Desk, mirror: Mirror, poster: Poster, pacer: Pacer, direct: Direct, clock: Clock,
        changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._desk, self._mirror, self._poster, self._pacer, self._direct = desk, mirror, poster, pacer, direct
        self._clock, self._changed = clock, changed
        self._owed: list[_Owed] = []
        self._seen: dict[str, State] = {}  # how each cover stood when its messages were last made true
        self._caught_up = self._refreshed = False
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def hear(self, agreed: Agreed) -> None:
        """Something was agreed: those it concerns are told in their turn."""
        now = self._clock.now()
        mark = _mark(agreed.text, now.isoformat())
        self._owed += [_Owed(agreed, person, now, mark) for person in agreed.tell]
        self._changed()
        task = asyncio.get_running_loop().create_task(self._soon())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _soon(self) -> None:
        try:
            await self.tend()
        except (Unavailable, Refused, NotFound) as error:
            _log.info("people hear of a cover later: %s", error)
        except Exception:  # noqa: BLE001 - nobody waits for it; the next round tries again
            _log.exception("telling of a cover failed")

    async def close(self) -> None:
        """End what is being told."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tend(self) -> None:
        """Tell what is owed, and make what stands say what is so. Raises Unavailable: then the next round goes on."""
        async with self._turn:
            if not self._caught_up:
                await self._catch_up()
                self._caught_up = True
            away: Unavailable | None = None
            for owed in list(self._owed):
                try:
                    await self._tell(owed)
                except Unavailable as error:
                    away = away or error
                    if self._clock.now() - owed.since < GIVE_UP:
                        continue
                except (Refused, NotFound) as refused:
                    _log.warning("somebody does not hear of a cover: %s", refused)
                self._owed.remove(owed)
            await self._refresh()
            if away is not None:
                raise away

    async def _catch_up(self) -> None:
        """Requests nobody was told of before the bot stopped."""
        now = self._clock.now()
        for cover in self._desk.roster.covers:
            if cover.stand is Stand.ASKED and cover.end > now and not await self._mirror.of(cover.id):
                again = await self._desk.covering.again(cover)
                mark = _mark(again.text)
                self._owed += [_Owed(again, person, now, mark) for person in again.tell
                               if not self._owes(cover.id, person)]  # fmt: skip

    def _owes(self, cover: str, person: str) -> bool:
        return any((each.agreed.cover.id, each.person) == (cover, person) for each in self._owed)

    async def _tell(self, owed: _Owed) -> None:
        person = await self._desk.people.by_id(owed.person)
        if person is None or not person.slack_user:
            raise Refused(f"{person.name if person else 'somebody'} has no Slack account in the people file")
        cover = self._now(owed.agreed.cover)
        asks = owed.agreed.cover.stand is Stand.ASKED and owed.person != owed.agreed.cover.asker
        if asks and cover.stand is not Stand.ASKED:  # settled before its turn came
            return
        if asks:
            message = view.request(cover, self._title(cover), await self._people(), self._clock.now())
        else:
            message = view.told(owed.agreed.text)
        name = f"{ASK if asks else TOLD}{owed.person}:{owed.mark}"
        surface = Surface(name, message, in_thread=False, person=person.slack_user)
        await self._direct.tell(owed.agreed.cover.id, surface)

    async def _refresh(self) -> None:
        """Where a cover stands otherwise than when its messages were made true, they are changed."""
        now = self._clock.now()
        for cover in self._desk.roster.covers:
            state = (cover.stand.value, cover.taker, cover.end, cover.end <= now)
            if self._seen.get(cover.id) == state and not self._owes_any(cover.id):
                continue
            news = self._refreshed and self._seen.get(cover.id) != state
            await self._true(cover)
            self._seen[cover.id] = state
            if news:
                self._changed()
        self._refreshed = True
        self._seen = {name: state for name, state in self._seen.items() if self._known(name)}

    def _owes_any(self, cover: str) -> bool:
        return any(each.agreed.cover.id == cover for each in self._owed)

    async def _true(self, cover: Cover) -> None:
        rows = [row for name, row in (await self._mirror.of(cover.id)).items()
                if name.startswith(ASK) and row.state == POSTED]  # fmt: skip
        newest: dict[str, Posted] = {}
        for row in sorted(rows, key=lambda each: each.at):
            newest[row.channel] = row
        people = await self._people()
        for row in rows:
            older = newest[row.channel] is not row
            message = view.request(cover, self._title(cover), people, self._clock.now(), newer=older)
            if likeness.shown(row.shown) == message.shown:
                continue
            await self._pacer.turn(UPDATE, row.channel)
            try:
                await self._poster.change(Surface(row.surface, message, in_thread=False, fresh=False), row)
            except Refused as refused:
                _log.info("a request to be covered stays as it is: %s", refused)
                continue

    def _known(self, name: str) -> Cover | None:
        return next((each for each in self._desk.roster.covers if each.id == name), None)

    def _now(self, cover: Cover) -> Cover:
        """As it stands by now."""
        return self._known(cover.id) or cover

    def _title(self, cover: Cover) -> str:
        return self._desk.roster.plans.title(cover.rota)

    async def _people(self) -> dict[str, Profile]:
        return {each.id: each for each in await self._desk.people.everyone()}


def _mark(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
