"""Must we tell someone, whom, by when: the facts the law asks for, every regime's answer, and counsel's decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from textwrap import shorten
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
class Due:
    """One notice of a regime and its clock: whether it is owed, since when the clock runs, and by when it is due.

    `start` names the fact the clock starts on. Without `by_law` the date is our own target. `rule` is the version of
    the rules it was counted with. One that `recurs` starts again with each filing of it.
    """

    stage: str
    name: str
    answer: Answer
    start: str = ""
    started: datetime | None = None
    strict: datetime | None = None
    outer: datetime | None = None
    because: str = ""
    by_law: bool = True
    rule: str = ""
    recurs: bool = False

    def same_date(self, other: Due) -> bool:
        """Whether the clock stands as it stood."""
        return (self.started, self.strict, self.outer) == (other.started, other.strict, other.outer)


@dataclass(frozen=True, slots=True)
class Counted:
    """A date as it was once computed: kept for ever, with what it was counted from."""

    due: Due
    at: datetime
    basis: str


@dataclass(frozen=True, slots=True)
class Duty:
    """One regime's answer for this incident. `strict` is the target date, `outer` is for counsel.

    Both and `stage` are those of the notice due first; `dues` holds all of them. Where a person decided, `facts_say`
    and `facts_because` are what the facts alone would answer now.
    """

    regime: str
    name: str
    answer: Answer
    because: str
    stage: str = ""
    strict: datetime | None = None
    outer: datetime | None = None
    ask: tuple[str, ...] = ()
    decided_by: str = ""  # a person who decided otherwise, or confirmed
    rests_on: tuple[str, ...] = ()
    applies_from: date | None = None
    would_be: Answer | None = None  # what it would answer once it applies
    dues: tuple[Due, ...] = ()
    facts_say: Answer | None = None
    facts_because: str = ""
    decided_at: datetime | None = None
    again: datetime | None = None  # it is asked again then: a date in the law itself passes

    @property
    def contradicted(self) -> bool:
        """Whether the facts have come to say the opposite of what a person decided."""
        return bool(self.decided_by) and {self.answer, self.facts_say} == {Answer.YES, Answer.NO}

    def due(self, stage: str) -> Due | None:
        """The clock of one of its notices."""
        return next((each for each in self.dues if each.stage == stage), None)


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
    """What every regime asked answers by the facts of that `basis`; a person's own decision stands.

    On the same facts they answer once, and once more when a date in a law has passed.
    """

    duties: tuple[Duty, ...]
    basis: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        passed = {name for name, duty in incident.duties.items() if duty.again is not None and duty.again <= ask.at}
        if incident.duty_basis == self.basis and not passed:
            return
        left = passed - {duty.regime for duty in self.duties}  # no rules are there for it any more: it has no date
        asked = (
            *(_beside(incident.duties.get(duty.regime), duty) for duty in self.duties),
            *(replace(incident.duties[name], again=None) for name in sorted(left)),
        )
        changed = tuple(_kept(duty) for duty in asked if incident.duties.get(duty.regime) != duty)
        yield DutiesAnswered(changed, self.basis) if changed else DutiesStand(self.basis)


def _beside(known: Duty | None, fresh: Duty) -> Duty:
    """The answer as it is kept: a person's decision stands, with today's clocks and what the facts say beside it."""
    if known is None or not known.decided_by:
        return fresh
    return replace(
        fresh,
        answer=known.answer,
        because=known.because,
        decided_by=known.decided_by,
        decided_at=known.decided_at,
        ask=(),
        facts_say=fresh.answer,
        facts_because=fresh.because,
    )


def _kept(duty: Duty) -> Duty:
    """As the entry holds it: a person's reason stands in their own decision alone, where it can be erased."""
    return replace(duty, because="") if duty.decided_by else duty


MOST_REASONED, REASON = 3, 200
"""Regimes whose reasons one line of the timeline gives, and characters of each; the whole stands with the duty."""
MOST_NAMED = {Answer.YES: 8, Answer.UNKNOWN: 3, Answer.NO: 0}
"""Regimes that line names by their answer where there are more, before it counts the rest."""
TOLD = {Answer.YES: "owed", Answer.UNKNOWN: "not known yet", Answer.NO: "no duty"}


