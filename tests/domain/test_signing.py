"""Signatures: a notice is approved once everybody who must has signed, each person once, in one capacity."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.filing import FileNotice, filed
from bot.domain.notice import RequestNotice, Standing
from bot.domain.policy import NoticeRules, Person, Policy, Role, SignOff
from bot.domain.signing import ApproveNotice, FreezeNotice, MarkStale, may_sign, wanting
from tests.kit import ANA, BEN, CLEO, MAX, NOON, Story, at, declared, lines

DORA = Person("dora", frozenset({Role.COUNSEL, Role.APPROVER}))
THREE = NoticeRules(
    (
        (
            "eu_dora_art19/*",
            (
                SignOff("legal", frozenset({Role.COUNSEL})),
                SignOff("technical", frozenset({Role.APPROVER})),
                SignOff("business", frozenset({Role.MANAGER})),
            ),
        ),
    )
)
RULES = replace(Policy(), notices=THREE)


def frozen(template: str = "eu_dora_art19/initial") -> Story:
    regime, _, stage = template.partition("/")
    story = replace(declared(), policy=RULES).when(RequestNotice(template, regime, stage), ANA)
    return story.when(FreezeNotice("N1", "words", "d1", ("a gap",), NOON, '{"deaths":0}', "rules 1"), ANA)


def standing(story: Story) -> Standing:
    return story.incident.notices["N1"].standing


def test_it_is_approved_once_every_capacity_was_signed() -> None:
    """In any order; the last signature completes it, and the log says in which capacity each was given."""
    story = frozen().when(ApproveNotice("N1", "d1"), MAX)
    assert standing(story) is Standing.FROZEN
    assert "as business" in lines(story)[-1]
    story = story.when(ApproveNotice("N1", "d1"), CLEO)
    assert [each.capacity for each in wanting(story.incident.notices["N1"], RULES)] == ["technical"]
    done = story.when(ApproveNotice("N1", "d1"), BEN)
    assert standing(done) is Standing.APPROVED
    signed = [(each.by, each.capacity) for each in done.incident.notices["N1"].latest.signatures]
    assert signed == [("max", "business"), ("cleo", "legal"), ("ben", "technical")]


def test_one_person_signs_once_whatever_they_may() -> None:
    """Two badges are not two people."""
    story = frozen().when(ApproveNotice("N1", "d1", "technical"), DORA)
    assert story.when(ApproveNotice("N1", "d1", "legal"), DORA).events == ()
    assert "still needs: legal" in story.refuses(ApproveNotice("N1", "d1", "legal"), BEN)
    assert may_sign(story.incident.notices["N1"], DORA, RULES) == ()


def test_a_capacity_that_is_not_ones_own_is_refused_and_says_whose_it_is() -> None:
    """The refusal names who can."""
    assert "legal (counsel)" in frozen().refuses(ApproveNotice("N1", "d1", "legal"), MAX)
    assert "only" in frozen().refuses(ApproveNotice("N1", "d1"), Person("eve", frozenset({Role.AUDITOR})))


def test_a_later_fact_voids_every_signature() -> None:
    """Three of three, or one of three: stale words need all of them anew."""
    story = frozen().when(ApproveNotice("N1", "d1"), MAX).when(MarkStale("N1", "d2"))
    assert standing(story) is Standing.STALE
    again = story.when(FreezeNotice("N1", "new words", "d2", (), NOON), ANA)
    assert len(wanting(again.incident.notices["N1"], RULES)) == 3


def test_a_version_keeps_the_facts_it_rests_on() -> None:
    """With the rules it was drawn from: what was approved can be read years later."""
    version = frozen().incident.notices["N1"].latest
    assert (version.facts, version.rules, version.gaps) == ('{"deaths":0}', "rules 1", ("a gap",))


def test_a_kind_without_a_rule_needs_counsel_alone() -> None:
    """The product's own rule."""
    story = frozen("stakeholders/update").when(ApproveNotice("N1", "d1"), CLEO)
    assert standing(story) is Standing.APPROVED


def approved() -> Story:
    return frozen("eu_nis2_art23/incident_notification").when(ApproveNotice("N1", "d1"), CLEO)


def test_filing_records_when_where_reference_and_proof() -> None:
    """The time it was sent starts the next stage's clock, not the time somebody wrote it down."""
    later = approved().after(seconds=3600)
    sent = later.now - timedelta(minutes=30)
    story = later.when(FileNotice("N1", "CSIRT portal", "R-7", sent, "receipt.pdf"), CLEO)
    filing = story.incident.notices["N1"].filing
    assert (filing.where, filing.reference, filing.proof, filing.at, filing.by) == (
        "CSIRT portal", "R-7", "receipt.pdf", sent, "cleo",
    )  # fmt: skip
    assert filed(story.incident, "eu_nis2_art23") == {"incident_notification": sent}
    assert "sent" in lines(story)[-1]


def test_nothing_is_filed_before_it_was_approved_or_in_the_future() -> None:
    """What was sent before the approval were other words; a filing to come is no filing."""
    story = approved().after(seconds=3600)
    assert "before were not" in story.refuses(FileNotice("N1", "portal", "", story.now - timedelta(hours=3)), CLEO)
    assert "in the future" in story.refuses(FileNotice("N1", "portal", "", story.now + timedelta(hours=1)), CLEO)
    assert "say where" in story.refuses(FileNotice("N1", " "), CLEO)
    assert at(0) <= story.now


def test_a_version_nobody_can_complete_is_frozen_anew() -> None:
    """The sign-off that was still to come is asked for no more: the same words become the next version, signed afresh."""
    story = frozen().when(ApproveNotice("N1", "d1"), CLEO)
    again = FreezeNotice("N1", "words", "d1", ("a gap",), NOON)
    assert story.when(again, ANA).events == ()
    legal = NoticeRules((("eu_dora_art19/*", (SignOff("legal", frozenset({Role.COUNSEL})),)),))
    story = replace(story, policy=replace(RULES, notices=legal))
    assert "ask for approval again" in story.refuses(ApproveNotice("N1", "d1"), DORA)
    story = story.when(again, ANA)
    assert story.incident.notices["N1"].latest.number == 2
    assert standing(story.when(ApproveNotice("N1", "d1"), CLEO)) is Standing.APPROVED


def test_a_filing_is_of_the_words_that_were_approved() -> None:
    """Whoever says which words they sent is refused where others are approved; whoever does not is taken at their word."""
    story = frozen("stakeholders/update").when(ApproveNotice("N1", "d1"), CLEO)
    assert "in other words" in story.refuses(FileNotice("N1", "the board", digest="d0"), CLEO)
    assert standing(story.when(FileNotice("N1", "the board", digest="d1"), CLEO)) is Standing.FILED
