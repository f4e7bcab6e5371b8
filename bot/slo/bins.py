"""Where a feature's values are counted: bins fitted once on a reference, the same for every table compared with it.

Numbers fall into some four thousand bins: the reference's quantiles where most values lie, and logarithmic bins far out
on both sides, so that a heavy tail or a slipped unit keeps its size. A value finds its bin without a search: the first
twenty bits of its distance from the centre, read as a 32-bit float, number a cell (2,048 to each doubling of the
distance), and a table tells every cell's bin. High dynamic range histograms and DDSketch number cells alike (Masson,
Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch", VLDB 2019); the quantiles on top keep KS sharp.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

BODY = 2_048  # quantile bins
TAIL = 32  # bins to each doubling of the distance, beyond the outermost quantiles
FAR, NEAR = 40, -20  # tails reach from 2^-20 to 2^40 times the spread; what lies beyond shares one bin
CATEGORIES = 1_000  # a feature's commonest values; all others are counted together

_SHIFT = 12  # bits of a 32-bit float that do not number a cell
_OCTAVE = 1 << (23 - _SHIFT)  # cells to each doubling: 23 bits of fraction
_ZERO = 1 << (31 - _SHIFT)  # the cell of 0: ranks below it are negative distances
_INFINITE = 0xFF << (23 - _SHIFT)  # exponent of all ones: infinity, and above it what is no number
_LARGEST = 1e300  # places lie no further out, so that distances between them stay finite
_EXPONENT = 1_000  # scales are powers of two, so that scaling never rounds

Numbers = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Grid:
    """Bins for numbers, 0 to size − 1; `size` itself stands for NaN, a missing value.

    Infinities fall into the outermost bins. `cuts` are the cells (in the order of the values) where a new bin starts;
    `places` is where each bin's values lie on average in the sample the grid was fitted on, the middle of a bin that
    was empty there.
    """

    centre: float
    scale: float
    cuts: tuple[int, ...]
    places: tuple[float, ...]

    @classmethod
    def fit(cls, sample: Numbers) -> Grid:
        """Bins for values like those of the sample; without any finite value, only the logarithmic ones."""
        values = np.sort(sample[np.isfinite(sample)].astype(float))
        centre = float(values[values.size // 2]) if values.size else 0.0
        scale = 2.0 ** -max(-_EXPONENT, min(_EXPONENT, round(math.log2(_spread(values) or abs(centre) or 1.0))))
        ranks = _ranks(_cells(values, centre, scale))
        cuts = _cuts(ranks)
        with np.errstate(over="ignore"):
            edges = np.clip(centre + _distance(cuts) / scale, -_LARGEST, _LARGEST)
        held = np.searchsorted(cuts, ranks, "right")
        seen = np.bincount(held, minlength=cuts.size + 1)
        sums = np.bincount(held, weights=np.clip(values, -_LARGEST, _LARGEST), minlength=cuts.size + 1)
        middles = np.concatenate((edges[:1], (edges[1:] + edges[:-1]) / 2, edges[-1:]))
        places = np.clip(np.where(seen > 0, sums / np.maximum(seen, 1), middles), -_LARGEST, _LARGEST)
        return cls(centre, scale, tuple(cuts.tolist()), tuple(places.tolist()))

    @property
    def size(self) -> int:
        return len(self.cuts) + 1

    @cached_property
    def axis(self) -> Numbers:
        """`places` as an array, never falling."""
        return np.maximum.accumulate(np.asarray(self.places))

    @cached_property
    def _table(self) -> NDArray[np.uint16]:
        """The bin of every cell, as the bits number them: negative ones count away from zero."""
        steps = np.diff(np.array((0, *self.cuts, 2 * _ZERO)))
        by_rank = np.repeat(np.arange(self.size, dtype=np.uint16), steps)
        table = np.concatenate((by_rank[_ZERO:], by_rank[:_ZERO][::-1]))
        for sign in (0, _ZERO):
            table[sign + _INFINITE + 1 : sign + _ZERO] = self.size
        return table

    def __reduce__(self) -> tuple[type[Grid], tuple[Any, ...]]:
        """The table of two megabytes does not travel."""
        return Grid, (self.centre, self.scale, self.cuts, self.places)

    def index(self, values: Numbers) -> NDArray[np.uint16]:
        """The bin of each value, `size` for NaN. About 2 ns a value: subtract, scale, shift, look up."""
        found: NDArray[np.uint16] = np.take(self._table, _cells(values, self.centre, self.scale), mode="clip")
        return found

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"centre": self.centre, "scale": self.scale, "cuts": list(self.cuts), "places": list(self.places)}


@dataclass(frozen=True)
class Categories:
    """Bins for everything that is no number: one for each name, one for any other value."""

    names: tuple[str, ...]

    @classmethod
    def fit(cls, counted: Mapping[str, int]) -> Categories:
        """The commonest values of the reference, most common first."""
        order = sorted(counted, key=lambda name: (-counted[name], name))
        return cls(tuple(order[:CATEGORIES]))

    @property
    def size(self) -> int:
        return len(self.names) + 1

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.names)}

    def index(self, values: Iterable[Any]) -> NDArray[np.int64]:
        """The bin of each value by its text; None and NaN are missing."""
        other = len(self.names)
        codes = [other + 1 if is_missing(each) else self._codes.get(str(each), other) for each in values]
        return np.array(codes, dtype=np.int64)

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"names": list(self.names)}


def fit(values: Sequence[Any] | NDArray[Any]) -> Grid | Categories:
    """Bins that suit a column of the reference: a grid where every present value is a number."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        return Grid.fit(values.astype(float))
    present = [each for each in values if not is_missing(each)]
    if all(is_number(each) for each in present):
        return Grid.fit(np.array(present, dtype=float))
    return Categories.fit(Counter(map(str, present)))


