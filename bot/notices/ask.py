"""One regime asked in full: whether it wants a notice, which ones, since when their clocks run and by when they end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from bot.notices.applicability import Applicability, StageAnswer, answer, next_date, stages
from bot.notices.clocks import asks, clocks, runs
from bot.notices.deadline import NOTHING, Dates, Policy, deadlines, starts
from bot.notices.facts import Facts
from bot.notices.places import deciding
from bot.notices.regime import Fact, Regime, Stage


@dataclass(frozen=True, slots=True)
class Clock:
    """One notice of a regime with its dates; `started` is None while the fact `start` is not recorded."""

    said: StageAnswer
    dates: Dates
    start: str
    started: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A regime's answer and the clocks of the notices it asks for, or may ask for; none where there is no duty.

    `again` is when it must be asked again though no fact changed: a date in the law itself passes.
    """

    regime: Regime
    said: Applicability
    clocks: tuple[Clock, ...] = ()
    again: datetime | None = None

    @property
    def first(self) -> Clock | None:
        """The notice due first; one without a date where none has any."""
        owed = [each for each in self.clocks if each.said.answer != "no"]
        dated = [(each.dates.strict, place) for place, each in enumerate(owed) if each.dates.strict is not None]
        return owed[min(dated)[1]] if dated else owed[0] if owed else None


def ask(
    regime: Regime,
    facts: Facts,
    *,
    today: date,
    tz: str = "UTC",
    country: str = "",
    submitted: Mapping[str, datetime] = NOTHING,
    policy: Policy | None = None,
    decided: str = "",
    now: datetime | None = None,
) -> Asked:
    """Ask one regime. `submitted` says when which of its stages was filed; `decided` is a person's own yes or no.

    A law that does not apply on `today` may come to apply while its clock has not started: it is judged by `now` then.
    Days end, and public holidays are kept, where the regime decides: `tz` and `country` are the organisation's own.
    """
    zone, where = deciding(regime, facts, tz, country)
    moments = starts(regime, facts, submitted)
    own = {**facts, **{k: v for k, v in moments.items() if k in facts}}
    said, again = answer(regime, own, today=today, tz=zone), None
    if now is not None and said.applies_from is not None and regime.clock_start not in moments:
        day = max(today, now.astimezone(ZoneInfo(zone)).date())
        said, later = answer(regime, own, today=day, tz=zone), next_date(regime, own, day)
        if said.applies_from is not None and later is not None:
            again = datetime.combine(later, time(), ZoneInfo(zone)).astimezone(UTC)
    if decided == "no" or (not decided and not runs(regime, said, facts)):
        return Asked(regime, said, again=again)
    told = []
    for each in stages(regime, facts):
        start, started = _start(each.stage, moments)
        told.append(Clock(each, deadlines(each.stage, moments, zone, where, policy, facts), start, started))
    return Asked(regime, said, tuple(told), again)


def _start(stage: Stage, moments: Mapping[str, datetime]) -> tuple[str, datetime | None]:
    """The moment a stage's clock starts on; of several limits the one that started first."""
    names = clocks(stage)
    running = [(moments[name], name) for name in names if name in moments]
    return (min(running)[1], min(running)[0]) if running else (names[0], None)


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """One thing worth asking: the fact, and the regimes its answer helps to settle."""

    fact: Fact
    regimes: tuple[str, ...]


def open_questions(asked: Iterable[Asked]) -> tuple[OpenQuestion, ...]:
    """What to ask next, the question that settles most first: whether duties exist, which notices, since when."""
    wanted: dict[str, list[str]] = {}
    known: dict[str, Fact] = {}
    for each in asked:
        known.update(each.regime.facts)
        for key in (*each.said.ask, *_of_clocks(each)):
            regimes = wanted.setdefault(key, [])
            if each.regime.id not in regimes:
                regimes.append(each.regime.id)
    ranked = sorted(wanted, key=lambda key: (-len(wanted[key]), key))
    return tuple(OpenQuestion(known[key], tuple(wanted[key])) for key in ranked if key in known)


def _of_clocks(asked: Asked) -> Iterable[str]:
    if asked.said.answer == "yes":
        for clock in asked.clocks:
            yield from asks(asked.said, clock.said, clock.dates)
