"""Counting: every source asked once per tick, its samples booked exactly, and what was missed meanwhile made up for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.errors import Unavailable
from bot.engine.fair import FairWatch
from bot.engine.ports import Source, Wide
from bot.engine.slices import SliceChange, SliceWatch
from bot.slo.accounts import Account
from bot.slo.batch import Directory, queries
from bot.slo.ledger import Ledger, Poll
from bot.slo.maintenance import Maintenance, windows
from bot.slo.panel import Panel
from bot.slo.slicing import PART
from bot.slo.spec import Query, Slo
from bot.telemetry import log as logger

FINE_PAST = timedelta(hours=6)
"""So far back the past is asked for in steps that count as watched; before that by the hour, for the budget alone."""

MOST_SAMPLES = 1_000_000
"""Of so many samples a past is made at most, finely and by the hour: a few seconds, whatever the number of series."""

FINEST_PAST = timedelta(hours=2)
"""So far back in the steps of the polls; before that by the minute, which is how the ledger keeps it."""

COARSE, MIDDLE = timedelta(hours=1), timedelta(minutes=1)
OVERDUE, OVERLAP = timedelta(seconds=30), timedelta(seconds=10)
PATIENCE = timedelta(minutes=10)  # a source that cannot give the past is asked for it again after so long


@dataclass
class Desk:
    """One source and the objectives it is asked for."""

    name: str
    source: Source
    slos: tuple[Slo, ...]
    accounts: tuple[Account, ...] = ()
    directory: Directory | None = None
    queries: tuple[Query, ...] = ()
    away: bool = False  # it did not answer the last time
    asked_past: datetime | None = None
    swept: datetime | None = None  # the last sweep that was answered


@dataclass
class Counting:
    """The ledger and whoever fills it."""

    ledger: Ledger
    panel: Panel
    every: timedelta
    desks: dict[str, Desk] = field(default_factory=dict)
    slices: SliceWatch = field(default_factory=lambda: SliceWatch((), timedelta(seconds=1)))
    fair: FairWatch = field(default_factory=lambda: FairWatch((), timedelta(seconds=1)))
    changed: list[SliceChange] = field(default_factory=list)  # of slices, not yet told

    @classmethod
    def of(
        cls,
        slos: Sequence[Slo],
        sources: Mapping[str, Source],
        every: timedelta,
        maintenance: Sequence[Maintenance] = (),
    ) -> Counting:
        """Counting of these objectives, from nothing; what maintenance excuses stays excused whatever is taken up."""
        ledger = Ledger(width=min(every, timedelta(seconds=30)))
        made = cls(
            ledger, Panel(ledger, slos, every), every, slices=SliceWatch(slos, every), fair=FairWatch(slos, every)
        )
        fed = {slo.name: {source for source, _ in ledger.sources(slo)} for slo in slos}
        for name, source in sources.items():
            mine = tuple(slo for slo in slos if name in fed[slo.name])
            if mine:
                made.desks[name] = Desk(name, source, mine)
        for slo in slos:
            if excused := windows(maintenance, slo.name):
                ledger.excuse(slo.name, excused)
        made.arrange()
        return made

    def arrange(self) -> None:
        """Find every account anew: after what was saved was taken up."""
        self.panel = Panel(self.ledger, self.panel.slos, self.every)
        for desk in self.desks.values():
            held = [pair for slo in desk.slos for pair in self.ledger.sources(slo)]
            desk.accounts = tuple(account for source, account in held if source == desk.name)
        self.ledger.reslice()
        for desk in self.desks.values():
            desk.directory = Directory(desk.accounts, self.ledger.lines)
            desk.queries = tuple(queries(desk.accounts))

    def refresh(self) -> None:
        """Find the series of every account anew, where old ones were let go of."""
        for desk in self.desks.values():
            if desk.directory is None or not desk.directory.reads(self.ledger.lines):
                desk.directory = Directory(desk.accounts, self.ledger.lines)

    async def poll(self, at: datetime) -> None:
        """Ask every source, side by side: a slow one holds up its own objectives only until the tick ends."""
        await asyncio.gather(*(self._count(desk, at) for desk in self.desks.values()))

    async def _count(self, desk: Desk, at: datetime) -> None:
        try:
            poll = await self._ask(desk, at)
        except Unavailable as trouble:
            if not desk.away:
                logger().warning("a source does not answer", source=desk.name, because=str(trouble))
            desk.away = True
            self._miss(desk.slos, str(trouble), at)
        except Exception as error:  # noqa: BLE001 - whatever broke, nothing is known, and the other sources are polled
            logger().error("a source broke", source=desk.name, error=repr(error))
            desk.away = True
            self._miss(desk.slos, f"its source broke ({type(error).__name__})", at)
        else:
            if desk.away:
                logger().info("a source answers again", source=desk.name)
            desk.away = False
            self.panel.see(poll, at)
            self.changed += self.slices.see(self.ledger, poll, at)
            self.fair.see(self.ledger, poll, at)

    async def _ask(self, desk: Desk, at: datetime) -> Poll:
        if isinstance(desk.source, Wide) and desk.directory is not None:
            # what is new suffices while every objective's samples come in time; else all of them are looked at again
            late = desk.swept is None or self.ledger.overdue(desk.accounts, at, OVERDUE)
            since = None if late or desk.swept is None else desk.swept - OVERLAP
            desk.swept = None
            batch = await desk.source.sweep(desk.queries, at, since)
            desk.swept = at
            await self._catch_up(desk, at, len(batch.names))
            return self.ledger.take(desk.accounts, desk.directory, batch, at)
        return self.ledger.read(desk.accounts, await desk.source.read(desk.queries, at), at)

    def _miss(self, slos: Iterable[Slo], because: str, at: datetime) -> None:
        for slo in slos:
            self.ledger.miss(slo, because, at)

    # -- what was missed ---------------------------------------------------------------------------------------------

    async def _catch_up(self, desk: Desk, at: datetime, series: int) -> None:
        """Ask a source that remembers for the time nobody watched: after a start, an outage, for a new objective.

        What it cannot tell stays a gap, as with a source that remembers nothing; so does what would be too many samples
        of that many series.
        """
        source, directory = desk.source, desk.directory
        if not isinstance(source, Wide) or directory is None:
            return
        behind = self.ledger.behind(desk.accounts, at)
        if not behind or (desk.asked_past is not None and at - desk.asked_past < PATIENCE):
            return
        desk.asked_past = at
        asked = queries(behind)
        begun = at
        try:
            for start, end, step in self._stretches(desk, behind, at, MOST_SAMPLES // max(series, 1)):
                async for moment, batch in source.past(asked, start, end, step, series=series):
                    poll = self.ledger.poll(behind, directory.samples(batch), moment)
                    if at - moment <= FINE_PAST:
                        self.panel.see(poll, moment)
                    await asyncio.sleep(0)  # a long past is read beside everything else
        except Unavailable as trouble:
            logger().warning("what was missed stays a gap", source=desk.name, because=str(trouble))
            return
        logger().info("caught up", source=desk.name, objectives=len(behind), since=begun.isoformat())

    def _stretches(
        self, desk: Desk, behind: Sequence[Account], at: datetime, points: int
    ) -> list[tuple[datetime, datetime, timedelta]]:
        """From where to where, in which steps: by the hour as far back as a window reaches, then ever more finely.

        Of each series at most so many `points` are asked for in each of them.
        """
        windows = {slo.name: slo.window for slo in desk.slos}
        since = [self.ledger.seen(each) or at - windows[each.name.split(PART)[0]] for each in behind]
        begin, step = min(since), max(self.every, timedelta(seconds=15))
        stretches = []
        for end, each in (
            (at - FINE_PAST, COARSE),
            (at - FINEST_PAST, max(step, MIDDLE)),
            (at - step, step),  # the newest samples are those just read
        ):
            first = max(begin, end - points * each)
            if first < end:
                stretches.append((first, end, each))
                begin = end
        return stretches
