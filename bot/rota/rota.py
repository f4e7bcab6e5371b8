"""A rota as its file says it: layers of people who take turns by the wall clock of a zone, and who stands in for whom.

All times in a rota are wall-clock times without a zone ("09:00", "2026-12-24 09:00"), read in the zone of the layer or
the rota; everything computed from them is an instant in UTC. People are keys of people.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum


class Unit(StrEnum):
    """In what a turn is measured."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"


@dataclass(frozen=True, slots=True)
class Turn:
    """How long each turn lasts: `amount` units of wall-clock time."""

    amount: int = 1
    unit: Unit = Unit.WEEKS


@dataclass(frozen=True, slots=True)
class Only:
    """When a layer applies, each week: from one weekday and time to another (0 is Monday).

    A daily restriction is one of these for each day; `until` before or at `since` runs over the end of the week.
    """

    since_day: int
    since: time
    until_day: int
    until: time


@dataclass(frozen=True, slots=True)
class Layer:
    """People who take turns. `turns` holds one tuple per turn: several people in one are on call together.

    In a turn of nobody's (an empty tuple) the layer does not apply.

    The first turn begins at `start`, each next one `every` later by the wall clock; after the last comes the first.
    From `end` on the layer has nobody. Where `only` is not empty, the layer applies in those hours alone. `zone` "" is
    the rota's.
    """

    name: str
    turns: tuple[tuple[str, ...], ...]
    start: datetime
    every: Turn = Turn()
    end: datetime | None = None
    only: tuple[Only, ...] = ()
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """From `start` to `end` this person is on call instead of `instead_of`; "" is instead of everybody.

    `person` "" takes the one away and puts nobody in their place, which readiness complains about.
    """

    start: datetime
    end: datetime
    person: str
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Rota:
    """A rota. Where layers overlap the later one is on call; overrides go before all of them, the later one first."""

    name: str
    zone: str
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """One person is on call from `start` up to, not including, `end` (UTC). `because` is the layer, or `override`."""

    person: str
    start: datetime
    end: datetime
    because: str = ""
