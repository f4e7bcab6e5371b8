"""The incident that is shown to a workspace before a real one: told fact by fact, in all that may become of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.approval import ApproveMitigation, GiveCode, code_hash
from bot.domain.claim import ClaimMitigation
from bot.domain.duty import Answer, AnswerDuties, Duty
from bot.domain.execution import ReportOutcome
from bot.domain.finding import Cause, Diagnose, Hypothesis, RecordFinding
from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp
from bot.domain.glass import BreakGlass
from bot.domain.hold import OverrideHold, PlaceHold, ReportHold
from bot.domain.impact import AssessImpact
from bot.domain.incident import Incident
from bot.domain.lifecycle import Declare, Resolve, Update
from bot.domain.log import Ask, Command, Entry, fold
from bot.domain.mitigation import Held, Means, Outcome, Plan, ProposeMitigation
from bot.domain.notice import RequestNotice
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.policy import THE_BOT, ActionClass, Person, Policy, Role, Severity
from bot.domain.proof import ReportVerification
from bot.domain.runbook import CompleteStep, Kind, Option, Runbook, StartRunbook, Step
from bot.domain.service import Offer, Service, Target
from bot.domain.signing import FreezeNotice
from bot.domain.sli import Judged, Sli
from bot.engine.situation import Bar, Chart, Shown, Situation, Words

ANA = Person("ana", frozenset({Role.RESPONDER}))
BEN = Person("ben", frozenset(Role))
CLEO = Person("cleo", frozenset({Role.COUNSEL, Role.APPROVER}))
PEOPLE = (ANA, BEN, CLEO)
BEGUN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_BOOK = Runbook(
    "bad-release", "A bad release", "d1",
    (
        Step("compare", Kind.ASK, "Compare with the shadow model", "Look at *both* on the same rows.",
             (Option("same", "The same"), Option("differs", "They differ"))),
        Step("act", Kind.ACT, "Roll back", "To the last good version.", params={"means": "rollback"}),
        Step("tell", Kind.READ, "Tell the consumers", "Write to them."),
    ),
)  # fmt: skip
SERVICE = Service(
    name="visits", title="Doctor-visits model", owner="care", channel="#incidents", on_call=("ana", "ben"),
    runbooks=("bad-release",), targets=(Target("visits-router", "router"),),
    offers=(Offer("rollback-v1", "Roll back to v1", "rollback", "visits-router", {"to": "v1"}),
            Offer("bypass-poor", "Bypass the slice", "bypass", "visits-router", {"slice": "health=poor"}),
            Offer("pause-batch", "Pause the nightly batch", "pause", "visits-batch")),
)  # fmt: skip
_PLAN = Plan(
    means=Means.ROLLBACK, action="router", target="visits-router", target_uid="router/visits", token="7",  # noqa: S106 - a version
    params={"to": "v1"}, before={"weights": {"v1": 0, "v2": 100}}, after={"weights": {"v1": 100, "v2": 0}},
    diff=("weight v1 0 → 100", "weight v2 100 → 0"), blast_radius="100 % of visits traffic", klass=ActionClass.TRAFFIC,
    undo="weights back to v1 0, v2 100", warnings=("v1 is three weeks old",),
    serves={"v1": 1.0, "v2": 0.0}, dry_run="the router took it and changed nothing",
)  # fmt: skip
_WIDE = replace(
    _PLAN, action="kubernetes", target="visits-deployment", target_uid="deployment/visits/9c1e", token="81724",  # noqa: S106 - a version
    params={"to_revision": 7}, before={"revision": 8, "image": "visits:v2"},
    after={"revision": 7, "image": "visits:v1"},
    diff=("image visits:v2 → visits:v1", "revision 8 → 7", "THRESHOLD 0.8 → 0.5"), blast_radius="3 pods, all traffic",
    klass=ActionClass.WIDE, undo="", managed_by="Argo CD (application visits)", serves={}, warnings=(),
    dry_run="the server took it: 3 fields would change",
)  # fmt: skip


@dataclass
class Telling:
    """An incident that is told what happens to it."""

    incident: Incident = field(default_factory=lambda: Incident("INC-7"))
    entries: list[Entry] = field(default_factory=list)
    now: datetime = BEGUN
    policy: Policy = field(default_factory=Policy)

    def then(self, command: Command, by: Person = THE_BOT) -> None:
        self.now += timedelta(seconds=30)
        events = list(command.decide(self.incident, Ask(by, self.now, "specimen", self.policy)))
        made = [Entry(self.incident.id, seq, self.now, event.happened_at or self.now, by.id, "specimen", event)
                for seq, event in enumerate(events, start=self.incident.seq + 1)]  # fmt: skip
        self.incident = fold(self.incident, made)
        self.entries += made

    def situation(self, **changes: Any) -> Situation:
        bars = tuple(Bar(BEGUN + timedelta(minutes=n), 90 - n, n, True) for n in range(20))
        made = Situation(
            incident=self.incident, entries=tuple(self.entries), now=self.now, service=SERVICE,
            people={one.id: Shown(one.id, one.id.title(), "T0SPECIMEN", f"U0{one.id.upper()}") for one in PEOPLE},
            policy=self.policy, directory=PEOPLE,
            charts=(Chart("recall", 0.9, bars, "Recall"),),
            drafts={"N1": Words("What is known so far.", "e", ("people",))},
            runbooks=(_BOOK,), notice_kinds={"gdpr/first": "First notification", "stakeholders/update": "Update"},
            on_call=("ana", "ben"), web_url="https://tocsin.example",
        )  # fmt: skip
        return replace(made, **changes)


def proposed(policy: Policy = Policy()) -> Telling:  # noqa: B008 - frozen
    """Declared by the watch, paged, diagnosed, walked through a runbook, told and proposed for; duties and a notice."""
    told = Telling(policy=policy)
    sli = Sli(
        "recall", Judged.BREACHED, "burns 2.4× over 15 s", BEGUN, BEGUN + timedelta(seconds=5), 0.1, 0.65, 40, 2.4
    )
    told.then(Declare("Recall below its objective for health=poor", Severity.SEV1, "visits", "burns 2.4× over 15 s",
                      BEGUN, BEGUN + timedelta(seconds=5), slo="recall", slice="health=poor",
                      fingerprint="slo/recall", sli=sli))  # fmt: skip
    told.then(ReportPage("page:1", ANA.id, "slack", Receipt.ACCEPTED, "D0ANA"))
    told.then(Acknowledge(), ANA)
    told.then(
        RecordFinding("v2 was released at 11:58", "deploys", (("code_change", 2.0),), link="https://ci.example/1")
    )
    told.then(RecordFinding("no feature drifted: largest PSI 0.02", "drift"), ANA)
    guess = Hypothesis(Cause.CODE_CHANGE, 0.82, ("F1",), (), "compare v1 and v2 on the same rows", ("rollback",),
                       ("bypass: it hits every slice",))  # fmt: skip
    told.then(Diagnose((guess,), ("lineage: no answer in 5 s",)))
    told.then(StartRunbook(_BOOK), ANA)
    told.then(CompleteStep("compare", "differs", "v2 says no to everybody"), ANA)
    told.then(Update("We are rolling back."), ANA)
    told.then(AddWhy("The recall fell", "", "F1"), ANA)
    told.then(AddWhy("v2 was trained on a broken join", "W1"), ANA)
    told.then(NameRootCause("W2"), ANA)
    told.then(
        AddFollowUp("Evaluate every slice before a release", BEN.id, (BEGUN + timedelta(days=7)).date(), "W2"), ANA
    )
    told.then(AssessImpact(412, None, Decimal("1030.00"), "EUR", ("people: no ids yet",), "first estimate"), ANA)
    duty = Duty("gdpr", "GDPR Art. 33", Answer.YES, "personal data of patients", "first", BEGUN, BEGUN, ("how many?",))
    told.then(AnswerDuties((duty,), "b1"))
    told.then(RequestNotice("gdpr/first", "gdpr", "first"), ANA)
    told.then(ProposeMitigation(_PLAN, "v2 is wrong"), ANA)
    return told


def over() -> Telling:
    """The same, approved, carried out, told to the authority and resolved."""
    told = proposed()
    told.then(FreezeNotice("N1", "What is known so far.", "d" * 64, ("people",), told.now), ANA)
    told.then(ReportHold("M1", (Held("snapshot of the router", "5" * 64),), ("lineage",)))
    told.then(ApproveMitigation("M1", told.incident.mitigations["M1"].digest), BEN)
    told.then(ClaimMitigation("M1", "7", (BEN,)))
    told.then(ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100, v2 0"))
    told.then(Resolve("v1 answers again", "seen to be well by hand"), ANA)
    return told


def changes() -> Iterator[tuple[str, Situation]]:
    """What may become of a change besides: two who must approve, one who acts alone, counsel who holds it."""
    strict = Policy(quorum={ActionClass.WIDE: 2}, evidence_hold=timedelta(minutes=5))
    told = proposed(strict)
    told.then(ProposeMitigation(_WIDE, "the pods of v2 must go, its weights are wrong", "rollback-v1"), ANA)
    digest = told.incident.mitigations["M2"].digest
    told.then(GiveCode("M2", code_hash("x", CLEO.id, digest)), CLEO)
    told.then(ApproveMitigation("M2", digest, "x"), CLEO)
    yield "two must approve", told.situation()
    told.then(PlaceHold("the regulator asks for the state of v2"), CLEO)
    told.then(GiveCode("M2", code_hash("y", BEN.id, digest)), BEN)
    told.then(ApproveMitigation("M2", digest, "y"), BEN)
    yield "held by counsel", told.situation()
    told.then(OverrideHold("M2", "patients wait for an answer tonight"), BEN)
    yield "hold overridden", told.situation()
    told = proposed()
    told.now += timedelta(minutes=6)
    yield "nobody came", told.situation()
    because = "nobody else answers, and patients are turned away"
    told.then(BreakGlass("M1", told.incident.mitigations["M1"].digest, because, (ANA.id, CLEO.id)), BEN)
    told.then(ClaimMitigation("M1", "7", (BEN,)))
    told.then(ReportOutcome("M1", Outcome.UNKNOWN, "the router did not answer within 10 s"))
    yield "alone", told.situation()
    told.then(ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100, v2 0"), BEN)
    told.then(ReportVerification("M1", helped=False, because="10 min after it was applied: burns 2.4×"))
    yield "does not help", told.situation()
