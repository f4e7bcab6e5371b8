"""Whether a model's inputs still look like those it was trained on, told apart from the noise of small samples.

A test that only asks for significance cries wolf: with nine features and resampled live traffic, a plain 5 % floor
flags most clean windows. So a feature has drifted only where its distance passes both a noise floor that knows how many
features are looked at, and a size that matters.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

EFFECT_KS = 0.15
EFFECT_PSI = 0.1
EFFECT_MISSING = 0.05
EFFECT_WASSERSTEIN = 0.3  # standard deviations; a shift of 0.3 σ is a PSI of 0.1 and a KS distance of 0.12
ALPHA = 0.01  # per comparison of whole tables; responders look again and again
BINS = 10
FEW = 20  # below so many values on either side nothing is said
TINY = 1e-4  # stands for an empty bin: PSI takes logarithms

Kind = Literal["ks", "psi", "wasserstein", "missing", "absent", "unknown"]
Column = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One feature compared. `distance` drifted where it reaches `floor`; both are of the kind that is named.

    KS and a difference of shares lie between 0 and 1; Wasserstein is in standard deviations of the reference.
    """

    feature: str
    kind: Kind
    drifted: bool
    because: str
    distance: float = 0.0
    floor: float = 0.0


def ks(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    """The largest distance between the two empirical distributions (two-sample Kolmogorov-Smirnov); 0 to 1."""
    if not reference.size or not current.size:
        raise ValueError("a distribution needs values")
    left, right = np.sort(reference), np.sort(current)
    edges = np.concatenate((left, right))
    gaps = np.searchsorted(left, edges, "right") / left.size - np.searchsorted(right, edges, "right") / right.size
    return float(np.abs(gaps).max())


def psi(
    reference: Sequence[int] | NDArray[Any], current: Sequence[int] | NDArray[Any], *, least: float = TINY
) -> float:
    """The population stability index of two histograms over the same bins: Σ (q − p) · ln(q / p).

    A bin that holds less than the share `least`, such as none, counts as if it held that.
    """
    left, right = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    if left.shape != right.shape or not left.sum() or not right.sum():
        raise ValueError("two histograms over the same bins, neither empty")
    p, q = (np.maximum(each / each.sum(), least) for each in (left, right))
    return float(((q - p) * np.log(q / p)).sum())


def wasserstein(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    """How far values moved on average, in their own unit: ∫ |F − G|, the area between the two distributions.

    The first Wasserstein distance (earth mover's). Infinite values have no distance: they are left out.
    """
    left, right = (np.sort(each[np.isfinite(each)]) for each in (reference, current))
    if not left.size or not right.size:
        raise ValueError("a distribution needs values")
    edges = np.sort(np.concatenate((left, right)))
    shares = [np.searchsorted(each, edges[:-1], "right") / each.size for each in (left, right)]
    return float((np.abs(shares[0] - shares[1]) * np.diff(edges)).sum())


def ks_floor(n: int, m: int, *, distinct: int | None = None, features: int = 1, alpha: float = ALPHA) -> float:
    """The KS distance that noise alone passes with probability alpha in any of `features`.

    sqrt(ln(2F/α)/2 · (1/min(n, distinct) + 1/m)), from the Dvoretzky-Kiefer-Wolfowitz inequality with Massart's
    constant. `n` live and `m` reference rows; live rows that repeat one another count for no more
    than their `distinct` number.
    """
    effective = min(n, distinct) if distinct is not None else n
    if effective <= 0 or m <= 0:
        raise ValueError("a floor needs rows on both sides")
    return math.sqrt(math.log(2 * features / alpha) / 2 * (1 / effective + 1 / m))


def psi_floor(n: int, m: int, bins: int, *, features: int = 1, alpha: float = ALPHA) -> float:
    """The PSI that noise alone passes with probability alpha: without drift PSI ≈ (1/n + 1/m) · χ².

    χ² has bins − 1 degrees of freedom (Yurdakul and Naranjo, "Statistical properties of the population stability
    index", 2020); its quantile is Wilson and Hilferty's.
    """
    if n <= 0 or m <= 0:
        raise ValueError("a floor needs rows on both sides")
    degrees = max(bins - 1, 1)
    z = NormalDist().inv_cdf(1 - alpha / features)
    spread = 2 / (9 * degrees)
    return (1 / n + 1 / m) * degrees * (1 - spread + z * math.sqrt(spread)) ** 3


def wasserstein_floor(
    n: int, m: int, *, area: float, sigma: float, span: float, features: int = 1, alpha: float = ALPHA
) -> float:
    """The Wasserstein distance that noise alone passes with probability alpha in any of `features`, in their unit.

    The distance is the largest difference of means over all functions that rise by at most 1 a unit (Kantorovich and
    Rubinstein), so it keeps close to its mean as such maxima do (Bousquet, "A Bennett concentration inequality and its
    application to suprema of empirical processes", 2002): with r = 1/n + 1/m, L = ln(F/α) and b = span / min(n, m)

        √r · area + √(2 L (σ² r + 2 b √r · area)) + b L / 3

    where `area` = ∫ √(F(1 − F)) of the reference bounds the mean (Jensen), `sigma` is its standard deviation and `span`
    how far apart its values may lie at most. It holds for values that are drawn independently.
    """
    if n <= 0 or m <= 0:
        raise ValueError("a floor needs rows on both sides")
    share, step, logarithm = 1 / n + 1 / m, span / min(n, m), math.log(features / alpha)
    mean = math.sqrt(share) * area
    return mean + math.sqrt(2 * logarithm * (sigma**2 * share + 2 * step * mean)) + step * logarithm / 3


def compare(reference: Mapping[str, Column], current: Mapping[str, Column], *, alpha: float = ALPHA) -> list[Finding]:
    """Compare the columns of two tables (equally long within each table), the drifted and most distant features first.

    Numbers are compared by KS, everything else by PSI over categories. None and NaN are missing: their rate is compared
    by itself, so that a column going empty cannot pass for one that has not drifted.
    """
    names = sorted(reference.keys() | current.keys())
    distinct = _distinct_rows([current[name] for name in sorted(current)])
    findings: list[Finding] = []
    for name in names:
        if (gone := absent(name, reference, current)) is not None:
            findings.append(gone)
            continue
        old, new = list(reference[name]), list(current[name])
        findings.append(_missing(name, old, new, len(names), alpha))
        findings.append(_values(name, _present(old), _present(new), distinct, len(names), alpha))
    return sorted(findings, key=order)


def order(finding: Finding) -> tuple[bool, float, str, str]:
    """For sorting: the drifted first, then the most distant."""
    return not finding.drifted, -finding.distance, finding.feature, finding.kind


def finding(feature: str, kind: Kind, word: str, distance: float, noise: float, effect: float) -> Finding:
    """What a distance says: it drifted where it passes both what noise explains and the size that matters."""
    floor = max(noise, effect)
    reason = "what noise explains" if noise >= effect else "the size that matters"
    verb = "reaches" if distance >= floor else "stays below"
    because = f"{feature}: {word} {distance:.3f} {verb} {floor:.3f}, {reason}"
    return Finding(feature, kind, drifted=distance >= floor, because=because, distance=distance, floor=floor)


def absent(name: str, reference: Collection[str], current: Collection[str]) -> Finding | None:
    """The finding that a feature is on one side only; None where it is on both."""
    if name in reference and name in current:
        return None
    where = "the live data" if name not in current else "the reference"
    return Finding(name, "absent", drifted=True, because=f"{name} is missing from {where}", distance=1.0)


def _missing(name: str, old: list[Any], new: list[Any], features: int, alpha: float) -> Finding:
    if not old or not new:
        return Finding(name, "unknown", drifted=False, because=f"{name} has no rows to compare")
    before, now = (1 - len(_present(each)) / len(each) for each in (old, new))
    floor = max(EFFECT_MISSING, ks_floor(len(new), len(old), features=features, alpha=alpha))
    because = f"{name} is missing in {now:.1%} of live rows, in {before:.1%} of the reference (floor {floor:.1%})"
    distance = abs(now - before)
    return Finding(name, "missing", drifted=distance >= floor, because=because, distance=distance, floor=floor)


def _values(name: str, old: list[Any], new: list[Any], distinct: int, features: int, alpha: float) -> Finding:
    if min(len(old), len(new)) < FEW:
        because = f"{name} has {len(new)} live and {len(old)} reference values; nothing is said below {FEW}"
        return Finding(name, "unknown", drifted=False, because=because)
    if all(_is_number(value) for value in (*old, *new)):
        distance = ks(np.asarray(old, dtype=float), np.asarray(new, dtype=float))
        floor = ks_floor(len(new), len(old), distinct=distinct, features=features, alpha=alpha)
        return finding(name, "ks", "KS distance", distance, floor, EFFECT_KS)
    tallies = [Counter(str(value) for value in values) for values in (old, new)]
    categories = sorted(tallies[0].keys() | tallies[1].keys())
    counts = [[tally[each] for each in categories] for tally in tallies]
    distance = psi(*counts)
    floor = psi_floor(min(len(new), distinct), len(old), len(categories), features=features, alpha=alpha)
    return finding(name, "psi", "PSI", distance, floor, EFFECT_PSI)


def histogram(reference: Column, current: Column, bins: int = BINS) -> tuple[list[int], list[int]]:
    """Both columns of numbers counted over the reference's quantile bins; outer bins are open."""
    old, new = np.asarray(_present(list(reference)), dtype=float), np.asarray(_present(list(current)), dtype=float)
    if not old.size:
        raise ValueError("bins come from the reference, which is empty")
    edges = np.unique(np.quantile(old, np.linspace(0, 1, bins + 1)[1:-1]))
    size = edges.size + 1
    before, now = (np.bincount(np.searchsorted(edges, each, "right"), minlength=size).tolist() for each in (old, new))
    return before, now


def _present(values: list[Any]) -> list[Any]:
    return [each for each in values if each is not None and each == each]  # noqa: PLR0124 - NaN is not itself


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _distinct_rows(columns: list[Column]) -> int:
    """How many different rows there are; a NaN or None is one value like any other."""
    rows = {tuple(str(value) for value in row) for row in zip(*columns, strict=True)}
    return max(len(rows), 1)
