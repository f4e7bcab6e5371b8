"""Runbooks: one live step, answered once, leading where the answer says."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.lifecycle import Resolve
from bot.domain.policy import Policy
from bot.domain.runbook import CompleteStep, Kind, Option, Runbook, StartRunbook, Step
from bot.domain.sli import Judged, ObserveSli
from bot.domain.todo import StepOwed, todo
from tests.kit import ANA, AUDREY, BEN, Story, breached, declared, lines

BOOK = Runbook(
    "bad-release",
    "A bad release",
    "d1",
    (
        Step("look", Kind.READ, "Look at the chart"),
        Step("which", Kind.ASK, "Which version?", options=(Option("new", "New", "settle"), Option("all", "All", "end"))),
        Step("undo", Kind.ACT, "Roll back"),
        Step("settle", Kind.WAIT, "Wait", params={"seconds": 60}, next="helped"),
        Step("never", Kind.READ, "Skipped"),
        Step("helped", Kind.CHECK, "Met again?", options=(Option("met", "Met", "end"), Option("breached", "Breached", "settle"))),
    ),
)  # fmt: skip


def started() -> Story:
    return declared().when(StartRunbook(BOOK), ANA)


def owed(story: Story) -> list[StepOwed]:
    return [each for each in todo(story.incident, Policy(), None, []) if isinstance(each, StepOwed)]


def test_the_first_step_is_live_at_the_start() -> None:
    """Starting shows step 1 of 6; starting what is being followed already changes nothing."""
    story = started()
    run = story.incident.run
    assert run is not None
    assert (run.current, run.place) == ("look", "1 of 6")
    assert story.when(StartRunbook(BOOK), BEN).events == ()


def test_an_answer_leads_where_it_says() -> None:
    """In order without a word, by option where one has a next, to the end at "end"."""
    story = started().when(CompleteStep("look", "done"), ANA)
    assert story.incident.run.current == "which"
    assert story.when(CompleteStep("which", "new"), ANA).incident.run.current == "settle"
    ended = story.when(CompleteStep("which", "all", "both fail"), ANA)
    assert ended.incident.run.current == ""
    assert ended.incident.run.step is None
    assert lines(ended)[-1] == "ana answered step which: all — both fail"


def test_a_step_without_options_goes_on_in_order_and_the_last_one_ends() -> None:
    """After `undo` comes `settle`; after the last step nothing is live."""
    story = started().when(CompleteStep("look", "done"), ANA).when(CompleteStep("which", "new"), ANA)
    story = story.when(CompleteStep("settle", "waited"))
    assert story.incident.run.current == "helped"
    assert story.when(CompleteStep("helped", "met")).incident.run.current == ""
    back = story.when(CompleteStep("helped", "breached"))
    assert back.incident.run.current == "settle"
    single = Runbook("one", "One", "d", (Step("only", Kind.READ, "Only"),))
    assert declared().when(StartRunbook(single), ANA).when(CompleteStep("only", "done"), ANA).incident.run.current == ""


def test_the_second_click_changes_nothing_and_somebody_elses_is_told() -> None:
    """The same person and answer again is no event; another person reads what was answered."""
    story = started().when(CompleteStep("look", "done"), ANA)
    assert story.when(CompleteStep("look", "done"), ANA).events == ()
    assert "answered already: done" in story.refuses(CompleteStep("look", "done"), BEN)
    assert "answered already" in story.refuses(CompleteStep("look", "other"), ANA)


def test_junk_answers_are_refused_in_words() -> None:
    """No runbook, another step than the live one, an answer that is no option, no answer, no role."""
    assert "no runbook" in declared().refuses(CompleteStep("look", "done"), ANA)
    story = started()
    assert "the live step is 'look'" in story.refuses(CompleteStep("undo", "done"), ANA)
    assert "needs an answer" in story.refuses(CompleteStep("look", "  "), ANA)
    asked = story.when(CompleteStep("look", "done"), ANA)
    assert "takes new, all; not 'old'" in asked.refuses(CompleteStep("which", "old"), ANA)
    assert "only" in story.refuses(CompleteStep("look", "done"), AUDREY)
    assert "no steps" in declared().refuses(StartRunbook(replace(BOOK, steps=())), ANA)


def test_a_different_runbook_replaces_the_one_being_followed() -> None:
    """What was answered before stays in the log; the new one begins at its first step."""
    other = replace(BOOK, name="other", title="Another")
    story = started().when(CompleteStep("look", "done"), ANA).when(StartRunbook(other), BEN)
    assert (story.incident.run.book.name, story.incident.run.current, story.incident.run.done) == ("other", "look", ())
    assert any("answered step look" in line for line in lines(story))


def test_nothing_is_followed_in_an_incident_that_is_over() -> None:
    """A resolved incident takes no answers and owes no automatic step."""
    story = started().when(CompleteStep("look", "done"), ANA).when(CompleteStep("which", "new"), ANA)
    assert owed(story)
    met = breached(judged=Judged.MET)
    over = story.when(ObserveSli(met)).when(Resolve("done"), ANA)
    assert owed(over) == []
    assert "re-open it" in over.refuses(CompleteStep("settle", "waited"), ANA)
    assert "re-open it" in over.refuses(StartRunbook(BOOK), ANA)


def test_a_waiting_step_is_owed_when_its_time_has_passed() -> None:
    """The wait begins when the step becomes live, and each turn of a loop is owed anew."""
    story = started().when(CompleteStep("look", "done"), ANA).when(CompleteStep("which", "new"), ANA)
    (first,) = owed(story)
    assert first.due == story.now + timedelta(seconds=60)
    later = story.after(seconds=60).when(CompleteStep("settle", "waited")).when(CompleteStep("helped", "breached"))
    (second,) = owed(later)
    assert second.key != first.key
    assert second.due == later.now + timedelta(seconds=60)


def test_a_runbook_started_again_owes_its_steps_again() -> None:
    """The second run of the same book has keys of its own: what was done in the first run counts for nothing."""
    book = Runbook("auto", "Automatic", "d", (Step("look", Kind.CHECK, "Look"),))
    first = declared().when(StartRunbook(book), ANA)
    again = first.when(CompleteStep("look", "met")).after(minutes=1).when(StartRunbook(book), ANA)
    assert owed(first)[0].key != owed(again)[0].key


def test_only_steps_that_need_no_person_are_owed() -> None:
    """Reading, asking and acting wait for somebody."""
    kinds = {kind for kind in Kind if kind.automatic}
    assert kinds == {Kind.CHECK, Kind.QUERY, Kind.PAGE, Kind.WAIT}
    assert owed(started()) == []
