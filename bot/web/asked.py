"""What a reader asked a list for, in its address: read with patience, told back, and carried on to the next page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.engine.lists import OPEN, OVER, Place, Wanted
from bot.engine.values import Summary
from bot.web.phrases import sensible

NONE = "-"
"""Asks for what has none: of no service, of no known cause."""
PHASES = {
    "open": OPEN,
    "over": OVER,
    **{phase.value: (phase.value,) for phase in Phase if phase is not Phase.VOID},
}
DAYS = {"30": "30 days", "90": "90 days", "365": "a year", "all": "all time"}
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as they were typed; "" is not asked for. `days` counts back from now where no date is given."""

    q: str = ""
    service: str = ""
    severity: str = ""
    phase: str = ""
    cause: str = ""
    since: str = ""
    until: str = ""
    days: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], **otherwise: str) -> Asked:
        """As the address has them; what is too long for anything is cut."""
        given = {each.name: query.get(each.name, "").replace("\x00", "").strip()[:LONGEST] for each in fields(cls)}
        return cls(**{name: value or otherwise.get(name, "") for name, value in given.items()})

    @property
    def any(self) -> bool:
        """Whether anything is asked for at all."""
        return any(getattr(self, each.name) for each in fields(self))

    @property
    def wrong(self) -> list[str]:
        """What was not understood and is not looked at, in a sentence each."""
        found = [
            f"{getattr(self, name)!r} is no day: write one as 2026-11-30"
            for name in ("since", "until")
            if getattr(self, name) and _day(getattr(self, name)) is None
        ]
        if self.severity and self.severity not in Severity.__members__:
            found.append(f"there is no severity {self.severity!r}: SEV1 to SEV4")
        if self.phase and self.phase not in PHASES:
            found.append(f"there is no state {self.phase!r}: {', '.join(PHASES)}")
        if self.days and self.days not in DAYS:
            found.append(f"there is no stretch of {self.days!r} days: {', '.join(DAYS)}")
        since, until = _day(self.since), _day(self.until)
        if since and until and since > until:
            found.append(f"nothing lies after {self.since} and before {self.until}")
        return found

    def wanted(self, now: datetime) -> Wanted:
        """As the list is asked; days are whole days, UTC."""
        since, until = _day(self.since), _day(self.until)
        begin = _midnight(since) if since else None
        if begin is None and until is None and self.days in DAYS and self.days != "all":
            begin = now - timedelta(days=int(self.days))
        return Wanted(
            text=self.q,
            service=_or_none(self.service),
            severity=int(Severity[self.severity]) if self.severity in Severity.__members__ else 0,
            phases=PHASES.get(self.phase, ()),
            cause=_or_none(self.cause),
            since=begin,
            until=_midnight(until + timedelta(days=1)) if until and until < date.max else None,
        )

    def address(self, path: str, **changes: str) -> str:
        """The same list under that path, with these differences."""
        known = {each.name for each in fields(self)}
        here = replace(self, **{name: value for name, value in changes.items() if name in known})
        pairs = [(each.name, getattr(here, each.name)) for each in fields(here)]
        pairs += [(name, value) for name, value in changes.items() if name not in known]
        query = urlencode([(name, value) for name, value in pairs if value])
        return f"{path}?{query}" if query else path


def _or_none(value: str) -> str | None:
    return None if not value else "" if value == NONE else value


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day is None or sensible(day.year) else None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# -- pages -----------------------------------------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cursor(last: Summary) -> str:
    """Where the next page goes on, after that one."""
    number = last.id.rpartition("-")[2]
    return f"{(last.declared - _EPOCH) // timedelta(microseconds=1)}.{number if number.isdigit() else 0}"


def place(text: str) -> Place | None:
    """The place a cursor names; None where it is none, and the list begins at its top."""
    micros, _, number = text.partition(".")
    try:
        if not (micros.isascii() and number.isascii() and len(micros) < 18 and len(number) < 18):  # noqa: PLR2004
            return None
        return Place(_EPOCH + timedelta(microseconds=int(micros)), int(number))
    except (ValueError, OverflowError):
        return None
