"""What one person may see of an incident: a privileged notice is counsel's alone, and so are the latest dates."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.duty import Counted, Due, Duty
from bot.domain.incident import Incident
from bot.domain.notice import visible
from bot.domain.policy import Person, Policy
from bot.domain.wording import meant
from bot.engine.situation import Situation


def hidden(incident: Incident, person: Person, policy: Policy) -> frozenset[str]:
    """The notices this person may not know of."""
    return frozenset(name for name, each in incident.notices.items() if not visible(each, person, policy))


def is_counsel(person: Person, policy: Policy) -> bool:
    """Whether the latest reading of a date is for them: everybody else aims at the strict one."""
    return bool(person.badges & policy.approve_notice)


def as_seen(situation: Situation, person: Person, policy: Policy) -> Situation:
    """The situation without what this person may not see: for showing it only, never to decide by."""
    incident = situation.incident
    away = hidden(incident, person, policy)
    if away:
        notices = {name: each for name, each in incident.notices.items() if name not in away}
        situation = replace(
            situation,
            incident=replace(incident, notices=notices),
            entries=tuple(entry for entry in situation.entries if meant(entry.event) not in away),
            drafts={name: words for name, words in situation.drafts.items() if name not in away},
            unfilled={name: why for name, why in situation.unfilled.items() if name not in away},
        )
    return dated(situation, person, policy)


def dated(situation: Situation, person: Person, policy: Policy) -> Situation:
    """The situation without the latest dates anybody could argue for, which are for counsel: for showing it only."""
    if is_counsel(person, policy):
        return situation
    incident = situation.incident
    duties = {name: _duty(each) for name, each in incident.duties.items()}
    history = {
        name: tuple(Counted(_due(each.due), each.at, each.basis) for each in past)
        for name, past in incident.due_history.items()
    }
    return replace(situation, incident=replace(incident, duties=duties, due_history=history))


def _duty(each: Duty) -> Duty:
    return replace(each, outer=None, dues=tuple(_due(due) for due in each.dues))


def _due(each: Due) -> Due:
    return replace(each, outer=None)
