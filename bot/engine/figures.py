"""What the numbers came to, kept for as long as nothing is written: many may look at them, one reckons."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from bot.engine.lists import Lists, Past, Wanted
from bot.engine.numbers import Load, Numbers, load, numbers, still_open

T = TypeVar("T")
MOST = 64
"""Answers that are kept, some kilobytes each; who was asked for least lately is reckoned anew."""
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of some incidents, and how many of those that count are not over."""

    numbers: Numbers
    still_open: int


@dataclass(frozen=True, slots=True)
class _Kept:
    position: str
    answer: Any
    since: datetime | None = None
    earliest: datetime | None = None

    def reaches(self, since: datetime | None) -> bool:
        """Whether no incident lies between what was asked then and what is asked now."""
        if since is None or self.since is None or since == self.since:
            return since == self.since
        return self.since < since and (self.earliest is None or since <= self.earliest)


class FigureRoom:
    """One for all readers: restricted incidents are in none of it, so it is the same for everybody."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self.reckoned = 0
        """How often there was something to reckon."""

    @property
    def kept(self) -> int:
        """How many answers are kept."""
        return len(self._kept)

    async def figures(self, wanted: Wanted) -> Figures:
        """The numbers of those incidents, as they stand. Raises Unavailable."""

        async def reckon(_position: str) -> _Kept:
            past = await self._lists.past(wanted)
            answer = await asyncio.to_thread(_figures, past)  # a hundred thousand take a moment
            return _Kept(past.position, answer, wanted.since, past.earliest)

        # a stretch of days moves with the clock: another begins each day, and is the same until an incident drops out
        begin = datetime.combine(wanted.since, time(), wanted.since.tzinfo) if wanted.since else None
        return cast("Figures", await self._answer(replace(wanted, since=begin), reckon, wanted.since))

    async def loads(
        self,
        since: datetime,
        until: datetime,
        service: str | None,
        zones: Mapping[str, ZoneInfo],
        otherwise: ZoneInfo,
    ) -> list[Load]:
        """Who was paged how often in those hours, by their own clock. Raises Unavailable."""

        async def reckon(position: str) -> _Kept:
            pages = await self._lists.paged(since, until, service)
            return _Kept(position, await asyncio.to_thread(load, pages, zones, otherwise))

        lives = tuple(sorted((person, zone.key) for person, zone in zones.items()))
        key = (_next_hour(since), _next_hour(until), service, lives, otherwise.key)
        return cast("list[Load]", await self._answer(key, reckon))

    async def _answer(
        self, key: Hashable, reckon: Callable[[str], Awaitable[_Kept]], since: datetime | None = None
    ) -> object:
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            position, kept = await self._lists.position(), self._kept.get(key)
            if kept is None or kept.position != position or not kept.reaches(since):
                self.reckoned += 1
                kept = self._kept[key] = await reckon(position)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return kept.answer


def _figures(past: Past) -> Figures:
    return Figures(numbers(past), still_open(past))


def _next_hour(at: datetime) -> datetime:
    """The first whole hour from then on: pages are counted by those."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if hour == at else hour + AN_HOUR
