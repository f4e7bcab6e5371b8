"""How many queries make few: one per metric family, one per fifty expressions."""

import re
from collections.abc import Collection, Sequence

from bot.slo.measure import Expression
from bot.slo.selector import Matcher, Selector

MOST_VALUES = 200  # of one label in one query: Prometheus takes more, its address line does not
CHUNK = 50
NUMBER = "tocsin_query"
"""The label that tells which expression a series answers."""

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")  # what RE2 gives a meaning to


def queries(selectors: Collection[Selector]) -> list[tuple[str, str]]:
    """(metric, PromQL selector) to ask: one per metric, the union of its selectors, where they share something.

    The union may match more than was asked; it never matches less. Selectors that have nothing in common are asked one
    by one, rather than fetching every series of the metric, unless they are so many that it comes to the same.
    """
    asked: list[tuple[str, str]] = []
    by_metric: dict[str, dict[Selector, None]] = {}
    for selector in selectors:
        by_metric.setdefault(selector.metric, {})[selector] = None
    for metric, held in by_metric.items():
        same = list(held)
        shared = _union(same)
        if shared or len(same) > MOST_VALUES or any(not selector.matchers for selector in same):
            asked.append((metric, str(Selector(metric, shared))))
        else:
            asked.extend((metric, str(selector)) for selector in same)
    return asked


def _union(same: Sequence[Selector]) -> tuple[Matcher, ...]:
    """Matchers that hold for all: those written alike in each, and `=` on one label with several values as `=~`."""
    common = set(same[0].matchers).intersection(*(set(other.matchers) for other in same[1:]))
    kept = [matcher for matcher in same[0].matchers if matcher in common]
    for label in dict.fromkeys(matcher.label for matcher in same[0].matchers if matcher not in common):
        equal = [[m.value for m in each.matchers if m.label == label and m.operator == "="] for each in same]
        if not all(len(values) == 1 for values in equal):
            continue
        values = sorted({values[0] for values in equal})
        if len(values) <= MOST_VALUES:
            kept.append(Matcher(label, "=~", "|".join(_SPECIAL.sub(r"\\\g<0>", value) for value in values)))
    return tuple(kept)


def expressions(asked: Sequence[Expression], window: int) -> list[tuple[tuple[Expression, ...], str]]:
    """The expressions in chunks, each with the one query that answers it; every series says by a label whose it is.

    `window` is the length in seconds that a rate is taken over.
    """
    chunks = [tuple(asked[start : start + CHUNK]) for start in range(0, len(asked), CHUNK)]
    return [(chunk, " or ".join(_named(each, place, window) for place, each in enumerate(chunk))) for chunk in chunks]


def _named(expression: Expression, place: int, window: int) -> str:
    text = expression.text.replace("$window", f"{window}s").replace("$seconds", str(window))
    return f'label_replace(({text}), "{NUMBER}", "{place}", "", "")'
