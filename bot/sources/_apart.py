"""Prometheus's answer to a range selector taken apart where it lies: its numbers into columns, its labels decoded once.

The same thousands of series come with each poll. Decoded, they are a hundred thousand objects each time, and while
those are made nobody else in this process gets on.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic_core import from_json

from bot.slo.batch import Batch

MOST = 100_000  # labels remembered of series that are not in the newest answer

# What separates the parts of an answer cannot stand inside of a label: there a quote has a backslash before it.
HEAD, TAIL = b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{', b"]]}]}}"
NEXT, VALUES, SAMPLE = b']]},{"metric":{', b'},"values":[[', b"],["


class Apart:
    """Takes answers apart, remembering the labels it saw. Several threads may ask at once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Mapping[str, str]] = {}

    def take(self, body: bytes) -> Batch | None:
        """All samples of an answer, or None where it is not written as Prometheus writes a range selector's."""
        if not body.startswith(HEAD) or not body.endswith(TAIL):
            return None
        split = [series.partition(VALUES) for series in body[len(HEAD) : -len(TAIL)].split(NEXT)]
        try:
            names = [self._labels(labels) for labels, _, _ in split]
            written = b",".join([values for _, _, values in split]).translate(None, b'"[]').split(b",")
            numbers = np.fromiter(map(float, written), np.float64, len(written))
        except ValueError:  # also of what has no samples, or other ones: histograms
            return None
        counts = np.fromiter((values.count(SAMPLE) for _, _, values in split), np.int64, len(split)) + 1
        if len(numbers) != 2 * int(counts.sum()):
            return None
        if len(self._known) > MOST:
            self._known = dict(zip((labels for labels, _, _ in split), names, strict=True))
        series = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        return Batch(names, series, np.round(numbers[0::2] * 1000).astype(np.int64), numbers[1::2])

    def _labels(self, written: bytes) -> Mapping[str, str]:
        known = self._known.get(written)
        if known is None:
            known = self._known[written] = from_json(b"{" + written + b"}")
        return known
