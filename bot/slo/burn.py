"""The verdict on one objective: met, breached, or no data, with the sentence that says why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from bot.slo.budget import budget
from bot.slo.detector import Evidence
from bot.slo.grid import MILLISECOND, Counts, Ints
from bot.slo.ledger import Ledger
from bot.slo.rule import FULL, Level, Terms, decide, no_proof
from bot.slo.spec import Slo, Tier

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


def burn_rate(slo: Slo, counts: Counts) -> float:
    """How many times faster than allowed these events spent the budget; 0 where there were none."""
    return counts.ratio / slo.budget


def judge(
    slo: Slo, ledger: Ledger, now: datetime, *, evidence: Evidence | None = None, since: datetime | None = None
) -> Verdict:
    """Judge `slo` on what the ledger holds at `now`, by bot.slo.rule.

    A window not yet full is judged on what it has, given `min_events`: a tier fires once that alone spent what the tier
    may spend. `since` leaves out what happened before it (an incident already over). Without `evidence` the plain
    Workbook rule holds. No data is never met.
    """
    silent = ledger.silence(slo, now)
    if silent is not None:
        return Verdict(slo.name, "no_data", f"No data on {slo.title}: {silent}.", now)
    limit = slo.longest if since is None else max(now - since, timedelta(0))
    long = [ledger.counts(slo, now, min(tier.long, limit)) for tier in slo.tiers]
    short = [ledger.counts(slo, now, min(tier.short, limit)) for tier in slo.tiers]
    proof = no_proof(1) if evidence is None else evidence.proof
    found = decide(Terms.of([slo]), _columns(long), _columns(short), proof, np.zeros(1, dtype=bool))
    level, place = Level(int(found.level[0])), int(found.tier[0])
    reading = _Reading(
        slo.tiers[place],
        long[place],
        float(found.burn_long[0, place]),
        float(found.burn_short[0, place]),
        float(found.coverage[0, place]),
    )
    spent = budget(slo, ledger, now).spent
    widest = max(range(len(slo.tiers)), key=lambda each: slo.tiers[each].long)
    if level is Level.QUIET:
        return _quiet(slo, now, slo.tiers[widest], long[widest], spent)
    if level is Level.MET:
        covered = float(found.coverage[0, widest])
        return _met(slo, now, reading, float(found.sustained[0, place]), long[widest], covered, spent)
    return _breached(slo, now, reading, spent, SEVERITIES[level])


SEVERITIES: dict[Level, Urgency] = {Level.NOTICE: "notice", Level.TICKET: "ticket", Level.PAGE: "page"}


@dataclass(frozen=True, slots=True)
class _Reading:
    """One tier's long window in numbers."""

    tier: Tier
    long: Counts
    burn_long: float
    burn_short: float
    coverage: float

    @property
    def watched(self) -> timedelta:
        return self.tier.long if self.coverage >= FULL else self.long.covered


def _columns(counts: list[Counts]) -> Ints:
    """(3, 1, tiers) as the rule takes them."""
    rows = ([each.good for each in counts], [each.bad for each in counts],
            [each.covered // MILLISECOND for each in counts])  # fmt: skip
    return np.array(rows, dtype=np.int64)[:, None, :]


def _quiet(slo: Slo, now: datetime, tier: Tier, counts: Counts, spent: float) -> Verdict:
    because = (
        f"No verdict on {slo.title}: the source answers, but {events(slo, counts.total)} events "
        f"in {span(tier.long)} are too few; a verdict needs {slo.min_events:,}."
    )
    return Verdict(slo.name, "no_data", because, now, counts=counts, spent=spent, quiet=True)


def _breached(slo: Slo, now: datetime, reading: _Reading, spent: float, severity: Urgency) -> Verdict:
    tier, counts = reading.tier, reading.long
    because = (
        f"{slo.title}: {events(slo, counts.bad)} of {events(slo, counts.total)} events failed in "
        f"{span(reading.watched)} ({counts.ratio:.2%}, objective {share(slo.target)}); "
        f"burning {reading.burn_long:.1f}× the budget over {span(reading.watched)} "
        f"and {reading.burn_short:.1f}× over {span(tier.short)}, threshold {tier.factor:g}×; "
        f"{spent:.1%} of the budget is spent."
    )
    return Verdict(
        slo.name, "breached", because, now, severity, tier.name,
        reading.burn_long, reading.burn_short, tier.factor, counts, spent,
    )  # fmt: skip


def _met(
    slo: Slo, now: datetime, nearest: _Reading, sustained: float, counts: Counts, covered: float, spent: float
) -> Verdict:
    watched = slo.longest if covered >= FULL else counts.covered
    because = (
        f"{slo.title}: {events(slo, counts.bad)} of {events(slo, counts.total)} events failed in {span(watched)}; "
        f"no tier fires, the nearest burns {sustained:.1f}× of {nearest.tier.factor:g}×; "
        f"{spent:.1%} of the budget is spent."
    )
    return Verdict(
        slo.name, "met", because, now, None, nearest.tier.name,
        nearest.burn_long, nearest.burn_short, nearest.tier.factor, nearest.long, spent,
    )  # fmt: skip


def events(slo: Slo, counted: int) -> str:
    """A number of events as people write it; parts of events in one decimal."""
    return f"{counted:,}" if slo.unit == 1 else f"{counted / slo.unit:,.1f}"


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
