"""The JSON of those decided about: numbers alone, null where they are withheld or not known."""

from __future__ import annotations

from bot.web.shape import Instant, Shape


class CellShape(Shape):
    """One value's decisions, adverse ones and people; null is withheld."""

    value: str
    decisions: int | None
    adverse: int | None
    people: int | None


class CutShape(Shape):
    """The numbers told apart by one column; `silent` decisions do not say."""

    by: str
    kind: str
    cells: list[CellShape]
    silent: int | None
    note: str


class RatioShape(Shape):
    """The lowest selection rate over the highest, with its 95 % interval: a screen, not a legal conclusion."""

    by: str
    lowest: str
    highest: str
    ratio: float
    low: float
    high: float
    small: list[str]


class AffectedShape(Shape):
    """Who was decided about, in numbers; where `complete` is false they are least ones, and `because` says why."""

    since: Instant
    until: Instant
    versions: list[str]
    slice: str
    decisions: int | None
    adverse: int | None
    people: int | None
    complete: bool
    because: list[str]
    cuts: list[CutShape]
    ratios: list[RatioShape]
    sha256: str
    counted_by: str
    counted_at: Instant
