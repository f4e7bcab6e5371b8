"""Finds objectives that would count one failure twice, and slices whose selectors look at somebody else's traffic.

Selectors are compared as far as their values are plain: an equality, or an alternation such as `eu|us`. What two other
patterns have in common is not guessed; such a pair is taken for apart unless it is written alike.
"""

import re
from collections.abc import Iterable
from itertools import combinations

from bot.config.marks import Page
from bot.domain.errors import Problem
from bot.slo.selector import Matcher, Selector
from bot.slo.spec import Origin, Slice, Slo

_WORD = re.compile(r"(?:[^\\.^$*+?{}\[\]()|]|\\[^\w\s])*")  # a part of an alternation that means itself
_GROUP = re.compile(r"\((?:\?:)?([^()]*)\)")
_ESCAPED = re.compile(r"\\(\W)")


def overlaps(slos: Iterable[Slo]) -> list[Problem]:
    """Objectives that would count the same failure twice: equal names, or slices of one question that share traffic.

    Slices of one service and dimension share traffic where a value is in both and their questions are the same, or
    where one series of one source can be meant by the selectors of both. Each problem stands at the later objective
    and names the earlier one.
    """
    problems = []
    for first, second in combinations(slos, 2):
        what = _overlap(first, second)
        if what is not None:
            origin, there = second.origin or Origin("objectives", 1, 1), first.origin
            at = f" ({there.file}:{there.line})" if there is not None else ""
            problems.append(Problem(origin.file, origin.line, origin.column, what + at))
    return problems


def astray(slo: Slo, page: Page, ratio: tuple[str, ...]) -> None:
    """Complains of selectors that take other values of the slice's label than the slice declares, at that label.

    `ratio` is where the ratio stands on `page`. A selector that asks nothing of the label is no mistake: the slice may
    stand in the metric's name.
    """
    if slo.slice is None:
        return
    for key, selector in ((slo.indicator.counts, slo.indicator.part), ("total", slo.indicator.total)):
        what = _astray(slo.slice, selector)
        if what is not None:
            query = (*ratio, key, "metricSource", "spec", "query")
            label = re.search(rf"[{{,]\s*({re.escape(slo.slice.dimension)})\s*[=!]", str(page.get(*query)))
            page.complain(what, *query, expected=f"{slo.slice} in both", offset=label.start(1) if label else 0)


def _astray(part: Slice, selector: Selector) -> str | None:
    asked = _of(selector, part.dimension)
    if not asked:
        return None
    taken = _plain(asked)
    if taken is not None and taken != part.values:
        return f"the slice is {part}, and this selector takes {part.dimension}={'|'.join(sorted(taken)) or '(nothing)'}"
    left = sorted(value for value in part.values if not _accepted(asked, value))
    return f"the slice is {part}, and this selector leaves out {'|'.join(left)}" if left else None


def _overlap(first: Slo, second: Slo) -> str | None:
    if first.name == second.name:
        return f"the objective {second.name!r} is defined twice"
    if first.slice is None or second.slice is None or first.service != second.service:
        return None
    if first.slice.dimension != second.slice.dimension:
        return None
    shared = first.slice.values & second.slice.values
    same_series = _same_series(first, second)
    if shared and (same_series or _question(first) == _question(second)):
        named = "|".join(sorted(shared))
        return f"slices overlap: {second.name!r} and {first.name!r} both count {second.slice.dimension}={named}"
    if same_series:
        return (
            f"slices {second.slice} and {first.slice} ({first.name!r}) select the same series, {second.indicator.total}"
        )
    return None


def _question(slo: Slo) -> tuple[str, Selector, Selector]:
    """What is asked of a slice, the slice itself left out."""
    dimension = slo.slice.dimension if slo.slice else ""
    return slo.indicator.counts, slo.indicator.part.without(dimension), slo.indicator.total.without(dimension)


def _same_series(first: Slo, second: Slo) -> bool:
    """Whether some series can be in both objectives' part, and some in both totals."""
    one, other = first.indicator, second.indicator
    return (
        (first.source, one.counts) == (second.source, other.counts)
        and _meet(one.part, other.part)
        and _meet(one.total, other.total)
    )


def _meet(one: Selector, other: Selector) -> bool:
    """Whether a series can satisfy both selectors, as far as plain values tell."""
    labels = {matcher.label for matcher in (*one.matchers, *other.matchers)}
    return one.metric == other.metric and all(_agree(_of(one, label), _of(other, label)) for label in labels)


def _agree(one: frozenset[Matcher], other: frozenset[Matcher]) -> bool:
    """Whether a value of one label can satisfy both sets of matchers; two different patterns are taken for apart."""
    if not one or not other or one == other:
        return True
    values = _plain(one | other)
    return bool(values)


def _of(selector: Selector, label: str) -> frozenset[Matcher]:
    return frozenset(matcher for matcher in selector.matchers if matcher.label == label)


def _accepted(matchers: Iterable[Matcher], value: str) -> bool:
    return all(matcher.accepts(value) for matcher in matchers)


def _plain(matchers: frozenset[Matcher]) -> frozenset[str] | None:
    """The values all these matchers of one label accept; None where none of them lists its values."""
    for matcher in matchers:
        listed = _listed(matcher)
        if listed is not None:
            return frozenset(value for value in listed if _accepted(matchers, value))
    return None


def _listed(matcher: Matcher) -> frozenset[str] | None:
    """The values a matcher spells out: those of `=`, and of `=~` where it is an alternation of plain words."""
    if matcher.operator == "=":
        return frozenset({matcher.value})
    if matcher.operator != "=~":
        return None
    group = _GROUP.fullmatch(matcher.value)
    words = (group[1] if group else matcher.value).split("|")
    if not all(_WORD.fullmatch(word) for word in words):
        return None
    return frozenset(_ESCAPED.sub(r"\1", word) for word in words)
