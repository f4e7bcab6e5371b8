from dataclasses import replace
from datetime import timedelta

from bot.domain.approval import ApproveMitigation, DeclineMitigation, ExpireMitigation, MitigationExpired
from bot.domain.claim import ClaimMitigation, MitigationClaimed, MitigationOutdated
from bot.domain.execution import ReportOutcome
from bot.domain.hold import ReportHold
from bot.domain.log import Take, Untally
from bot.domain.mitigation import Means, Outcome, ProposeMitigation, State
from bot.domain.policy import THE_BOT, ActionClass, Person, Policy, Role
from bot.domain.proof import ReportVerification
from bot.domain.sli import Judged, ObserveSli
from bot.domain.todo import ExecuteOwed, ExpireOwed, HoldOwed, UndoOwed, VerifyOwed, todo
from bot.domain.trouble import ReportTrouble
from bot.domain.undo import ReportUndo, UndoMitigation
from tests.kit import ANA, AUDREY, BEN, Story, at, breached, declared, held, lines, plan

PLAN = plan()


def proposed() -> Story:
    return declared().after(seconds=55).when(ProposeMitigation(PLAN, "v2 lost the labels"), ANA)


def approved() -> Story:
    return (
        proposed().after(seconds=5).when(ApproveMitigation("M1", PLAN.digest), BEN).when(ReportHold("M1", held("rows")))
    )


def claimed() -> Story:
    return approved().after(seconds=1).when(ClaimMitigation("M1", "7", (BEN,)))


def state(story: Story) -> State:
    return story.incident.mitigations["M1"].state


def owed(story: Story, kind: type) -> list:
    return [each for each in todo(story.incident, Policy(), None, []) if isinstance(each, kind)]


def test_the_digest_covers_every_field_of_the_plan() -> None:
    """Changing any single field changes the digest: approving it approves exactly these words."""
    others = {
        "means": Means.TRAFFIC, "action": "x", "target": "x", "target_uid": "x", "token": "8", "params": {}, "before": {},
        "after": {}, "diff": (), "blast_radius": "x", "klass": PLAN.klass.__class__(3), "undo": "x",
        "undo_params": {"a": 1}, "warnings": ("x",), "share": 0.5, "serves": {"v1": 1.0}, "dry_run": "x", "managed_by": "x",
        "rules": "x",
    }  # fmt: skip
    assert set(others) == set(PLAN.__dataclass_fields__)
    digests = {replace(PLAN, **{name: value}).digest for name, value in others.items()}
    assert len(digests | {PLAN.digest}) == len(others) + 1


def test_the_proposer_never_approves() -> None:
    """Not even with the approver's role; a person without it is told who may."""
    story = declared().when(ProposeMitigation(PLAN), BEN)
    assert "second person" in story.refuses(ApproveMitigation("M1", PLAN.digest), BEN)
    assert "only admin or approver may" in story.refuses(ApproveMitigation("M1", PLAN.digest), ANA)
    assert "never approves" in story.refuses(ApproveMitigation("M1", PLAN.digest), THE_BOT)


def test_an_approval_is_of_exactly_this_digest_in_time_and_once() -> None:
    """Another digest, an expired proposal and a proposal that is gone are refused; the same click twice is one."""
    assert "changed since you opened it" in proposed().refuses(ApproveMitigation("M1", "other"), BEN)
    assert "expired" in proposed().after(minutes=16).refuses(ApproveMitigation("M1", PLAN.digest), BEN)
    story = proposed().when(ApproveMitigation("M1", PLAN.digest), BEN)
    assert story.when(ApproveMitigation("M1", PLAN.digest), BEN).events == ()
    third = Person("dora", frozenset({Role.APPROVER}))
    assert "nothing to approve" in story.refuses(ApproveMitigation("M1", PLAN.digest), third)
    assert "no mitigation M9" in story.refuses(ApproveMitigation("M9", PLAN.digest), BEN)


def test_the_same_change_is_not_proposed_twice_and_nothing_is_not_proposed() -> None:
    """A target already being changed, and a plan without a difference, are refused in words."""
    other = ProposeMitigation(plan(params={"to": "v0"}))
    assert "exactly that" in proposed().refuses(ProposeMitigation(PLAN), BEN)
    for story in (approved(), claimed(), claimed().when(ReportOutcome("M1", Outcome.UNKNOWN, "?"))):
        assert "M1 is under way on visits-router" in story.refuses(other, BEN)
    assert "wanted state already" in declared().refuses(ProposeMitigation(plan(diff=())), ANA)
    assert "only" in declared().refuses(ProposeMitigation(PLAN), AUDREY)


