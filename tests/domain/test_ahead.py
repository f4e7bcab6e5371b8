"""What is said of an escalation while nobody answers: whom it climbs to next and when, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.ahead import Ahead, ahead, loud_words, next_words
from bot.domain.escalation import Ladder, ReportUnanswered
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.policy import Urgency
from tests.domain.test_climbing import PAIR, answered
from tests.kit import ANA, Story, declared

THEN = timedelta(minutes=3)


def known(story: Story, ladder: Ladder = PAIR) -> Ahead:
    found = ahead(story.incident, story.policy, ladder)
    assert found is not None
    return found


def time(at: datetime) -> str:
    return f"{at:%H:%M:%S}"


def said(story: Story, ladder: Ladder = PAIR) -> tuple[str, str]:
    found = known(story, ladder)
    return next_words(found, story.now, str.title, time), loud_words(found, str.title, time)


def test_the_next_rung_is_told_with_its_time() -> None:
    """First that the first two are being paged, then who is next, then that the round begins again."""
    story = declared()
    assert said(story) == ("Ana and Ben are being paged now.", "")
    story = answered(story, PAIR)
    assert said(story) == (f"Max is paged at {time(story.now + THEN)} if nobody answers.", "")
    story = answered(story.after(minutes=3), PAIR)
    again = story.now + timedelta(minutes=5)
    assert said(story)[0] == f"Ana and Ben are paged again at {time(again)} if nobody answers."


def test_before_giving_up_the_end_is_told() -> None:
    """At the end of the last round, with who hears of it; afterwards it is said aloud, and who was told."""
    story = declared()
    for minutes in (0, 3, 5, 3):
        story = answered(story.after(minutes=minutes), PAIR)
    found = known(story)
    assert found.gives_up == story.now + timedelta(minutes=5)
    assert said(story)[0].endswith(f"At {time(found.gives_up)} it is said that nobody answered, and Cleo hears of it.")
    story = story.after(minutes=5).when(ReportUnanswered(2))
    since = f"Nobody answered: since {time(story.now)} everybody on the escalation has been paged."
    assert said(story)[1] == since
    story = answered(story, PAIR)
    assert said(story)[1] == f"{since} Cleo was told."
    assert "gives" not in said(story)[0]
    assert "paged again" in said(story)[0]


def test_a_ladder_of_nobody_and_pages_that_all_failed_are_said_aloud() -> None:
    """Either way somebody must act by hand."""
    assert said(declared(), Ladder())[1] == "Nobody is on call for this, so nobody is paged. Page somebody by name."
    story = answered(declared(), PAIR, Receipt.FAILED)
    assert said(story)[1].startswith("No page has reached anybody yet.")
    assert said(story)[0] == f"Ana and Ben are paged at {time(story.now + timedelta(seconds=5))} if nobody answers."


def test_a_silent_channel_is_followed_by_the_next() -> None:
    """The same person by their other channel, unless others are paged by then anyway."""
    ladder = replace(PAIR, ways={"ana": ("sms", "voice")})
    story = declared()
    story = replace(story, policy=replace(story.policy, insist_after=timedelta(minutes=1)))
    story = answered(story, ladder)
    first = f"Ana is tried by their next channel at {time(story.now + timedelta(minutes=1))}."
    assert said(story, ladder)[0].startswith(first)
    story = replace(story, policy=replace(story.policy, insist_after=THEN))
    assert said(story, ladder)[0] == f"Max is paged at {time(story.now + THEN)} if nobody answers."


def test_nothing_is_said_once_somebody_answered_or_nobody_is_to_be_paged() -> None:
    """Nor of a ticket, nor of a storm's child without a card."""
    story = declared()
    assert ahead(story.when(Acknowledge(), ANA).incident, story.policy, PAIR) is None
    assert ahead(replace(story.incident, urgency=Urgency.TICKET), story.policy, PAIR) is None
    assert ahead(replace(story.incident, umbrella="INC-9"), story.policy, PAIR) is None


def test_a_page_by_hand_reaches_somebody_too() -> None:
    """Where it was taken, it is not said that nobody was reached."""
    story = answered(declared(), PAIR, Receipt.FAILED)
    story = story.when(ReportPage("page:INC-1:call:1", "max", "sms", Receipt.ACCEPTED))
    assert said(story)[1] == ""
