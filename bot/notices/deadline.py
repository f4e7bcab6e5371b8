"""By when a notice is due: the strict date alarms aim at, and the outer date that only counsel may argue."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.notices.counting import COUNTED_AT, METHODS, STRICT_TWIN, Calendar, Period, counted_with
from bot.notices.facts import Facts
from bot.notices.logic import evaluate, shortest
from bot.notices.regime import RELIEF_BY, Deadline, Limit, Regime, Stage

NOON = time(12)
NONE: Facts = MappingProxyType({})
NOTHING: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Policy:
    """What the organisation adds to the law: closures a calendar lacks, its own targets in hours, its entity types."""

    closures: Mapping[str, frozenset[date]] = field(default_factory=dict)
    target_hours: Mapping[str, int] = field(default_factory=dict)
    entity_types: frozenset[str] = frozenset()

    def calendar(self, place: str) -> Calendar:
        """Working days of a place; what its whole country closes on, a region closes on too."""
        country, _, region = place.partition("-")
        closed = self.closures.get(country, frozenset())
        return Calendar(place, closed | self.closures.get(place, frozenset()) if region else closed)


class Dates(NamedTuple):
    """`strict` is the target, `outer` for counsel only; None where nothing runs. `by_law` False: our own target.

    `ask` are facts that nobody knows yet and that would start the clock or move a date.
    """

    strict: datetime | None
    outer: datetime | None
    because: str
    by_law: bool = True
    ask: tuple[str, ...] = ()


def deadlines(
    stage: Stage,
    clock_start: datetime | Mapping[str, datetime],
    tz: str,
    country: str = "",
    policy: Policy | None = None,
    facts: Facts = NONE,
) -> Dates:
    """The strict and the outer date of a stage, in the deciding zone.

    `clock_start` is the moment the stage's clock starts, or all known moments by name where several count: facts such
    as `aware_at`, and `stage_submitted(<stage>)`. `country` is where the notice is given (its holidays decide). By
    `facts` some have other numbers than the rest, and some no relief at weekends.
    """
    rules = policy or Policy()
    stage, longest, ask = _for(stage, facts)
    rules = replace(rules, entity_types=rules.entity_types | entity_types(facts))
    own_zone, own_place = COUNTED_AT.get(stage.deadline.counting, ("", ""))
    zone = ZoneInfo(own_zone or tz)
    starts = clock_start if isinstance(clock_start, Mapping) else {stage.clock_start: clock_start}
    if any(moment.tzinfo is None for moment in starts.values()):
        raise ValueError("a clock start without a time zone cannot be counted from")
    calendar = rules.calendar(stage.deadline.calendar or own_place or country)
    if stage.deadline.limits:
        return _earliest_limit(stage, starts, zone, calendar, rules, facts)
    known = [name for name in (*stage.clock_also, stage.clock_start) if name in starts]
    stage = replace(stage, clock_start=min(known, key=lambda name: starts[name], default=stage.clock_start))
    start = starts.get(stage.clock_start)
    if start is None:
        why = f"The clock has not started: {stage.clock_start} is not recorded."
        return Dates(None, None, why, ask=(*_unrecorded(stage.clock_start, facts), *ask))
    if stage.deadline.counting == "none" or not stage.deadline.amount:
        return _target(stage, start, zone, rules)._replace(ask=ask)
    dates = _counted(stage.deadline, stage.clock_start, start, zone, calendar)
    if longest is not None:
        outer = _counted(longest, stage.clock_start, start, zone, calendar).outer
        long = f"{spelled(longest.amount, longest.unit)}, for counsel only while that is not known"
        dates = dates._replace(outer=outer, because=f"{dates.because.removesuffix('.')}; the outer date counts {long}.")
    return dates._replace(ask=ask)


def _unrecorded(start: str, facts: Facts) -> tuple[str, ...]:
    """The fact to ask for where a clock waits for it; a filing is no fact."""
    return () if start.startswith("stage_submitted(") or facts.get(start) is not None else (start,)


def rule_version(regime: Regime, policy: Policy | None = None) -> str:
    """What a date was counted with: the regime as of its day, the holiday calendars, the product, and own closures.

    Two dates with the same words, facts and rule version are the same date.
    """
    parts = [f"{regime.id} as of {regime.as_of or 'no date'}", counted_with()]
    closures = {place: sorted(days) for place, days in (policy.closures if policy else {}).items() if days}
    if closures:
        told = "; ".join(f"{place} {' '.join(map(str, days))}" for place, days in sorted(closures.items()))
        parts.append(f"own closures {hashlib.sha256(told.encode()).hexdigest()[:8]}")
    return "; ".join(parts)


NO_TIME = "promptly"
NAMED = "named_by_authority"


def _for(stage: Stage, facts: Facts) -> tuple[Stage, Deadline | None, tuple[str, ...]]:
    """The stage with the number that holds on these facts, the longest that may yet hold, and what is not known of it.

    The number is a variant's, or the shortest a contract gives. While it is open whether a variant holds, the least
    number counts: what is not known never makes a period longer.
    """
    rule = stage.deadline
    by = rule.hours_by or rule.amounts_by
    if by:
        found = _agreed(stage, facts) if rule.hours_by else replace(stage, deadline=_shortest(rule, facts))
        return found, None, () if facts.get(by) is not None else (by,)
    amounts, says, ask = list[int](), list[str](), list[str]()
    for variant in rule.variants:
        holds = evaluate(variant.when, facts)
        if holds is False:
            continue
        amounts.append(variant.amount)
        says += [f"{variant.says}{'' if holds else ', which is not known yet'}"] if variant.says else []
        ask += shortest(variant.when, facts)
        if holds:
            break
    else:
        amounts.append(rule.amount)
    also = "; ".join(part for part in (rule.also, *says) if part)
    short, long = (replace(rule, amount=amount, also=also) for amount in (min(amounts), max(amounts)))
    return replace(stage, deadline=short), None if long == short else long, tuple(dict.fromkeys(ask))


def _agreed(stage: Stage, facts: Facts) -> Stage:
    """The stage with the shortest hours a contract gives, or the law's own words where none gives any."""
    rule = stage.deadline
    terms = facts.get(rule.hours_by)
    given = (
        {name: hours for name, hours in terms.items() if isinstance(hours, int) and hours}
        if isinstance(terms, Mapping)
        else {}
    )
    prompt = sorted(name for name, hours in terms.items() if hours == 0) if isinstance(terms, Mapping) else []
    soon = f"{NO_TIME}: {', '.join(prompt)}" if prompt else ""
    if not given:
        words = "; ".join(part for part in (rule.text, soon) if part and not (soon and part == NO_TIME))
        return replace(stage, deadline=replace(rule, counting="none", amount=0, text=words or NO_TIME))
    first = min(given, key=lambda name: (given[name], name))
    also = f"the shortest of {len(given)}, {first}" if len(given) > 1 else first
    also = f"{also}; {soon}" if soon else also
    counted = replace(rule, counting="elapsed_hours", amount=given[first], unit="hours", also=also)
    return replace(stage, deadline=counted)


