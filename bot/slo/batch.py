"""One answer of a monitoring server with thousands of series, and which objectives each of its series counts for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.slo.accounts import Account
from bot.slo.counters import Lines, Role, Samples
from bot.slo.grid import Ints
from bot.slo.selector import Selector
from bot.slo.spec import Query

METRIC = "__name__"
EXPRESSION = "__expression__"
"""The label under which the answer to an expression carries its text."""

Names = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Raw samples in columns: `series` is each sample's row in `names` (labels, the metric's name among them).

    `at` is in milliseconds since 1970. All that the source has of the asked series is here: what is not, is not there;
    but with `patience` (milliseconds) only what is new is here, and a series seen within it is still there.
    """

    names: Names
    series: Ints
    at: Ints
    value: NDArray[np.float64]
    patience: int = 0

    def only(self, chosen: Ints) -> "Batch":
        """The chosen samples alone; the names stay, so that nobody must find them again."""
        return Batch(self.names, self.series[chosen], self.at[chosen], self.value[chosen], self.patience)


class Directory:
    """Finds the lines of each series, remembering what it found: a server's answers name the same series each time."""

    def __init__(self, accounts: Iterable[Account], lines: Lines) -> None:
        self._lines = lines
        self._by_expression: dict[str, list[tuple[Account, Role]]] = defaultdict(list)
        self._shelves: dict[str, _Shelf] = {}
        wanted: dict[str, list[tuple[Selector, Account, Role]]] = defaultdict(list)
        for account in accounts:
            for query, role in zip(account.queries, account.roles, strict=True):
                if isinstance(query, Selector):
                    wanted[query.metric].append((query, account, role))
                else:
                    self._by_expression[str(query)].append((account, role))
        self._shelves = {metric: _Shelf(wants) for metric, wants in wanted.items()}
        self._names: Names = ()
        self._known: dict[frozenset[tuple[str, str]], tuple[int, ...]] = {}
        self._starts = self._counts = self._flat = np.zeros(0, dtype=np.int64)

    def reads(self, lines: Lines) -> bool:
        """Whether it finds lines of this memory."""
        return self._lines is lines

    def samples(self, batch: Batch) -> Samples:
        """The samples of every line: one series may be several."""
        if batch.names != self._names:
            self._learn(batch.names)
        count = self._counts[batch.series]
        chosen = np.repeat(np.arange(len(batch.series)), count)
        offset = np.arange(len(chosen)) - np.repeat(np.cumsum(count) - count, count)
        line = self._flat[self._starts[batch.series[chosen]] + offset]
        return Samples(line, batch.at[chosen], batch.value[chosen])

    def _learn(self, names: Names) -> None:
        found = []
        for labels in names:
            key = frozenset(labels.items())
            lines = self._known.get(key)
            if lines is None:
                lines = self._known[key] = tuple(
                    self._lines.of(account.number, role, key, account.slice_by)
                    for account, role in self._counted_by(labels)
                )
            found.append(lines)
        self._names = names
        self._counts = np.array([len(each) for each in found], dtype=np.int64)
        self._starts = np.cumsum(self._counts) - self._counts
        self._flat = np.array([line for each in found for line in each], dtype=np.int64)

    def _counted_by(self, labels: Mapping[str, str]) -> list[tuple[Account, Role]]:
        if EXPRESSION in labels:
            return self._by_expression.get(labels[EXPRESSION], [])
        shelf = self._shelves.get(labels.get(METRIC, ""))
        return shelf.of(labels) if shelf is not None else []


class _Shelf:
    """The selectors of one metric, by the equality that tells most of them apart."""

    def __init__(self, wants: Sequence[tuple[Selector, Account, Role]]) -> None:
        values: dict[str, set[str]] = defaultdict(set)
        for selector, _, _ in wants:
            for matcher in selector.matchers:
                if matcher.operator == "=" and matcher.value:
                    values[matcher.label].add(matcher.value)
        self._pivot = max(values, key=lambda label: len(values[label]), default="")
        self._by_value: dict[str, list[tuple[Selector, Account, Role]]] = defaultdict(list)
        self._rest: list[tuple[Selector, Account, Role]] = []
        for want in wants:
            pivots = [m.value for m in want[0].matchers if m.label == self._pivot and m.operator == "=" and m.value]
            (self._by_value[pivots[0]] if pivots else self._rest).append(want)

    def of(self, labels: Mapping[str, str]) -> list[tuple[Account, Role]]:
        """Who counts a series with these labels, as what."""
        likely = self._by_value.get(labels.get(self._pivot, ""), [])
        return [(account, role) for selector, account, role in (*likely, *self._rest) if selector.matches(labels)]


def queries(accounts: Iterable[Account]) -> list[Query]:
    """Every query these accounts ask, each once."""
    return list(dict.fromkeys(query for account in accounts for query in account.queries))
