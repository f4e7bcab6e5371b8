"""Whether a change helped: the data say so, and what does not help may be taken back in the same breath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, says
from bot.domain.mitigation import State, amend, mitigation_of
from bot.domain.undo import UndoMitigation

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class ReportVerification(Command):
    """Whether the data show that it helped; `take_back` is why it is taken back at once where it did not."""

    id: str
    helped: bool
    because: str
    take_back: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        mitigation = mitigation_of(incident, self.id)
        if not ask.person.is_bot:
            raise Refused("a mitigation is verified by the data")
        if self.helped:
            if mitigation.state in (State.APPLIED, State.NOT_HELPING):
                yield MitigationVerified(self.id, self.because)
        elif mitigation.state is State.APPLIED:
            yield MitigationNotHelping(self.id, self.because)
            if self.take_back:  # in one commit: a crash in between would leave it standing
                yield from UndoMitigation(self.id, self.take_back).decide(incident, ask)


@dataclass(frozen=True, slots=True)
class MitigationVerified(Event):
    """The target is in the wanted state and the SLI is met again."""

    id: str
    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.VERIFIED, verified_at=entry.at)

    def says(self, by: str) -> Sentence:
        return says("{id} is verified: {because}", id=self.id, because=self.because)


@dataclass(frozen=True, slots=True)
class MitigationNotHelping(Event):
    """The change was applied, and the SLI did not come back in time."""

    id: str
    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, state=State.NOT_HELPING, detail=self.because)

    def says(self, by: str) -> Sentence:
        return says("{id} does not seem to help: {because}", id=self.id, because=self.because)
