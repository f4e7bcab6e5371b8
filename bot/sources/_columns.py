"""Prometheus's answers as columns: thousands of series taken apart without an object for each sample."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from bot.domain.errors import Unavailable
from bot.slo.batch import EXPRESSION, Batch
from bot.slo.measure import Expression
from bot.sources._asking import NUMBER

WHAT = "Prometheus"


def batch(answers: Sequence[tuple[Sequence[Expression], Any]]) -> Batch:
    """One batch of all answers; with each, the expressions it answers (none: it answers a selector).

    A series that two answers brought is there once: samples that repeat others change nothing, but for the time.
    Raises Unavailable where an answer is something else.
    """
    names: list[Mapping[str, str]] = []
    counts: list[int] = []
    pairs: list[Sequence[Sequence[Any]]] = []
    try:
        for asked, answer in answers:
            for series in answer:
                labels = series["metric"]
                held = series["values"] if "values" in series else (series["value"],)
                names.append(_whose(labels, asked) if asked else labels)
                counts.append(len(held))
                pairs.append(held)
    except (TypeError, ValueError, KeyError, IndexError):
        raise Unavailable(WHAT, "answered something that is no list of series") from None
    try:
        flat = list(chain.from_iterable(pairs))
        at = np.array([pair[0] for pair in flat], dtype=np.float64)
        value = np.array([float(pair[1]) for pair in flat], dtype=np.float64)
    except (TypeError, ValueError, KeyError, IndexError):
        raise Unavailable(WHAT, "answered a sample that cannot be read") from None
    if not all(isinstance(each, dict) for each in names):
        raise Unavailable(WHAT, "answered something that is no list of series")
    series_of = np.repeat(np.arange(len(counts)), np.array(counts, dtype=np.int64))
    return Batch(names, series_of.astype(np.int64), np.round(at * 1000).astype(np.int64), value)


def _whose(labels: Mapping[str, str], asked: Sequence[Expression]) -> Mapping[str, str]:
    expression = asked[int(labels[NUMBER])]
    kept = {name: value for name, value in labels.items() if name not in {NUMBER, "__name__"}}
    return {**kept, EXPRESSION: expression.text}


def moments(whole: Batch) -> list[tuple[int, Batch]]:
    """The batch by the time of its samples (milliseconds), oldest first."""
    order = np.argsort(whole.at, kind="stable")
    at = whole.at[order]
    cuts = np.flatnonzero(np.diff(at)) + 1
    return [(int(whole.at[rows[0]]), whole.only(rows)) for rows in np.split(order, cuts) if len(rows)]