def test_two_ways_for_one_target_may_be_put_side_by_side_and_one_is_taken() -> None:
    """A proposal holds nothing: another may stand beside it. Once one is approved the other must wait, then is stale."""
    other = plan(means=Means.TRAFFIC, params={"weights": {"v1": 90, "v2": 10}})
    both = proposed().when(ProposeMitigation(other, "gently"), ANA)
    assert [m.state for m in both.incident.mitigations.values()] == [State.PROPOSED] * 2
    one = both.when(ApproveMitigation("M2", other.digest), BEN)
    assert "M2 is under way on visits-router" in one.refuses(ApproveMitigation("M1", PLAN.digest), BEN)
    one = one.when(ReportHold("M1", ())).when(ReportHold("M2", ())).when(ClaimMitigation("M2", "7", (BEN,)))
    done = one.when(ReportOutcome("M2", Outcome.APPLIED, "revision 8"))
    late = done.when(ApproveMitigation("M1", PLAN.digest), BEN).when(ClaimMitigation("M1", "8", (BEN,)))
    assert late.events == (MitigationOutdated("M1", "8"),)


def test_nothing_else_is_done_to_a_target_that_is_being_changed() -> None:
    """While one is carried out, taken back or in doubt, no other of the same incident is undone or carried out."""
    bypass = plan(means=Means.BYPASS, klass=ActionClass.SMALL)
    story = declared().when(ProposeMitigation(bypass), ANA).when(ApproveMitigation("M1", bypass.digest), BEN)
    story = story.when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.APPLIED, "x"))
    roll = plan(token="8")
    story = story.when(ProposeMitigation(roll), ANA).when(ApproveMitigation("M2", roll.digest), BEN)
    story = story.when(ReportHold("M2", ()))
    undoing = story.when(UndoMitigation("M1", "x"), BEN)
    assert "M1 is under way" in undoing.refuses(ClaimMitigation("M2", "8", (BEN,)))
    carried = story.when(ClaimMitigation("M2", "8", (BEN,)))
    assert "M2 is under way" in carried.refuses(UndoMitigation("M1", "x"), BEN)
    doubt = carried.when(ReportOutcome("M2", Outcome.UNKNOWN, "?"))
    assert "M2 is under way" in doubt.refuses(UndoMitigation("M1", "x"), BEN)
    assert (
        state(carried.when(ReportOutcome("M2", Outcome.FAILED, "x")).when(UndoMitigation("M1"), BEN)) is State.UNDOING
    )


def test_claiming_checks_everything_once_more() -> None:
    """State, hold, approvers as they are now, expiry and the target's version, all at the moment of acting."""
    story = proposed().after(seconds=5).when(ApproveMitigation("M1", PLAN.digest), BEN)
    assert "evidence hold" in story.refuses(ClaimMitigation("M1", "7", (BEN,)))
    assert "cannot be carried out" in proposed().refuses(ClaimMitigation("M1", "7", (BEN,)))
    assert "only the engine" in approved().refuses(ClaimMitigation("M1", "7", (BEN,)), BEN)
    assert "not known any more" in approved().refuses(ClaimMitigation("M1", "7", ()))
    demoted = replace(BEN, roles=frozenset({Role.RESPONDER}))
    assert "does not count any more" in approved().refuses(ClaimMitigation("M1", "7", (demoted,)))
    late = approved().after(minutes=20).when(ClaimMitigation("M1", "7", (BEN,)))
    assert late.events == (MitigationExpired("M1"),)
    events = approved().when(ClaimMitigation("M1", "7", (BEN,))).events
    assert events == (MitigationClaimed("M1", "7", "visits", cool_down=120.0, per_hour=6),)


def test_a_target_that_changed_after_the_plan_voids_the_approval() -> None:
    """Nothing is done; the timeline says that it must be proposed again."""
    story = approved().when(ClaimMitigation("M1", "8", (BEN,)))
    assert story.events == (MitigationOutdated("M1", "8"),)
    assert state(story) is State.STALE
    assert "propose it again" in lines(story)[-1]


