"""Evidence before a change, and counsel's word that nothing may be altered."""

from dataclasses import replace

from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation, MitigationClaimed
from bot.domain.execution import ReportOutcome
from bot.domain.hold import OverrideHold, PlaceHold, ReleaseHold, ReportHold, SkipHold
from bot.domain.mitigation import Held, Means, Outcome, ProposeMitigation
from bot.domain.policy import ActionClass, Policy
from bot.domain.todo import CollectOwed, ExecuteOwed, todo
from bot.domain.undo import UndoMitigation
from tests.kit import ANA, BEN, CLEO, MAX, Story, declared, held, lines, plan


def proposed(**changes: object) -> Story:
    return declared().when(ProposeMitigation(plan(**changes), "x"), ANA)


def approved(**changes: object) -> Story:
    return proposed(**changes).when(ApproveMitigation("M1", plan(**changes).digest), BEN)


def owed(story: Story, kind: type) -> list:
    return [each for each in todo(story.incident, Policy(), None, []) if isinstance(each, kind)]


def test_evidence_is_kept_by_its_hash_and_what_came_late_is_added() -> None:
    """Names and SHA-256 stand in the log; what was missing is owed until it is there, and added once."""
    story = proposed().when(ReportHold("M1", held("rows"), ("drift: no answer",)))
    assert owed(story, CollectOwed)
    assert story.when(ReportHold("M1", held("other"))).events == ()
    late = story.when(ReportHold("M1", (*held("rows"), Held("drift", "d" * 64)), (), late=True))
    mitigation = late.incident.mitigations["M1"]
    assert mitigation.held == ("rows", "drift")
    assert mitigation.held_as == (*held("rows"), Held("drift", "d" * 64))
    assert not owed(late, CollectOwed)
    assert late.when(ReportHold("M1", held("rows"), (), late=True)).events == ()


def test_people_at_risk_do_not_wait_for_evidence() -> None:
    """An approver lets it go ahead with a reason; nobody else, and not without one."""
    story = approved()
    assert "hold of M1 runs until" in story.refuses(ClaimMitigation("M1", "7", (BEN,)))
    assert "say why people are at risk" in story.refuses(SkipHold("M1", " "), BEN)
    assert "only admin or approver" in story.refuses(SkipHold("M1", "patients are sent home"), ANA)
    skipped = story.when(SkipHold("M1", "patients are sent home"), BEN)
    assert "before its evidence is held: patients are sent home" in lines(skipped)[-1]
    assert isinstance(skipped.when(ClaimMitigation("M1", "7", (BEN,))).events[0], MitigationClaimed)


def test_counsel_can_hold_what_moves_production() -> None:
    """Class 2 waits, is not owed, and says so; class 1 goes on; released, it goes on too."""
    story = approved().when(ReportHold("M1", held("rows"))).when(PlaceHold("the authority asked for it"), CLEO)
    assert not owed(story, ExecuteOwed)
    refusal = story.refuses(ClaimMitigation("M1", "7", (BEN,)))
    assert "counsel holds INC-1 as it is: the authority asked for it" in refusal
    small = approved(means=Means.BYPASS, klass=ActionClass.SMALL).when(PlaceHold("x"), CLEO)
    assert isinstance(small.when(ClaimMitigation("M1", "7", (BEN,))).events[0], MitigationClaimed)
    free = story.when(ReleaseHold("copies are made"), CLEO)
    assert owed(free, ExecuteOwed)
    assert isinstance(free.when(ClaimMitigation("M1", "7", (BEN,))).events[0], MitigationClaimed)


def test_only_counsel_places_and_releases_a_hold_with_a_reason() -> None:
    """Approver and manager are told who may; the same hold twice is one."""
    for person in (BEN, MAX):
        assert "only counsel may place" in declared().refuses(PlaceHold("x"), person)
        assert "only counsel may release" in declared().when(PlaceHold("x"), CLEO).refuses(ReleaseHold("x"), person)
    assert "say why nothing may be altered" in declared().refuses(PlaceHold(""), CLEO)
    assert declared().when(PlaceHold("x"), CLEO).when(PlaceHold("x"), CLEO).events == ()
    assert declared().when(ReleaseHold("x"), CLEO).events == ()


def test_a_second_person_may_override_counsel_for_one_change() -> None:
    """With a reason, not the proposer, and for that change alone."""
    story = approved().when(ReportHold("M1", held("rows"))).when(PlaceHold("x"), CLEO)
    assert "say why it cannot wait" in story.refuses(OverrideHold("M1", ""), BEN)
    mine = declared().when(ProposeMitigation(plan()), BEN).when(PlaceHold("x"), CLEO)
    assert "a second person must override" in mine.refuses(OverrideHold("M1", "people are hurt"), BEN)
    over = story.when(OverrideHold("M1", "people are hurt"), BEN)
    assert "in spite of the legal hold: people are hurt" in lines(over)[-1]
    assert isinstance(over.when(ClaimMitigation("M1", "7", (BEN,))).events[0], MitigationClaimed)
    assert "no legal hold" in approved().refuses(OverrideHold("M1", "x"), BEN)


def test_counsel_holds_the_way_back_too() -> None:
    """Taking a change back alters the system as well: it waits, or is overridden."""
    story = approved().when(ReportHold("M1", held("rows"))).when(ClaimMitigation("M1", "7", (BEN,)))
    story = story.when(ReportOutcome("M1", Outcome.APPLIED, "x")).when(PlaceHold("the authority asked"), CLEO)
    assert "counsel holds INC-1 as it is" in story.refuses(UndoMitigation("M1", "worse"), BEN)
    assert "counsel holds" in story.refuses(UndoMitigation("M1", "it does not help"))
    over = story.when(OverrideHold("M1", "it makes things worse"), BEN)
    assert over.when(UndoMitigation("M1", "worse"), BEN).events


def test_a_hold_is_for_what_has_not_begun() -> None:
    """What is carried out already does not wait for one."""
    done = approved().when(ReportHold("M1", held("rows"))).when(ClaimMitigation("M1", "7", (BEN,)))
    assert "does not wait for a hold" in done.refuses(SkipHold("M1", "x"), BEN)
    assert "does not wait for a hold" in replace(done).refuses(OverrideHold("M1", "x"), BEN)
