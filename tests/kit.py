"""`given(events).when(command)`: the rules of an incident in their own words, without any machinery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.lifecycle import Declare
from bot.domain.log import TOCSIN, Ask, Command, Entry, Event, fold
from bot.domain.mitigation import Held, Means, Plan
from bot.domain.policy import THE_BOT, ActionClass, Person, Policy, Role, Severity
from bot.domain.sli import Judged, Sli

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

ANA = Person("ana", frozenset({Role.RESPONDER}))
BEN = Person("ben", frozenset({Role.RESPONDER, Role.APPROVER}))
CLEO = Person("cleo", frozenset({Role.COUNSEL}))
MAX = Person("max", frozenset({Role.MANAGER}))
AUDREY = Person("audrey", frozenset({Role.AUDITOR}))
PEOPLE = {person.id: person for person in (ANA, BEN, CLEO, MAX, AUDREY, THE_BOT)}


def at(seconds: float) -> datetime:
    """Noon plus so many seconds."""
    return NOON + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Story:
    """An incident with its past; asking something of it gives a new story, or the refusal."""

    incident: Incident = Incident("INC-1")  # noqa: RUF009 - frozen
    entries: tuple[Entry, ...] = ()
    now: datetime = NOON
    policy: Policy = Policy()  # noqa: RUF009 - frozen
    events: tuple[Event, ...] = ()

    def after(self, *, seconds: float = 0, minutes: float = 0) -> Story:
        """The same, later."""
        return replace(self, now=self.now + timedelta(seconds=seconds, minutes=minutes))

    def when(self, command: Command, by: Person = THE_BOT) -> Story:
        """Ask; what followed stands in `events`."""
        ask = Ask(by, self.now, "test", self.policy)
        return self.tell(*command.decide(self.incident, ask), by=by.id)

    def tell(self, *events: Event, by: str = TOCSIN) -> Story:
        """Let facts have happened."""
        entries = []
        for offset, event in enumerate(events, start=1):
            seq = self.incident.seq + offset
            entries.append(Entry(self.incident.id, seq, self.now, event.happened_at or self.now, by, "test", event))
        return replace(
            self,
            incident=fold(self.incident, entries),
            entries=(*self.entries, *entries),
            events=tuple(events),
        )

    def refuses(self, command: Command, by: Person = THE_BOT) -> str:
        """Ask what must be refused; the sentence the person reads."""
        try:
            after = self.when(command, by)
        except Refused as refused:
            return refused.because
        raise AssertionError(f"not refused: {after.events}")


def given(*events: Event) -> Story:
    """An incident to which these things happened."""
    return Story().tell(*events)


def breached(**changes: object) -> Sli:
    """An SLI that is breached since noon."""
    sli = Sli("recall", Judged.BREACHED, "burns 2.4× over 15 s", NOON, at(5), 0.1, 0.65, 40, 2.4)
    return replace(sli, **changes)


def declared(**changes: object) -> Story:
    """An incident that the watch declared five seconds after its onset."""
    command = Declare(
        title="Recall below its objective",
        severity=Severity.SEV2,
        service="visits",
        because="burns 2.4× over 15 s",
        onset=NOON,
        detected=at(5),
        slo="recall",
        slice="health=poor",
        fingerprint="slo/recall",
        sli=breached(),
    )
    return Story(now=at(5)).when(replace(command, **changes))


def held(*names: str) -> tuple[Held, ...]:
    """Pieces of evidence by those names."""
    return tuple(Held(name, f"{number:064x}") for number, name in enumerate(names, 1))


def plan(**changes: object) -> Plan:
    """A rollback of a router from v2 to v1."""
    made = Plan(
        means=Means.ROLLBACK,
        action="router",
        target="visits-router",
        target_uid="router/visits",
        token="7",
        params={"to": "v1"},
        before={"weights": {"v1": 0, "v2": 100}},
        after={"weights": {"v1": 100, "v2": 0}},
        diff=("weight v1 0 → 100", "weight v2 100 → 0"),
        blast_radius="100 % of visits traffic",
        klass=ActionClass.TRAFFIC,
        undo="weights back to v1 0, v2 100",
        rules=Policy().fingerprint,
    )
    return replace(made, **changes)


def lines(story: Story) -> Sequence[str]:
    """The timeline as plain text, opaque ids for names."""
    from bot.domain.timeline import plain, timeline

    return [plain(line.sentence, str) for line in timeline(story.entries)]
