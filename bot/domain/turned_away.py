"""Who tried to decide what is not theirs to decide: nothing changes by it, and the timeline remembers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, says

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class NoteRefusal(Command):
    """An approval was refused because of who asked for it; the same person at the same thing is one line."""

    item: str
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if incident.exists and not ask.person.is_bot and (ask.by, self.item) not in incident.turned_away:
            yield ApprovalRefused(self.item, self.because)


@dataclass(frozen=True, slots=True)
class ApprovalRefused(Event):
    """A person tried to approve what is not theirs to approve."""

    item: str
    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, turned_away=incident.turned_away | {(entry.by, self.item)})

    def says(self, by: str) -> Sentence:
        return says("{who} tried to approve {item} and was refused: “{because}”", who=Who(by), item=self.item,
                    because=self.because)  # fmt: skip
