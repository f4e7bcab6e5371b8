"""The drift of features that were counted instead of kept: KS, PSI and Wasserstein of two histograms over equal bins.

Ten million rows become four thousand numbers a feature and slice, and the comparison takes milliseconds. It finds what
a comparison of all rows finds: quantile bins leave KS and PSI within a percent of the exact ones, and logarithmic bins
in the tails do so for Wasserstein (`tests/slo/test_binned.py`, `python -m tests.benchmarks drift`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from bot.slo import drift
from bot.slo.bins import BODY, Categories, Grid
from bot.slo.drift import ALPHA, BINS, EFFECT_KS, EFFECT_MISSING, EFFECT_PSI, EFFECT_WASSERSTEIN, FEW, Finding, Kind
from bot.slo.histogram import Histogram, Tally

CLIP = 0.005  # the share at either end of the reference that Wasserstein counts as if it lay at that quantile
EXPECTED = 5  # live values a category must be expected to have to stand for itself (Cochran's rule for χ²)

_THIN = 2  # a bin with more than so many times its share is one value, or nearly

_WORDS = {"ks": "KS distance", "psi": "PSI", "wasserstein": "Wasserstein distance"}


def ks(reference: Histogram, current: Histogram) -> float:
    """The largest distance between the two distributions at the edge of a bin: at most the exact one."""
    before, now = _shares(reference, current)
    return float(np.abs(before - now).max())


def psi(reference: Histogram, current: Histogram, bins: int = BINS) -> float:
    """The population stability index over the reference's quantiles, or over its categories."""
    before, now = _grouped(reference, current, bins)
    return drift.psi(before, now)


def wasserstein(reference: Histogram, current: Histogram, *, clip: float = 0.0) -> float:
    """How far values moved on average, in their own unit; each value counts where its bin's values lie on average.

    With `clip`, that share at either end of the reference counts as if it lay at its edge, and so do live values
    beyond: then a few values far out cannot make a distance, neither by drift nor by chance.
    """
    places = _clipped(_grid(reference).axis, reference, clip)
    before, now = _shares(reference, current)
    return float((np.abs(before - now)[:-1] * np.diff(places)).sum())


def wasserstein_noise(
    reference: Histogram, live: int, *, clip: float = CLIP, features: int = 1, alpha: float = ALPHA
) -> tuple[float, float]:
    """(the reference's standard deviation, the distance that `live` rows reach by chance), both in the values' unit."""
    places = _clipped(_grid(reference).axis, reference, clip)
    held = np.flatnonzero(reference.counts)
    share = reference.counts / reference.n
    sigma = math.sqrt(float(share @ (places - float(share @ places)) ** 2))
    below = np.cumsum(reference.counts)[:-1] / reference.n
    area = float((np.sqrt(below * (1 - below)) * np.diff(places)).sum())
    span = float(places[held[-1]] - places[held[0]])
    m = reference.n
    return sigma, drift.wasserstein_floor(live, m, area=area, sigma=sigma, span=span, features=features, alpha=alpha)


def compare_histograms(
    reference: Mapping[str, Histogram],
    current: Mapping[str, Histogram],
    *,
    distinct: int | None = None,
    slices: int = 1,
    alpha: float = ALPHA,
) -> list[Finding]:
    """Compare two tables that were counted over the same bins, the drifted and most distant features first.

    Numbers are compared by KS, PSI and Wasserstein, categories by PSI, and all by how many are missing. `distinct` live
    rows are all that count where rows repeat; floors account for features times `slices`, the number of tables that are
    looked at for the same purpose. Raises ValueError where a feature was counted over other bins.
    """
    names = sorted(reference.keys() | current.keys())
    findings: list[Finding] = []
    for name in names:
        if name not in reference or name not in current:
            where = "the live data" if name not in current else "the reference"
            findings.append(
                Finding(name, "absent", drifted=True, because=f"{name} is missing from {where}", distance=1.0)
            )
            continue
        findings += _compared(name, reference[name], current[name], distinct, len(names) * slices, alpha)
    return sorted(findings, key=drift.order)


def compare_slices(
    reference: Tally, current: Tally, dimension: str, values: Iterable[str] | None = None, *, alpha: float = ALPHA
) -> dict[str, list[Finding]]:
    """Every slice of a dimension compared with the same slice of the reference, under one noise floor for all."""
    told = tuple(reference.layout.slices[dimension] if values is None else values)
    return {
        value: compare_histograms(
            reference.histograms(dimension, (value,)),
            current.histograms(dimension, (value,)),
            distinct=current.distinct(dimension, (value,)),
            slices=max(len(told), 1),
            alpha=alpha,
        )
        for value in told
    }


