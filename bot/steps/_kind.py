"""What every kind of runbook step is made of: its parameters, the answers it gives, and the names it refers to."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds(text: str) -> float:
    """`15s`, `5m`, `1h30m`, `30d`, `1w` in seconds. Raises ValueError with the sentence to show."""
    if not _DURATION.match(text.strip()):
        raise ValueError(f"{text!r} is no length of time")
    return sum(float(count) * _SECONDS[unit] for count, unit in _PART.findall(text))


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with a step's parameters; `key` is "" where it concerns all of them."""

    key: str
    what: str
    expected: str = ""


class MistakenError(ValueError):
    """Parameters a person must correct; every mistake is listed."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(mistake.what for mistake in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Reference:
    """A name a step uses that the catalogue must know: an slo, an offer, a person."""

    what: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an automatic step found: the answer it gives (a value of its options, if it has any) and a sentence."""

    answer: str
    note: str = ""


class Given:
    """The parameters as written, read one by one; what is wrong is kept until `finish`."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = dict(raw)
        self._known: list[str] = []
        self.mistakes: list[Mistake] = []

    def wrong(self, key: str, what: str, expected: str = "") -> None:
        self.mistakes.append(Mistake(key, what, expected))

    def has(self, key: str) -> bool:
        return self._raw.get(key) is not None

    def text(self, key: str, *, choices: tuple[str, ...] = ()) -> str:
        """A word, "" where it is left out."""
        self._known.append(key)
        value = self._raw.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.wrong(key, f"{key} is {value!r}", "a word")
            return ""
        if choices and value not in choices:
            self.wrong(key, f"there is no {key} {value!r}", ", ".join(choices))
            return ""
        return value.strip()

    def duration(self, key: str) -> float | None:
        """A length of time in seconds, written `5m` or as a number of seconds; None where it is left out."""
        self._known.append(key)
        value = self._raw.get(key)
        if value is None:
            return None
        try:
            length = float(value) if isinstance(value, int | float) and value is not True else seconds(str(value))
        except ValueError as wrong:
            self.wrong(key, str(wrong), "such as 90s, 5m or 1h")
            return None
        if not 0 < length < math.inf:
            self.wrong(key, f"{key} is not longer than nothing", "such as 90s, 5m or 1h")
            return None
        return length

    def finish(self) -> None:
        """Raise MistakenError where anything was wrong, parameters nobody read included."""
        for key in self._raw:
            if key not in self._known:
                self.wrong(key, f"unknown parameter {key!r}", ", ".join(self._known) or "no parameters")
        if self.mistakes:
            raise MistakenError(self.mistakes)


@dataclass(frozen=True, slots=True)
class StepKind:
    """Base of the kinds. `answers` are the values a step of this kind can give, with a label for each.

    `fixed` says that a runbook's options for it must be exactly these values, because the bot itself answers.
    """

    answers: ClassVar[tuple[tuple[str, str], ...]] = ()
    fixed: ClassVar[bool] = False

    @classmethod
    def read(cls, given: Given) -> Self:  # noqa: ARG003 - the kinds with parameters read them from it
        """The parameters as this kind understands them; complaints go to `given`."""
        return cls()

    def stored(self) -> dict[str, object]:
        """The parameters as the log keeps them: plain values that `read` takes again."""
        return {}

    def refers(self) -> Iterator[Reference]:
        """Names that must stand for something."""
        yield from ()
