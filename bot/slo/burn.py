"""The verdict on one objective: met, breached, or no data, with the sentence that says why.

Multiwindow, multi-burn-rate alerting (SRE Workbook ch. 5, "Alerting on SLOs", method 6). Burn rate = bad share / (1 −
target): at 1 the budget lasts exactly the objective's window. With evidence (bot.slo.detector) the page rule also asks
that the failures are no accident, and lets overwhelming evidence page before the long window fills.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.slo.budget import FULL, budget
from bot.slo.detector import Evidence
from bot.slo.ledger import Counts, Ledger
from bot.slo.spec import Slo, Tier

EARLY = (
    0.75  # with evidence, page at this share of what the fastest tier spends before firing (1.5 % of 30 days, not 2 %)
)

State = Literal["met", "breached", "no_data"]
Urgency = Literal["notice", "ticket", "page"]

NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one objective at `at`.

    `counts` are those of `tier`'s long window (without a tier firing: of the tier nearest to firing). `spent` is the
    share of the whole budget that is gone. `quiet`: there is no verdict because too little happened, though the source
    answers. `severity` is `notice` only where evidence speaks before there is impact: worth a look, not a page.
    """

    slo: str
    state: State
    because: str
    at: datetime
    severity: Urgency | None = None
    tier: str | None = None
    burn_long: float = 0.0
    burn_short: float = 0.0
    factor: float = 0.0
    counts: Counts = NOTHING
    spent: float = 0.0
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    tier: Tier
    long: Counts
    short: Counts
    burn_long: float
    burn_short: float

    def fires(self, min_events: int) -> bool:
        return self.burning and self.long.total >= min_events

    @property
    def coverage(self) -> float:
        """The share of the long window that was watched."""
        return min(self.long.covered / self.tier.long, 1.0)

    @property
    def watched(self) -> timedelta:
        return self.tier.long if self.coverage >= FULL else self.long.covered

    @property
    def sustained(self) -> float:
        """The burn rate both windows bear out; what was not watched is not taken to have burned like the rest.

        So a young ledger needs as long as a full one to find the same failure, and a blip just after a start is a blip.
        """
        return min(self.burn_long * self.coverage, self.burn_short)

    @property
    def burning(self) -> bool:
        return self.sustained >= self.tier.factor * (1 - 1e-9)

    @property
    def nearness(self) -> float:
        return self.sustained / self.tier.factor


def burn_rate(slo: Slo, counts: Counts) -> float:
    """How many times faster than allowed these events spent the budget; 0 where there were none."""
    return counts.ratio / slo.budget


def judge(
    slo: Slo, ledger: Ledger, now: datetime, *, evidence: Evidence | None = None, since: datetime | None = None
) -> Verdict:
    """Judge `slo` on what the ledger holds at `now`.

    A window not yet full is judged on what it has, given `min_events`: a tier fires once that alone spent what the tier
    may spend. `since` leaves out what happened before it (an incident already over). Without `evidence` the plain
    Workbook rule holds. No data is never met.
    """
    silent = ledger.silence(slo, now)
    if silent is not None:
        return Verdict(slo.name, "no_data", f"No data on {slo.title}: {silent}.", now)
    readings = [_read(slo, ledger, now, tier, since) for tier in slo.tiers]
    widest = max(readings, key=lambda reading: reading.tier.long)
    spent = budget(slo, ledger, now).spent
    if widest.long.total < slo.min_events:
        because = (
            f"No verdict on {slo.title}: the source answers, but {widest.long.total:,} events "
            f"in {span(widest.tier.long)} are too few; a verdict needs {slo.min_events:,}."
        )
        return Verdict(slo.name, "no_data", because, now, counts=widest.long, spent=spent, quiet=True)
    fired = [reading for reading in readings if reading.fires(slo.min_events)]
    if evidence is not None:
        fired = [reading for reading in fired if evidence.burning or reading.tier.severity == "ticket"]
    first = min(fired, key=lambda reading: (reading.tier.severity != "page", -reading.tier.factor), default=None)
    if first is not None and first.tier.severity == "page":
        return _breached(slo, now, first, spent, "page")
    fastest = max(readings, key=lambda reading: (reading.tier.severity == "page", reading.tier.factor))
    if evidence is not None and evidence.blazing and fastest.long.total >= slo.min_events:
        if fastest.burn_short >= fastest.tier.factor and _impact(slo, fastest) >= EARLY * _impact_at_fire(slo, fastest):
            return _breached(slo, now, fastest, spent, "page")
        if first is None:
            return _breached(slo, now, fastest, spent, "notice")
    if first is not None:
        return _breached(slo, now, first, spent, "ticket")
    return _not_breached(slo, now, readings, widest, spent)


def _read(slo: Slo, ledger: Ledger, now: datetime, tier: Tier, since: datetime | None) -> _Reading:
    limit = now - since if since is not None else tier.long
    long, short = (ledger.counts(slo, now, max(min(each, limit), timedelta(0))) for each in (tier.long, tier.short))
    return _Reading(tier, long, short, burn_rate(slo, long), burn_rate(slo, short))


def _impact(slo: Slo, reading: _Reading) -> float:
    """The share of the whole budget spent in the long window, as far as it was watched."""
    return reading.burn_long * reading.coverage * (reading.tier.long / slo.window)


def _impact_at_fire(slo: Slo, reading: _Reading) -> float:
    return reading.tier.factor * (reading.tier.long / slo.window)


def _breached(slo: Slo, now: datetime, reading: _Reading, spent: float, severity: Urgency) -> Verdict:
    tier, counts = reading.tier, reading.long
    because = (
        f"{slo.title}: {counts.bad:,} of {counts.total:,} events failed in {span(reading.watched)} "
        f"({counts.ratio:.2%}, objective {share(slo.target)}); "
        f"burning {reading.burn_long:.1f}× the budget over {span(reading.watched)} "
        f"and {reading.burn_short:.1f}× over {span(tier.short)}, threshold {tier.factor:g}×; "
        f"{spent:.1%} of the budget is spent."
    )
    return Verdict(
        slo.name, "breached", because, now, severity, tier.name,
        reading.burn_long, reading.burn_short, tier.factor, counts, spent,
    )  # fmt: skip


def _not_breached(slo: Slo, now: datetime, readings: list[_Reading], widest: _Reading, spent: float) -> Verdict:
    nearest = max(readings, key=lambda reading: reading.nearness)
    counts = widest.long
    because = (
        f"{slo.title}: {counts.bad:,} of {counts.total:,} events failed in {span(widest.watched)}; no tier fires, "
        f"the nearest burns {nearest.sustained:.1f}× of {nearest.tier.factor:g}×; "
        f"{spent:.1%} of the budget is spent."
    )
    return Verdict(
        slo.name, "met", because, now, None, nearest.tier.name,
        nearest.burn_long, nearest.burn_short, nearest.tier.factor, nearest.long, spent,
    )  # fmt: skip


def share(value: float) -> str:
    """A share as a percentage without idle digits: 99.95 %."""
    return f"{value * 100:.6g} %"


def span(length: timedelta) -> str:
    """A length of time in one or two units: 1 h, 1 h 30 min, 3 d."""
    seconds = round(length.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
