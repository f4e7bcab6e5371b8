"""Reads from Slack's answer whether somebody asked not to be disturbed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def quiet_until(said: Mapping[str, Any], now: datetime) -> datetime | None:
    """Until when a person rests by `dnd.info`: in their nightly hours, or while they snooze; None where they do not."""
    ends = []
    if said.get("dnd_enabled"):
        start, end = _moment(said.get("next_dnd_start_ts")), _moment(said.get("next_dnd_end_ts"))
        if start is not None and end is not None and start <= now < end:
            ends.append(end)
    if said.get("snooze_enabled"):
        end = _moment(said.get("snooze_endtime"))
        if end is not None and now < end:
            ends.append(end)
    return max(ends, default=None)


def _moment(value: Any) -> datetime | None:
    """A Unix time in seconds; None for junk."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
