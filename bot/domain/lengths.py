"""Lengths of time as people type them: `30m`, `2h`, `1d`, or `never`."""

import re
from datetime import timedelta

from bot.domain.errors import Refused

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_TYPED = re.compile(r"(?i)\s*(\d{1,4})\s*(m|min|minutes?|h|hours?|d|days?)\s*\Z")
_NEVER = frozenset({"never", "none", "0"})
LONGEST = timedelta(days=31)


def length(text: str) -> timedelta:
    """What somebody typed; `never` is zero. Raises Refused, saying what may be typed."""
    if text.strip().casefold() in _NEVER:
        return timedelta(0)
    found = _TYPED.match(text)
    long = int(found[1]) * _UNITS[found[2][0].lower()] if found else None
    if long is None or long > LONGEST:
        raise Refused(f"“{text.strip()[:40]}” is no length of time: say 30m, 2h, 1d or never")
    return long
