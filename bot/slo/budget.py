"""What a service may still get wrong: the error budget of a window, what is spent of it, and when it would be gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.slo.ledger import Ledger
from bot.slo.rule import FULL
from bot.slo.spec import Slo


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of one window (SRE Workbook ch. 2 and 5, occurrences): allowed = (1 − target) · events.

    `events` and `bad` include those of gaps. While the window is only partly `covered`, `allowed` extrapolates the
    traffic seen to the whole window and `estimated` says so. `remaining` falls below zero when overspent.
    """

    events: int
    bad: int
    allowed: float
    covered: timedelta
    estimated: bool

    @property
    def spent(self) -> float:
        """The share of the budget that is gone; 0 while nothing is allowed because nothing happened."""
        return self.bad / self.allowed if self.allowed else 0.0

    @property
    def remaining(self) -> float:
        return 1 - self.spent


def budget(slo: Slo, ledger: Ledger, now: datetime) -> Budget:
    """The budget of the rolling window that ends at `now`."""
    counts = ledger.counts(slo, now, slo.window)
    events, bad = counts.total + counts.gap_good + counts.gap_bad, counts.bad + counts.gap_bad
    estimated = counts.covered < slo.window * FULL
    expected = float(events)
    if estimated and counts.covered > timedelta(0):
        expected = max(expected, counts.total * (slo.window / counts.covered))
    return Budget(events, bad, slo.budget * expected, counts.covered, estimated)


def exhausted_in(slo: Slo, held: Budget, burn: float) -> timedelta | None:
    """How long the rest lasts at this burn rate: remaining · window / burn; None where it never ends."""
    if held.remaining <= 0:
        return timedelta(0)
    if burn <= 0:
        return None
    seconds = held.remaining * slo.window.total_seconds() / burn
    return timedelta(seconds=seconds) if seconds < timedelta.max.total_seconds() else None


def events_affected(slo: Slo, ledger: Ledger, since: datetime, until: datetime) -> int:
    """How many events went badly between the two times, gaps included: the breadth of an incident."""
    counts = ledger.counts(slo, until, until - since)
    return counts.bad + counts.gap_bad