def _compared(
    name: str, old: Histogram, new: Histogram, distinct: int | None, comparisons: int, alpha: float
) -> list[Finding]:
    if old.bins != new.bins:
        raise ValueError(f"{name} was counted over other bins")
    if not old.rows or not new.rows:
        return [Finding(name, "unknown", drifted=False, because=f"{name} has no rows to compare")]
    found = [_missing(name, old, new, distinct, comparisons, alpha)]
    if min(old.n, new.n) < FEW:
        because = f"{name} has {new.n} live and {old.n} reference values; nothing is said below {FEW}"
        return [*found, Finding(name, "unknown", drifted=False, because=because)]
    live = new.n if distinct is None else max(min(new.n, distinct), 1)
    if isinstance(old.bins, Grid):
        floor = drift.ks_floor(live, old.n, features=comparisons, alpha=alpha)
        found.append(_finding(name, "ks", ks(old, new), floor, EFFECT_KS))
        found += _moved(name, old, new, live, comparisons, alpha)
    before, now = _grouped(old, new, max(min(BINS, live // FEW), 1), live)
    if before.size > 1:
        floor = drift.psi_floor(live, old.n, before.size, features=comparisons, alpha=alpha)
        # an empty bin counts as half a value: as a ten-thousandth it would cry wolf over a hundred rows
        distance = drift.psi(before, now, least=max(drift.TINY, 0.5 / live))
        found.append(_finding(name, "psi", distance, floor, EFFECT_PSI))
    return found


def _missing(
    name: str, old: Histogram, new: Histogram, distinct: int | None, comparisons: int, alpha: float
) -> Finding:
    before, now = old.missing / old.rows, new.missing / new.rows
    noise = drift.ks_floor(new.rows, old.rows, distinct=distinct, features=comparisons, alpha=alpha)
    floor, distance = max(EFFECT_MISSING, noise), abs(now - before)
    because = f"{name} is missing in {now:.1%} of live rows, in {before:.1%} of the reference (floor {floor:.1%})"
    return Finding(name, "missing", drifted=distance >= floor, because=because, distance=distance, floor=floor)


def _moved(name: str, old: Histogram, new: Histogram, live: int, comparisons: int, alpha: float) -> list[Finding]:
    """Wasserstein in the reference's standard deviations; nothing where the reference holds one value only."""
    sigma, noise = wasserstein_noise(old, live, clip=CLIP, features=comparisons, alpha=alpha)
    if not sigma > 0 or not math.isfinite(sigma):
        return []
    return [_finding(name, "wasserstein", wasserstein(old, new, clip=CLIP) / sigma, noise / sigma, EFFECT_WASSERSTEIN)]


def _finding(name: str, kind: Kind, distance: float, noise: float, effect: float) -> Finding:
    return drift.finding(name, kind, _WORDS[kind], distance, noise, effect)


def _grid(histogram: Histogram) -> Grid:
    if not isinstance(histogram.bins, Grid):
        raise TypeError("categories have no distance between them")
    return histogram.bins


def _shares(*histograms: Histogram) -> list[NDArray[np.float64]]:
    """The distributions at the end of each bin. Divided last: they end at exactly 1, however far out the places are."""
    if any(not each.n for each in histograms):
        raise ValueError("a distribution needs values")
    return [np.cumsum(each.counts) / each.n for each in histograms]


def _clipped(places: NDArray[np.float64], reference: Histogram, clip: float) -> NDArray[np.float64]:
    if not clip:
        return places
    (share,) = _shares(reference)
    low, high = (int(np.searchsorted(share, each)) for each in (clip, 1 - clip))
    return np.clip(places, places[low], places[high])


def _grouped(
    old: Histogram, new: Histogram, groups: int, live: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both counted over few groups: the reference's quantiles, or its categories with the rare ones together."""
    if isinstance(old.bins, Categories):
        expected = old.counts * ((new.n if live is None else live) / max(old.n, 1))
        alone = expected >= EXPECTED
        alone[-1] = False  # what has no name of its own
        before, now = (np.append(each.counts[alone], float(each.counts[~alone].sum())) for each in (old, new))
        return before, now
    ends = [np.concatenate(([0.0], np.cumsum(each.counts))) for each in (old, new)]
    wanted = np.arange(1, groups) * old.n / groups
    at = np.searchsorted(ends[0][1:], wanted, "left")
    # a quantile cuts through its bin; one value that fills a bin alone belongs to the group above, as it does with
    # values (`drift.histogram`)
    held = np.maximum(old.counts[at], 1)
    inside = np.where(held <= _THIN * old.n / BODY, (wanted - ends[0][at]) / held, 0.0)
    cuts = np.unique(at + inside)
    whole, part = np.floor(cuts).astype(int), cuts % 1
    before, now = (
        np.diff(np.concatenate(([0.0], each[whole] + part * np.diff(each)[whole], each[-1:]))) for each in ends
    )
    used = (before > 0) | (now > 0)
    return before[used], now[used]
