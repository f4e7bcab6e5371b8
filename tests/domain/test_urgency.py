"""How a suspicion ends, and when it does not."""

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.climbing import PageOwed
from bot.domain.execution import ReportOutcome
from bot.domain.glass import BreakGlass
from bot.domain.hold import ReportHold
from bot.domain.lifecycle import Close, Resolve
from bot.domain.log import Free
from bot.domain.mitigation import Outcome, ProposeMitigation, State
from bot.domain.phase import Phase
from bot.domain.policy import Policy, Urgency
from bot.domain.sli import Judged, ObserveSli
from bot.domain.todo import todo
from bot.domain.urgency import SuspicionStays, Withdraw
from tests.kit import ANA, BEN, Story, breached, declared, held, lines, plan

PLAN = plan()
MET = ObserveSli(breached(judged=Judged.MET))


def suspected() -> Story:
    """A suspicion somebody proposed a change for without taking it."""
    return declared(urgency=Urgency.NOTICE).when(ProposeMitigation(PLAN), ANA)


def in_doubt() -> Story:
    story = suspected().when(ApproveMitigation("M1", PLAN.digest), BEN).when(ReportHold("M1", held("rows")))
    return story.when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.UNKNOWN, "time-out"))


def test_a_suspicion_the_data_do_not_bear_out_is_withdrawn() -> None:
    """Nobody took it and nothing is in hand: it is filed away, and what it kept is free."""
    over = declared(urgency=Urgency.NOTICE).when(MET)
    assert list(over.when(Withdraw("met again")).events[0].claims(over.incident)) == [Free("open:slo/recall")]
    assert over.when(Withdraw("met again")).incident.phase is Phase.CLOSED
    declined = suspected().when(DeclineMitigation("M1", "not needed"), BEN).when(MET)
    assert declined.when(Withdraw("met again")).incident.phase is Phase.CLOSED


def test_it_stays_open_over_a_change_in_hand_and_says_so_once() -> None:
    """A change nobody can tell of keeps its target and its pages; the incident stays where both are looked after."""
    story = in_doubt().when(MET).when(Withdraw("met again"))
    assert story.incident.is_open
    assert "it stays open until somebody resolves it: mitigations are still under way: M1" in lines(story)[-1]
    assert [each for each in todo(story.incident, Policy(), None, ()) if isinstance(each, PageOwed)]
    assert story.when(Withdraw("met again")).events == ()
    for waiting in (suspected(), suspected().when(ApproveMitigation("M1", PLAN.digest), BEN)):
        (said,) = waiting.when(MET).when(Withdraw("met again")).events
        assert isinstance(said, SuspicionStays)


def test_once_the_change_ended_the_next_recovery_withdraws_it() -> None:
    """What kept it open is over: nothing else does."""
    story = in_doubt().when(MET).when(Withdraw("met again"))
    story = story.when(ReportOutcome("M1", Outcome.FAILED, "weights are as before"), BEN)
    assert story.incident.mitigations["M1"].state is State.FAILED
    assert story.when(Withdraw("met again")).incident.phase is Phase.CLOSED


def test_what_one_person_did_alone_is_reviewed_first() -> None:
    """The data end no incident in which an unreviewed change stands, as no person may close it."""
    why = "the clinic turns people away and nobody answers"
    story = suspected().when(BreakGlass("M1", PLAN.digest, why, ()), BEN)
    story = story.when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.APPLIED, "done")).when(MET)
    stays = story.when(Withdraw("met again"))
    assert stays.incident.is_open
    assert "somebody else must review it first" in lines(stays)[-1]
    assert "somebody else must review it first" in stays.when(Resolve("over", waive="x"), ANA).refuses(Close(), ANA)