@dataclass(frozen=True, slots=True)
class DutiesAnswered(Event):
    """The regimes were asked; "no" is recorded with its reason as well."""

    duties: tuple[Duty, ...]
    basis: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        duties = {**incident.duties, **{duty.regime: _told(incident, duty) for duty in self.duties}}
        history = dict(incident.due_history)
        for duty in self.duties:
            for due in duty.dues:
                past = history.get(f"{duty.regime}/{due.stage}", ())
                known = past[-1].due if past else Due(due.stage, due.name, due.answer)
                if not due.same_date(known):
                    history[f"{duty.regime}/{due.stage}"] = (*past, Counted(due, entry.at, self.basis))
        return replace(incident, duties=duties, due_history=history, duty_basis=self.basis)

    def says(self, by: str) -> Sentence:
        if len(self.duties) > MOST_REASONED:
            told = [_grouped(answer, [duty for duty in self.duties if duty.answer is answer]) for answer in TOLD]
        else:
            told = [f"{duty.name}: {_briefly(duty)}" for duty in self.duties]
        return says("duties: {list}", list="; ".join(filter(None, told)))


def _told(incident: Incident, duty: Duty) -> Duty:
    """The duty with its decider's reason, which the entry of the decision holds."""
    known = incident.duties.get(duty.regime)
    decided = bool(duty.decided_by) and known is not None and not duty.because
    return replace(duty, because=known.because) if decided and known is not None else duty


def _grouped(answer: Answer, duties: list[Duty]) -> str:
    """Regimes that answer alike: the first by name, the rest by number; "" where none does."""
    named = [f"{duty.name}{_by(duty)}" for duty in duties[: MOST_NAMED[answer]]]
    rest = len(duties) - len(named)
    if rest and not named:
        return f"{TOLD[answer]} under {rest} regime{'s' if rest > 1 else ''}"
    return f"{TOLD[answer]}: {' · '.join(named)}{f' and {rest} more' if rest else ''}" if duties else ""


def _briefly(duty: Duty) -> str:
    """The reason as far as a line has room; where a person decided, their answer stands before it."""
    because = f"{duty.answer}, as was decided" if duty.decided_by else duty.because
    return shorten(because, REASON, placeholder=" …") + _by(duty)


def _by(duty: Duty) -> str:
    """By when it is due, or would be; "" without a date or a duty."""
    if duty.strict is None or duty.answer is Answer.NO:
        return ""
    return f" ({'' if duty.answer is Answer.YES else 'if so, '}by {duty.strict.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"


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
        was = incident.duties[self.regime]
        facts_say, why = (was.facts_say, was.facts_because) if was.decided_by else (was.answer, was.because)
        decided = replace(
            was,
            answer=self.answer,
            because=self.because,
            decided_by=entry.by,
            decided_at=entry.at,
            ask=(),
            facts_say=facts_say,
            facts_because=why,
        )
        return replace(incident, duties={**incident.duties, self.regime: decided})

    def says(self, by: str) -> Sentence:
        return says(
            "{who} decided on {regime}: {answer}, {because}",
            who=Who(by),
            regime=self.regime,
            answer=self.answer,
            because=self.because,
        )


@dataclass(frozen=True, slots=True)
class AssignDuty(Command):
    """Somebody answers for a regime's clocks, and somebody else for them; both are reminded."""

    regime: str
    owner: str
    deputy: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, READERS, "say who answers for a duty")
        if self.regime not in incident.duties:
            raise Refused(f"{self.regime} was not asked for {incident.id}")
        if not self.owner:
            raise Refused("say who answers for it")
        if self.owner == self.deputy:
            raise Refused("the deputy is somebody else: they step in where the first person cannot")
        if incident.duty_owners.get(self.regime) != (self.owner, self.deputy):
            yield DutyAssigned(self.regime, self.owner, self.deputy)


@dataclass(frozen=True, slots=True)
class DutyAssigned(Event):
    """Somebody answers for a regime's clocks."""

    regime: str
    owner: str
    deputy: str = ""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        owners = {**incident.duty_owners, self.regime: (self.owner, self.deputy)}
        return replace(incident, duty_owners=owners)

    def says(self, by: str) -> Sentence:
        words = "{who} asked {owner} to answer for {regime}"
        if not self.deputy:
            return says(words, who=Who(by), owner=Who(self.owner), regime=self.regime)
        return says(f"{words}, with {{deputy}} as deputy", who=Who(by), owner=Who(self.owner), regime=self.regime,
                    deputy=Who(self.deputy))  # fmt: skip
