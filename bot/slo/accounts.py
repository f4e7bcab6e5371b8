"""Where each objective's events are booked, and what the ledger must know of it while it counts: all in columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bot.slo.counters import Role
from bot.slo.grid import MILLISECOND, Grid
from bot.slo.spec import Expression, Indicator, Measure, Query, Raw, Threshold

OPERATORS = ("lt", "lte", "gt", "gte")


@dataclass(slots=True, eq=False)
class Account:
    """One objective in the ledger."""

    number: int
    name: str
    measure: Measure | None  # None until an objective is seen again after a restart
    measures: str
    books: "Accounts"
    slice_by: str = ""

    @property
    def _measure(self) -> Measure:
        if self.measure is None:
            raise LookupError(f"no objective has said yet what {self.name} counts")
        return self.measure

    @property
    def queries(self) -> tuple[Query, ...]:
        return self._measure.queries

    @property
    def roles(self) -> tuple[Role, ...]:
        """What the samples of each query are."""
        if isinstance(self._measure, Threshold):
            return (Role.GAUGE,)
        if isinstance(self._measure, Raw):
            return (Role.SHARE,)
        part, total = self._measure.queries
        return (
            Role.PART_RATE if isinstance(part, Expression) else Role.PART,
            Role.TOTAL_RATE if isinstance(total, Expression) else Role.TOTAL,
        )

    @property
    def silent(self) -> str | None:
        """Why the last poll told nothing; None where it told something."""
        return self.books.because.get(self.number)

    @silent.setter
    def silent(self, because: str | None) -> None:
        self.books.troubled[self.number] = because is not None
        if because is None:
            self.books.because.pop(self.number, None)
        else:
            self.books.because[self.number] = because

    def names(self, role: Role) -> str:
        """A role's query in words."""
        if isinstance(self._measure, Indicator):
            counts = self._measure.counts
            return (
                f"{counts} {self._measure.part}"
                if role in (Role.PART, Role.PART_RATE)
                else f"total {self._measure.total}"
            )
        return str(self._measure.query)

    def lacks(self, *, total: bool, before: bool) -> str:
        """Why nothing is known where series are missing: all of them, or only the part's."""
        if not isinstance(self._measure, Indicator):
            return f"no series matches {self._measure.query}"
        if not total:
            return f"no series matches the total, {self._measure.total}"
        gone = "no series matches any more" if before else "no series matches"
        return f"{gone}: {self._measure.counts} {self._measure.part}, though the total is there"

    def contradiction(self, part: int, total: int) -> str:
        """The sentence about more of a part than there is in all."""
        if not isinstance(self._measure, Indicator):
            return f"sanity: {part} out of {total}"
        return (
            f"sanity: {part} {self._measure.counts} events out of {total} in all; "
            f"{self._measure.part} counts what {self._measure.total} does not"
        )


class Accounts:
    """Every account's settings and standing, by number."""

    def __init__(self, grid: Grid) -> None:
        self.grid, self.size = grid, 0
        self.generation = 0  # how often an account was opened or closed
        self.closed = 0  # how often one was closed: its number may mean another objective since
        self.by_name: dict[str, Account] = {}
        self.by_number: dict[int, Account] = {}
        self.because: dict[int, str] = {}
        self.mixed = False  # whether any account counts something else than counters
        self._free: list[int] = []
        self._room(0)

    def _room(self, room: int) -> None:
        def ints(fill: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
            return np.full(room, fill, dtype=np.int64)

        self.seen, self.silence, self.held_since = ints(-1), ints(0), ints(-1)
        self.operator = ints(0)
        self.held = np.zeros((2, room), dtype=np.int64)
        self.rest, self.limit = np.zeros((2, room)), np.zeros(room)
        flags = [np.zeros(room, dtype=bool) for _ in range(5)]
        self.counts_good, self.part_may_lack, self.births, self.troubled, self.ages = flags

    def known(self, name: str, measures: str) -> Account | None:
        """The account of that name, if it counts what `measures` says."""
        account = self.by_name.get(name)
        return account if account is not None and account.measures == measures else None

    def open(
        self, name: str, measure: Measure, measures: str, *, silence: timedelta, births: bool, slice_by: str = ""
    ) -> Account:
        """The account of that name; a new one where it counts something else than it did."""
        account = self.known(name, measures)
        if account is None:
            if name in self.by_name:
                self.close(self.by_name[name].number)
            account = Account(self._number(), name, measure, measures, self)
            self.generation += 1
            self.by_name[name] = self.by_number[account.number] = account
            self._set(account.number, measure)
        elif account.measure is None:
            account.measure = measure
            self._set(account.number, measure)
        account.slice_by = slice_by
        self.silence[account.number] = silence // MILLISECOND
        self.births[account.number] = births
        return account

    def close(self, number: int) -> None:
        """Forget an account and all it counted."""
        self.generation, self.closed = self.generation + 1, self.closed + 1
        account = self.by_number.pop(number)
        self.by_name.pop(account.name, None)
        self.grid.clear(number)
        self.because.pop(number, None)
        self.seen[number], self.held_since[number], self.held[:, number] = -1, -1, 0
        self.rest[:, number], self.troubled[number] = 0, False
        self._free.append(number)

    def resume(self, size: int, generation: int) -> None:
        """Make room for accounts that are known from before."""
        self._grow(size)
        self.size, self.generation = size, generation
        self.grid.grow(size)
        self._free = list(range(size))

    def reopen(self, account: Account, because: str) -> None:
        """Take up an account from before, of which nothing is known yet."""
        self._free.remove(account.number)
        self.by_name[account.name] = self.by_number[account.number] = account
        account.silent = because

    @property
    def sliced(self) -> dict[int, str]:
        """The label that each account is sliced by, of those that are."""
        return {number: each.slice_by for number, each in self.by_number.items() if each.slice_by}

    def __iter__(self) -> Iterator[Account]:
        return iter(self.by_name.values())

    def _number(self) -> int:
        if self._free:
            return self._free.pop()
        if self.size == len(self.seen):
            self._grow(max(8, 2 * self.size))
        self.size += 1
        self.grid.grow(self.size)
        return self.size - 1

    def _grow(self, room: int) -> None:
        kept = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        self._room(room)
        for name, value in kept.items():
            getattr(self, name)[..., : value.shape[-1]] = value

    def _set(self, number: int, measure: Measure) -> None:
        if isinstance(measure, Indicator):
            self.counts_good[number] = measure.counts == "good"
            self.part_may_lack[number] = measure.counts == "bad" and measure.missing_bad == "zero"
            self.mixed = self.mixed or any(isinstance(each, Expression) for each in measure.queries)
            return
        self.mixed = True
        self.part_may_lack[number] = True
        self.counts_good[number] = isinstance(measure, Threshold) or measure.counts == "good"
        if isinstance(measure, Threshold):
            self.operator[number], self.limit[number] = OPERATORS.index(measure.operator), measure.value
            self.ages[number] = measure.age
