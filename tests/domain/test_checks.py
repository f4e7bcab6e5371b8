"""What must hold before an incident is called over: each open check is waived by name, and nothing silently."""

from bot.domain.approval import ApproveMitigation
from bot.domain.checks import resolve_checks
from bot.domain.claim import ClaimMitigation
from bot.domain.duty import Answer, AnswerDuties, Duty
from bot.domain.execution import ReportOutcome
from bot.domain.hold import ReportHold
from bot.domain.lifecycle import IncidentResolved, Resolve
from bot.domain.mitigation import Outcome, ProposeMitigation
from bot.domain.notice import RequestNotice
from bot.domain.phase import Phase
from bot.domain.sli import Attach
from tests.kit import ANA, BEN, NOON, Story, breached, declared, held, lines, plan


def proposed() -> Story:
    return declared().when(ProposeMitigation(plan(), "v2 is bad"), ANA)


def applied() -> Story:
    story = proposed()
    story = story.when(ApproveMitigation("M1", story.incident.mitigations["M1"].digest), BEN)
    story = story.when(ReportHold("M1", held("a snapshot"), ()))
    return story.when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.APPLIED, "done"))


def test_every_check_has_a_name_of_its_own() -> None:
    """The same list twice has the same names; open approvals and objectives block."""
    story = proposed().when(Attach(breached(slo="latency")))
    checks = resolve_checks(story.incident)
    assert {check.key: check.open for check in checks} == {
        "sli/recall": True, "sli/latency": True, "mitigation/M1": True,
    }  # fmt: skip
    assert "M1 is still under way (proposed)" in checks[-1].what


def test_a_reason_for_one_check_is_none_for_another() -> None:
    """What has no reason of its own is named; with one each it resolves, and the timeline says each."""
    story = proposed()
    refusal = story.refuses(Resolve("over", waivers=(("sli/recall", "the model is off"), ("mitigation/M1", "  "))), ANA)
    assert "M1 is still under way" in refusal
    assert "recall" not in refusal
    done = story.when(Resolve("over", "", (("sli/recall", "it is off"), ("mitigation/M1", "withdrawn"))), ANA)
    assert done.incident.phase is Phase.RESOLVED
    assert "recall is breached, because it is off; " in lines(done)[-1]
    assert "M1 is still under way (proposed), because withdrawn)" in lines(done)[-1]


def test_one_reason_for_all_stays_valid() -> None:
    """As a mention or the terminal gives it; a check's own reason comes first."""
    done = proposed().when(Resolve("over", "we looked", (("sli/recall", "it is off"),)), ANA)
    (event,) = done.events
    assert [(one.key, one.because) for one in event.waivers] == [
        ("sli/recall", "it is off"), ("mitigation/M1", "we looked"),
    ]  # fmt: skip


def test_a_reason_for_a_check_that_holds_is_not_kept() -> None:
    """Nothing was waived, so nothing says so."""
    done = declared(sli=None).when(Resolve("over", "just in case", (("sli/recall", "x"),)), ANA)
    assert done.events[0].waivers == ()
    assert "waived" not in lines(done)[-1]


def test_what_goes_on_is_said_and_keeps_nobody() -> None:
    """A mitigation that stays, a notice not sent, a duty nobody answered: told, and no reason asked."""
    duties = (Duty("gdpr", "GDPR", Answer.YES, "b", strict=NOON), Duty("act", "AI Act", Answer.NO, "no"))
    story = applied().when(AnswerDuties(duties, "b")).when(RequestNotice("stakeholders/update", "", ""), ANA)
    notes = {check.key for check in resolve_checks(story.incident) if not check.blocking}
    assert notes == {"stays/M1", "notice/N1", "duty/gdpr"}
    assert story.when(Resolve("over", waivers=(("sli/recall", "x"), ("mitigation/M1", "y"))), ANA).events


def test_older_entries_still_say_their_reason() -> None:
    """Before each check had its own, one sentence covered them all."""
    story = declared().tell(IncidentResolved("over", "recall is breached", "it is off"), by="ana")
    assert lines(story)[-1] == "ana resolved it: over (waived: recall is breached, because it is off)"
