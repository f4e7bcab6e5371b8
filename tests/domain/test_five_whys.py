"""5-Whys: a tree in which every answer rests on a finding or says that it is assumed."""

from bot.domain.finding import RecordFinding
from bot.domain.five_whys import DEEPEST, AddWhy, NameRootCause, depth
from bot.domain.lifecycle import Resolve
from tests.kit import ANA, BEN, CLEO, Story, declared, lines


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
