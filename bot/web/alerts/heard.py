"""What was heard of each sender since the start: for those who ask whether an alert path still works."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bot.web.shape import rfc3339

ALERT, FULL = "alert", "full"
REASONS = {400: "unreadable", 401: "unproved", 405: "method", 408: "cut_off", 413: "too_large", 415: "type", 503: FULL}
"""Why a request was refused, by the status it was answered; a single alert among others is `alert`."""


def _none_yet() -> Counter[str]:
    return Counter(dict.fromkeys((ALERT, *REASONS.values()), 0))


@dataclass(slots=True)
class Heard:
    """Of one sender: when it last proved itself, and how many alerts and requests came to what."""

    at: datetime | None = None
    accepted: int = 0
    """Alerts that were kept."""
    refused: int = 0
    """Alerts that could not be read, and requests that could not or were not this sender's."""
    turned_away: int = 0
    """Requests answered "try again": the inbox was full or silent."""
    unbound: int = 0
    """Alerts whose service was not this sender's to name."""
    ahead: int = 0
    """Alerts that were told to begin more than a day ahead, and count from when they were first heard of."""
    tests: int = 0
    """Messages that rightly changed nothing."""
    reasons: Counter[str] = field(default_factory=_none_yet)
    """What was refused or turned away, by why."""

    def answered(self, status: int) -> None:
        """A request was not taken."""
        reason = REASONS.get(status, "other")
        self.reasons[reason] += 1
        if reason == FULL:  # the sender will try again
            self.turned_away += 1
        else:
            self.refused += 1

    def left_out(self, alerts: int) -> None:
        """So many alerts of a message could not be read."""
        self.refused += alerts
        self.reasons[ALERT] += alerts

    def told(self, **more: Any) -> dict[str, Any]:
        """As the health page tells it."""
        counts = asdict(self)
        at, _reasons = counts.pop("at"), counts.pop("reasons")
        return {"heard": rfc3339(at) if at is not None else None, **counts, **more}
