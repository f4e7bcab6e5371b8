"""PromQL's grammar: a query as a tree of its parts, each knowing where in the text it stands.

After prometheus.io, "Querying basics", "Operators" and "Functions". Names of functions are not checked, and MetricsQL's
few words more are let pass: other servers know more than one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.errors import Invalid, Problem
from bot.slo.selector import Selector

WINDOW = "$window"

_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r"|(?P<template>\{\{.*?\}\}|\$\w+)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"
    r"|(?P<number>(?:\d[\w.]*|\.\d\w*)(?:(?<=[eE])[+-]\d+)?)"
    r"|(?P<name>[A-Za-z_:][\w:]*)"
    r"|(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){}\[\],@])"
    r"|(?P<junk>[^\"'`])",
    re.DOTALL | re.ASCII,
)
_WINDOW = re.compile(r"\{\{-?\s*\.window\s*-?\}\}|\$window", re.DOTALL)
LENGTH = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_DEEPEST = 60

_AGGREGATES = frozenset(
    [
        *("sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values"),
        *("bottomk", "topk", "quantile", "limitk", "limit_ratio"),
    ]
)
_PRECEDENCE = {
    "or": 1, "default": 1, "and": 2, "unless": 2, "if": 2, "ifnot": 2,
    "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "atan2": 5, "^": 6,
}  # fmt: skip
_TERM = 5


@dataclass(frozen=True, slots=True)
class Token:
    """One word or sign of a query, and where in the text it begins."""

    kind: str
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a query: `kind` is selector, call, sum, range, minus or other; `of` what it is made of."""

    kind: str
    start: int
    end: int
    of: "tuple[Node, ...]" = ()
    name: str = ""
    selector: Selector | None = None

    def walk(self) -> "Iterator[Node]":
        yield self
        for each in self.of:
            yield from each.walk()


