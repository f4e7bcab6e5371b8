"""What each version was made from and how it looked when it was made: the record that tells a bad release apart."""

import numpy as np
from numpy.typing import NDArray

from bot.demo.data import FEATURES, HEALTHS, People

_BINS = 12
_REFERENCE_ROWS = 1_000


def rates(people: People) -> dict[str, float]:
    """Share of positive labels per slice and over all."""
    return {health: round(float(people.labels[people.among(health)].mean()), 4) for health in ("all", *HEALTHS)}


def scores(people: People, predicted: NDArray[np.int64]) -> dict[str, dict[str, float | int | None]]:
    """Recall, precision, accuracy and rows per slice and over all; null where the denominator is empty."""
    told: dict[str, dict[str, float | int | None]] = {}
    for health in ("all", *HEALTHS):
        among = people.among(health)
        truth, said = people.labels[among], predicted[among]
        told[health] = {
            "rows": len(truth),
            "recall": _share(said[truth == 1] == 1),
            "precision": _share(truth[said == 1] == 1),
            "accuracy": _share(said == truth),
        }
    return told


def histograms(people: People) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Per slice and feature: `edges` (k + 1) at quantiles of the whole training set, and `counts` (k) in the slice."""
    told: dict[str, dict[str, dict[str, list[float]]]] = {}
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, _BINS + 1))) for column in people.features.T]
    for health in HEALTHS:
        rows = people.features[people.among(health)]
        told[health] = {}
        for name, column, edge in zip(FEATURES, rows.T, edges, strict=True):
            span = edge if len(edge) > 1 else np.array([edge[0], edge[0] + 1])
            counts, _ = np.histogram(column, span)
            told[health][name] = {"edges": span.tolist(), "counts": counts.tolist()}
    return told


def reference_rows(people: People) -> dict[str, list[list[float]]]:
    """Up to 1,000 training rows per slice in the order of FEATURES, the same ones each time."""
    dice = np.random.default_rng(0)
    told: dict[str, list[list[float]]] = {}
    for health in HEALTHS:
        rows = np.flatnonzero(people.among(health))
        told[health] = people.features[np.sort(dice.permutation(rows)[:_REFERENCE_ROWS])].tolist()
    return told


def _share(hits: NDArray[np.bool_]) -> float | None:
    return round(float(hits.mean()), 4) if len(hits) else None
