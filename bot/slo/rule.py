"""When burning wakes somebody, decided for any number of objectives at once.

Multiwindow, multi-burn-rate alerting (SRE Workbook ch. 5, "Alerting on SLOs", method 6). Burn rate = bad share / (1 −
target): at 1 the budget lasts exactly the objective's window. With evidence (bot.slo.detector) a page also asks that
the failures are no accident, and overwhelming evidence may page before the long window fills:

    page ⇔ (a page tier burns ∧ E₁ ≥ c) ∨ (E_fast ≥ c ∧ spent in the fast tier's long window ≥ EARLY ∧ still burning)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bot.slo.grid import BAD, COVERED, GOOD, MILLISECOND, Ints
from bot.slo.spec import Slo

EARLY = 0.75  # with evidence, page at this share of what the fastest tier spends before firing (1.5 % of 30 d, not 2 %)
FULL = 0.99  # a window watched this far needs no estimate
HAIR = 1 - 1e-9

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Level(IntEnum):
    """What the data of one objective call for."""

    SILENT = -2
    QUIET = -1
    MET = 0
    NOTICE = 1
    TICKET = 2
    PAGE = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """What `size` objectives ask for, in columns; tiers padded to the longest list."""

    budget: Floats
    window: Ints
    min_events: Ints
    judicious: Flags  # whether pages ask for evidence
    long: Ints  # (objectives, tiers), milliseconds
    short: Ints
    factor: Floats  # infinite where there is no such tier
    pages: Flags
    widest: Ints  # which tier has the longest window
    fastest: Ints  # which page tier has the largest factor (of all tiers where none pages)

    @classmethod
    def of(cls, slos: Sequence[Slo]) -> "Terms":
        """The terms of these objectives, in their order."""
        most = max((len(slo.tiers) for slo in slos), default=1)
        shape = (len(slos), most)
        long, short = np.ones(shape, dtype=np.int64), np.ones(shape, dtype=np.int64)
        factor, pages = np.full(shape, np.inf), np.zeros(shape, dtype=bool)
        widest, fastest = np.zeros(len(slos), dtype=np.int64), np.zeros(len(slos), dtype=np.int64)
        for row, slo in enumerate(slos):
            for column, tier in enumerate(slo.tiers):
                long[row, column], short[row, column] = tier.long // MILLISECOND, tier.short // MILLISECOND
                factor[row, column], pages[row, column] = tier.factor, tier.severity == "page"
            widest[row] = max(range(len(slo.tiers)), key=[tier.long for tier in slo.tiers].__getitem__)
            speeds = [(tier.severity == "page", tier.factor) for tier in slo.tiers]
            fastest[row] = max(range(len(slo.tiers)), key=speeds.__getitem__)
        return cls(
            budget=np.array([slo.budget for slo in slos]),
            window=np.array([slo.window // MILLISECOND for slo in slos], dtype=np.int64),
            min_events=np.array([slo.min_events * slo.unit for slo in slos], dtype=np.int64),
            judicious=np.array([slo.rule == "evidence" for slo in slos], dtype=bool),
            long=long, short=short, factor=factor, pages=pages, widest=widest, fastest=fastest,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence on each objective: whether "burn ≤ 1" and "burn ≤ the fastest page tier" are refuted, and by what poll.

    `burn` is that of the newest poll that had events.
    """

    burning: Flags
    blazing: Flags
    burn: Floats
    there: Flags  # where there is none, the plain rule holds


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the data call for, and on which tier: the one that fires, else the one nearest to it."""

    level: Ints
    tier: Ints
    burn_long: Floats  # (objectives, tiers)
    burn_short: Floats
    coverage: Floats
    sustained: Floats


def decide(terms: Terms, long: Ints, short: Ints, proof: Proof, silent: Flags) -> Ruling:
    """Judge every objective on its counts: `long` and `short` are (3, objectives, tiers) as in a grid's row.

    A window not yet full is judged on what it has: what was not watched is not taken to have burned like the rest, so
    that a young ledger needs as long as a full one to find the same failure, and a blip just after a start is a blip.
    """
    budget, events = terms.budget[:, None], long[GOOD] + long[BAD]
    burn_long, burn_short = (_ratio(each) / budget for each in (long, short))
    coverage = np.minimum(long[COVERED] / terms.long, 1.0)
    sustained = np.minimum(burn_long * coverage, burn_short)
    fires = (sustained >= terms.factor * HAIR) & (events >= terms.min_events[:, None])
    weighs = (terms.judicious & proof.there)[:, None]
    fires &= ~(terms.pages & weighs) | proof.burning[:, None]
    paging = fires & terms.pages
    rows = np.arange(len(terms.budget))
    fast = terms.fastest
    fits = terms.judicious & proof.there & proof.blazing & (events[rows, fast] >= terms.min_events)
    share = terms.long[rows, fast] / terms.window
    spent = burn_long[rows, fast] * coverage[rows, fast] * share
    still = np.minimum(burn_short[rows, fast], proof.burn) >= terms.factor[rows, fast] * HAIR
    early = fits & still & terms.pages[rows, fast] & (spent >= EARLY * terms.factor[rows, fast] * share)
    level = np.select(
        [silent, events[rows, terms.widest] < terms.min_events, paging.any(1) | early, fires.any(1), fits],
        [Level.SILENT, Level.QUIET, Level.PAGE, Level.TICKET, Level.NOTICE],
        Level.MET,
    )
    nearest = np.argmax(sustained / terms.factor, axis=1)
    fired = _fastest(paging, terms.factor), _fastest(fires, terms.factor)
    tier = np.select(
        [level == Level.PAGE, level == Level.TICKET, level == Level.NOTICE],
        [np.where(paging.any(1), fired[0], fast), fired[1], fast],
        nearest,
    )
    return Ruling(level, tier, burn_long, burn_short, coverage, sustained)


def _ratio(counts: Ints) -> Floats:
    total = counts[GOOD] + counts[BAD]
    return np.asarray(np.divide(counts[BAD], total, out=np.zeros(total.shape), where=total > 0), dtype=np.float64)


def _fastest(chosen: Flags, factor: Floats) -> Ints:
    """The chosen tier with the largest factor; anything where none is chosen."""
    return np.asarray(np.argmax(np.where(chosen, factor, -1.0), axis=1), dtype=np.int64)


def no_proof(size: int) -> Proof:
    """Of nothing there is evidence: the plain rule holds."""
    nothing = np.zeros(size, dtype=bool)
    return Proof(nothing, nothing, np.full(size, np.inf), nothing)
