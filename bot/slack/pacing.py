"""Keeps within what Slack allows, and says who is next: people's answers, pages, new messages, changes, trimmings."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from bot.clock import Clock
from bot.domain.errors import RateLimited
from bot.slack.lanes import CALM, CHANNEL, GRAIN, POST, Lane, pace


class Rank(IntEnum):
    """What goes before what."""

    ANSWER = 0  # a person waits for it: never held back
    PAGE = 1  # held up by nothing but Slack's own "wait", and by another one to the same person for a second
    POST = 2
    CHANGE = 3
    TRIM = 4  # the product can do without it: left out rather than waited for


ANSWERS = frozenset({"views.open", "views.push", "views.update", "chat.postEphemeral"})
PATIENCE = 30.0
"""The longest anything waits for a turn, seconds; afterwards it is taken up again with the next round."""
TRIM_PATIENCE = 1.0
PAGES_FIRST = timedelta(seconds=10)
"""How long a new message lets pages go ahead although Slack would take both."""
OPENS = "opens"
"""The lane of a channel's messages that begin a thread."""
FEW = 3
"""So many pages under way are in nobody's way: a lone card does not wait for its page's answer."""
CHANNEL_WAIT = 5.0
"""Asked to wait for less, one channel has had too much; for longer, all messages together have, for a channel takes one
a second.
"""


def rank_of(method: str) -> Rank:
    """What a call is where nobody says otherwise."""
    if method in ANSWERS:
        return Rank.ANSWER
    return Rank.POST if method == POST else Rank.CHANGE


@dataclass(eq=False, slots=True)
class Place:
    """A place in the queue. `await place` until it is the turn; `withdraw` leaves the queue with a reason."""

    method: str
    channel: str
    rank: Rank
    due: datetime
    number: int
    asked: datetime
    until: datetime
    granted: asyncio.Future[None] = field(repr=False)
    opens: bool = False
    """Whether the message begins a thread: those come one a second, for a storm is known only after its first."""

    @property
    def order(self) -> tuple[int, datetime, int]:
        """Pages, then whoever should have been shown first; what can be left out last."""
        front = self.rank if self.rank in (Rank.PAGE, Rank.TRIM) else Rank.POST
        return (front, self.due, self.number)

    def withdraw(self, because: Exception) -> None:
        """Give the place up; whoever waits for it is told why."""
        if not self.granted.done():
            self.granted.set_exception(because)


