"""Follow-ups: a promise with an owner and a date, kept once."""

from datetime import timedelta

from bot.domain.five_whys import AddWhy
from bot.domain.followup import AddFollowUp, ChangeFollowUp, FinishFollowUp
from tests.kit import ANA, BEN, CLEO, NOON, Story, declared, lines

DUE = NOON.date() + timedelta(days=7)


def test_a_promise_has_an_owner_a_date_and_may_answer_a_why() -> None:
    """It is overdue only after its day has passed, and never once it is kept."""
    story = (
        declared().when(AddWhy("no slice in the gate"), ANA).when(AddFollowUp("gate by slice", "ben", DUE, "W1"), ANA)
    )
    item = story.incident.followups["U1"]
    assert (item.owner, item.due, item.why) == ("ben", DUE, "W1")
    assert not item.overdue(DUE)
    assert item.overdue(DUE + timedelta(days=1))
    done = story.when(FinishFollowUp("U1"), BEN).incident.followups["U1"]
    assert done.done is not None
    assert not done.overdue(DUE + timedelta(days=99))
    assert lines(story)[-1] == f"U1 for ben until {DUE.isoformat()}: gate by slice"


def test_the_second_click_is_no_second_promise() -> None:
    """The same words for the same owner are one; finishing twice is once."""
    story = declared().when(AddFollowUp("x", "ben", DUE), ANA)
    assert story.when(AddFollowUp(" x ", "ben", DUE), BEN).events == ()
    story = story.when(FinishFollowUp("U1"), ANA)
    assert story.when(FinishFollowUp("U1"), BEN).events == ()


def test_what_cannot_be_kept_is_refused() -> None:
    """No words, a day that has passed, a why or follow-up that is not there, no incident, no role."""
    story = declared()
    assert "needs words" in story.refuses(AddFollowUp(" ", "ben", DUE), ANA)
    assert "passed already" in story.refuses(AddFollowUp("x", "ben", NOON.date() - timedelta(days=1)), ANA)
    assert "no why W4" in story.refuses(AddFollowUp("x", "ben", DUE, "W4"), ANA)
    assert "no follow-up U1" in story.refuses(FinishFollowUp("U1"), ANA)
    assert "no incident" in Story().refuses(AddFollowUp("x", "ben", DUE), ANA)
    assert "only" in story.refuses(AddFollowUp("x", "ben", DUE), CLEO)


def test_a_promise_changes_hands_or_date() -> None:
    """The log says who moved it; the second click is nothing; what is done is not moved."""
    later = DUE + timedelta(days=7)
    story = declared().when(AddFollowUp("x", "ben", DUE), ANA).when(ChangeFollowUp("U1", "ana", later), BEN)
    assert (story.incident.followups["U1"].owner, story.incident.followups["U1"].due) == ("ana", later)
    assert lines(story)[-1] == f"ben changed U1: now for ana until {later.isoformat()}"
    assert story.when(ChangeFollowUp("U1", due=later), BEN).events == ()
    assert "passed already" in story.refuses(ChangeFollowUp("U1", due=NOON.date() - timedelta(days=1)), ANA)
    assert "no follow-up U7" in story.refuses(ChangeFollowUp("U7"), ANA)
    done = story.when(FinishFollowUp("U1"), ANA)
    assert "done already" in done.refuses(ChangeFollowUp("U1", "ben"), ANA)


def test_the_owner_may_whatever_their_role() -> None:
    """Counsel keeps and moves what counsel promised, and nobody else's."""
    story = declared().when(AddFollowUp("tell them", "cleo", DUE), ANA).when(AddFollowUp("x", "ben", DUE), ANA)
    assert story.when(ChangeFollowUp("U1", due=DUE + timedelta(days=1)), CLEO).events
    assert story.when(FinishFollowUp("U1"), CLEO).incident.followups["U1"].done is not None
    assert "only" in story.refuses(FinishFollowUp("U2"), CLEO)
    assert "only" in story.refuses(ChangeFollowUp("U2", "cleo"), CLEO)
