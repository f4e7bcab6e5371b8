"""Objectives that count slices of time, or several things at once: derived from what their parts counted.

OpenSLO v1: with `timeslices` a slice is good where enough of its events were, and a composite's slice is bad where any
part's is. With `ratio_timeslices` a slice is good to the share its events were, and what the parts of a composite lack
adds up, each by its weight. A composite of occurrences is taken in slices of a minute, parts averaged by weight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bot.slo.accounts import Account, Accounts
from bot.slo.grid import MILLISECOND, Counts, Grid
from bot.slo.spec import Constituent, Slo

MINUTE = 60_000
PART = " › "


def parts_of(slo: Slo) -> tuple[Constituent, ...]:
    """What a derived objective is made of; nothing where its events are counted as they come."""
    if slo.parts:
        return slo.parts
    if slo.method.sliced:
        return (Constituent("", slo.indicator, good_from=slo.method.good_from),)
    return ()


@dataclass(slots=True, eq=False)
class Derived:
    """One derived objective: its own account, and those of its parts."""

    slo: Slo
    own: Account
    parts: tuple[tuple[Account, Constituent], ...]

    @property
    def length(self) -> int:
        """Of a slice, in milliseconds."""
        return self.slo.method.length // MILLISECOND if self.slo.method.sliced else MINUTE

    def close(self, books: Accounts, grid: Grid) -> tuple[int, int]:
        """Book every slice that all parts have seen the end of; what good and bad that added."""
        seen = min(int(books.seen[account.number]) for account, _ in self.parts)
        silent = next((account.silent for account, _ in self.parts if account.silent is not None), None)
        self.own.silent = silent if silent is not None or seen >= 0 else "it was never polled"
        newest, closed = seen // self.length * self.length, int(books.seen[self.own.number])
        if seen < 0 or newest <= closed:
            return 0, 0
        books.seen[self.own.number] = newest
        if closed < 0:
            return 0, 0  # of the first slice only a part was seen
        good = bad = 0
        for end in range(self._from(grid, closed), newest + 1, self.length):
            outcome = self._outcome([grid.counts(account.number, end, self.length) for account, _ in self.parts])
            if outcome is not None:
                self._book(grid, end, outcome)
                good, bad = good + outcome[0], bad + outcome[1]
        return good, bad

    def _book(self, grid: Grid, end: int, outcome: tuple[int, int, int]) -> None:
        columns = (np.array([value], dtype=np.int64) for value in (self.own.number, end, *outcome))
        grid.add(*columns)

    def _from(self, grid: Grid, closed: int) -> int:
        """The end of the first slice to look at; what lies before the ground nobody can tell."""
        ground = grid.ends[0] // self.length * self.length if grid.ends else 0
        return max(closed, ground) + self.length

    def _outcome(self, counts: Sequence[Counts]) -> tuple[int, int, int] | None:
        """A slice's good and bad, and for how much of it there was data; None where nothing is known of it."""
        covered = min(each.covered for each in counts) // MILLISECOND
        if covered <= 0:
            return None  # nobody watched: not empty, unknown
        if any(each.total == 0 for each in counts):
            return self._empty(covered)
        unit = self.slo.unit
        bad = round(self._badness(counts) * unit)
        return unit - bad, bad, covered

    def _empty(self, covered: int) -> tuple[int, int, int] | None:
        match self.slo.method.empty:
            case "good":
                return self.slo.unit, 0, covered
            case "bad":
                return 0, self.slo.unit, covered
            case _:
                return None

    def _badness(self, counts: Sequence[Counts]) -> float:
        """From 0, good, to 1."""
        shares = [(part, each.good / each.total) for (_, part), each in zip(self.parts, counts, strict=True)]
        if self.slo.method.kind == "timeslices":
            return float(any(share < (part.good_from or self.slo.method.good_from) - 1e-12 for part, share in shares))
        lacking = sum(part.weight * (1 - share) for part, share in shares)
        if self.slo.method.kind == "occurrences":
            lacking /= sum(part.weight for part, _ in shares)
        return min(lacking, 1.0)


def named(slo: Slo) -> Iterator[tuple[str, Constituent]]:
    """The names of its parts' accounts."""
    for place, part in enumerate(parts_of(slo)):
        yield f"{slo.name}{PART}{part.name or place}", part
