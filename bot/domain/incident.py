"""An incident as it stands: a value folded from its log, never written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.affected import Affected
from bot.domain.alerts import AlertState
from bot.domain.correction import Corrected, Moment
from bot.domain.disclosure import Disclosure
from bot.domain.duty import Counted, Duty
from bot.domain.finding import Finding, Hypothesis
from bot.domain.five_whys import Why
from bot.domain.followup import FollowUp
from bot.domain.hold import LegalHold
from bot.domain.impact import Impact
from bot.domain.mitigation import Mitigation
from bot.domain.nobody import Nobody
from bot.domain.notice import Notice
from bot.domain.paging import Call, Page
from bot.domain.phase import Phase
from bot.domain.policy import Severity, Urgency
from bot.domain.reminder import Reminded
from bot.domain.roles import Part
from bot.domain.room import Room
from bot.domain.runbook import Run
from bot.domain.saying import Note
from bot.domain.sli import Sli
from bot.domain.status import Statement
from bot.domain.storm import Storming
from bot.domain.trouble import Trouble

__all__ = ["Incident", "Phase", "Sensitivity"]


class Sensitivity(StrEnum):
    """Who may read an incident: everybody in the organisation, or only those named."""

    OPEN = "open"
    RESTRICTED = "restricted"


@dataclass(frozen=True)
class Incident:
    """Everything known of one incident after entry `seq`. Times are UTC; people are opaque ids."""

    id: str
    seq: int = 0
    head: str = ""
    phase: Phase = Phase.VOID
    title: str = ""
    severity: Severity = Severity.SEV3
    urgency: Urgency = Urgency.PAGE
    service: str = ""
    slo: str = ""
    slice: str = ""
    fingerprint: str = ""
    because: str = ""
    restricted: bool = False
    declared_by: str = ""
    declared_at: datetime | None = None

    lag: tuple[tuple[str, float], ...] = ()  # how long each stage of the bot's own detection took, in seconds
    onset: datetime | None = None
    detected: datetime | None = None
    acknowledged: datetime | None = None
    acknowledged_by: str = ""
    mitigated: datetime | None = None
    returned: datetime | None = None  # when the breach was last seen to be back after it had been mitigated
    returns: int = 0
    resolved: datetime | None = None
    resolved_by: str = ""
    ending: str = ""  # how it ended, in the words of whoever resolved it
    closed: datetime | None = None
    corrections: Mapping[Moment, Corrected] = field(default_factory=dict)  # the last one of each
    update_due: datetime | None = None  # when everybody was promised to hear again

    sli: Sli | None = None
    attached: tuple[Sli, ...] = ()
    alerts: Mapping[str, AlertState] = field(default_factory=dict)  # by the alert's key
    alerts_quiet: datetime | None = None  # since when all of them are over
    moved: Mapping[str, str] = field(default_factory=dict)  # alert's key → the incident that goes on with it
    merged: tuple[str, ...] = ()  # incidents that turned out to be this one
    merged_into: str = ""
    umbrella: str = ""  # the incident of the storm it is a child of
    promoted: bool = False  # such a child that has a card of its own
    card_channel: str = ""  # where, unless in its service's own
    storm: Storming | None = None  # of the umbrella
    cause: str = ""
    parts: Mapping[Part, str] = field(default_factory=dict)
    pages: Mapping[str, Page] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()  # for people by name
    unanswered: int = -1  # the return of the breach at which it was last said that nobody answered
    unanswered_at: datetime | None = None
    nobody: Nobody | None = None  # that nobody was on call, as it was last said
    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()  # what people said, kept in the timeline
    hypotheses: tuple[Hypothesis, ...] = ()
    diagnosed: datetime | None = None
    impact: Impact | None = None
    affected: Affected | None = None  # who was decided about, in numbers
    mitigations: Mapping[str, Mitigation] = field(default_factory=dict)
    left_to_people: frozenset[str] = frozenset()  # offers approved beforehand that could not be done by itself
    legal_hold: LegalHold | None = None
    run: Run | None = None
    whys: Mapping[str, Why] = field(default_factory=dict)
    struck: Mapping[str, Why] = field(default_factory=dict)  # answers that turned out not to hold
    reported: str = ""  # the exhibit that holds the drift report
    duty_basis: str = ""  # the facts the regimes were last asked with
    facts: Mapping[str, object] = field(default_factory=dict)
    duties: Mapping[str, Duty] = field(default_factory=dict)
    due_history: Mapping[str, tuple[Counted, ...]] = field(default_factory=dict)  # regime/stage → every date computed
    duty_owners: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # regime → who, their deputy
    disclosures: Mapping[str, Disclosure] = field(default_factory=dict)  # audience → whether it is told voluntarily
    notices: Mapping[str, Notice] = field(default_factory=dict)
    statements: Mapping[str, Statement] = field(default_factory=dict)  # for the status page
    followups: Mapping[str, FollowUp] = field(default_factory=dict)
    room: Room | None = None
    reminded: Mapping[str, Reminded] = field(default_factory=dict)
    turned_away: frozenset[tuple[str, str]] = frozenset()  # who tried to approve what is not theirs to
    stays_open: str = ""  # why it was not withdrawn when the data no longer bore it out
    troubles: Mapping[str, Trouble] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """True once it was declared."""
        return self.phase is not Phase.VOID

    @property
    def is_open(self) -> bool:
        """True from declaration until it is resolved."""
        return self.phase in (Phase.DECLARED, Phase.ACKNOWLEDGED, Phase.MITIGATED)

    @property
    def is_silent(self) -> bool:
        """True for a child of a storm without a card: its log is kept, and nobody is told of it one by one."""
        return bool(self.umbrella) and not self.promoted

    @property
    def corrected(self) -> Mapping[Moment, Corrected]:
        """The times that stand as a person set them right; what the incident lost or learned anew since is none."""
        return {moment: each for moment, each in self.corrections.items() if getattr(self, moment) == each.to}

    @property
    def suspected(self) -> bool:
        """True while there is evidence of a failure and no proof of harm: nobody is woken for it."""
        return self.urgency is Urgency.NOTICE

    @property
    def unclaimed(self) -> bool:
        """True while nobody has taken it: not yet, or not since the breach came back."""
        return self.is_open and (self.acknowledged is None or self.phase is Phase.DECLARED)

    def finding(self, name: str) -> Finding | None:
        """The finding of that id, if there is one."""
        return next((finding for finding in self.findings if finding.id == name), None)
