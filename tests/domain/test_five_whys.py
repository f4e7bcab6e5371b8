"""5-Whys: a tree in which every answer rests on a finding or says that it is assumed."""

from bot.domain.finding import RecordFinding
from bot.domain.five_whys import DEEPEST, AddWhy, NameRootCause, ReviseWhy, StrikeWhy, depth, walk
from bot.domain.followup import AddFollowUp, unanswered
from bot.domain.lifecycle import Resolve
from bot.domain.saying import TakeBack
from tests.kit import ANA, BEN, CLEO, NOON, Story, declared, lines


def found() -> Story:
    return declared().when(RecordFinding("label rate 0.00 in v2's training data", "lineage"))


def test_an_answer_rests_on_a_finding_or_is_marked_as_assumed() -> None:
    """Both are taken, and both say which they are."""
    story = found().when(AddWhy("v2 never saw a sick person", evidence="F1"), ANA)
    assert not story.incident.whys["W1"].assumed
    assert "rests on F1" in lines(story)[-1]
    story = story.when(AddWhy("the export filtered them", parent="W1"), BEN)
    assert story.incident.whys["W2"].assumed
    assert "assumed" in lines(story)[-1]
    assert depth(dict(story.incident.whys), "W2") == 2


def test_answers_that_hang_on_nothing_are_refused() -> None:
    """No words, a parent or a finding that is not there, no incident, no role."""
    assert "needs an answer" in found().refuses(AddWhy("  "), ANA)
    assert "no why W7" in found().refuses(AddWhy("x", parent="W7"), ANA)
    assert "no finding F9" in found().refuses(AddWhy("x", evidence="F9"), ANA)
    assert "no incident" in Story().refuses(AddWhy("x"), ANA)
    assert "only" in found().refuses(AddWhy("x"), CLEO)


def test_the_tree_branches_and_the_same_answer_is_given_once() -> None:
    """Two answers to one why are two branches; the second click is none."""
    story = declared().when(AddWhy("a"), ANA).when(AddWhy("b", parent="W1"), ANA).when(AddWhy("c", parent="W1"), ANA)
    assert {why.parent for why in story.incident.whys.values()} == {"", "W1"}
    assert story.when(AddWhy(" c ", parent="W1"), BEN).events == ()


def test_a_chain_ends_at_nine() -> None:
    """Past the ninth why one names a cause or stops."""
    story = declared()
    for level in range(DEEPEST):
        story = story.when(AddWhy(f"because {level}", parent=f"W{level}" if level else ""), ANA)
    assert f"{DEEPEST} whys deep" in story.refuses(AddWhy("once more", parent=f"W{DEEPEST}"), ANA)


def test_a_root_cause_is_named_once() -> None:
    """Naming marks the why; naming it twice is one event; what is not there cannot be named."""
    story = declared().when(AddWhy("no slice in the release gate"), ANA).when(NameRootCause("W1"), ANA)
    assert story.incident.whys["W1"].root
    assert story.when(NameRootCause("W1"), BEN).events == ()
    assert "no why W2" in story.refuses(NameRootCause("W2"), ANA)


def test_learning_goes_on_after_it_is_over() -> None:
    """Whys are answered in the review, when the incident is long resolved."""
    over = declared().when(Resolve("gone", waive="the model is off"), ANA)
    assert over.when(AddWhy("nobody owned the export"), ANA).incident.whys["W1"].by == "ana"


def test_an_answer_is_corrected_and_the_log_keeps_both() -> None:
    """Other words, or evidence found later; the timeline shows what was said first, and the same again is nothing."""
    story = (
        found().when(AddWhy("the export lost them"), ANA).when(ReviseWhy("W1", "the export filtered them", "F1"), BEN)
    )
    why = story.incident.whys["W1"]
    assert (why.text, why.evidence, why.assumed, why.by) == ("the export filtered them", "F1", False, "ana")
    assert [line for line in lines(story) if "the export lost them" in line]
    assert "rests on F1" in lines(story)[-1]
    assert story.when(ReviseWhy("W1", " the export filtered them "), ANA).events == ()
    assert story.when(ReviseWhy("W1", evidence=""), ANA).incident.whys["W1"].assumed


def test_what_cannot_be_corrected() -> None:
    """A why that is not there, a finding that is not there or was taken back, words another branch has, no role."""
    story = found().when(AddWhy("a"), ANA).when(AddWhy("b"), ANA)
    assert "no why W7" in story.refuses(ReviseWhy("W7", "x"), ANA)
    assert "no finding F9" in story.refuses(ReviseWhy("W1", evidence="F9"), ANA)
    assert "another branch" in story.refuses(ReviseWhy("W1", "b"), ANA)
    assert "only" in story.refuses(ReviseWhy("W1", "x"), CLEO)
    gone = declared().when(RecordFinding("seen", "ana", said="C1/1"), ANA).when(TakeBack("C1/1"), ANA)
    assert "taken back" in gone.refuses(AddWhy("x", evidence="F1"), ANA)


def test_a_struck_answer_takes_its_children_along() -> None:
    """With a reason, once; ids are not given twice, and what was promised because of it stays promised."""
    story = declared().when(AddWhy("a"), ANA).when(AddWhy("b", "W1"), ANA).when(AddWhy("c"), ANA)
    story = story.when(AddFollowUp("test it", "ben", NOON.date(), "W2"), ANA)
    assert "say why" in story.refuses(StrikeWhy("W1", " "), ANA)
    struck = story.when(StrikeWhy("W1", "the export was fine"), BEN)
    assert list(struck.incident.whys) == ["W3"]
    assert {name: why.struck for name, why in struck.incident.struck.items()} == {
        "W1": "the export was fine", "W2": "the export was fine",
    }  # fmt: skip
    assert struck.when(StrikeWhy("W1", "again"), ANA).events == ()
    assert "was struck meanwhile (the export was fine)" in struck.refuses(AddWhy("x", "W2"), ANA)
    assert "was struck" in struck.refuses(NameRootCause("W1"), ANA)
    assert struck.when(AddWhy("d"), ANA).events[0].id == "W4"
    assert struck.incident.followups["U1"].why == "W2"


def test_a_root_cause_waits_for_a_promise() -> None:
    """It is answered once a follow-up names it."""
    story = declared().when(AddWhy("a"), ANA).when(NameRootCause("W1"), ANA)
    assert [why.id for why in unanswered(story.incident)] == ["W1"]
    story = story.when(AddFollowUp("gate it", "ben", NOON.date(), "W1"), ANA)
    assert unanswered(story.incident) == []


def test_the_tree_is_walked_branch_by_branch() -> None:
    """Every answer with its depth, what is below it before its neighbour."""
    story = declared().when(AddWhy("a"), ANA).when(AddWhy("b"), ANA).when(AddWhy("c", "W1"), ANA)
    assert [(why.id, deep) for why, deep in walk(story.incident.whys)] == [("W1", 1), ("W3", 2), ("W2", 1)]