class Pacer:
    """`await pacer.turn(method, channel)` before a call. Who is next is settled when a turn comes, not when asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._queue: list[Place] = []
        self._numbers = itertools.count()
        self._pages = 0  # that are on their way, or will be in a moment
        self._again: datetime | None = None  # until when a page that had no turn is expected again
        self._timer: asyncio.Task[None] | None = None
        self._timer_due: datetime | None = None
        self._calm = False

    def calm(self, *, on: bool) -> None:
        """While it storms no channel hears two messages within a second; else short bursts are as Slack takes them."""
        if on is self._calm:
            return
        self._calm = on
        for (method, channel), lane in self._lanes.items():
            if channel and method != OPENS:
                lane.go(CALM if on else CHANNEL)

    # -- taking turns ------------------------------------------------------------------------------------------------

    async def turn(
        self, method: str, channel: str = "", *, rank: Rank | None = None, due: datetime | None = None,
        patience: float | None = None, opens: bool = False,
    ) -> None:  # fmt: skip
        """Wait for a turn and take it. Raises RateLimited where there is none for longer than the patience."""
        await self.wait_for(self.queue(method, channel, rank=rank, due=due, patience=patience, opens=opens))

    def queue(
        self, method: str, channel: str = "", *, rank: Rank | None = None, due: datetime | None = None,
        patience: float | None = None, opens: bool = False,
    ) -> Place:  # fmt: skip
        """A place in the queue; `due` is when it should have been sent, the earliest is next.

        What `opens` a thread never comes within a second of another one that did in its channel.
        """
        chosen, now = rank_of(method) if rank is None else rank, self._clock.now()
        if patience is None:
            patience = TRIM_PATIENCE if chosen is Rank.TRIM else PATIENCE
        until = now + timedelta(seconds=patience)
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = Place(method, channel, chosen, due or now, next(self._numbers), now, until, granted, opens)
        if chosen is Rank.ANSWER:
            self._grant(place, now)
            return place
        held = max((lane.held for lane in self._lanes_of(place)), default=now)
        if held > until:
            place.withdraw(RateLimited(f"Slack {method}", (held - now).total_seconds()))
            return place
        self._queue.append(place)
        self._serve()
        return place

    async def wait_for(self, place: Place) -> None:
        """Wait until it is the turn of that place. Raises what it was withdrawn with."""
        try:
            await place.granted
        except asyncio.CancelledError:
            if place.granted.done() and not place.granted.cancelled():
                self.give_back(place.method, place.channel, opens=place.opens)
            raise
        finally:
            if place in self._queue:
                self._queue.remove(place)
                self._serve()

    def give_back(self, method: str, channel: str = "", *, opens: bool = False) -> None:
        """A turn that was not needed."""
        for key in _keys(method, channel, opens=opens):
            if key in self._lanes:
                self._lanes[key].give_back()
        self._serve()

    def hold(self, method: str, channel: str, seconds: float) -> None:
        """Slack asked to wait that long: the channel for a short while, everything of that method for longer."""
        now = self._clock.now()
        keys = _keys(method, channel)
        self._lane(keys[-1] if seconds < CHANNEL_WAIT else keys[0]).hold(now, seconds)
        self._serve()

    def wait(self, method: str, channel: str = "", *, urgent: bool = False) -> float:
        """Seconds until the next turn as things are; 0 where it is now."""
        now = self._clock.now()
        return max(self._lane(key).wait(now, urgent=urgent) for key in _keys(method, channel))

    @contextlib.contextmanager
    def paging(self) -> Iterator[None]:
        """Around a page: where there are many, new messages let them go first, also those that are tried again."""
        self._pages += 1
        try:
            yield
        except RateLimited:
            self._again = self._clock.now() + PAGES_FIRST
            raise
        finally:
            self._pages -= 1
            self._serve()

    # -- whose turn --------------------------------------------------------------------------------------------------

    def _lane(self, key: tuple[str, str]) -> Lane:
        if key not in self._lanes:
            own = pace(key[0]) if not key[1] else CALM if self._calm or key[0] == OPENS else CHANNEL
            self._lanes[key] = Lane(own, self._clock.now())
        return self._lanes[key]

    def _lanes_of(self, place: Place) -> list[Lane]:
        return [self._lane(key) for key in _keys(place.method, place.channel, opens=place.opens)]

    def _grant(self, place: Place, now: datetime) -> None:
        for lane in self._lanes_of(place):
            lane.take(now)
        if not place.granted.done():
            place.granted.set_result(None)

    def _serve(self) -> None:
        """Give turns to whoever may have one now, and come back when the next may."""
        now = self._clock.now()
        soonest: float | None = None
        for place in sorted(self._queue, key=lambda one: one.order):
            if place.granted.done():
                self._queue.remove(place)
                continue
            wait = self._wait(place, now)
            if wait < GRAIN:
                self._queue.remove(place)
                self._grant(place, now)
            elif now >= place.until:
                self._queue.remove(place)
                place.withdraw(RateLimited(f"Slack {place.method}", wait))
            else:
                wait = min(wait, (place.until - now).total_seconds())
                soonest = wait if soonest is None else min(soonest, wait)
        if soonest is not None:
            self._come_back(now, soonest)

    def _wait(self, place: Place, now: datetime) -> float:
        page, keys = place.rank is Rank.PAGE, _keys(place.method, place.channel, opens=place.opens)
        wait = max(self._lane(key).wait(now, urgent=page and key[0] != OPENS) for key in keys)
        if page or place.method != POST or not self._pages_wait():
            return wait
        if self._lane((POST, "")).eased:
            again = (self._again - now).total_seconds() if self._again is not None and self._again > now else PATIENCE
            return max(wait, min(again, (place.until - now).total_seconds()))
        return max(wait, (place.asked + PAGES_FIRST - now).total_seconds())

    def _pages_wait(self) -> bool:
        expected = self._again is not None and self._clock.now() < self._again
        return expected or self._pages > FEW or any(one.rank is Rank.PAGE for one in self._queue)

    def _come_back(self, now: datetime, seconds: float) -> None:
        due = now + timedelta(seconds=seconds)
        if self._timer is not None and not self._timer.done():
            if self._timer_due is not None and self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = asyncio.get_running_loop().create_task(self._later(seconds))

    async def _later(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._timer = None
        self._serve()


def _keys(method: str, channel: str, *, opens: bool = False) -> list[tuple[str, str]]:
    """The lanes a call needs a turn in: its method's, for a new message its channel's, and that of those that open."""
    if not channel or method != POST:
        return [(method, "")]
    return [(method, ""), *([(OPENS, channel)] if opens else []), (method, channel)]
