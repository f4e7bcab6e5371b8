"""What should be looked at before a stretch of on-call begins: one finding each, with one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.rota.rota import Shift
from bot.rota.wallclock import reading

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MINUTE = timedelta(minutes=1)


class Kind(StrEnum):
    """What is found."""

    GAP = "gap"  # nobody is on call
    ENDS = "ends"  # a layer ends
    SHORT = "short"  # fewer people than planned are on call together
    TWICE = "twice"  # somebody is on call in two rotas at once
    UNKNOWN = "unknown"  # somebody whom people.yaml does not know
    IDLE = "idle"  # an override or a cover that changes nothing
    NIGHT = "night"  # somebody takes over in their night
    MOVES = "moves"  # a clock change moves the hand-offs in UTC
    ODD_HOUR = "odd hour"  # a hand-off in an hour that is left out or comes twice


@dataclass(frozen=True, slots=True)
class Finding:
    """About one rota, from `start` to `end` (UTC), and the keys of the people concerned."""

    rota: str
    kind: Kind
    start: datetime
    end: datetime
    people: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is on call in a stretch by one rota or schedule, and by whose clocks it is told."""

    name: str
    zone: str
    shifts: Sequence[Shift]

    @property
    def clocks(self) -> ZoneInfo:
        """The zone."""
        return ZoneInfo(self.zone)


def said(at: datetime, zone: ZoneInfo) -> str:
    """An instant by the clocks of a zone: `Mon 2026-01-05 09:00`."""
    return on_wall(reading(at, zone))


def on_wall(wall: datetime) -> str:
    """A reading of the clocks: `Mon 2026-01-05 09:00`."""
    return f"{DAYS[wall.weekday()]} {wall:%Y-%m-%d %H:%M}"


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `2 d 16 h`, `30 min`."""
    minutes = round(length / MINUTE)
    parts = [(minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"


def together(people: Iterable[str]) -> str:
    """`ana, ben and cleo`; of many the first and a number."""
    named = list(people)
    if len(named) > 3:  # noqa: PLR2004 - more names than a sentence takes
        named = [*named[:2], f"{len(named) - 2} more"]
    return " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else "".join(named)
