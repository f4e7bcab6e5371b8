"""Lengths of time and alert tiers as people write them: `1h30m`, `page:1h/5m@14.4`."""

import re
from datetime import timedelta

from bot.domain.errors import Invalid, Problem
from bot.slo.spec import Severity, Tier

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LENGTH = re.compile(r"(?:\d+[wdhms])+")
_PART = re.compile(r"(\d+)([wdhms])")
_TIER = re.compile(r"\s*(page|ticket)\s*:\s*(\w+)\s*/\s*(\w+)\s*@\s*(\d+(?:\.\d+)?)\s*[x×]?\s*")
_LONGEST = 10 * 366 * 86_400


def parse_length(text: str) -> timedelta:
    """Read `4w`, `30d`, `1h30m`, `15s` (OpenSLO's shorthand; m is minutes). Raises ValueError with a sentence."""
    if not _LENGTH.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no length of time")
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"{text!r} is no usable length of time")
    return timedelta(seconds=seconds)


def length_text(length: timedelta) -> str:
    """The shortest way to write a length in one unit: 5m, 1h, 3d; what is no whole second in milliseconds."""
    milliseconds = length // timedelta(milliseconds=1)
    for unit in ("d", "h", "m", "s"):
        if milliseconds % (_UNITS[unit] * 1000) == 0:
            return f"{milliseconds // (_UNITS[unit] * 1000)}{unit}"
    return f"{milliseconds}ms"


def parse_tiers(text: str, window: timedelta) -> tuple[Tier, ...]:
    """Read `page:1h/5m@14.4, ticket:3d/6h@1`: severity, long window, short window, burn factor.

    Raises Invalid with the column of each entry that cannot be meant.
    """
    tiers: list[Tier] = []
    problems: list[Problem] = []
    column = 1
    for entry in text.split(","):
        start = column + len(entry) - len(entry.lstrip())
        column += len(entry) + 1
        try:
            tiers.append(_tier(entry, window))
        except ValueError as error:
            problems.append(Problem("tiers", 1, start, str(error), "severity:long/short@factor, as in page:1h/5m@14.4"))
    if problems:
        raise Invalid(problems)
    return tuple(tiers)


def _tier(entry: str, window: timedelta) -> Tier:
    found = _TIER.fullmatch(entry)
    if found is None:
        raise ValueError(f"{entry.strip()!r} is no tier")
    severity: Severity = "page" if found[1] == "page" else "ticket"
    long, short, factor = parse_length(found[2]), parse_length(found[3]), float(found[4])
    if short >= long:
        raise ValueError(f"the short window {found[3]} is not shorter than the long one, {found[2]}")
    if long > window:
        raise ValueError(f"the long window {found[2]} is longer than the objective's own window")
    if factor <= 0:
        raise ValueError("a factor is above zero")
    return Tier(f"{severity} {found[2]}/{found[3]}", severity, long, short, factor)
