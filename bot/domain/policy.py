"""Who may do what, how severe a breach is, and the guard-rails around every change of production."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from bot.domain.errors import Refused
from bot.domain.guard import ON_CALL, ActionClass, Freeze, Means, TargetRules, fingerprint
from bot.domain.log import TOCSIN
from bot.domain.noise import AlertRules, StormRules
from bot.domain.quiet import QuietHours
from bot.domain.signoff import NoticeRules, SignOff
from bot.domain.status_rules import StatusRules

__all__ = ["ActionClass", "NoticeRules", "Person", "Policy", "Role", "Severity", "SignOff", "Urgency", "severity"]


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
    """One human behind all their accounts, by opaque id, with the roles the organisation gave them.

    `groups` holds their other badges: `@key`, `group:name`, and `on-call` while they are on call for what they act on.
    """

    id: str
    roles: frozenset[Role] = frozenset()
    groups: frozenset[str] = frozenset()

    @property
    def badges(self) -> frozenset[str]:
        """Everything a rule can ask of them: roles and groups alike."""
        return frozenset(self.roles) | self.groups

    def among(self, on_call: Collection[str]) -> Person:
        """The same person, with the badge of those on call where they are among them."""
        return replace(self, groups=self.groups | {ON_CALL}) if self.id in on_call else self

    @property
    def is_bot(self) -> bool:
        """True for Tocsin itself."""
        return self.id == TOCSIN


THE_BOT = Person(TOCSIN)


_ELSEWHERE = frozenset({"alerts", "storm", "quiet", "merge_pages", "insist_after", "status"})
"""Rules that plans are not frozen under: they say who hears of what, not what may be done."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force; read from the configuration, carried by every asking."""

    version: str = "1"
    propose: frozenset[str] = frozenset({Role.RESPONDER, Role.APPROVER, Role.ADMIN})
    approve: Mapping[ActionClass, frozenset[str]] = field(
        default_factory=lambda: {
            ActionClass.READ: frozenset({Role.RESPONDER, Role.APPROVER, Role.ADMIN}),
            ActionClass.SMALL: frozenset({Role.RESPONDER, Role.APPROVER, Role.ADMIN}),
            ActionClass.TRAFFIC: frozenset({Role.APPROVER, Role.ADMIN}),
            ActionClass.WIDE: frozenset({Role.APPROVER, Role.ADMIN}),
        }
    )
    quorum: Mapping[ActionClass, int] = field(default_factory=dict)  # distinct approvers; one where it says nothing
    step_up: frozenset[ActionClass] = frozenset({ActionClass.WIDE})  # approved with a fresh one-time code only
    step_up_within: timedelta = timedelta(minutes=5)
    break_glass: frozenset[str] = frozenset({Role.APPROVER, Role.ADMIN})  # may act alone, loudly, and is reviewed
    review_within: timedelta = timedelta(days=3)
    counsel: frozenset[str] = frozenset({Role.COUNSEL})  # may place a legal hold
    approve_notice: frozenset[str] = frozenset({Role.COUNSEL})
    notices: NoticeRules = field(default_factory=NoticeRules)
    people_data: frozenset[str] = frozenset({Role.COUNSEL})  # may take the list of those decided about
    approval_expires: timedelta = timedelta(minutes=15)
    evidence_hold: timedelta = timedelta(seconds=20)  # then what is missing is recorded and collected later
    verify_after: timedelta = timedelta(seconds=10)  # the data must have had time to show the change
    verify_within: timedelta = timedelta(minutes=10)
    settle_within: timedelta = timedelta(minutes=30)  # for so long a target may be on its way, then nobody can tell
    soak: timedelta = timedelta(minutes=1)  # for so long the SLI must be met without a break
    undo_itself: frozenset[ActionClass] = frozenset()  # what is taken back where it does not help
    changes_per_hour: int = 6  # of one service
    cool_down: timedelta = timedelta(minutes=2)  # between two changes of one kind on one target
    widest: Mapping[ActionClass, float] = field(default_factory=dict)  # share of production; all of it where silent
    freezes: tuple[Freeze, ...] = ()
    targets: Mapping[str, TargetRules] = field(default_factory=dict)
    undo_proof: timedelta = timedelta(days=90)  # so long ago an undo may have been seen to work
    acknowledge_within: Mapping[Severity, timedelta] = field(
        default_factory=lambda: {each: timedelta(minutes=2 if each is Severity.SEV1 else 5) for each in Severity}
    )
    merge_pages: timedelta = timedelta(seconds=20)  # between two pages to one person, but for SEV1
    insist_after: timedelta = timedelta(minutes=2)  # then a person is paged by their next channel too; 0 never
    blind_after: timedelta = timedelta(minutes=5)
    update_every: Mapping[Severity, timedelta] = field(
        default_factory=lambda: {Severity.SEV1: timedelta(minutes=30), Severity.SEV2: timedelta(hours=1)}
    )
    step_idle: timedelta = timedelta(minutes=15)
    approval_waits: timedelta = timedelta(minutes=5)  # then the next approver is reminded
    learn_after: timedelta = timedelta(hours=1)
    remind_every: timedelta = timedelta(minutes=10)  # one person, about everything
    quiet: QuietHours | None = None  # in which people are not woken for what can wait
    alerts: AlertRules = field(default_factory=AlertRules)
    storm: StormRules = field(default_factory=StormRules)
    status: StatusRules | None = None  # of the status page, where there is one

    def next_update(self, severity: Severity, at: datetime) -> datetime | None:
        """When everybody should hear again; None where this severity has no rhythm."""
        every = self.update_every.get(severity)
        return at + every if every else None

    def tells_everybody(self, severity: Severity) -> bool:
        """Whether an update goes to the whole channel where nobody said so: for the two worst severities."""
        return severity <= Severity.SEV2

    def require(self, person: Person, allowed: frozenset[str], to: str, kind: type[Refused] = Refused) -> None:
        """Raise Refused, naming who may, unless `person` has one of these badges."""
        if person.is_bot or person.badges & allowed:
            return
        wanted = " or ".join(sorted(allowed)) or "nobody"
        raise kind(f"only {wanted} may {to}; your roles: {', '.join(sorted(person.roles)) or 'none'}")

    def require_somebody(self, person: Person, allowed: frozenset[str], to: str, kind: type[Refused] = Refused) -> None:
        """Like `require`, and never Tocsin itself: what a person takes upon themselves is no machine's to decide."""
        if person.is_bot:
            raise Refused(f"Tocsin does not {to} by itself; a person must")
        self.require(person, allowed, to, kind)

    def sign_offs_of(self, template: str) -> tuple[SignOff, ...]:
        """The signatures a notice of that kind needs: one of those who approve notices, where no rule says more."""
        return self.notices.of(template) or (SignOff("legal", self.approve_notice),)

    # -- changes of production ---------------------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        """A digest of every rule of changes: a plan is frozen under it, and an approval under other rules is void.

        Who signs a notice, who takes the list of people, who is woken, how alerts are grouped and who approves what
        the status page shows concern no change of production.
        """
        rules = replace(self, notices=NoticeRules(), people_data=frozenset())
        told = {each.name: getattr(rules, each.name) for each in fields(rules)}
        return fingerprint({name: value for name, value in told.items() if name not in _ELSEWHERE})

    def rules_of(self, target: str) -> TargetRules:
        """What holds for one target in particular."""
        return self.targets.get(target, _NOTHING)

    def proposers(self, target: str) -> frozenset[str]:
        """Who may propose a change of that target."""
        own = self.rules_of(target).propose
        return self.propose if own is None else own

    def approvers(self, target: str, klass: ActionClass) -> frozenset[str]:
        """Who may approve a change of that class there. Nobody where no rule names anybody."""
        own = self.rules_of(target).approve
        return self.approve.get(klass, frozenset()) if own is None else own

    def quorum_of(self, target: str, klass: ActionClass) -> int:
        """How many distinct people must approve it."""
        return max(self.quorum.get(klass, 1), self.rules_of(target).quorum or 1)

    def widest_of(self, target: str, klass: ActionClass) -> float:
        """How much of production such a change may reach, 0 to 1: the narrower of the two rules."""
        own = self.rules_of(target).widest
        return min(self.widest.get(klass, 1.0), 1.0 if own is None else own)

    def cool_down_of(self, target: str) -> timedelta:
        """How long after a change of one kind the next of that kind may follow there."""
        own = self.rules_of(target).cool_down
        return self.cool_down if own is None else own

    def takes_back(self, target: str, klass: ActionClass) -> bool:
        """Whether such a change is taken back by itself where it does not help."""
        own = self.rules_of(target).undo_itself
        return klass in self.undo_itself if own is None else own

    def is_automatic(self, target: str, means: Means) -> bool:
        """Whether that kind of change is pre-approved there; its class and its proved undo are asked separately."""
        return means in self.rules_of(target).automatic

    def frozen(self, target: str, klass: ActionClass, at: datetime) -> tuple[Freeze, datetime] | None:
        """The freeze that holds such a change back now, and until when; the longest of several."""
        found = [
            (each, until)
            for each in self.freezes
            if each.covers(target, klass) and (until := each.until(at)) is not None
        ]
        return max(found, key=lambda pair: pair[1], default=None)


_NOTHING = TargetRules()


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
