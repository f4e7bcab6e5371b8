"""When a failure ended: the stretch of good data a recovery rests on."""

from dataclasses import dataclass
from datetime import datetime

from bot.slo.burn import burn_rate
from bot.slo.detector import CEILING, onset
from bot.slo.ledger import Counts, Ledger
from bot.slo.spec import Slo


@dataclass(frozen=True, slots=True)
class Run:
    """Data since `start` that looks good: what it counted, its burn rate, and the length actually watched."""

    start: datetime
    counts: Counts
    burn: float

    @property
    def good(self) -> bool:
        """The objective is met on it, by events that happened."""
        return self.counts.total > 0 and self.burn <= 1 + 1e-9

    def suffices(self, slo: Slo) -> bool:
        """Whether a recovery may rest on it: met, watched for `recover_for`, on at least `min_events`."""
        return self.good and self.counts.covered >= slo.recover_for and self.counts.total >= max(slo.min_events, 1)


def began(slo: Slo, ledger: Ledger, now: datetime, factor: float, since: datetime | None = None) -> datetime | None:
    """When the failure that now burns at `factor` or more began, by the data; None where nothing speaks for one."""
    start = now - slo.longest if since is None else max(since, now - slo.longest)
    shortest = ledger.counts(slo, now, min(tier.short for tier in slo.tiers))
    rate = min(CEILING, max(slo.budget * factor, shortest.ratio))
    return onset(ledger.buckets(slo, start, now), slo.budget, rate)


def good_run(slo: Slo, ledger: Ledger, now: datetime, factor: float, since: datetime) -> Run | None:
    """The good stretch that reaches to `now`, after a failure burning at `factor` since `since`; None without one."""
    bad = min(CEILING, slo.budget * max(factor, 1.5))  # a tier at 1× would leave nothing to tell good from bad by
    start = onset(ledger.buckets(slo, since, now), bad, slo.budget)
    if start is None:
        return None
    counts = ledger.counts(slo, now, now - start)
    return Run(start, counts, burn_rate(slo, counts))