def test_the_hold_lapses_after_its_time_and_what_is_missing_is_not_waited_for() -> None:
    """Twenty seconds after the proposal the change may go ahead without the evidence."""
    story = proposed().after(seconds=5).when(ApproveMitigation("M1", PLAN.digest), BEN)
    (execute,) = owed(story, ExecuteOwed)
    assert execute.due == story.incident.mitigations["M1"].hold_until
    assert isinstance(story.after(seconds=21).when(ClaimMitigation("M1", "7", (BEN,))).events[0], MitigationClaimed)


def test_bypass_and_pause_need_no_hold() -> None:
    """They take nothing away that an investigation could miss."""
    quick = plan(means=Means.BYPASS)
    story = declared().when(ProposeMitigation(quick), ANA).when(ApproveMitigation("M1", quick.digest), BEN)
    (execute,) = owed(story, ExecuteOwed)
    assert execute.due == story.now


def test_what_is_owed_follows_the_state() -> None:
    """Hold and expiry while it waits, execution once approved or claimed, verification once applied, undo when asked."""
    assert owed(proposed(), HoldOwed)
    assert owed(proposed(), ExpireOwed)
    assert not owed(proposed(), ExecuteOwed)
    assert owed(approved(), ExecuteOwed)
    assert owed(claimed(), ExecuteOwed)
    applied = claimed().when(ReportOutcome("M1", Outcome.APPLIED, "revision 8"))
    assert not owed(applied, ExecuteOwed)
    assert owed(applied, VerifyOwed)
    undoing = applied.when(UndoMitigation("M1", "worse"), BEN)
    assert owed(undoing, UndoOwed)
    assert state(undoing.when(ReportUndo("M1", Outcome.APPLIED, "back"))) is State.UNDONE


def test_a_change_is_counted_among_all_incidents() -> None:
    """Against the cool-down of its kind on its target and the service's hour; a failed one is not counted after all."""
    story = approved()
    (event,) = story.when(ClaimMitigation("M1", "7", (BEN,))).events
    take, cool_down, hour = event.claims(story.incident)
    assert isinstance(take, Take)
    assert (cool_down.key, cool_down.most, cool_down.within) == ("moved:router/visits/rollback", 1, 120.0)
    assert (hour.key, hour.most, hour.within) == ("changes:visits", 6, 3600.0)
    failed = claimed().when(ReportOutcome("M1", Outcome.FAILED, "refused"))
    given_back = [claim.key for claim in failed.events[0].claims(claimed().incident) if isinstance(claim, Untally)]
    assert given_back == ["moved:router/visits/rollback", "changes:visits"]


def test_an_unknown_outcome_is_never_fired_again_and_a_person_settles_it() -> None:
    """Nothing is owed for it; the approver says what they found; nobody settles what is not unknown."""
    story = claimed().when(ReportOutcome("M1", Outcome.UNKNOWN, "timed out"))
    assert not owed(story, ExecuteOwed)
    assert "a person must look" in lines(story)[-1]
    assert state(story.when(ReportOutcome("M1", Outcome.APPLIED, "seen in the router"), BEN)) is State.APPLIED
    assert "only an unknown outcome" in claimed().refuses(ReportOutcome("M1", Outcome.APPLIED), BEN)


def test_only_the_data_verify() -> None:
    """A person cannot say that it helped; late help is still help."""
    applied = claimed().when(ReportOutcome("M1", Outcome.APPLIED, "x"))
    assert "by the data" in applied.refuses(ReportVerification("M1", True, "looks good"), BEN)
    late = applied.when(ReportVerification("M1", False, "still 2×"))
    assert state(late) is State.NOT_HELPING
    assert state(late.when(ReportVerification("M1", True, "met"))) is State.VERIFIED


