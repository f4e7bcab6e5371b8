"""Somebody's own shifts and the covers that concern them, for their Home tab; computed once for everybody's."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.blockkit.blocks import Block
from bot.clock import Clock
from bot.domain.phase import RESPONDERS
from bot.engine.desk import Desk
from bot.engine.roster import Stint
from bot.engine.roster_ports import Cover, Stand
from bot.engine.values import Profile
from bot.slack.views import oncall

AHEAD = timedelta(days=63)
BEGINS = timedelta(days=35)
"""Shifts that begin later are not shown; looked at further, so that the end of the last one is known."""
KEPT = timedelta(minutes=1)


class Turns:
    """`of` gives the blocks; the shifts of all are computed anew each minute, and when a cover changed."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
        self._at: datetime | None = None
        self._until = clock.now()
        self._covers: Sequence[Cover] = ()
        self._shifts: Mapping[str, list[Stint]] = {}  # by opaque id

    async def of(self, who: Profile) -> list[Block]:
        """What stands on that person's tab; nothing where no rota and no cover concerns them. Raises Unavailable."""
        roster, now = self._desk.roster, self._clock.now()
        shifts = (await self._everybodys(now)).get(who.id, [])
        asked = [one for one in roster.covers if one.end > now and _concerns(one, who)]
        asked.sort(key=lambda one: (one.asker != who.id, one.start))
        titles = {name: roster.plans.title(name) for name in roster.plans.names}
        people = {one.id: one for one in await self._desk.people.everyone()} if asked else {}
        coming = [each for each in shifts if each.start < now + BEGINS and each.end > now]
        return oncall.mine(coming, titles, now, self._until, asked, people, who)

    async def _everybodys(self, now: datetime) -> Mapping[str, list[Stint]]:
        roster = self._desk.roster
        if self._at is not None and now - self._at < KEPT and self._covers == roster.covers:
            return self._shifts
        self._until, covers = now + AHEAD, roster.covers
        found: dict[str, list[Stint]] = {}
        for name in roster.plans.names:
            for each in await roster.shifts(name, now, self._until):
                if each.person:
                    found.setdefault(each.person, []).append(each)
        for theirs in found.values():
            theirs.sort(key=lambda stint: (stint.start, stint.rota))
        self._at, self._covers, self._shifts = now, covers, found
        return found


def _concerns(cover: Cover, who: Profile) -> bool:
    """One's own, what one took, and what one could take."""
    if cover.stand is Stand.WITHDRAWN:
        return False
    if who.id in {cover.asker, cover.taker}:
        return True
    return cover.stand is Stand.ASKED and bool(who.roles & RESPONDERS)
