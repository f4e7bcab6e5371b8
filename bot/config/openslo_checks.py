"""Finds objectives that would count one failure twice, and slices whose selectors look at somebody else's traffic.

Selectors are compared as far as their values are plain: an equality, or an alternation such as `eu|us`. What two other
patterns have in common is not guessed; such a pair is taken for apart unless it is written alike.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

from bot.config.marks import Page, Path
from bot.domain.errors import Problem
from bot.slo.measure import Measure, Query, Threshold
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
    held = list(slos)
    problems = []
    for one, two in sorted(_suspects(held)):
        first, second = held[one], held[two]
        what = _overlap(first, second)
        if what is not None:
            origin, there = second.origin or Origin("objectives", 1, 1), first.origin
            at = f" ({there.file}:{there.line})" if there is not None else ""
            problems.append(Problem(origin.file, origin.line, origin.column, what + at))
    return problems


def astray(part: Slice | None, selector: Selector, page: Page, query: Path) -> None:
    """Complains of a selector that takes other values of the slice's label than the slice declares, at that label.

    `query` is where the selector stands on `page`. One that asks nothing of the label is no mistake: the slice may
    stand in the metric's name.
    """
    what = _astray(part, selector) if part is not None else None
    if part is not None and what is not None:
        label = re.search(rf"[{{,]\s*({re.escape(part.dimension)})\s*[=!]", str(page.get(*query)))
        page.complain(what, *query, expected=f"{part} in both", offset=label.start(1) if label else 0)


def _suspects(slos: Sequence[Slo]) -> set[tuple[int, int]]:
    """The pairs that can overlap at all: of one name, or slices of one question that have a value in common.

    A slice is known by its values and by those its selectors list; one whose selectors list none may meet any other.
    """
    named: dict[str, list[int]] = defaultdict(list)
    sliced: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    open_ended: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, slo in enumerate(slos):
        named[slo.name].append(at)
        if slo.slice is None:
            continue
        question = (slo.service, slo.slice.dimension)
        listed = [_plain(_of(each, slo.slice.dimension)) for each in _first_sides(slo)]
        if not all(listed):
            open_ended[question].append(at)
        for value in slo.slice.values.union(*(each or () for each in listed)):
            sliced[question][value].append(at)
    pairs = {pair for group in named.values() for pair in combinations(group, 2)}
    for question, by_value in sliced.items():
        pairs |= {pair for group in by_value.values() for pair in combinations(group, 2)}
        everybody = {at for group in by_value.values() for at in group}
        pairs |= {(min(one, two), max(one, two)) for one in open_ended[question] for two in everybody if one != two}
    return pairs


def _first_sides(slo: Slo) -> list[Selector]:
    """The selector each of its measures is first told by; a query that the server works out lists nothing."""
    return [
        query if isinstance(query, Selector) else Selector("") for query in (each.queries[0] for each in slo.measures)
    ]


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
    same_series = any(_same_series(first, one, second, other) for one in first.measures for other in second.measures)
    if shared and (same_series or _question(first) == _question(second)):
        named = "|".join(sorted(shared))
        return f"slices overlap: {second.name!r} and {first.name!r} both count {second.slice.dimension}={named}"
    if same_series:
        seen = second.indicator.queries[-1]
        return f"slices {second.slice} and {first.slice} ({first.name!r}) select the same series, {seen}"
    return None


def _question(slo: Slo) -> list[tuple[str, list[Query]]]:
    """What is asked of a slice, the slice itself left out."""
    dimension = slo.slice.dimension if slo.slice else ""
    return [
        (_kind(each), [query.without(dimension) if isinstance(query, Selector) else query for query in each.queries])
        for each in slo.measures
    ]


def _kind(measure: Measure) -> str:
    """What is done with what a measure's queries select."""
    if isinstance(measure, Threshold):
        return f"{measure.operator} {measure.value:g} {measure.age}"
    return f"{type(measure).__name__} {measure.counts}"


def _same_series(first: Slo, one: Measure, second: Slo, other: Measure) -> bool:
    """Whether some series can be meant by both measures, in each of their queries."""
    return (first.source, _kind(one)) == (second.source, _kind(other)) and all(
        _meet(*pair) for pair in zip(one.queries, other.queries, strict=True)
    )


def _meet(one: Query, other: Query) -> bool:
    """Whether a series can satisfy both queries, as far as plain values tell."""
    if not isinstance(one, Selector) or not isinstance(other, Selector):
        return one == other
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
