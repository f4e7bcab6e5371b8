"""Three answers to a legal question: yes, no, not known yet; what the answer rests on and what would settle it.

Kleene's strong three-valued logic: a fact learnt later can turn unknown into yes or no, never yes into no.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import TypeAlias

from bot.notices.expression import (
    Among,
    And,
    Compare,
    CountTrue,
    Empty,
    Expression,
    Fact,
    Holds,
    Literal,
    Not,
    Operand,
    Or,
)
from bot.notices.facts import AtLeast, Facts, Range, Value

Truth: TypeAlias = bool | None


def both(truths: Iterable[Truth]) -> Truth:
    """All hold: one no decides; otherwise one unknown leaves it open."""
    seen = list(truths)
    return False if False in seen else None if None in seen else True


def either(truths: Iterable[Truth]) -> Truth:
    """One holds: one yes decides; otherwise one unknown leaves it open."""
    seen = list(truths)
    return True if True in seen else None if None in seen else False


def opposite(truth: Truth) -> Truth:
    """Unknown stays unknown."""
    return None if truth is None else not truth


def evaluate(expression: Expression, facts: Facts) -> Truth:
    """True, False, or None while the facts known so far leave it open."""
    match expression:
        case And(terms):
            return both(evaluate(term, facts) for term in terms)
        case Or(terms):
            return either(evaluate(term, facts) for term in terms)
        case Not(term):
            return opposite(evaluate(term, facts))
        case Fact():
            truth = _value(expression, facts)
            return truth if isinstance(truth, bool) else None
        case Compare(op, left, right):
            return _compare(op, _value(left, facts), _value(right, facts))
        case Among(item, options):
            return either(_compare("==", _value(item, facts), option.value) for option in options)
        case Holds(word, container):
            return _holds(str(word.value), _value(container, facts))
        case Empty(fact):
            return _empty(_value(fact, facts))


def _value(operand: Operand, facts: Facts) -> Value | None:
    match operand:
        case Literal(written):
            return written
        case CountTrue(terms):
            truths = [evaluate(term, facts) for term in terms]
            sure = truths.count(True)
            return Range(sure, sure + truths.count(None))
        case Fact(key, entry):
            value = facts.get(key)
            # a map that is known says of everything it does not name that there is none
            return value.get(entry, 0) if entry and isinstance(value, Mapping) else value


def _compare(op: str, left: Value | None, right: Value | None) -> Truth:
    if left is None or right is None:
        return None
    if op == "!=":
        return opposite(_compare("==", left, right))
    if isinstance(left, str) or isinstance(right, str) or isinstance(left, bool):
        return left == right
    low, high = _ends(left)
    other_low, other_high = _ends(right)
    match op:
        case "==":
            overlap = low <= other_high and other_low <= high
            return (None if low != high or other_low != other_high else True) if overlap else False
        case "<":
            return _sure(high < other_low, low < other_high)
        case "<=":
            return _sure(high <= other_low, low <= other_high)
        case ">":
            return _sure(low > other_high, high > other_low)
        case _:
            return _sure(low >= other_high, high >= other_low)


def _sure(always: bool, ever: bool) -> Truth:
    return True if always else None if ever else False


def _ends(value: Value) -> tuple[float, float]:
    """The lowest and highest a value can be, on one number line (times as seconds)."""
    if isinstance(value, Range):
        return _point(value.low), _point(value.high)
    return _point(value), _point(value)


def _point(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return float(value)  # type: ignore[arg-type]


def _holds(word: str, value: Value | None) -> Truth:
    match value:
        case frozenset():
            return word in value
        case AtLeast(items):
            return True if word in items else None
        case _:
            return None


def _empty(value: Value | None) -> Truth:
    match value:
        case None:
            return None
        case AtLeast(items):
            return False if items else None
        case frozenset() | tuple() | Mapping():  # a policy that gives no hours is a policy all the same
            return not value
        case _:
            return False


def facts_of(expression: Expression | Operand) -> Iterator[str]:
    """Every fact the expression names, in reading order, each once."""
    yield from dict.fromkeys(_walk(expression))


def _walk(node: Expression | Operand) -> Iterator[str]:
    match node:
        case Fact(key):
            yield key
        case And(terms) | Or(terms) | CountTrue(terms):
            for term in terms:
                yield from _walk(term)
        case Not(term):
            yield from _walk(term)
        case Compare(_, left, right):
            yield from _walk(left)
            yield from _walk(right)
        case Among(item):
            yield from _walk(item)
        case Holds(_, container):
            yield from _walk(container)
        case Empty(fact):
            yield from _walk(fact)


def grounds(expression: Expression, facts: Facts) -> tuple[str, ...]:
    """The facts that made it yes or no; for an unknown, those that keep it open."""
    return tuple(dict.fromkeys(_grounds(expression, facts)))


def _grounds(node: Expression, facts: Facts) -> Iterator[str]:
    truth = evaluate(node, facts)
    match node:
        case And(terms) | Or(terms):
            same = [term for term in terms if evaluate(term, facts) == truth]
            if truth is False and isinstance(node, And):  # one no is enough, and the first is the clearest
                same = same[:1]
            for term in same:
                yield from _grounds(term, facts)
        case Not(term):
            yield from _grounds(term, facts)
        case _:
            keys = list(facts_of(node))
            yield from (key for key in keys if truth is not None or not _known(facts.get(key)))


def _known(value: Value | None) -> bool:
    return value is not None and not isinstance(value, Range | AtLeast)


def shortest(expression: Expression, facts: Facts) -> tuple[str, ...]:
    """The fewest questions whose answers can settle an unknown, either way; () when it is settled."""
    if evaluate(expression, facts) is not None:
        return ()
    no, yes = _towards(expression, facts, truth=False), _towards(expression, facts, truth=True)
    return min(no, yes, key=len)  # equal: the question that can end the matter first


def _towards(node: Expression, facts: Facts, *, truth: bool) -> tuple[str, ...]:
    """The fewest unknown facts that could bring the node to `truth`."""
    match node:
        case Not(term):
            return _towards(term, facts, truth=not truth)
        case And(terms) | Or(terms):
            unknown = [_towards(term, facts, truth=truth) for term in terms if evaluate(term, facts) is None]
            if not unknown:
                return ()
            one_is_enough = truth == isinstance(node, Or)
            return min(unknown, key=len) if one_is_enough else _union(unknown)
        case _:
            return tuple(key for key in facts_of(node) if not _known(facts.get(key)))


def _union(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for part in parts for key in part))


def says(expression: Expression, name: Callable[[str], str]) -> str:
    """The expression in words, for a page that shows the rule itself; `name` gives a fact's label."""
    match expression:
        case And(terms):
            return " and ".join(f"({says(term, name)})" if isinstance(term, Or) else says(term, name) for term in terms)
        case Or(terms):
            return " or ".join(says(term, name) for term in terms)
        case Not(term):
            return f"not ({says(term, name)})"
        case Compare(op, left, right):
            return f"{_said(left, name)} {op} {_said(right, name)}"
        case Among(item, options):
            return f"{_said(item, name)} is {' or '.join(str(option.value) for option in options)}"
        case Holds(word, container):
            return f"{_said(container, name)} holds {word.value}"
        case Empty(fact):
            return f"{_said(fact, name)} is empty"
        case Fact():
            return _said(expression, name)


def _said(operand: Operand, name: Callable[[str], str]) -> str:
    match operand:
        case Literal(value):
            return str(value)
        case CountTrue(terms):
            return f"the number of: {'; '.join(says(term, name) for term in terms)}"
        case Fact(key, entry):
            return f"{name(key)}{f' ({entry})' if entry else ''}"
