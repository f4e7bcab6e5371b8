"""Situations for tests of what is shown: everything that can happen to an incident, in any words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

from bot.domain.alert import Alert
from bot.domain.alerts import DeclareForAlerts, EndAlerts, Over
from bot.domain.approval import Approval, ApproveMitigation, DeclineMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.duty import Answer, AnswerDuties, DecideDuty, Due, Duty, RecordFact
from bot.domain.execution import ReportOutcome
from bot.domain.finding import Cause, Diagnose, Hypothesis, RecordFinding
from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp
from bot.domain.glass import BreakGlass, ReviewGlass
from bot.domain.guard import ActionClass, Freeze
from bot.domain.hold import OverrideHold, PlaceHold, ReleaseHold, ReportHold, SkipHold
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Close, Reopen, Resolve, Update
from bot.domain.log import TOCSIN
from bot.domain.mitigation import Outcome, ProposeMitigation, State
from bot.domain.nobody import Lack, ReportNobody
from bot.domain.notice import RequestNotice, Standing
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.policy import Person, Role, Severity, Urgency
from bot.domain.promotion import Promote
from bot.domain.proof import ReportVerification
from bot.domain.runbook import CompleteStep, Kind, Option, Runbook, StartRunbook, Step
from bot.domain.service import Offer, Service
from bot.domain.signing import FreezeNotice
from bot.domain.sli import Judged, ObserveSli
from bot.domain.storm import BeginStorm, Counted, Digest, EndStorm, Named
from bot.domain.undo import ReportUndo, UndoMitigation
from bot.domain.wording import ClaimPrivilege, CommentNotice
from bot.engine.situation import Bar, Chart, Shown, Situation, Words
from bot.notices.ask import OpenQuestion
from bot.notices.checklist import Item
from bot.notices.facts import FactType
from bot.notices.regime import ASKED, Fact
from bot.slack.settings import SlackSettings
from tests.kit import ANA, BEN, CLEO, NOON, Story, breached, declared, held, plan

SETTINGS = SlackSettings(bot_token="x", app_token="y", home_channel="C1", legal_channel="C2")
CONSOLE = "https://tocsin.example"
MAYA = Person("maya", frozenset({Role.APPROVER}))
MENTIONED = {"U0ANA", "U0BEN"}
"""The only people who may be mentioned: those the directory maps."""


def busy(words: str, filler: str = "x", **changes: object) -> Story:
    """An incident in which everything happened, in these words."""
    text = words if words.strip() else filler
    book = Runbook("book", text, "d", (
        Step("s1", Kind.ASK, text, text, tuple(Option(f"v{n}", text) for n in range(6))),
        Step("s2", Kind.CHECK, text),
        Step("s3", Kind.ACT, text, text, params={"means": "rollback"}),
    ))  # fmt: skip
    thought = Hypothesis(Cause.CODE_CHANGE, 0.7, ("F1",), (), text, ("rollback",), (f"bypass: {text}",))
    risky = plan(diff=(text, text), blast_radius=text, undo=text, warnings=(text,), target=text, share=0.3,
                 serves={text: 0.3, "v1": 0.7}, dry_run=text, managed_by=text)  # fmt: skip
    due = Due("first", text, Answer.YES, text, NOON - timedelta(days=2), NOON, NOON, text)
    moved = replace(due, strict=NOON - timedelta(days=1))
    loose = Due("second", text, Answer.UNKNOWN, text, because=text)
    duty = Duty("gdpr", text, Answer.YES, text, "first", NOON, NOON, (text,), dues=(due, loose))
    story = declared(**({"title": text, "because": text, "service": text, "slice": text} | changes))
    story = story.when(ReportPage("p", ANA.id, text, Receipt.ACCEPTED)).when(Acknowledge(), ANA)
    for number in range(12):
        story = story.when(RecordFinding(f"{text}{number}", text, link=text), ANA)
    story = story.when(Diagnose((thought,), (text,))).when(StartRunbook(book), ANA)
    story = story.when(CompleteStep("s1", "v1", text), ANA).when(CompleteStep("s2", "met", text))
    story = story.when(Update(text), ANA).when(ProposeMitigation(risky, text), ANA)
    story = story.when(AssessImpact(412, None, Decimal("10.30"), "EUR", (text,), text), ANA)
    for deep in range(9):
        story = story.when(AddWhy(f"{text}{deep}", f"W{deep}" if deep else "", "F1"), ANA)
    story = story.when(NameRootCause("W9"), ANA).when(AddFollowUp(text, BEN.id, date(2026, 12, 31)), ANA)
    story = story.when(AnswerDuties((replace(duty, dues=(moved,)),), "a")).when(AnswerDuties((duty,), "b"))
    story = story.when(RequestNotice("gdpr/first", "gdpr", "first"), ANA)
    story = story.when(CommentNotice("N1", text, text[:400]), CLEO).when(RecordFact("unheard", None, text), ANA)
    return story.when(FreezeNotice("N1", text * 3, "d" * 64, (text,) * 30, NOON), ANA)


def seen(story: Story, words: str = "x", **changes: object) -> Situation:
    """The situation of a story, with people, a service and a chart of the same words."""
    offers = (Offer("a", words, "rollback", "t"), Offer("b", words, "bypass", "t"))
    bars = tuple(Bar(NOON + timedelta(minutes=n), 90, n, True) for n in range(30))
    situation = Situation(
        incident=story.incident,
        entries=story.entries,
        now=story.now,
        service=Service("visits", words, "o", "C1", offers=offers),
        people={p.id: Shown(p.id, words or p.id, "T1", "U0" + p.id.upper()) for p in (ANA, BEN)},
        charts=(Chart("recall", 0.9, bars, words),),
        drafts={"N1": Words(words * 2, "e", (words,), items=lines(words))},
        questions=tuple(questions(words)),
        runbooks=(Runbook("r", words, "d", (Step("s", Kind.READ, words),)),),
        notice_kinds={"gdpr/first": words, "stakeholders/update": words},
        web_url=CONSOLE,
    )
    return replace(situation, **changes)


def lines(words: str) -> tuple[Item, ...]:
    """Two empty lines of a form and one that is filled in."""
    made = Item("k", words, True, "not_investigated", help=words, when=words, number=words)
    return (made, replace(made, key="k2"), replace(made, key="k3", state="value", value=words))


def questions(words: str) -> Iterator[OpenQuestion]:
    """One question of each kind, for each of those who are asked."""
    kinds = ("bool", "int", "number_or_range", "string", "timestamp", "timestamp_or_range", "date", "country", "list",
             "enum{a_b,c}", "set{a_b,c}", "set<country>", "set<string>", "map<state,int>", "map<regime,timestamp>",
             f"enum{{{','.join(f'v{n}' for n in range(30))}}}", f"set{{{','.join(f'v{n}' for n in range(30))}}}")  # fmt: skip
    for number, (kind, asks) in enumerate(product(kinds, ASKED)):
        fact = Fact(f"fact_{number}", FactType.parse(kind), words, words, asks)
        yield OpenQuestion(fact, ("gdpr", *(f"r{n}" for n in range(number % 7))))
    for asks in ASKED:
        yield OpenQuestion(Fact("unheard", FactType.parse("bool"), words, words, asks), ("gdpr",))


def situations(words: str = "Recall is down") -> Iterator[tuple[str, Situation]]:
    """Every kind of situation a view may be asked to show, with its name."""
    text = words if words.strip() else "x"
    yield "everything happened", seen(busy(words), words)
    yield from _phases(text, words)
    yield from _runbooks(text, words)
    yield from _mitigations(words)
    yield from _changes(words)
    yield from _notices(words)
    yield from _many(text, words)
    yield from _storms(text, words)


def _storms(text: str, words: str) -> Iterator[tuple[str, Situation]]:
    """An umbrella and its digest, a child without a card and one with it, and what alerts opened."""
    story = declared(title=text, sli=None, slo="", fingerprint="storm").when(BeginStorm(300, NOON))
    many = [Counted(f"{text} {n}", 1 + n % 4, 9, n) for n in range(40)]
    named = [Named(f"INC-{n}", text, text, 1, NOON) for n in range(5)]
    for name, digest in (("begins", Digest(NOON, (), (), 0)), ("goes on", Digest(NOON, many, named, 300))):
        yield f"a storm {name}", replace(seen(story, words), digest=digest)
    over = story.when(EndStorm(360, 12, NOON))
    yield "a storm is over", replace(seen(over, words), digest=Digest(NOON, many, named, 0))
    told = tuple(Alert("am", str(n), NOON, None, text or "x", "visits", 2) for n in range(40))
    child = Story().when(DeclareForAlerts(told, text, NOON, umbrella="INC-9"))
    yield "a child without a card", seen(child, words)
    own = child.when(Promote(text, "C9"), ANA)
    yield "a child with a card", seen(own, words)
    quiet = own.when(EndAlerts(tuple(Over(each.key, NOON, NOON) for each in told)))
    yield "all alerts are over", seen(quiet, words)


def _phases(text: str, words: str) -> Iterator[tuple[str, Situation]]:
    bare = declared(title=text, sli=None, slo="", slice="", service="", because="")
    yield "nothing is known", Situation(bare.incident, bare.entries, bare.now)
    yield "suspected", seen(declared(title=text, because=text, urgency=Urgency.NOTICE), words)
    yield "ticket", seen(declared(title=text, because=text, urgency=Urgency.TICKET), words)
    yield "restricted", seen(busy(words, restricted=True), words, on_call=(BEN.id,))
    for severity in Severity:
        yield f"declared {severity}", seen(declared(title=text, because=text, service=text, severity=severity), words)
    failed = declared(title=text).when(ReportPage("p", BEN.id, text, Receipt.FAILED, text))
    yield "paging failed", seen(failed, words)
    yield "nobody on call", seen(declared(title=text).when(ReportNobody(Lack.VACANT, (ANA.id, BEN.id, "x"))), words)
    yield "nobody to page", seen(declared(title=text, restricted=True).when(ReportNobody(Lack.UNSAID)), words)
    story = busy(words)
    met = story.after(minutes=5).when(ObserveSli(breached(judged=Judged.MET, because=text)))
    yield "mitigated", seen(met, words)
    over = met.after(minutes=30).when(Resolve(text, text), ANA).when(DeclineMitigation("M1", text), BEN)
    yield "resolved", seen(over, words)
    yield "closed", seen(over.when(DecideDuty("gdpr", Answer.NO, text), CLEO).when(Close(), ANA), words)
    yield "open again", seen(over.when(Reopen(text), ANA), words)


def _runbooks(text: str, words: str) -> Iterator[tuple[str, Situation]]:
    options = {"two": 2, "eleven": 11}
    for kind in Kind:
        book = Runbook("b", text, "d", (Step("s1", kind, text, text, params={"means": "rollback"}),))
        yield f"step {kind}", seen(declared(title=text).when(StartRunbook(book), ANA), words)
    for name, many in options.items():
        step = Step("s1", Kind.ASK, text, text, tuple(Option(f"v{n}", text) for n in range(many)))
        story = declared(title=text).when(StartRunbook(Runbook("b", text, "d", (step,))), ANA)
        yield f"{name} answers", seen(story, words)
        yield f"runbook finished after {name}", seen(story.when(CompleteStep("s1", "v1", text), ANA), words)
    yield "no runbook and no offer", seen(declared(title=text), words, runbooks=(), service=None)


def _mitigations(words: str) -> Iterator[tuple[str, Situation]]:
    text = words if words.strip() else "x"
    story = busy(words)
    digest = story.incident.mitigations["M1"].digest
    approved = story.when(ReportHold("M1", held(text), (text,))).when(ApproveMitigation("M1", digest), BEN)
    situation = seen(approved, words)
    one = replace(situation.incident.mitigations["M1"], detail=text)
    for state in State:
        changed = {"M1": replace(one, state=state, applied_at=NOON, verified_at=NOON)}
        yield f"mitigation {state}", replace(situation, incident=replace(situation.incident, mitigations=changed))


def _changes(words: str) -> Iterator[tuple[str, Situation]]:
    """What else may happen to a change: alone, held by counsel, without evidence, two who must approve, by itself."""
    text = words if words.strip() else "x"
    story, why = busy(words), f"{text} {text} because it burns"
    digest = story.incident.mitigations["M1"].digest
    alone = story.when(BreakGlass("M1", digest, why, (ANA.id, CLEO.id)), BEN)
    yield "acts alone", seen(alone, words)
    unknown = alone.when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.UNKNOWN, text))
    yield "alone and unknown", seen(unknown, words)
    done = unknown.when(ReportOutcome("M1", Outcome.APPLIED, text), BEN)
    yield "alone and reviewed", seen(done.when(ReviewGlass("M1", False, text), MAYA), words)
    frozen = story.when(PlaceHold(why), CLEO)
    yield "held by counsel", seen(frozen.when(ApproveMitigation("M1", digest), BEN), words)
    overridden = frozen.when(OverrideHold("M1", why), BEN).when(SkipHold("M1", why), BEN)
    yield "hold overridden", seen(overridden.when(ApproveMitigation("M1", digest), BEN), words)
    yield "hold released", seen(overridden.when(ReleaseHold(why), CLEO), words)
    useless = done.when(ReportVerification("M1", helped=False, because=text))
    yield "helps not", seen(useless, words)
    yield "helps", seen(useless.when(ReportVerification("M1", helped=True, because=text)), words)
    yield (
        "undone perhaps",
        seen(useless.when(UndoMitigation("M1", text), BEN).when(ReportUndo("M1", Outcome.UNKNOWN, text)), words),
    )
    freeze = Freeze(text, text, NOON, NOON + timedelta(days=1))
    yield "under other rules", seen(story, words, policy=replace(story.policy, freezes=(freeze,)))
    strict = replace(story.policy, quorum={ActionClass.TRAFFIC: 2}, freezes=(freeze,))
    two = replace(story.incident.mitigations["M1"], needs=2, digest=digest)
    two = replace(two, plan=replace(two.plan, rules=strict.fingerprint), approvals=(Approval(BEN.id, digest, NOON),))
    incident = replace(story.incident, mitigations={"M1": two})
    yield "one of two, frozen", replace(seen(story, words, policy=strict), incident=incident)
    bare = plan(undo="", klass=ActionClass.SMALL, target=text, target_uid=text)
    alone_there = declared(title=text).when(ProposeMitigation(bare, text), ANA)
    automatic = replace(
        alone_there.incident.mitigations["M1"], automatic=True, state=State.APPROVED, proposed_by=TOCSIN
    )
    by_itself = replace(alone_there.incident, mitigations={"M1": automatic})
    yield "no way back", seen(alone_there, words)
    yield "by itself", replace(seen(alone_there, words), incident=by_itself)


def _notices(words: str) -> Iterator[tuple[str, Situation]]:
    text = words if words.strip() else "x"
    situation = seen(busy(words), words)
    one = replace(situation.incident.notices["N1"], note=text, approved_by=BEN.id)
    for standing in Standing:
        changed = {"N1": replace(one, standing=standing)}
        yield f"notice {standing}", replace(situation, incident=replace(situation.incident, notices=changed))
    private = busy(words).when(ClaimPrivilege("N1", text, text, text), CLEO)
    yield "privileged notice", seen(private, words)
    first = declared(title=text).when(RequestNotice("gdpr/first", "gdpr", "first"), ANA)
    yield "notice without words", seen(first, words, drafts={}, unfilled={"N1": text})


def _many(text: str, words: str) -> Iterator[tuple[str, Situation]]:
    """More of everything than Slack has room for."""
    story = declared(title=text).when(Acknowledge(), ANA)
    for number in range(130):
        story = story.when(RecordFinding(f"{number} {text}", text), ANA)
        story = story.when(AddWhy(f"{number} {text}", "W1" if number else "", ""), ANA)
    for number in range(25):
        story = story.when(AddFollowUp(f"{number} {text}", BEN.id, date(2026, 11, 21)), ANA)
        story = story.when(ReportPage(f"p{number}", BEN.id, text, Receipt.ACCEPTED))
        story = story.when(RequestNotice(f"r{number}/first", f"r{number}", "first"), ANA)
    for number in range(4):
        made = plan(target=f"t{number}", diff=tuple(f"{n} {text}" for n in range(60)), warnings=(text,) * 20)
        story = story.when(ProposeMitigation(made, text), ANA)
    duties = tuple(Duty(f"r{n}", f"{n} {text}", Answer.YES, text, "first", NOON, NOON, (text,) * 9) for n in range(45))
    story = story.when(AnswerDuties(duties, "b"))
    service = Service(
        "visits", words, "o", "C1", offers=tuple(Offer(f"o{n}", words, "bypass", "t") for n in range(130))
    )
    books = tuple(Runbook(f"r{n}", f"{n} {words}", "d", (Step("s", Kind.READ, text),) * 30) for n in range(130))
    kinds = {f"k{n}/first": f"{n} {words}" for n in range(130)}
    yield "too many of everything", seen(story, words, service=service, runbooks=books, notice_kinds=kinds)
