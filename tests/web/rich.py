"""An incident in which everything happened that a page can show."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.duty import AnswerDuties
from bot.domain.execution import ReportOutcome
from bot.domain.finding import Cause, Diagnose, Hypothesis, RecordFinding
from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp
from bot.domain.hold import ReportHold
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Declare, Update
from bot.domain.mitigation import Outcome
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.policy import Severity
from bot.domain.runbook import CompleteStep
from bot.domain.sli import Judged, ObserveSli
from tests.kit import NOON, at, breached, held
from tests.web.fakes import Place

HOSTILE = '<script>alert(1)</script> <!channel> "><img src=x onerror=alert(2)>'


async def declared(home: Place, **changes: object) -> str:
    """An incident the watch declared five seconds after its onset."""
    home.clock.forward(seconds=5)
    given: dict[str, object] = {
        "title": "Recall below its objective for health=poor",
        "severity": Severity.SEV2,
        "service": "visits",
        "because": "burns 2.4× over 15 s: 40 of 100 predictions were wrong, 10 are allowed",
        "onset": NOON,
        "detected": at(5),
        "slo": "recall",
        "slice": "health=poor",
        "fingerprint": "slo/recall",
        "sli": breached(),
    }
    name = await home.desk.log.fresh_id()
    await home.desk.submit(name, Declare(**{**given, **changes}))
    return name


async def rich(home: Place, text: str = "v2 was released at 11:58") -> str:
    """Declared, paged, diagnosed, mitigated, told; `text` is what people typed wherever they could."""
    desk, clock = home.desk, home.clock
    ana, ben = await home.who("ana"), await home.who("ben")
    name = await declared(home, title=f"Recall below its objective: {text}"[:180])
    await desk.submit(name, ReportPage("page:1", ana.id, "slack", Receipt.ACCEPTED, "D024"))
    clock.forward(seconds=40)
    await desk.submit(name, Acknowledge(), ana)
    await desk.submit(name, RecordFinding(text, "deploys", (("code_change", 2.0),), seen=NOON - timedelta(minutes=2)))
    await desk.submit(name, RecordFinding("no feature drifted: largest PSI 0.02", "drift"))
    guesses = (
        Hypothesis(Cause.CODE_CHANGE, 0.82, ("F1",), (), "compare v1 and v2 on the same rows", ("rollback",)),
        Hypothesis(Cause.FEATURE_PIPELINE, 0.11, (), ("F2",), "replay yesterday's features"),
    )
    await desk.submit(name, Diagnose(guesses, ("lineage: no answer in 5 s",)))
    await desk.start_runbook(name, "bad-release", ana)
    await desk.submit(name, CompleteStep("look", "done", text), ana)
    await desk.changes.propose(name, "back-to-v1", text, ana)
    digest = (await desk.log.load(name)).mitigations["M1"].digest
    clock.forward(seconds=30)
    await desk.submit(name, ReportHold("M1", held("snapshot of the router"), ("lineage",)))
    await desk.submit(name, ApproveMitigation("M1", digest), ben)
    await desk.submit(name, ClaimMitigation("M1", "7", (ben.person,)))
    await desk.submit(name, ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100, v2 0"))
    clock.forward(minutes=4)
    await desk.submit(name, ObserveSli(breached(judged=Judged.MET, since=at(200), because="no bad event for 60 s")))
    await desk.submit(name, Update(text), ana)
    await desk.submit(name, AssessImpact(412, None, Decimal("1030.00"), "EUR", ("people: no ids yet",), text), ana)
    await desk.submit(name, AddWhy("The recall fell", "", "F1"), ana)
    await desk.submit(name, AddWhy(text, "W1"), ana)
    await desk.submit(name, NameRootCause("W2"), ana)
    await desk.submit(name, AddFollowUp(text, ben.id, (clock.now() + timedelta(days=7)).date(), "W2"), ana)
    await home.store.exhibits.put(name, f"{text[:40]}.json", "text/html", b"<script>alert(1)</script>", clock.now())
    duties = desk.drafter.duties(await desk.situation(name))
    await desk.submit(name, AnswerDuties(duties, "b1"))
    await desk.request_notice(name, "stakeholders/update", ana)
    await desk.request_notice(name, "eu_gdpr_art33/sa_notification", ana)
    await desk.ask_approval(name, "N1", ana)
    return name
