"""Where nobody can tell what became of a change people are woken; and what counts as an undo that was seen to work."""

from dataclasses import replace

from bot.domain.approval import ApproveMitigation, Preapprove, proof_of
from bot.domain.claim import ClaimMitigation
from bot.domain.climbing import PageOwed
from bot.domain.execution import ReportOutcome
from bot.domain.guard import ActionClass, Means, TargetRules
from bot.domain.hold import ReportHold
from bot.domain.log import Free, Tally
from bot.domain.mitigation import Outcome, ProposeMitigation
from bot.domain.paging import AskFor, Receipt, ReportPage
from bot.domain.policy import Policy
from bot.domain.todo import todo
from bot.domain.undo import BeginUndo, ReportUndo, UndoMitigation
from tests.kit import ANA, BEN, Story, declared, held, plan

PLAN = plan()


def claimed() -> Story:
    """Ana proposed it, Ben approved it, and it is being carried out."""
    story = declared().when(ProposeMitigation(PLAN), ANA).when(ApproveMitigation("M1", PLAN.digest), BEN)
    return story.when(ReportHold("M1", held("rows"))).when(ClaimMitigation("M1", "7", (BEN,)))


def test_an_undo_is_seen_to_work_only_where_it_was_ours() -> None:
    """What another hand had put back before we began proves nothing of our own way back."""
    asked = claimed().when(ReportOutcome("M1", Outcome.APPLIED, "x")).when(UndoMitigation("M1", "worse"), BEN)
    report = ReportUndo("M1", Outcome.APPLIED, "as it was")
    proof = Tally(proof_of(PLAN))
    by_hand = list(asked.when(report).events[0].claims(asked.incident))
    assert (proof in by_hand, Free("target:router/visits") in by_hand) == (False, True)
    begun = asked.when(BeginUndo("M1"))
    assert proof in list(begun.when(report).events[0].claims(begun.incident))
    for other in (Outcome.FAILED, Outcome.UNKNOWN):
        assert proof not in list(begun.when(ReportUndo("M1", other, "x")).events[0].claims(begun.incident))


# -- nobody can tell -------------------------------------------------------------------------------------------------


def by_itself() -> Story:
    """What is approved beforehand is being carried out in an incident that nobody has taken."""
    ahead = Policy(targets={"visits-router": TargetRules(automatic=frozenset({Means.ROLLBACK}))})
    made = plan(klass=ActionClass.SMALL, rules=ahead.fingerprint)
    story = replace(declared(), policy=ahead).when(Preapprove(made, "rollback", "the likeliest cause"))
    return story.when(ReportHold("M1", held("rows"))).when(ClaimMitigation("M1", "7", ()))


def called(story: Story) -> list[str]:
    return [call.person for call in story.incident.calls]


def test_those_on_call_are_paged_where_nobody_can_tell() -> None:
    """Nobody approved what was approved beforehand and nobody leads; others are told beside who wanted it, each once."""
    tell = ("max", "ben")
    assert called(by_itself().when(ReportOutcome("M1", Outcome.UNKNOWN, "time-out", tell))) == ["max", "ben"]
    assert called(claimed().when(ReportOutcome("M1", Outcome.UNKNOWN, "time-out", tell))) == ["ben", "ana", "max"]
    assert called(by_itself().when(ReportOutcome("M1", Outcome.APPLIED, "done", tell))) == []
    undoing = by_itself().when(ReportOutcome("M1", Outcome.APPLIED, "done")).when(UndoMitigation("M1", "x"))
    assert called(undoing.when(ReportUndo("M1", Outcome.UNKNOWN, "time-out", tell))) == ["max", "ben"]


def test_it_is_tried_until_one_of_them_is_reached() -> None:
    """Every channel of everybody failed: it goes on with growing patience, until one was reached or it is settled."""
    story = by_itself().when(ReportOutcome("M1", Outcome.UNKNOWN, "time-out", ("max", "ben")))
    waits = []
    for _ in range(8):
        story = replace(story, now=max(each.due for each in calls_owed(story)))
        last = story.now
        for each in calls_owed(story):
            story = story.when(ReportPage(each.key, each.person, "sms", Receipt.FAILED, "no signal"))
        waits.append((min(each.due for each in calls_owed(story)) - last).total_seconds())
    assert waits == [5, 5, 60, 120, 240, 300, 300, 300]
    first, second = calls_owed(story)
    assert first.attempt == 9
    reached = story.when(ReportPage(second.key, "ben", "sms", Receipt.ACCEPTED))
    assert calls_owed(reached) == []
    assert calls_owed(story.when(ReportOutcome("M1", Outcome.FAILED, "not there"), BEN)) == []


def test_whoever_was_called_for_before_is_called_again() -> None:
    """That an earlier call of theirs failed everywhere, or was answered, does not count for this one."""
    for receipt in Receipt:
        story = by_itself().when(AskFor("max"), ANA)
        (call,) = calls_owed(story)
        for _ in range(3 if receipt is Receipt.FAILED else 1):
            story = story.when(ReportPage(call.key, "max", "sms", receipt, "x"))
        assert calls_owed(story) == []
        unknown = story.when(ReportOutcome("M1", Outcome.UNKNOWN, "time-out", ("max",)))
        assert [each.person for each in calls_owed(unknown)] == ["max"]


def calls_owed(story: Story) -> list[PageOwed]:
    owed = todo(story.incident, story.policy, None, [])
    return [each for each in owed if isinstance(each, PageOwed) and ":call:" in each.key]
