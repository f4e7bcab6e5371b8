"""What can be found at all: how many labels a drop needs, and the smallest drop that so many labels show.

Shown to whoever sets up a slice, before they trust its silence. No method that keeps false alarms as rare finds a drop
much sooner than ln(run length) / KL labels (Lorden, "Procedures for reacting to a change in distribution", 1971).
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from bot.slo.burn import span
from bot.slo.interval import percent
from bot.slo.slices import family_threshold

STEPS = 60  # of halving: far below what anybody reads


def divergence(p: float, q: float) -> float:
    """The relative entropy of two failure rates, in nats per label: how fast p shows where q was expected."""
    good = (1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0
    return good + (p * math.log(p / q) if p > 0 else 0.0)


@dataclass(frozen=True, slots=True)
class Watch:
    """How slices are watched: looks, family, allowed false alarms, and what worse means.

    `times` is how much more traffic the rest has than the slice: its rate is known from data only. `tolerance` is how
    much worse than the rest a slice may be.
    """

    poll: timedelta
    slices: int = 1
    alarms_per_year: float = 1.0
    tolerance: float = 0.0
    times: float = math.inf

    @property
    def nats(self) -> float:
        """The evidence needed, per label's worth of divergence."""
        return family_threshold(self.poll, self.slices, self.alarms_per_year) * (1 + 1 / self.times)


def labels_needed(baseline: float, drop: float, watch: Watch) -> int | None:
    """About how many labels of a slice show that its failure rate went from `baseline` up by `drop`.

    None where no number does, because the drop is within the tolerance. Raises ValueError for rates outside 0 to 1.
    """
    if not (0 < baseline < 1 and 0 < drop <= 1 - baseline):
        raise ValueError(f"no failure rate goes from {baseline:g} up by {drop:g}")
    if drop <= watch.tolerance:
        return None
    return math.ceil(watch.nats / divergence(baseline + drop, baseline + watch.tolerance))


def smallest_drop(baseline: float, labels: float, watch: Watch) -> float | None:
    """The smallest rise of the failure rate that so many labels of a slice are about enough for; None without one."""
    if not 0 < baseline < 1:
        raise ValueError(f"no failure rate to start from: {baseline:g}")
    low, high = watch.tolerance, 1 - baseline
    if high <= low or labels * divergence(1.0, baseline + low) < watch.nats:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        enough = labels * divergence(baseline + middle, baseline + watch.tolerance) >= watch.nats
        low, high = (low, middle) if enough else (middle, high)
    return high


def explain(baseline: float, drop: float, rate: float, within: timedelta, watch: Watch) -> str:
    """One sentence for whoever sets a slice up; `rate` is its labels per second."""
    needed = labels_needed(baseline, drop, watch)
    smallest = smallest_drop(baseline, rate * within.total_seconds(), watch)
    labels, slices = ("label" if rate == 1 else "labels"), ("slice" if watch.slices == 1 else "slices")
    first = (
        f"At {rate:,.3g} {labels} per second and {watch.slices:,} {slices}, a failure rate going from "
        f"{percent(baseline)} to {percent(baseline + drop)} "
    )
    if needed is None:
        first += "is never found: it is within the tolerance"
    elif rate <= 0:
        first += "is never found without labels"
    else:
        first += f"is found after about {needed:,} labels ({span(timedelta(seconds=needed / rate))})"
    if smallest is None:
        return f"{first}; within {span(within)} nothing can be found."
    return f"{first}; within {span(within)} the smallest rise found is about {smallest * 100:.2g} points."