def _shortest(rule: Deadline, facts: Facts) -> Deadline:
    """The rule with the least number of the places concerned; what is not known never makes a period longer."""
    counts = facts.get(rule.amounts_by)
    known = isinstance(counts, Mapping)
    there = {
        place: each for place, each in rule.amounts.items() if not isinstance(counts, Mapping) or counts.get(place)
    }
    if not there:
        return replace(rule, counting="none", amount=0, text=rule.text or NO_TIME)
    least = min(there.values())
    names = ", ".join(sorted(place for place, each in there.items() if each == least))
    says = f"the shortest number here is that of {names}" + ("" if known else ", while the places are not known")
    return replace(rule, amount=least, also="; ".join(part for part in (rule.also, says) if part))


def entity_types(facts: Facts) -> frozenset[str]:
    """What an organisation is to rules with relief for some: `credit_institution`, `nis2_essential`, `nis2_none`."""
    kind, nis2, named = (facts.get(key) for key in RELIEF_BY)
    found = {str(kind)} if kind else set[str]()
    found |= {f"nis2_{nis2}"} if nis2 else set()
    return frozenset(found | ({NAMED} if named is True else set()))


def _type_unknown(rule: Deadline, types: frozenset[str]) -> tuple[str, ...]:
    """The facts without which nobody can say that relief is not denied to us."""
    of_nis2 = {each for each in rule.no_relief_for if each.startswith("nis2_")}
    wanted = {
        "dora_entity_type": bool(set(rule.no_relief_for) - of_nis2 - {NAMED})
        and not any(each != NAMED and not each.startswith("nis2_") for each in types),
        "nis2_entity": bool(of_nis2) and not any(each.startswith("nis2_") for each in types),
    }
    return tuple(key for key, open_yet in wanted.items() if open_yet)


