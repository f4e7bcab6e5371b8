"""The guard-rails of changes as `tocsin.yaml` writes them: badges, shares, freezes, and what holds for one target."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.config.fit import closest, names
from bot.config.marks import Marked, Page
from bot.config.moments import moment
from bot.domain.errors import Problem
from bot.domain.guard import MOVING, ActionClass, Freeze, Means, TargetRules, Weekly, fingerprint

CLASSES: Mapping[str, ActionClass] = MappingProxyType({each.name.lower(): each for each in ActionClass})
ClassName = Literal["read", "small", "traffic", "wide"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Badges = Annotated[list[str], Field(min_length=1)]
"""Who may: role names, '@key' of a person, group:name, on-call."""


def share(given: Any) -> Any:
    """A part of production, 0 to 1. Raises ValueError where it cannot be told whether per cent are meant."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError("this is no share of production; write 50% or 0.5")  # noqa: TRY004 - pydantic's
    if isinstance(given, int):
        raise ValueError(f"{given} has no unit; write {given}%, or a fraction such as 0.5")  # noqa: TRY004
    text = str(given).strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"{given!r} is no share of production; write 50% or 0.5") from None
    if math.isnan(value) or value > 1:
        raise ValueError(f"{given!r} is more than all of production; write at most 100% or 1.0")
    if value <= 0:
        raise ValueError(f"{given!r} lets nothing move; a share is more than 0%")
    return value


def count(given: Any) -> Any:
    """A number of people. Raises ValueError where YAML made it of a yes or no."""
    if isinstance(given, bool):
        raise ValueError("this is no number of people; write 1, 2, 3 …")  # noqa: TRY004 - pydantic's
    return given


Share = Annotated[float, BeforeValidator(share)]
Count = Annotated[int, BeforeValidator(count), Field(ge=1)]


