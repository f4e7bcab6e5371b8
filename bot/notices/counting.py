"""How laws count time: hours, calendar days, months and working days, each method under the name the regimes use."""

import functools
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import metadata
from zoneinfo import ZoneInfo

LAST_HOUR = time(23, 59, 59)  # how the end of the last hour of a day is written
EDGAR_CUT_OFF = time(17, 30)  # Reg. S-T Rule 13(a)(2): same-day filing ends at 17:30 in New York

# Which method the alarm aims at when the law's own method may extend the period.
STRICT_TWIN = {
    "eu_days_1182": "calendar_days_strict",
    "eu_months_1182": "months_strict",
    "eu_hours_1182": "elapsed_hours",
}
# Methods that are counted in one place, wherever the organisation is: EDGAR closes by New York's clock.
COUNTED_AT = {"sec_business_days": ("America/New_York", "US")}


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of one place. `known` is False where its public holidays are not on file: weekends only."""

    place: str
    closures: frozenset[date] = frozenset()

    @property
    def known(self) -> bool:
        """Whether public holidays of the place are on file."""
        return _holidays(self.place) is not None

    def working(self, day: date) -> bool:
        """Neither Saturday, Sunday, public holiday (Reg. 1182/71 Art. 2) nor a closure the organisation entered."""
        if day.isoweekday() >= 6 or day in self.closures:  # noqa: PLR2004 - Saturday
            return False
        book = _holidays(self.place)
        return book is None or day not in book

    def next_working(self, day: date) -> date:
        """`day` itself or the next working day after it."""
        while not self.working(day):
            day += timedelta(days=1)
        return day

    def after(self, day: date, count: int) -> date:
        """The day `count` working days after (negative: before) `day`, which is not counted."""
        step = timedelta(days=1 if count > 0 else -1)
        for _ in range(abs(count)):
            day += step
            while not self.working(day):
                day += step
        return day


def unknown_region(place: str) -> tuple[str, ...]:
    """For a place such as DE-XX, the regions its country has; () where the place is right or its country unknown."""
    code, _, part = place.partition("-")
    if not part:
        return ()
    import holidays

    regions = holidays.list_supported_countries().get("GB" if code == "UK" else code)
    return tuple(regions) if regions and part not in regions else ()


@functools.cache
def counted_with() -> str:
    """What a date is counted with beside the rule itself: the holiday calendars and the product, by version."""
    return f"holidays {_version('holidays')}, tocsin {_version('tocsin')}"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "(not installed)"


@functools.cache
def _holidays(place: str) -> Collection[date] | None:
    import holidays  # heavy tables, read when the first date is counted

    code, _, part = place.partition("-")
    try:
        book: Collection[date] = holidays.country_holidays("GB" if code == "UK" else code, subdiv=part or None)
    except NotImplementedError:
        return None
    return book


@dataclass(frozen=True, slots=True)
class Period:
    """So many units from a moment, in the zone and calendar that decide."""

    start: datetime
    amount: int
    unit: str
    zone: ZoneInfo
    calendar: Calendar

    @property
    def day_zero(self) -> date:
        """The local date of the event, which is not counted (Reg. 1182/71 Art. 3(1))."""
        return self.start.astimezone(self.zone).date()

    @property
    def days(self) -> int:
        """The amount in days; a week is seven."""
        return self.amount * (7 if self.unit == "weeks" else 1)

    def end_of(self, day: date) -> datetime:
        """The last hour of a local day."""
        return datetime.combine(day, LAST_HOUR, self.zone)


def elapsed_hours(period: Period) -> datetime:
    """N times 3600 seconds on the UTC line: no weekend, holiday or clock change alters it."""
    return (period.start.astimezone(UTC) + timedelta(hours=period.amount)).astimezone(period.zone)


def eu_hours_1182(period: Period) -> datetime:
    """Reg. 1182/71 Art. 3(1) and (2)(a): the hour of the event is not counted; Art. 3(4) never extends hours."""
    local = period.start.astimezone(period.zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    next_hour = period.start.astimezone(UTC) - into + timedelta(hours=1)
    return (next_hour + timedelta(hours=period.amount)).astimezone(period.zone)


def calendar_days_strict(period: Period) -> datetime:
    """The last hour of local day N, day 0 being the day of the event; no extension."""
    return period.end_of(period.day_zero + timedelta(days=period.days))


def eu_days_1182(period: Period) -> datetime:
    """Reg. 1182/71 Art. 3(4), then 3(5): end on a working day; two working days in any period of two days or more."""
    last = period.calendar.next_working(period.day_zero + timedelta(days=period.days))
    if period.days >= 2:  # noqa: PLR2004 - Art. 3(5)
        last = max(last, period.calendar.after(period.day_zero, 2))
    return period.end_of(last)


def months_strict(period: Period) -> datetime:
    """The same day N months later, or the last day of that month (Reg. 1182/71 Art. 3(2)(c)); no extension."""
    return period.end_of(_months_later(period.day_zero, period.amount))


def eu_months_1182(period: Period) -> datetime:
    """As months_strict, then Reg. 1182/71 Art. 3(4): to the next working day."""
    return period.end_of(period.calendar.next_working(_months_later(period.day_zero, period.amount)))


def business_days(period: Period) -> datetime:
    """N working days after (negative: before) the day of the event."""
    return period.end_of(period.calendar.after(period.day_zero, period.amount))


def sec_business_days(period: Period) -> datetime:
    """Form 8-K General Instruction B.1: an event on a closed day starts on, and includes, the next business day."""
    first = period.calendar.next_working(period.day_zero)
    counted = period.amount if first == period.day_zero else period.amount - 1
    return datetime.combine(period.calendar.after(first, counted), EDGAR_CUT_OFF, period.zone)


def days_after_year_end(period: Period) -> datetime:
    """31 December of the year of the event plus N calendar days (45 CFR 164.408(c))."""
    return period.end_of(date(period.day_zero.year, 12, 31) + timedelta(days=period.days))


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    after = date(year + (month == 11), (month + 1) % 12 + 1, 1)  # noqa: PLR2004 - December, counted from 0
    last = (after - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


METHODS = {
    method.__name__: method
    for method in (
        elapsed_hours,
        eu_hours_1182,
        calendar_days_strict,
        eu_days_1182,
        months_strict,
        eu_months_1182,
        business_days,
        sec_business_days,
        days_after_year_end,
    )
}
SAID = {
    "elapsed_hours": "hour by hour, through nights and weekends",
    "eu_hours_1182": "in full hours from the next one, by Reg. 1182/71",
    "calendar_days_strict": "in calendar days, to the end of the last, never extended",
    "eu_days_1182": "in calendar days by Reg. 1182/71, to a working day and with two of them in it",
    "months_strict": "to the same day of the month or its last, never extended",
    "eu_months_1182": "in months by Reg. 1182/71, to a working day",
    "business_days": "in working days of the place",
    "sec_business_days": "in business days of the SEC, to 17:30 in New York",
    "days_after_year_end": "from the end of the calendar year",
}
"""Each method as a page says it."""
NAMES = (*METHODS, "dora_limit", "none")
UNITS_OF = {
    "elapsed_hours": ("hours",),
    "eu_hours_1182": ("hours",),
    "calendar_days_strict": ("days", "weeks"),
    "eu_days_1182": ("days", "weeks"),
    "days_after_year_end": ("days",),
    "months_strict": ("months",),
    "eu_months_1182": ("months",),
    "business_days": ("business_days",),
    "sec_business_days": ("business_days",),
}
