"""Ranks the explanations of an incident by the evidence, and says what each asks for and what would not help.

Each finding bears on causes in log-odds, added to a prior; beliefs are their softmax. Evidence is taken as independent,
which it is not quite: a belief orders the explanations, it does not measure them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.finding import Cause, Finding, Hypothesis

DIGITS = 4  # beliefs are written down: equal evidence must give equal numbers everywhere
MOST = 8.0  # log-odds beyond which more of the same says nothing new, and no single finding may go


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a cause before any evidence: how common it is, its cheapest test, what helps and what cannot."""

    prior: float
    next_test: str
    remedies: tuple[str, ...]
    unfit: tuple[str, ...] = ()


# priors: a change is the commonest trigger (Google SRE Book ch. 6: "what touched it last"), the world changes slowly
EXPLANATIONS: Mapping[Cause, Explanation] = {
    Cause.TRAINING_DATA: Explanation(
        prior=-1.0,
        next_test="compare the slice's label rate and row count in both versions' training data",
        remedies=("rollback", "bypass", "traffic", "retrain"),
    ),
    Cause.FEATURE_PIPELINE: Explanation(
        prior=-1.0,
        next_test="compare the drifted feature at its source with what the model received for the same request",
        remedies=("bypass", "pause"),
        unfit=(
            "rollback: every version sees the same broken feature; rolling back changes nothing",
            "traffic: every version sees the same broken feature; moving traffic changes nothing",
            "retrain: it would teach the model the broken feature",
        ),
    ),
    Cause.CODE_CHANGE: Explanation(
        prior=-1.0,
        next_test="replay some requests of the slice against both versions and compare their answers",
        remedies=("rollback", "traffic", "bypass"),
        unfit=("retrain: the code that is wrong would train and serve the new model too",),
    ),
    Cause.CONCEPT_DRIFT: Explanation(
        prior=-2.0,
        next_test="follow the outcomes' rate over the last weeks: did it move slowly, and in other slices too?",
        remedies=("retrain", "bypass"),
        unfit=("rollback: an older version knows the changed world even less",),
    ),
    Cause.UPSTREAM: Explanation(
        prior=-1.5,
        next_test="ask the owners of the sources for freshness and row counts since the onset",
        remedies=("bypass", "pause"),
        unfit=("rollback: the older version reads the same source",),
    ),
    Cause.CAPACITY: Explanation(
        prior=-2.0,
        next_test="look at latency, time-outs and saturation per backend since the onset",
        remedies=("traffic", "restart"),
        unfit=("retrain: a new model does not add capacity",),
    ),
}


def rank(findings: Sequence[Finding]) -> tuple[Hypothesis, ...]:
    """The causes some finding speaks for, the likeliest first; empty where nothing speaks for any.

    Beliefs are shares of all causes together, so those listed may sum to less than 1. Findings that were taken back,
    name a cause we do not know, or bear a weight that is no number are passed over. Equal beliefs keep the order of
    `Cause`.
    """
    totals = {cause: explanation.prior for cause, explanation in EXPLANATIONS.items()}
    supported: dict[Cause, list[str]] = {cause: [] for cause in Cause}
    opposed: dict[Cause, list[str]] = {cause: [] for cause in Cause}
    for finding in findings:
        if finding.gone is not None:
            continue
        for cause, weight in _bearing(finding).items():
            totals[cause] += weight
            (supported if weight > 0 else opposed)[cause].append(finding.id)
    beliefs = _softmax({cause: max(-MOST, min(MOST, total)) for cause, total in totals.items()})
    ranked = sorted((cause for cause in Cause if supported[cause]), key=lambda cause: -beliefs[cause])
    return tuple(_hypothesis(cause, beliefs[cause], supported[cause], opposed[cause]) for cause in ranked)


def _bearing(finding: Finding) -> dict[Cause, float]:
    """The finding's weight per known cause, each within bounds; what is said twice of one cause is added."""
    weights: dict[Cause, float] = {}
    for name, weight in finding.bears:
        if name in _NAMES and math.isfinite(weight) and weight:
            cause = Cause(name)
            weights[cause] = max(-MOST, min(MOST, weights.get(cause, 0.0) + weight))
    return {cause: weight for cause, weight in weights.items() if weight}


_NAMES = frozenset(str(cause) for cause in Cause)


def _softmax(totals: Mapping[Cause, float]) -> dict[Cause, float]:
    top = max(totals.values())
    shares = {cause: math.exp(total - top) for cause, total in totals.items()}
    whole = sum(shares.values())
    return {cause: round(share / whole, DIGITS) for cause, share in shares.items()}


def _hypothesis(cause: Cause, belief: float, supported: Sequence[str], opposed: Sequence[str]) -> Hypothesis:
    known = EXPLANATIONS[cause]
    return Hypothesis(cause, belief, tuple(supported), tuple(opposed), known.next_test, known.remedies, known.unfit)
