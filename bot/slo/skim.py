"""Many polls of one objective at once, as long as they are certain to change nothing: a month of calm in a second.

A replay polls the past every few seconds, and nearly all of those polls find that all is well. What they would leave
behind in the ledger and the evidence is worked out for thousands of them together, to the last row. Where any of them
might find anything else (a restart, a gap, a tier near firing, evidence) it stops before it, and that poll is made by
the ledger, the panel and the rule themselves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.slo import counters
from bot.slo.accounts import Account
from bot.slo.counters import COUNTERS, Role, Samples
from bot.slo.grid import BAD, COVERED, GOOD, MILLISECOND, Grid, Ints
from bot.slo.intake import IS_TOTAL
from bot.slo.ledger import THINNED, Ledger
from bot.slo.panel import Panel
from bot.slo.rule import HAIR
from bot.slo.spec import Indicator

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

NEARLY = 300_000  # milliseconds: a row so much younger than what is thinned may stand for one that was
FEW, MOST_CELLS = 64, 4_000_000  # polls at once, and polls times series: 32 MB a column
MARGIN = 1e-6  # sums in another order differ in the last digits: what is so near to a limit is looked at itself


@dataclass(frozen=True, slots=True)
class _Counted:
    """What each poll would count: (polls,) good and bad events, the time of the newest sample; `odd` where unsure."""

    good: Ints
    bad: Ints
    seen: Ints
    odd: Flags


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the grid would hold: (polls,) the end of each poll's bucket; (polls, 3) totals after it; earlier rows."""

    ends: Ints
    totals: Ints
    before_ends: Ints
    before: Ints

    def at(self, edges: Ints) -> Ints:
        """(edges, 3) totals up to each of these times."""
        last = np.flatnonzero(np.diff(self.ends, append=np.iinfo(np.int64).max))
        ends = np.concatenate((self.before_ends, self.ends[last]))
        totals = np.concatenate((self.before, self.totals[last]))
        return np.asarray(totals[np.maximum(np.searchsorted(ends, edges, side="right") - 1, 0)])


