"""Whom it hurts and how much: events from the SLI, people and money from the catalogue, and what nobody knows yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS
from bot.domain.policy import Role
from bot.domain.service import Service

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class Impact:
    """Affected events, people and money; None is "not known", and `unknowns` says why."""

    events: int | None
    people: int | None
    money: Decimal | None
    currency: str
    unknowns: tuple[str, ...]
    note: str
    as_of: datetime


def estimate(service: Service, bad_events: int | None, as_of: datetime) -> Impact:
    """What the data and the catalogue alone say: never a guess, an unknown where either is silent."""
    unknowns = []
    people = money = None
    if bad_events is None:
        unknowns.append("affected events: the SLI has no count")
    else:
        if service.people_per_event is None:
            unknowns.append(f"people: {service.name} does not say how many people one event concerns")
        else:
            people = int(bad_events * service.people_per_event)
        if service.value_per_event is None:
            unknowns.append(f"money: {service.name} does not say what a good event is worth")
        else:
            money = (bad_events * service.value_per_event).quantize(Decimal("0.01"))
    return Impact(bad_events, people, money, service.currency, tuple(unknowns), "", as_of)


@dataclass(frozen=True, slots=True)
class AssessImpact(Command):
    """State the impact; an unknown must say why it is unknown."""

    events: int | None
    people: int | None
    money: Decimal | None
    currency: str
    unknowns: tuple[str, ...] = ()
    note: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS | {Role.COUNSEL}, "assess the impact")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        for name, value in (("events", self.events), ("people", self.people), ("money", self.money)):
            if value is not None and value < 0:
                raise Refused(f"affected {name} cannot be negative")
        blank = [n for n, v in (("events", self.events), ("people", self.people), ("money", self.money)) if v is None]
        silent = [
            name for name in blank if not any(reason.startswith(name) or name in reason for reason in self.unknowns)
        ]
        unknowns = (*self.unknowns, *(f"{name}: not yet investigated" for name in silent))
        told = ImpactAssessed(self.events, self.people, self.money, self.currency, unknowns, self.note.strip())
        if incident.impact is None or incident.impact != told.impact(incident.impact.as_of):
            yield told


@dataclass(frozen=True, slots=True)
class ImpactAssessed(Event):
    """The impact was stated."""

    events: int | None
    people: int | None
    money: Decimal | None
    currency: str
    unknowns: tuple[Words, ...]
    note: Words

    def impact(self, as_of: datetime) -> Impact:
        """The impact as stated, as of then."""
        return Impact(self.events, self.people, self.money, self.currency, self.unknowns, self.note, as_of)

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, impact=self.impact(entry.at))

    def says(self, by: str) -> Sentence:
        def number(value: object) -> str:
            return "unknown" if value is None else f"{value:,}"

        return says(
            "{who} assessed the impact: events {events}, people {people}, money {money}",
            who=Who(by),
            events=number(self.events),
            people=number(self.people),
            money=f"{number(self.money)} {self.currency}" if self.money is not None else "unknown",
        )
