"""Prometheus's answers as columns: thousands of series taken apart without an object for each sample."""

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
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
    parts = [answer if isinstance(answer, Batch) else _columns(asked, answer) for asked, answer in answers]
    if len(parts) == 1:
        return parts[0]
    first = np.cumsum([0, *(len(each.names) for each in parts)])
    series = [each.series + start for each, start in zip(parts, first[:-1], strict=True)]
    nothing = np.zeros(0, dtype=np.int64)
    return Batch(
        [labels for each in parts for labels in each.names],
        np.concatenate([nothing, *series]),
        np.concatenate([nothing, *(each.at for each in parts)]),
        np.concatenate([np.zeros(0), *(each.value for each in parts)]),
    )


def _columns(asked: Sequence[Expression], answer: Any) -> Batch:
    try:
        labels = [series["metric"] for series in answer]
        names = [_whose(each, asked) for each in labels] if asked else labels
        pairs = [series["values"] if "values" in series else (series["value"],) for series in answer]
        counts = np.fromiter(map(len, pairs), np.int64, len(pairs))
    except (TypeError, ValueError, KeyError, IndexError):
        raise Unavailable(WHAT, "answered something that is no list of series") from None
    try:
        flat = list(chain.from_iterable(pairs))
        at = np.fromiter(map(itemgetter(0), flat), np.float64, len(flat))
        value = np.fromiter(map(float, map(itemgetter(1), flat)), np.float64, len(flat))
    except (TypeError, ValueError, KeyError, IndexError):
        raise Unavailable(WHAT, "answered a sample that cannot be read") from None
    if not set(map(type, names)) <= {dict}:
        raise Unavailable(WHAT, "answered something that is no list of series")
    series_of = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return Batch(names, series_of, np.round(at * 1000).astype(np.int64), value)


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
