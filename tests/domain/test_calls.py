"""Asking for somebody by name: owed as a page to them alone, tried a few times, and said so whatever comes of it."""

from bot.domain.climbing import TRIES, PageOwed
from bot.domain.lifecycle import Resolve
from bot.domain.paging import Acknowledge, AskFor, Receipt, ReportPage
from bot.domain.policy import Policy
from bot.domain.todo import todo
from tests.kit import ANA, AUDREY, BEN, Story, declared, lines


def owed(story: Story) -> list[PageOwed]:
    found = todo(story.incident, Policy(), None, ["ana"])
    return [each for each in found if isinstance(each, PageOwed)]


def taken() -> Story:
    return declared().when(Acknowledge(), ANA)


def test_somebody_is_asked_for_although_the_incident_is_taken() -> None:
    """Nobody else is paged any more; the one who was named is, once, with the reason in the timeline."""
    story = taken().when(AskFor("ben", "you know the router"), ANA)
    (debt,) = owed(story)
    assert (debt.key, debt.person) == ("page:INC-1:call:1", "ben")
    assert lines(story)[-1] == "ana asked for ben: you know the router"
    story = story.when(ReportPage(debt.key, "ben", "phone", Receipt.ACCEPTED))
    assert owed(story) == []


def test_asking_again_at_once_is_one_page_and_later_another() -> None:
    """Two people at the same time, or a second click, page once; after a while one may ask again."""
    story = taken().when(AskFor("ben"), ANA)
    assert story.when(AskFor("ben"), BEN).events == ()
    assert [each.key for each in owed(story.after(minutes=3).when(AskFor("ben"), ANA))] == [
        "page:INC-1:call:1", "page:INC-1:call:2",
    ]  # fmt: skip


def test_who_cannot_be_reached_is_tried_a_few_times() -> None:
    """Each failure stands in the timeline; then whoever asked must find another way."""
    story = taken().when(AskFor("ben"), ANA)
    for attempt in range(1, TRIES + 1):
        (debt,) = owed(story)
        assert debt.attempt == attempt
        story = story.after(seconds=5).when(ReportPage(debt.key, "ben", "phone", Receipt.FAILED, "no carrier"))
    assert owed(story) == []
    assert "paging ben by phone failed: no carrier" in lines(story)[-1]


def test_only_responders_ask_and_only_while_it_is_open() -> None:
    """An auditor pages nobody; what is over wakes nobody, also where it was asked a moment before."""
    assert "only" in taken().refuses(AskFor("ben"), AUDREY)
    over = taken().when(AskFor("ben"), ANA).when(Resolve("x", "y"), ANA)
    assert owed(over) == []
    assert "re-open it" in over.refuses(AskFor("ben"), ANA)
