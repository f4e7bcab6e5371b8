"""Must we tell someone, whom, by when: the facts the law asks for, every regime's answer, and counsel's decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS
from bot.domain.policy import Role

if TYPE_CHECKING:
    from bot.domain.incident import Incident

READERS = RESPONDERS | {Role.COUNSEL}


class Answer(StrEnum):
    """Must we tell? Unknown is an answer too, and names the questions that would settle it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Duty:
    """One regime's answer for this incident. `strict` is the target date, `outer` is for counsel."""

    regime: str
    name: str
    answer: Answer
    because: str
    stage: str = ""
    strict: datetime | None = None
    outer: datetime | None = None
    ask: tuple[str, ...] = ()
    decided_by: str = ""  # a person who decided otherwise, or confirmed


@dataclass(frozen=True, slots=True)
class RecordFact(Command):
    """Answer one question the law asks; `value` of None says that it is not known."""

    fact: str
    value: str | int | float | bool | tuple[str, ...] | None
    because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, READERS, "record a fact")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        if self.fact in incident.facts and incident.facts[self.fact] == self.value:
            return
        yield FactRecorded(self.fact, self.value, self.because.strip())


@dataclass(frozen=True, slots=True)
class FactRecorded(Event):
    """A fact was stated."""

    fact: str
    # not Words: rules read it (an option, a date, a number); erasing a person's words must not change a duty
    value: str | int | float | bool | tuple[str, ...] | None
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, facts={**incident.facts, self.fact: self.value})

    def says(self, by: str) -> Sentence:
        shown = _said(self.value)
        return says("{who} stated {fact}: {value}", who=Who(by), fact=self.fact.replace("_", " "), value=shown)


def _said(value: str | float | bool | tuple[str, ...] | None) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


@dataclass(frozen=True, slots=True)
class AnswerDuties(Command):
    """What every regime asked answers by the facts of that `basis`; a person's own decision stands."""

    duties: tuple[Duty, ...]
    basis: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if incident.duty_basis == self.basis:
            return
        changed = tuple(
            duty
            for duty in self.duties
            if (known := incident.duties.get(duty.regime)) is None or (not known.decided_by and known != duty)
        )
        yield DutiesAnswered(changed, self.basis) if changed else DutiesStand(self.basis)


@dataclass(frozen=True, slots=True)
class DutiesAnswered(Event):
    """The regimes were asked; "no" is recorded with its reason as well."""

    duties: tuple[Duty, ...]
    basis: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        duties = {**incident.duties, **{duty.regime: duty for duty in self.duties}}
        return replace(incident, duties=duties, duty_basis=self.basis)

    def says(self, by: str) -> Sentence:
        return says(
            "duties: {list}", list="; ".join(f"{duty.name}: {duty.answer}, {duty.because}" for duty in self.duties)
        )


@dataclass(frozen=True, slots=True)
class DutiesStand(Event):
    """The regimes were asked again with other facts, and every answer stands: kept, but no line for people."""

    quiet: ClassVar[bool] = True
    basis: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, duty_basis=self.basis)

    def says(self, by: str) -> Sentence:
        return says("the regimes were asked again; every answer stands")


@dataclass(frozen=True, slots=True)
class DecideDuty(Command):
    """Counsel decides whether a duty applies, with a reason that is kept."""

    regime: str
    answer: Answer
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ask.policy.approve_notice, "decide a duty")
        known = incident.duties.get(self.regime)
        if known is None:
            raise Refused(f"{self.regime} was not asked for {incident.id}")
        if not self.because.strip():
            raise Refused("a decision needs its reason")
        if known.decided_by == ask.by and known.answer is self.answer and known.because == self.because.strip():
            return
        yield DutyDecided(self.regime, self.answer, self.because.strip())


@dataclass(frozen=True, slots=True)
class DutyDecided(Event):
    """Counsel decided."""

    regime: str
    answer: Answer
    because: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        decided = replace(incident.duties[self.regime], answer=self.answer, because=self.because, decided_by=entry.by)
        return replace(incident, duties={**incident.duties, self.regime: decided})

    def says(self, by: str) -> Sentence:
        return says(
            "{who} decided on {regime}: {answer}, {because}",
            who=Who(by),
            regime=self.regime,
            answer=self.answer,
            because=self.because,
        )
