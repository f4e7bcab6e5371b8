"""Nudges: what a person should be reminded of, at most once each, merged, and never while they asked for quiet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.mitigation import State
from bot.domain.phase import Phase
from bot.domain.policy import Person, Policy
from bot.domain.roles import Part

if TYPE_CHECKING:
    from bot.domain.incident import Incident

MORNING = time(8, tzinfo=UTC)
"""When an overdue follow-up is asked about."""
WEEK = timedelta(days=7)


class Reason(StrEnum):
    """Why somebody is reminded."""

    UPDATE = "update"  # the promised time of the next update has passed
    STEP = "step"  # a runbook step waits
    APPROVAL = "approval"  # a proposed change waits for this person
    LEARN = "learn"  # it is over: time for the 5 Whys
    FOLLOWUP = "followup"  # a promised change is overdue


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to remind a person of, from `due` on; `item` is the part meant, `mark` names this occasion alone."""

    person: str
    reason: Reason
    item: str
    due: datetime
    mark: str


@dataclass(frozen=True, slots=True)
class Reminded:
    """What one person was reminded of in one incident: when last, of what, and until when not again.

    `turns` counts how often they were reminded or left in peace.
    """

    turns: int = 0
    at: datetime | None = None
    marks: frozenset[str] = frozenset()
    latest: frozenset[str] = frozenset()  # of the last reminder
    until: datetime | None = None


def reminders(
    incident: Incident, policy: Policy, on_call: Sequence[str] = (), people: Sequence[Person] = ()
) -> Iterator[Matter]:
    """Everything somebody should be reminded of and was not yet, also what falls due later.

    Args:
        incident: as folded from its log.
        policy: the rules in force: how long each thing may wait.
        on_call: opaque ids of the people on call; of several approvers they are asked first.
        people: everybody in the directory, from whom approvers are taken.

    """
    for matter in (*_leading(incident, policy), *_approving(incident, policy, on_call, people), *_promised(incident)):
        if matter.mark not in incident.reminded.get(matter.person, Reminded()).marks:
            yield matter


def leader(incident: Incident) -> str:
    """Who answers for it: the incident commander, else whoever took it; "" while nobody did."""
    return incident.parts.get(Part.COMMANDER, "") or incident.acknowledged_by


def _leading(incident: Incident, policy: Policy) -> Iterator[Matter]:
    person = leader(incident)
    if not person:
        return
    if incident.is_open and incident.update_due is not None:
        due = incident.update_due
        yield Matter(person, Reason.UPDATE, "", due, f"update:{due.isoformat()}")
    run = incident.run
    step = run.step if run is not None else None
    since = run.since if run is not None else None
    if incident.is_open and step is not None and since is not None and not step.kind.automatic:
        mark = f"step:{since.isoformat()}:{step.id}"
        yield Matter(person, Reason.STEP, step.id, since + policy.step_idle, mark)
    if incident.phase is Phase.RESOLVED and incident.resolved is not None:
        mark = f"learn:{incident.resolved.isoformat()}"
        yield Matter(person, Reason.LEARN, "", incident.resolved + policy.learn_after, mark)


def _approving(
    incident: Incident, policy: Policy, on_call: Sequence[str], people: Sequence[Person]
) -> Iterator[Matter]:
    """A proposal that waits: one approver after the other, those on call first; never who proposed it."""
    for mitigation in incident.mitigations.values():
        if mitigation.state is not State.PROPOSED:
            continue
        may = [
            person.id
            for person in people
            if person.roles & policy.approve[mitigation.plan.klass] and person.id != mitigation.proposed_by
        ]
        ranked = sorted(may, key=lambda one: (on_call.index(one) if one in on_call else len(on_call), one))
        for turn, person in enumerate(ranked, start=1):
            due = mitigation.proposed_at + turn * policy.approval_waits
            if due >= mitigation.expires_at:
                break
            yield Matter(person, Reason.APPROVAL, mitigation.id, due, f"approval:{mitigation.id}")


def _promised(incident: Incident) -> Iterator[Matter]:
    """Overdue follow-ups: asked about the morning after, and each week from then on."""
    for item in incident.followups.values():
        if item.done is not None:
            continue
        marks = incident.reminded.get(item.owner, Reminded()).marks
        asked = sum(1 for mark in marks if mark.startswith(f"followup:{item.id}:"))
        due = datetime.combine(item.due + timedelta(days=1), MORNING) + asked * WEEK
        yield Matter(item.owner, Reason.FOLLOWUP, item.id, due, f"followup:{item.id}:{asked + 1}")


# -- what became of it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportReminder(Command):
    """A person was reminded of these matters (by their marks), or cannot be; only the bot reports it."""

    person: str
    marks: tuple[str, ...]
    channel: str  # "" where there is no way to them
    detail: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("reminders are reported by the bot, not by hand")
        known = incident.reminded.get(self.person, Reminded()).marks
        fresh = tuple(mark for mark in self.marks if mark not in known)
        if incident.exists and fresh:
            yield PersonReminded(self.person, fresh, self.channel, self.detail)


@dataclass(frozen=True, slots=True)
class PersonReminded(Event):
    """A person was reminded."""

    person: str
    marks: tuple[str, ...]
    channel: str
    detail: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = incident.reminded.get(self.person, Reminded())
        now = Reminded(known.turns + 1, entry.at, known.marks | set(self.marks), frozenset(self.marks))
        return replace(incident, reminded={**incident.reminded, self.person: now})

    def says(self, by: str) -> Sentence:
        about = ", ".join(dict.fromkeys(_named(mark) for mark in self.marks))
        if not self.channel:
            return says("{person} cannot be reminded of {about}: {detail}", person=Who(self.person), about=about,
                        detail=self.detail)  # fmt: skip
        return says("{person} was reminded: {about}", person=Who(self.person), about=about)


@dataclass(frozen=True, slots=True)
class PutOff(Command):
    """Do not remind a person before `until`: they asked (`again` names what comes back), or must not be disturbed."""

    person: str
    until: datetime
    because: str
    again: tuple[str, ...] = ()

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot and ask.by != self.person:
            raise Refused("only your own reminders can be put off")
        known = incident.reminded.get(self.person, Reminded())
        if incident.exists and (known.until is None or self.until > known.until or set(self.again) & known.marks):
            yield ReminderPutOff(self.person, self.until, self.because, self.again)


@dataclass(frozen=True, slots=True)
class ReminderPutOff(Event):
    """A person is left in peace until then."""

    person: str
    until: datetime
    because: str
    again: tuple[str, ...] = ()

    quiet: ClassVar[bool] = True

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = incident.reminded.get(self.person, Reminded())
        kept = known.marks - set(self.again)
        later = replace(known, turns=known.turns + 1, until=self.until, marks=kept)
        return replace(incident, reminded={**incident.reminded, self.person: later})

    def says(self, by: str) -> Sentence:
        return says("{person} is not reminded for a while: {because}", person=Who(self.person), because=self.because)


def _named(mark: str) -> str:
    """A mark in words."""
    reason, _, rest = mark.partition(":")
    item = rest.partition(":")[0]
    return {
        Reason.UPDATE: "the next update is overdue",
        Reason.STEP: "a runbook step waits",
        Reason.APPROVAL: f"{item} waits for approval",
        Reason.LEARN: "the 5 Whys are ready to begin",
        Reason.FOLLOWUP: f"follow-up {item} is overdue",
    }[Reason(reason)]
