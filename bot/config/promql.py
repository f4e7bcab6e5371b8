"""Understands PromQL as far as an objective needs: which queries are one raw counter, and which the server must answer.

A query is parsed in full, so that a slip of the hand is told with its column when files are read, and not by a poll
at night.
"""

import re
from dataclasses import dataclass

from bot.config.promql_tree import LENGTH, WINDOW, Node, Parser
from bot.slo.measure import Expression, Query
from bot.slo.selector import Selector

__all__ = ["SECONDS", "WINDOW", "Phrase", "parse", "seconds"]

SECONDS = "$seconds"

_PER_SECOND = frozenset({"rate", "irate", "deriv"})
_COUNTED = frozenset({"increase", "delta", "idelta", "sum_over_time", "count_over_time", "changes", "resets"})
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A query as far as it is understood: `text` is the whole of it, `$window` where its window is left open.

    `bare` is the selector it is nothing but; `counter` the one raw counter it means, whatever rate, window or sum
    stands around it; `rated` says that it takes rates or counts over a window at all, and `counted` by how many seconds
    the latter are divided to be rates. `age` is the moment whose age it is: `time() - moment`. `moved` is the selector
    it is with its `offset` or `@`.
    """

    text: str
    bare: Selector | None = None
    counter: Selector | None = None
    rated: bool = False
    counted: str = ""
    age: Query | None = None
    moved: tuple[Selector, str] | None = None

    @property
    def events(self) -> Query:
        """What it counts: one raw counter, or a rate per second that the server works out."""
        return self.counter if self.counter is not None else self.rate

    @property
    def rate(self) -> Expression:
        """What it counts as a rate per second, worked out by the server."""
        if self.counter is not None and not self.rated:
            return Expression(f"sum(rate({self.counter}[{WINDOW}]))")
        return Expression(f"({self.text}) / {self.counted}" if self.counted else self.text)

    @property
    def weight(self) -> Query:
        """What a number that goes up and down counts: so many a second, for as long as it stands so."""
        if self.rated:
            return self.events
        return Expression(f"sum({self.bare})" if self.bare is not None else self.text)

    @property
    def level(self) -> Query:
        """What it reads as a gauge: the samples of a selector, or a value that the server works out."""
        return self.bare if self.bare is not None else Expression(self.text)


def parse(text: str) -> Phrase:
    """Understand a query. `{{.window}}` (Sloth's word) and `$window` stand for a window left open.

    Raises Invalid with the column (1-based, counted through the whole text) of the first thing that is not PromQL.
    """
    parser = Parser(text)
    node = parser.tree()
    taken = [each for each in node.walk() if each.kind == "call" and each.name in _COUNTED | _PER_SECOND]
    return Phrase(
        text=parser.written(0, len(text)),
        bare=node.selector if node.kind == "selector" else None,
        counter=_counter(node),
        rated=bool(taken),
        counted=_divisor(taken[0]) if taken and taken[0].name in _COUNTED else "",
        age=_age(node, parser),
        moved=_moved(node, parser),
    )


def seconds(text: str) -> float:
    """The seconds of a length as Prometheus writes it: `5m`, `1h30m`, `200ms`. Raises ValueError."""
    if not LENGTH.fullmatch(text):
        raise ValueError(f"{text!r} is no length of time")
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))


def _counter(node: Node) -> Selector | None:
    """The one raw counter a query means: rates, windows and sums say how to look at it, not what it is."""
    if node.kind == "sum":
        return _counter(node.of[0])
    if node.kind == "call" and node.name in {"rate", "irate", "increase"} and len(node.of) == 1:
        ranged = node.of[0]
        return ranged.of[0].selector if ranged.kind == "range" else None
    return node.selector if node.kind == "selector" else None


def _divisor(call: Node) -> str:
    """The seconds a count was taken over, as its query says them."""
    ranged = next((each for each in call.walk() if each.kind in {"range", "subquery"}), None)
    return SECONDS if ranged is None or ranged.name == WINDOW else f"{seconds(ranged.name):g}"


def _age(node: Node, parser: Parser) -> Query | None:
    """The moment whose age a query is."""
    if node.kind != "minus" or parser.written(node.of[0].start, node.of[0].end).replace(" ", "") != "time()":
        return None
    moment = node.of[1]
    return moment.selector if moment.selector is not None else Expression(parser.written(moment.start, moment.end))


def _moved(node: Node, parser: Parser) -> tuple[Selector, str] | None:
    """The selector that a query moves in time, and how it is moved."""
    selector = node.of[0].selector if node.kind == "moved" else None
    return (selector, parser.written(node.of[0].end, node.end)) if selector is not None else None
