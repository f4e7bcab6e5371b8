"""The small language in which a regime says when it applies: read, checked against the fact list, never executed.

    or_expr   = and_expr { "or" and_expr }          and_expr = not_expr { "and" not_expr }
    not_expr  = "not" not_expr | predicate          predicate = operand [ comparison | membership | emptiness ]
    comparison = ("==" | "!=" | "<" | "<=" | ">" | ">=") operand
    membership = ["not"] "in" ( "[" operand { "," operand } "]" | fact )
    emptiness  = "is" ["not"] "empty"
    operand    = number | 'text' | date | fact | word | "count_true(" or_expr { "," or_expr } ")" | "(" or_expr ")"

Keywords are lower case only: `IN` is India, `OR` is Oregon. A name on the fact list is a fact; any other is a word,
which only makes sense beside a fact that can hold it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from bot.notices.facts import FactType

COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
KEYWORDS = frozenset({"and", "or", "not", "in", "is", "empty", "count_true"})


class ExpressionError(ValueError):
    """What is wrong with an expression and at which character (from 0)."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what, self.at = what, at


@dataclass(frozen=True, slots=True)
class Fact:
    """The value of a fact, or of one entry of it: `residents_by_state.CA`."""

    key: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the expression: a number, a date, or a word such as `annex_iii` or `DE`."""

    value: float | str | date


@dataclass(frozen=True, slots=True)
class CountTrue:
    """How many of the terms hold; an interval while some are unknown."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right`, op one of COMPARISONS."""

    op: str
    left: "Operand"
    right: "Operand"


@dataclass(frozen=True, slots=True)
class Among:
    """`item in [a, b]`: the item equals one of the written values."""

    item: Fact
    options: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """`word in fact`: the set fact holds the word."""

    word: Literal
    container: Fact


@dataclass(frozen=True, slots=True)
class Empty:
    """`fact is empty`."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    term: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """All terms hold."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one term holds."""

    terms: tuple["Expression", ...]


Operand: TypeAlias = Fact | Literal | CountTrue
Expression: TypeAlias = Fact | Compare | Among | Holds | Empty | Not | And | Or

_TOKEN = re.compile(
    r"\s*(?:(?P<date>\d{4}-\d{2}-\d{2})|(?P<number>-?\d+(?:\.\d+)?)|(?P<text>'[^']*')"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)?)|(?P<sign>==|!=|<=|>=|[<>()\[\],]))"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(source: str) -> list[_Token]:
    tokens, at = [], 0
    while source[at:].strip():
        found = _TOKEN.match(source, at)
        if found is None:
            start = at + len(source[at:]) - len(source[at:].lstrip())
            raise ExpressionError(f"{source[start]!r} means nothing here", start)
        kind = str(found.lastgroup)
        word = found[kind]
        tokens.append(_Token("key" if word in KEYWORDS else kind, word, found.start(kind)))
        at = found.end()
    return [*tokens, _Token("end", "the end", len(source))]


def parse(source: str, types: Mapping[str, FactType]) -> Expression:
    """The tree of `source`; every name is checked against `types`. Raises ExpressionError with place and reason."""
    reader = _Reader(_tokens(source), types)
    tree = reader.alternatives()
    if reader.here.kind != "end":
        raise reader.error(f"{reader.here.text!r} is left over")
    return tree


