"""Setting a time right: the log keeps both what was believed and what is believed now, who said so, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, When, Who, Words, says
from bot.domain.policy import Role

if TYPE_CHECKING:
    from bot.domain.incident import Incident


class Moment(StrEnum):
    """The times a person may correct; when somebody acknowledged is not a matter of opinion."""

    ONSET = "onset"
    DETECTED = "detected"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Corrected:
    """A time that is not what was first recorded: what it was, what it is, who set it right last, when, and why."""

    was: datetime
    to: datetime
    by: str
    at: datetime
    because: str
    times: int = 1


_NAMES = {
    "onset": "the onset",
    "detected": "the detection",
    "declared_at": "the declaration",
    "acknowledged": "the acknowledgement",
    "mitigated": "the mitigation",
    "resolved": "the resolution",
    "closed": "the closing",
}
_ORDERS = (
    ("onset", "detected", "it cannot have begun after it was detected", "it cannot have been detected before it began"),
    ("onset", "mitigated", "it cannot have begun after it was over", "it cannot have been mitigated before it began"),
    ("onset", "resolved", "it cannot have begun after it was over", "it cannot have been resolved before it began"),
    ("detected", "declared_at", "it had been declared by then: it cannot have been detected later", ""),
    ("detected", "acknowledged", "somebody had acknowledged it by then: it cannot have been detected later", ""),
    ("detected", "resolved", "it cannot have been detected after it was resolved",
     "it cannot have been resolved before it was detected"),
    ("mitigated", "resolved", "it cannot have been mitigated after it was resolved",
     "it cannot have been resolved before it was mitigated"),
    ("resolved", "closed", "it had been closed by then: it cannot have been resolved later", ""),
)  # fmt: skip
"""What comes before what, and the sentence for whoever moves the first after the second, or the second before it."""


def impossible(incident: Incident, moment: str, to: datetime) -> str:
    """Why that moment cannot have been then, with the other time it clashes with; "" where it can."""
    for first, second, late, early in _ORDERS:
        if moment not in (first, second):
            continue
        other = second if moment == first else first
        stands: datetime | None = getattr(incident, other)
        if stands is not None and (to > stands if moment == first else to < stands):
            return f"{late if moment == first else early} ({_NAMES[other]} is {stands:%Y-%m-%d %H:%M:%S} UTC)"
    return ""


@dataclass(frozen=True, slots=True)
class CorrectTime(Command):
    """Say that a moment was at another time."""

    moment: Moment
    to: datetime
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, frozenset({Role.RESPONDER, Role.MANAGER, Role.ADMIN}), "correct a time")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        if not self.because.strip():
            raise Refused("say what shows that the time was wrong")
        was: datetime | None = getattr(incident, self.moment)
        if was is None:
            raise Refused(f"{incident.id} has no time for {self.moment} to correct")
        if self.to > ask.at:
            raise Refused("a corrected time cannot lie in the future")
        if why_not := impossible(incident, self.moment, self.to):
            raise Refused(why_not)
        if self.to != was:
            yield TimeCorrected(self.moment, was, self.to, self.because.strip())


@dataclass(frozen=True, slots=True)
class TimeCorrected(Event):
    """A moment was set right; the former belief stays in the log."""

    moment: Moment
    was: datetime
    to: datetime
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        before = incident.corrected.get(self.moment)
        first, times = (before.was, before.times + 1) if before else (self.was, 1)
        made = Corrected(first, self.to, entry.by, entry.at, self.because, times)
        incident = replace(incident, corrections={**incident.corrections, self.moment: made})
        match self.moment:
            case Moment.ONSET:
                return replace(incident, onset=self.to)
            case Moment.DETECTED:
                return replace(incident, detected=self.to)
            case Moment.MITIGATED:
                return replace(incident, mitigated=self.to)
            case Moment.RESOLVED:
                return replace(incident, resolved=self.to)

    def says(self, by: str) -> Sentence:
        return says(
            "{who} corrected {moment} from {was} to {to}: {because}",
            who=Who(by),
            moment=self.moment,
            was=When(self.was),
            to=When(self.to),
            because=self.because,
        )
