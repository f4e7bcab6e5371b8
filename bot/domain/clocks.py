"""Legal clocks that run: which notices are still owed, who answers for them, and when they are reminded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.duty import Answer, Due, Duty
from bot.domain.filing import filed

if TYPE_CHECKING:
    from bot.domain.incident import Incident
    from bot.domain.policy import Person, Policy


def called(regime: str, stage: str) -> str:
    """How a regime's notice is named in a line: by both, unless the regime's name says already which notice it is."""
    return regime if stage.casefold() in regime.casefold() else f"{regime}: {stage}"


@dataclass(frozen=True, slots=True)
class Running:
    """A notice that is owed, or may be, with a date, and was not filed."""

    duty: Duty
    due: Due

    @property
    def item(self) -> str:
        """How a reminder names it."""
        return f"{self.duty.regime}/{self.due.stage}"

    @property
    def name(self) -> str:
        """How people name it."""
        return called(self.duty.name, self.due.name)

    @property
    def sure(self) -> bool:
        """Whether it is owed; otherwise it may be, and nobody has said that it is not."""
        return self.duty.answer is Answer.YES and self.due.answer is Answer.YES

    @property
    def strict(self) -> datetime:
        """The date alarms aim at."""
        assert self.due.strict is not None  # noqa: S101 - what has no date is not running
        return self.due.strict

    def share(self, now: datetime) -> float:
        """How much of the time is gone: 0 at the start of the clock, 1 on the strict date."""
        started = self.due.started
        if started is None or self.strict <= started:
            return 1.0 if now >= self.strict else 0.0
        return max(0.0, (now - started) / (self.strict - started))

    def at(self, share: float) -> datetime:
        """When so much of the time is gone."""
        started = self.due.started or self.strict
        return started + share * (self.strict - started)


def running(incident: Incident) -> list[Running]:
    """Every clock that runs, the one that ends first before the others.

    One that a person decided not to be owed has none.
    """
    owed = [duty for duty in incident.duties.values() if duty.answer is not Answer.NO]
    found = [Running(duty, due) for duty in owed for due in duty.dues if _runs(incident, duty, due)]
    return sorted(found, key=lambda each: (each.strict, each.item))


def _runs(incident: Incident, duty: Duty, due: Due) -> bool:
    return due.strict is not None and due.answer is not Answer.NO and ended(incident, duty, due) is None


def ended(incident: Incident, duty: Duty, due: Due) -> datetime | None:
    """When a filing ended this clock; None where none did, as with a recurring one that the last filing started."""
    at = filed(incident, duty.regime).get(due.stage)
    again = due.recurs and at is not None and due.started is not None and due.started >= at
    return None if again else at


def answering(incident: Incident, regime: str, policy: Policy, people: Sequence[Person]) -> tuple[str, ...]:
    """Who answers for a regime's clocks, and the deputy: those assigned, else the policy's, else counsel."""
    assigned = incident.duty_owners.get(regime)
    if assigned is not None:
        return tuple(each for each in assigned if each)
    rules = policy.notices
    owners = _wearing(people, rules.owners or policy.approve_notice)
    deputies = _wearing(people, rules.deputies) if rules.deputies else owners[1:]
    first = owners[:1]
    return (*first, *[each for each in deputies if each not in first][:1]) if first else tuple(deputies[:1])


def _wearing(people: Sequence[Person], badges: frozenset[str]) -> list[str]:
    return sorted(person.id for person in people if person.badges & badges)


def moments(each: Running, policy: Policy) -> Iterator[tuple[int, datetime]]:
    """When people are reminded of a clock: percent of its time, and at its end."""
    for share in sorted({*policy.notices.remind_at, 1.0}):
        yield round(share * 100), each.at(share)