def test_what_helps_is_not_taken_back_by_its_proposer_alone() -> None:
    """Verified and moving production: a second person undoes it. Before, or where it does not help, one is enough."""
    story = declared().after(seconds=55).when(ProposeMitigation(PLAN, "x"), BEN).when(ReportHold("M1", ()))
    dora = Person("dora", frozenset({Role.APPROVER}))
    story = story.when(ApproveMitigation("M1", PLAN.digest), dora).after(seconds=1)
    applied = story.when(ClaimMitigation("M1", "7", (dora,))).when(ReportOutcome("M1", Outcome.APPLIED, "x"))
    verified = applied.when(ReportVerification("M1", True, "met"))
    assert "a second person must take it back" in verified.refuses(UndoMitigation("M1", "x"), BEN)
    assert state(verified.when(UndoMitigation("M1", "x"), dora)) is State.UNDOING
    assert state(applied.when(UndoMitigation("M1", "x"), BEN)) is State.UNDOING
    worse = applied.when(ReportVerification("M1", False, "still 2×"))
    assert state(worse.when(UndoMitigation("M1", "x"), BEN)) is State.UNDOING


def test_a_small_change_is_taken_back_by_whoever_made_it() -> None:
    """A bypass of one slice is not worth waking a second person, not even to lift it."""
    small = plan(klass=ActionClass.SMALL, means=Means.BYPASS)
    story = declared().when(ProposeMitigation(small), ANA).when(ApproveMitigation("M1", small.digest), BEN)
    story = story.when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.APPLIED, "x"))
    story = story.when(ReportVerification("M1", True, "met"))
    assert state(story.when(UndoMitigation("M1", "x"), ANA)) is State.UNDOING


def test_declining_and_expiring_change_nothing_in_production() -> None:
    """An approver declines, the proposer withdraws, time runs out: each is final."""
    assert state(proposed().when(DeclineMitigation("M1", "not now"), BEN)) is State.DECLINED
    assert state(proposed().when(DeclineMitigation("M1", "mistake"), ANA)) is State.DECLINED
    assert proposed().when(ExpireMitigation("M1")).events == ()
    assert state(proposed().after(minutes=16).when(ExpireMitigation("M1"))) is State.EXPIRED
    assert "cannot be declined" in claimed().refuses(DeclineMitigation("M1", "x"), BEN)


def test_a_pending_mitigation_stands_in_the_way_of_resolving() -> None:
    """The checklist names it."""
    from bot.domain.lifecycle import Resolve

    story = proposed().when(ObserveSli(breached(judged=Judged.MET, since=at(60), seen=at(70))))
    assert "M1" in story.refuses(Resolve("over"), ANA)


def test_trouble_is_counted_once_and_waits_longer_each_time() -> None:
    """The same attempt reported twice counts once; the next try has a new number and falls due later."""
    key = "execute:INC-1:M1"
    story = approved().when(ReportTrouble(key, 1, "router: refused"))
    assert story.when(ReportTrouble(key, 1, "again")).events == ()
    (execute,) = owed(story, ExecuteOwed)
    assert (execute.attempt, execute.due) == (2, story.now + timedelta(seconds=5))
    twice = story.after(seconds=5).when(ReportTrouble(key, 2, "router: refused"))
    (execute,) = owed(twice, ExecuteOwed)
    assert (execute.attempt, execute.due) == (3, twice.now + timedelta(seconds=10))


def verified() -> Story:
    applied = claimed().when(ReportOutcome("M1", Outcome.APPLIED, "shows it"))
    return applied.when(ReportVerification("M1", helped=True, because="met"))


def test_what_cannot_be_taken_back_stands_as_it_stood() -> None:
    """An undo that failed, or that a person found not done, leaves a change that helps one that helps."""
    asked = verified().after(minutes=60).when(UndoMitigation("M1", "x"), BEN)
    assert state(asked) is State.UNDOING
    assert state(asked.when(ReportUndo("M1", Outcome.FAILED, "refused"))) is State.VERIFIED
    doubt = asked.when(ReportUndo("M1", Outcome.UNKNOWN, "silent"))
    assert state(doubt.when(ReportOutcome("M1", Outcome.STANDS, "looked"), BEN)) is State.VERIFIED
    idle = (
        claimed().when(ReportOutcome("M1", Outcome.APPLIED)).when(ReportVerification("M1", helped=False, because="b"))
    )
    failed = idle.when(UndoMitigation("M1", "x"), BEN).when(ReportUndo("M1", Outcome.FAILED, "refused"))
    assert state(failed) is State.NOT_HELPING
    again = asked.when(ReportUndo("M1", Outcome.FAILED, "refused"))
    assert not owed(again.after(minutes=60), VerifyOwed), "nothing is proved a second time"
