"""One incident in which everything happened, folded from its facts, and every view of it that a workspace must take."""

from collections.abc import Collection, Iterator
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
from bot.domain.reminder import Matter, Reason
from bot.domain.runbook import CompleteStep, Kind, Option, Runbook, StartRunbook, Step
from bot.domain.service import Offer, Service, Target
from bot.domain.signing import FreezeNotice
from bot.domain.sli import Judged, Sli
from bot.engine.situation import Bar, Chart, Shown, Situation, Words
from bot.engine.values import Waiting
from bot.slack.ids import Ref
from bot.slack.settings import SlackSettings
from bot.slack.views import (
    approve,
    choose,
    declare,
    finding,
    followup,
    glass,
    home,
    impact,
    info,
    notice,
    propose,
    reason,
    reminder,
    resolve,
    room,
    step_modal,
    update,
    update_modal,
    whys,
)
from bot.slack.wanted import wanted

ANA = Person("ana", frozenset({Role.RESPONDER}))
BEN = Person("ben", frozenset(Role))
CLEO = Person("cleo", frozenset({Role.COUNSEL, Role.APPROVER}))
_PEOPLE = (ANA, BEN, CLEO)
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
_SERVICE = Service(
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


@dataclass(frozen=True, slots=True)
class Sample:
    """One payload as it would be sent: `kind` is `message` or `view`."""

    name: str
    kind: str
    payload: dict[str, Any]


@dataclass
class _Telling:
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
            incident=self.incident, entries=tuple(self.entries), now=self.now, service=_SERVICE,
            people={one.id: Shown(one.id, one.id.title(), "T0SPECIMEN", f"U0{one.id.upper()}") for one in _PEOPLE},
            policy=self.policy, directory=_PEOPLE,
            charts=(Chart("recall", 0.9, bars, "Recall"),),
            drafts={"N1": Words("What is known so far.", "e", ("people",))},
            runbooks=(_BOOK,), notice_kinds={"gdpr/first": "First notification", "stakeholders/update": "Update"},
            on_call=("ana", "ben"), web_url="https://tocsin.example",
        )  # fmt: skip
        return replace(made, **changes)


def _proposed(policy: Policy = Policy()) -> _Telling:  # noqa: B008 - frozen
    """Declared by the watch, paged, diagnosed, walked through a runbook, told and proposed for; duties and a notice."""
    told = _Telling(policy=policy)
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


