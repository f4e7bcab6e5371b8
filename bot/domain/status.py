"""What the status page says: the states of its components, the statements of an incident, what they come to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.phase import Phase

if TYPE_CHECKING:
    from bot.domain.incident import Incident


class State(StrEnum):
    """How a component is, in the words status pages use; the last is the worst."""

    OPERATIONAL = "operational"
    MAINTENANCE = "maintenance"
    DEGRADED = "degraded performance"
    PARTIAL = "partial outage"
    MAJOR = "major outage"

    @property
    def rank(self) -> int:
        """Its place from the best, 0."""
        return tuple(State).index(self)


class Kind(StrEnum):
    """How far the matter is, as a statement says it."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


class Step(StrEnum):
    """Where a statement stands on its way to the page."""

    DRAFT = "draft"
    FROZEN = "waiting for approval"
    APPROVED = "approved"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    DROPPED = "given up"


UNPUBLISHED = frozenset({Step.DRAFT, Step.FROZEN, Step.APPROVED})
SHOWN = frozenset({Step.PUBLISHED, Step.CORRECTED, Step.WITHDRAWN})

States = tuple[tuple[str, State], ...]
"""Component and how it is, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its words, the states it gives, where it stands, and who brought it there.

    `digest` is that of the frozen words: what was approved, and alone may be shown. `since` is from when it counts: a
    correction counts from when the corrected one was published. `mark` names it to the public, and not its incident.
    """

    id: str
    kind: Kind
    title: str
    text: str
    states: States
    step: Step = Step.DRAFT
    corrects: str = ""
    corrected_by: str = ""
    digest: str = ""
    authors: frozenset[str] = frozenset()
    asked_by: str = ""
    approved_by: str = ""
    approved_at: datetime | None = None
    published_by: str = ""
    published_at: datetime | None = None
    since: datetime | None = None
    ended_at: datetime | None = None  # when it was corrected, withdrawn or given up
    note: str = ""  # why it was sent back, withdrawn or given up
    mark: str = ""

    @property
    def said(self) -> str:
        """The digest of its words as they are now."""
        return digest(self.kind, self.title, self.text, self.states)

    @property
    def sound(self) -> bool:
        """Whether its words are still those that were approved: erased ones are not."""
        return bool(self.digest) and self.digest == self.said


def digest(kind: Kind, title: str, text: str, states: States) -> str:
    """SHA-256 in hex over canonical JSON of everything a statement says: what an approval binds to."""
    told = {"kind": str(kind), "title": title, "text": text, "states": [[name, str(state)] for name, state in states]}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def statement_of(incident: Incident, name: str) -> Statement:
    """The statement of that id. Raises Refused naming those there are."""
    found = incident.statements.get(name)
    if found is None:
        raise Refused(f"{incident.id} has no statement {name}; there is {', '.join(incident.statements) or 'none'}")
    return found


def stated(incident: Incident, statement: Statement) -> Incident:
    """The incident with that statement in place of the one of its id."""
    return replace(incident, statements={**incident.statements, statement.id: statement})


def shown(incident: Incident) -> list[Statement]:
    """What was ever on the page, in the order in which it came there."""
    found = [each for each in incident.statements.values() if each.step in SHOWN and each.published_at is not None]
    return sorted(found, key=lambda each: (each.published_at, int(each.id[1:])))


def standing(incident: Incident) -> list[Statement]:
    """What counts of it: neither corrected nor withdrawn, in the order of the times it speaks of."""
    found = [each for each in shown(incident) if each.step is Step.PUBLISHED and each.sound]
    return sorted(found, key=lambda each: (each.since, each.published_at))


def courses(statements: Iterable[Statement]) -> Iterator[tuple[datetime, Mapping[str, State]]]:
    """From when on which components are how, as the statements say one after the other; what is resolved is over."""
    states: dict[str, State] = {}
    for each in statements:
        states = {**states, **dict(each.states)}
        if each.kind is Kind.RESOLVED:
            states = dict.fromkeys(states, State.OPERATIONAL)
        if each.since is not None:
            yield each.since, states


def current(incident: Incident) -> Mapping[str, State]:
    """How its components are by what stands on the page now; only those that are not operational."""
    states: Mapping[str, State] = {}
    for _since, states in courses(standing(incident)):  # noqa: B007 - the last one counts
        pass
    return {name: state for name, state in states.items() if state is not State.OPERATIONAL}


def is_over(incident: Incident) -> bool:
    """Whether the page says that it is resolved, or says nothing of it any more."""
    counted = standing(incident)
    return not counted or counted[-1].kind is Kind.RESOLVED


def behind(incident: Incident) -> Statement | None:
    """The statement that still tells readers of trouble although the incident is over; None where none does."""
    if incident.phase not in (Phase.RESOLVED, Phase.CLOSED) or is_over(incident):
        return None
    return standing(incident)[-1]