def starts(regime: Regime, facts: Facts, submitted: Mapping[str, datetime] = NOTHING) -> dict[str, datetime]:
    """Every moment a clock of the regime may start on: facts, then what was filed, by stage and `latest` of all.

    `aware_at_by_regime` wins over `aware_at`: one incident can be known at different times under different laws.
    """
    found = {key: value for key, value in facts.items() if isinstance(value, datetime)}
    own = facts.get("aware_at_by_regime")
    moment = own.get(regime.id) if isinstance(own, Mapping) else None
    if isinstance(moment, datetime):
        for each in regime.stages:  # what counsel chose for this regime stands over what else would start its clock
            for key in each.clock_also:
                found.pop(key, None)
        found["aware_at"] = moment
    for stage, at in submitted.items():
        found[f"stage_submitted({stage})"] = found[f"stage_submitted(latest {stage})"] = at
    if submitted:
        found["stage_submitted(latest)"] = max(submitted.values())
    return found


def _counted(deadline: Deadline, name: str, start: datetime, zone: ZoneInfo, calendar: Calendar) -> Dates:
    period = Period(start, deadline.amount, deadline.unit, zone, calendar)
    law = deadline.counting
    strict = METHODS[deadline.strict or STRICT_TWIN.get(law, law)](period)
    outer = METHODS[deadline.outer or law](period)
    because = f"{spelled(deadline.amount, deadline.unit)} from {name} at {_local(start, zone)}"
    if deadline.also:
        says = "as agreed:" if deadline.hours_by else "the law also says"
        because += f"; {says} {deadline.also if deadline.hours_by else deadline.also.replace('_', ' ')}"
    if outer != strict:
        because += f"; the outer date, for counsel only, is counted {deadline.outer or law}"
    if law in _NEED_HOLIDAYS or deadline.outer in _NEED_HOLIDAYS:
        because += _blind(calendar)
    return Dates(strict, outer, because + ".")


def _blind(calendar: Calendar) -> str:
    place = calendar.place or "the place of notice"
    return "" if calendar.known else f"; public holidays of {place} are not on file, only weekends count"


_NEED_HOLIDAYS = frozenset({"eu_days_1182", "eu_months_1182", "business_days", "sec_business_days"})


def _target(stage: Stage, start: datetime, zone: ZoneInfo, policy: Policy) -> Dates:
    """A stage the law gives no number: what the organisation chose, or what guidance reads into it, or nothing."""
    words = stage.deadline.text.replace("_", " ") or "no fixed period"
    hours = policy.target_hours.get(stage.id) or stage.deadline.target_hours
    if not hours:
        return Dates(
            None, None, f"The law sets no number ({words}) and no target of our own is configured.", by_law=False
        )
    due = (start.astimezone(UTC) + timedelta(hours=hours)).astimezone(zone)
    own = stage.id in policy.target_hours
    basis = "our target, not the law" if own else stage.deadline.target_basis or "our target, not the law"
    because = f"The law says: {words}. {hours} hours from {stage.clock_start} at {_local(start, zone)} ({basis})."
    return Dates(due, due, because, by_law=False)


