"""Setting a time right: the log keeps both what was believed and what is believed now, and why."""

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
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


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
        if self.moment is not Moment.ONSET and incident.onset is not None and self.to < incident.onset:
            raise Refused(f"it cannot have been {self.moment} before it began")
        ends = (incident.detected, incident.mitigated, incident.resolved)
        if self.moment is Moment.ONSET and any(end is not None and self.to > end for end in ends):
            raise Refused("it cannot have begun after it was detected or over")
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
        match self.moment:
            case Moment.ONSET:
                return replace(incident, onset=self.to)
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