def numbers(values: Sequence[Any] | NDArray[Any]) -> Numbers:
    """A column of numbers as an array, NaN where one is missing."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        return values.astype(np.float64, copy=False)
    return np.array([math.nan if is_missing(each) else float(each) for each in values], dtype=np.float64)


def restored(plain: Mapping[str, Any]) -> Grid | Categories:
    """The bins of which `plain()` was made. Raises KeyError, TypeError or ValueError where it was not."""
    if "names" in plain:
        return Categories(tuple(map(str, plain["names"])))
    cuts, places = tuple(map(int, plain["cuts"])), tuple(map(float, plain["places"]))
    if len(places) != len(cuts) + 1 or any(low >= high for low, high in pairwise(cuts)):
        raise ValueError("cuts rise, and there is one place more than there are cuts")
    return Grid(float(plain["centre"]), float(plain["scale"]), cuts, places)


def is_missing(value: Any) -> bool:
    """None, or what does not equal itself: NaN, NaT."""
    return value is None or value != value  # noqa: PLR0124


def is_number(value: Any) -> bool:
    """A number one can order; True and False are categories."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _spread(values: Numbers) -> float:
    """The width of the middle half, or of all values where the middle half is one value."""
    if not values.size:
        return 0.0
    middle = float(values[(3 * values.size) // 4] - values[values.size // 4])
    spread = middle or float(values[-1] - values[0])
    return spread if math.isfinite(spread) else float(np.abs(values).max())


def _cells(values: Numbers, centre: float, scale: float) -> NDArray[np.uint32]:
    """The first bits of the scaled distance from the centre; computed in 64 bits, whatever the type of the values."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        distance = np.subtract(values, centre, dtype=np.float64)
        near = np.multiply(distance, scale, out=distance).astype(np.float32)
    bits = near.view(np.uint32)
    cells: NDArray[np.uint32] = np.right_shift(bits, _SHIFT, out=bits)
    return cells


def _ranks(cells: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Cells in the order of the values."""
    plain = cells.astype(np.int64)
    return np.where(plain < _ZERO, plain + _ZERO, 2 * _ZERO - 1 - plain)


def _distance(ranks: NDArray[np.int64]) -> Numbers:
    """The scaled distance at which cells of those ranks begin."""
    bits = (np.abs(ranks - _ZERO) << _SHIFT).astype(np.uint32)
    return np.sign(ranks - _ZERO) * bits.view(np.float32).astype(np.float64)


def _cuts(ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where bins start: at quantiles of the sorted ranks, after a value that fills a bin alone, and along the tails."""
    few = ranks.size < BODY
    picked = ranks if few else ranks[np.arange(1, BODY) * ranks.size // BODY]
    body, times = np.unique(picked, return_counts=True)
    low, high = (body[0], body[-1]) if body.size else (_ZERO, _ZERO)
    near, far = ((127 + doublings) * _OCTAVE for doublings in (NEAR, FAR))
    above = np.arange(max(high, _ZERO + near), _ZERO + far + 1, _OCTAVE // TAIL)
    below = np.arange(min(low, _ZERO - near), _ZERO - far - 1, -_OCTAVE // TAIL)
    return np.unique(np.concatenate((body, body[times > 1] + 1, above, below)))
