"""Counting goes on where it left off: what nobody watched is asked for, as far as the source remembers it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from bot.domain.errors import Unavailable
from bot.engine.counting import Counting
from bot.slo import keeping
from bot.slo.batch import METRIC, Batch
from bot.slo.grid import to_ms
from bot.slo.spec import Point, Query
from tests.slo.kit import T0, seconds, slo

EVERY = seconds(15)
DAY = timedelta(days=1)


class Server:
    """A monitoring server that scraped two counters every 15 s since T0 − 20 d, and remembers every value."""

    def __init__(self, rate: float = 10, share: float = 0.01) -> None:
        self.rate, self.share, self.forgets = rate, share, False
        self.many = 0
        self.asked: list[tuple[datetime, datetime, timedelta]] = []

    def counted(self, at: datetime) -> tuple[int, int]:
        events = int((at - T0 + 20 * DAY).total_seconds() * self.rate)
        return events - int(events * self.share), int(events * self.share)

    def batch(self, moments: Sequence[datetime]) -> Batch:
        names = [{METRIC: "requests_total", "code": code} for code in ("200", "500")]
        rows = [(row, to_ms(at), value) for at in moments for row, value in enumerate(self.counted(at))]
        names += [{METRIC: "others_total", "number": str(number)} for number in range(self.many)]
        series, at, value = (np.array(each) for each in zip(*rows, strict=True))
        return Batch(names, series, at, value.astype(float))

    async def sweep(self, queries: Collection[Query], at: datetime, since: datetime | None = None) -> Batch:
        return self.batch([at])

    async def past(
        self, queries: Collection[Query], start: datetime, end: datetime, step: timedelta, *, series: int = 1000
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        self.asked.append((start, end, step))
        if self.forgets:
            raise Unavailable("the server", "answered 503")
        while start <= end:
            yield start, self.batch([start])
            start += step

    async def read(self, queries: Collection[Query], at: datetime) -> Mapping[Query, Sequence[Point]]:
        raise AssertionError("a wide source is swept")

    async def close(self) -> None:
        return


def made(server: Server) -> Counting:
    return Counting.of([slo(source="prom")], {"prom": server}, EVERY)


async def test_a_restart_leaves_no_gap() -> None:
    """Down for half an hour: every event is counted once, at its time, and evidence and windows are as if never down."""
    server, objective = Server(), slo(source="prom")
    steady, stopped = made(server), made(server)
    now = T0
    for _ in range(40):
        now += EVERY
        await steady.poll(now)
        await stopped.poll(now)
    saved = keeping.checkpoint(stopped.ledger, keeping.Kept()).documents
    revived = made(server)
    keeping.restore(revived.ledger, saved)
    revived.arrange()
    for poll in range(200):
        now += EVERY
        await steady.poll(now)
        if poll >= 120:
            await revived.poll(now)
    for length in (timedelta(minutes=5), timedelta(minutes=45), timedelta(hours=2)):
        assert revived.ledger.counts(objective, now, length) == steady.ledger.counts(objective, now, length)
    assert revived.ledger.silence(objective, now) is None


async def test_a_new_objective_knows_its_past() -> None:
    """By the poll and the minute for six hours; before that by the hour, for the budget alone; and asked for once."""
    server, objective = Server(), slo(source="prom", window=10 * DAY)
    counts = Counting.of([objective], {"prom": server}, EVERY)
    for poll in range(3):
        await counts.poll(T0 + poll * EVERY)
    held = counts.ledger.counts(objective, T0 + 2 * EVERY, 9 * DAY)
    assert abs(held.total + held.gap_good + held.gap_bad - 9 * 86_400 * server.rate) <= 3600 * server.rate
    recent = counts.ledger.counts(objective, T0, timedelta(hours=5))
    assert (recent.total, recent.bad) == (180_000, 1800)
    assert recent.covered == timedelta(hours=5)
    assert [step for _, _, step in server.asked] == [timedelta(hours=1), timedelta(minutes=1), EVERY]


async def test_a_server_that_cannot_tell_leaves_a_gap() -> None:
    """The present is counted all the same; what was missed counts for the budget; it is asked again only after a while."""
    server, objective = Server(), slo(source="prom")
    counts = made(server)
    server.forgets = True
    await counts.poll(T0)
    assert counts.ledger.silence(objective, T0) is None
    later = T0 + timedelta(hours=1)
    await counts.poll(later)
    await counts.poll(later + EVERY)
    held = counts.ledger.counts(objective, later + EVERY, timedelta(hours=3))
    assert (held.total, held.gap_good + held.gap_bad) == (150, 36_000)
    assert len(server.asked) == 2


async def test_a_past_is_no_larger_than_it_may_be() -> None:
    """Of very many series less of the past is asked for: a start takes seconds, whatever there is to remember."""
    server = Server()
    server.many = 10_000  # series
    await made(server).poll(T0)
    assert len(server.asked) == 3
    for first, last, step in server.asked:
        assert last - first <= 100 * step
