"""Nobody is on call: it is said once, those in their place have pages of their own, and whoever comes on call is paged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.climbing import NobodyOwed, UnansweredOwed
from bot.domain.escalation import Ladder, ReportUnanswered, Rung
from bot.domain.nobody import Lack, ReportNobody, unattended, why_them
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from tests.domain.test_ahead import said
from tests.domain.test_climbing import answered, keys, owed
from tests.kit import ANA, Story, declared, lines

IN_PLACE = Ladder((Rung(("max",)), Rung(("cleo",))), lack=Lack.VACANT)
NOBODY = Ladder((Rung(), Rung()), lack=Lack.UNSAID)
MANY = ("ana", "ben", "max", "cleo", "dan")


def told(story: Story, ladder: Ladder = IN_PLACE) -> Story:
    """It was said that nobody is on call."""
    (due,) = owed(story, ladder, NobodyOwed)
    assert due.due <= story.now
    assert isinstance(due, NobodyOwed)
    return story.when(ReportNobody(due.lack, due.people))


@pytest.mark.parametrize(
    ("lack", "people", "words"),
    [
        (Lack.UNSAID, ("max",), "no service says who is on call for this: max is paged instead"),
        (Lack.VACANT, ("max", "cleo"), "nobody is on call for this now: max and cleo are paged instead"),
        (Lack.UNSAID, MANY, "no service says who is on call for this: ana, ben, max and 2 more are paged instead"),
        (Lack.VACANT, (), "nobody is on call for this now, and nobody could be paged instead"),
    ],
)
def test_the_timeline_says_why_these_people(lack: Lack, people: tuple[str, ...], words: str) -> None:
    """In one sentence, of many the first three."""
    assert lines(declared().when(ReportNobody(lack, people)))[-1] == words


def test_it_is_said_once_until_it_is_otherwise() -> None:
    """Not again for the same reason; again where there is nobody any more, and never once somebody has it, or by hand."""
    story = told(declared())
    assert owed(story, IN_PLACE, NobodyOwed) == []
    assert story.when(ReportNobody(Lack.VACANT, ("dan",))).events == ()
    assert len(owed(story, replace(NOBODY, lack=Lack.VACANT), NobodyOwed)) == 1
    assert owed(story.when(Acknowledge(), ANA), NOBODY, NobodyOwed) == []
    assert declared().when(Acknowledge(), ANA).when(ReportNobody(Lack.VACANT)).events == ()
    assert declared().refuses(ReportNobody(Lack.VACANT), ANA).startswith("that nobody is on call is said by")


def test_those_in_place_are_climbed_like_anybody() -> None:
    """Level by level, round by round, and then it is said that nobody answered."""
    story = told(declared())
    assert keys(story, IN_PLACE) == ["page:INC-1:s0"]
    story = answered(story, IN_PLACE).after(minutes=5)
    assert keys(story, IN_PLACE) == ["page:INC-1:s1"]
    for _ in range(5):
        story = answered(story, IN_PLACE).after(minutes=5)
    assert len(owed(story, IN_PLACE, UnansweredOwed)) == 1
    assert owed(story, NOBODY, UnansweredOwed) == []


def test_whoever_comes_on_call_is_paged_although_somebody_was_in_their_place() -> None:
    """The pages of the one stand for none of the other; from the first that reached her on nothing is said of a gap."""
    story = answered(told(declared()), IN_PLACE)
    assert unattended(story.incident) is not None
    ladder = Ladder.of(["ana"])
    assert keys(story, ladder) == ["page:INC-1:0"]
    failed = story.when(ReportPage("page:INC-1:0", "ana", "sms", Receipt.FAILED))
    assert unattended(failed.incident) is not None
    assert unattended(answered(story, ladder).incident) is None
    assert unattended(story.when(Acknowledge(), ANA).incident) is None


def test_a_page_says_why_it_went_to_somebody_who_is_not_on_call() -> None:
    """Theirs alone: not the page of whoever is on call, nor of somebody asked for by name, nor the end's."""
    incident = told(declared()).incident
    words = "You are paged because nobody is on call for this now."
    for key in ("page:INC-1:s0", "page:INC-1:s1:max", "page:INC-1:s0:r2:c1"):
        assert why_them(incident, key) == words
    for key in ("page:INC-1:0", "page:INC-1:end:max", "page:INC-1:call:1"):
        assert why_them(incident, key) == ""


def test_what_must_not_be_overlooked() -> None:
    """Who is paged instead, or that somebody must act by hand; that nobody answered goes before it."""
    assert said(declared(), IN_PLACE)[1] == "Nobody is on call for this now: Max and Cleo are paged instead."
    words = "No service says who is on call for this, and nobody could be paged instead. Page somebody by name."
    assert said(declared(), NOBODY)[1] == words
    story = declared()
    story = story.when(ReportPage("page:INC-1:s0", "max", "sms", Receipt.FAILED))
    assert said(story, IN_PLACE)[1].endswith(
        "instead. No page has reached anybody yet. Page somebody by name, or call them."
    )
    assert said(declared().when(ReportUnanswered(3)), IN_PLACE)[1].startswith("Nobody answered")