class Part(BaseModel):
    """Base of the parts: a key that means nothing is a mistake, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class QuorumModel(Part):
    """How many distinct people must approve a change, by how much it can hurt."""

    read: Count | None = None
    small: Count | None = None
    traffic: Count | None = None
    wide: Count | None = None

    def by_class(self) -> Mapping[ActionClass, int]:
        """What was written, without what says no more than the product does."""
        return {kind: held for name, kind in CLASSES.items() if (held := getattr(self, name)) is not None and held > 1}


class WidestModel(Part):
    """How much of production one change may reach, by how much it can hurt."""

    read: Share | None = None
    small: Share | None = None
    traffic: Share | None = None
    wide: Share | None = None

    def by_class(self) -> Mapping[ActionClass, float]:
        """What was written, without what says no more than the product does."""
        return {kind: held for name, kind in CLASSES.items() if (held := getattr(self, name)) is not None and held < 1}


class TargetRulesModel(Part):
    """What holds for one target in place of the house's rules; what is left out leaves the house's standing."""

    allow: list[Means] | None = None
    """The kinds of change it may see at all; an empty list is none."""
    propose: Badges | None = None
    approve: Badges | None = None
    """For every class."""
    quorum: Count | None = None
    """Where the house asks for more, that holds."""
    widest: Share | None = None
    """Where the house is narrower, that holds."""
    cool_down: timedelta | None = Field(default=None, ge=timedelta(0))
    automatic: list[Means] = Field(default_factory=list)
    """Done by itself where it is small and its undo was seen to work."""
    undo_itself: bool | None = None
    """Taken back by itself where it does not help."""

    def rules(self) -> TargetRules:
        """As the domain keeps it."""
        return TargetRules(
            allow=_set(self.allow),
            propose=_set(self.propose),
            approve=_set(self.approve),
            quorum=self.quorum,
            widest=self.widest,
            cool_down=self.cool_down,
            automatic=frozenset(self.automatic),
            undo_itself=self.undo_itself,
        )


def _set(given: Sequence[Any] | None) -> frozenset[Any] | None:
    return None if given is None else frozenset(given)


# -- freezes ---------------------------------------------------------------------------------------------------------

_KEYS = ("name", "because", "from", "to", "weekly", "targets", "classes")
_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKLY = re.compile(r"\s*([a-z]+) +(\d\d?):(\d\d)\s*[-–—]\s*([a-z]+) +(\d\d?):(\d\d)\s*", re.IGNORECASE)
_STRETCH = "a stretch of the week such as fri 18:00 - mon 08:00"


def read_freezes(page: Marked, problems: list[Problem], *, zone: str) -> tuple[Freeze, ...]:
    """Every freeze of `policy.freeze`, in an order of their own: written in another, they are the same rules.

    Times without an offset, and weekly ones, are by the wall clocks of `zone`. One that is wrong is left out, told in
    `problems`.
    """
    held = page.get("policy", "freeze")
    here = ZoneInfo(zone)
    parts = (
        Page(page.part("policy", "freeze", at), problems) for at in range(len(held) if isinstance(held, list) else 0)
    )
    found = {fingerprint(freeze): freeze for part in parts if (freeze := _freeze(part, here)) is not None}
    return tuple(found[key] for key in sorted(found))


def _freeze(page: Page, zone: ZoneInfo) -> Freeze | None:
    if not isinstance(page.get(), dict):
        page.complain("this is no freeze", expected="{name: …, because: …, from: …, to: …}")
        return None
    before = len(page.problems)
    page.known((), *_KEYS)
    name, because = page.text("name"), page.text("because")
    targets = frozenset(names(page, "targets"))
    classes = frozenset(CLASSES[each] for each in names(page, "classes", "class", CLASSES)) or MOVING
    weekly = start = end = None
    if page.get("weekly") is not None:
        weekly = _weekly(page, zone)
        if page.get("from") is not None or page.get("to") is not None:
            page.complain("this freeze is weekly and has days of its own", "weekly", expected="weekly, or from and to")
    elif page.get("from") is None and page.get("to") is None:
        page.complain("this freeze has no time", expected=f"from and to, or weekly: {_STRETCH.removeprefix('a ')}")
    elif page.get("to") is None:
        page.complain("this freeze never ends", "from", expected="to: and a time")
    else:
        start, end = moment(page, "from", zone), moment(page, "to", zone)
        if start is not None and end is not None and end <= start:
            page.complain("this freeze ends before it begins", "to", expected="a time after `from`")
    if len(page.problems) > before:
        return None
    return Freeze(name.strip(), because.strip(), start, end, weekly, targets, classes)


def _weekly(page: Page, zone: ZoneInfo) -> Weekly | None:
    text = page.text("weekly")
    if not text:
        return None
    read = _WEEKLY.fullmatch(text)
    if read is None:
        page.complain(f"{text!r} is no stretch of the week", "weekly", expected=_STRETCH)
        return None
    edges = [_edge(page, *read.group(first, first + 1, first + 2)) for first in (1, 4)]
    if edges[0] is None or edges[1] is None:
        return None
    if edges[0] == edges[1]:
        page.complain("this freeze never ends", "weekly", expected=f"{_STRETCH}, with an end before its next beginning")
        return None
    return Weekly(*edges[0], *edges[1], zone.key)


def _edge(page: Page, day: str, hour: str, minute: str) -> tuple[int, time] | None:
    """A weekday and a time of it; 24:00 is the next day's 0:00."""
    known = {name: number for names in (DAYS, _FULL) for number, name in enumerate(names)}
    number = known.get(day.lower())
    if number is None:
        page.complain(f"there is no day {day!r}{closest(day.lower(), DAYS)}", "weekly", expected=", ".join(DAYS))
        return None
    if (hour, minute) == ("24", "00"):
        return (number + 1) % 7, time(0)
    try:
        return number, time(int(hour), int(minute))
    except ValueError:
        page.complain(f"there is no time {hour}:{minute}", "weekly", expected=_STRETCH)
        return None
