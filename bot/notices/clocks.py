"""The clocks of a regime: whether they run at all, which moments they count from, and how a date is told in words."""

import re

from bot.notices.applicability import Applicability, StageAnswer
from bot.notices.counting import SAID
from bot.notices.deadline import Dates
from bot.notices.facts import Facts
from bot.notices.logic import points_to
from bot.notices.regime import Regime, Stage

_KEY = re.compile(r"stage_submitted\([^()]*\)|\b[a-z0-9]+(?:_[a-z0-9]+)+\b")


def runs(regime: Regime, said: Applicability, facts: Facts) -> bool:
    """Whether dates are counted: there is a duty, or may be one; what nothing points to is asked about and no more."""
    merits = said.would_be or said.answer
    return merits == "yes" or (merits == "unknown" and points_to(regime.trigger, facts))


def asks(said: Applicability, stage: StageAnswer, dates: Dates) -> tuple[str, ...]:
    """What is asked of one notice: what settles whether it is owed, and where it is owed, what moves its date."""
    sure = said.answer == stage.answer == "yes"
    return tuple(dict.fromkeys((*stage.ask, *(dates.ask if sure else ()))))


def clocks(stage: Stage) -> tuple[str, ...]:
    """The names of the moments a stage can be counted from."""
    limits = tuple(dict.fromkeys(each.start for each in stage.deadline.limits))
    return limits or (stage.clock_start, *stage.clock_also)


def clock(regime: Regime, key: str) -> str:
    """A moment in words: a fact's label, or the notice whose filing it is."""
    if not key.startswith("stage_submitted("):
        return regime.label(key)
    name = key.removeprefix("stage_submitted(").removesuffix(")")
    latest, _, named = name.rpartition(" ")
    if named == "latest":
        return "latest filing"
    stage = regime.stage(named)
    return f"{'latest ' if latest else ''}filing of {stage.name if stage else named}"


def in_words(regime: Regime, because: str) -> str:
    """How a date was counted, with every fact, filing and way of counting under the name a person knows it by."""

    def word(found: re.Match[str]) -> str:
        key = found[0]
        if key in SAID:
            return SAID[key]
        return f'"{clock(regime, key)}"' if key in regime.facts or "(" in key else key

    return _KEY.sub(word, because)
