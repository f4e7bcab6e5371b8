"""Remembers which messages Slack refuses for good, so that they are tried rarely and complained about once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock

FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)
"""How long a refused message rests before it is tried again: doubled each time, up to the longest."""


@dataclass(frozen=True, slots=True)
class _Rest:
    length: timedelta
    until: datetime


class Refusals:
    """The messages (incident, surface) that rest after a refusal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._resting: dict[tuple[str, str], _Rest] = {}

    def note(self, incident: str, surface: str) -> bool:
        """It was refused (again); True the first time."""
        before = self._resting.get((incident, surface))
        length = min(LONGEST, before.length * 2) if before else FIRST
        self._resting[incident, surface] = _Rest(length, self._clock.now() + length)
        return before is None

    def until(self, incident: str, surface: str) -> datetime | None:
        """When it may be tried again (which may have passed); None where it is not refused."""
        rest = self._resting.get((incident, surface))
        return rest.until if rest else None

    def rests(self, incident: str, surface: str) -> bool:
        """Whether it is too early to try again."""
        until = self.until(incident, surface)
        return until is not None and self._clock.now() < until

    def over(self, incident: str, surface: str) -> None:
        """It is shown."""
        self._resting.pop((incident, surface), None)

    def forget(self, incident: str) -> None:
        """Nothing of this incident is shown any more."""
        self._resting = {key: rest for key, rest in self._resting.items() if key[0] != incident}
