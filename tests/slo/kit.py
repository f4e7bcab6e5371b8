"""What the tests of this folder share: a moment, an objective, and a pair of counters that can be polled."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.slo.ledger import Delta, Ledger, NoData
from bot.slo.selector import Selector
from bot.slo.spec import Indicator, Point, Slo

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def slo(target: float = 0.999, *, counts: str = "bad", missing_bad: str = "zero", **more) -> Slo:
    """A 30-day availability objective counting failures, unless said otherwise."""
    indicator = Indicator(
        "good" if counts == "good" else "bad",
        Selector.parse('requests_total{code=~"5.."}'),
        Selector.parse("requests_total"),
        "zero" if missing_bad == "zero" else "no_data",
    )
    plain = Slo("api", "checkout", indicator, target, timedelta(days=30))
    return replace(plain, **more)


@dataclass
class Service:
    """A counted process: it serves events, and each poll reads its counters as they stand."""

    slo: Slo
    ledger: Ledger = field(default_factory=lambda: Ledger(width=seconds(1)))
    now: datetime = T0
    bad: int = 0
    total: int = 0

    def poll(self) -> Delta | NoData:
        return self.ledger.ingest(self.slo, [Point.of(self.bad, self.now)], [Point.of(self.total, self.now)], self.now)

    def run(self, length: timedelta, *, rate: float, share: float = 0.0, every: float = 15) -> None:
        """Serve `rate` events per second of which `share` fail, spread evenly, polling every `every` seconds."""
        base_bad, base_total, began = self.bad, self.total, self.now
        if self.ledger.last_seen(self.slo) is None:
            self.poll()
        while self.now < began + length:
            self.now += seconds(every)
            served = int((self.now - began).total_seconds() * rate)
            self.total, self.bad = base_total + served, base_bad + int(served * share)
            self.poll()
