"""When a failure ended: the stretch of good data a recovery rests on."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.slo.burn import burn_rate
from bot.slo.detector import onset, turn
from bot.slo.grid import Counts, from_ms
from bot.slo.ledger import Ledger
from bot.slo.spec import Slo
from bot.slo.streams import CEILING, EDetectors, Floats

RELIEF = (1 / 2, 1 / 4, 1 / 10, 1 / 30, 1 / 100)
"""What the rate of failures may have fallen to, as shares of the rate that woke somebody."""

PROVED = math.log(1e4)
AT_LEAST = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Run:
    """Data since `start` that looks good: what it counted, its burn rate, and the length actually watched.

    `relief` is the evidence, ln SR, that the failure no longer goes on at the rate that woke somebody; `allowed` is how
    many bad events the objective lets happen in such a run, `power` the evidence that its events could give at most.
    """

    start: datetime
    counts: Counts
    burn: float
    relief: float = -math.inf
    allowed: float = 0.0
    bad: float = 0.0
    power: float = 0.0

    @property
    def good(self) -> bool:
        """The objective is met on it, by events that happened."""
        return self.counts.total > 0 and self.burn <= 1 + 1e-9

    @property
    def proved(self) -> bool:
        """The failure is refuted, and no more went wrong than chance may bring while the objective is met."""
        usual = self.allowed + 2 * math.sqrt(self.allowed) + 1
        return self.relief >= PROVED and self.bad <= usual

    def suffices(self, slo: Slo) -> bool:
        """Whether a recovery may rest on it: proved, or where traffic is too low for a proof, long and good enough."""
        if self.proved and self.counts.covered >= min(AT_LEAST, slo.recover_for):
            return True
        if self.power >= PROVED / 4:  # a proof is a matter of time: a lucky stretch is not taken for one
            return False
        enough = self.counts.total >= max(slo.min_events, 1) * slo.unit
        return self.good and self.counts.covered >= slo.recover_for and enough


def began(slo: Slo, ledger: Ledger, now: datetime, factor: float, since: datetime | None = None) -> datetime | None:
    """When the failure that now burns at `factor` or more began, by the data; None where nothing speaks for one."""
    start = now - slo.longest if since is None else max(since, now - slo.longest)
    shortest = ledger.counts(slo, now, min(tier.short for tier in slo.tiers))
    rate = min(CEILING, max(slo.budget * factor, shortest.ratio))
    return onset(ledger.buckets(slo, start, now), slo.budget, rate)


def good_run(slo: Slo, ledger: Ledger, now: datetime, factor: float, since: datetime) -> Run | None:
    """The good stretch that reaches to `now`, after a failure burning at `factor` since `since`; None without one."""
    bad = min(
        CEILING * 0.99, slo.budget * max(factor, 1.5)
    )  # a tier at 1× would leave nothing to tell good from bad by
    starts, _, succeeded, failed = ledger.recorded(slo, since, now)
    place = turn(succeeded, failed, bad, slo.budget)
    if place is None:
        return None
    start = from_ms(int(starts[place]))
    counts = ledger.counts(slo, now, now - start)
    events = counts.total / slo.unit
    proof = relief(succeeded / slo.unit, failed / slo.unit, bad)
    power = -events * math.log1p(-bad)
    return Run(start, counts, burn_rate(slo, counts), proof, events * slo.budget, counts.bad / slo.unit, power)


def relief(good: Floats, bad: Floats, rate: float) -> float:
    """Ln SR against "the rate of failures is still at least `rate`" after these buckets, in order of time.

    The same detector as for a failure, with alternatives below its null (bot.slo.detector).
    """
    detector = EDetectors(rate, RELIEF)
    detector.see_all(good + bad, bad)
    return float(detector.evidence[0])
