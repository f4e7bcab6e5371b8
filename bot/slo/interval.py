"""Shares of a count as people read them: with an interval, so that 2 of 3 does not pass for a fact.

For display only: an interval looked at again and again is left by chance sooner or later. Decisions rest on evidence.
"""

import math
from statistics import NormalDist


def wilson(k: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of k successes in n trials (Wilson, JASA 1927); (0, 1) without trials."""
    if n <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, extra = k / n, z * z / n
    middle = (share + extra / 2) / (1 + extra)
    half = z * math.sqrt(share * (1 - share) / n + extra / (4 * n)) / (1 + extra)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def ratio(k: float, n: float, other_k: float, other_n: float, confidence: float = 0.95) -> tuple[float, float, float]:
    """k/n over other_k/other_n with its interval on the log scale (Katz et al., Biometrics 1978).

    Where one of the counts is zero half an event is added to each for the interval. Raises ValueError without trials.
    """
    if n <= 0 or other_n <= 0 or other_k <= 0:
        raise ValueError("a ratio needs trials on both sides and successes on the other")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    half = 0.5 if k <= 0 else 0.0
    a, b = k + half, other_k + half
    middle = math.log((a / (n + half)) / (b / (other_n + half)))
    wide = z * math.sqrt(max(1 / a - 1 / (n + half) + 1 / b - 1 / (other_n + half), 0.0))
    return (k / n) / (other_k / other_n), math.exp(middle - wide), math.exp(middle + wide)


def percent(rate: float) -> str:
    """A measured share with one decimal, or two digits where it is small: 13.0 %, 0.12 %, 0 %."""
    points = rate * 100
    return f"{points:.1f} %" if points >= 1 else f"{points:.2g} %"
