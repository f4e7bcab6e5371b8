"""How a duty reads: whether it is owed, each of its clocks with the share of its time gone, who answers for it."""

from collections.abc import Iterator
from datetime import datetime

from bot.blockkit.blocks import untrusted
from bot.domain.clocks import Running, answering, ended, running
from bot.domain.duty import Answer, Due, DutiesAnswered, Duty, DutyDecided
from bot.domain.notice import Notice
from bot.engine.situation import Situation
from bot.slack.views._words import at, person

STEP = 10
"""How much of a clock's time is gone is told in steps of so many per cent: a message is not changed each minute."""
STAGES = 6
"""So many notices of one regime are told one by one."""


def ordered(situation: Situation) -> list[Duty]:
    """What contradicts a decision first, then what is owed, what may be, what applies later; each by its date."""
    first = {each.duty.regime: each.strict for each in reversed(running(situation.incident))}

    def place(duty: Duty) -> tuple[int, bool, float, str]:
        due = first.get(duty.regime, duty.strict)
        return rank(situation, duty), due is None, due.timestamp() if due else 0.0, duty.regime

    return sorted(situation.incident.duties.values(), key=place)


def overtaken(situation: Situation, duty: Duty) -> bool:
    """Whether the facts have changed against a decision since; what was decided against them knowingly is no news."""
    if not duty.contradicted:
        return False
    said: Answer | None = None
    for entry in situation.entries:
        if isinstance(entry.event, DutyDecided) and entry.event.regime == duty.regime and entry.at == duty.decided_at:
            return said is not duty.facts_say
        if isinstance(entry.event, DutiesAnswered):
            said = next((one.facts_say or one.answer for one in entry.event.duties if one.regime == duty.regime), said)
    return True


def rank(situation: Situation, duty: Duty) -> int:
    """0 overtaken, 1 owed, 2 may be owed, 3 applies later, 4 no duty by a decision, 5 no duty by the facts."""
    if overtaken(situation, duty):
        return 0
    if duty.answer is not Answer.NO:
        return 1 if duty.answer is Answer.YES else 2
    if later(duty):
        return 3
    return 4 if duty.decided_by else 5


def later(duty: Duty) -> bool:
    """Whether the regime is not in force yet, and would ask, or might."""
    return not duty.decided_by and duty.applies_from is not None and duty.would_be in {Answer.YES, Answer.UNKNOWN}


def state(situation: Situation, duty: Duty) -> str:
    """In a few words (mrkdwn): owed, may be owed, applies from a day, no duty; decided by whom."""
    if overtaken(situation, duty):
        return f"⚠ {person(situation, duty.decided_by)} decided {duty.answer}; the facts now say {duty.facts_say}"
    words = {Answer.YES: "owed", Answer.UNKNOWN: "may be owed", Answer.NO: "no duty"}[duty.answer]
    if later(duty) and duty.applies_from is not None:
        would = "would be owed" if duty.would_be is Answer.YES else "may be owed"
        words = f"applies from {duty.applies_from.isoformat()}, then it {would}"
    against = " against what the facts say" if duty.contradicted else ""
    return f"{words}, decided by {person(situation, duty.decided_by)}{against}" if duty.decided_by else words


def because(duty: Duty, limit: int) -> str:
    """The reason of the answer; where facts and decision differ, what the facts say as well."""
    words = untrusted(duty.because, limit)
    if duty.contradicted and duty.facts_because:
        words += f"\nThe facts: {untrusted(duty.facts_because, limit)}"
    return words


def dates(situation: Situation, duty: Duty) -> list[str]:
    """One line for each notice of the regime: by when, how much of the time is gone, or what it waits for."""
    if duty.answer is Answer.NO:
        return []
    if not duty.dues:
        return [f"by {at(duty.strict)}{_outer(duty.outer)}"] if duty.strict is not None else []
    done = {due.stage: filed for due in duty.dues if (filed := ended(situation.incident, duty, due)) is not None}
    clocks = {each.due.stage: each for each in _running(situation, duty)}
    dated = sorted(duty.dues, key=lambda due: (due.stage in done, due.strict is None, due.strict or situation.now))
    lines = [_line(situation, due, clocks.get(due.stage), done.get(due.stage)) for due in dated[:STAGES]]
    left = len(dated) - len(lines)
    return [*lines, *([f"… and {left} more"] if left else [])]


def _running(situation: Situation, duty: Duty) -> Iterator[Running]:
    return (each for each in running(situation.incident) if each.duty.regime == duty.regime)


def _line(situation: Situation, due: Due, clock: Running | None, done: datetime | None) -> str:
    name = untrusted(due.name, 150)
    if done is not None:
        return f"✓ {name}: filed {at(done)}"
    unsure = "" if due.answer is Answer.YES else "if it is owed, "
    if clock is None or due.strict is None:
        return f"no date yet: {name}" + (f" ({untrusted(due.because, 200)})" if due.because else "")
    target = "" if due.by_law else ", our own target"
    return f"by {at(due.strict)}: {unsure}{name}{target} · {gone(clock, situation.now)}{_outer(due.outer)}"


def _outer(outer: datetime | None) -> str:
    return f" (at the latest {at(outer)})" if outer is not None else ""


def gone(clock: Running, now: datetime) -> str:
    """How much of a clock's time has gone."""
    share = clock.share(now)
    if share >= 1:
        return "*overdue*"
    return f"{int(share * 100 / STEP + 1e-9) * STEP} % of the time gone"


def responsible(situation: Situation, regime: str) -> str:
    """Who answers for it, and the deputy; that nobody does."""
    people = answering(situation.incident, regime, situation.policy, situation.directory)
    if not people:
        return "*nobody answers for it*"
    first, *rest = [person(situation, each) for each in people]
    return f"{first} answers for it" + (f", deputy {rest[0]}" if rest else "")


def begun(situation: Situation, regime: str, stage: str = "") -> list[Notice]:
    """The notices of a regime, or of one stage, that are neither filed nor given up."""
    return [
        notice for notice in situation.incident.notices.values()
        if notice.regime == regime and not notice.over and stage in ("", notice.stage)
    ]  # fmt: skip
