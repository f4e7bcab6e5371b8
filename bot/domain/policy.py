"""Who may do what, how severe a breach is, and the guard-rails around every change of production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from bot.domain.errors import Refused
from bot.domain.log import TOCSIN


class Severity(IntEnum):
    """SEV1 is the worst; the number is the severity people say aloud."""

    SEV1 = 1
    SEV2 = 2
    SEV3 = 3
    SEV4 = 4

    def __str__(self) -> str:
        """SEV2."""
        return self.name


class Role(StrEnum):
    """What a person may do in the organisation (not in one incident: see roles.py for those)."""

    RESPONDER = "responder"
    APPROVER = "approver"
    MANAGER = "manager"
    COUNSEL = "counsel"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """One human behind all their accounts, by opaque id, with the roles the organisation gave them."""

    id: str
    roles: frozenset[Role] = frozenset()

    @property
    def is_bot(self) -> bool:
        """True for Tocsin itself."""
        return self.id == TOCSIN


THE_BOT = Person(TOCSIN)


class ActionClass(IntEnum):
    """How much a mitigation can hurt: 0 reads, 1 is reversible and small, 2 moves production traffic, 3 is wide."""

    READ = 0
    SMALL = 1
    TRAFFIC = 2
    WIDE = 3


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force; read from the configuration, carried by every asking."""

    version: str = "1"
    propose: frozenset[Role] = frozenset({Role.RESPONDER, Role.APPROVER, Role.ADMIN})
    approve: Mapping[ActionClass, frozenset[Role]] = field(
        default_factory=lambda: {
            ActionClass.READ: frozenset({Role.RESPONDER, Role.APPROVER, Role.ADMIN}),
            ActionClass.SMALL: frozenset({Role.RESPONDER, Role.APPROVER, Role.ADMIN}),
            ActionClass.TRAFFIC: frozenset({Role.APPROVER, Role.ADMIN}),
            ActionClass.WIDE: frozenset({Role.APPROVER, Role.ADMIN}),
        }
    )
    approve_notice: frozenset[Role] = frozenset({Role.COUNSEL})
    approval_expires: timedelta = timedelta(minutes=15)
    evidence_hold: timedelta = timedelta(seconds=20)  # then what is missing is recorded and collected later
    verify_after: timedelta = timedelta(seconds=10)  # the data must have had time to show the change
    verify_within: timedelta = timedelta(minutes=10)
    changes_per_hour: int = 6  # in one incident
    acknowledge_within: Mapping[Severity, timedelta] = field(
        default_factory=lambda: {each: timedelta(minutes=2 if each is Severity.SEV1 else 5) for each in Severity}
    )
    blind_after: timedelta = timedelta(minutes=5)
    update_every: Mapping[Severity, timedelta] = field(
        default_factory=lambda: {Severity.SEV1: timedelta(minutes=30), Severity.SEV2: timedelta(hours=1)}
    )
    step_idle: timedelta = timedelta(minutes=15)
    approval_waits: timedelta = timedelta(minutes=5)  # then the next approver is reminded
    learn_after: timedelta = timedelta(hours=1)
    remind_every: timedelta = timedelta(minutes=10)  # one person, about everything

    def next_update(self, severity: Severity, at: datetime) -> datetime | None:
        """When everybody should hear again; None where this severity has no rhythm."""
        every = self.update_every.get(severity)
        return at + every if every else None

    def tells_everybody(self, severity: Severity) -> bool:
        """Whether an update goes to the whole channel where nobody said so: for the two worst severities."""
        return severity <= Severity.SEV2

    def require(self, person: Person, roles: frozenset[Role], to: str, kind: type[Refused] = Refused) -> None:
        """Raise Refused, naming the roles that may, unless `person` has one of them."""
        if person.is_bot or person.roles & roles:
            return
        wanted = " or ".join(sorted(roles)) or "nobody"
        raise kind(f"only {wanted} may {to}; your roles: {', '.join(sorted(person.roles)) or 'none'}")


class Urgency(StrEnum):
    """How soon somebody must know: a notice waits for proof, a ticket for working hours, a page wakes people."""

    NOTICE = "notice"
    TICKET = "ticket"
    PAGE = "page"

    @property
    def rank(self) -> int:
        """Its place from the least urgent, 0."""
        return tuple(Urgency).index(self)


def severity(*, tier: int, paging: bool) -> Severity:
    """Severity from impact (the service's tier, 1 the most important) and urgency (it pages, or it can wait)."""
    return Severity(max(1, min(4, tier + (0 if paging else 1))))
