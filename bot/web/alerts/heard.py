"""What was heard of each sender since the start: for those who ask whether an alert path still works."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bot.web.shape import rfc3339


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

    def told(self, **more: Any) -> dict[str, Any]:
        """As the health page tells it."""
        counts = asdict(self)
        at = counts.pop("at")
        return {"heard": rfc3339(at) if at is not None else None, **counts, **more}
