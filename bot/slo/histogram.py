"""Counts of a feature's values that can be added up: over chunks, hours, replicas and machines, in any order.

A `Histogram` is one feature's; a `Tally` counts many features in one pass over the rows, for all traffic and for every
slice at once. Both hold whole numbers only, so a merge is the same however it is bracketed or ordered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.slo.bins import Categories, Codes, Grid, fit, numbers, restored
from bot.slo.distinct import Distinct, row_hashes

BLOCK = 1 << 16  # rows counted at a time: what is at work stays in the processor's cache
_ALL = ""  # the dimension of no dimension
_FULL = 1 << 31  # rows after which 32-bit counters are emptied

Column = Sequence[Any] | NDArray[Any]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Histogram:
    """One feature counted: a value a bin, and the missing ones last."""

    bins: Grid | Categories
    tally: Counts

    @classmethod
    def empty(cls, bins: Grid | Categories) -> Histogram:
        return cls(bins, np.zeros(bins.size + 1, np.int64))

    @property
    def counts(self) -> Counts:
        """Present values by bin."""
        return self.tally[:-1]

    @property
    def n(self) -> int:
        """Present values."""
        return int(self.counts.sum())

    @property
    def missing(self) -> int:
        return int(self.tally[-1])

    @property
    def rows(self) -> int:
        return self.n + self.missing

    def fill(self, values: Column) -> Histogram:
        """With those values counted too."""
        grid = self.bins
        places = grid.index(numbers(values)) if isinstance(grid, Grid) else grid.index(values)
        return Histogram(self.bins, self.tally + np.bincount(places, minlength=self.bins.size + 1))

    def merge(self, other: Histogram) -> Histogram:
        """Both counted together. Raises ValueError where the bins differ."""
        if self.bins != other.bins:
            raise ValueError("counts over other bins cannot be added")
        return Histogram(self.bins, self.tally + other.tally)

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it: bins, and the counts that are not 0."""
        held = np.flatnonzero(self.tally)
        return {"bins": self.bins.plain(), "at": held.tolist(), "counts": self.tally[held].tolist()}

    @classmethod
    def restore(cls, plain: Mapping[str, Any]) -> Histogram:
        """What `plain()` was made of. Raises KeyError, TypeError, IndexError or ValueError where it was not."""
        made = cls.empty(restored(plain["bins"]))
        made.tally[list(plain["at"])] = plain["counts"]
        return made

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Histogram) and self.bins == other.bins and bool(np.array_equal(self.tally, other.tally))
        )

    def __hash__(self) -> int:
        return hash((self.bins.size, self.tally.tobytes()))


@dataclass(frozen=True)
class Layout:
    """What is counted: every feature's bins, and of every slice dimension the values told apart."""

    features: Mapping[str, Grid | Categories]
    slices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def fit(cls, reference: Mapping[str, Column], slices: Mapping[str, Iterable[str]] | None = None) -> Layout:
        """Bins that suit the reference's columns."""
        dimensions = {name: tuple(values) for name, values in (slices or {}).items()}
        return cls({name: fit(column) for name, column in reference.items()}, dimensions)