def skim(ledger: Ledger, panel: Panel, samples: Samples, moments: Ints, patience: int, *, waiting: bool) -> int:
    """Make as many of these polls (milliseconds) as surely change nothing; how many that were.

    The ledger and the panel hold one objective, which is calm: met; or `waiting`: too little happened for a verdict.
    `samples` are those since the last poll, by time; `patience` (milliseconds) as in `Ledger.poll`.
    """
    account = next(iter(ledger.accounts), None)
    if account is None or not len(moments) or not _plain(ledger, panel, account):
        return 0
    ledger.lines.settle()
    moments = moments[: max(FEW, MOST_CELLS // max(1, len(ledger.lines)))]
    place = np.searchsorted(moments, samples.at, side="left")
    within = place < len(moments)
    samples, place = samples.only(within), place[within]
    order = np.lexsort((samples.at, samples.line))
    samples, place = Samples(samples.line[order], samples.at[order], samples.value[order]), place[order]
    fresh = samples.at > ledger.lines.at[samples.line]
    samples, place = samples.only(fresh), place[fresh]
    counted = _counted(ledger, account, samples, place, moments, patience)
    sure = _first(counted.odd)
    if not sure:
        return 0
    counted = _Counted(counted.good[:sure], counted.bad[:sure], counted.seen[:sure], counted.odd[:sure])
    rows = _rows(ledger.grid, account.number, counted)
    odd = _speaks(panel, rows, moments[:sure], ledger.grid, waiting=waiting)
    bad, total = (each / panel.slos[0].unit for each in (counted.bad, counted.good + counted.bad))
    slow, fast = panel.slow.ahead(total, bad), panel.fast.ahead(total, bad)
    if panel.terms.judicious[0]:
        odd |= panel.fast.evidence_of(fast) >= panel.threshold - MARGIN
    sure = _first(odd)
    if sure:
        _commit(ledger, account, samples.only(place < sure), rows, counted, sure)
        _convince(panel, counted, slow, fast, sure)
    return sure


def _first(odd: Flags) -> int:
    """The number of polls before the first odd one."""
    return int(np.argmax(odd)) if odd.any() else len(odd)


def _plain(ledger: Ledger, panel: Panel, account: Account) -> bool:
    """Whether everything about the objective is as simple as what is worked out here."""
    books, number, slo = ledger.accounts, account.number, panel.slos[0]
    return (
        len(panel.slos) == 1
        and not books.mixed
        and isinstance(slo.indicator, Indicator)
        and not slo.method.sliced
        and not slo.parts
        and all(role in COUNTERS for role in account.roles)
        and bool(books.seen[number] >= 0)
        and not books.troubled[number]
        and not books.held[:, number].any()
        and bool(books.held_since[number] < 0)
        and bool(ledger.grid.ends)
    )


# -- counting --------------------------------------------------------------------------------------------------------


def _counted(ledger: Ledger, account: Account, samples: Samples, place: Ints, moments: Ints, patience: int) -> _Counted:
    lines, books, number = ledger.lines, ledger.accounts, account.number
    silence, polls = int(books.silence[number]), len(moments)
    role = lines.role[samples.line]
    first = np.concatenate(([True], np.diff(samples.line) != 0))[: len(samples.line)]
    before = np.where(first, lines.value[samples.line], np.concatenate(([0.0], samples.value))[:-1])
    since = np.where(first, lines.at[samples.line], np.concatenate(([0], samples.at))[:-1])
    strange = counters.insane(samples, role) | ~np.isfinite(before) | (since < 0) | ~(samples.value >= before)
    strange |= (samples.at - since > silence) | (samples.at == since)
    odd = np.zeros(polls, dtype=bool)
    odd[place[strange]] = True
    gained = np.subtract(samples.value, before, out=np.zeros(len(strange)), where=~strange)
    part, total = (
        np.bincount(place[role == each], weights=gained[role == each], minlength=polls).astype(np.int64)
        for each in (Role.PART, Role.TOTAL)
    )
    odd |= part > total
    newest = np.full((polls + 1, len(lines)), -1, dtype=np.int64)
    newest[0] = lines.at
    np.maximum.at(newest, (place + 1, samples.line), samples.at)
    newest = np.maximum.accumulate(newest, axis=0)[1:]
    newest = np.where(newest >= moments[:, None] - patience, newest, -1)
    of_total = IS_TOTAL[lines.role]
    seen = newest[:, of_total].max(axis=1, initial=-1)
    part_there = (newest[:, ~of_total] >= 0).any(axis=1) | bool(books.part_may_lack[number])
    odd |= (seen < 0) | ~part_there | (moments - seen > silence)
    seen = np.maximum.accumulate(np.maximum(seen, books.seen[number]))
    odd |= np.diff(seen, prepend=books.seen[number]) > silence
    good, bad = (part, total - part) if books.counts_good[number] else (total - part, part)
    return _Counted(good, bad, seen, odd)


def _rows(grid: Grid, number: int, counted: _Counted) -> _Rows:
    last = int(grid.newest[number])
    ends = np.maximum.accumulate(np.maximum(grid.ceil(counted.seen), last))
    gained = np.stack((counted.good, counted.bad, np.diff(ends, prepend=last)), axis=1)
    held = np.array([row[:, number] for row in grid.rows], dtype=np.int64)
    return _Rows(ends, held[-1] + np.cumsum(gained, axis=0), np.array(grid.ends, dtype=np.int64), held)


# -- judging ---------------------------------------------------------------------------------------------------------


def _speaks(panel: Panel, rows: _Rows, moments: Ints, grid: Grid, *, waiting: bool) -> Flags:
    """The polls at which a tier might fire, or there might be a verdict where there was none (or none any more).

    Old rows are thinned as time goes on, which makes a window's beginning coarser. So each window is taken at its
    longest where failures are counted, and at its shortest where all events are.
    """
    slo, floor, upto = panel.slos[0], panel.floor[:, 0], grid.ceil(moments)
    lengths = {each // MILLISECOND for tier in slo.tiers for each in (tier.long, tier.short)}
    short, long = {}, {}
    for length in lengths:
        coarse = max((step // MILLISECOND for age, step in THINNED if length >= age // MILLISECOND - NEARLY), default=0)
        short[length] = np.maximum(rows.totals - np.maximum(rows.at(upto - length), floor), 0)
        long[length] = np.maximum(rows.totals - np.maximum(rows.at(upto - length - coarse), floor), 0)
    odd = rows.ends <= upto - min(lengths)  # the newest samples lie outside of a window
    widest = slo.longest // MILLISECOND
    least = slo.min_events * slo.unit
    if waiting:
        return np.asarray(odd | (long[widest][:, GOOD] + long[widest][:, BAD] >= least))
    odd |= short[widest][:, GOOD] + short[widest][:, BAD] < least
    for tier in slo.tiers:
        most = []
        for length in (tier.long // MILLISECOND, tier.short // MILLISECOND):
            total = short[length][:, GOOD] + short[length][:, BAD]
            most.append(_burn(long[length][:, BAD], total, slo.budget))
        covered = np.minimum(long[tier.long // MILLISECOND][:, COVERED] / (tier.long // MILLISECOND), 1.0)
        odd |= np.minimum(most[0] * covered, most[1]) >= tier.factor * HAIR * (1 - MARGIN)
    return np.asarray(odd)


def _burn(bad: Ints, total: Ints, budget: float) -> Floats:
    nothing = np.where(bad > 0, np.inf, 0.0)
    return np.asarray(np.divide(bad, total * budget, out=nothing, where=total > 0))


# -- writing it down -------------------------------------------------------------------------------------------------


def _commit(ledger: Ledger, account: Account, samples: Samples, rows: _Rows, counted: _Counted, sure: int) -> None:
    grid, number = ledger.grid, account.number
    counters.remember(samples, ledger.lines)
    ledger.accounts.seen[number] = counted.seen[sure - 1]
    ends, totals = rows.ends[:sure], rows.totals[:sure]
    grid.touched = min(grid.touched, int(ends[0]))
    last = np.flatnonzero(np.diff(ends, append=np.iinfo(np.int64).max))
    for end, total in zip(ends[last].tolist(), totals[last], strict=True):
        if end == grid.ends[-1]:
            grid.rows[-1][:, number] = total
            continue
        row = grid.rows[-1].copy()
        row[:, number] = total
        grid.ends.append(end)
        grid.rows.append(row)
    grid.newest[number] = ends[-1]


def _convince(panel: Panel, counted: _Counted, slow: Floats, fast: Floats, sure: int) -> None:
    total = counted.good[:sure] + counted.bad[:sure]
    for detectors, logs in ((panel.slow, slow), (panel.fast, fast)):
        detectors.logs = logs[sure - 1 : sure].copy()
        detectors.looks += int(np.count_nonzero(total))
    happened = np.flatnonzero(total)
    if len(happened):
        newest = happened[-1]
        panel.burn = np.array([counted.bad[newest] / total[newest] / panel.slos[0].budget])
