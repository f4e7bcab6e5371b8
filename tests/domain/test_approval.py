"""Who may say yes, how many it takes, with what in hand, and what is said yes to beforehand."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.domain.approval import (
    ApproveMitigation,
    DeclineMitigation,
    GiveCode,
    LeaveToPeople,
    MitigationPreapproved,
    Preapprove,
    code_hash,
)
from bot.domain.claim import ClaimMitigation, MitigationClaimed, MitigationOutdated
from bot.domain.guard import MOVING, ON_CALL, Freeze, TargetRules, Weekly, fingerprint
from bot.domain.hold import ReportHold
from bot.domain.log import Need
from bot.domain.mitigation import Means, ProposeMitigation, State
from bot.domain.policy import ActionClass, Person, Policy, Role
from tests.kit import ANA, BEN, NOON, Story, declared, held, lines, plan

DORA = Person("dora", frozenset({Role.APPROVER}))
SMALL = {"means": Means.BYPASS, "klass": ActionClass.SMALL}


def under(policy: Policy, **changes: object) -> tuple[Story, str]:
    """A plan proposed by Ana under these rules, and its digest."""
    made = plan(rules=policy.fingerprint, **changes)
    return replace(declared(), policy=policy).when(ProposeMitigation(made), ANA), made.digest


def state(story: Story) -> State:
    return story.incident.mitigations["M1"].state


# -- how many, and who -----------------------------------------------------------------------------------------------


def test_a_quorum_takes_as_many_distinct_people() -> None:
    """The first of two leaves it proposed, the same person again is nobody more, the second approves it."""
    story, digest = under(Policy(quorum={ActionClass.TRAFFIC: 2}))
    one = story.when(ApproveMitigation("M1", digest), BEN)
    assert state(one) is State.PROPOSED
    assert "1 more must" in lines(one)[-1]
    assert one.when(ApproveMitigation("M1", digest), BEN).events == ()
    two = one.when(ApproveMitigation("M1", digest), DORA)
    assert state(two) is State.APPROVED
    assert two.incident.mitigations["M1"].approvers == ("ben", "dora")


def test_a_quorum_is_counted_again_at_the_claim_by_what_each_may_then() -> None:
    """One of two lost the role meanwhile: it is not carried out."""
    story, digest = under(Policy(quorum={ActionClass.TRAFFIC: 2}))
    story = story.when(ReportHold("M1", held("rows")))
    for person in (BEN, DORA):
        story = story.when(ApproveMitigation("M1", digest), person)
    demoted = replace(DORA, roles=frozenset({Role.RESPONDER}))
    assert "does not count any more" in story.refuses(ClaimMitigation("M1", "7", (BEN, demoted)))
    assert isinstance(story.when(ClaimMitigation("M1", "7", (BEN, DORA))).events[0], MitigationClaimed)


@pytest.mark.parametrize("badge", ["@eve", "group:platform", ON_CALL])
def test_people_groups_and_whoever_is_on_call_can_be_named(badge: str) -> None:
    """A target's own rule names them in place of the house's; who has none of its badges is told whom it takes."""
    policy = Policy(targets={"visits-router": TargetRules(approve=frozenset({badge}))})
    story, digest = under(policy)
    assert f"only {badge} may approve" in story.refuses(ApproveMitigation("M1", digest), BEN)
    eve = Person("eve", frozenset(), frozenset({badge}))
    assert state(story.when(ApproveMitigation("M1", digest), eve)) is State.APPROVED


def test_who_proposes_is_a_rule_of_the_target_too() -> None:
    """The catalogue's target may be for fewer people than the house's rule says."""
    policy = Policy(targets={"visits-router": TargetRules(propose=frozenset({"@eve"}))})
    story = replace(declared(), policy=policy)
    assert "only @eve may propose" in story.refuses(ProposeMitigation(plan()), ANA)


def test_a_rule_that_names_nobody_lets_nobody() -> None:
    """A class no rule speaks of is approved by nobody: silence is no."""
    story, digest = under(Policy(approve={}))
    assert "only nobody may approve" in story.refuses(ApproveMitigation("M1", digest), BEN)


# -- rules -----------------------------------------------------------------------------------------------------------


def test_other_rules_void_what_was_approved_under_the_former() -> None:
    """The policy changed between proposal and approval, or approval and claim: it must be proposed again."""
    story, digest = under(Policy())
    tighter = Policy(changes_per_hour=3)
    assert "rules of the house changed" in replace(story, policy=tighter).refuses(ApproveMitigation("M1", digest), BEN)
    approved = story.when(ApproveMitigation("M1", digest), BEN).when(ReportHold("M1", held("rows")))
    late = replace(approved, policy=tighter).when(ClaimMitigation("M1", "7", (BEN,)))
    assert isinstance(late.events[0], MitigationOutdated)
    assert state(late) is State.STALE
    assert "rules of the house changed" in lines(late)[-1]


def test_a_fingerprint_is_of_the_rules_and_not_of_how_they_are_told() -> None:
    """Sets in another order are the same rules; any changed rule is another one."""
    one, same = Policy(propose=frozenset({"a", "b", "c"})), Policy(propose=frozenset({"c", "b", "a"}))
    assert one.fingerprint == same.fingerprint
    others = [Policy(soak=timedelta(minutes=9)), Policy(targets={"x": TargetRules(quorum=2)}), Policy(version="2"),
              Policy(freezes=(Freeze("f", "b", NOON, NOON),)), Policy(step_up=frozenset())]  # fmt: skip
    assert len({each.fingerprint for each in (Policy(), one, *others)}) == 7
    assert fingerprint({"a": 1}) == fingerprint({"a": 1})


def test_a_target_sees_only_what_it_is_for_and_no_more_than_it_may() -> None:
    """A kind of change that is not on its list, and one that reaches too far, are not even proposed."""
    only = Policy(targets={"visits-router": TargetRules(allow=frozenset({Means.BYPASS}))})
    assert "does not allow rollback on visits-router; it allows bypass" in replace(declared(), policy=only).refuses(
        ProposeMitigation(plan()), ANA
    )
    narrow = replace(declared(), policy=Policy(widest={ActionClass.TRAFFIC: 0.25}))
    assert "may reach all of production; the policy allows 25 %" in narrow.refuses(ProposeMitigation(plan()), ANA)
    assert "may reach 30 %" in narrow.refuses(ProposeMitigation(plan(share=0.3)), ANA)
    assert narrow.when(ProposeMitigation(plan(share=0.2)), ANA).events


def test_what_is_frozen_may_be_proposed_and_not_approved() -> None:
    """Until the freeze ends; then the same approval goes through. Small changes are not frozen."""
    freeze = Freeze("year-end", "nobody is in", NOON, NOON + timedelta(minutes=5), classes=MOVING)
    policy = Policy(freezes=(freeze,))
    story, digest = under(policy)
    refusal = story.refuses(ApproveMitigation("M1", digest), BEN)
    assert refusal == "year-end holds until 2026-11-20 12:05 UTC: nobody is in"
    assert state(story.after(minutes=5).when(ApproveMitigation("M1", digest), BEN)) is State.APPROVED
    small, bypass = under(policy, **SMALL)
    assert state(small.when(ApproveMitigation("M1", bypass), BEN)) is State.APPROVED


def test_a_freeze_that_began_after_the_approval_holds_the_claim_back() -> None:
    """It is asked once more at the moment of acting."""
    policy = Policy(freezes=(Freeze("launch", "a launch", NOON + timedelta(minutes=1), NOON + timedelta(hours=1)),))
    story, digest = under(policy)
    story = story.when(ApproveMitigation("M1", digest), BEN).when(ReportHold("M1", held("rows")))
    assert "launch holds until" in story.after(minutes=2).refuses(ClaimMitigation("M1", "7", (BEN,)))


WEEKEND = Weekly(4, time(18), 0, time(8), "Europe/Berlin")


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (datetime(2026, 11, 27, 16, 59, tzinfo=UTC), None),
        (datetime(2026, 11, 27, 17, 0, tzinfo=UTC), datetime(2026, 11, 30, 7, 0, tzinfo=UTC)),
        (datetime(2026, 11, 30, 6, 59, tzinfo=UTC), datetime(2026, 11, 30, 7, 0, tzinfo=UTC)),
        (datetime(2026, 11, 30, 7, 0, tzinfo=UTC), None),
        # summer time ends on that Sunday: the freeze is an hour longer
        (datetime(2026, 10, 23, 16, 0, tzinfo=UTC), datetime(2026, 10, 26, 7, 0, tzinfo=UTC)),
        (datetime(2026, 10, 26, 6, 30, tzinfo=UTC), datetime(2026, 10, 26, 7, 0, tzinfo=UTC)),
    ],
)
def test_a_weekly_freeze_goes_by_the_wall_clocks_of_its_zone(at: datetime, until: datetime | None) -> None:
    """From Friday 18:00 to Monday 08:00, whatever the clocks do in between; its end is not in it."""
    assert WEEKEND.until(at) == until


def test_a_freeze_of_a_whole_week_never_ends() -> None:
    """From a Monday's 08:00 to the next: there is always one that holds."""
    always = Weekly(0, time(8), 0, time(8))
    assert all(always.until(NOON + timedelta(hours=n)) for n in range(24 * 8))


