"""Whether a duty to notify exists: yes, no or not known yet, with the reason and the questions that would settle it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from bot.notices.expression import And, Expression, Not, Or
from bot.notices.facts import Facts, shown
from bot.notices.logic import Truth, evaluate, facts_of, grounds, shortest
from bot.notices.regime import RELIEF_BY, Exemption, Regime, Stage

Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Applicability:
    """One answer. `rests_on` are the facts that decided it, `ask` the fewest questions that can settle an unknown.

    `applies_from` and `would_be` are set when the regime is not in force: the answer it would give on that day, so that
    a notice can be prepared. `remarks` are what counsel should look at beside the answer.
    """

    regime: str
    answer: Answer
    because: str
    rests_on: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    applies_from: date | None = None
    would_be: Answer | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageAnswer:
    """Whether one notice of a regime is owed, with the reason."""

    stage: Stage
    answer: Answer
    because: str
    ask: tuple[str, ...] = ()


def answer(regime: Regime, facts: Facts, *, today: date, tz: str = "UTC") -> Applicability:
    """Judge a regime. The date on which its clock starts (in `tz`), or else `today`, decides whether it is in force."""
    merits = _on_the_merits(regime, facts)
    started = facts.get(regime.clock_start)
    on = started.astimezone(ZoneInfo(tz)).date() if isinstance(started, datetime) else today
    gate = in_force(regime, facts, on)
    if gate is None or merits.answer == "no":
        return merits
    standing, since, why, ask = gate
    return Applicability(
        regime.id,
        "unknown" if standing is None else "no",
        f"{'Not known yet' if standing is None else 'No duty'}, because {why} ({_in_force_source(regime)}).",
        rests_on=tuple(key for key in (regime.clock_start, regime.in_force.by) if facts.get(key) is not None),
        ask=ask,
        applies_from=since,
        would_be=merits.answer,
        remarks=(*merits.remarks, *((regime.in_force.note,) if regime.in_force.note else ())),
    )


def _on_the_merits(regime: Regime, facts: Facts) -> Applicability:
    """The answer of trigger and exemptions alone, as if the regime were in force."""
    rule = _whole_rule(regime)
    truth = evaluate(rule, facts)
    remarks = tuple(_remarks(regime, facts))
    rests_on = grounds(rule, facts)
    reasons = _reasons(regime, rests_on, facts)
    if truth is None:
        ask = shortest(rule, facts)
        because = f"Not known yet, because it turns on: {_labels(regime, rests_on)}"
        if regime.no_report:
            open_yet = "it is written by choice" if regime.voluntary else "anything else is owed"
            turns = f"whether {open_yet} turns on: {_labels(regime, rests_on)}"
            because = f"No duty to report the incident, because {regime.no_report}; {turns}"
        return Applicability(regime.id, "unknown", f"{because} ({regime.cited}).", (), ask, remarks=remarks)
    lifted = next((rule for rule in regime.exemptions if truth is False and _takes_away(rule, regime, facts)), None)
    if lifted is not None:
        rests_on = (*grounds(lifted.when, facts), *(grounds(lifted.to, facts) if lifted.to else ()))
        because = f"No duty, because {lifted.says} [{_reasons(regime, rests_on, facts)}]"
    else:
        because = _because(regime, reasons, truth=truth)
    return Applicability(regime.id, "yes" if truth else "no", f"{because} ({regime.cited}).", rests_on, remarks=remarks)


def _because(regime: Regime, reasons: str, *, truth: bool) -> str:
    """The settled answer in words; what knows no report of an incident says so whichever way it went."""
    if truth and regime.voluntary:
        return f"By choice, not by duty, because {reasons}"
    if not regime.no_report:
        return f"{'A duty exists' if truth else 'No duty'}, because {reasons}"
    if truth:
        return f"A duty exists, though none to report the incident ({regime.no_report}), because {reasons}"
    return f"No duty to report the incident, because {regime.no_report} [{reasons}]"


def _whole_rule(regime: Regime) -> Expression:
    """Trigger, and none of what lifts it, and where something narrows it, only what remains."""
    terms: list[Expression] = [regime.trigger]
    for exemption in regime.exemptions:
        if exemption.effect == "lifts":
            terms.append(Not(exemption.when))
        elif exemption.effect == "narrows" and exemption.to is not None:
            terms.append(Or((Not(exemption.when), exemption.to)))
    return terms[0] if len(terms) == 1 else And(tuple(terms))


def _takes_away(exemption: Exemption, regime: Regime, facts: Facts) -> bool:
    if evaluate(regime.trigger, facts) is not True or evaluate(exemption.when, facts) is not True:
        return False
    return exemption.effect == "lifts" or (
        exemption.effect == "narrows" and exemption.to is not None and evaluate(exemption.to, facts) is False
    )


def _remarks(regime: Regime, facts: Facts) -> Iterable[str]:
    for exemption in regime.exemptions:
        if exemption.effect == "counsel" and evaluate(exemption.when, facts) is True:
            yield f"For counsel: {exemption.says}"


def in_force(regime: Regime, facts: Facts, on: date) -> tuple[Truth, date | None, str, tuple[str, ...]] | None:
    """None when the regime applies on that date; else (False or None, first date, why, what to ask)."""
    rule = regime.in_force
    if not regime.enabled:
        return None, None, "whether this law is in force at all is not established, and only counsel can say", ()
    if rule.until is not None and on > rule.until:
        return False, None, f"it applied only until {_day(rule.until)}", ()
    value = facts.get(rule.by) if rule.by else None
    dates = [rule.dates[value]] if isinstance(value, str) and value in rule.dates else list(rule.dates.values())
    since = sorted(dates or ([rule.since] if rule.since else []))
    if not since or on >= since[-1]:
        return None
    if on < since[0]:
        which = f" for {regime.label(rule.by)} {value}" if len(since) == 1 and rule.by else ""
        later = f" at the earliest, {_day(since[-1])} at the latest" if since[-1] != since[0] else ""
        return (
            False,
            since[0],
            f"it applies from {_day(since[0])}{which}{later}, and the day in question is {_day(on)}",
            (),
        )
    listed = _listed(f"{_day(day)} for {name}" for name, day in sorted(rule.dates.items(), key=lambda pair: pair[1]))
    return None, since[0], f"it applies from {listed}, and {regime.label(rule.by)} is not known", (rule.by,)


def next_date(regime: Regime, facts: Facts, after: date) -> date | None:
    """The first day after that one on which a date in the law itself may change the answer; None where none is left."""
    rule = regime.in_force
    value = facts.get(rule.by) if rule.by else None
    dates = [rule.dates[value]] if isinstance(value, str) and value in rule.dates else list(rule.dates.values())
    return min((day for day in dates or ([rule.since] if rule.since else []) if day > after), default=None)


def _in_force_source(regime: Regime) -> str:
    """The law itself and the act that last moved its dates: by custom the first two citations of a regime."""
    return "; ".join(str(citation) for citation in regime.citations[:2]) or regime.name


def _reasons(regime: Regime, keys: Iterable[str], facts: Facts) -> str:
    return "; ".join(f"{regime.label(key)}: {shown(facts.get(key))}" for key in keys)


def _labels(regime: Regime, keys: Iterable[str]) -> str:
    return "; ".join(regime.label(key) for key in keys)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _listed(words: Iterable[str]) -> str:
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def stages(regime: Regime, facts: Facts) -> tuple[StageAnswer, ...]:
    """For a regime that applies: which of its notices are owed on these facts."""
    return tuple(_stage(regime, stage, facts) for stage in regime.stages)


def _stage(regime: Regime, stage: Stage, facts: Facts) -> StageAnswer:
    owed = "By choice, not owed," if stage.voluntary else "Owed"
    if stage.condition is None:
        return StageAnswer(stage, "yes", f"{owed} whenever {regime.name} applies.")
    truth = evaluate(stage.condition, facts)
    keys = grounds(stage.condition, facts)
    if truth is None:
        because = f"Not known yet, because it turns on: {_labels(regime, keys)}."
        return StageAnswer(stage, "unknown", because, shortest(stage.condition, facts))
    word = owed.removesuffix(",") if truth else "Not owed"
    return StageAnswer(stage, "yes" if truth else "no", f"{word}, because {_reasons(regime, keys, facts)}.")


def questions(regimes: Iterable[Regime], facts: Facts) -> tuple[str, ...]:
    """The facts still worth asking about over many regimes, the one that can settle most of them first."""
    votes: dict[str, int] = {}
    for regime in regimes:
        rule = _whole_rule(regime)
        if evaluate(rule, facts) is None:
            for key in shortest(rule, facts):
                votes[key] = votes.get(key, 0) + 1
    return tuple(sorted(votes, key=lambda key: (-votes[key], key)))


def facts_used(regime: Regime) -> tuple[str, ...]:
    """Every fact the regime can ever ask about: trigger, exemptions, stages, clock starts and dates."""
    keys = list(facts_of(regime.trigger))
    for exemption in regime.exemptions:
        keys += [*facts_of(exemption.when), *(facts_of(exemption.to) if exemption.to else ())]
    for stage in regime.stages:
        keys += [*(facts_of(stage.condition) if stage.condition else ()), *stage.clock_also, stage.clock_start]
        keys += [limit.start for limit in stage.deadline.limits]
        keys += [key for variant in stage.deadline.variants for key in facts_of(variant.when)]
        keys += [stage.deadline.hours_by, stage.deadline.amounts_by]
        keys += RELIEF_BY if stage.deadline.noon_relief and stage.deadline.no_relief_for else ()
    keys += [regime.clock_start, regime.in_force.by]
    return tuple(key for key in dict.fromkeys(keys) if key in regime.facts)