def _over() -> _Telling:
    """The same, approved, carried out, told to the authority and resolved."""
    told = _proposed()
    told.then(FreezeNotice("N1", "What is known so far.", "d" * 64, ("people",), told.now), ANA)
    told.then(ReportHold("M1", (Held("snapshot of the router", "5" * 64),), ("lineage",)))
    told.then(ApproveMitigation("M1", told.incident.mitigations["M1"].digest), BEN)
    told.then(ClaimMitigation("M1", "7", (BEN,)))
    told.then(ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100, v2 0"))
    told.then(Resolve("v1 answers again", "seen to be well by hand"), ANA)
    return told


def samples() -> Iterator[Sample]:
    """Every message, dialog and Home tab there is, each under a name a person can find it by."""
    for when, told in (("open", _proposed()), ("over", _over())):
        situation = told.situation()
        yield from _messages(when, situation)
        for name, view in _views(situation):
            yield Sample(f"{name} ({when})", "view", view)
    for when, situation in _changes():
        yield from _messages(when, situation, ("request", "aloud", "hold", "card"))
        for name, view in _of_changes(situation):
            yield Sample(f"{name} ({when})", "view", view)
    secret = _proposed().situation()
    yield from _messages("restricted", replace(secret, incident=replace(secret.incident, restricted=True)))


def _changes() -> Iterator[tuple[str, Situation]]:
    """What may become of a change besides: two who must approve, one who acts alone, counsel who holds it."""
    strict = Policy(quorum={ActionClass.WIDE: 2}, evidence_hold=timedelta(minutes=5))
    told = _proposed(strict)
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
    told = _proposed()
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


def _of_changes(situation: Situation) -> Iterator[tuple[str, dict[str, Any]]]:
    name, mitigation = list(situation.incident.mitigations.items())[-1]
    spent = ("this hour's changes of the service are used up",) if name == "M2" else ()
    yield f"Approve {name}", approve.render(situation, mitigation, BEN, spent)
    yield f"Act alone in {name}", glass.alone(situation, mitigation, (ANA.id, CLEO.id))
    yield f"Review {name}", glass.review(situation, mitigation)
    for deed in ("skip", "override"):
        yield f"{deed.capitalize()} {name}", reason.render(deed, situation, mitigation)
    for deed in ("hold", "release"):
        yield f"{deed.capitalize()}", reason.render(deed, situation)
    yield "Legal and impact", notice.overview(situation, decides=True, holds=True)
    yield "Propose the next", propose.render(situation, first="bypass-poor")


def _messages(when: str, situation: Situation, only: Collection[str] = ()) -> Iterator[Sample]:
    settings = SlackSettings.model_validate({"bot_token": "x", "app_token": "x", "legal_channel": "legal"})
    for surface in wanted(situation, settings):
        if only and surface.name.partition(":")[0] not in only:
            continue
        forms = {"": surface.message.blocks, " with a chart": surface.message.rich, " in words": surface.message.bare}
        for form, blocks in forms.items():
            if blocks is not None:
                sent = {"text": surface.message.text, "blocks": blocks}
                yield Sample(f"message {surface.name.partition(':')[0]}{form} ({when})", "message", sent)
    if only:
        return
    matters = tuple(Matter(ANA.id, reason, item, BEGUN, f"{reason}:{item}") for reason, item in (
        (Reason.UPDATE, ""), (Reason.APPROVAL, "M1"), (Reason.FOLLOWUP, "U1:1")))  # fmt: skip
    alone = {
        "page": update.page(situation),
        "reminder": reminder.render([Waiting(situation, matters)], f"remind:{situation.incident.id}:{ANA.id}:1"),
        "reminder, replaced": reminder.replaced([situation.incident.id]),
    }
    for name, made in alone.items():
        yield Sample(f"message {name} ({when})", "message", {"text": made.text, "blocks": made.blocks})


def _views(situation: Situation) -> Iterator[tuple[str, dict[str, Any]]]:
    incident, first = situation.incident, situation.service
    yield "Declare", declare.render([first] if first else [], "What was said")
    yield "Update", update_modal.render(situation, Policy())
    yield "Runbook", step_modal.render(situation)
    yield "Runbook, to choose", step_modal.render(replace(situation, incident=replace(incident, run=None)))
    yield "5 Whys", whys.render(situation, "What in the system let that happen?")
    yield "Impact", impact.render(situation, None)
    yield "Finding", finding.render(situation, "What was said", "https://tocsin.example/1")
    yield "Follow-up", followup.render(situation, "U0ANA")
    yield "Propose", propose.render(situation)
    yield "Resolve", resolve.render(situation)
    yield "War room", room.render(replace(situation, incident=replace(incident, room=None)))
    for why in incident.whys.values():
        yield f"Correct {why.id}", whys.fix(situation, why)
        if why.root:
            yield f"Follow-up for {why.id}", followup.render(situation, "U0ANA", why=why.id, back=True)
    for promise in incident.followups.values():
        yield f"Change {promise.id}", followup.change(situation, promise)
    kept = Ref(item="followup", said="C0INC/1.2")
    yield "Which incident", choose.render([incident, replace(incident, id="INC-8")], "followup", "What was said", kept)
    yield "Notices", notice.overview(situation)
    yield "Words for one person", info.render("Tocsin", "Nothing waits for you.")
    yield "Re-open", reason.render("reopen", situation)
    for mitigation in incident.mitigations.values():
        yield "Approve", approve.render(situation, mitigation)
        for deed in ("decline", "undo", "settle"):
            yield deed.capitalize(), reason.render(deed, situation, mitigation)
    for one in incident.notices.values():
        yield "Notice", notice.review(situation, one)
        yield "Changes to a notice", notice.changes(situation, one)
    for who in (ANA, BEN):
        shifts = [home.Shift("Doctor-visits model", ((ANA.id, "U0ANA", "Ana"), (BEN.id, "U0BEN", "Ben")))]
        tab = home.render([situation], who, Policy(), shifts, [incident], situation.now.date())
        yield f"Home of {who.id}", tab
    yield "Home with nothing", home.render([], ANA, Policy())
    yield "Home of a stranger", home.stranger()