# -- a code of one's own ---------------------------------------------------------------------------------------------


def wide() -> tuple[Story, str]:
    return under(Policy(), klass=ActionClass.WIDE)


def test_a_wide_change_takes_a_fresh_code_of_ones_own() -> None:
    """Without one, with another's, another plan's, or one that ran out it is refused; with it, approved, once."""
    story, digest = wide()
    assert "one-time code" in story.refuses(ApproveMitigation("M1", digest), BEN)
    assert "not your code" in story.refuses(ApproveMitigation("M1", digest, "ABCDE-FGHJK"), BEN)
    given = story.when(GiveCode("M1", code_hash("ABCDE-FGHJK", "ben", digest)), BEN)
    assert "not your code" in given.refuses(ApproveMitigation("M1", digest, "ABCDE-FGHJK"), DORA)
    assert "ran out" in given.after(minutes=5).refuses(ApproveMitigation("M1", digest, "ABCDE-FGHJK"), BEN)
    approved = given.after(minutes=4).when(ApproveMitigation("M1", digest, " abcde fghjk "), BEN)
    assert state(approved) is State.APPROVED
    assert approved.incident.mitigations["M1"].approvals[-1].stepped_up
    assert approved.incident.mitigations["M1"].codes == {}


def test_a_second_code_voids_the_first() -> None:
    """Only the last one asked for opens it."""
    story, digest = wide()
    for code in ("AAAAA-AAAAA", "BBBBB-BBBBB"):
        story = story.when(GiveCode("M1", code_hash(code, "ben", digest)), BEN)
    assert "not your code" in story.refuses(ApproveMitigation("M1", digest, "AAAAA-AAAAA"), BEN)
    assert state(story.when(ApproveMitigation("M1", digest, "BBBBB-BBBBB"), BEN)) is State.APPROVED