class Parser:
    """Reads the tokens once, left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [*_tokens(text), Token("end", "", len(text.rstrip()))]
        self.at, self.depth = 0, 0

    def tree(self) -> Node:
        """The whole query. Raises Invalid with the column (1-based) of the first thing that is not PromQL."""
        if self.next.kind == "end":
            raise _error("the query is empty", 0, "a query such as requests_total")
        node = self.expression(1)
        if self.next.kind != "end":
            raise self.unexpected("an operator, or the end")
        return node

    def written(self, start: int, end: int) -> str:
        """That part of the text without its comments, the window's template as `$window`."""
        pieces, last = [], start
        for token in _tokens(self.text):
            if start <= token.at < end:
                gap = re.sub(r"#[^\n]*", "", self.text[last : token.at]) if token.at > last else ""
                pieces += [gap, WINDOW if token.kind == "template" else token.text]
                last = token.end
        return "".join(pieces).strip()

    # the tokens

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def follows(self, *texts: str) -> bool:
        return self.next.kind in {"sign", "name"} and self.next.text.lower() in texts

    def take(self) -> Token:
        token = self.next
        self.at += 1
        return token

    def require(self, text: str, opened: Token | None = None) -> Token:
        if self.follows(text):
            return self.take()
        if self.next.kind == "end" and opened is not None:
            raise _error(f"the {opened.text} is never closed", opened.at, f"a closing {text}")
        raise self.unexpected(text)

    def unexpected(self, expected: str) -> Invalid:
        token = self.next
        what = f"{token.text!r} is left over" if token.text else "the query ends too early"
        return _error(what, token.at, expected)

    # the grammar

    def expression(self, least: int) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _error("is nested too deeply", self.next.at, f"at most {_DEEPEST} levels")
        left = self.unary()
        while (binding := self.binding()) >= least:
            operator = self.take().text.lower()
            self.modifiers()
            right = self.expression(binding if operator == "^" else binding + 1)
            left = Node("minus" if operator == "-" else "other", left.start, right.end, (left, right))
        self.depth -= 1
        return left

    def binding(self) -> int:
        token = self.next
        return _PRECEDENCE.get(token.text.lower(), 0) if token.kind in {"sign", "name"} else 0

    def modifiers(self) -> None:
        if self.follows("bool"):
            self.take()
        if self.follows("on", "ignoring"):
            self.take()
            self.labels()
        if self.follows("group_left", "group_right"):
            self.take()
            if self.follows("("):
                self.labels()

    def unary(self) -> Node:
        if not self.follows("-", "+"):
            return self.postfix(self.atom())
        start = self.take().at
        inner = self.expression(_TERM + 1)
        return Node("other", start, inner.end, (inner,))

    def postfix(self, node: Node) -> Node:
        while True:
            if self.follows("["):
                node = self.range(node)
            elif self.follows("offset"):
                self.take()
                if self.follows("-", "+"):
                    self.take()
                node = Node("moved", node.start, self.length().end, (node,))
            elif self.follows("@"):
                self.take()
                end = self.postfix(self.atom()).end
                node = Node("moved", node.start, end, (node,))
            else:
                return node

    def range(self, node: Node) -> Node:
        opened = self.take()
        window = self.length()
        sub = self.next.text.startswith(":")
        if sub:
            step = self.take()
            if step.text == ":" and self.next.kind == "template":
                self.take()
            elif step.text != ":" and not LENGTH.fullmatch(step.text[1:]):
                raise _error(f"{step.text[1:]!r} is no step", step.at + 1, "a step such as 1m")
        end = self.require("]", opened).end
        name = WINDOW if window.kind == "template" else window.text
        kind = "subquery" if sub else "range" if node.kind == "selector" else "other"
        return Node(kind, node.start, end, (node,), name)

    def length(self) -> Token:
        token = self.next
        if token.kind == "template" or (token.kind == "number" and LENGTH.fullmatch(token.text)):
            return self.take()
        raise self.unexpected("a window such as 5m or {{.window}}")

    def atom(self) -> Node:
        token = self.next
        if token.kind in {"number", "string"}:
            self.take()
            return Node("other", token.at, token.end)
        if self.follows("("):
            self.take()
            inner = self.expression(1)
            end = self.require(")", token).end
            return inner if inner.kind != "other" else Node("other", token.at, end, (inner,))
        if token.kind == "name" or self.follows("{"):
            return self.named()
        raise self.unexpected("a metric, a function or a number")

    def named(self) -> Node:
        token = self.next
        if token.kind != "name":
            return self.selector(token)
        self.take()
        name = token.text.lower()
        if name in _AGGREGATES and self.follows("by", "without", "("):
            return self.aggregate(token, name)
        if self.follows("("):
            arguments, end = self.arguments()
            return Node("call", token.at, end, arguments, token.text)
        return self.selector(token)

    def aggregate(self, token: Token, name: str) -> Node:
        grouped = self.follows("by", "without")
        if grouped:
            self.take()
            self.labels()
        arguments, end = self.arguments()
        if not grouped and self.follows("by", "without"):
            self.take()
            end = self.labels()
        return Node("sum" if name == "sum" and len(arguments) == 1 else "other", token.at, end, arguments)

    def arguments(self) -> tuple[tuple[Node, ...], int]:
        opened = self.require("(")
        found = []
        while not self.follows(")"):
            found.append(self.expression(1))
            if not self.follows(","):
                break
            self.take()
        return tuple(found), self.require(")", opened).end

    def labels(self) -> int:
        opened = self.require("(")
        while self.next.kind in {"name", "string"}:
            self.take()
            if not self.follows(","):
                break
            self.take()
        return self.require(")", opened).end

    def selector(self, token: Token) -> Node:
        """A metric with its matchers; one that names its metric in the braces is the server's to answer."""
        end, first = token.end, self.next
        if self.follows("{"):
            while not self.follows("}"):
                if self.take().kind == "end":
                    raise _error("the { is never closed", first.at, "a closing }")
            end = self.take().end
        if token.kind != "name":
            return Node("other", token.at, end)
        try:
            selector = Selector.parse(_quoted(self.text[token.at : end]))
        except Invalid as error:
            problem = error.problems[0]
            raise _error(problem.what, token.at + problem.column - 1, problem.expected) from error
        return Node("selector", token.at, end, (), "", selector)


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _error("the quote is never closed", at, f"a closing {text[at]}")
        kind = found.lastgroup or ""
        if (kind == "template" and not _WINDOW.fullmatch(found.group())) or (
            kind == "string" and "{{" in found.group()
        ):
            what = (
                f"there is no template {found.group()}" if kind == "template" else "a template in quotes is not filled"
            )
            raise _error(what, at, "{{.window}}")
        if kind != "space":
            yield Token(kind, found.group(), at)
        at = found.end()


def _quoted(text: str) -> str:
    """The same selector with values in backticks written in double quotes; in other quotes a backtick is a letter."""

    def plain(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        escaped = found[1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'

    return re.sub(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`([^`]*)`""", plain, text, flags=re.DOTALL)


def _error(what: str, at: int, expected: str = "") -> Invalid:
    return Invalid([Problem("query", 1, at + 1, what, expected)])
