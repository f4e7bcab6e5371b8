"""What a service may still get wrong: the error budget of a window, what is spent of it, and when it would be gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.slo.ledger import Ledger
from bot.slo.rule import FULL
from bot.slo.spec import Slo


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of one window (SRE Workbook ch. 2 and 5, occurrences): allowed = (1 − target) · events.

    `events` and `bad` include those of gaps, and leave out what maintenance excuses (`excused` bad events, told beside
    it). While the window is only partly `covered`, `allowed` extrapolates the traffic seen to the whole window and
    `estimated` says so; a calendar period is an estimate until it ends. `remaining` falls below zero when overspent.
    Counts are in the objective's `unit`. `since` is where the window begins.
    """

    events: int
    bad: int
    allowed: float
    covered: timedelta
    estimated: bool
    excused: int = 0
    since: datetime | None = None

    @property
    def spent(self) -> float:
        """The share of the budget that is gone; 0 while nothing is allowed because nothing happened."""
        return self.bad / self.allowed if self.allowed else 0.0

    @property
    def remaining(self) -> float:
        return 1 - self.spent


def budget(slo: Slo, ledger: Ledger, now: datetime) -> Budget:
    """The budget of the rolling window that ends at `now`, or of the calendar period that holds it."""
    if slo.calendar is None:
        since, whole = now - slo.window, slo.window
    else:
        since, end = slo.calendar.period(now)
        whole = end - since
    counts = ledger.counts(slo, now, now - since)
    raw = ledger.seen_in(slo, now, now - since)
    events, bad = counts.total + counts.gap_good + counts.gap_bad, counts.bad + counts.gap_bad
    estimated = counts.covered < whole * FULL
    expected = float(events)
    if estimated and counts.covered > timedelta(0):
        expected = max(expected, counts.total * (whole / counts.covered))
    excused = raw.bad + raw.gap_bad - bad
    return Budget(events, bad, slo.budget * expected, counts.covered, estimated, excused, since)


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