def test_codes_are_for_those_who_may_approve_and_for_what_needs_them() -> None:
    """Neither the proposer nor a passer-by gets one; a change that needs none gives none."""
    story, digest = wide()
    code = GiveCode("M1", code_hash("AAAAA-AAAAA", "ana", digest))
    assert "only admin or approver" in story.refuses(code, ANA)
    ordinary, digest = under(Policy())
    assert "without a code" in ordinary.refuses(GiveCode("M1", code_hash("A", "ben", digest)), BEN)


# -- beforehand ------------------------------------------------------------------------------------------------------

AHEAD = Policy(targets={"visits-router": TargetRules(automatic=frozenset({Means.BYPASS, Means.ROLLBACK}))})


def beforehand(**changes: object) -> Preapprove:
    return Preapprove(plan(**{"rules": AHEAD.fingerprint, **SMALL, **changes}), "bypass", "the likeliest cause")


def test_what_is_approved_beforehand_needs_a_proved_undo() -> None:
    """Proposed and approved in one, and the log is asked whether its undo was seen to work lately."""
    story = replace(declared(), policy=AHEAD).when(beforehand())
    assert state(story) is State.APPROVED
    assert story.incident.mitigations["M1"].automatic
    need = next(claim for claim in story.events[1].claims(story.incident) if isinstance(claim, Need))
    assert (need.key, need.within) == ("undone:router/visits/bypass", timedelta(days=90).total_seconds())
    claimed = story.when(ClaimMitigation("M1", "7", ()))
    assert isinstance(claimed.events[0], MitigationClaimed)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"klass": ActionClass.TRAFFIC}, "only class 1"),
        ({"means": Means.PAUSE}, "not approved beforehand"),
        ({"undo": ""}, "no way back"),
        ({"target": "other"}, "not approved beforehand"),
        ({"diff": ()}, "wanted state already"),
    ],
)
def test_nothing_else_is_approved_beforehand(changes: dict[str, object], because: str) -> None:
    """Not what moves traffic, not another kind or target, not what cannot be undone; and no person asks for it."""
    story = replace(declared(), policy=AHEAD)
    assert because in story.refuses(beforehand(**changes))
    assert "a person proposes" in story.refuses(beforehand(), ANA)


def test_what_is_no_longer_approved_beforehand_is_not_carried_out() -> None:
    """The claim asks the policy once more."""
    story = replace(declared(), policy=AHEAD).when(beforehand())
    assert isinstance(story.events[1], MitigationPreapproved)
    other = replace(story, policy=replace(AHEAD, targets={})).when(ClaimMitigation("M1", "7", ()))
    assert isinstance(other.events[0], MitigationOutdated)


def test_why_it_was_left_to_people_is_said_once() -> None:
    """It is not tried again in this incident."""
    story = declared().when(LeaveToPeople("bypass", "nobody has seen it taken back"))
    assert "“bypass” was not done by itself" in lines(story)[-1]
    assert story.when(LeaveToPeople("bypass", "x")).events == ()


def test_a_passer_by_does_not_decline() -> None:
    """Its proposer withdraws it, an approver declines it, nobody else."""
    story, _digest = under(Policy())
    assert "only admin or approver" in story.refuses(DeclineMitigation("M1", "x"), Person("x", frozenset()))
    assert state(story.when(DeclineMitigation("M1", "x"), ANA)) is State.DECLINED