def _earliest_limit(
    stage: Stage, starts: Mapping[str, datetime], zone: ZoneInfo, calendar: Calendar, policy: Policy, facts: Facts
) -> Dates:
    """Several limits, the earliest counts; on a closed day some entities have until noon of the next working day.

    While it is not known that ours has it, that noon is the outer date only.

    RTS (EU) 2025/301 Art. 5(1), (2) and (4) to (6). The limit itself, not the start, must fall on the closed day.
    """
    running = [limit for limit in stage.deadline.limits if limit.start in starts and not _switched_off(limit, starts)]
    if not running:
        names = ", ".join(limit.start for limit in stage.deadline.limits)
        ask = _unrecorded(stage.deadline.limits[0].start, facts)
        none = f"none of {names}" if len(stage.deadline.limits) > 1 else names
        told = f"{none} is {'' if len(stage.deadline.limits) > 1 else 'not '}recorded"
        return Dates(None, None, f"The clock has not started: {told}.", ask=ask)
    due, limit = min(((_limit(item, starts, zone, calendar), item) for item in running), key=lambda pair: pair[0])
    because = f"{spelled(limit.amount, limit.unit)} from {limit.start} at {_local(starts[limit.start], zone)}"
    if len(running) > 1:
        because += ", the earliest of its limits"
    if stage.deadline.also:
        because += f"; the law also says {stage.deadline.also.replace('_', ' ')}"
    excluded = policy.entity_types & set(stage.deadline.no_relief_for)
    closed = not calendar.working(due.date())
    if stage.deadline.noon_relief and closed and not excluded:
        relief = datetime.combine(calendar.next_working(due.date()), NOON, zone)
        unknown = _type_unknown(stage.deadline, policy.entity_types)
        if unknown:
            because += (
                f"; it ends on a closed day, and noon of the next working day{_blind(calendar)} is for counsel only"
            )
            because += f" while this is not known: {', '.join(unknown)}"
            return Dates(due, relief, because + ".", ask=unknown)
        because += f"; it ends on a closed day, so at noon of the next working day{_blind(calendar)}"
        if NAMED in stage.deadline.no_relief_for and facts.get(RELIEF_BY[2]) is None:
            because += f", unless the authority takes that from us (not known: {RELIEF_BY[2]})"
        return Dates(relief, relief, because + ".")
    if closed and excluded:
        because += f"; no weekend relief for {', '.join(sorted(excluded)).replace('_', ' ')}"
    elif stage.deadline.noon_relief and not excluded:
        because += _blind(calendar)
    return Dates(due, due, because + ".")


def _switched_off(limit: Limit, starts: Mapping[str, datetime]) -> bool:
    """A cap that no longer counts once the other moment came later than the cap itself (Art. 5(2))."""
    other = starts.get(limit.unless_later_than) if limit.unless_later_than else None
    return other is not None and other > starts[limit.start] + timedelta(hours=limit.amount)


def _limit(limit: Limit, starts: Mapping[str, datetime], zone: ZoneInfo, calendar: Calendar) -> datetime:
    return METHODS[limit.counting](Period(starts[limit.start], limit.amount, limit.unit, zone, calendar))


def spelled(amount: int, unit: str) -> str:
    """A number with its unit: 1 month, 72 hours, 10 business days before."""
    noun = unit.replace("_", " ").removesuffix("s") if abs(amount) == 1 else unit.replace("_", " ")
    return f"{abs(amount)} {noun}{' before, counted' if amount < 0 else ''}"


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