class Tally:
    """One pass over a table: every feature's histogram, in all and in every slice, and how many rows differ.

    Merging is associative and commutative; the values told apart are those of the layout, all others count together.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._groups = {name: len(values) + 1 for name, values in (layout.slices or {_ALL: ()}).items()}
        self._width = 1 + max((bins.size for bins in layout.features.values()), default=0)
        # at work are 32-bit counters: those of a feature in fifty slices still fit the processor's cache
        self._fresh = self._zeros(np.uint32)
        self._counts = self._zeros(np.int64)
        self._since = 0
        self._distinct = {dimension: Distinct(groups) for dimension, groups in self._groups.items()}
        self.rows = 0

    def add(self, columns: Mapping[str, NDArray[Any]], slices: Mapping[str, Codes] | None = None) -> None:
        """Count rows.

        Args:
            columns: for each feature its numbers (NaN where missing), or the codes that `Categories.index` gives.
            slices: for each dimension the place of every row's value in the layout, or beyond it for any other.
        """
        rows = len(next(iter(columns.values()), ()))
        for start in range(0, rows, BLOCK):
            stop = min(start + BLOCK, rows)
            block = {name: columns[name][start:stop] for name in self.layout.features}
            codes = {name: codes[start:stop].astype(np.int64) for name, codes in (slices or {}).items()}
            self._block(block, codes or {_ALL: np.zeros(stop - start, np.int64)})
            self._since += stop - start
            if self._since > _FULL:
                self._settle()
        self.rows += rows

    def _zeros(self, kind: type[np.integer[Any]]) -> dict[str, dict[str, NDArray[Any]]]:
        return {
            dimension: {name: np.zeros(groups * self._width, kind) for name in self.layout.features}
            for dimension, groups in self._groups.items()
        }

    def _settle(self) -> None:
        """Empty the 32-bit counters into the lasting ones."""
        if self._since:
            for dimension, features in self._fresh.items():
                for name, counters in features.items():
                    self._counts[dimension][name] += counters
                    counters[:] = 0
            self._since = 0

    def fill(self, table: Mapping[str, Column]) -> None:
        """Count the rows of a table whose columns hold the values themselves, features and dimensions alike."""
        columns = {
            name: numbers(table[name]) if isinstance(bins, Grid) else bins.index(table[name])
            for name, bins in self.layout.features.items()
        }
        self.add(columns, {name: Categories(told).index(table[name]) for name, told in self.layout.slices.items()})

    def merge(self, other: Tally) -> Tally:
        """Both counted together. Raises ValueError where the layouts differ."""
        if self.layout != other.layout:
            raise ValueError("counts over other bins or slices cannot be added")
        both = Tally(self.layout)
        self._settle()
        other._settle()
        for dimension, features in both._counts.items():
            for name in features:
                features[name] = self._counts[dimension][name] + other._counts[dimension][name]
            both._distinct[dimension] = self._distinct[dimension].merge(other._distinct[dimension])
        both.rows = self.rows + other.rows
        return both

    def histograms(self, dimension: str = _ALL, values: Iterable[str] | None = None) -> dict[str, Histogram]:
        """Every feature's histogram, of all rows or of those whose `dimension` has one of the values."""
        where, groups = self._found(dimension, values)
        return {name: Histogram(bins, self._sum(where, name, groups)) for name, bins in self.layout.features.items()}

    def distinct(self, dimension: str = _ALL, values: Iterable[str] | None = None) -> int:
        """How many different rows those are; above a thousand within a few percent."""
        where, groups = self._found(dimension, values)
        return self._distinct[where].count(groups)

    def _found(self, dimension: str, values: Iterable[str] | None) -> tuple[str, list[int] | None]:
        """(the dimension to add up, the groups of it). Raises KeyError for a dimension that was not told apart."""
        if values is None or dimension == _ALL:
            return next(iter(self._groups)), None
        told = self.layout.slices[dimension]
        return dimension, [told.index(value) for value in values if value in told]

    def _sum(self, dimension: str, name: str, groups: list[int] | None) -> Counts:
        self._settle()
        table = self._counts[dimension][name].reshape(-1, self._width)
        whole: Counts = (table if groups is None else table[groups]).sum(axis=0)
        return whole[: self.layout.features[name].size + 1].copy()

    def _block(self, columns: Mapping[str, NDArray[Any]], slices: Mapping[str, NDArray[np.int64]]) -> None:
        codes = {name: np.minimum(slices[name], groups - 1) for name, groups in self._groups.items()}
        bases = {name: owners * self._width for name, owners in codes.items()}
        one = np.uint32(1)
        for name, bins in self.layout.features.items():
            places = bins.index(columns[name]) if isinstance(bins, Grid) else columns[name]
            for dimension, base in bases.items():
                np.add.at(self._fresh[dimension][name], base + places, one)
        if columns:
            hashes = row_hashes(columns.values())
            for dimension, owners in codes.items():
                self._distinct[dimension].add(owners, hashes)
