"""A step in which the bot reads the figures of an objective out, so that the thread shows what was known when."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from bot.steps._kind import Given, Outcome, Reference, StepKind

DEFAULT_WINDOW = 300.0
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Query(StepKind):
    """`slo` is the objective (left out, the incident's own), `window` how far to look back, in seconds."""

    slo: str = ""
    window: float = DEFAULT_WINDOW

    @classmethod
    def read(cls, given: Given) -> Self:
        return cls(slo=given.text("slo"), window=given.duration("window") or DEFAULT_WINDOW)

    def stored(self) -> dict[str, object]:
        return ({"slo": self.slo} if self.slo else {}) | {"window": self.window}

    def refers(self) -> Iterator[Reference]:
        if self.slo:
            yield Reference("slo", self.slo, "slo")

    def outcome(self, good: int, bad: int, *, objective: float, covered: bool = True, title: str = "") -> Outcome:
        """The figures in words: events of the window, the share of good ones, and the speed the budget burns at.

        `objective` lies between 0 and 1; `covered` is False where part of the window has no data.
        """
        name = title or self.slo or "the objective"
        total = good + bad
        if total <= 0:
            return Outcome("no data", f"{name}: no data in the last {spoken(self.window)}")
        share = good / total
        burn = (bad / total) / (1 - objective) if objective < 1 else 0.0
        note = (
            f"{name}: {good:,} of {total:,} events were good in the last {spoken(self.window)} ({share:.2%}, objective "
            f"{objective:.2%}); the error budget burns at {burn:.1f}×" + ("" if covered else "; part of it has no data")
        )
        return Outcome(f"{share:.2%} good", note)


def spoken(length: float) -> str:
    """A length in the largest unit that divides it: 5 min, 1 h, 90 s."""
    for size, unit in _UNITS:
        if length >= size and length % size == 0:
            return f"{length / size:.0f} {unit}"
    return f"{length:g} s"