class _Reader:
    """A hand-written descent: one method per line of the grammar above."""

    def __init__(self, tokens: list[_Token], types: Mapping[str, FactType]) -> None:
        self.tokens, self.types, self.at, self.depth = tokens, types, 0, 0

    @property
    def here(self) -> _Token:
        return self.tokens[self.at]

    def error(self, what: str, at: int | None = None) -> ExpressionError:
        return ExpressionError(what, self.here.at if at is None else at)

    def take(self, *texts: str) -> _Token | None:
        token = self.here
        if token.text in texts and token.kind in {"key", "sign"}:
            self.at += 1
            return token
        return None

    def expect(self, text: str) -> None:
        if self.take(text) is None:
            raise self.error(f"expected {text!r} before {self.here.text!r}")

    def alternatives(self) -> Expression:
        terms = [self.conjunction()]
        while self.take("or"):
            terms.append(self.conjunction())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def conjunction(self) -> Expression:
        terms = [self.negation()]
        while self.take("and"):
            terms.append(self.negation())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def negation(self) -> Expression:
        self.depth += 1
        if self.depth > 50:  # noqa: PLR2004 - nobody reads deeper than this, and the stack is finite
            raise self.error("nested too deeply")
        try:
            return Not(self.negation()) if self.take("not") else self.predicate()
        finally:
            self.depth -= 1

    def predicate(self) -> Expression:
        start = self.here
        if self.take("("):
            inner = self.alternatives()
            self.expect(")")
            return inner
        left = self.operand()
        if sign := self.take(*COMPARISONS):
            return self.comparison(left, sign, self.operand(), start.at)
        if self.take("in"):
            return self.membership(left, start)
        if self.take("not"):
            self.expect("in")
            return Not(self.membership(left, start))
        if self.take("is"):
            negated = self.take("not")
            self.expect("empty")
            return Not(self.emptiness(left, start)) if negated else self.emptiness(left, start)
        return self.bare(left, start)

    def operand(self) -> Operand:
        token = self.here
        self.at += 1
        match token.kind:
            case "number":
                return Literal(float(token.text) if "." in token.text else int(token.text))
            case "date":
                try:
                    return Literal(date.fromisoformat(token.text))
                except ValueError:
                    raise self.error(f"{token.text} is no date", token.at) from None
            case "text":
                return Literal(token.text[1:-1])
            case "name":
                key, _, entry = token.text.partition(".")
                return Fact(key, entry) if key in self.types else Literal(token.text)
            case "key" if token.text == "count_true":
                self.expect("(")
                terms = [self.alternatives()]
                while self.take(","):
                    terms.append(self.alternatives())
                self.expect(")")
                return CountTrue(tuple(terms))
        raise self.error(f"expected a fact or a value, not {token.text!r}", token.at)

    def bare(self, left: Operand, start: _Token) -> Expression:
        if isinstance(left, Fact):
            if self.types[left.key].kind != "bool":
                raise self.error(f"{left.key} is {self.types[left.key]}, no yes-or-no question; compare it", start.at)
            return left
        if isinstance(left, Literal) and isinstance(left.value, str):
            raise self.error(f"there is no fact called {left.value!r}", start.at)
        raise self.error(f"{start.text!r} alone is no question", start.at)

    def comparison(self, left: Operand, sign: _Token, right: Operand, at: int) -> Expression:
        if isinstance(left, Literal):
            raise self.error(f"there is no fact called {left.value!r}; the fact stands on the left", at)
        if isinstance(left, Fact):
            right = self._fitting(left, right, sign.at)
            kind = self.types[left.key].kind
            if sign.text not in {"==", "!="} and not (self.types[left.key].ordered or kind == "map"):
                raise self.error(f"{left.key} is {self.types[left.key]} and has no order for {sign.text!r}", sign.at)
        elif not (isinstance(right, Literal) and isinstance(right.value, int | float)):
            raise self.error("count_true is compared with a number", sign.at)
        return Compare(sign.text, left, right)

    def _fitting(self, left: Fact, right: Operand, at: int) -> Operand:
        """The right side as the left side's type can hold it; a member of an enum wins over a fact of the same name."""
        kind = self.types[left.key]
        if isinstance(right, CountTrue):
            raise self.error("count_true stands on the left", at)
        if kind.kind == "enum" and isinstance(right, Fact) and right.key in kind.members:
            right = Literal(right.key)
        if isinstance(right, Fact):
            if self.types[right.key].kind != kind.kind:
                raise self.error(f"{left.key} is {kind} and {right.key} is {self.types[right.key]}", at)
            return right
        self._holdable(left, right, at)
        return right

    def _holdable(self, left: Fact, right: Literal, at: int) -> None:
        kind, value = self.types[left.key], right.value
        numeric = kind.kind in {"int", "number"} or (kind.kind == "map" and bool(left.entry))
        fits = (
            (numeric and isinstance(value, int | float))
            or (kind.kind in {"date", "timestamp"} and isinstance(value, date))
            or (kind.kind in {"string", "country"} and isinstance(value, str))
            or (kind.kind == "enum" and value in kind.members)
        )
        if not fits:
            raise self.error(f"{left.key} is {kind} and can never be {value}", at)

    def membership(self, left: Operand, start: _Token) -> Expression:
        if self.take("["):
            if not isinstance(left, Fact):
                raise self.error(f"there is no fact called {start.text!r}", start.at)
            options = [self._option(left)]
            while self.take(","):
                options.append(self._option(left))
            self.expect("]")
            return Among(left, tuple(options))
        where = self.here
        container = self.operand()
        if not isinstance(container, Fact) or self.types[container.key].kind != "set":
            raise self.error(f"{where.text!r} is no fact that holds a set", where.at)
        kind = self.types[container.key]
        if start.kind not in {"name", "text"} or (kind.members and start.text not in kind.members):
            raise self.error(f"{container.key} is {kind} and can never hold {start.text}", start.at)
        word = start.text.strip("'")
        return Holds(Literal("GB" if word == "UK" and kind.of == "country" else word), container)

    def _option(self, left: Fact) -> Literal:
        at = self.here.at
        option = self._fitting(left, self.operand(), at)
        if not isinstance(option, Literal):
            raise self.error("a list holds values, not facts", at)
        return option

    def emptiness(self, left: Operand, start: _Token) -> Expression:
        if not isinstance(left, Fact) or self.types[left.key].kind not in {"set", "list", "map"}:
            raise self.error(f"{start.text!r} is no fact that holds several things", start.at)
        return Empty(left)
