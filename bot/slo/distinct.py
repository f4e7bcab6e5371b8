"""How many different rows there were, in a thousand numbers a group: resampled traffic says less than it has rows.

The k smallest hashes of a group tell how many different ones there are: where the k-th lies at the share s of all
possible hashes, about (k − 1) / s (Bar-Yossef, Jayram, Kumar, Sivakumar and Trevisan, "Counting distinct elements in a
data stream", 2002). Below k the count is exact. The error is about 1/√k, and two sketches merge into that of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bot.slo.bins import Codes

KEPT = 1_024  # 3 % off at most times; a noise floor moves by half of that
_LINE = 1 << 16  # rows that may wait before they are sorted in
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # SplitMix64's
_GOLDEN = 0x9E3779B97F4A7C15
_HALF = np.uint64(32)

Hashes = NDArray[np.uint64]


@dataclass
class Distinct:
    """The smallest hashes of each group, and what waits to be sorted in."""

    groups: int
    held: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    owners: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _waiting: list[tuple[NDArray[np.int64], Hashes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bars = np.full(self.groups, np.iinfo(np.uint64).max, np.uint64)

    def add(self, owners: NDArray[np.int64], hashes: Hashes) -> None:
        """Rows as hashes, and the group of each."""
        wanted = hashes < self._bars[owners]
        if wanted.any():
            self._waiting.append((owners[wanted], hashes[wanted]))
        if sum(owners.size for owners, _ in self._waiting) > _LINE:
            self._sort_in()

    def merge(self, other: Distinct) -> Distinct:
        """The sketch of both."""
        self._sort_in()
        other._sort_in()
        both = Distinct(self.groups)
        both._waiting = [(self.owners, self.held), (other.owners, other.held)]
        both._sort_in()
        return both

    def count(self, groups: Iterable[int] | None = None) -> int:
        """Different rows in those groups together; in all, where none are named."""
        self._sort_in()
        mine = self.held if groups is None else self.held[np.isin(self.owners, list(groups))]
        smallest = np.unique(mine)
        if smallest.size < KEPT:
            return int(smallest.size)
        return int((KEPT - 1) / (float(smallest[KEPT - 1]) / 2.0**64))

    def _sort_in(self) -> None:
        if not self._waiting:
            return
        owners = np.concatenate((self.owners, *(each for each, _ in self._waiting)))
        hashes = np.concatenate((self.held, *(each for _, each in self._waiting)))
        self._waiting.clear()
        order = np.lexsort((hashes, owners))
        owners, hashes = owners[order], hashes[order]
        fresh = np.ones(owners.size, dtype=bool)
        fresh[1:] = (owners[1:] != owners[:-1]) | (hashes[1:] != hashes[:-1])
        owners, hashes = owners[fresh], hashes[fresh]
        place = np.arange(owners.size) - np.searchsorted(owners, owners)
        keep = place < KEPT
        last = place == KEPT - 1
        self._bars[owners[last]] = hashes[last]
        self.owners, self.held = owners[keep], hashes[keep]


def row_hashes(columns: Iterable[NDArray[np.float64] | Codes]) -> Hashes:
    """One hash for each row of columns of equal length; at least one column."""
    total: Hashes | None = None
    for number, column in enumerate(columns):
        factor = np.uint64(_mixed((number + 1) * _GOLDEN) | 1)
        bits = np.ascontiguousarray(column, np.float64).view(np.uint64)
        # small whole numbers have only zeros in the lower half of their bits: fold before multiplying
        part = (bits >> _HALF) ^ bits
        part *= factor
        total = part if total is None else np.add(total, part, out=total)
    if total is None:
        raise ValueError("rows without columns cannot be told apart")
    for shift, mixer in _MIX:
        total ^= total >> np.uint64(shift)
        total *= np.uint64(mixer)
    total ^= total >> np.uint64(31)
    return total


def _mixed(number: int) -> int:
    """A factor that has nothing to do with the next one: multiples of each other would let sums of columns collide."""
    for shift, factor in _MIX:
        number = (number ^ (number % (1 << 64) >> shift)) * factor % (1 << 64)
    return number ^ (number >> 31)
