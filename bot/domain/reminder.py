"""Nudges: what a person should be reminded of, at most once each, merged, and never while they asked for quiet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from bot.domain.approval import may_approve
from bot.domain.clocks import answering, moments, running
from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.mitigation import State
from bot.domain.named import named
from bot.domain.phase import Phase
from bot.domain.policy import Person, Policy, Role
from bot.domain.roles import Part
from bot.domain.status import behind

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
    CLOCK = "clock"  # the time to tell somebody runs out
    LEARN = "learn"  # it is over: time for the 5 Whys
    FOLLOWUP = "followup"  # a promised change is overdue
    STATUS = "status"  # the status page still says trouble, and it is over

    @property
    def urgent(self) -> bool:
        """Whether it cannot wait ten minutes: a proposal runs out, and somebody stands waiting."""
        return self in {Reason.APPROVAL, Reason.CLOCK}


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
    times: int = 0  # of these, how often they were reminded
    at: datetime | None = None
    marks: frozenset[str] = frozenset()
    latest: frozenset[str] = frozenset()  # of the last reminder
    key: str = ""  # of the last reminder; the same in every incident it spoke of
    reached: bool = True  # False: there was no way to them
    until: datetime | None = None  # nothing before
    calm: datetime | None = None  # nothing that can wait before
    asked: Mapping[str, datetime] = field(default_factory=dict)  # follow-up → when they were last reminded of it


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
    for matter in (
        *_leading(incident, policy),
        *_approving(incident, policy, on_call, people),
        *_promised(incident),
        *_clocks(incident, policy, on_call, people),
        *_spoken(incident),
    ):
        if matter.mark not in incident.reminded.get(matter.person, Reminded()).marks:
            yield matter


def ripe(matter: Matter, known: Reminded, policy: Policy) -> datetime:
    """When a person is reminded of it: once it is due, but not while they asked for quiet or were just reminded."""
    quiet = [known.until]
    if not matter.reason.urgent:
        quiet += [known.calm, known.at + policy.remind_every if known.at is not None else None]
    return max([matter.due, *(until for until in quiet if until is not None)])


def leader(incident: Incident) -> str:
    """Who answers for it: the incident commander, else whoever took it; "" while nobody did."""
    return incident.parts.get(Part.COMMANDER, "") or incident.acknowledged_by


def _leading(incident: Incident, policy: Policy) -> Iterator[Matter]:
    person, run = leader(incident), incident.run
    if not person:
        return
    if incident.update_due is not None and (mark := _update_mark(incident)):
        yield Matter(person, Reason.UPDATE, "", incident.update_due, mark)
    if run is not None and run.step is not None and run.since is not None and (mark := _step_mark(incident)):
        yield Matter(person, Reason.STEP, run.step.id, run.since + policy.step_idle, mark)
    if incident.resolved is not None and (mark := _learn_mark(incident)):
        yield Matter(person, Reason.LEARN, "", incident.resolved + policy.learn_after, mark)


def _update_mark(incident: Incident) -> str:
    due = incident.update_due if incident.is_open else None
    return f"{Reason.UPDATE}:{due.isoformat()}" if due is not None else ""


def _step_mark(incident: Incident) -> str:
    run = incident.run if incident.is_open else None
    if run is None or run.step is None or run.since is None or run.step.kind.automatic:
        return ""
    return f"{Reason.STEP}:{run.since.isoformat()}:{run.step.id}"


def _learn_mark(incident: Incident) -> str:
    """Asked for until a root cause was found."""
    if incident.phase is not Phase.RESOLVED or incident.resolved is None:
        return ""
    found = any(why.root for why in incident.whys.values())
    return "" if found else f"{Reason.LEARN}:{incident.resolved.isoformat()}"


def _approving(
    incident: Incident, policy: Policy, on_call: Sequence[str], people: Sequence[Person]
) -> Iterator[Matter]:
    """A proposal that waits: approvers on call hear of it at once, the others one after the other, until it is enough.

    Never its proposer, nor who approved it. As many as must still approve are always told at once: where too few on
    call can be told, the first of the others. Whoever rests or cannot be reached takes nobody's turn.
    """
    for mitigation in incident.mitigations.values():
        if mitigation.state is not State.PROPOSED:
            continue
        may = sorted(
            person.id
            for person in people
            if may_approve(mitigation, person.among(on_call), policy) and _may_know(incident, person, on_call)
        )
        at, waits = mitigation.proposed_at, policy.approval_waits
        called = [person for person in on_call if person in may]
        needed = mitigation.needs - len(mitigation.approvers)
        turn = min(sum(_hears(incident, person, at + waits) for person in called), needed)
        for person in called:
            yield Matter(person, Reason.APPROVAL, mitigation.id, at, f"{Reason.APPROVAL}:{mitigation.id}")
        for person in may:
            due = at + max(0, turn - needed + 1) * waits
            if person in called or due >= mitigation.expires_at:
                continue
            yield Matter(person, Reason.APPROVAL, mitigation.id, due, f"{Reason.APPROVAL}:{mitigation.id}")
            turn += 1 if _hears(incident, person, due + waits) else 0


def _may_know(incident: Incident, person: Person, on_call: Sequence[str]) -> bool:
    """A restricted incident is for the people it names or pages, those on call, counsel and administrators."""
    if not incident.restricted or person.roles & {Role.COUNSEL, Role.ADMIN} or person.id in on_call:
        return True
    return person.id in named(incident)


def _hears(incident: Incident, person: str, before: datetime) -> bool:
    """Whether somebody can be told before then, as far as is known."""
    known = incident.reminded.get(person, Reminded())
    return known.reached and (known.until is None or known.until < before)


def _promised(incident: Incident) -> Iterator[Matter]:
    """Overdue follow-ups: its owner is asked the morning after, and a week after they were last asked."""
    for item in incident.followups.values():
        if item.done is not None:
            continue
        known = incident.reminded.get(item.owner, Reminded())
        turn = 1 + sum(1 for mark in known.marks if mark.startswith(f"{Reason.FOLLOWUP}:{item.id}:"))
        due = datetime.combine(item.due + timedelta(days=1), MORNING)
        if (last := known.asked.get(item.id)) is not None:
            due = max(due, datetime.combine(last.date() + WEEK, MORNING))
        mark = f"{Reason.FOLLOWUP}:{item.id}:{item.due.isoformat()}:{turn}"
        yield Matter(item.owner, Reason.FOLLOWUP, item.id, due, mark)


def _clocks(incident: Incident, policy: Policy, on_call: Sequence[str], people: Sequence[Person]) -> Iterator[Matter]:
    """A legal clock: whoever answers for it and their deputy hear at each share of its time, and when it has ended.

    A date that moves earlier has marks of its own, so that the shares of the new one are heard anew.
    """
    may_know = [person for person in people if _may_know(incident, person, on_call)]
    for each in running(incident):
        for person in answering(incident, each.duty.regime, policy, may_know):
            for percent, at in moments(each, policy):
                mark = f"{Reason.CLOCK}:{each.item}:{each.strict.isoformat()}:{percent}"
                yield Matter(person, Reason.CLOCK, each.item, at, mark)


def _spoken(incident: Incident) -> Iterator[Matter]:
    """Whoever published trouble hears once it is over: readers of the status page do not know yet."""
    late, over = behind(incident), incident.resolved or incident.closed
    if late is not None and over is not None:
        yield Matter(late.published_by, Reason.STATUS, late.id, over, f"{Reason.STATUS}:{late.id}:{over.isoformat()}")


def told(mark: str) -> tuple[Reason, str]:
    """Why a mark was made, and the part it names ("" where it is the incident itself)."""
    reason, _, rest = mark.partition(":")
    why = Reason(reason)
    if why is Reason.STEP:
        return why, rest.rpartition(":")[2]
    return why, rest.partition(":")[0] if why in (Reason.APPROVAL, Reason.FOLLOWUP, Reason.CLOCK, Reason.STATUS) else ""


def waits(incident: Incident, person: str, mark: str) -> bool:
    """Whether what a person was reminded of still waits for them."""
    reason, item = told(mark)
    match reason:
        case Reason.UPDATE:
            return leader(incident) == person and mark == _update_mark(incident)
        case Reason.STEP:
            return leader(incident) == person and mark == _step_mark(incident)
        case Reason.LEARN:
            return leader(incident) == person and mark == _learn_mark(incident)
        case Reason.APPROVAL:
            asked = incident.mitigations.get(item)
            return asked is not None and asked.state is State.PROPOSED and person not in asked.approvers
        case Reason.FOLLOWUP:
            promised = incident.followups.get(item)
            if promised is None or promised.done is not None or promised.owner != person:
                return False
            date = mark.split(":")[2]  # older marks name none
            return date.isdigit() or date == promised.due.isoformat()
        case Reason.STATUS:
            late = behind(incident)
            return late is not None and (late.id, late.published_by) == (item, person)
        case Reason.CLOCK:
            date = mark.partition(":")[2].partition(":")[2].rpartition(":")[0]
            return any(each.item == item and each.strict.isoformat() == date for each in running(incident))


def carried(incident: Incident, person: str) -> Iterator[Matter]:
    """What the last reminder named and still waits: a newer one, which takes its place, names it again."""
    known = incident.reminded.get(person, Reminded())
    if known.key and known.at is not None:
        for mark in sorted(known.latest & known.marks):
            if waits(incident, person, mark):
                yield Matter(person, *told(mark), due=known.at, mark=mark)


def asked(incident: Incident, mitigation: str) -> list[str]:
    """The people who were told that a proposal waits for them."""
    mark = f"{Reason.APPROVAL}:{mitigation}"
    return [person for person, known in incident.reminded.items() if mark in known.marks and known.reached]


# -- what became of it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportReminder(Command):
    """A person was reminded of these matters (by their marks), or cannot be; only the bot reports it.

    The cause is the reminder's key. A newer reminder may name again what an older one named.
    """

    person: str
    marks: tuple[str, ...]
    channel: str  # "" where there is no way to them
    detail: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("reminders are reported by the bot, not by hand")
        known = incident.reminded.get(self.person, Reminded())
        newer = bool(self.channel and known.key) and known.key != ask.cause
        if incident.exists and (newer or not known.marks.issuperset(self.marks)):
            yield PersonReminded(self.person, self.marks, self.channel, self.detail)


@dataclass(frozen=True, slots=True)
class PersonReminded(Event):
    """A person was reminded."""

    person: str
    marks: tuple[str, ...]
    channel: str
    detail: Words

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = incident.reminded.get(self.person, Reminded())
        now = replace(
            known,
            turns=known.turns + 1,
            times=known.times + 1,
            at=entry.at,
            marks=known.marks | set(self.marks),
            latest=frozenset(self.marks) if self.channel else known.latest,
            key=entry.cause if self.channel else known.key,
            reached=bool(self.channel),
            asked={**known.asked, **dict.fromkeys(_followups(self.marks), entry.at)},
        )
        return replace(incident, reminded={**incident.reminded, self.person: now})

    def says(self, by: str) -> Sentence:
        about = ", ".join(dict.fromkeys(_named(mark) for mark in self.marks))
        if not self.channel:
            return says("{person} cannot be reminded of {about}: {detail}", person=Who(self.person), about=about,
                        detail=self.detail)  # fmt: skip
        return says("{person} was reminded: {about}", person=Who(self.person), about=about)


@dataclass(frozen=True, slots=True)
class PutOff(Command):
    """Do not remind a person before `until`: they asked (`again` names what comes back), or must not be disturbed.

    With `urgent` false only what can wait is put off.
    """

    person: str
    until: datetime
    because: str
    again: tuple[str, ...] = ()
    urgent: bool = True

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot and ask.by != self.person:
            raise Refused("only your own reminders can be put off")
        known = incident.reminded.get(self.person, Reminded())
        so_far = known.until if self.urgent else known.calm
        if incident.exists and (so_far is None or self.until > so_far or set(self.again) & known.marks):
            yield ReminderPutOff(self.person, self.until, self.because, self.again, self.urgent)


@dataclass(frozen=True, slots=True)
class ReminderPutOff(Event):
    """A person is left in peace until then."""

    person: str
    until: datetime
    because: str
    again: tuple[str, ...] = ()
    urgent: bool = True

    quiet: ClassVar[bool] = True

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = incident.reminded.get(self.person, Reminded())
        kept = known.marks - set(self.again)
        until, calm = (self.until, known.calm) if self.urgent else (known.until, self.until)
        again = _followups(self.again)  # what comes back does so when the quiet ends, not a week after it was asked
        asked = {item: at for item, at in known.asked.items() if item not in again}
        later = replace(known, turns=known.turns + 1, until=until, calm=calm, marks=kept, asked=asked)
        return replace(incident, reminded={**incident.reminded, self.person: later})

    def says(self, by: str) -> Sentence:
        return says("{person} is not reminded for a while: {because}", person=Who(self.person), because=self.because)


def _followups(marks: Iterable[str]) -> set[str]:
    """The follow-ups that these marks name."""
    return {item for reason, item in map(told, marks) if reason is Reason.FOLLOWUP}


def _named(mark: str) -> str:
    """A mark in words."""
    reason, item = told(mark)
    return {
        Reason.UPDATE: "the next update is overdue",
        Reason.STEP: "a runbook step waits",
        Reason.APPROVAL: f"{item} waits for approval",
        Reason.LEARN: "the 5 Whys are ready to begin",
        Reason.FOLLOWUP: f"follow-up {item} is overdue",
        Reason.STATUS: f"the status page still says {item}",
        Reason.CLOCK: f"the clock of {item} ({mark.rpartition(':')[2]} % of its time gone)",
    }[reason]
