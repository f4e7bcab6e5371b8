"""Counsel's calculator: every regime asked on the same facts, with each notice, its dates and what has passed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from bot.notices.applicability import Answer, Applicability, answer, stages
from bot.notices.clocks import asks, in_words, runs
from bot.notices.deadline import Dates, Policy, deadlines, rule_version, starts
from bot.notices.facts import Facts, shown
from bot.notices.places import deciding
from bot.notices.regime import Regime, Stage

Standing = Literal["overdue", "due", "filed", "filed_late", "not_started", "no_number"]
Submitted = Mapping[str, Mapping[str, datetime]]
"""What was filed: by regime, by stage, the instant of the latest filing."""
FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Given:
    """Everything a question is asked on: the facts with what follows from them (`derived`), and what was filed already.

    `tz` and `country` are the organisation's own; a regime's own place comes before them where it has one.
    """

    facts: Facts
    at: datetime
    submitted: Submitted = field(default_factory=dict)
    tz: str = "UTC"
    country: str = ""
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class Question:
    """A fact worth asking for, and who can answer it: counsel, responder or manager."""

    fact: str
    label: str
    asks: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice of a regime as it stands at the moment looked from.

    `counted` says how its dates were counted, or why there is none; `answer` is unknown where it may yet be owed.
    """

    stage: Stage
    answer: Answer
    because: str
    ask: tuple[Question, ...]
    dates: Dates
    counted: str
    standing: Standing
    submitted: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it has a date and is not filed."""
        return self.standing in {"due", "overdue"}


@dataclass(frozen=True, slots=True)
class Ruling:
    """One regime's answer with its notices; `zone` and `place` are where its days and holidays are counted."""

    regime: Regime
    said: Applicability
    rests_on: tuple[tuple[str, str], ...]
    ask: tuple[Question, ...]
    notices: tuple[Notice, ...]
    zone: ZoneInfo
    place: str
    version: str

    @property
    def next(self) -> datetime:
        """When its first notice that is not filed yet falls due, far away where none has a date."""
        return min((each.dates.strict for each in self.notices if each.dates.strict and each.open), default=FAR)


def calculate(regimes: Iterable[Regime], asked: Given) -> tuple[Ruling, ...]:
    """Every regime's ruling: what is owed with a date first, soonest first, then owed, not known yet, not owed."""
    return tuple(sorted((ruling(each, asked) for each in regimes), key=_urgency))


def _urgency(ruling: Ruling) -> tuple[int, datetime, str]:
    return ("yes", "unknown", "no").index(ruling.said.answer), ruling.next, ruling.regime.id


def ruling(regime: Regime, asked: Given) -> Ruling:
    """One regime's ruling."""
    filed = asked.submitted.get(regime.id, {})
    moments = starts(regime, asked.facts, filed)
    own = {key: value for key, value in moments.items() if key in regime.facts}
    facts = {**asked.facts, **own}  # aware when this regime says so
    place = deciding(regime, facts, asked.tz, asked.country)
    zone = ZoneInfo(place.tz)
    said = answer(regime, facts, today=asked.at.astimezone(zone).date(), tz=place.tz)
    notices: tuple[Notice, ...] = ()
    if said.answer != "no" and (filed or runs(regime, said, facts)):
        notices = tuple(_notices(regime, said, facts, moments, filed, asked, place.tz, place.country))
    return Ruling(
        regime,
        said,
        tuple((key, shown(facts.get(key))) for key in said.rests_on),
        tuple(_question(regime, key) for key in said.ask),
        notices,
        zone,
        place.country,
        rule_version(regime, asked.policy),
    )


def _notices(
    regime: Regime,
    said: Applicability,
    facts: Facts,
    moments: Mapping[str, datetime],
    filed: Mapping[str, datetime],
    asked: Given,
    tz: str,
    country: str,
) -> Iterable[Notice]:
    found = []
    for each in stages(regime, facts):
        at = filed.get(each.stage.id)
        if each.answer == "no" and at is None:
            continue
        dates = deadlines(each.stage, moments, tz, country, asked.policy, facts)
        found.append(
            Notice(
                each.stage,
                each.answer,
                each.because,
                tuple(_question(regime, key) for key in asks(said, each, dates) if at is None or key in each.ask),
                dates,
                in_words(regime, dates.because),
                _standing(dates, None if each.stage.recurs else at, asked.at),
                at,
            )
        )
    return sorted(found, key=lambda each: (each.standing.startswith("filed"), each.dates.strict or FAR))


def _standing(dates: Dates, filed: datetime | None, at: datetime) -> Standing:
    if filed is not None:
        return "filed_late" if dates.strict is not None and filed > dates.strict else "filed"
    if dates.strict is None:
        return "not_started" if dates.by_law else "no_number"
    return "overdue" if at > dates.strict else "due"


def _question(regime: Regime, key: str) -> Question:
    fact = regime.facts.get(key)
    return Question(key, regime.label(key), fact.asks if fact else "counsel", fact.note if fact else "")
