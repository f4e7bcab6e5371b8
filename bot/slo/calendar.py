"""Budget periods by the calendar: months, weeks and quarters in somebody's time zone, summer time and all."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Unit = Literal["day", "week", "month", "quarter", "year"]

_MONTHS: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}
_DAYS: dict[Unit, int] = {"day": 1, "week": 7}
_NOMINAL: dict[Unit, timedelta] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "quarter": timedelta(days=91),
    "year": timedelta(days=365),
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """Periods of `count` units, the first beginning at `start`, a wall-clock time in the IANA zone `zone`.

    Each period begins at the same wall-clock time, so one with a change to or from summer time is an hour shorter or
    longer. A month that lacks the day `start` fell on begins on its last day.
    """

    unit: Unit
    count: int
    start: datetime
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("a period is at least one unit long")
        if self.start.tzinfo is not None:
            raise ValueError("a calendar begins at a wall-clock time; its zone is named beside it")

    @property
    def nominal(self) -> timedelta:
        """The length a period is said to have; burn rates and tiers are scaled by it."""
        return self.count * _NOMINAL[self.unit]

    def period(self, at: datetime) -> tuple[datetime, datetime]:
        """The beginning and end (UTC, end excluded) of the period that holds `at`; they also go on before `start`."""
        index = self._guess(at)
        while self._begin(index) > at:
            index -= 1
        while self._begin(index + 1) <= at:
            index += 1
        return self._begin(index), self._begin(index + 1)

    def _guess(self, at: datetime) -> int:
        local = at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        if self.unit in _DAYS:
            return (local - self.start).days // (_DAYS[self.unit] * self.count)
        months = (local.year - self.start.year) * 12 + local.month - self.start.month
        return months // (_MONTHS[self.unit] * self.count)

    def _begin(self, index: int) -> datetime:
        if self.unit in _DAYS:
            wall = self.start + timedelta(days=_DAYS[self.unit] * self.count * index)
        else:
            months = self.start.month - 1 + _MONTHS[self.unit] * self.count * index
            year, month = self.start.year + months // 12, months % 12 + 1
            wall = self.start.replace(year=year, month=month, day=min(self.start.day, monthrange(year, month)[1]))
        return wall.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
