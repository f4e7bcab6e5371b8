"""One person acts alone: with a reason, aloud, and reviewed before the incident is filed away."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.approval import ApproveMitigation, GiveCode, Preapprove, code_hash
from bot.domain.claim import ClaimMitigation, MitigationClaimed
from bot.domain.climbing import PageOwed
from bot.domain.errors import Refused
from bot.domain.execution import ReportOutcome
from bot.domain.glass import BreakGlass, ReviewGlass, may_review, nobody_else
from bot.domain.guard import Freeze, TargetRules
from bot.domain.hold import PlaceHold
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import Means, Outcome, ProposeMitigation, State
from bot.domain.policy import ActionClass, Person, Policy, Role
from bot.domain.todo import ExecuteOwed, todo
from bot.domain.trouble import ReportTrouble
from tests.kit import ANA, BEN, CLEO, NOON, Story, declared, lines, plan

WHY = "the clinic turns people away and nobody answers"
TELL = ("max", "ben", "ana")
DORA = Person("dora", frozenset({Role.APPROVER}))


def proposed(policy: Policy = Policy(), **changes: object) -> tuple[Story, str]:  # noqa: B008 - frozen
    made = plan(rules=policy.fingerprint, **changes)
    return replace(declared(), policy=policy).when(ProposeMitigation(made), BEN), made.digest


def broken() -> Story:
    story, digest = proposed()
    return story.when(BreakGlass("M1", digest, WHY, TELL), BEN)


def test_one_person_acts_alone_and_everybody_hears() -> None:
    """Its proposer may; it is approved at once, needs no evidence held first, and all the others are paged."""
    story = broken()
    assert story.incident.mitigations["M1"].state is State.APPROVED
    assert "broke the glass for M1 and acts alone" in lines(story)[-2]
    assert [call.person for call in story.incident.calls] == ["max", "ana"]
    assert len([each for each in todo(story.incident, Policy(), None, []) if isinstance(each, PageOwed)]) == 2
    assert isinstance(story.when(ClaimMitigation("M1", "7", (BEN,))).events[0], MitigationClaimed)
    assert story.when(BreakGlass("M1", story.incident.mitigations["M1"].digest, WHY, TELL), BEN).events == ()


def test_it_takes_the_right_person_and_a_sentence() -> None:
    """A responder may not, a bare word will not do, and the plan is the one that was read."""
    story, digest = proposed()
    assert "only admin or approver may act alone" in story.refuses(BreakGlass("M1", digest, WHY, TELL), ANA)
    assert "say in a sentence" in story.refuses(BreakGlass("M1", digest, "urgent", TELL), BEN)
    assert "changed since you opened it" in story.refuses(BreakGlass("M1", "other", WHY, TELL), BEN)
    assert "never breaks the glass" in story.refuses(BreakGlass("M1", digest, WHY, TELL))


def test_it_overrides_time_and_number_and_nothing_else() -> None:
    """A freeze and a budget give way; what a target is for, how wide, counsel's hold and the target's state do not."""
    frozen = Policy(freezes=(Freeze("launch", "x", NOON, NOON + timedelta(hours=1)),), changes_per_hour=1)
    story, digest = proposed(frozen)
    acted = story.when(BreakGlass("M1", digest, WHY, TELL), BEN).when(ClaimMitigation("M1", "7", (BEN,)))
    (event,) = acted.events
    assert (event.cool_down, event.per_hour) == (0.0, 0)
    held = broken().when(PlaceHold("the authority asked"), CLEO)
    assert "counsel holds" in held.refuses(ClaimMitigation("M1", "7", (BEN,)))
    assert broken().when(ClaimMitigation("M1", "8", (BEN,))).incident.mitigations["M1"].state is State.STALE
    demoted = replace(BEN, roles=frozenset({Role.RESPONDER}))
    assert "does not count any more" in broken().refuses(ClaimMitigation("M1", "7", (demoted,)))
    only = Policy(targets={"visits-router": TargetRules(allow=frozenset({Means.BYPASS}))})
    assert "does not allow" in replace(declared(), policy=only).refuses(ProposeMitigation(plan()), BEN)


def test_a_wide_change_takes_the_code_even_alone() -> None:
    """Proof of who one is is not what is in a hurry."""
    story, digest = proposed(klass=ActionClass.WIDE)
    assert "one-time code" in story.refuses(BreakGlass("M1", digest, WHY, TELL), BEN)
    given = story.when(GiveCode("M1", code_hash("AAAAABBBBB", "ben", digest)), BEN)
    assert given.when(BreakGlass("M1", digest, WHY, TELL, "AAAAA-BBBBB"), BEN).events


def test_it_is_reviewed_by_somebody_else_before_the_incident_is_filed_away() -> None:
    """A follow-up asks for it; those who acted may not; closed it is only then."""
    acted = broken().when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.APPLIED, "x"))
    (item,) = acted.incident.followups.values()
    assert (item.owner, item.due) == ("max", (acted.now + timedelta(days=3)).date())
    over = acted.when(Resolve("over", waive="seen"), ANA)
    assert "somebody else must review it first" in over.refuses(Close(), ANA)
    assert "somebody else must review" in over.refuses(ReviewGlass("M1", True, "right"), BEN)
    assert "say what you found" in over.refuses(ReviewGlass("M1", True, " "), DORA)
    seen = over.when(ReviewGlass("M1", True, "nobody else was awake"), DORA)
    assert "acting alone was justified: nobody else was awake" in lines(seen)[-2]
    assert seen.incident.followups[item.id].done is not None
    assert seen.when(Close(), ANA).events
    assert "nothing to review" in proposed()[0].refuses(ReviewGlass("M1", True, "x"), DORA)


def test_it_comes_to_mind_only_where_nobody_comes() -> None:
    """Not in the first five minutes while somebody else may approve; at once where nobody may, or nothing may move."""

    def why(story: Story, *people: Person) -> str:
        return nobody_else(story.incident.mitigations["M1"], story.policy, people, story.now)

    story, digest = proposed()
    assert why(story, ANA, BEN, DORA) == ""
    assert why(story) == ""  # nobody knows who there is
    assert why(story, ANA, BEN) == "there are too few people who may approve it"
    assert why(story.after(minutes=5), ANA, BEN, DORA) == "it has waited for 5 min"
    assert why(story.after(minutes=15), ANA, BEN, DORA) == ""  # it ran out
    frozen = Policy(freezes=(Freeze("a", "b", NOON, NOON + timedelta(days=1)),))
    assert why(replace(story, policy=frozen), ANA, BEN, DORA) == "nobody may approve it while nothing may move"
    after = story.when(BreakGlass("M1", digest, WHY, TELL), BEN)
    assert why(after.after(minutes=5), ANA, BEN) == ""


def test_whoever_may_review_is_whoever_is_not_refused() -> None:
    """The one rule of who is offered it, and of who may."""
    story = broken()
    mitigation = story.incident.mitigations["M1"]
    for person in (ANA, BEN, CLEO, DORA):
        try:
            story.when(ReviewGlass("M1", justified=True, words="fine"), person)
        except Refused:
            assert not may_review(mitigation, person, story.policy), person
        else:
            assert may_review(mitigation, person, story.policy), person


# -- over an approval ------------------------------------------------------------------------------------------------

TWO = Policy(quorum={ActionClass.TRAFFIC: 2})
NIGHT = Policy(freezes=(Freeze("night", "nobody there", NOON + timedelta(seconds=10), NOON + timedelta(hours=8)),))


def one_of_two() -> tuple[Story, str]:
    """Two people must approve it; Dora did."""
    made = plan(rules=TWO.fingerprint)
    story = replace(declared(), policy=TWO).when(ProposeMitigation(made), ANA)
    return story.when(ApproveMitigation("M1", made.digest), DORA), made.digest


def caught(**changes: object) -> tuple[Story, str]:
    """Approved, and then a freeze began."""
    made = plan(rules=NIGHT.fingerprint, **changes)
    story = replace(declared(), policy=NIGHT).when(ProposeMitigation(made), ANA)
    if made.klass is ActionClass.WIDE:
        story = story.when(GiveCode("M1", code_hash("AAAAABBBBB", "dora", made.digest)), DORA)
    return story.when(ApproveMitigation("M1", made.digest, "AAAAA-BBBBB"), DORA).after(seconds=30), made.digest


def test_alone_counts_the_one_who_acts_alone_and_nobody_before() -> None:
    """Two were asked for and one had approved: whoever breaks the glass is enough, whatever the first may still do."""
    story, digest = one_of_two()
    boss = Person("boss", frozenset({Role.ADMIN}))
    acted = story.when(BreakGlass("M1", digest, WHY, TELL), boss)
    demoted = replace(DORA, roles=frozenset({Role.RESPONDER}))
    for first in ((DORA,), (demoted,), ()):
        assert isinstance(acted.when(ClaimMitigation("M1", "7", (*first, boss))).events[0], MitigationClaimed)
    assert "not known any more" in acted.refuses(ClaimMitigation("M1", "7", (DORA,)))
    assert "does not count" in acted.refuses(ClaimMitigation("M1", "7", (DORA, replace(boss, roles=frozenset()))))
    same = story.when(BreakGlass("M1", digest, WHY, TELL), DORA)
    assert isinstance(same.when(ClaimMitigation("M1", "7", (DORA,))).events[0], MitigationClaimed)


def test_an_approved_change_that_a_freeze_caught_may_be_carried_out_alone() -> None:
    """The freeze began after the yes: one person may set it aside, once, and it does not wait for the next try."""
    story, digest = caught()
    assert "night holds until" in story.refuses(ClaimMitigation("M1", "7", (DORA,)))
    story = story.when(ReportTrouble("execute:INC-1:M1", 1, "night holds")).when(
        ReportTrouble("execute:INC-1:M1", 2, "night holds")
    )
    mitigation = story.incident.mitigations["M1"]
    assert nobody_else(mitigation, NIGHT, (), story.now) == "it is approved, and nothing may move now"
    assert nobody_else(mitigation, Policy(), (), story.now) == ""
    story = story.after(seconds=1)
    acted = story.when(BreakGlass("M1", digest, WHY, TELL), BEN)
    (owed,) = [each for each in todo(acted.incident, NIGHT, None, []) if isinstance(each, ExecuteOwed)]
    assert (owed.due, owed.attempt) == (acted.now, 3)
    assert isinstance(acted.when(ClaimMitigation("M1", "7", (BEN,))).events[0], MitigationClaimed)
    assert acted.when(BreakGlass("M1", digest, WHY, TELL), BEN).events == ()
    assert "somebody acts alone in M1 already" in acted.refuses(BreakGlass("M1", digest, WHY, TELL), DORA)
    assert nobody_else(acted.incident.mitigations["M1"], NIGHT, (), acted.now) == ""
    late = story.after(minutes=15)
    assert "expired" in late.refuses(BreakGlass("M1", digest, WHY, TELL), BEN)


def test_a_wide_one_takes_a_code_then_as_well() -> None:
    """Whoever may act alone is given one over an approval too; who only may approve is not."""
    story, digest = caught(klass=ActionClass.WIDE)
    assert "one-time code" in story.refuses(BreakGlass("M1", digest, WHY, TELL), BEN)
    story = story.when(GiveCode("M1", code_hash("CCCCCDDDDD", "ben", digest)), BEN)
    assert story.when(BreakGlass("M1", digest, WHY, TELL, "CCCCC-DDDDD"), BEN).events
    only = replace(NIGHT, break_glass=frozenset({Role.ADMIN}))
    made = plan(rules=only.fingerprint, klass=ActionClass.WIDE)
    told = replace(declared(), policy=only).when(ProposeMitigation(made), ANA)
    told = told.when(GiveCode("M1", code_hash("AAAAABBBBB", "dora", made.digest)), DORA)
    told = told.when(ApproveMitigation("M1", made.digest, "AAAAA-BBBBB"), DORA).after(seconds=30)
    assert "nothing to approve" in told.refuses(GiveCode("M1", code_hash("C", "ben", made.digest)), BEN)


def test_what_was_approved_beforehand_may_be_carried_out_alone() -> None:
    """Of its approval nothing is asked then: it is one person's word, like any other."""
    ahead = replace(NIGHT, targets={"visits-router": TargetRules(automatic=frozenset({Means.ROLLBACK}))})
    made = plan(rules=ahead.fingerprint, klass=ActionClass.SMALL)
    story = replace(declared(), policy=ahead).when(Preapprove(made, "rollback", "the likeliest cause"))
    story = story.after(seconds=30).when(BreakGlass("M1", story.incident.mitigations["M1"].digest, WHY, TELL), BEN)
    assert isinstance(story.when(ClaimMitigation("M1", "7", (BEN,))).events[0], MitigationClaimed)
    nobody = replace(BEN, roles=frozenset())
    assert "does not count any more" in story.refuses(ClaimMitigation("M1", "7", (nobody,)))
