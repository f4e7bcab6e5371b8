"""Which series an objective counts: a metric's name and the labels it must carry, as written in PromQL."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.domain.errors import Invalid, Problem

OPERATORS = ("=~", "!~", "!=", "=")  # longest first: "=" would hide "=~"

_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPACE = re.compile(r"\s*")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. A label that is not there is empty; patterns match the whole value (PromQL)."""

    label: str
    operator: str
    value: str

    def accepts(self, value: str) -> bool:
        """Whether a series whose label holds `value` is meant."""
        if self.operator in {"=", "!="}:
            return (value == self.value) == (self.operator == "=")
        return (_pattern(self.value).fullmatch(value) is not None) == (self.operator == "=~")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.operator}"{escaped}"'


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name and its matchers; several matching series mean their sum."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Selector":
        """Read `name{a="b",c=~"x|y",d!="z"}`.

        Raises Invalid with the column (1-based) of the first thing that is not such a selector.
        """
        return _Reader(text).selector()

    def matches(self, labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> bool:
        """Whether a series of this metric with these labels is meant; the metric's name is not looked at."""
        held = dict(labels)
        return all(matcher.accepts(held.get(matcher.label, "")) for matcher in self.matchers)

    def without(self, label: str) -> "Selector":
        """The same selector asking nothing of `label`."""
        return Selector(self.metric, tuple(matcher for matcher in self.matchers if matcher.label != label))

    def __str__(self) -> str:
        if not self.matchers:
            return self.metric
        return f"{self.metric}{{{','.join(map(str, self.matchers))}}}"


class _Reader:
    """Walks the text once, left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def selector(self) -> Selector:
        self._space()
        metric = self._take(_METRIC, "a metric name")
        self._space()
        matchers = self._braces() if self._next() == "{" else ()
        self._space()
        if self.at < len(self.text):
            raise self._error(
                f"{self.text[self.at :]!r} is left over: counts come from one raw counter, windows are computed here",
                'a bare selector such as requests_total{code=~"5.."}',
            )
        return Selector(metric, matchers)

    def _braces(self) -> tuple[Matcher, ...]:
        self.at += 1
        matchers: list[Matcher] = []
        self._space()
        while self._next() != "}":
            matchers.append(self._matcher())
            self._space()
            if self._next() == ",":
                self.at += 1
                self._space()
            elif self._next() != "}":
                raise self._error("the list of matchers goes on without a comma", "',' or '}'")
        self.at += 1
        return tuple(matchers)

    def _matcher(self) -> Matcher:
        label = self._take(_LABEL, "a label name")
        self._space()
        operator = next((each for each in OPERATORS if self.text.startswith(each, self.at)), None)
        if operator is None:
            raise self._error(f"no operator after {label!r}", "=, !=, =~ or !~")
        self.at += len(operator)
        self._space()
        opened = self.at
        value = self._quoted()
        if operator in {"=~", "!~"}:
            try:
                _pattern(value)
            except re.error as error:
                raise self._error(f"{value!r} is no regular expression: {error}", at=opened) from error
        return Matcher(label, operator, value)

    def _quoted(self) -> str:
        quote = self._next()
        if quote not in {'"', "'"}:
            raise self._error("a label's value is not quoted", 'a value in "quotes"')
        opened, letters = self.at, []
        self.at += 1
        while self._next() != quote:
            letter = self._next()
            if not letter:
                raise self._error("the quote is never closed", f"a closing {quote}", at=opened)
            if letter == "\\":
                self.at += 1
                if self._next() not in _ESCAPES:
                    raise self._error("unknown escape in a quoted value", r"\\ \" \n or \t (write \\d for a digit)")
                letter = _ESCAPES[self._next()]
            letters.append(letter)
            self.at += 1
        self.at += 1
        return "".join(letters)

    def _take(self, what: re.Pattern[str], name: str) -> str:
        found = what.match(self.text, self.at)
        if found is None:
            got = f"{self._next()!r}" if self._next() else "the end"
            raise self._error(f"{got} where {name} should stand", name)
        self.at = found.end()
        return found.group()

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _error(self, what: str, expected: str = "", *, at: int | None = None) -> Invalid:
        return Invalid([Problem("selector", 1, (self.at if at is None else at) + 1, what, expected)])
