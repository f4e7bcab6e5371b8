"""An undo whose outcome nobody can tell: what is asked, what may be answered, and what the log says of it."""

from __future__ import annotations

import pytest

from bot.domain.execution import OutcomeReported, ReportOutcome
from bot.domain.log import Free, Tally, Untally
from bot.domain.mitigation import Outcome, State
from bot.domain.undo import ReportUndo, UndoMitigation
from tests.domain.test_mitigation import claimed, state
from tests.kit import ANA, BEN, Story, lines


def in_doubt() -> Story:
    """Applied, asked to be taken back, and the target gave no answer."""
    story = claimed().when(ReportOutcome("M1", Outcome.APPLIED, "x")).when(UndoMitigation("M1", "worse"), BEN)
    return story.after(seconds=30).when(ReportUndo("M1", Outcome.UNKNOWN, "no answer"))


@pytest.mark.parametrize(
    ("found", "ended", "said"),
    [(Outcome.TAKEN_BACK, State.UNDONE, "was taken back"), (Outcome.STANDS, State.APPLIED, "still stands")],
)
def test_a_person_settles_it_in_the_words_of_an_undo(found: Outcome, ended: State, said: str) -> None:
    """The log holds what they saw, with their name; the target is free again, and nothing counts as never changed."""
    story = in_doubt().when(ReportOutcome("M1", found, "I looked"), BEN)
    (event,) = story.events
    assert event == OutcomeReported("M1", found, "I looked")
    assert state(story) is ended
    assert (story.incident.mitigations["M1"].undone_at == story.now) is (ended is State.UNDONE)
    assert lines(story)[-1].endswith(f"found that M1 {said}: I looked")
    claims = list(event.claims(in_doubt().incident))
    assert any(isinstance(each, Free) for each in claims)
    assert not any(isinstance(each, (Untally, Tally)) for each in claims)


def test_the_words_of_the_one_do_not_settle_the_other() -> None:
    """Applied and failed are refused of an undo, taken back and still stands of a change, each with what to say."""
    for wrong in (Outcome.APPLIED, Outcome.FAILED):
        because = in_doubt().refuses(ReportOutcome("M1", wrong, "x"), BEN)
        assert because == "nobody can tell whether M1 was taken back: say taken-back or still-stands"
    doubted = claimed().when(ReportOutcome("M1", Outcome.UNKNOWN, "?"))
    for wrong in (Outcome.TAKEN_BACK, Outcome.STANDS):
        because = doubted.refuses(ReportOutcome("M1", wrong, "x"), BEN)
        assert because == "nobody can tell whether M1 was applied: say applied or failed"
    assert "only admin or approver may" in in_doubt().refuses(ReportOutcome("M1", Outcome.STANDS), ANA)


def test_late_news_of_the_change_says_nothing_of_its_undoing() -> None:
    """What the engine still hears about having applied it leaves the doubt to people."""
    story = in_doubt()
    for late in (Outcome.APPLIED, Outcome.FAILED, Outcome.UNKNOWN):
        assert story.when(ReportOutcome("M1", late, "late")).events == ()


def test_people_are_called_about_what_is_in_doubt() -> None:
    """The page asks whether it was taken back, not whether it was applied; the change itself in doubt reads as before."""
    assert {each.because for each in in_doubt().incident.calls} == {
        "nobody can tell whether M1 was taken back; somebody must look at visits-router"
    }
    doubted = claimed().when(ReportOutcome("M1", Outcome.UNKNOWN, "?"))
    assert {each.because for each in doubted.incident.calls} == {
        "nobody can tell whether M1 was applied; somebody must look at visits-router"
    }


def test_an_older_log_still_folds() -> None:
    """It said failed where an undo had been found done, and applied where the change still stood."""
    assert state(in_doubt().tell(OutcomeReported("M1", Outcome.FAILED, "x"))) is State.UNDONE
    assert state(in_doubt().tell(OutcomeReported("M1", Outcome.APPLIED, "x"))) is State.APPLIED
