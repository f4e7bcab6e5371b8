"""Children of a storm: incidents with their log and no card, until they are critical or somebody gives them one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS, require_open
from bot.domain.policy import Severity

if TYPE_CHECKING:
    from bot.domain.incident import Incident


HOME = "~"
"""Stands for the home channel where a channel is named; no channel is called that."""


def is_critical(severity: int, tier: int | None) -> bool:
    """Whether it is shown at once, storm or not: the worst severity, or a bad one of a most important service."""
    return severity <= Severity.SEV1 or (tier == 1 and severity <= Severity.SEV2)


@dataclass(frozen=True, slots=True)
class Promote(Command):
    """Give a child of a storm a card and all its duties from now on; `channel` is where, "" its service's own."""

    because: str = ""
    channel: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "give an incident a card of its own")
        require_open(incident, "give it a card of its own")
        if incident.umbrella and not incident.promoted:
            yield ChildPromoted(self.because.strip(), self.channel)


@dataclass(frozen=True, slots=True)
class ChildPromoted(Event):
    """A child of a storm is an incident like any other from now on."""

    because: Words = ""
    channel: str = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, promoted=True, card_channel=self.channel)

    def says(self, by: str) -> Sentence:
        because = f": {self.because}" if self.because else ""
        return says("{who} gave it a card of its own{because}", who=Who(by), because=because)
