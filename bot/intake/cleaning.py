"""Makes strangers' words safe to keep: short, storable, of the expected type; what they say stays what they said."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

TITLE, TEXT, URL, FINGERPRINT = 300, 4000, 2000, 200
LABELS, LABEL_NAME, LABEL_VALUE = 64, 128, 512
FUTURE = timedelta(days=1)
"""How far a sender's clock may be ahead: an episode from next year would hide every real one until then."""

_BROKEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_FIRST, _LAST = 1970, 9998
_MILLIS = 100_000_000_000
"""A number above this counts milliseconds since 1970: as seconds it would be the year 5138."""


def text(value: Any, most: int) -> str:
    """A scalar as text of at most that many characters; "" for everything else."""
    if type(value) is not str:
        if value is None or type(value) in {dict, list}:
            return ""
        value = ("true" if value else "false") if type(value) is bool else str(value)
    told: str = value
    if not (told.isascii() and told.isprintable()):
        told = _BROKEN.sub("\ufffd", told)
    return told if len(told) <= most else told[: most - 1] + "…"


def identity(value: Any) -> str:
    """A fingerprint as it is told; a long one by its hash, so that two long ones stay two."""
    if type(value) is not str and (value is None or type(value) in {dict, list}):
        return ""
    told = str(value)
    if len(told) <= FINGERPRINT and told.isascii() and told.isprintable():
        return told
    if len(told) <= FINGERPRINT and not _BROKEN.search(told):
        return told
    return "sha256:" + hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def link(value: Any) -> str:
    """An address a person may be shown, "" for what is none or too long to be whole."""
    told = text(value, URL)
    return told if told.startswith(("https://", "http://")) and not told.endswith("…") and " " not in told else ""


def labels(value: Any) -> dict[str, str]:
    """Names and values, bounded in number and length, the first by name; {} where there are none."""
    if type(value) is not dict:
        return {}
    names = sorted(value)
    found: dict[str, str] = {}
    for name in names[:LABELS]:
        held = value[name]
        if type(held) not in {dict, list}:
            found[text(name, LABEL_NAME)] = text(held, LABEL_VALUE)
    return found


def moment(value: Any) -> datetime | None:
    """A moment told as RFC 3339 or as seconds or milliseconds since 1970; None for none at all, and for year 1.

    Raises ValueError for what is meant as a moment and is none.
    """
    if value is None or value == "":
        return None
    if type(value) in {int, float}:
        try:
            return datetime.fromtimestamp(value / 1000 if abs(value) > _MILLIS else value, UTC)
        except (OverflowError, OSError, ValueError):
            raise ValueError("a time that is none") from None
    if type(value) is not str:
        raise ValueError("a time that is none")
    try:
        told = datetime.fromisoformat(value)
        if told.year == 1:
            return None
        zoned = told.tzinfo is not None
        told = told if told.tzinfo is UTC else told.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("a time that is none") from None
    if not zoned or not _FIRST <= told.year <= _LAST:
        raise ValueError("a time that is none")
    return told


def mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if type(value) is dict else {}
