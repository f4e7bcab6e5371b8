"""What a target may forget, at a reload for instance, and must go on standing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Words, says
from bot.domain.mitigation import EFFECTIVE, IN_HAND, Mitigation, Outcome, State, amend, mitigation_of
from bot.domain.phase import Phase
from bot.domain.undo import UndoReported

if TYPE_CHECKING:
    from bot.domain.incident import Incident


KEEP_EVERY = timedelta(minutes=1)
"""How often a target that may forget a change is reminded of it, and told of at most."""


def to_keep(incidents: Iterable[Incident]) -> dict[str, list[tuple[Incident, Mitigation]]]:
    """What must go on standing, by target, the oldest first: changes in effect that no later one has replaced.

    A later change replaces one of the same target where both say what a part of it shall be, and not the same. Of a
    target that is in hand, in whatever incident, nothing is kept.
    """
    found: dict[str, list[tuple[Incident, Mitigation]]] = {}
    in_hand: set[str] = set()
    for incident in incidents:
        for each in incident.mitigations.values():
            if each.state in IN_HAND:
                in_hand.add(each.plan.target_uid)
            elif each.state in EFFECTIVE and incident.phase is not Phase.CLOSED:
                found.setdefault(each.plan.target_uid, []).append((incident, each))
    for uid, pairs in found.items():
        pairs.sort(key=lambda pair: pair[1].applied_at or pair[1].proposed_at)
        found[uid] = [
            pair for place, pair in enumerate(pairs)
            if not any(_replaces(later, pair[1]) for _, later in pairs[place + 1 :])
        ]  # fmt: skip
    return {uid: pairs for uid, pairs in found.items() if uid not in in_hand}


def _replaces(later: Mitigation, earlier: Mitigation) -> bool:
    after = later.plan.after
    return any(part in after and after[part] != state for part, state in earlier.plan.after.items())


@dataclass(frozen=True, slots=True)
class ReportKept(Command):
    """A target had forgotten a change, and it was made to stand again; `detail` says what was done."""

    id: str
    detail: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("what is kept is reported by the bot")
        mitigation = mitigation_of(incident, self.id)
        told = mitigation.kept_at
        if self.detail and mitigation.state in EFFECTIVE and (told is None or ask.at - told >= KEEP_EVERY):
            yield ChangeKept(self.id, self.detail)


@dataclass(frozen=True, slots=True)
class ChangeKept(Event):
    """The target had forgotten the change; it stands again."""

    id: str
    detail: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, kept_at=entry.at)

    def says(self, by: str) -> Sentence:
        return says("{id} stands again, its target had lost it: {detail}", id=self.id, detail=self.detail)


@dataclass(frozen=True, slots=True)
class ReportKeptTooLate(Command):
    """A change was set again while it was being taken back elsewhere, and what became of taking it back once more.

    `tell` are the people on call, who must hear of it where nobody can tell.
    """

    id: str
    outcome: Outcome
    detail: str
    tell: tuple[str, ...] = ()

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("what is kept is reported by the bot")
        if mitigation_of(incident, self.id).state is not State.UNDONE:
            return
        if self.outcome is Outcome.APPLIED:
            yield KeptTooLate(self.id, self.detail)
        else:
            yield UndoReported(self.id, Outcome.UNKNOWN, self.detail, self.tell)


@dataclass(frozen=True, slots=True)
class KeptTooLate(Event):
    """The change was set again just as it was taken back; it was taken back once more."""

    id: str
    detail: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return amend(incident, self.id, detail=self.detail)

    def says(self, by: str) -> Sentence:
        words = "{id} was set again while it was being taken back; it was taken back once more: {detail}"
        return says(words, id=self.id, detail=self.detail)
