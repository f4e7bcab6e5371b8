"""Raw counters remembered between polls, turned into exact increases: births, restarts, silences and late samples."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.slo.book import MILLISECOND, to_ms
from bot.slo.spec import Labels, Point

EXACT = 2**53  # a float counts one by one no further than this


@dataclass(frozen=True, slots=True)
class Increase:
    """What a group of series gained: `gained` while watched, `gap` over a silence."""

    gained: int = 0
    gap: int = 0


@dataclass(slots=True)
class Series:
    """The last value and time of each series of one selector, keyed by its labels."""

    last: dict[Labels, tuple[int, int]] = field(default_factory=dict)

    def restarted(self, points: Iterable[Point]) -> set[Labels]:
        """The series whose value fell since the last poll: their process began anew."""
        newer: dict[Labels, Point] = {}
        for point in sorted(points, key=lambda point: point.at):
            if point.labels in self.last and to_ms(point.at) > self.last[point.labels][1]:
                newer.setdefault(point.labels, point)
        return {labels for labels, point in newer.items() if point.value < self.last[labels][0]}

    def advance(
        self, points: Iterable[Point], *, born_counts: bool, continuity: timedelta, restarted: Collection[Labels] = ()
    ) -> Increase:
        """Take the points (in which nothing is `insane`) and say what was gained.

        A first value counts from zero where `born_counts`, else it is only the ground to count from. A value below the
        last is a restarted process and counts from zero; so does a series in `restarted`, whose sister gave it away. A
        series silent for longer than `continuity` gained what it gained at an unknown time. Samples not newer than the
        last are ignored; several samples of one series are taken in order of time.
        """
        gained = gap = 0
        anew = set(restarted)
        silence = continuity // MILLISECOND
        for point in sorted(points, key=lambda point: point.at):
            value, at = int(point.value), to_ms(point.at)
            before = self.last.get(point.labels)
            if before is not None and point.labels in anew and at > before[1]:
                before = (0, before[1])
                anew.discard(point.labels)
            if before is not None and at <= before[1]:
                continue
            self.last[point.labels] = (value, at)
            if before is None:
                gained += value if born_counts else 0
                continue
            more = value - before[0] if value >= before[0] else value
            if at - before[1] > silence:
                gap += more
            else:
                gained += more
        return Increase(gained, gap)

    def forget(self, before: datetime) -> None:
        """Let go of series not seen since `before`."""
        cutoff = to_ms(before)
        self.last = {labels: seen for labels, seen in self.last.items() if seen[1] >= cutoff}

    def dump(self) -> list[list[object]]:
        """Plain lists: labels, value, milliseconds."""
        return [[sorted(map(list, labels)), value, at] for labels, (value, at) in self.last.items()]

    @classmethod
    def load(cls, rows: Iterable[Sequence[object]]) -> "Series":
        """What was dumped. Raises ValueError or TypeError where `rows` is something else."""
        last: dict[Labels, tuple[int, int]] = {}
        for labels, value, at in rows:
            if not isinstance(labels, list) or not isinstance(value, int) or not isinstance(at, int):
                raise TypeError("a remembered series is its labels, a whole number and a time")
            last[frozenset((str(name), str(held)) for name, held in labels)] = (value, at)
        return cls(last)


def insane(points: Sequence[Point], what: str) -> str | None:
    """Why these samples of `what` cannot be counted, or None: not a number, negative, a fraction, a contradiction."""
    seen: dict[tuple[Labels, datetime], float] = {}
    for point in points:
        value = point.value
        if not math.isfinite(value):
            return f"{what} reads {value}, which is no count{_named(point)}"
        if value < 0:
            return f"{what} reads {value:g}: a counter is never negative{_named(point)}"
        if value > EXACT:
            return f"{what} reads {value:g}, more than can be counted exactly{_named(point)}"
        if value != int(value):
            return f"{what} reads {value:g}: events come in whole numbers{_named(point)}"
        if seen.setdefault((point.labels, point.at), value) != value:
            return f"{what} gives one series two values at one time{_named(point)}"
    return None


def _named(point: Point) -> str:
    return f" ({', '.join(f'{name}={value}' for name, value in sorted(point.labels))})" if point.labels else ""
