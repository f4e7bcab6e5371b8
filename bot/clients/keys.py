"""By what rows of a prediction log are told apart when they are counted: values, yes-or-no questions, times."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Text:
    """A column's value as text."""

    name: str


@dataclass(frozen=True, slots=True)
class Is:
    """Whether a column has this value; numbers, yes and no are compared as numbers, so that 1 is 1.0 and true."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Whether a column of numbers reaches a value."""

    name: str
    least: float


@dataclass(frozen=True, slots=True)
class Same:
    """Whether two columns say the same."""

    name: str
    other: str


@dataclass(frozen=True, slots=True)
class Before:
    """Whether a time lies before a moment."""

    name: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Every:
    """In which stretch of length `step` a time lies, counted from `begin` (its first moment is in, its end is not).

    All that lies before `begin` is in stretch −1.
    """

    name: str
    begin: datetime
    step: timedelta


@dataclass(frozen=True, slots=True)
class Known:
    """Whether the columns a question asks of have a value."""

    of: "Key"


@dataclass(frozen=True, slots=True)
class Both:
    """Whether both are so."""

    one: "Key"
    other: "Key"


Key = Text | Is | AtLeast | Same | Before | Every | Known | Both
