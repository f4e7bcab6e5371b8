"""An alert that comes and goes: it is said once, pages nobody for each return, and ends when it has been calm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.log import Entry, Event, Sentence, When, Words, says

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class AlertFlaps(Event):
    """An alert fired so often within a short time that its returns are no news any more."""

    key: str
    title: Words
    times: int
    since: datetime

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = incident.alerts.get(self.key)
        if known is None:
            return incident
        return replace(incident, alerts={**incident.alerts, self.key: replace(known, flapping=self.since)})

    def says(self, by: str) -> Sentence:
        words = "“{title}” flaps: it fired {times} times lately; its returns page nobody until it has been calm"
        return says(words, title=self.title, times=self.times)


@dataclass(frozen=True, slots=True)
class AlertCalm(Event):
    """An alert that flapped has not fired for long enough; `since` is when it last ended."""

    key: str
    title: Words
    since: datetime

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = incident.alerts.get(self.key)
        if known is None:
            return incident
        calm = replace(known, flapping=None, recent=known.recent[-1:])
        return replace(incident, alerts={**incident.alerts, self.key: calm})

    def says(self, by: str) -> Sentence:
        return says("“{title}” is calm again: it has not fired since {since}", title=self.title, since=When(self.since))
